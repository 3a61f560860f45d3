// Incidents of one rule and key once more, with no counters: each trigger looks back over all
// updates whenever it is asked. One list of what happened to severity.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "alert/incident.h"

namespace cairn::testing {

struct NaiveIncidents {
  using Severity = alert::Severity;
  static constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;

  struct Seen {
    TimeUs time;
    double value;
  };
  struct Event {
    TimeUs at;
    Severity from;
    Severity to;
    TimeUs started;
    bool operator==(const Event&) const = default;
  };
  struct Trigger {
    bool active = false;
    size_t since = 0;  // index into seen: what came before the last change does not count
    std::optional<TimeUs> last_fired;
  };

  std::vector<Seen> seen;     // counted ones
  std::vector<TimeUs> times;  // all that were not stale
  std::vector<Event> events;
  Trigger triggers[3];  // by severity
  std::optional<TimeUs> opened;
  TimeUs started{};

  static double limit(const alert::MetricCondition& metric, Severity which) {
    const double x = which == Severity::Critical ? metric.critical : *metric.warning;
    if (!metric.comparison_delta_min) return x;
    return metric.threshold_type == alert::Direction::Above ? 100 + x : 100 - x;
  }

  static bool beyond(const alert::MetricCondition& metric, Severity which, double value) {
    return metric.threshold_type == alert::Direction::Above ? value > limit(metric, which)
                                                            : value < limit(metric, which);
  }

  static bool healthy(const alert::MetricCondition& metric, Severity which, double value) {
    const bool own = metric.resolve_threshold && (which == Severity::Warning || !metric.warning);
    if (!own) return !beyond(metric, which, value);
    double x = *metric.resolve_threshold;
    const bool above = metric.threshold_type == alert::Direction::Above;
    if (metric.comparison_delta_min) x = above ? 100 + x : 100 - x;
    return above ? value < x : value > x;
  }

  // As held against thresholds; nullopt: there is none, or nothing to compare it with.
  static std::optional<double> held(const alert::MetricCondition& metric,
                                    const alert::Update& update) {
    if (!update.value && metric.no_data == alert::NoData::Hold) return std::nullopt;
    const double value = update.value.value_or(0);
    if (!metric.comparison_delta_min) return value;
    if (update.base.value_or(0) == 0) return std::nullopt;
    return value / *update.base * 100;
  }

  // The last `threshold_period` values since the trigger changed pass, with no evaluation missing.
  template <class Test>
  bool in_a_row(const alert::MetricCondition& metric, const Trigger& trigger,
                const Test& test) const {
    if (seen.size() - trigger.since < metric.threshold_period) return false;
    const size_t first = seen.size() - metric.threshold_period;
    for (size_t i = first; i < seen.size(); ++i) {
      if (!test(seen[i].value)) return false;
    }
    const int64_t gap = 2 * int64_t{resolution_of(metric)} * kMinuteUs;
    for (size_t i = 1; i < times.size(); ++i) {
      if (times[i] > seen[first].time && raw(times[i]) - raw(times[i - 1]) >= gap) return false;
    }
    return true;
  }

  Severity severity() const {
    if (triggers[2].active) return Severity::Critical;
    return triggers[1].active ? Severity::Warning : Severity::Ok;
  }

  void update(const alert::MetricCondition& metric, const alert::Update& update) {
    if (!times.empty() && update.time <= times.back()) return;
    times.push_back(update.time);
    const auto value = held(metric, update);
    if (!value) return;
    seen.push_back({update.time, *value});
    const Severity before = severity();
    for (const Severity which : {Severity::Warning, Severity::Critical}) {
      if (which == Severity::Critical || metric.warning) ask(metric, which, update.time);
    }
    if (severity() != before) note(update.time, before);
  }

  // A person closes it, or the rule means something else: nothing from before counts any more,
  // holds go on.
  void stand_down(TimeUs at) {
    const Severity before = severity();
    for (Trigger& trigger : triggers) {
      trigger.active = false;
      trigger.since = seen.size();
    }
    if (before != Severity::Ok) note(at, before);
  }

 private:
  void ask(const alert::MetricCondition& metric, Severity which, TimeUs time) {
    Trigger& trigger = triggers[static_cast<size_t>(which)];
    if (trigger.active) {
      if (!in_a_row(metric, trigger, [&](double v) { return healthy(metric, which, v); })) return;
    } else {
      if (!in_a_row(metric, trigger, [&](double v) { return beyond(metric, which, v); })) return;
      if (trigger.last_fired && raw(time) - raw(*trigger.last_fired) <= 10 * kMinuteUs) return;
      if (!opened) open(metric, time);
      trigger.last_fired = opened;
    }
    trigger.active = !trigger.active;
    trigger.since = seen.size();
  }

  void open(const alert::MetricCondition& metric, TimeUs time) {
    const int64_t minutes = int64_t{metric.time_window_min} +
                            int64_t{resolution_of(metric)} * (metric.threshold_period - 1);
    opened = time;
    started = TimeUs{raw(time) - minutes * kMinuteUs};
  }

  void note(TimeUs at, Severity before) {
    events.push_back({at, before, severity(), started});
    if (severity() == Severity::Ok) opened.reset();
  }
};

}  // namespace cairn::testing
