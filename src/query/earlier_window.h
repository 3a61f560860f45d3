// What `vs` compares with: the same question about a window so much earlier. Pure; thread: any.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "query/binder.h"
#include "query/bound.h"
#include "query/table_builder.h"

namespace cairn::query {

// Moves every condition on the time of the occurrence back by `vs_us`. Conditions on the issue stay
// what they are now.
void move_back(Expr& expr, int64_t vs_us);

// The end of the earlier window: `window` is that of the query itself, and ends at `now` if not
// before (aggregate() cuts it there), so that a day that is not over is compared with as much of an
// earlier one. Errors: InvalidArgument at vs_at when the window has no beginning.
Result<TimeUs> earlier_end(const TimeRange& window, const BoundTable& table, TimeUs now);

// For each call of a row: its value, that of the earlier window, and the change in percent of the
// absolute earlier one; NaN where that is zero or one of the two is missing. Rows that are in one
// window alone have no occurrences in the other.
RowSet compared(const BoundTable& table, const RowSet& rows, const RowSet& earlier);

}  // namespace cairn::query
