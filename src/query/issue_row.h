// What a page shows of one issue beyond the totals it was found by: users and trend.
// Thread: any; borrows its arguments for the call.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "query/binder.h"
#include "query/distinct.h"
#include "query/meter.h"
#include "query/part_match.h"
#include "query/rollup.h"
#include "query/search.h"
#include "query/view.h"

namespace cairn::query {

// `scratch` may serve any number of rows.
IssueRow make_issue_row(const View& view, const std::vector<PartMatch>& parts,
                        const SearchOptions& options, const IssueTotals& totals,
                        ScratchBits& scratch);

// Buckets of all trends of an answer together. Beyond: Exhausted.
inline constexpr uint64_t kMaxTrendCounts = 1u << 24;

// Before so many rows get trends of so many buckets each. Errors: Exhausted, Closed (of the meter,
// which may be nullptr).
Result<void> hold_trends(Meter* meter, Holding& held, uint64_t rows, uint64_t buckets);

// The matches of the issue in buckets, oldest first; the last one ends at `now`.
std::vector<uint64_t> issue_trend(const View& view, const std::vector<PartMatch>& parts,
                                  GroupId issue, TimeUs now, const TrendShape& shape);

}  // namespace cairn::query
