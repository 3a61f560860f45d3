#include "query/issue_fields.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <unordered_map>
#include <utility>

#include "base/assert.h"
#include "query/aggregate.h"
#include "query/executor.h"
#include "query/issue_column.h"
#include "query/issue_row.h"
#include "query/likely_slips.h"
#include "query/plan.h"
#include "query/profile.h"
#include "query/rollup.h"
#include "query/sort_key.h"

namespace cairn::query {
namespace {

// Issues to show or to choose from, in the order of the list.
struct Candidates {
  std::vector<GroupId> issues;
  uint64_t total = 0;  // also of those that a limit in front left out
};

BoundTable calls_of(const BoundFields& fields) {
  BoundTable table;
  table.by.push_back(RowKey{RowKey::Kind::Issue, {}, {}, "issue"});
  for (const BoundColumn& column : fields.columns) {
    if (const auto* call = std::get_if<BoundCall>(&column.what)) table.calls.push_back(*call);
  }
  return table;
}

std::optional<double> number_in(const Cell& cell) {
  if (const auto* integer = std::get_if<int64_t>(&cell.value)) {
    return static_cast<double>(*integer);
  }
  if (const auto* time = std::get_if<TimeUs>(&cell.value)) return static_cast<double>(raw(*time));
  if (const auto* number = std::get_if<double>(&cell.value)) return *number;
  return std::nullopt;
}

uint64_t bytes_of(const std::vector<Cell>& row) {
  uint64_t bytes = row.capacity() * sizeof(Cell);
  for (const Cell& cell : row) {
    if (const auto* text = std::get_if<std::string>(&cell.value)) bytes += text->size();
  }
  return bytes;
}

class IssueLister {
 public:
  IssueLister(const View& view, const Query& query, const Pipeline& pipeline,
              const SearchOptions& options)
      : view_(view),
        query_(query),
        pipeline_(pipeline),
        fields_(*pipeline.fields),
        options_(options),
        table_(calls_of(fields_)),
        held_(view.meter) {}

  Result<Table> list(uint32_t limit) {
    CAIRN_TRY_ASSIGN(Expr filter, bind());
    CAIRN_TRY_ASSIGN(Plan plan, make_plan(view_, std::move(filter)));
    plan.told = true;
    CAIRN_TRY_ASSIGN(const Candidates found, candidates(plan, limit));
    CAIRN_TRY(compute_calls(plan, found.issues));
    Table result;
    result.lsn = view_.lsn;
    result.warnings = warn_of_unseen(view_, unseen_tags(view_, plan, table_));
    warn_of_likely_slips(query_, result.warnings);
    for (const GroupId issue : found.issues) {
      if (!go_on(view_.meter)) break;
      std::vector<Cell> row = cells_of(issue);
      if (stays(row)) {
        held_.add(bytes_of(row));
        result.rows.push_back(std::move(row));
      }
      if (!chooses() && result.rows.size() == limit) break;
    }
    CAIRN_TRY(check(view_.meter));
    result.total = chooses() ? result.rows.size() : found.total;
    order_and_cut(result.rows, limit);
    CAIRN_TRY(add_trends(result.rows));
    for (const BoundColumn& column : fields_.columns) result.columns.push_back(column.shown);
    for (std::vector<Cell>& row : result.rows) row.pop_back();
    if (view_.meter != nullptr) view_.meter->returned(result.rows.size());
    CAIRN_TRY(check(view_.meter));
    describe_plan(view_, query_.source, plan, result.total);
    return result;
  }

 private:
  // Whether rows are chosen or ordered by what they show.
  bool chooses() const { return fields_.order || !fields_.where.empty(); }

  Result<Expr> bind() const {
    return bind_filter(query_, view_.forest(), options_.now, options_.viewer);
  }

  Result<Candidates> candidates(const Plan& plan, uint32_t limit) const {
    if (!chooses() || pipeline_.limit) return page(limit);
    const Sort sort = options_.sort.value_or(pipeline_.sort.value_or(Sort::Date));
    GroupFilter filter(view_, plan.group_filter);
    std::vector<PartMatch> parts;
    std::vector<IssueTotals> issues;
    const bool counted = !plan.issues && totals_from_state(view_, plan, filter, issues);
    if (!counted || reads_matches(sort)) {
      parts = match_parts(view_, plan, filter, GroupFilterIn::Caller);
    }
    if (!counted) issues = roll_up(view_, plan, filter, parts);
    note_issues(view_, plan, filter);
    Holding held(view_.meter);
    held.set(issues.capacity() * sizeof(IssueTotals) +
             issues.size() * (sizeof(int64_t) + sizeof(std::pair<int64_t, GroupId>)));
    CAIRN_TRY(check(view_.meter));
    CAIRN_TRY_ASSIGN(const auto keys, sort_keys(view_, parts, issues, sort, options_.now));
    return in_order(issues, keys);
  }

  // The largest key first, then the largest id, as search() lists them.
  static Candidates in_order(const std::vector<IssueTotals>& issues,
                             const std::vector<int64_t>& keys) {
    std::vector<std::pair<int64_t, GroupId>> ranked;
    ranked.reserve(issues.size());
    for (size_t i = 0; i < issues.size(); ++i) ranked.emplace_back(keys[i], issues[i].id);
    std::sort(ranked.begin(), ranked.end(), std::greater<>());
    Candidates found;
    found.issues.reserve(ranked.size());
    for (const auto& [key, issue] : ranked) found.issues.push_back(issue);
    found.total = ranked.size();
    return found;
  }

  // The beginning of the list as a search has it.
  Result<Candidates> page(uint32_t limit) const {
    SearchOptions options = options_;
    options.limit = pipeline_.limit.value_or(kMaxLimit);
    if (!chooses()) options.limit = std::min(*options.limit, limit);
    options.trend_buckets = 0;
    CAIRN_TRY_ASSIGN(const SearchPage page, search(view_, query_, options));
    Candidates found;
    for (const IssueRow& row : page.issues) found.issues.push_back(row.id);
    found.total = page.total;
    return found;
  }

  // The filter, and nothing but these issues.
  Result<Plan> plan_of(const std::vector<GroupId>& issues) const {
    CAIRN_TRY_ASSIGN(Expr filter, bind());
    GroupTest test;
    test.field = GroupField::Issue;
    for (const GroupId issue : issues) test.numbers.push_back(raw(issue));
    std::vector<Expr> both;
    both.push_back(std::move(filter));
    both.push_back(Expr::of(std::move(test)));
    return make_plan(view_, Expr::all_of(std::move(both)));
  }

  Result<void> compute_calls(const Plan& plan, const std::vector<GroupId>& issues) {
    if (table_.calls.empty() || issues.empty()) return {};
    RowOptions options{options_.now, 0, {}};
    const bool rates = has_rate(table_);
    if (rates) options.span_us = rate_span(view_, plan, options_.now);
    if (chooses() && !pipeline_.limit) {
      CAIRN_TRY_ASSIGN(values_, make_rows(view_, plan, table_, options));
    } else {
      CAIRN_TRY_ASSIGN(const Plan confined, plan_of(issues));
      CAIRN_TRY_ASSIGN(values_, make_rows(view_, confined, table_, options));
    }
    constexpr uint64_t kBytesOfEntry = 40;  // of row_of_, more or less
    held_.add(values_.memory_bytes() + values_.size() * kBytesOfEntry);
    CAIRN_TRY(check(view_.meter));
    for (size_t row = 0; row < values_.size(); ++row) row_of_[values_.keys[row]] = row;
    return rates ? end_rates_now(issues, options) : Result<void>();
  }

  // The time of a rate ends now, so what comes later is no part of it.
  Result<void> end_rates_now(const std::vector<GroupId>& issues, const RowOptions& options) {
    const bool later = std::any_of(view_.parts.begin(), view_.parts.end(), [&](const auto* part) {
      return part->max_time() >= options.now;
    });
    if (!later) return {};
    CAIRN_TRY_ASSIGN(Plan plan, plan_of(issues));
    plan.time.end = std::min(plan.time.end, options.now);
    CAIRN_TRY_ASSIGN(const RowSet past, make_rows(view_, plan, table_, options));
    CAIRN_TRY(check(view_.meter));
    const size_t width = values_.value_count;
    for (size_t call = 0; call < width; ++call) {
      if (table_.calls[call].function != BoundCall::Function::Rate) continue;
      const double none = rate(0, table_.calls[call], *options.span_us);
      for (size_t row = 0; row < values_.size(); ++row) values_.values[row * width + call] = none;
      for (size_t row = 0; row < past.size(); ++row) {
        const auto found = row_of_.find(past.keys[row]);
        if (found == row_of_.end()) continue;
        values_.values[found->second * width + call] = past.values[row * width + call];
      }
    }
    return {};
  }

  // Trends are filled in later. A last cell holds the issue's number.
  std::vector<Cell> cells_of(GroupId issue) const {
    const model::Forest forest = view_.forest();
    std::vector<Cell> cells;
    cells.reserve(fields_.columns.size() + 1);
    size_t call = 0;
    for (const BoundColumn& column : fields_.columns) {
      if (const auto* field = std::get_if<IssueColumn>(&column.what)) {
        cells.push_back(issue_cell(forest, *field, issue));
      } else if (std::holds_alternative<BoundCall>(column.what)) {
        const auto found = row_of_.find(raw(issue));
        CAIRN_ASSERT(found != row_of_.end());
        const size_t row = found->second;
        cells.push_back(
            number_cell(column.shown.type, values_.values[row * values_.value_count + call++]));
      } else {
        cells.emplace_back();
      }
    }
    cells.push_back({int64_t{raw(issue)}});
    return cells;
  }

  bool stays(const std::vector<Cell>& row) const {
    return std::all_of(fields_.where.begin(), fields_.where.end(), [&](const auto& condition) {
      const auto number = number_in(row[condition.column]);
      return number && compare(*number, condition.op, condition.number);
    });
  }

  void order_and_cut(std::vector<std::vector<Cell>>& rows, uint32_t limit) const {
    if (fields_.order) {
      const auto& order = *fields_.order;
      std::stable_sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) {
        return compare_sorted(a, b, order) < 0;
      });
    }
    if (rows.size() > limit) rows.resize(limit);
  }

  Result<void> add_trends(std::vector<std::vector<Cell>>& rows) {
    uint64_t buckets = 0;
    for (const BoundColumn& column : fields_.columns) {
      const auto* shape = std::get_if<TrendShape>(&column.what);
      if (shape != nullptr) buckets += shape->buckets;
    }
    if (buckets == 0 || rows.empty()) return {};
    CAIRN_TRY(hold_trends(view_.meter, held_, rows.size(), buckets));
    std::vector<GroupId> issues;
    for (const std::vector<Cell>& row : rows) issues.push_back(issue_of(row));
    CAIRN_TRY_ASSIGN(const Plan plan, plan_of(issues));
    GroupFilter filter(view_, plan.group_filter);
    const auto parts = match_parts(view_, plan, filter, GroupFilterIn::Caller);
    for (std::vector<Cell>& row : rows) {
      if (!go_on(view_.meter)) break;
      for (size_t i = 0; i < fields_.columns.size(); ++i) {
        const auto* shape = std::get_if<TrendShape>(&fields_.columns[i].what);
        if (shape == nullptr) continue;
        row[i].value = issue_trend(view_, parts, issue_of(row), options_.now, *shape);
      }
    }
    return {};
  }

  static GroupId issue_of(const std::vector<Cell>& row) {
    return GroupId{static_cast<uint32_t>(std::get<int64_t>(row.back().value))};
  }

  const View& view_;
  const Query& query_;
  const Pipeline& pipeline_;
  const BoundFields& fields_;
  const SearchOptions& options_;
  const BoundTable table_;  // of the calls, by issue
  Holding held_;            // rows, and what they are made of
  RowSet values_;
  std::unordered_map<uint32_t, size_t> row_of_;  // by issue
};

}  // namespace

Result<Table> list_fields(const View& view, const Query& query, const Pipeline& pipeline,
                          const SearchOptions& options) {
  Pipeline limits;
  limits.limit = pipeline.fields->limit ? pipeline.fields->limit : pipeline.limit;
  CAIRN_TRY_ASSIGN(const uint32_t limit, choose_limit(options, limits, kDefaultLimit));
  return IssueLister(view, query, pipeline, options).list(limit);
}

}  // namespace cairn::query
