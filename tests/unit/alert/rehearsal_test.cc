#include "alert/rehearsal.h"

#include <catch2/catch.hpp>

using namespace cairn;
using namespace cairn::alert;

namespace {

constexpr int64_t kMinute = 60 * kMicrosPerSecond;
TimeUs minute(int64_t n) { return TimeUs{n * kMinute}; }

MetricCondition above(double critical, std::optional<double> warning = {}) {
  MetricCondition metric;
  metric.time_window_min = 5;
  metric.critical = critical;
  metric.warning = warning;
  return metric;
}

std::vector<Update> values(const std::vector<double>& list, int64_t from = 1) {
  std::vector<Update> updates;
  for (const double value : list) updates.push_back({minute(from++), value, {}});
  return updates;
}

std::string reason(const MetricCondition& metric, const std::vector<Update>& updates,
                   RuleStatus status = RuleStatus::Active) {
  return explain(metric, status, rehearse(metric, updates).state).reason;
}

}  // namespace

TEST_CASE("a rehearsal is what the rule would have done") {
  const MetricCondition metric = above(10, 5);
  auto updates = values({1, 6, 11, 7, 3, 12});
  updates.insert(updates.begin() + 2, updates[1]);  // once more
  const Rehearsal done = rehearse(metric, updates);
  REQUIRE(done.points.size() == 7);
  std::vector<Severity> severities;
  for (const auto& point : done.points) severities.push_back(point.severity);
  using S = Severity;
  CHECK(severities ==
        std::vector{S::Ok, S::Warning, S::Warning, S::Critical, S::Warning, S::Ok, S::Ok});
  CHECK(done.points[2].outcome == Outcome::Stale);
  CHECK(done.points[6].held);
  CHECK(done.points[6].value == 12);
  REQUIRE(done.transitions.size() == 4);
  CHECK(done.transitions[0].at == minute(2));
  CHECK(done.transitions[3].closes());
  KeyState state;
  for (const Update& update : updates) state = step(metric, state, update).state;
  CHECK(done.state == state);
}

TEST_CASE("a rule says why it is quiet") {
  MetricCondition metric = above(10);
  CHECK(reason(metric, {}) == "Nothing has been evaluated yet.");
  CHECK(reason(metric, values({10})) == "The last value 10 is not above 10.");
  CHECK(reason(metric, values({10}), RuleStatus::Disabled) == "The rule is disabled.");
  CHECK(reason(metric, values({11}), RuleStatus::Creating).starts_with("The rule is new"));
  CHECK(reason(metric, values({11}), RuleStatus::Deleting) == "The rule is being deleted.");
  CHECK(reason(metric, values({11, 1, 12})) ==
        "The last value 12 is above 10, but an incident was detected less than 10 minutes before; "
        "the rule is held until 1970-01-01T00:11:00Z.");
  metric.threshold_period = 3;
  CHECK(reason(metric, values({1, 11, 12})) ==
        "The last value 12 is above 10, 2 of 3 evaluations in a row.");
  metric.threshold_type = Direction::Below;
  CHECK(reason(metric, values({11})) == "The last value 11 is not below 10.");
  metric.no_data = NoData::Hold;
  CHECK(reason(metric, {{minute(1), {}, {}}}) == "There was nothing to compute a value of.");
  metric.comparison_delta_min = 60;
  CHECK(reason(metric, {{minute(1), 5, 0}}).starts_with("There was nothing, or zero, in"));
}

TEST_CASE("a rule says why its incident is open") {
  MetricCondition metric = above(10, 5);
  CHECK(
      reason(metric, values({6})) ==
      "An incident is open since 1970-01-01T00:01:00Z, warning; values below or at 5 resolve it.");
  CHECK(reason(metric, values({11})) ==
        "An incident is open since 1970-01-01T00:01:00Z, critical; values below or at 10 resolve "
        "it.");
  metric.threshold_period = 2;
  metric.resolve_threshold = 3;
  CHECK(
      reason(metric, values({6, 6, 2})) ==
      "An incident is open since 1970-01-01T00:02:00Z, warning; values below 3 resolve it, 2 in a "
      "row, of which there are 1.");
}

TEST_CASE("the facts of an explanation") {
  MetricCondition metric = above(50, 20);
  metric.comparison_delta_min = 60;
  metric.resolve_threshold = 10;
  metric.resolution_min = 1;
  const std::vector<Update> updates = {{minute(7), 121, 100}};
  const Explanation found = explain(metric, RuleStatus::Active, rehearse(metric, updates).state);
  CHECK(found.severity == Severity::Warning);
  CHECK(found.window_begin == minute(2));
  CHECK(found.window_end == minute(7));
  CHECK(found.value == 121);
  REQUIRE(found.triggers.size() == 2);
  CHECK(found.triggers[0].threshold == 150);
  CHECK(found.triggers[0].at_threshold);
  CHECK_FALSE(found.triggers[0].active);
  CHECK(found.triggers[1].threshold == 120);
  CHECK(found.triggers[1].resolve == 110);
  CHECK(found.triggers[1].active);
  CHECK(found.open.has_value());
}
