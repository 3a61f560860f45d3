#include "alert/incident.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/assert.h"

namespace cairn::alert {
namespace {

constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;

double threshold_of(const MetricCondition& metric, Severity which) {
  const double written =
      which == Severity::Critical ? metric.critical : metric.warning.value_or(metric.critical);
  return effective_threshold(metric, written);
}

// The rule's own one is for the trigger that resolves last: the only one, or the warning.
std::optional<double> resolve_of(const MetricCondition& metric, Severity which) {
  const bool last = which == Severity::Warning || !metric.warning;
  if (!last || !metric.resolve_threshold) return std::nullopt;
  return effective_threshold(metric, *metric.resolve_threshold);
}

// The value as thresholds take it, or why there is none.
struct Reading {
  Outcome outcome = Outcome::Counted;
  double value = 0;
};
Reading reading_of(const MetricCondition& metric, const Update& update) {
  if (update.incomplete) return {Outcome::Incomplete};
  const bool some = update.value && std::isfinite(*update.value);
  if (!some && metric.no_data == NoData::Hold) return {Outcome::NoValue};
  const double value = some ? *update.value : 0;
  if (!metric.comparison_delta_min) return {Outcome::Counted, value};
  if (!update.base || !std::isfinite(*update.base) || *update.base == 0) {
    return {Outcome::NoBase};
  }
  constexpr double kMost = std::numeric_limits<double>::max();
  return {Outcome::Counted, std::clamp(value / *update.base * 100, -kMost, kMost)};
}

class Stepper {
 public:
  Stepper(const MetricCondition& metric, KeyState state)
      : metric_(metric), step_{std::move(state)} {}

  Step run(const Update& update) && {
    KeyState& state = step_.state;
    if (state.last_update && update.time <= *state.last_update) {
      step_.outcome = Outcome::Stale;
      return std::move(step_);
    }
    forget_after_gap(update.time);
    state.last_update = update.time;
    const Reading reading = reading_of(metric_, update);
    step_.outcome = reading.outcome;
    if (reading.outcome != Outcome::Counted) return std::move(step_);
    state.last_value = step_.value = reading.value;
    time_ = update.time;
    const Severity before = state.severity();
    if (metric_.warning) step_.warning_held = count(Severity::Warning, state.warning);
    step_.critical_held = count(Severity::Critical, state.critical);
    settle(before);
    return std::move(step_);
  }

 private:
  // An evaluation that never was is not one in a row.
  void forget_after_gap(TimeUs time) {
    KeyState& state = step_.state;
    if (!state.last_update) return;
    const int64_t resolution_us = int64_t{resolution_of(metric_)} * kMinuteUs;
    if (raw(time) - raw(*state.last_update) < 2 * resolution_us) return;
    for (TriggerState* trigger : {&state.critical, &state.warning}) {
      trigger->beyond = 0;
      trigger->healthy = 0;
    }
  }

  // True: it would have fired, but is held.
  bool count(Severity which, TriggerState& trigger) {
    const double value = *step_.value;
    const uint32_t period = metric_.threshold_period;
    const auto up = [&](uint32_t& counter, bool counts) {
      counter = counts ? std::min(counter + 1, period) : 0;
      return counter == period;
    };
    if (trigger.active) {
      if (up(trigger.healthy, is_healthy(metric_, which, value))) {
        trigger.active = false;
        trigger.healthy = 0;
      }
      return false;
    }
    if (!up(trigger.beyond, is_beyond(metric_, which, value))) return false;
    if (trigger.last_fired && raw(time_) - raw(*trigger.last_fired) <= kHoldUs) return true;
    open_if_closed();
    trigger.active = true;
    trigger.beyond = 0;
    trigger.last_fired = step_.state.open->detected;
    return false;
  }

  void open_if_closed() {
    KeyState& state = step_.state;
    if (state.open) return;
    const int64_t minutes = int64_t{metric_.time_window_min} +
                            int64_t{resolution_of(metric_)} * (metric_.threshold_period - 1);
    Incident incident;
    incident.number = ++state.incidents;
    incident.started = TimeUs{raw(time_) - minutes * kMinuteUs};
    incident.detected = time_;
    state.open = std::move(incident);
  }

  // The incident is as bad as the worst of its triggers.
  void settle(Severity before) {
    KeyState& state = step_.state;
    if (!state.open) return;
    const Severity now = state.critical.active  ? Severity::Critical
                         : state.warning.active ? Severity::Warning
                                                : Severity::Ok;
    if (now == before) return;
    Incident& incident = *state.open;
    incident.severity = now;
    incident.worst = std::max(incident.worst, now);
    ++incident.steps;
    if (now == Severity::Ok) {
      incident.closed = time_;
      incident.method = CloseMethod::RuleTriggered;
    }
    std::vector<Comment> comments = std::exchange(incident.comments, {});
    step_.transition = Transition{before, now, time_, step_.value, incident};
    incident.comments = std::move(comments);
    if (now == Severity::Ok) state.open.reset();
  }

  const MetricCondition& metric_;
  Step step_;
  TimeUs time_{};
};

void stand_down(TriggerState& trigger) {
  trigger.active = false;
  trigger.beyond = 0;
  trigger.healthy = 0;
}

// Of a person or a change, whatever the values are.
Step close_open(KeyState state, CloseMethod method, TimeUs at) {
  Step step{std::move(state)};
  KeyState& after = step.state;
  stand_down(after.critical);
  stand_down(after.warning);
  if (!after.open) return step;
  Incident incident = *std::exchange(after.open, std::nullopt);
  const Severity before = std::exchange(incident.severity, Severity::Ok);
  incident.comments = {};
  incident.closed = at;
  incident.method = method;
  ++incident.steps;
  step.transition = Transition{before, Severity::Ok, at, std::nullopt, std::move(incident)};
  return step;
}

}  // namespace

std::string_view severity_name(Severity severity) {
  static constexpr std::array<std::string_view, 3> kNames = {"ok", "warning", "critical"};
  return kNames[static_cast<size_t>(severity)];
}

uint32_t incident_status(Severity severity) {
  static constexpr std::array<uint32_t, 3> kNumbers = {2, 10, 20};
  return kNumbers[static_cast<size_t>(severity)];
}

std::string_view close_method_name(CloseMethod method) {
  static constexpr std::array<std::string_view, 4> kNames = {"", "manual", "rule_updated",
                                                             "rule_triggered"};
  return kNames[static_cast<size_t>(method)];
}

std::string_view outcome_name(Outcome outcome) {
  static constexpr std::array<std::string_view, 5> kNames = {"counted", "stale", "no_value",
                                                             "no_base", "incomplete"};
  return kNames[static_cast<size_t>(outcome)];
}

std::optional<double> held_value(const MetricCondition& metric, const Update& update) {
  const Reading reading = reading_of(metric, update);
  return reading.outcome == Outcome::Counted ? std::optional(reading.value) : std::nullopt;
}

bool is_beyond(const MetricCondition& metric, Severity which, double value) {
  const double threshold = threshold_of(metric, which);
  return metric.threshold_type == Direction::Above ? value > threshold : value < threshold;
}

bool is_healthy(const MetricCondition& metric, Severity which, double value) {
  const auto resolve = resolve_of(metric, which);
  if (!resolve) return !is_beyond(metric, which, value);
  return metric.threshold_type == Direction::Above ? value < *resolve : value > *resolve;
}

Step step(const MetricCondition& metric, KeyState state, const Update& update) {
  return Stepper(metric, std::move(state)).run(update);
}

Result<Step> close(KeyState state, CloseMethod method, TimeUs at) {
  if (!state.open) {
    return make_error(ErrorCode::Conflict, "No incident is open here, so none can be closed");
  }
  return close_open(std::move(state), method, at);
}

Step rule_changed(KeyState state, TimeUs at) {
  return close_open(std::move(state), CloseMethod::RuleUpdated, at);
}

Result<bool> acknowledge(Incident& incident, const Mark& mark) {
  if (mark.who.empty()) {
    return make_error(ErrorCode::InvalidArgument, "Say who acknowledges the incident");
  }
  if (incident.closed) {
    return make_error(ErrorCode::Conflict,
                      "The incident is closed; only open ones are acknowledged");
  }
  if (incident.acknowledged) return false;
  incident.acknowledged = mark;
  return true;
}

Result<void> add_comment(Incident& incident, Comment comment) {
  if (comment.text.empty() || comment.text.size() > kMaxCommentBytes) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("A comment has 1 to {} bytes, this one {}", kMaxCommentBytes,
                                  comment.text.size()));
  }
  if (incident.comments.size() >= kMaxComments) {
    return make_error(
        ErrorCode::Exhausted,
        fmt::format("The incident has {} comments, which is the limit", kMaxComments));
  }
  incident.comments.push_back(std::move(comment));
  return {};
}

bool alerts_again(const IssueCondition& issue, std::optional<TimeUs> last, TimeUs at) {
  return !last || raw(at) - raw(*last) >= int64_t{issue.quiet_min} * kMinuteUs;
}

}  // namespace cairn::alert
