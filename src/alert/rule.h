// An alert rule as people write it: what is counted, over which window, and which value is an
// incident. Names and limits are those of the field (metric alerts of Sentry; where we differ and
// why: docs/decisions/024-alert-core.md). What a rule's texts mean is in bound_rule.h.
//
// Values; thread: any. Nothing here knows a clock: who evaluates says which time it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/json_writer.h"
#include "base/result.h"
#include "model/json_tree.h"

namespace cairn::alert {

inline constexpr size_t kMaxNameLetters = 256;       // code points
inline constexpr size_t kMaxEnvironmentBytes = 200;  // as long as a tag's key
inline constexpr size_t kMaxProjects = 1000;         // named by one rule
inline constexpr uint32_t kMaxWindowMin = 1440;
inline constexpr uint32_t kMaxResolutionMin = 60;
inline constexpr uint32_t kMaxComparisonMin = 89 * 1440;
inline constexpr uint32_t kMaxThresholdPeriod = 20;
inline constexpr uint32_t kMinQuietMin = 5;
inline constexpr uint32_t kMaxQuietMin = 30 * 1440;
inline constexpr uint32_t kMaxSeen = 1'000'000;  // of "seen more than N times"

// Whether a rule is evaluated. Numbers are those of the field's query subscriptions.
enum class RuleStatus : uint8_t {
  Active = 0,    // the only one in which values count
  Creating = 1,  // new or enabled again: its windows are being filled
  Updating = 2,  // the same after a change of what is counted
  Deleting = 3,  // waits for what still uses it; there is no way back
  Disabled = 4,  // kept, but nothing is counted for it
};
std::string_view rule_status_name(RuleStatus status);  // active, creating, ...

enum class StatusStep : uint8_t {
  Filled,  // its windows hold what they should
  Changed,
  Enabled,
  Disabled,
  Removed,
};
// What a step makes of a status. A step that comes late, because the status has moved on, changes
// nothing. Errors: Conflict (a rule that is being deleted stays so).
Result<RuleStatus> next_status(RuleStatus from, StatusStep step);

enum class Direction : uint8_t { Above = 0, Below = 1 };  // the field's threshold_type
// What an aggregate of nothing is: avg and percentiles of no numbers.
enum class NoData : uint8_t {
  Zero = 0,  // as in the field
  Hold = 1,  // no update: everything stays as it is
};

// A number over a window, held against thresholds.
struct MetricCondition {
  std::string aggregate = "count()";  // one call of the query language
  // With a filter: the value is how many percent the aggregate is of the same one over this filter.
  std::string percent_of{};
  std::string group_by{};  // "" = one value; else one for each value of this field
  uint32_t time_window_min = 0;
  uint32_t resolution_min = 0;  // how often it is evaluated; 0 = by the window (resolution_of)
  // Static thresholds without it. With it, thresholds are percent more (above) or less (below) than
  // the same window so much earlier.
  std::optional<uint32_t> comparison_delta_min{};
  Direction threshold_type = Direction::Above;
  uint32_t threshold_period = 1;  // so many evaluations in a row
  double critical = 0;
  std::optional<double> warning{};
  std::optional<double> resolve_threshold{};
  NoData no_data = NoData::Zero;
  bool operator==(const MetricCondition&) const = default;
};

// Something that happens to one issue. Names are those of the field's conditions.
enum class IssueEvent : uint8_t {
  FirstSeen = 0,    // a new issue
  Regression = 1,   // it came back after it was resolved
  Escalating = 2,   // it is seen more often than forecast
  SeenTimes = 3,    // more than `value` times within the interval
  SeenByUsers = 4,  // by more than `value` users within the interval
};
std::string_view issue_event_name(IssueEvent event);  // first_seen, ..., event_frequency, ...
// SeenTimes and SeenByUsers, which count over an interval.
constexpr bool is_counted(IssueEvent event) {
  return event == IssueEvent::SeenTimes || event == IssueEvent::SeenByUsers;
}

struct IssueCondition {
  IssueEvent event = IssueEvent::FirstSeen;
  uint32_t value = 0;         // counted ones
  uint32_t interval_min = 0;  // counted ones
  uint32_t quiet_min = 30;    // of one issue at most one alert in so many minutes ("frequency")
  bool operator==(const IssueCondition&) const = default;
};

struct Rule {
  std::string name;
  std::string owner{};                // "user:ID", "team:ID"; "" = nobody
  std::vector<ProjectId> projects{};  // ascending; empty = all
  std::string environment{};          // "" = any
  std::string query{};                // a filter without a pipeline; "" = everything
  RuleStatus status = RuleStatus::Creating;
  std::variant<MetricCondition, IssueCondition> condition{};

  const MetricCondition* metric() const { return std::get_if<MetricCondition>(&condition); }
  const IssueCondition* issue() const { return std::get_if<IssueCondition>(&condition); }
  bool operator==(const Rule&) const = default;
};

// Whether incidents of `before` mean anything to `after`: the same is counted and held against the
// same thresholds. Names, owners and statuses do not matter.
bool same_meaning(const Rule& before, const Rule& after);

// Minutes between evaluations: by the window 1 (below 30), 2 (below 60), 3 (below 240), 5 (below
// 1440) or 15, twice as many with a comparison; or what the rule says.
uint32_t resolution_of(const MetricCondition& metric);
// A threshold as values are held against it: with a comparison 100 + x or 100 - x percent.
double effective_threshold(const MetricCondition& metric, double threshold);

// Everything but what the texts mean: limits, sides of thresholds. bind_rule() calls it.
// Errors: InvalidArgument, "member: what is wrong and what to do".
Result<void> check_limits(const Rule& rule);

// One JSON object; reading it gives an equal rule.
void write_json(JsonWriter& out, const Rule& rule);
std::string to_json(const Rule& rule);
// Errors: InvalidArgument with the byte position where it can be told: of JSON, of members missing,
// unknown, twice or of another kind, and those of check_limits().
Result<Rule> parse_rule(std::string_view json);
// The same of a value that is a part of a larger text. Precondition: the tree keeps 4 levels below
// it.
Result<Rule> read_rule(model::JsonValue object);

}  // namespace cairn::alert
