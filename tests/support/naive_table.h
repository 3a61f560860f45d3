// Tables as a plain program makes them: what matches, its values by name, and rows of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/group_type.h"
#include "model/message.h"
#include "query/predicate.h"
#include "query/value_parser.h"
#include "support/query_world.h"

namespace cairn::testing {

using Values = std::multimap<std::string, std::string>;

// Values by the names tables use.
inline Values values_of(const QueryWorld::Stored& stored, const model::State& state,
                        GroupId issue) {
  model::TermExtractor extractor;
  Values values;
  for (const model::Term& term : extractor.extract(stored.occurrence)) {
    if (term.id == FieldId{0}) {
      values.emplace(term.tag, term.value);
      continue;
    }
    for (const model::BuiltinField& builtin : model::builtin_fields()) {
      if (builtin.id == term.id) values.emplace(builtin.name, term.value);
    }
  }
  const auto say = [&](const char* name, std::string_view value) {
    if (!value.empty()) values.emplace(name, value);
  };
  const model::ShownStatus shown = state.shown_status(issue);
  const model::GroupType type = state.type(state.group(issue).type);
  say("status", model::status_name(shown.status));
  say("substatus", model::substatus_name(shown.substatus));
  say("priority", model::priority_name(state.group(issue).priority));
  values.erase("issue.type");  // what the occurrence says; tables ask for the issue's
  say("issue.type", type.slug);
  say("issue.category", model::category_name(type.category));
  say("assigned", state.group(issue).assignee);
  values.emplace("issue", state.short_id(issue));
  values.emplace("project", state.project(stored.occurrence.project)->slug);
  return values;
}

struct Matched {
  const QueryWorld::Stored* stored;
  GroupId issue;
  Values values;
};

inline std::vector<Matched> scan(QueryWorld& world, const query::Query& query, TimeUs now) {
  auto predicate = must(query::Predicate::bind(query, world.state(), now));
  const auto& roots = world.roots();
  std::vector<Matched> matched;
  for (const auto& stored : world.stored()) {
    const GroupId issue = roots[raw(stored.fingerprint)];
    if (!predicate.matches(stored.occurrence, issue)) continue;
    matched.push_back({&stored, issue, values_of(stored, world.state(), issue)});
  }
  return matched;
}

using RowName = std::vector<std::optional<std::string>>;

struct RowContent {
  int64_t count = 0;
  std::vector<std::vector<std::string>> values;  // by call, each as often as it came
};

using NaiveTable = std::map<std::pair<int64_t, RowName>, RowContent>;

inline std::vector<std::optional<std::string>> values_at(const Matched& match,
                                                         const std::string& name) {
  std::vector<std::optional<std::string>> values;
  const auto [begin, end] = match.values.equal_range(name);
  for (auto it = begin; it != end; ++it) values.emplace_back(it->second);
  if (values.empty()) values.emplace_back(std::nullopt);
  return values;
}

inline NaiveTable expected_table(const std::vector<Matched>& matched,
                                 const query::AggregateStage& stage) {
  NaiveTable table;
  if (stage.by.empty() && !stage.every_us) table[{0, {}}].values.resize(stage.calls.size());
  for (const Matched& match : matched) {
    int64_t bucket = 0;
    if (stage.every_us) {
      bucket = raw(match.stored->occurrence.time());
      bucket -= ((bucket % *stage.every_us) + *stage.every_us) % *stage.every_us;
    }
    std::vector<RowName> names = {{}};
    for (const query::Key& key : stage.by) {
      std::vector<RowName> longer;
      for (const RowName& name : names) {
        for (const auto& value : values_at(match, key.name)) {
          longer.push_back(name);
          longer.back().push_back(value);
        }
      }
      names = std::move(longer);
    }
    for (const RowName& name : names) {
      RowContent& row = table[{bucket, name}];
      row.values.resize(stage.calls.size());
      ++row.count;
      for (size_t i = 0; i < stage.calls.size(); ++i) {
        const query::Call& call = stage.calls[i];
        if (call.arguments.empty() && call.function != "issues") continue;
        const std::string field = call.arguments.empty() ? "issue" : call.arguments[0].name;
        for (const auto& value : values_at(match, field)) {
          if (value) row.values[i].push_back(*value);
        }
      }
    }
  }
  return table;
}

struct NaiveRow {
  int64_t bucket;
  RowName name;
  std::vector<double> values;  // NaN: none
};

inline double naive_answer(const query::Call& call, const RowContent& row,
                           const std::vector<std::string>& texts) {
  if (call.function == "count") return static_cast<double>(row.count);
  if (call.function == "uniq" || call.function == "count_unique" || call.function == "issues") {
    return static_cast<double>(std::set<std::string>(texts.begin(), texts.end()).size());
  }
  std::vector<double> numbers;
  double sum = 0;
  for (const std::string& text : texts) {
    if (const auto number = query::parse_quantity(text)) numbers.push_back(*number);
  }
  for (const double number : numbers) sum += number;
  if (call.function == "sum") return sum;
  if (numbers.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(numbers.begin(), numbers.end());
  if (call.function == "avg") return sum / static_cast<double>(numbers.size());
  if (call.function == "min") return numbers.front();
  if (call.function == "max") return numbers.back();
  // At least so many hundredths of all are not above it.
  const std::string percent =
      call.function == "percentile" ? call.arguments[1].name.substr(2) : call.function.substr(1);
  const size_t hundredths = static_cast<size_t>(std::stoi(percent));
  size_t rank = 1;
  while (100 * rank < hundredths * numbers.size()) ++rank;
  return numbers[rank - 1];
}

inline double or_lowest(double number) {
  return std::isnan(number) ? -std::numeric_limits<double>::infinity() : number;
}

inline std::vector<NaiveRow> in_order(const NaiveTable& table, const query::AggregateStage& stage) {
  std::vector<NaiveRow> rows;
  for (const auto& [key, content] : table) {
    NaiveRow row{key.first, key.second, {}};
    for (size_t i = 0; i < stage.calls.size(); ++i) {
      row.values.push_back(naive_answer(stage.calls[i], content, content.values[i]));
    }
    rows.push_back(std::move(row));
  }
  // The map has them by bucket and name already.
  std::stable_sort(rows.begin(), rows.end(), [](const NaiveRow& a, const NaiveRow& b) {
    return a.bucket != b.bucket ? a.bucket < b.bucket
                                : or_lowest(a.values[0]) > or_lowest(b.values[0]);
  });
  return rows;
}

inline bool is_whole(const query::Call& call) {
  static const std::set<std::string> kWhole = {"count", "uniq", "count_unique", "issues"};
  return kWhole.contains(call.function);
}

inline query::Cell cell_of(const query::Call& call, double number) {
  if (std::isnan(number)) return {};
  if (is_whole(call)) {
    return {static_cast<int64_t>(number)};
  }
  return {number};
}

inline std::vector<query::Cell> cells_of(const NaiveRow& row, const query::AggregateStage& stage) {
  std::vector<query::Cell> cells;
  if (stage.every_us) cells.push_back({TimeUs{row.bucket}});
  for (const auto& name : row.name) {
    cells.push_back(name ? query::Cell{*name} : query::Cell{});
  }
  for (size_t i = 0; i < row.values.size(); ++i) {
    cells.push_back(cell_of(stage.calls[i], row.values[i]));
  }
  return cells;
}

}  // namespace cairn::testing
