#include "alert/incident.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "support/naive_incidents.h"

using namespace cairn;
using namespace cairn::alert;

namespace {

constexpr int64_t kMinute = 60 * kMicrosPerSecond;
TimeUs minute(int64_t n) { return TimeUs{n * kMinute}; }

// Evaluated every minute.
MetricCondition above(double critical, std::optional<double> warning = {}) {
  MetricCondition metric;
  metric.time_window_min = 5;
  metric.critical = critical;
  metric.warning = warning;
  return metric;
}

// What a row of a table says of one update.
struct Row {
  int64_t at;  // minutes
  std::optional<double> value;
  const char* then;  // "-": no transition; "ok>critical" ...
  Outcome outcome = Outcome::Counted;
  std::optional<double> base{};
};

std::string transition_text(const std::optional<Transition>& transition) {
  if (!transition) return "-";
  return std::string(severity_name(transition->from)) + ">" +
         std::string(severity_name(transition->to));
}

KeyState run(const MetricCondition& metric, const std::vector<Row>& rows, KeyState state = {}) {
  for (const Row& row : rows) {
    INFO("minute " << row.at << ", value " << row.value.value_or(NAN));
    const Step done = step(metric, state, {minute(row.at), row.value, row.base});
    CHECK(transition_text(done.transition) == row.then);
    CHECK(outcome_name(done.outcome) == outcome_name(row.outcome));
    if (done.outcome == Outcome::Stale) CHECK(done.state == state);
    state = done.state;
  }
  return state;
}

}  // namespace

TEST_CASE("a value strictly beyond the threshold opens an incident, one that is not closes it") {
  run(above(10),
      {{1, 10, "-"}, {2, 11, "ok>critical"}, {3, 99, "-"}, {4, 10, "critical>ok"}, {5, 10, "-"}});
  MetricCondition below = above(10);
  below.threshold_type = Direction::Below;
  run(below, {{1, 10, "-"}, {2, 9, "ok>critical"}, {3, -5, "-"}, {4, 10, "critical>ok"}});
}

TEST_CASE("the threshold period counts evaluations in a row, also back") {
  MetricCondition metric = above(10);
  metric.threshold_period = 3;
  run(metric, {{1, 11, "-"},
               {2, 11, "-"},
               {3, 10, "-"},
               {4, 11, "-"},
               {5, 11, "-"},
               {6, 11, "ok>critical"},
               {7, 1, "-"},
               {8, 1, "-"},
               {9, 11, "-"},
               {10, 1, "-"},
               {11, 1, "-"},
               {12, 1, "critical>ok"}});
}

TEST_CASE("an evaluation that is missing is not one in a row") {
  MetricCondition metric = above(10);
  metric.threshold_period = 2;
  run(metric, {{1, 11, "-"},
               {3, 11, "-"},
               {4, 11, "ok>critical"},
               {5, 1, "-"},
               {9, 1, "-"},
               {10, 1, "critical>ok"}});
}

TEST_CASE("the resolve threshold leaves a band in which nothing changes") {
  MetricCondition metric = above(10);
  metric.resolve_threshold = 5;
  run(metric,
      {{1, 11, "ok>critical"}, {2, 8, "-"}, {3, 5, "-"}, {4, 4, "critical>ok"}, {5, 8, "-"}});
  metric.resolve_threshold = 11;  // of counts: less than 11 resolves
  run(metric, {{1, 11, "ok>critical"}, {2, 11, "-"}, {3, 10, "critical>ok"}});
  metric.threshold_type = Direction::Below;
  metric.resolve_threshold = 20;
  run(metric, {{1, 9, "ok>critical"}, {2, 20, "-"}, {3, 21, "critical>ok"}});
}

TEST_CASE("an incident is as bad as the worst of its triggers") {
  const MetricCondition metric = above(10, 5);
  run(metric, {{1, 5, "-"},
               {2, 6, "ok>warning"},
               {3, 11, "warning>critical"},
               {4, 12, "-"},
               {5, 10, "critical>warning"},
               {6, 6, "-"},
               {7, 5, "warning>ok"}});
  // Both at once are one transition.
  const KeyState state = run(metric, {{1, 11, "ok>critical"}, {2, 1, "critical>ok"}});
  CHECK(state.incidents == 1);
}

TEST_CASE("the resolve threshold is that of the warning; critical resolves at its own") {
  MetricCondition metric = above(10, 5);
  metric.resolve_threshold = 2;
  run(metric, {{1, 11, "ok>critical"},
               {2, 10, "critical>warning"},
               {3, 5, "-"},
               {4, 2, "-"},
               {5, 1, "warning>ok"}});
}

TEST_CASE("each trigger counts for itself") {
  MetricCondition metric = above(10, 5);
  metric.threshold_period = 2;
  run(metric, {{1, 6, "-"},
               {2, 11, "ok>warning"},
               {3, 11, "warning>critical"},
               {4, 6, "-"},
               {5, 4, "critical>warning"},
               {6, 4, "warning>ok"}});
}

TEST_CASE("comparisons are percentages of the earlier window") {
  MetricCondition metric = above(50, 20);
  metric.comparison_delta_min = 60;
  metric.resolution_min = 1;
  run(metric, {{1, 120, "-", Outcome::Counted, 100},
               {2, 121, "ok>warning", Outcome::Counted, 100},
               {3, 151, "warning>critical", Outcome::Counted, 100},
               // Nothing to compare with changes nothing, not even counters.
               {4, 1, "-", Outcome::NoBase, 0},
               {5, 1, "-", Outcome::NoBase},
               {6, 150, "critical>warning", Outcome::Counted, 100},
               {7, 0, "warning>ok", Outcome::Counted, 100}});
  // So many times as much that it is no number any more.
  const auto huge = step(metric, {}, {minute(1), 1e308, 1e-308});
  CHECK(huge.value == std::numeric_limits<double>::max());
  metric.threshold_type = Direction::Below;
  run(metric, {{1, 80, "-", Outcome::Counted, 100},
               {2, 79, "ok>warning", Outcome::Counted, 100},
               {3, 49, "warning>critical", Outcome::Counted, 100},
               {4, {}, "-", Outcome::Counted, 100}});  // nothing is 0: still critical
}

TEST_CASE("an evaluation with nothing to compare with does not break a row") {
  MetricCondition metric = above(0);
  metric.comparison_delta_min = 60;
  metric.resolution_min = 1;
  metric.threshold_period = 2;
  run(metric, {{1, 2, "-", Outcome::Counted, 1},
               {2, 2, "-", Outcome::NoBase, 0},
               {3, 2, "ok>critical", Outcome::Counted, 1}});
}

TEST_CASE("no data is zero, or holds everything") {
  MetricCondition metric = above(10);
  metric.threshold_type = Direction::Below;
  run(metric, {{1, 10, "-"}, {2, {}, "ok>critical"}, {3, {}, "-"}, {4, 10, "critical>ok"}});
  run(metric, {{1, NAN, "ok>critical"}});
  metric.no_data = NoData::Hold;
  run(metric, {{1, {}, "-", Outcome::NoValue},
               {2, 9, "ok>critical"},
               {3, {}, "-", Outcome::NoValue},
               {4, INFINITY, "-", Outcome::NoValue},
               {5, 10, "critical>ok"}});
}

TEST_CASE("updates that come again or late change nothing") {
  run(above(10), {{5, 11, "ok>critical"},
                  {5, 11, "-", Outcome::Stale},
                  {5, 1, "-", Outcome::Stale},
                  {4, 1, "-", Outcome::Stale},
                  {-7, 1, "-", Outcome::Stale},
                  {6, 1, "critical>ok"},
                  {6, 99, "-", Outcome::Stale}});
}

TEST_CASE("a trigger is held for ten minutes after its last incident, in all their minutes") {
  // Fired at 0, back at 1: held until 10, and fires at 11 for what was counted meanwhile.
  std::vector<Row> rows = {{0, 11, "ok>critical"}, {1, 1, "critical>ok"}};
  for (int64_t at = 2; at <= 10; ++at) rows.push_back({at, 11, "-"});
  rows.push_back({11, 11, "ok>critical"});
  run(above(10), rows);
  // The field looks at the seconds of the age alone, so that it holds again an hour later.
  for (const int64_t at : {60, 65, 70, 24 * 60 + 5}) {
    INFO(at);
    MetricCondition metric = above(10);
    run(metric, {{0, 11, "ok>critical"}, {1, 1, "critical>ok"}, {at, 11, "ok>critical"}});
  }
  // The age counts from the incident, not from when it ended.
  run(above(10), {{0, 11, "ok>critical"}, {20, 1, "critical>ok"}, {21, 11, "ok>critical"}});
}

TEST_CASE("a hold is of one trigger, and is told") {
  const MetricCondition metric = above(10, 5);
  const KeyState state = run(metric, {{0, 6, "ok>warning"},
                                      {1, 11, "warning>critical"},
                                      {2, 6, "critical>warning"},
                                      {3, 11, "-"}});
  const Step held = step(metric, state, {minute(4), 11, {}});
  CHECK(held.critical_held);
  CHECK_FALSE(held.warning_held);
  CHECK_FALSE(held.transition.has_value());
  const Step fires = step(metric, held.state, {minute(11), 11, {}});
  CHECK(transition_text(fires.transition) == "warning>critical");
  CHECK_FALSE(fires.critical_held);
}

TEST_CASE("an incident began when its first window did") {
  MetricCondition metric = above(10);
  metric.time_window_min = 60;  // every 3 minutes
  metric.threshold_period = 4;
  KeyState state;
  for (int64_t at = 100; at < 109; at += 3) state = step(metric, state, {minute(at), 11, {}}).state;
  const Step done = step(metric, state, {minute(109), 12, {}});
  REQUIRE(done.transition.has_value());
  const Incident& incident = done.transition->incident;
  CHECK(incident.detected == minute(109));
  CHECK(incident.started == minute(109 - 60 - 3 * 3));
  CHECK(incident.number == 1);
  CHECK(incident.steps == 1);
  CHECK(done.transition->value == 12);
  CHECK(done.transition->opens());
  CHECK(done.state.open == incident);
}

TEST_CASE("a closed incident says when, how and how bad it was") {
  Step done = step(above(10, 5), {}, {minute(1), 11, {}});
  done = step(above(10, 5), done.state, {minute(2), 6, {}});
  done = step(above(10, 5), done.state, {minute(3), 1, {}});
  REQUIRE(done.transition.has_value());
  CHECK(done.transition->closes());
  const Incident& incident = done.transition->incident;
  CHECK(incident.closed == minute(3));
  CHECK(incident.method == CloseMethod::RuleTriggered);
  CHECK(incident.severity == Severity::Ok);
  CHECK(incident.worst == Severity::Critical);
  CHECK(incident.steps == 3);
  CHECK_FALSE(done.state.open.has_value());
  CHECK(incident_status(Severity::Ok) == 2);
  CHECK(incident_status(Severity::Warning) == 10);
  CHECK(incident_status(Severity::Critical) == 20);
}

TEST_CASE("a person closes an incident, and it comes back once counted and no longer held") {
  const MetricCondition metric = above(10);
  const KeyState open = run(metric, {{0, 11, "ok>critical"}, {1, 11, "-"}});
  const auto closed = close(open, CloseMethod::Manual, minute(1));
  REQUIRE(closed.ok());
  CHECK(transition_text(closed->transition) == "critical>ok");
  CHECK(closed->transition->incident.method == CloseMethod::Manual);
  CHECK(closed->transition->incident.closed == minute(1));
  CHECK_FALSE(closed->transition->value.has_value());
  const auto again = close(closed->state, CloseMethod::Manual, minute(2));
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == ErrorCode::Conflict);
  const KeyState later =
      run(metric, {{2, 11, "-"}, {10, 11, "-"}, {11, 11, "ok>critical"}}, closed->state);
  CHECK(later.open->number == 2);
}

TEST_CASE("a rule that means something else closes its incident and counts anew") {
  MetricCondition metric = above(10);
  metric.threshold_period = 2;
  KeyState state = run(metric, {{0, 11, "-"}, {1, 11, "ok>critical"}, {2, 1, "-"}});
  const Step changed = rule_changed(state, minute(2));
  CHECK(transition_text(changed.transition) == "critical>ok");
  CHECK(changed.transition->incident.method == CloseMethod::RuleUpdated);
  metric.critical = 20;
  state = run(metric, {{12, 21, "-"}, {13, 21, "ok>critical"}}, changed.state);
  // Without an incident there is nothing to tell, but counters begin anew all the same.
  metric.critical = 30;
  state = run(metric, {{14, 1, "-"}, {15, 1, "critical>ok"}, {26, 31, "-"}}, state);
  const Step quiet = rule_changed(state, minute(26));
  CHECK_FALSE(quiet.transition.has_value());
  run(metric, {{27, 31, "-"}, {28, 31, "ok>critical"}}, quiet.state);
}

TEST_CASE("incidents are acknowledged and commented") {
  KeyState state = run(above(10), {{0, 11, "ok>critical"}});
  Incident& incident = *state.open;
  CHECK(acknowledge(incident, {minute(1), ""}).error().code == ErrorCode::InvalidArgument);
  CHECK(*acknowledge(incident, {minute(1), "user:7"}));
  CHECK_FALSE(*acknowledge(incident, {minute(2), "user:8"}));
  CHECK(incident.acknowledged == Mark{minute(1), "user:7"});
  CHECK(add_comment(incident, {{minute(2), "user:7"}, "looking"}).ok());
  CHECK(add_comment(incident, {{minute(2), "user:7"}, ""}).error().code ==
        ErrorCode::InvalidArgument);
  CHECK_FALSE(add_comment(incident, {{}, std::string(kMaxCommentBytes + 1, 'x')}).ok());
  // Comments are no part of a transition, but of the incident while it is open.
  MetricCondition worse = above(20);
  worse.warning = 10;
  state.warning.active = true;
  state.critical.active = false;
  incident.severity = Severity::Warning;
  const Step eased = step(worse, state, {minute(30), 31, {}});
  REQUIRE(eased.transition.has_value());
  CHECK(eased.transition->incident.comments.empty());
  CHECK(eased.state.open->comments.size() == 1);
  const Step done = step(worse, eased.state, {minute(31), 1, {}});
  Incident closed = done.transition->incident;
  CHECK(closed.comments.empty());
  CHECK(close(eased.state, CloseMethod::Manual, minute(31))->transition->incident.comments.empty());
  CHECK(closed.acknowledged.has_value());
  CHECK(acknowledge(closed, {minute(4), "user:7"}).error().code == ErrorCode::Conflict);
  for (size_t i = 0; i < kMaxComments; ++i) CHECK(add_comment(closed, {{}, "more"}).ok());
  CHECK(add_comment(closed, {{}, "more"}).error().code == ErrorCode::Exhausted);
}

TEST_CASE("an issue rule leaves an issue alone for a while") {
  const IssueCondition issue{IssueEvent::FirstSeen, 0, 0, 30};
  CHECK(alerts_again(issue, std::nullopt, minute(5)));
  CHECK_FALSE(alerts_again(issue, minute(5), minute(5)));
  CHECK_FALSE(alerts_again(issue, minute(5), minute(34)));
  CHECK(alerts_again(issue, minute(5), minute(35)));
  CHECK_FALSE(alerts_again(issue, minute(5), minute(1)));
}

namespace {

MetricCondition random_metric(std::mt19937_64& random) {
  const auto below = [&](uint64_t n) { return random() % n; };
  MetricCondition metric;
  metric.time_window_min = static_cast<uint32_t>(1 + below(90));
  metric.threshold_period = static_cast<uint32_t>(1 + below(4));
  metric.threshold_type = static_cast<Direction>(below(2));
  metric.no_data = static_cast<NoData>(below(2));
  if (below(3) == 0) metric.comparison_delta_min = 60;
  const bool up = metric.threshold_type == Direction::Above || metric.comparison_delta_min;
  const double step_back = up ? -2 : 2;
  metric.critical = metric.comparison_delta_min ? 10 : 6;
  if (below(2) == 0) metric.warning = metric.critical + step_back;
  if (below(2) == 0) {
    metric.resolve_threshold = metric.warning.value_or(metric.critical) + step_back;
  }
  return metric;
}

Update random_update(std::mt19937_64& random, const MetricCondition& metric, int64_t& at) {
  const auto below = [&](uint64_t n) { return random() % n; };
  const int64_t resolution = resolution_of(metric);
  switch (below(20)) {
    case 0:
      break;  // the same once more
    case 1:
      at -= static_cast<int64_t>(below(10)) * resolution;
      break;
    case 2:
      at += static_cast<int64_t>(2 + below(5)) * resolution;
      break;
    default:
      at += resolution;
  }
  Update update{minute(at), std::nullopt, std::nullopt};
  if (below(10) != 0) update.value = static_cast<double>(below(12));
  if (metric.comparison_delta_min) {
    if (update.value) update.value = *update.value + 4;
    if (below(10) != 0) update.base = static_cast<double>(below(12));
  }
  return update;
}

}  // namespace

TEST_CASE("transitions are what a look back over all updates says") {
  size_t transitions = 0;
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    const MetricCondition metric = random_metric(random);
    testing::NaiveIncidents naive;
    KeyState state;
    std::vector<testing::NaiveIncidents::Event> events;
    int64_t at = 1000;
    for (int i = 0; i < 120; ++i) {
      const Update update = random_update(random, metric, at);
      naive.update(metric, update);
      const Step done = step(metric, state, update);
      // Nothing fires twice.
      REQUIRE(step(metric, done.state, update).state == done.state);
      REQUIRE_FALSE(step(metric, done.state, update).transition.has_value());
      state = done.state;
      if (done.transition) {
        const Transition& one = *done.transition;
        events.push_back({one.at, one.from, one.to, one.incident.started});
        REQUIRE(one.incident.number == state.incidents);
        REQUIRE((one.opens() ? one.incident.steps == 1 : one.incident.steps > 1));
      }
      REQUIRE(events == naive.events);
      REQUIRE(state.severity() == naive.severity());
    }
    transitions += events.size();
  }
  CHECK(transitions > 10'000);  // the streams are worth asking
}
