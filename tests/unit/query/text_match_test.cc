#include "query/text_match.h"

#include <catch2/catch.hpp>

namespace cairn::query {
namespace {

TEST_CASE("patterns are anchored at both ends") {
  const auto matches = [](std::vector<std::string> runs, std::string_view text) {
    return TextMatch::pattern(std::move(runs), false).matches(text);
  };
  CHECK(matches({"a", "b"}, "ab"));
  CHECK(matches({"a", "b"}, "a-b"));
  CHECK_FALSE(matches({"a", "b"}, "a-b-"));
  CHECK_FALSE(matches({"ab", "ba"}, "aba"));  // the runs may not share a letter
  CHECK(matches({"", "b", ""}, "abc"));
  CHECK(matches({"", "ab", "ab", ""}, "abab"));
  CHECK_FALSE(matches({"", "ab", "ab", ""}, "aba"));
  CHECK(matches({"", ""}, ""));
  CHECK(TextMatch::pattern({"", "", ""}, false).is_any());
}

TEST_CASE("folding case knows ASCII letters only") {
  const TextMatch match = TextMatch::pattern({"", "Ab\xC3\x84", ""}, true);
  CHECK(match.matches("xaB\xC3\x84x"));
  CHECK_FALSE(match.matches("xaB\xC3\xA4x"));
}

TEST_CASE("operator words make patterns of values") {
  Value value;
  value.text = "mid";
  CHECK(TextMatch::of(value, Op::Contains, false).matches("amidst"));
  CHECK(TextMatch::of(value, Op::StartsWith, false).matches("middle"));
  CHECK_FALSE(TextMatch::of(value, Op::StartsWith, false).matches("amid"));
  CHECK(TextMatch::of(value, Op::EndsWith, false).matches("amid"));
  CHECK(*TextMatch::of(value, Op::Equal, false).exact() == "mid");
}

TEST_CASE("numbers and prefixes") {
  CHECK(TextMatch::number(Op::Greater, 10).matches("10.5"));
  CHECK_FALSE(TextMatch::number(Op::Greater, 10).matches("10"));
  CHECK_FALSE(TextMatch::number(Op::Less, 10).matches("few"));
  CHECK(*TextMatch::equal("7").after_prefix("id:").exact() == "id:7");
  CHECK(TextMatch::any().after_prefix("id:").matches("id:x"));
  CHECK_FALSE(TextMatch::any().after_prefix("id:").matches("email:x"));
  CHECK(TextMatch::pattern({"", "x"}, false).after_prefix("id:").matches("id:yx"));
}

}  // namespace
}  // namespace cairn::query
