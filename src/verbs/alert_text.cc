#include "verbs/alert_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/time_format.h"
#include "query/parser.h"

namespace cairn::verbs {
namespace {

using alert::Direction;

std::string scope_text(const alert::Rule& rule) {
  std::string text = rule.query.empty() ? "everything" : rule.query;
  if (!rule.environment.empty()) text += fmt::format(", in environment {}", rule.environment);
  for (size_t i = 0; i < rule.projects.size(); ++i) {
    const std::string_view before = i > 0                       ? ", "
                                    : rule.projects.size() == 1 ? ", in project "
                                                                : ", in projects ";
    text += fmt::format("{}{}", before, raw(rule.projects[i]));
  }
  return text;
}

std::string threshold_text(const alert::MetricCondition& metric, double threshold) {
  const std::string_view side = metric.threshold_type == Direction::Above ? "above" : "below";
  if (!metric.comparison_delta_min) return fmt::format("{} {}", side, number_text(threshold));
  return fmt::format("{} percent {} the same {} before", number_text(threshold), side,
                     minutes_text(*metric.comparison_delta_min));
}

std::string describe_metric(const alert::Rule& rule, const alert::MetricCondition& metric) {
  std::string text = fmt::format("{} of {}", metric.aggregate, scope_text(rule));
  if (!metric.percent_of.empty()) {
    text += fmt::format(", in percent of the same of {}", metric.percent_of);
  }
  if (!metric.group_by.empty()) text += fmt::format(", by {}", metric.group_by);
  text += fmt::format(", over {}, every {}; critical {}", minutes_text(metric.time_window_min),
                      minutes_text(alert::resolution_of(metric)),
                      threshold_text(metric, metric.critical));
  if (metric.warning) text += fmt::format(", warning {}", threshold_text(metric, *metric.warning));
  if (metric.threshold_period > 1) {
    text += fmt::format(", {} times in a row", metric.threshold_period);
  }
  if (metric.resolve_threshold) {
    const std::string_view side = metric.threshold_type == Direction::Above ? "below" : "above";
    text += fmt::format("; resolved {} {}", side, number_text(*metric.resolve_threshold));
    if (metric.comparison_delta_min) text += " percent";
  } else {
    text += "; resolved when it is no longer so";
  }
  if (metric.no_data == alert::NoData::Hold) text += "; without data nothing changes";
  return text;
}

std::string describe_issue(const alert::Rule& rule, const alert::IssueCondition& issue) {
  std::string what;
  switch (issue.event) {
    case alert::IssueEvent::FirstSeen:
      what = "a new issue";
      break;
    case alert::IssueEvent::Regression:
      what = "an issue that comes back after it was resolved";
      break;
    case alert::IssueEvent::Escalating:
      what = "an issue seen more often than forecast";
      break;
    case alert::IssueEvent::SeenTimes:
      what = fmt::format("an issue seen more than {} times within {}", issue.value,
                         minutes_text(issue.interval_min));
      break;
    case alert::IssueEvent::SeenByUsers:
      what = fmt::format("an issue seen by more than {} users within {}", issue.value,
                         minutes_text(issue.interval_min));
      break;
  }
  return fmt::format("{}, of {}; at most one alert of an issue in {}", what, scope_text(rule),
                     minutes_text(issue.quiet_min));
}

}  // namespace

std::string minutes_text(uint64_t minutes) {
  if (minutes % 1440 == 0) return fmt::format("{} d", minutes / 1440);
  if (minutes % 60 == 0) return fmt::format("{} h", minutes / 60);
  return fmt::format("{} min", minutes);
}

std::string number_text(double value) { return fmt::format("{:.6g}", value); }
std::string number_text(const std::optional<double>& value) {
  return value ? number_text(*value) : "-";
}

std::string describe(const alert::Rule& rule) {
  return rule.metric() != nullptr ? describe_metric(rule, *rule.metric())
                                  : describe_issue(rule, *rule.issue());
}

std::string what_text(alert::Severity from, alert::Severity to) {
  if (to == alert::Severity::Ok) return "resolved";
  const std::string_view name = alert::severity_name(to);
  if (from == alert::Severity::Ok) return fmt::format("opened {}", name);
  return fmt::format("{} {}", to > from ? "became" : "eased to", name);
}

const std::string* member_text(const alert::Rule& rule, const Error& error) {
  const auto names = [&](std::string_view member) {
    return error.message.starts_with(fmt::format("{}: ", member));
  };
  if (names("query")) return &rule.query;
  const alert::MetricCondition* metric = rule.metric();
  if (metric == nullptr) return nullptr;
  if (names("percent_of")) return &metric->percent_of;
  if (names("aggregate")) return &metric->aggregate;
  return names("group_by") ? &metric->group_by : nullptr;
}

std::string bind_error_text(const alert::Rule& rule, const Error& error) {
  const std::string* text = member_text(rule, error);
  if (!error.position || text == nullptr) return error.message;
  return query::explain_error(*text, error);
}

bool keys_are_issues(const alert::Rule& rule) {
  const alert::MetricCondition* metric = rule.metric();
  return metric == nullptr || metric->group_by == "issue";
}

std::string key_text(const alert::Rule& rule, const model::State& state, const std::string& key) {
  if (rule.metric() != nullptr && rule.metric()->group_by.empty()) return "";
  if (keys_are_issues(rule)) {
    const size_t slash = key.find('/');
    uint64_t project = 0;
    uint32_t number = 0;
    std::from_chars(key.data(), key.data() + std::min(slash, key.size()), project);
    if (slash != std::string::npos) {
      std::from_chars(key.data() + slash + 1, key.data() + key.size(), number);
    }
    const model::Group* group = state.find_group(ProjectId{project}, number);
    if (group != nullptr) return state.short_id(group->id);
  }
  return key.empty() ? "(no value)" : key;
}

void write_number(JsonWriter& json, std::string_view key, const std::optional<double>& value) {
  json.key(key);
  if (value) {
    json.number(*value);
  } else {
    json.null();
  }
}
void write_time(JsonWriter& json, std::string_view key, std::optional<TimeUs> time) {
  json.key(key);
  if (time) {
    json.string(format_time(*time));
  } else {
    json.null();
  }
}

void write_key(JsonWriter& json, const alert::Rule& rule, const model::State& state,
               const std::string& key) {
  json.key("key").string(key);
  if (keys_are_issues(rule)) json.key("issue").string(key_text(rule, state, key));
}

}  // namespace cairn::verbs
