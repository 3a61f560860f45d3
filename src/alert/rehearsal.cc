#include "alert/rehearsal.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/time_format.h"

namespace cairn::alert {
namespace {

TriggerExplanation explain_trigger(const MetricCondition& metric, Severity which,
                                   const TriggerState& trigger) {
  const bool critical = which == Severity::Critical;
  TriggerExplanation out;
  out.which = which;
  out.threshold = effective_threshold(metric, critical ? metric.critical : *metric.warning);
  const bool own = metric.resolve_threshold && (!critical || !metric.warning);
  out.resolve = own ? effective_threshold(metric, *metric.resolve_threshold) : out.threshold;
  out.at_threshold = !own;
  out.active = trigger.active;
  out.counted = trigger.active ? trigger.healthy : trigger.beyond;
  out.needed = metric.threshold_period;
  if (!trigger.active && trigger.last_fired) {
    out.held_until = TimeUs{raw(*trigger.last_fired) + kHoldUs};
  }
  return out;
}

std::string why_not_evaluated(RuleStatus status) {
  switch (status) {
    case RuleStatus::Creating:
    case RuleStatus::Updating:
      return "The rule is new or changed, and its windows are being filled.";
    case RuleStatus::Deleting:
      return "The rule is being deleted.";
    default:
      return "The rule is disabled.";
  }
}

// Of the trigger that is nearest to firing: the warning where there is one.
std::string why_quiet(const MetricCondition& metric, const KeyState& state,
                      const TriggerExplanation& first) {
  const std::string_view beyond = metric.threshold_type == Direction::Above ? "above" : "below";
  const double value = *state.last_value;
  if (!is_beyond(metric, first.which, value)) {
    return fmt::format("The last value {} is not {} {}.", value, beyond, first.threshold);
  }
  if (first.counted < first.needed) {
    return fmt::format("The last value {} is {} {}, {} of {} evaluations in a row.", value, beyond,
                       first.threshold, first.counted, first.needed);
  }
  if (first.held_until) {
    return fmt::format(
        "The last value {} is {} {}, but an incident was detected less than {} "
        "minutes before; the rule is held until {}.",
        value, beyond, first.threshold, kHoldUs / (60 * kMicrosPerSecond),
        format_time(*first.held_until));
  }
  return fmt::format("The last value {} is {} {}.", value, beyond, first.threshold);
}

std::string why_open(const MetricCondition& metric, const KeyState& state,
                     const std::vector<TriggerExplanation>& triggers) {
  const auto active = std::find_if(triggers.begin(), triggers.end(),
                                   [](const TriggerExplanation& one) { return one.active; });
  const TriggerExplanation& worst = active == triggers.end() ? triggers.front() : *active;
  const bool above = metric.threshold_type == Direction::Above;
  std::string text =
      fmt::format("An incident is open since {}, {}; values {} {}{} resolve it",
                  format_time(state.open->detected), severity_name(state.open->severity),
                  above ? "below" : "above", worst.at_threshold ? "or at " : "", worst.resolve);
  if (worst.needed > 1) {
    text += fmt::format(", {} in a row, of which there are {}", worst.needed, worst.counted);
  }
  return text + ".";
}

}  // namespace

Rehearsal rehearse(const MetricCondition& metric, std::span<const Update> updates) {
  Rehearsal out;
  out.points.reserve(updates.size());
  for (const Update& update : updates) {
    Step done = step(metric, std::move(out.state), update);
    out.state = std::move(done.state);
    out.points.push_back({update.time, done.value, done.outcome, out.state.severity(),
                          done.warning_held || done.critical_held});
    if (done.transition) out.transitions.push_back(*std::move(done.transition));
  }
  return out;
}

Explanation explain(const MetricCondition& metric, RuleStatus status, const KeyState& state) {
  Explanation out;
  out.severity = state.severity();
  out.value = state.last_value;
  out.open = state.open;
  if (state.last_update) {
    out.window_end = state.last_update;
    out.window_begin =
        TimeUs{raw(*state.last_update) - int64_t{metric.time_window_min} * 60 * kMicrosPerSecond};
  }
  out.triggers.push_back(explain_trigger(metric, Severity::Critical, state.critical));
  if (metric.warning) {
    out.triggers.push_back(explain_trigger(metric, Severity::Warning, state.warning));
  }
  if (status != RuleStatus::Active) {
    out.reason = why_not_evaluated(status);
  } else if (state.open) {
    out.reason = why_open(metric, state, out.triggers);
  } else if (!state.last_update) {
    out.reason = "Nothing has been evaluated yet.";
  } else if (!state.last_value) {
    out.reason = metric.comparison_delta_min
                     ? "There was nothing, or zero, in the earlier window to compare with."
                     : "There was nothing to compute a value of.";
  } else {
    out.reason = why_quiet(metric, state, out.triggers.back());
  }
  return out;
}

}  // namespace cairn::alert
