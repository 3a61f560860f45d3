#include "query/aggregate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "query/binder.h"
#include "query/earlier_window.h"
#include "query/executor.h"
#include "query/histogram.h"
#include "query/issue_fields.h"
#include "query/likely_slips.h"
#include "query/pair_counts.h"
#include "query/plan.h"
#include "query/profile.h"
#include "query/rollup.h"
#include "query/search.h"
#include "query/table_builder.h"
#include "query/value_counts.h"

namespace cairn::query {
namespace {

using Function = BoundCall::Function;

bool only_counts(const BoundTable& table) {
  return !table.every_us &&
         std::all_of(table.calls.begin(), table.calls.end(), [](const BoundCall& call) {
           return call.function == Function::Count || call.function == Function::Rate;
         });
}

// What is asked for, when all of it follows from a number of occurrences.
struct Counted {
  const BoundTable& table;
  double span_us;

  void append(uint64_t count, RowSet& rows) const {
    for (const BoundCall& call : table.calls) {
      const auto number = static_cast<double>(count);
      rows.values.push_back(call.function == Function::Rate ? rate(number, call, span_us) : number);
    }
  }
};

// count() without keys: cardinalities alone.
RowSet count_all(const Counted& counted, const std::vector<PartMatch>& parts) {
  uint64_t count = 0;
  for (const PartMatch& match : parts) count += match.count();
  RowSet rows;
  rows.value_count = counted.table.calls.size();
  counted.append(count, rows);
  return rows;
}

// One row for each number that was counted.
RowSet rows_of(const Counted& counted, const std::vector<uint64_t>& counts) {
  RowSet rows;
  rows.key_count = 1;
  rows.value_count = counted.table.calls.size();
  for (size_t number = 0; number < counts.size(); ++number) {
    if (counts[number] == 0) continue;
    rows.keys.push_back(static_cast<uint32_t>(number));
    counted.append(counts[number], rows);
  }
  return rows;
}

RowSet rows_of(const Counted& counted, const std::vector<PairCount>& pairs) {
  RowSet rows;
  rows.key_count = 2;
  rows.value_count = counted.table.calls.size();
  for (const PairCount& pair : pairs) {
    rows.keys.push_back(pair.first);
    rows.keys.push_back(pair.second);
    counted.append(pair.count, rows);
  }
  return rows;
}

// count() by one field.
std::vector<uint64_t> count_by_field(const KeySpace& space, const std::vector<PartMatch>& parts) {
  if (space.field()) return count_values(*space.field(), space.bound(), parts);
  std::vector<uint64_t> counts(space.bound(), 0);
  for (const PartMatch& match : parts) counts[0] += match.count();
  return counts;
}

// The same as rows.
Result<RowSet> count_rows(const View& view, const Counted& counted,
                          const std::vector<PartMatch>& parts) {
  const KeySpace space(view, counted.table.by.front());
  Holding held(view.meter);
  held.set(space.bound() * sizeof(uint64_t));
  CAIRN_TRY(check(view.meter));
  const std::vector<uint64_t> counts = count_by_field(space, parts);
  const auto none = static_cast<uint64_t>(std::count(counts.begin(), counts.end(), uint64_t{0}));
  held.add((counts.size() - none) *
           (sizeof(uint32_t) + counted.table.calls.size() * sizeof(double)));
  CAIRN_TRY(check(view.meter));
  return rows_of(counted, counts);
}

// Whether all that is asked for follows from how many matches each issue has.
bool follows_from_issues(const BoundTable& table) {
  const bool calls = std::all_of(table.calls.begin(), table.calls.end(), [](const BoundCall& call) {
    return call.function == Function::Count || call.counts_issues();
  });
  const bool keys = std::all_of(table.by.begin(), table.by.end(),
                                [](const RowKey& key) { return key.of_issue(); });
  const bool issues = std::any_of(table.calls.begin(), table.calls.end(),
                                  [](const BoundCall& call) { return call.counts_issues(); });
  return calls && keys && !table.every_us && (issues || !table.by.empty());
}

// Counts of occurrences and issues by fields of the issue: what the state sums up, or ranges and
// the view forest.
RowSet rows_of_issues(const View& view, const Plan& plan, const BoundTable& table) {
  GroupFilter filter(view, plan.group_filter);
  tell_counting(view, "totals of the state, no occurrence read");
  std::vector<IssueTotals> issues;
  if (plan.issues || !totals_from_state(view, plan, filter, issues)) {
    tell_counting(view, "matches by fingerprint");
    const auto parts = match_parts(view, plan, filter, GroupFilterIn::Caller);
    issues = roll_up(view, plan, filter, parts);
  }
  note_issues(view, plan, filter);
  Holding held_issues(view.meter);
  held_issues.set(issues.capacity() * sizeof(IssueTotals));
  RowSet rows;
  rows.key_count = table.by.size();
  rows.value_count = table.calls.size();
  std::vector<KeySpace> keys;
  std::vector<PairIndex> levels;
  for (const RowKey& key : table.by) {
    keys.emplace_back(view, key);
    levels.emplace_back(keys.back().bound());
  }
  // Without keys there is one row, also for nothing.
  if (keys.empty()) rows.values.resize(rows.value_count, 0);
  constexpr uint32_t kRowsPerStep = 256;
  const uint64_t bytes_of_pairs = keys.size() * 2 * sizeof(uint64_t);  // of a row, more or less
  Holding held(view.meter);
  std::vector<uint32_t> numbers(keys.size());
  for (const IssueTotals& issue : issues) {
    uint32_t row = 0;
    for (size_t i = 0; i < keys.size(); ++i) {
      numbers[i] = keys[i].of_issue(issue.id);
      row = levels[i].intern(row, numbers[i]);
    }
    if (row == rows.size()) {
      if (row % kRowsPerStep == 0) {
        held.set(rows.memory_bytes() + row * bytes_of_pairs);
        if (!go_on(view.meter)) break;
      }
      rows.keys.insert(rows.keys.end(), numbers.begin(), numbers.end());
      rows.values.resize(rows.values.size() + rows.value_count, 0);
    }
    for (size_t call = 0; call < rows.value_count; ++call) {
      rows.values[row * rows.value_count + call] +=
          table.calls[call].counts_issues() ? 1 : static_cast<double>(issue.count);
    }
  }
  return rows;
}

TimeUs earliest(const std::vector<PartMatch>& parts) {
  TimeUs time{std::numeric_limits<int64_t>::max()};
  for (const PartMatch& match : parts) time = std::min(time, match.part->min_time());
  return time;
}

TimeUs earliest_match(const std::vector<PartMatch>& parts) {
  TimeUs earliest{std::numeric_limits<int64_t>::max()};
  std::array<TimeUs, Block::kSize> times;
  for (const PartMatch& match : parts) {
    match.for_each_block([&](const Block& block) {
      block.times(times.data());
      earliest = std::min(earliest, *std::min_element(times.begin(), times.begin() + block.size()));
    });
  }
  return earliest;
}

double span_of(const Plan& plan, const std::vector<PartMatch>& parts, TimeUs now) {
  const bool open = plan.time.begin == TimeRange().begin;
  const TimeUs begin = open ? earliest_match(parts) : plan.time.begin;
  const TimeUs end = std::min(plan.time.end, now);
  return static_cast<double>(raw(end)) - static_cast<double>(raw(begin));
}

}  // namespace

bool has_rate(const BoundTable& table) {
  return std::any_of(table.calls.begin(), table.calls.end(),
                     [](const BoundCall& call) { return call.function == Function::Rate; });
}

double rate_span(const View& view, const Plan& plan, TimeUs now) {
  std::vector<PartMatch> parts;
  if (plan.time.begin == TimeRange().begin) {
    GroupFilter filter(view, plan.group_filter);
    parts = match_parts(view, plan, filter, GroupFilterIn::Matches);
  }
  return span_of(plan, parts, now);
}

Result<RowSet> make_rows(const View& view, const Plan& plan, const BoundTable& table,
                         const RowOptions& options) {
  const bool counts = only_counts(table);
  const bool rates = has_rate(table);
  const bool one_key = table.by.size() == 1;
  if (follows_from_issues(table)) return rows_of_issues(view, plan, table);
  StageTimer timer(view.meter, "match");
  GroupFilter filter(view, plan.group_filter);
  const auto parts = match_parts(view, plan, filter, GroupFilterIn::Matches);
  note_issues(view, plan, filter);
  CAIRN_TRY(check(view.meter));
  timer.next("roll-up");
  double span_us = 0;
  if (rates) span_us = options.span_us ? *options.span_us : span_of(plan, parts, options.now);
  if (counts && table.by.empty()) {
    tell_counting(view, "cardinalities of the matches");
    return count_all({table, span_us}, parts);
  }
  if (counts && one_key && table.by.front().kind == RowKey::Kind::Event) {
    tell_counting(view, "the field's column, or its postings, whichever is less");
    return count_rows(view, {table, span_us}, parts);
  }
  if (counts && table.by.size() == 2) {
    if (const auto pairs = count_pairs(view, table, parts)) {
      tell_counting(view, "both keys of every match, into one array");
      return rows_of({table, span_us}, *pairs);
    }
  }
  tell_counting(view, "values of every match, block by block");
  TableBuilder builder(view, table, earliest(parts), span_us, options.shift_us);
  for (const PartMatch& match : parts) CAIRN_TRY(builder.add(match));
  return builder.finish();
}

std::set<std::string> unseen_tags(const View& view, const Plan& plan, const BoundTable& table) {
  std::set<std::string> tags = plan.unseen_tags;
  const auto look_at = [&](const RowKey& key) {
    const bool tag = key.kind == RowKey::Kind::Event && key.field.id == FieldId{0};
    if (tag && !view.dictionary->find_tag(key.field.tag)) tags.insert(key.field.tag);
  };
  for (const RowKey& key : table.by) look_at(key);
  if (table.histogram) look_at(table.histogram->field);
  for (const BoundCall& call : table.calls) {
    if (call.field) look_at(*call.field);
  }
  return tags;
}

int compare_cells(const Cell& a, const Cell& b) {
  if (a.value.index() != b.value.index()) return a.value.index() < b.value.index() ? -1 : 1;
  if (a.value == b.value) return 0;
  return a.value < b.value ? -1 : 1;
}

namespace {

// The place of a name in the order of its kind; 0 = it has none there.
int rank_of(const Cell& cell, RowChoice::Names names) {
  const auto* name = std::get_if<std::string>(&cell.value);
  if (name == nullptr) return 0;
  if (names == RowChoice::Names::Levels) {
    const auto level = model::parse_level(*name);
    return level ? 1 + static_cast<int>(*level) : 0;
  }
  constexpr std::array<std::string_view, 3> kPriorities = {"low", "medium", "high"};
  const auto found = std::find(kPriorities.begin(), kPriorities.end(), *name);
  return found == kPriorities.end() ? 0 : 1 + static_cast<int>(found - kPriorities.begin());
}

}  // namespace

int compare_sorted(const std::vector<Cell>& a, const std::vector<Cell>& b,
                   const RowChoice::Order& order) {
  const Cell& left = a[order.column];
  const Cell& right = b[order.column];
  const bool none_left = std::holds_alternative<std::monostate>(left.value);
  const bool none_right = std::holds_alternative<std::monostate>(right.value);
  if (none_left || none_right) return int{none_left} - int{none_right};
  int compared = 0;
  if (order.names != RowChoice::Names::Text) {
    compared = rank_of(left, order.names) - rank_of(right, order.names);
  }
  if (compared == 0) compared = compare_cells(left, right);
  return order.descending ? -compared : compared;
}

Cell number_cell(std::string_view type, double number) {
  if (std::isnan(number)) return Cell{};
  if (type == "time") return Cell{TimeUs{static_cast<int64_t>(number)}};
  if (type == "integer") return Cell{static_cast<int64_t>(number)};
  return Cell{number};
}

namespace {

// In a column of times or numbers. `first_call`: the columns before it are the bucket and keys.
double number_in(const RowSet& rows, size_t row, size_t column, size_t first_call) {
  if (column < first_call) return static_cast<double>(raw(rows.buckets[row]));
  return rows.values[row * rows.value_count + column - first_call];
}

// Leaves the rows that pass all conditions. What is no number passes none.
RowSet choose_rows(const BoundTable& table, RowSet rows) {
  if (table.where.empty()) return rows;
  const size_t first_call = rows.key_count + (table.every_us ? 1 : 0);
  RowSet chosen;
  chosen.key_count = rows.key_count;
  chosen.value_count = rows.value_count;
  const auto passes = [&](size_t row) {
    return std::all_of(table.where.begin(), table.where.end(), [&](const auto& condition) {
      const double number = number_in(rows, row, condition.column, first_call);
      return !std::isnan(number) && compare(number, condition.op, condition.number);
    });
  };
  const auto copy = [](const auto& from, size_t row, size_t width, auto& to) {
    const auto begin = from.begin() + static_cast<ptrdiff_t>(row * width);
    to.insert(to.end(), begin, begin + static_cast<ptrdiff_t>(width));
  };
  for (size_t row = 0; row < rows.size(); ++row) {
    if (!passes(row)) continue;
    if (table.every_us) chosen.buckets.push_back(rows.buckets[row]);
    copy(rows.keys, row, rows.key_count, chosen.keys);
    copy(rows.values, row, rows.value_count, chosen.values);
  }
  return chosen;
}

// Orders rows and puts names in, for no more rows than are shown.
class Renderer {
 public:
  Renderer(const View& view, const BoundTable& table, const RowSet& rows)
      : view_(view),
        table_(table),
        rows_(rows),
        columns_(table_columns(table)),
        first_call_(rows.key_count + time_columns()) {
    for (const RowKey& key : table.by) keys_.emplace_back(view, key);
    if (table.order) order_.push_back(*table.order);
    if (table.every_us) order_.push_back({0, false});
    order_.push_back({first_call_, !table.histogram});
    for (size_t key = 0; key < rows.key_count; ++key) {
      order_.push_back({key + time_columns(), false});
    }
  }

  Result<std::vector<std::vector<Cell>>> render(uint32_t limit) const {
    std::vector<std::vector<Cell>> out;
    Holding held(view_.meter);
    for (size_t row : candidates(limit)) {
      CAIRN_TRY_ASSIGN(auto cells, render_row(row));
      held.add(cells.size() * sizeof(Cell));
      if (!go_on(view_.meter)) break;
      out.push_back(std::move(cells));
    }
    const size_t shown = std::min<size_t>(limit, out.size());
    std::partial_sort(out.begin(), out.begin() + static_cast<ptrdiff_t>(shown), out.end(),
                      [&](const auto& a, const auto& b) { return before(a, b); });
    out.resize(shown);
    return out;
  }

 private:
  size_t time_columns() const { return table_.every_us ? 1 : 0; }

  // What a row is ordered by first, as a number; keys are names and have none.
  bool leading_is_number() const {
    const size_t column = order_.front().column;
    return column >= first_call_ || column < time_columns();
  }
  // Rows without a number come after all others.
  double leading(size_t row) const {
    const double number = number_in(rows_, row, order_.front().column, first_call_);
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return !std::isnan(number) ? number : order_.front().descending ? -kInfinity : kInfinity;
  }

  // Rows that can be among the first `limit`, so that names are looked up for few others.
  std::vector<size_t> candidates(uint32_t limit) const {
    std::vector<size_t> all(rows_.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    if (all.size() <= limit || !leading_is_number()) return all;
    const bool descending = order_.front().descending;
    const auto better = [&](size_t a, size_t b) {
      return descending ? leading(a) > leading(b) : leading(a) < leading(b);
    };
    std::nth_element(all.begin(), all.begin() + (limit - 1), all.end(), better);
    const size_t last = all[limit - 1];
    std::erase_if(all, [&](size_t row) { return better(last, row); });
    return all;
  }

  Result<std::vector<Cell>> render_row(size_t row) const {
    std::vector<Cell> cells;
    if (table_.every_us) cells.push_back(Cell{rows_.buckets[row]});
    for (size_t key = 0; key < keys_.size(); ++key) {
      CAIRN_TRY_ASSIGN(Cell cell, keys_[key].cell(rows_.keys[row * rows_.key_count + key]));
      cells.push_back(std::move(cell));
    }
    for (size_t call = 0; call < rows_.value_count; ++call) {
      cells.push_back(number_cell(columns_[first_call_ + call].type,
                                  rows_.values[row * rows_.value_count + call]));
    }
    return cells;
  }

  bool before(const std::vector<Cell>& a, const std::vector<Cell>& b) const {
    if (table_.order) {
      const int compared = compare_sorted(a, b, *table_.order);
      if (compared != 0) return compared < 0;
    }
    for (const BoundTable::Order& order : order_) {
      const int compared = compare_cells(a[order.column], b[order.column]);
      if (compared != 0) return order.descending ? compared > 0 : compared < 0;
    }
    return false;
  }

  const View& view_;
  const BoundTable& table_;
  const RowSet& rows_;
  std::vector<Column> columns_;
  size_t first_call_;
  std::vector<KeySpace> keys_;
  std::vector<BoundTable::Order> order_;
};

Result<RowSet> earlier_rows(const View& view, const Query& query, const Plan& plan,
                            const BoundTable& table, const SearchOptions& options) {
  CAIRN_TRY_ASSIGN(const TimeUs end, earlier_end(plan.time, table, options.now));
  CAIRN_TRY_ASSIGN(Expr filter, bind_filter(query, view.forest(), options.now, options.viewer));
  move_back(filter, *table.vs_us);
  std::vector<Expr> both;
  both.push_back(std::move(filter));
  both.push_back(Expr::of(TimeTest{TimeRange{TimeRange().begin, end}}));
  CAIRN_TRY_ASSIGN(const Plan earlier, make_plan(view, Expr::all_of(std::move(both))));
  const TimeUs now{raw(options.now) - *table.vs_us};
  return make_rows(view, earlier, table, {now, *table.vs_us, {}});
}

// Whether what comes after now would be held against a time that ends there.
bool ends_now(const BoundTable& table) { return table.vs_us || has_rate(table); }

Result<RowSet> all_rows(const View& view, const Query& query, const Plan& plan,
                        const BoundTable& table, const SearchOptions& options) {
  if (table.histogram) {
    GroupFilter filter(view, plan.group_filter);
    tell_counting(view, "numbers of every match, block by block");
    const auto parts = match_parts(view, plan, filter, GroupFilterIn::Matches);
    note_issues(view, plan, filter);
    CAIRN_TRY(check(view.meter));
    return histogram_rows(view, *table.histogram, parts);
  }
  CAIRN_TRY_ASSIGN(RowSet rows, make_rows(view, plan, table, {options.now, 0, {}}));
  if (!table.vs_us) return rows;
  CAIRN_TRY_ASSIGN(const RowSet earlier, earlier_rows(view, query, plan, table, options));
  return compared(table, rows, earlier);
}

}  // namespace

Result<Table> aggregate(const View& given, const Query& query, const SearchOptions& options) {
  Meter own(options.control);
  const View view = watched(given, own);
  std::optional<StageTimer> timer(std::in_place, view.meter, "bind");
  CAIRN_TRY_ASSIGN(const Pipeline pipeline, bind_pipeline(query));
  if (!pipeline.makes_table()) {
    return make_error(ErrorCode::InvalidArgument,
                      "The query finds issues; a table needs a pipeline such as | count() by "
                      "release.");
  }
  if (!options.cursor.empty()) {
    return make_error(ErrorCode::InvalidArgument, "A table has no pages and takes no cursor.");
  }
  timer.reset();
  if (pipeline.fields) return list_fields(view, query, pipeline, options);
  timer.emplace(view.meter, "bind");
  CAIRN_TRY_ASSIGN(const uint32_t limit, choose_limit(options, pipeline, kMaxLimit));
  CAIRN_TRY_ASSIGN(Expr filter, bind_filter(query, view.forest(), options.now, options.viewer));
  timer->next("plan");
  CAIRN_TRY_ASSIGN(Plan plan, make_plan(view, std::move(filter)));
  if (ends_now(*pipeline.table)) plan.time.end = std::min(plan.time.end, options.now);
  plan.told = true;
  timer.reset();  // all_rows has stages of its own
  CAIRN_TRY_ASSIGN(RowSet all, all_rows(view, query, plan, *pipeline.table, options));
  Holding held(view.meter);
  held.set(all.memory_bytes());
  CAIRN_TRY(check(view.meter));
  timer.emplace(view.meter, "rows");
  const RowSet rows = choose_rows(*pipeline.table, std::move(all));
  Table result;
  result.lsn = view.lsn;
  result.total = rows.size();
  result.warnings = warn_of_unseen(view, unseen_tags(view, plan, *pipeline.table));
  warn_of_likely_slips(query, result.warnings);
  result.columns = table_columns(*pipeline.table);
  CAIRN_TRY_ASSIGN(result.rows, Renderer(view, *pipeline.table, rows).render(limit));
  view.meter->returned(result.rows.size());
  CAIRN_TRY(check(view.meter));
  describe_plan(view, query.source, plan, result.total);
  return result;
}

}  // namespace cairn::query
