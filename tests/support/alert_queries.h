// What an alert rule counts, asked through the query engine: the whole query over the window, as a
// person would write it.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "alert/rule.h"
#include "base/result.h"
#include "base/time_format.h"
#include "query/parser.h"
#include "query/search.h"

namespace cairn::testing {

// Values by key, as a table says them or an evaluation; nullopt: of nothing.
using ByKey = std::map<std::string, std::optional<double>>;

// The filter of a rule within its environment and projects.
inline std::string rule_filter(const alert::Rule& rule, const std::string& filter) {
  std::string text = filter.empty() ? "" : "(" + filter + ")";
  if (!rule.environment.empty()) text += " environment:" + rule.environment;
  if (!rule.projects.empty()) {
    std::string list;
    for (const ProjectId project : rule.projects) {
      list += (list.empty() ? "" : ",") + std::to_string(raw(project));
    }
    text += " project:[" + list + "]";
  }
  return text;
}

// Projects have slugs of one letter and their number.
inline Result<std::string> alert_key(const query::Cell& cell, const std::string& group_by,
                                     const model::State& state) {
  const auto* text = std::get_if<std::string>(&cell.value);
  if (text == nullptr) return std::string();
  if (group_by == "project") return text->substr(1);
  if (group_by != "issue") return *text;
  for (uint32_t id = 1; id <= state.group_count(); ++id) {
    if (state.short_id(GroupId{id}) == *text) {
      const model::Group& group = state.group(GroupId{id});
      return std::to_string(raw(group.project)) + "/" + std::to_string(group.number);
    }
  }
  return make_error(ErrorCode::NotFound, "no issue " + *text);
}

inline std::optional<double> cell_number(const query::Cell& cell) {
  if (const auto* whole = std::get_if<int64_t>(&cell.value)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&cell.value)) return *real;
  return std::nullopt;
}

struct RuleWindow {
  TimeUs begin{};
  TimeUs end{};
  TimeUs now{};  // what relative dates are relative to
};

inline Result<ByKey> ask_filter(const query::View& view, const alert::Rule& rule,
                                const alert::MetricCondition& metric, const std::string& filter,
                                const RuleWindow& window) {
  std::string text = rule_filter(rule, filter) + " timestamp:>=" + format_time(window.begin) +
                     " timestamp:<" + format_time(window.end) + " | " + metric.aggregate;
  if (!metric.group_by.empty()) text += " by " + metric.group_by;
  CAIRN_TRY_ASSIGN(const auto query, query::parse(text));
  query::SearchOptions options;
  options.now = window.now;
  options.limit = query::kMaxLimit;
  CAIRN_TRY_ASSIGN(const auto table, query::aggregate(view, query, options));
  ByKey values;
  for (const auto& row : table.rows) {
    std::string key;
    if (!metric.group_by.empty()) {
      CAIRN_TRY_ASSIGN(key, alert_key(row[0], metric.group_by, *view.state));
    }
    values[key] = cell_number(row.back());
  }
  return values;
}

// What the aggregate is of nothing.
inline std::optional<double> value_of_nothing(const std::string& aggregate) {
  for (const char* zero : {"count", "uniq", "issues", "sum", "rate"}) {
    if (aggregate.starts_with(zero)) return 0;
  }
  return std::nullopt;
}

// With percentages; keys that say what nothing says are left out.
inline Result<ByKey> ask_rule(const query::View& view, const alert::Rule& rule,
                              const alert::MetricCondition& metric, const RuleWindow& window) {
  const auto nothing = value_of_nothing(metric.aggregate);
  CAIRN_TRY_ASSIGN(ByKey values, ask_filter(view, rule, metric, rule.query, window));
  if (metric.percent_of.empty()) {
    std::erase_if(values, [&](const auto& one) { return one.second == nothing; });
    return values;
  }
  const ByKey part = std::exchange(values, {});
  CAIRN_TRY_ASSIGN(const ByKey all, ask_filter(view, rule, metric, metric.percent_of, window));
  for (const auto& [key, whole] : all) {
    const auto found = part.find(key);
    const auto of = found == part.end() ? nothing : found->second;
    if (of && whole && *whole != 0) values[key] = *of / *whole * 100;
  }
  return values;
}

inline bool near_value(const std::optional<double>& a, const std::optional<double>& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a || *a == Approx(*b).epsilon(1e-9);
}

}  // namespace cairn::testing
