// What a page shows of one issue beyond the totals it was found by: users and trend.
// Thread: any; borrows its arguments for the call.
#pragma once

#include <vector>

#include "query/binder.h"
#include "query/distinct.h"
#include "query/part_match.h"
#include "query/rollup.h"
#include "query/search.h"
#include "query/view.h"

namespace cairn::query {

// `scratch` may serve any number of rows.
IssueRow make_issue_row(const View& view, const std::vector<PartMatch>& parts,
                        const SearchOptions& options, const IssueTotals& totals,
                        ScratchBits& scratch);

// The matches of the issue in buckets, oldest first; the last one ends at `now`.
std::vector<uint64_t> issue_trend(const View& view, const std::vector<PartMatch>& parts,
                                  GroupId issue, TimeUs now, const TrendShape& shape);

}  // namespace cairn::query
