#include "alert/shared_queries.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "support/shop.h"

namespace cairn::testing {
namespace {

using alert::EvaluationId;
using alert::Rule;
using alert::RuleId;
using alert::Side;

class Shared : public Shop {
 public:
  Shared() {
    event({"a", "2026-11-21T11:00:00Z", "Cannot pay", "error", R"("environment":"prod")"});
    event({"b", "2026-11-21T11:10:00Z", "Cannot ship", "fatal", R"("environment":"test")"});
    event({"c", "2026-11-21T11:20:00Z", "Slow", "warning", R"("environment":"prod")"});
  }

  static Rule rule(std::string query, uint32_t window_min = 60, std::string percent_of = "") {
    Rule one;
    one.name = "A";
    one.query = std::move(query);
    alert::MetricCondition metric;
    metric.time_window_min = window_min;
    metric.percent_of = std::move(percent_of);
    metric.critical = 5;
    one.condition = metric;
    return one;
  }

  alert::SharedQueries::Subscribed subscribe(uint32_t id, const Rule& one) {
    return queries.subscribe(RuleId{id}, one, must(alert::bind_rule(one, state(), options().now)));
  }

  // (evaluation, side) -> occurrences.
  std::map<std::pair<uint32_t, Side>, int> counts() {
    std::map<std::pair<uint32_t, Side>, int> counted;
    model::TermExtractor extractor;
    for (const auto& one : stored()) {
      queries.for_each_match(
          {one.occurrence, extractor.extract(one.occurrence), state(), GroupId{1}},
          [&](EvaluationId id, Side side) {
            ++counted[{raw(id), side}];
          });
    }
    return counted;
  }

  alert::SharedQueries queries;
};

TEST_CASE_METHOD(Shared, "rules that ask for the same share it, and the last one takes it along") {
  const auto first = subscribe(1, rule("level:error environment:prod"));
  CHECK(first.made);
  Rule same = rule("level:error");
  same.environment = "prod";
  same.name = "Another";
  const auto second = subscribe(2, same);
  CHECK_FALSE(second.made);
  CHECK(second.evaluation == first.evaluation);
  CHECK(queries.evaluation_of(RuleId{2}) == first.evaluation);
  // Another window over the same occurrences: one filter, two evaluations.
  const auto third = subscribe(3, rule("environment:prod level:error", 30));
  CHECK(third.made);
  CHECK(queries.figures().subscriptions == 3);
  CHECK(queries.figures().evaluations == 2);
  CHECK(queries.figures().filters == 1);
  CHECK(queries.figures().ratio() == 1.5);
  CHECK(counts() ==
        std::map<std::pair<uint32_t, Side>, int>{{{raw(first.evaluation), Side::Counted}, 1},
                                                 {{raw(third.evaluation), Side::Counted}, 1}});

  CHECK_FALSE(queries.unsubscribe(RuleId{1}).gone);
  const auto gone = queries.unsubscribe(RuleId{2});
  CHECK(gone.gone);
  CHECK(gone.evaluation == first.evaluation);
  CHECK_FALSE(queries.evaluation_of(RuleId{2}).has_value());
  CHECK(queries.figures().filters == 1);
  CHECK(queries.unsubscribe(RuleId{3}).gone);
  CHECK(queries.figures().filters == 0);
  CHECK(queries.figures().ratio() == 0);
  CHECK(queries.index().figures().conditions == 0);
  CHECK(counts().empty());
}

TEST_CASE_METHOD(Shared, "a percentage counts both of its sides") {
  const auto one = subscribe(1, rule("level:[error, fatal]", 60, ""));
  const auto part = subscribe(2, rule("level:[fatal, error]", 60, "environment:prod"));
  CHECK(queries.figures().filters == 2);
  const auto counted = counts();
  CHECK(counted.at({raw(one.evaluation), Side::Counted}) == 2);
  CHECK(counted.at({raw(part.evaluation), Side::Counted}) == 2);
  CHECK(counted.at({raw(part.evaluation), Side::Whole}) == 2);
  queries.unsubscribe(RuleId{2});
  CHECK(queries.figures().filters == 1);
  CHECK(counts().size() == 1);
  // A percentage of itself uses one filter twice.
  const auto itself = subscribe(3, rule("level:error", 60, "level:error"));
  CHECK(counts().at({raw(itself.evaluation), Side::Counted}) == 1);
  CHECK(counts().at({raw(itself.evaluation), Side::Whole}) == 1);
  queries.unsubscribe(RuleId{3});
  CHECK(queries.figures().filters == 1);
}

TEST_CASE_METHOD(Shared, "conditions on the issue are for the evaluation to ask") {
  const auto one = subscribe(1, rule("level:error is:resolved"));
  const auto two = subscribe(2, rule("level:error is:unresolved"));
  CHECK(one.evaluation != two.evaluation);
  CHECK(counts().size() == 2);
  CHECK(queries.figures().filters == 1);  // the same occurrences
  // Contradictions are not all the same: one counts nothing, the other nothing of any issue.
  const auto never = subscribe(3, rule("level:info !level:info"));
  const auto no_issue = subscribe(4, rule("is:resolved !is:resolved"));
  CHECK(never.evaluation != no_issue.evaluation);
  CHECK(queries.figures().filters == 3);
  CHECK_FALSE(counts().contains({raw(never.evaluation), Side::Counted}));
  CHECK(counts().at({raw(no_issue.evaluation), Side::Counted}) == 3);
}

TEST_CASE_METHOD(Shared, "figures are those of a plain list of rules") {
  const std::vector<Rule> rules = {
      rule("level:error"),
      rule("level:\"error\""),
      rule("level:error", 30),
      rule("level:[error, fatal]"),
      rule("level:fatal OR level:error"),
      rule("", 60, "level:error"),
      rule("!level:info"),
      rule("NOT level:info"),
  };
  const std::vector<int> evaluation = {0, 0, 1, 2, 2, 3, 4, 4};
  const std::vector<std::vector<int>> filters = {{0}, {0}, {0}, {1}, {1}, {2, 0}, {3}, {3}};
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    std::map<uint32_t, size_t> subscribed;  // rule -> which
    alert::SharedQueries fresh;
    std::swap(queries, fresh);
    for (int i = 0; i < 200; ++i) {
      const auto id = static_cast<uint32_t>(random() % 20);
      if (const auto at = subscribed.find(id); at != subscribed.end()) {
        const size_t which = at->second;
        subscribed.erase(at);
        const bool last = std::none_of(subscribed.begin(), subscribed.end(), [&](const auto& one) {
          return evaluation[one.second] == evaluation[which];
        });
        REQUIRE(queries.unsubscribe(RuleId{id}).gone == last);
      } else {
        const size_t which = random() % rules.size();
        const bool first = std::none_of(subscribed.begin(), subscribed.end(), [&](const auto& one) {
          return evaluation[one.second] == evaluation[which];
        });
        REQUIRE(subscribe(id, rules[which]).made == first);
        subscribed[id] = which;
      }
      std::set<int> evaluations;
      std::set<int> used;
      for (const auto& [rule_id, which] : subscribed) {
        evaluations.insert(evaluation[which]);
        used.insert(filters[which].begin(), filters[which].end());
      }
      REQUIRE(queries.figures().subscriptions == subscribed.size());
      REQUIRE(queries.figures().evaluations == evaluations.size());
      REQUIRE(queries.figures().filters == used.size());
      REQUIRE(queries.index().figures().filters == used.size());
    }
  }
}

}  // namespace
}  // namespace cairn::testing
