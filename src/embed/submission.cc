#include "embed/submission.h"

#include <fmt/format.h>

#include "base/json_writer.h"
#include "embed/convert.h"
#include "model/message.h"

namespace cairn::embed {
namespace {

// Collects what parses, and remembers what does not, so that the answer has both in order.
class Batch {
 public:
  Result<void> add(uint64_t line, std::string_view text) {
    if (lines_.size() == v1::kMaxSubmitLines) {
      return make_error(ErrorCode::Exhausted,
                        fmt::format("more than {} lines in one call; nothing of it was stored",
                                    v1::kMaxSubmitLines));
    }
    auto message = parser_.parse(text, &prepared_.terms);
    lines_.push_back({line, std::nullopt});
    if (message.ok()) {
      prepared_.messages.push_back(std::move(message).value());
    } else {
      lines_.back().refused = message.error();
    }
    return {};
  }

  Result<v1::Submitted> submit(engine::Store& store, const v1::SubmitOptions& options) {
    engine::SubmitOptions how;
    how.actor = options.actor;
    how.input_time = options.input_time;
    // Also without messages: the answer tells how far the store is, or that it is closed.
    CAIRN_TRY_ASSIGN(engine::SubmitResult result, store.submit(std::move(prepared_), how));
    v1::Submitted done;
    done.lsn = raw(result.lsn);
    size_t next = 0;
    for (Line& line : lines_) {
      engine::ItemResult item{engine::Outcome::Refused, {}, std::move(line.refused)};
      if (!item.error) item = std::move(result.items[next++]);
      count(item.outcome, done);
      v1::SubmittedItem& out = done.items.emplace_back();
      out.line = line.number;
      out.outcome = to_public(item.outcome);
      out.lsn = raw(item.lsn);
      if (item.error) out.error = to_public(*item.error);
    }
    return done;
  }

 private:
  struct Line {
    uint64_t number = 0;
    std::optional<Error> refused;  // by the parser
  };

  static void count(engine::Outcome outcome, v1::Submitted& done) {
    switch (outcome) {
      case engine::Outcome::Stored:
        ++done.stored;
        break;
      case engine::Outcome::Duplicate:
        ++done.duplicates;
        break;
      case engine::Outcome::NoChange:
        ++done.no_change;
        break;
      case engine::Outcome::Reference:
        ++done.references;
        break;
      case engine::Outcome::Refused:
        ++done.refused;
        break;
    }
  }

  model::MessageParser parser_;
  engine::PreparedMessages prepared_;
  std::vector<Line> lines_;
};

void write_member(JsonWriter& json, std::string_view key, const std::string& text) {
  if (!text.empty()) json.key(key).string(text);
}

// In the wire form, so that there is one place that says what a valid occurrence is.
std::string to_line(const v1::Occurrence& occurrence) {
  JsonWriter json;
  json.begin_object();
  json.key("id").string(occurrence.id);
  json.key("project_id").unsigned_integer(occurrence.project);
  json.key("fingerprint").begin_array();
  for (const std::string& one : occurrence.fingerprint) json.string(one);
  json.end_array();
  json.key("issue_title").string(occurrence.title);
  json.key("subtitle").string(occurrence.subtitle);
  write_member(json, "culprit", occurrence.culprit);
  write_member(json, "level", occurrence.level);
  json.key("type").unsigned_integer(occurrence.type);
  const double seconds =
      static_cast<double>(raw(to_inner(occurrence.time))) / double{kMicrosPerSecond};
  json.key("detection_time").number(seconds);
  json.key("event").begin_object();
  json.key("event_id").string(occurrence.event_id.empty() ? occurrence.id : occurrence.event_id);
  write_member(json, "platform", occurrence.platform);
  write_member(json, "environment", occurrence.environment);
  write_member(json, "release", occurrence.release);
  write_member(json, "message", occurrence.message);
  if (!occurrence.user_id.empty()) {
    json.key("user").begin_object().key("id").string(occurrence.user_id).end_object();
  }
  if (!occurrence.tags.empty()) {
    json.key("tags").begin_array();
    for (const auto& [key, value] : occurrence.tags) {
      json.begin_array().string(key).string(value).end_array();
    }
    json.end_array();
  }
  return json.end_object().end_object().take();
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

Error too_much() {
  return make_error(ErrorCode::Exhausted,
                    fmt::format("more than {} MiB in one call; nothing of it was stored",
                                v1::kMaxSubmitBytes >> 20));
}

}  // namespace

Result<v1::Submitted> submit_lines(engine::Store& store, std::string_view lines,
                                   const v1::SubmitOptions& options) {
  if (lines.size() > v1::kMaxSubmitBytes) return too_much();
  Batch batch;
  for (uint64_t number = 1; !lines.empty(); ++number) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (!is_blank(line)) CAIRN_TRY(batch.add(number, line));
  }
  return batch.submit(store, options);
}

Result<v1::Submitted> submit_occurrences(engine::Store& store,
                                         std::span<const v1::Occurrence> occurrences,
                                         const v1::SubmitOptions& options) {
  Batch batch;
  size_t bytes = 0;
  for (size_t i = 0; i < occurrences.size(); ++i) {
    const std::string line = to_line(occurrences[i]);
    bytes += line.size();
    if (bytes > v1::kMaxSubmitBytes) return too_much();
    CAIRN_TRY(batch.add(i + 1, line));
  }
  return batch.submit(store, options);
}

}  // namespace cairn::embed
