// Rows of tables before names and order: what aggregate() and lists of issues (issue_fields.h) are
// made of. Thread: any; borrows its arguments for the call.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "query/binder.h"
#include "query/plan.h"
#include "query/table_builder.h"
#include "query/view.h"

namespace cairn::query {

struct RowOptions {
  TimeUs now{};
  int64_t shift_us = 0;           // added to times before they are put into buckets
  std::optional<double> span_us;  // that rate() is about; nullopt: rate_span()
};

// Precondition: no histogram. Errors: Exhausted, Corruption, Io.
Result<RowSet> make_rows(const View& view, const Plan& plan, const BoundTable& table,
                         const RowOptions& options);

bool has_rate(const BoundTable& table);

// The time that rate() is about: what the filter is limited to, where it says nothing from the
// first match and up to now.
double rate_span(const View& view, const Plan& plan, TimeUs now);

// What of the value that a cell holds: `type` as Column::type has it, NaN = none.
Cell number_cell(std::string_view type, double number);
// Negative: a is before b. Cells without a value come first.
int compare_cells(const Cell& a, const Cell& b);
// Whether row a stands before row b by a sorted column: without a value last, whichever way.
// Negative: it does.
int compare_sorted(const std::vector<Cell>& a, const std::vector<Cell>& b,
                   const RowChoice::Order& order);

// Tags that the plan or the calls and keys name and no occurrence has.
std::set<std::string> unseen_tags(const View& view, const Plan& plan, const BoundTable& table);

}  // namespace cairn::query
