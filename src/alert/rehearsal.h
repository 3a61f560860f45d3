// What a rule would have done with a list of values, and why it does what it does now: the facts
// behind `alert test` and `alert explain`. Pure; thread: any.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alert/incident.h"
#include "alert/rule.h"

namespace cairn::alert {

struct Rehearsal {
  struct Point {
    TimeUs time{};
    std::optional<double> value{};  // as held against thresholds
    Outcome outcome{};
    Severity severity{};  // after it
    bool held = false;
  };
  std::vector<Point> points;  // one for each update
  std::vector<Transition> transitions;
  KeyState state;  // after all of them
};
// Precondition: check_limits() of the rule.
Rehearsal rehearse(const MetricCondition& metric, std::span<const Update> updates);

struct TriggerExplanation {
  Severity which{};
  double threshold = 0;  // as held against values
  double resolve = 0;    // values strictly inside, or with `at_threshold` also equal ones, resolve
  bool at_threshold = false;
  bool active = false;
  uint32_t counted = 0;  // evaluations in a row: beyond, or healthy when it is active
  uint32_t needed = 0;
  std::optional<TimeUs> held_until{};  // it cannot fire at or before this time
};

struct Explanation {
  Severity severity{};
  std::optional<TimeUs> window_begin{};  // of the last evaluation
  std::optional<TimeUs> window_end{};
  std::optional<double> value{};             // the last one, as held against thresholds
  std::vector<TriggerExplanation> triggers;  // critical first
  std::optional<Incident> open{};
  std::string reason;  // one sentence: why it is as it is
};
Explanation explain(const MetricCondition& metric, RuleStatus status, const KeyState& state);

}  // namespace cairn::alert
