#include "support/awkward_occurrence.h"

#include <array>
#include <string_view>

#include "base/json_writer.h"

namespace cairn::testing {
namespace {

using Random = std::mt19937_64;

size_t below(Random& random, size_t bound) {
  return std::uniform_int_distribution<size_t>(0, bound - 1)(random);
}

bool chance(Random& random, size_t one_in) { return below(random, one_in) == 0; }

template <size_t N>
std::string_view pick(Random& random, const std::array<std::string_view, N>& from) {
  return from[below(random, N)];
}

Uuid random_uuid(Random& random) {
  Uuid id;
  for (auto& byte : id.bytes) byte = static_cast<uint8_t>(below(random, 256));
  return id;
}

std::string quoted(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

std::string blanks(Random& random) {
  static constexpr std::array<std::string_view, 4> kBlanks = {"", "", " ", "\t "};
  return std::string(pick(random, kBlanks));
}

std::string random_scalar(Random& random) {
  static constexpr std::array<std::string_view, 12> kScalars = {
      "0",     "-0",    "1.50",        "-12e+7",
      "true",  "false", "null",        "123456789012345678901234567890",
      "1e400", "\"\"",  "\"\\ud800\"", "0.00000000000000000000000000001",
  };
  return chance(random, 2) ? quoted(random_text(random, 8)) : std::string(pick(random, kScalars));
}

std::string random_members(Random& random, int depth, std::string_view prefix) {
  std::string json;
  const size_t count = below(random, 4);
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) json += "," + blanks(random);
    json += quoted(std::string(prefix) + std::to_string(i) + random_text(random, 3));
    json += blanks(random) + ":" + blanks(random) + random_json(random, depth - 1);
  }
  return json;
}

std::string random_tags(Random& random) {
  const bool list = chance(random, 3);
  std::string json(1, list ? '[' : '{');
  const size_t count = below(random, 6);
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) json += ',';
    static constexpr std::array<std::string_view, 8> kNames = {
        "environment", "release", "dist", "url", "logger", "browser", "os", "level"};
    const std::string name =
        quoted(chance(random, 2) ? std::string(kNames[i]) : std::to_string(i) + "\n\"tag");
    const std::string value = random_scalar(random);
    json += list ? "[" + name + "," + value + "]" : name + ":" + value;
  }
  return json + (list ? ']' : '}');
}

std::string random_event(Random& random, const Uuid& event_id) {
  std::string json = "{" + blanks(random) + "\"event_id\":" + quoted(event_id.hex());
  if (chance(random, 2)) json += ",\"platform\":" + quoted(random_text(random, 4));
  if (chance(random, 2)) json += ",\"tags\":" + random_tags(random);
  if (chance(random, 3)) json += ",\"timestamp\":1700000000.5";
  for (const std::string_view name :
       {"user", "exception", "request", "contexts", "logentry", "sdk", "release", "message"})
    if (chance(random, 5)) json += "," + quoted(name) + ":" + random_json(random, 4);
  return json + blanks(random) + "}";
}

void random_bodies(Random& random, model::Occurrence& o) {
  if (chance(random, 2)) o.evidence_data = "{" + random_members(random, 4, "e") + "}";
  if (chance(random, 2)) {
    o.evidence_display = "[";
    for (size_t i = below(random, 3); i > 0; --i) {
      o.evidence_display += R"({"important": true ,"value":)" + quoted(random_text(random, 9)) +
                            R"(,"name":"n"})" + (i > 1 ? "," : "");
    }
    o.evidence_display += "]";
  }
  if (!o.event_id || chance(random, 2)) {
    if (!o.event_id) o.event_id = random_uuid(random);
    o.event = random_event(random, *o.event_id);
  }
  // The reader keeps members without the blanks around them.
  if (chance(random, 3)) o.extra = "\"x\\u0041\":" + random_json(random, 3) + ",\"y\":[1, 2]";
}

}  // namespace

std::string random_text(Random& random, size_t max_characters) {
  static constexpr std::array<std::string_view, 13> kCharacters = {
      "a",    "B",  "7",   " ", "\"", "\\", "/", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
      "\x7F", "\n", "\x01"};
  std::string text;
  for (size_t i = below(random, max_characters + 1); i > 0; --i) {
    text += pick(random, kCharacters);
    if (chance(random, 40)) text += '\0';
  }
  return text;
}

std::string random_json(Random& random, int depth) {
  if (depth <= 0 || chance(random, 2)) return random_scalar(random);
  if (chance(random, 2)) return "{" + random_members(random, depth, "m") + "}";
  std::string json = "[" + blanks(random);
  const size_t count = below(random, 4);
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) json += ",";
    json += random_json(random, depth - 1);
  }
  return json + "]";
}

model::Occurrence awkward_occurrence(Random& random) {
  model::Occurrence o;
  o.id = random_uuid(random);
  o.project = ProjectId{1 + below(random, chance(random, 5) ? 1ull << 62 : 9)};
  if (chance(random, 2)) o.event_id = random_uuid(random);
  for (size_t i = 1 + below(random, 3); i > 0; --i)
    o.fingerprint.push_back("f" + random_text(random, 12));
  const auto text = [&random](std::optional<std::string>& out, size_t one_in) {
    if (chance(random, one_in)) out = random_text(random, 30);
  };
  text(o.title, 1);
  text(o.subtitle, 2);
  text(o.resource_id, 4);
  text(o.culprit, 3);
  static constexpr std::array<std::string_view, 6> kLevels = {"debug", "info",  "warning",
                                                              "error", "fatal", "sample"};
  if (!chance(random, 3)) o.level_text = std::string(pick(random, kLevels));
  if (chance(random, 3)) o.priority = static_cast<int32_t>(25 * (1 + below(random, 3)));
  if (chance(random, 4)) o.assignee = "user:" + std::to_string(below(random, 99));
  o.type = static_cast<uint32_t>(chance(random, 4) ? random() : below(random, 10'000));
  o.detection_time = std::uniform_real_distribution<double>(0, 4e9)(random);
  o.is_buffered_spans = chance(random, 6);
  random_bodies(random, o);
  return o;
}

}  // namespace cairn::testing
