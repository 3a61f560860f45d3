#include "verbs/profile_output.h"

#include <catch2/catch.hpp>

namespace cairn::verbs {
namespace {

using query::Profile;
using query::Way;

Profile::Node level() {
  Profile::Node node;
  node.kind = "field";
  node.text = "level:error";
  node.field = "level";
  node.values = 1;
  node.work = {{1, 1000, 900, 40, Way::Posting}, {2, 200, 100, 10, Way::Posting}};
  return node;
}

Profile sample() {
  Profile profile;
  Profile::Node text;
  text.kind = "field";
  text.text = "time*out";
  text.field = "message";
  text.values = 12;
  text.work = {{1, 30, 20, 5, Way::Column}, {2, 0, 0, 0, Way::Skipped}};
  profile.conditions.kind = "and";
  profile.conditions.work = {{1, 3, 2, 50, Way::Combined}, {2, 0, 0, 10, Way::Combined}};
  profile.conditions.children = {level(), text};
  profile.issues = {{"is:unresolved", "(!assigned:me OR age:-24h)"}, 40, 7, 3};
  profile.time.begin = TimeUs{1'795'000'000'000'000};
  using Outcome = Profile::Part::Outcome;
  profile.parts = {
      {1000, TimeUs{1}, TimeUs{2}, true, Outcome::PrunedByTime, {}, 0, 0, 1},
      {5000, TimeUs{3}, TimeUs{4}, true, Outcome::Matched, {"time one by one"}, 3, 2, 60},
      {0, {}, {}, false, Outcome::NoMatch, {}, 0, 0, 10}};
  profile.stages = {{"bind", 3}, {"match", 70}};
  profile.counting = "matches by fingerprint";
  profile.rows = 1;
  profile.examined = 20;
  profile.memory_bytes = 2048;
  return profile;
}

TEST_CASE("a profile for people is a tree with sums over parts") {
  Terminal terminal;
  terminal.width = 120;
  const std::string text = profile_text(sample(), terminal);
  INFO(text);
  const auto has = [&](std::string_view piece) { return text.find(piece) != std::string::npos; };
  CHECK(has("  level:error"));
  CHECK(has("1,200"));
  CHECK(has("1,000"));
  CHECK(has("posting in 2"));
  CHECK(has("  time*out in message (12 values)"));
  CHECK(has("column in 1, skipped in 1"));
  CHECK(has("time: from 2026-11-18"));
  CHECK(has("issues: is:unresolved (!assigned:me OR age:-24h): at most 40, 7 asked, 3 passed"));
  CHECK(has("parts: 1 of 3 pruned, 5,000 of 6,000 occurrences left, 2 matched"));
  CHECK(has("then: time one by one in 1"));
  CHECK(has("counted: matches by fingerprint; 1 rows, 20 occurrences read one by one, 2.0 KiB"));
  CHECK(has("stages: bind 0.00 ms, match 0.07 ms, all 0.07 ms"));
}

TEST_CASE("a profile as JSON has every part") {
  const std::string json = profile_json(sample());
  INFO(json);
  const auto has = [&](std::string_view piece) { return json.find(piece) != std::string::npos; };
  CHECK(has(R"("text":"level:error","field":"level","values":1,"estimated":1200,"found":1000,)"
            R"("us":50,"ways":{"posting":2},"parts":[{"part":1,"estimated":1000,"found":900,)"
            R"("us":40,"way":"posting"},)"));
  CHECK(has(R"("issues":{"conditions":["is:unresolved",)"));
  CHECK(has(R"("kind":"head","occurrences":0,"first":null,"last":null,"outcome":"no match")"));
  CHECK(has(R"("outcome":"pruned by time")"));
  CHECK(has(R"("time":{"from":"2026-11-18T)"));
  CHECK(has(R"("until":null)"));
  CHECK(has(R"("stages":[{"name":"bind","us":3},{"name":"match","us":70}],"us":73})"));
  CHECK(profile_members(sample()) == json.substr(1, json.size() - 2));
  CHECK(with_member(R"({"lsn":1})", "profile", "{}") == R"({"lsn":1,"profile":{}})");
}

}  // namespace
}  // namespace cairn::verbs
