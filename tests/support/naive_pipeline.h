// Histograms, comparisons with an earlier window and lists of issues, against what a plain program
// makes of the matching occurrences.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "query/ast_print.h"
#include "query/parser.h"
#include "support/naive_sort.h"
#include "support/naive_table.h"
#include "support/random_query.h"

namespace cairn::testing {

using NaiveCells = std::vector<std::vector<query::Cell>>;

inline void require_rows(const query::Table& table, const NaiveCells& expected, uint64_t total) {
  REQUIRE(table.total == total);
  REQUIRE(table.rows.size() == std::min<size_t>(expected.size(), query::kMaxLimit));
  for (size_t i = 0; i < table.rows.size(); ++i) {
    INFO("row " << i);
    const auto& row = table.rows[i];
    REQUIRE(row.size() == expected[i].size());
    for (size_t column = 0; column < row.size(); ++column) {
      INFO("column " << column);
      REQUIRE(row[column].value == expected[i][column].value);
    }
  }
}

inline query::Query with_stages(const std::string& filter, const std::string& stages) {
  query::Query query = must(query::parse(filter));
  query.stages = must(query::parse("| " + stages)).stages;
  return query;
}

// --- histograms ---------------------------------------------------------------------------------

inline int64_t naive_floor(int64_t value, int64_t width) {
  int64_t bucket = value / width;
  while (bucket * width > value) --bucket;
  return bucket;
}

// Rows of (from, to, count) for whole numbers; `widths` ascend.
inline std::vector<std::array<int64_t, 3>> naive_histogram(const std::vector<int64_t>& numbers,
                                                           const std::vector<int64_t>& widths,
                                                           int64_t most) {
  if (numbers.empty()) return {};
  const auto [min, max] = std::minmax_element(numbers.begin(), numbers.end());
  for (const int64_t width : widths) {
    const int64_t first = naive_floor(*min, width);
    const int64_t last = naive_floor(*max, width);
    if (last - first + 1 > most) continue;
    std::vector<std::array<int64_t, 3>> rows;
    for (int64_t bucket = first; bucket <= last; ++bucket) {
      rows.push_back({bucket * width, (bucket + 1) * width, 0});
      for (const int64_t number : numbers) {
        if (number >= rows.back()[0] && number < rows.back()[1]) ++rows.back()[2];
      }
    }
    return rows;
  }
  FAIL("no width is wide enough");
  return {};
}

inline NaiveCells histogram_of_times(const std::vector<Matched>& matched, int64_t most) {
  std::vector<int64_t> times;
  for (const Matched& match : matched) times.push_back(raw(match.stored->occurrence.time()));
  std::vector<int64_t> widths;
  for (const int64_t seconds : {1, 2, 5, 10, 15, 30}) widths.push_back(seconds);
  for (const int64_t minutes : {1, 2, 5, 10, 15, 30}) widths.push_back(60 * minutes);
  for (const int64_t hours : {1, 2, 3, 6, 12, 24, 48}) widths.push_back(3600 * hours);
  for (int64_t week = 7 * 86'400; widths.size() < 40; week *= 2) widths.push_back(week);
  for (int64_t& width : widths) width *= kMicrosPerSecond;
  NaiveCells cells;
  for (const auto& [from, to, count] : naive_histogram(times, widths, most)) {
    cells.push_back({{TimeUs{from}}, {TimeUs{to}}, {count}});
  }
  return cells;
}

// The test's numbers have no more than three digits behind the point.
inline NaiveCells histogram_of_numbers(const std::vector<Matched>& matched,
                                       const std::string& field, int64_t most) {
  constexpr int64_t kUnit = 1000;
  std::vector<int64_t> numbers;
  bool whole = true;
  for (const Matched& match : matched) {
    for (const auto& value : values_at(match, field)) {
      const auto number = query::parse_quantity(value.value_or(""));
      if (!number) continue;
      numbers.push_back(std::llround(*number * kUnit));
      whole = whole && numbers.back() % kUnit == 0;
    }
  }
  const bool one =
      std::adjacent_find(numbers.begin(), numbers.end(), std::not_equal_to<>()) == numbers.end();
  std::vector<int64_t> widths;
  for (int64_t power = whole || one ? kUnit : 1; power < 1'000'000'000'000; power *= 10) {
    for (const int64_t digit : {1, 2, 5}) widths.push_back(digit * power);
  }
  NaiveCells cells;
  for (const auto& [from, to, count] : naive_histogram(numbers, widths, most)) {
    cells.push_back(
        {{static_cast<double>(from) / kUnit}, {static_cast<double>(to) / kUnit}, {count}});
  }
  return cells;
}

inline void check_histogram(QueryWorld& world, const std::string& filter,
                            const std::vector<Matched>& matched, RandomQuery& random, TimeUs now) {
  static constexpr std::array kFields = {"shard", "release", "browser", "absent", "timestamp"};
  const std::string field = kFields[random.below(kFields.size())];
  const auto most = static_cast<int64_t>(2 + random.below(40));
  const auto query = with_stages(filter, "histogram " + field + " " + std::to_string(most));
  INFO(print(query));
  query::SearchOptions options;
  options.now = now;
  const auto expected = field == "timestamp" ? histogram_of_times(matched, most)
                                             : histogram_of_numbers(matched, field, most);
  require_rows(must(query::aggregate(world.view(), query, options)), expected, expected.size());
}

// --- an earlier window --------------------------------------------------------------------------

// Everything happened so much later than it did: what passes then, up to now, is what the query
// means by the earlier window.
inline std::vector<Matched> scan_moved(QueryWorld& world, const query::Query& query, TimeUs now,
                                       int64_t vs_us, std::vector<QueryWorld::Stored>& moved) {
  auto predicate = must(query::Predicate::bind(query, world.state(), now));
  moved = world.stored();
  std::vector<Matched> matched;
  for (QueryWorld::Stored& stored : moved) {
    stored.occurrence.detection_time += static_cast<double>(vs_us / kMicrosPerSecond);
    if (stored.occurrence.time() >= now) continue;
    const GroupId issue = world.roots()[raw(stored.fingerprint)];
    if (!predicate.matches(stored.occurrence, issue)) continue;
    matched.push_back({&stored, issue, values_of(stored, world.state(), issue)});
  }
  return matched;
}

inline double answer_or_none(const query::AggregateStage& stage, size_t call,
                             const RowContent* row) {
  const std::string& function = stage.calls[call].function;
  if (row != nullptr) return naive_answer(stage.calls[call], *row, row->values[call]);
  const bool zero = is_whole(stage.calls[call]) || function == "sum";
  return zero ? 0 : std::numeric_limits<double>::quiet_NaN();
}

inline NaiveCells expected_comparison(const NaiveTable& present, const NaiveTable& past,
                                      const query::AggregateStage& stage) {
  std::set<std::pair<int64_t, RowName>> keys;
  for (const auto& [key, row] : present) keys.insert(key);
  for (const auto& [key, row] : past) keys.insert(key);
  struct Row {
    int64_t bucket;
    double first;
    std::vector<query::Cell> cells;
  };
  std::vector<Row> rows;
  for (const auto& key : keys) {
    const auto find = [&](const NaiveTable& table) {
      const auto found = table.find(key);
      return found == table.end() ? nullptr : &found->second;
    };
    Row row{key.first, or_lowest(answer_or_none(stage, 0, find(present))), {}};
    if (stage.every_us) row.cells.push_back({TimeUs{key.first}});
    for (const auto& name : key.second)
      row.cells.push_back(name ? query::Cell{*name} : query::Cell{});
    for (size_t call = 0; call < stage.calls.size(); ++call) {
      const double value = answer_or_none(stage, call, find(present));
      const double before = answer_or_none(stage, call, find(past));
      row.cells.push_back(cell_of(stage.calls[call], value));
      row.cells.push_back(cell_of(stage.calls[call], before));
      const bool none = std::isnan(value) || std::isnan(before) || before == 0;
      row.cells.push_back(none ? query::Cell{}
                               : query::Cell{(value - before) / std::abs(before) * 100});
    }
    rows.push_back(std::move(row));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return a.bucket != b.bucket ? a.bucket < b.bucket : a.first > b.first;
  });
  NaiveCells cells;
  for (Row& row : rows) cells.push_back(std::move(row.cells));
  return cells;
}

inline void check_comparison(QueryWorld& world, const std::string& filter, RandomQuery& random,
                             TimeUs now) {
  static constexpr std::array<int64_t, 5> kBack = {60, 3600, 5400, 86'400, 7 * 86'400};
  query::AggregateStage stage = random.table();
  stage.vs_us = kBack[random.below(kBack.size())] * kMicrosPerSecond;
  query::Query query = must(query::parse("timestamp:>=" + random.time()));
  query::Query more = must(query::parse(filter));
  if (more.filter) {
    query::And both;
    both.terms.push_back(std::move(*query.filter));
    both.terms.push_back(std::move(*more.filter));
    query.filter = query::Node{std::move(both), {}};
  }
  query.stages.push_back(stage);
  INFO(print(query));
  query::SearchOptions options;
  options.now = now;
  options.limit = query::kMaxLimit;
  std::vector<QueryWorld::Stored> moved;
  const auto past = scan_moved(world, query, now, *stage.vs_us, moved);
  auto present = scan(world, query, now);
  std::erase_if(present, [&](const Matched& match) {
    return match.stored->occurrence.time() >= now;  // as of the moved ones: both windows end now
  });
  const auto expected =
      expected_comparison(expected_table(present, stage), expected_table(past, stage), stage);
  require_rows(must(query::aggregate(world.view(), query, options)), expected, expected.size());
}

// --- lists of issues ----------------------------------------------------------------------------

inline std::vector<NaiveIssue> naive_issues(const std::vector<Matched>& matched,
                                            const model::State& state) {
  std::map<GroupId, NaiveIssue> issues;
  for (const Matched& match : matched) {
    NaiveIssue& issue = issues[match.issue];
    const auto user = match.values.find("user");
    issue.matches.push_back({match.stored->occurrence.time(),
                             user == match.values.end() ? "" : user->second,
                             match.values.find("level")->second});
  }
  std::vector<NaiveIssue> listed;
  for (auto& [id, issue] : issues) {
    issue.id = id;
    issue.priority = state.group(id).priority;
    issue.type_priority = state.type(state.group(id).type).default_priority;
    listed.push_back(std::move(issue));
  }
  return listed;
}

inline query::Cell naive_column(const std::string& column, GroupId issue,
                                const std::vector<const Matched*>& matches,
                                const model::State& state, TimeUs now) {
  if (column == "id") return {int64_t{raw(issue)}};
  if (column == "times_seen") return {static_cast<int64_t>(state.totals(issue).times_seen)};
  if (column == "trend(6h)") {
    constexpr int64_t kWidth = 1800 * kMicrosPerSecond;
    std::vector<uint64_t> counts(12, 0);
    for (const Matched* match : matches) {
      const int64_t age = raw(now) - raw(match->stored->occurrence.time());
      if (age >= 0 && age < 12 * kWidth) ++counts[static_cast<size_t>(11 - age / kWidth)];
    }
    return {counts};
  }
  const auto value = values_at(*matches.front(), column).front();
  return value ? query::Cell{*value} : query::Cell{};
}

// The columns count(), then those named, then the other calls.
inline NaiveCells expected_list(const std::vector<Matched>& matched, const model::State& state,
                                const std::vector<std::string>& columns,
                                const query::AggregateStage& calls, query::Sort sort, TimeUs now) {
  std::map<GroupId, std::vector<const Matched*>> issues;
  for (const Matched& match : matched) issues[match.issue].push_back(&match);
  const NaiveTable table = expected_table(matched, calls);
  NaiveCells rows;
  for (const GroupId issue : in_naive_order(naive_issues(matched, state), sort, now)) {
    const RowContent& content = table.at({0, {state.short_id(issue)}});
    std::vector<query::Cell> row = {{content.count}};
    for (const std::string& column : columns) {
      row.push_back(naive_column(column, issue, issues[issue], state, now));
    }
    for (size_t i = 0; i < calls.calls.size(); ++i) {
      row.push_back(
          cell_of(calls.calls[i], naive_answer(calls.calls[i], content, content.values[i])));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// By the last call, either way, rows without a value last; by count() where there is no other.
inline std::string sort_by_call(NaiveCells& rows, const query::AggregateStage& calls,
                                RandomQuery& random) {
  const bool descending = calls.calls.empty() || random.below(2) == 0;
  std::stable_sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) {
    const auto& left = calls.calls.empty() ? a.front().value : a.back().value;
    const auto& right = calls.calls.empty() ? b.front().value : b.back().value;
    const query::Cell none;
    if (left == none.value || right == none.value) return left != right && right == none.value;
    return descending ? left > right : left < right;
  });
  const std::string call =
      calls.calls.empty() ? "count()" : calls.calls.back().function + "(shard)";
  return std::string(" | sort ") + (descending ? "-" : "") + call;
}

inline void check_fields(QueryWorld& world, const std::string& filter,
                         const std::vector<Matched>& matched, RandomQuery& random, TimeUs now) {
  static constexpr std::array kColumns = {"issue",      "id",       "status",  "substatus",
                                          "priority",   "assigned", "project", "issue.type",
                                          "times_seen", "trend(6h)"};
  std::vector<std::string> columns;
  std::string list = "count()";
  for (const char* column : kColumns) {
    if (random.below(3) != 0) continue;
    columns.emplace_back(column);
    list += std::string(", ") + column;
  }
  query::AggregateStage calls;
  calls.by.push_back(RandomQuery::plain("issue"));
  for (const char* function : {"uniq", "sum", "p75", "max"}) {
    if (random.below(3) != 0) continue;
    calls.calls.push_back({function, {RandomQuery::plain("shard")}, {}});
    list += std::string(", ") + function + "(shard)";
  }
  const auto sort = static_cast<query::Sort>(random.below(kSorts));
  query::SearchOptions options;
  options.now = now;
  auto expected = expected_list(matched, world.state(), columns, calls, sort, now);
  std::string stages = "fields " + list;
  // A query sorts once, but for a limit in between.
  const bool by_column = random.below(3) == 0;
  const bool cut = random.below(3) == 0;
  const bool by_stage = (cut || !by_column) && random.below(2) == 0;
  if (!by_stage) options.sort = sort;
  uint64_t total = expected.size();
  size_t limit = query::kDefaultLimit;
  if (cut) {
    limit = 1 + random.below(5);
    stages = "limit " + std::to_string(limit) + " | " + stages;
    if (expected.size() > limit) expected.resize(limit);
  }
  if (by_stage)
    stages = std::string("sort ") + kSortNames[static_cast<size_t>(sort)] + " | " + stages;
  if (random.below(3) == 0) {
    const auto bound = static_cast<int64_t>(random.below(4));
    stages += " | where count() > " + std::to_string(bound);
    std::erase_if(expected,
                  [&](const auto& row) { return row[0].value <= query::Cell{bound}.value; });
    total = expected.size();
  }
  if (by_column) {
    stages += sort_by_call(expected, calls, random);
    total = expected.size();
  }
  if (random.below(2) == 0) {
    limit = 1 + random.below(6);
    stages += " | limit " + std::to_string(limit);
  }
  if (expected.size() > limit) expected.resize(limit);
  const auto query = with_stages(filter, stages);
  INFO(print(query) << ", sort " << static_cast<int>(sort) << (by_stage ? " named" : " asked for"));
  require_rows(must(query::aggregate(world.view(), query, options)), expected, total);
}

}  // namespace cairn::testing
