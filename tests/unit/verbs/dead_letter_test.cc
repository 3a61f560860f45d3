// Refused lines survive the way into the dead-letter file and back, byte for byte.
#include "verbs/dead_letter.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>

using namespace cairn;
using verbs::Refusal;
using verbs::rejected_line;
using verbs::unwrap_rejected;

namespace {

Refusal refused(std::string text) {
  return {"in.jsonl", 7, false, std::move(text),
          make_error(ErrorCode::InvalidArgument, "level: \"x\" is no level")};
}

}  // namespace

TEST_CASE("any line comes back as it was") {
  const std::string lines[] = {
      "",
      "{",
      R"({"a":"\u0000\"\\","b":[1,2.5e300]})",
      std::string("nul \0 inside", 12),
      "\xff\xfe not UTF-8",
      "tab\there, bell\x07",
      "\xf0\x9f\xaa\xa8",
      R"({"_rejected":{"file":"older"},"line":"inner"})",
  };
  for (const auto& line : lines) {
    const std::string entry = rejected_line(refused(line));
    CHECK(entry.find('\n') == std::string::npos);
    const auto back = unwrap_rejected(entry);
    REQUIRE(back);
    REQUIRE(back->has_value());
    CHECK(**back == line);
  }
}

TEST_CASE("random bytes come back as they were") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 500; ++round) {
    std::string line(random() % 40, 0);
    for (char& c : line) c = static_cast<char>(random() % 256);
    const auto back = unwrap_rejected(rejected_line(refused(line)));
    REQUIRE(back);
    REQUIRE(back->has_value());
    REQUIRE(**back == line);
  }
}

TEST_CASE("an entry says where it came from and why") {
  CHECK(rejected_line(refused("x")) ==
        R"({"_rejected":{"file":"in.jsonl","line":7,"code":"invalid_argument",)"
        R"("message":"level: \"x\" is no level"},"line":"x"})");
}

TEST_CASE("other lines are none of ours") {
  for (const char* line : {"", "{}", "[1]", R"({"id":"1","_rejected":{}})", "{\"_rejected\"",
                           R"({"a":{"_rejected":1}})", "nonsense"}) {
    const auto none = unwrap_rejected(line);
    REQUIRE(none);
    CHECK(!none->has_value());
  }
}

TEST_CASE("an entry without its line is refused with a hint") {
  Refusal cut = refused("start of it");
  cut.too_long = true;
  const auto back = unwrap_rejected(rejected_line(cut));
  REQUIRE(!back);
  CHECK(back.error().message.find("original file") != std::string::npos);
  CHECK(!unwrap_rejected(R"({"_rejected":{},"line_base64":"a=bc"})"));
  CHECK(!unwrap_rejected(R"({"_rejected":{},"line_base64":"abc"})"));
}
