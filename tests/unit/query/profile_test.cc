#include "query/profile.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "support/shop.h"

namespace cairn::testing {
namespace {

using query::Profile;
using query::Way;
using Outcome = Profile::Part::Outcome;

// Two segments of a day each and a head.
class Explained : public Shop {
 public:
  Explained() {
    for (int day = 1; day <= 3; ++day) {
      for (int i = 0; i < 40; ++i) {
        event({fmt::format("f{}", i % 8), fmt::format("2026-11-{:02}T10:{:02}:00Z", day, i),
               "Error", i % 4 == 0 ? "fatal" : "error",
               fmt::format(R"("user":{{"id":"{}"}},"tags":{{"no":"{}"}})", i, i)});
      }
      if (day < 3) seal();
    }
  }

  Profile explain(const std::string& text) {
    Profile profile;
    SteadyClock clock;
    query::SearchOptions how = options();
    how.control.clock = &clock;
    how.control.profile = &profile;
    const query::Query query = parsed(text);
    if (query::is_aggregate(query)) {
      must(query::aggregate(view(), query, how));
    } else {
      must(query::search(view(), query, how));
    }
    return profile;
  }
};

uint64_t found(const Profile::Node& node) {
  uint64_t sum = 0;
  for (const auto& work : node.work) sum += work.found;
  return sum;
}
uint64_t estimated(const Profile::Node& node) {
  uint64_t sum = 0;
  for (const auto& work : node.work) sum += work.estimated;
  return sum;
}
bool all_by(const Profile::Node& node, Way way) {
  return !node.work.empty() && std::all_of(node.work.begin(), node.work.end(),
                                           [&](const auto& work) { return work.way == way; });
}
const Profile::Node& child(const Profile::Node& node, const std::string& text) {
  const auto at = std::find_if(node.children.begin(), node.children.end(),
                               [&](const auto& one) { return one.text == text; });
  if (at == node.children.end()) FAIL("no child " << text);
  return *at;
}

TEST_CASE_METHOD(Explained, "each condition says what was expected and found, and how") {
  const Profile profile = explain("level:fatal no:[1*, 0] is:unresolved");
  CHECK(profile.conditions.kind == "and");
  const auto& level = child(profile.conditions, "level:fatal");
  CHECK(level.field == "level");
  CHECK(level.values == 1);
  CHECK(estimated(level) == 30);
  CHECK(found(level) == 30);
  CHECK(level.work.size() == 3);
  CHECK(all_by(level, Way::Posting));
  const auto& no = child(profile.conditions, "no:[1*, 0]");
  CHECK(no.values == 12);
  CHECK(profile.issues.conditions == std::vector<std::string>{"is:unresolved"});
  CHECK(profile.issues.asked > 0);
  CHECK(profile.issues.passed == profile.issues.asked);
  // 0, 12 and 16 on each of three days
  CHECK(profile.matches() == 9);
  CHECK(found(profile.conditions) == 9);
  CHECK(profile.pruned() == 0);
  CHECK(profile.counting == "matches by fingerprint");
}

TEST_CASE_METHOD(Explained, "parts outside of the time are pruned") {
  const Profile profile = explain("timestamp:>2026-11-02T10:20:00Z level:error | count()");
  REQUIRE(profile.parts.size() == 3);
  CHECK(profile.parts[0].outcome == Outcome::PrunedByTime);
  CHECK(profile.parts[1].outcome == Outcome::Matched);
  CHECK(profile.parts[1].segment);
  CHECK_FALSE(profile.parts[1].ways.empty());
  CHECK(profile.parts[2].outcome == Outcome::Matched);
  CHECK_FALSE(profile.parts[2].segment);
  CHECK(profile.pruned() == 1);
  CHECK(profile.time.begin > TimeUs{0});
  CHECK(profile.conditions.work.size() == 2);
  CHECK(profile.rows == 1);
  const Profile nothing = explain("level:nonsense");
  CHECK(nothing.pruned() == 3);
  CHECK(nothing.parts[0].outcome == Outcome::PrunedByPlan);
}

TEST_CASE_METHOD(Explained, "what stands twice is answered once") {
  const Profile profile = explain("(level:fatal no:1*) OR (no:1* user:\"id:3\")");
  CHECK(profile.conditions.kind == "or");
  size_t computed = 0, again = 0;
  for (const auto& branch : profile.conditions.children) {
    for (const auto& work : child(branch, "no:1*").work) {
      (work.way == Way::Again ? again : computed) += 1;
    }
  }
  CHECK(computed == 3);
  CHECK(again == 3);
}

TEST_CASE_METHOD(Explained, "the state answers what asks for issues alone") {
  const Profile profile = explain("is:unresolved");
  CHECK(profile.counting == "totals of the state, no occurrence read");
  CHECK(profile.conditions.kind == "all");
  const Profile table = explain("is:unresolved | count() by issue");
  CHECK(table.counting == "totals of the state, no occurrence read");
  CHECK(table.rows == 8);
}

TEST_CASE_METHOD(Explained, "negations come last and where nothing is left nobody is asked") {
  const Profile profile = explain("level:fatal user:\"id:1\" !no:5");
  for (const auto& work : child(profile.conditions.children.back(), "no:5").work) {
    CHECK(work.way == Way::Skipped);
  }
}

TEST_CASE_METHOD(Explained, "having no value is told as the opposite of having one") {
  for (const char* text : {"no:\"\"", "!has:no"}) {
    INFO(text);
    const Profile profile = explain(text);
    CHECK(profile.conditions.kind == "not");
    CHECK(profile.conditions.text.empty());
    REQUIRE(profile.conditions.children.size() == 1);
    CHECK(profile.conditions.children.front().kind == "present");
    CHECK(profile.conditions.children.front().text == "has:no");
  }
  CHECK(explain("!no:\"\"").conditions.text == "has:no");
  CHECK(explain("no:*").conditions.text == "no:*");
}

TEST_CASE_METHOD(Explained, "the stages are told in order") {
  std::vector<std::string> names;
  for (const auto& stage : explain("level:error").stages) names.push_back(stage.name);
  CHECK(names == std::vector<std::string>{"bind", "plan", "match", "roll-up", "rows"});
}

}  // namespace
}  // namespace cairn::testing
