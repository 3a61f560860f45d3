#include "alert/rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "model/rules.h"

namespace cairn::alert {
namespace {

template <class... Args>
Error invalid(std::string_view member, fmt::format_string<Args...> format, Args&&... args) {
  return make_error(
      ErrorCode::InvalidArgument,
      fmt::format("{}: {}", member, fmt::format(format, std::forward<Args>(args)...)));
}

size_t letters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Result<void> check_range(std::string_view member, uint64_t value, uint64_t low, uint64_t high,
                         std::string_view unit) {
  if (value >= low && value <= high) return {};
  return invalid(member, "expected {} to {} {}, got {}", low, high, unit, value);
}

Result<void> check_window(const MetricCondition& metric) {
  CAIRN_TRY(check_range("time_window", metric.time_window_min, 1, kMaxWindowMin, "minutes"));
  if (metric.resolution_min > 0) {
    CAIRN_TRY(check_range("resolution", metric.resolution_min, 1, kMaxResolutionMin, "minutes"));
    if (metric.resolution_min > metric.time_window_min) {
      return invalid("resolution",
                     "{} minutes are more than the window of {}: what falls between two windows "
                     "would never be counted. Take a window as long at least",
                     metric.resolution_min, metric.time_window_min);
    }
  }
  if (metric.comparison_delta_min) {
    CAIRN_TRY(check_range("comparison_delta", *metric.comparison_delta_min, 1, kMaxComparisonMin,
                          "minutes"));
  }
  return check_range("threshold_period", metric.threshold_period, 1, kMaxThresholdPeriod,
                     "evaluations");
}

// Values such as counts, of which none lies between two whole numbers. Text is enough to tell.
bool counts_whole(const MetricCondition& metric) {
  const bool whole = metric.aggregate.starts_with("count") ||
                     metric.aggregate.starts_with("uniq") || metric.aggregate.starts_with("issues");
  return whole && !metric.comparison_delta_min && metric.percent_of.empty();
}

// Whether some value is beyond `alert` and healthy by `resolve` at once. `sign`: 1 above, -1 below.
bool sides_overlap(double alert, double resolve, double sign, bool whole) {
  if (!whole) return sign * resolve > sign * alert;
  return std::floor(sign * alert) + 1 < sign * resolve;
}

Result<void> check_thresholds(const MetricCondition& metric) {
  for (const double value :
       {metric.critical, metric.warning.value_or(0), metric.resolve_threshold.value_or(0)}) {
    if (!std::isfinite(value)) return invalid("triggers", "expected finite numbers as thresholds");
  }
  const bool above = metric.threshold_type == Direction::Above;
  const double sign = above ? 1 : -1;
  const std::string_view beyond = above || metric.comparison_delta_min ? "higher" : "lower";
  const double critical = effective_threshold(metric, metric.critical);
  if (metric.warning) {
    const double warning = effective_threshold(metric, *metric.warning);
    if (sign * critical <= sign * warning) {
      return invalid("triggers",
                     "critical ({}) has to be beyond warning ({}): with threshold_type \"{}\" "
                     "choose a {} critical one",
                     metric.critical, *metric.warning, above ? "above" : "below", beyond);
    }
  }
  if (metric.resolve_threshold) {
    const double first = metric.warning ? *metric.warning : metric.critical;
    if (sides_overlap(effective_threshold(metric, first),
                      effective_threshold(metric, *metric.resolve_threshold), sign,
                      counts_whole(metric))) {
      return invalid("resolve_threshold",
                     "{} is on the unhealthy side of the {} threshold ({}): a value between them "
                     "would alert and resolve at once. Choose one that is not {}",
                     *metric.resolve_threshold, metric.warning ? "warning" : "critical", first,
                     beyond);
    }
  }
  return {};
}

Result<void> check_metric(const MetricCondition& metric) {
  CAIRN_TRY(check_window(metric));
  if (is_blank(metric.aggregate)) {
    return invalid("aggregate", "expected one call of the query language, as in count()");
  }
  return check_thresholds(metric);
}

Result<void> check_issue(const IssueCondition& issue) {
  CAIRN_TRY(check_range("frequency", issue.quiet_min, kMinQuietMin, kMaxQuietMin, "minutes"));
  if (is_counted(issue.event)) {
    CAIRN_TRY(check_range("interval", issue.interval_min, 1, kMaxWindowMin, "minutes"));
    return check_range("value", issue.value, 0, kMaxSeen, "occurrences or users");
  }
  if (issue.value == 0 && issue.interval_min == 0) return {};
  return invalid("value", "\"{}\" counts nothing, so it takes neither value nor interval",
                 issue_event_name(issue.event));
}

Result<void> check_common(const Rule& rule) {
  const size_t name = letters(rule.name);
  if (is_blank(rule.name) || name > kMaxNameLetters) {
    return invalid("name", "expected 1 to {} letters that are not all blank, got {}",
                   kMaxNameLetters, name);
  }
  if (!rule.owner.empty() && !model::valid_assignee(rule.owner)) {
    return invalid("owner", "'{}' is nobody: write user:ID or team:ID", rule.owner);
  }
  if (rule.environment.size() > kMaxEnvironmentBytes) {
    return invalid("environment", "expected at most {} bytes, got {}", kMaxEnvironmentBytes,
                   rule.environment.size());
  }
  if (rule.projects.size() > kMaxProjects) {
    return invalid("projects", "expected at most {} of them, got {}; leave them out for all",
                   kMaxProjects, rule.projects.size());
  }
  const auto& projects = rule.projects;
  if (std::adjacent_find(projects.begin(), projects.end(),
                         [](ProjectId a, ProjectId b) { return a >= b; }) != projects.end() ||
      (!projects.empty() && projects.front() == ProjectId{0})) {
    return invalid("projects", "expected numbers of projects from 1, ascending, none twice");
  }
  return {};
}

}  // namespace

std::string_view rule_status_name(RuleStatus status) {
  static constexpr std::array<std::string_view, 5> kNames = {"active", "creating", "updating",
                                                             "deleting", "disabled"};
  return kNames[static_cast<size_t>(status)];
}

std::string_view issue_event_name(IssueEvent event) {
  static constexpr std::array<std::string_view, 5> kNames = {
      "first_seen", "regression", "escalating", "event_frequency", "event_unique_user_frequency"};
  return kNames[static_cast<size_t>(event)];
}

Result<RuleStatus> next_status(RuleStatus from, StatusStep step) {
  const bool waits = from == RuleStatus::Creating || from == RuleStatus::Updating;
  if (step == StatusStep::Filled) return waits ? RuleStatus::Active : from;
  if (step == StatusStep::Removed) return RuleStatus::Deleting;
  if (from == RuleStatus::Deleting) {
    return make_error(ErrorCode::Conflict,
                      "The rule is being deleted, which cannot be stopped: make a new one");
  }
  switch (step) {
    case StatusStep::Changed:
      return from == RuleStatus::Active ? RuleStatus::Updating : from;
    case StatusStep::Enabled:
      return from == RuleStatus::Disabled ? RuleStatus::Creating : from;
    default:
      return RuleStatus::Disabled;
  }
}

bool same_meaning(const Rule& before, const Rule& after) {
  return before.projects == after.projects && before.environment == after.environment &&
         before.query == after.query && before.condition == after.condition;
}

uint32_t resolution_of(const MetricCondition& metric) {
  if (metric.resolution_min > 0) return metric.resolution_min;
  struct Step {
    uint32_t window_min;
    uint32_t resolution_min;
  };
  static constexpr std::array<Step, 5> kSteps = {{{1440, 15}, {240, 5}, {60, 3}, {30, 2}, {0, 1}}};
  const auto step = std::find_if(kSteps.begin(), kSteps.end(), [&](const Step& one) {
    return metric.time_window_min >= one.window_min;
  });
  return metric.comparison_delta_min ? 2 * step->resolution_min : step->resolution_min;
}

double effective_threshold(const MetricCondition& metric, double threshold) {
  if (!metric.comparison_delta_min) return threshold;
  return metric.threshold_type == Direction::Above ? 100 + threshold : 100 - threshold;
}

Result<void> check_limits(const Rule& rule) {
  CAIRN_TRY(check_common(rule));
  if (const MetricCondition* metric = rule.metric()) return check_metric(*metric);
  return check_issue(*rule.issue());
}

}  // namespace cairn::alert
