#include "alert/rule.h"

#include <catch2/catch.hpp>
#include <functional>

using namespace cairn;
using namespace cairn::alert;

namespace {

MetricCondition counting(uint32_t window_min, double critical) {
  MetricCondition metric;
  metric.time_window_min = window_min;
  metric.critical = critical;
  return metric;
}

Rule metric_rule() {
  Rule rule;
  rule.name = "Checkout fails";
  rule.condition = counting(60, 100);
  return rule;
}

Rule issue_rule(IssueEvent event) {
  Rule rule;
  rule.name = "New";
  rule.condition = IssueCondition{event, 0, 0, 30};
  return rule;
}

struct Case {
  const char* what;
  std::function<void(Rule&, MetricCondition&)> change;
  const char* message;  // how it begins; nullptr: it is fine
};

void check_cases(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    INFO(one.what);
    Rule rule = metric_rule();
    one.change(rule, std::get<MetricCondition>(rule.condition));
    const auto checked = check_limits(rule);
    CHECK(checked.ok() == (one.message == nullptr));
    if (!checked.ok() && one.message != nullptr) {
      INFO(checked.error().message);
      CHECK(checked.error().code == ErrorCode::InvalidArgument);
      CHECK(checked.error().message.starts_with(one.message));
    }
  }
}

}  // namespace

TEST_CASE("a rule is within the limits of the field") {
  check_cases({
      {"as it is", [](Rule&, MetricCondition&) {}, nullptr},
      {"no name", [](Rule& r, auto&) { r.name = ""; }, "name: expected 1 to 256"},
      {"blank name", [](Rule& r, auto&) { r.name = " \t "; }, "name:"},
      {"256 letters", [](Rule& r, auto&) { r.name = std::string(256, 'x'); }, nullptr},
      {"257 letters", [](Rule& r, auto&) { r.name = std::string(257, 'x'); }, "name:"},
      {"256 letters of two bytes",
       [](Rule& r, auto&) {
         r.name.clear();
         for (int i = 0; i < 256; ++i) r.name += "ä";
       },
       nullptr},
      {"owner", [](Rule& r, auto&) { r.owner = "team:3"; }, nullptr},
      {"bad owner", [](Rule& r, auto&) { r.owner = "3"; }, "owner: '3' is nobody"},
      {"projects",
       [](Rule& r, auto&) {
         r.projects = {ProjectId{1}, ProjectId{2}};
       },
       nullptr},
      {"twice",
       [](Rule& r, auto&) {
         r.projects = {ProjectId{2}, ProjectId{2}};
       },
       "projects:"},
      {"project 0", [](Rule& r, auto&) { r.projects = {ProjectId{0}}; }, "projects:"},
      {"environment", [](Rule& r, auto&) { r.environment = std::string(201, 'e'); },
       "environment: expected at most 200 bytes"},
      {"no window", [](Rule&, auto& m) { m.time_window_min = 0; },
       "time_window: expected 1 to 1440 minutes, got 0"},
      {"a day", [](Rule&, auto& m) { m.time_window_min = 1440; }, nullptr},
      {"more", [](Rule&, auto& m) { m.time_window_min = 1441; }, "time_window:"},
      {"resolution", [](Rule&, auto& m) { m.resolution_min = 60; }, nullptr},
      {"coarse", [](Rule&, auto& m) { m.resolution_min = 61; }, "resolution:"},
      {"gaps",
       [](Rule&, auto& m) {
         m.time_window_min = 10;
         m.resolution_min = 11;
       },
       "resolution: 11 minutes are more than the window of 10"},
      {"period", [](Rule&, auto& m) { m.threshold_period = 20; }, nullptr},
      {"no period", [](Rule&, auto& m) { m.threshold_period = 0; }, "threshold_period:"},
      {"long period", [](Rule&, auto& m) { m.threshold_period = 21; }, "threshold_period:"},
      {"89 days", [](Rule&, auto& m) { m.comparison_delta_min = 89 * 1440; }, nullptr},
      {"longer", [](Rule&, auto& m) { m.comparison_delta_min = 89 * 1440 + 1; },
       "comparison_delta:"},
      {"delta 0", [](Rule&, auto& m) { m.comparison_delta_min = 0; }, "comparison_delta:"},
      {"aggregate", [](Rule&, auto& m) { m.aggregate = " "; }, "aggregate:"},
      {"infinite", [](Rule&, auto& m) { m.critical = HUGE_VAL; }, "triggers: expected finite"},
  });
}

TEST_CASE("critical is beyond warning, and resolving on the healthy side") {
  const auto sides = [](Direction direction, double critical, std::optional<double> warning,
                        std::optional<double> resolve, std::optional<uint32_t> delta = {}) {
    return [=](Rule&, MetricCondition& m) {
      m.threshold_type = direction;
      m.critical = critical;
      m.warning = warning;
      m.resolve_threshold = resolve;
      m.comparison_delta_min = delta;
    };
  };
  constexpr Direction kUp = Direction::Above;
  constexpr Direction kDown = Direction::Below;
  check_cases({
      {"above", sides(kUp, 100, 50, {}), nullptr},
      {"above, equal", sides(kUp, 100, 100, {}), "triggers: critical (100) has to be beyond"},
      {"above, wrong", sides(kUp, 100, 101, {}), "triggers:"},
      {"below", sides(kDown, 10, 20, {}), nullptr},
      {"below, wrong", sides(kDown, 20, 10, {}), "triggers:"},
      {"resolve at the threshold", sides(kUp, 100, {}, 100), nullptr},
      // No count is between 100 and 101: more than 100 alerts, less than 101 resolves.
      {"resolve one above, of counts", sides(kUp, 100, {}, 101), nullptr},
      {"resolve two above", sides(kUp, 100, {}, 102), "resolve_threshold: 102 is on the unhealthy"},
      {"resolve above the warning", sides(kUp, 100, 50, 60), "resolve_threshold:"},
      {"resolve below the warning", sides(kUp, 100, 50, 40), nullptr},
      {"below: resolve one below", sides(kDown, 10, {}, 9), nullptr},
      {"below: resolve two below", sides(kDown, 10, {}, 8), "resolve_threshold:"},
      {"below: resolve above", sides(kDown, 10, 20, 30), nullptr},
      {"20 percent less warns, 50 is critical", sides(kDown, 50, 20, {}, 60), nullptr},
      {"the other way round", sides(kDown, 20, 50, {}, 60), "triggers:"},
      {"resolve at 10 percent less", sides(kDown, 50, 20, 10, 60), nullptr},
      {"resolve at 21 percent less", sides(kDown, 50, 20, 21, 60), "resolve_threshold:"},
      {"a percentage has no whole numbers", sides(kUp, 50, {}, 51, 60), "resolve_threshold:"},
  });
}

TEST_CASE("issue rules count, or tell of something that happens") {
  Rule rule = issue_rule(IssueEvent::FirstSeen);
  auto& issue = std::get<IssueCondition>(rule.condition);
  CHECK(check_limits(rule).ok());
  issue.quiet_min = 4;
  CHECK(check_limits(rule).error().message == "frequency: expected 5 to 43200 minutes, got 4");
  issue.quiet_min = 43'200;
  CHECK(check_limits(rule).ok());
  issue.value = 1;
  CHECK(check_limits(rule).error().message.starts_with("value: \"first_seen\" counts nothing"));
  issue.event = IssueEvent::SeenTimes;
  CHECK(check_limits(rule).error().message.starts_with("interval: expected 1 to 1440"));
  issue.interval_min = 60;
  CHECK(check_limits(rule).ok());
}

TEST_CASE("a rule is evaluated as often as the field does") {
  struct Step {
    uint32_t window_min;
    uint32_t static_min;
  };
  for (const Step& step : {Step{1, 1},
                           {29, 1},
                           {30, 2},
                           {59, 2},
                           {60, 3},
                           {120, 3},
                           {239, 3},
                           {240, 5},
                           {720, 5},
                           {1439, 5},
                           {1440, 15}}) {
    INFO(step.window_min);
    MetricCondition metric = counting(step.window_min, 1);
    CHECK(resolution_of(metric) == step.static_min);
    metric.comparison_delta_min = 60;
    CHECK(resolution_of(metric) == 2 * step.static_min);
    metric.resolution_min = 7;
    CHECK(resolution_of(metric) == 7);
  }
}

TEST_CASE("thresholds of comparisons are percentages of the earlier window") {
  MetricCondition metric = counting(60, 0);
  CHECK(effective_threshold(metric, 30) == 30);
  metric.comparison_delta_min = 60;
  CHECK(effective_threshold(metric, 30) == 130);
  metric.threshold_type = Direction::Below;
  CHECK(effective_threshold(metric, 30) == 70);
}

TEST_CASE("the life of a rule") {
  using S = RuleStatus;
  struct Row {
    S from;
    // After Filled, Changed, Enabled, Disabled, Removed; nullopt: refused.
    std::optional<S> to[5];
  };
  const Row rows[] = {
      {S::Active, {S::Active, S::Updating, S::Active, S::Disabled, S::Deleting}},
      {S::Creating, {S::Active, S::Creating, S::Creating, S::Disabled, S::Deleting}},
      {S::Updating, {S::Active, S::Updating, S::Updating, S::Disabled, S::Deleting}},
      {S::Deleting, {S::Deleting, {}, {}, {}, S::Deleting}},
      {S::Disabled, {S::Disabled, S::Disabled, S::Creating, S::Disabled, S::Deleting}},
  };
  for (const Row& row : rows) {
    for (int step = 0; step < 5; ++step) {
      INFO(rule_status_name(row.from) << ", step " << step);
      const auto next = next_status(row.from, static_cast<StatusStep>(step));
      REQUIRE(next.ok() == row.to[step].has_value());
      if (next.ok()) CHECK(*next == *row.to[step]);
      if (!next.ok()) CHECK(next.error().code == ErrorCode::Conflict);
    }
  }
}

TEST_CASE("only what is counted and its thresholds are a rule's meaning") {
  const Rule rule = metric_rule();
  Rule other = rule;
  other.name = "Another";
  other.owner = "user:7";
  other.status = RuleStatus::Disabled;
  CHECK(same_meaning(rule, other));
  other.query = "level:error";
  CHECK_FALSE(same_meaning(rule, other));
  other = rule;
  std::get<MetricCondition>(other.condition).critical = 101;
  CHECK_FALSE(same_meaning(rule, other));
  other = rule;
  other.projects = {ProjectId{1}};
  CHECK_FALSE(same_meaning(rule, other));
  other = rule;
  other.environment = "production";
  CHECK_FALSE(same_meaning(rule, other));
}
