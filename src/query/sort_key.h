// What issues are sorted by: a whole number each, the largest first (docs/query-language.md,
// "Sorts"). Thread: any; borrows its arguments for the call.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "query/part_match.h"
#include "query/rollup.h"
#include "query/search.h"
#include "query/view.h"

namespace cairn::query {

// Whether the sort asks for more of the matches than the totals of the issues.
inline bool reads_matches(Sort sort) {
  return sort == Sort::User || sort == Sort::Trends || sort == Sort::Recommended;
}

// One for each of the issues, whose matches are among those of `parts` (read only if
// reads_matches(sort)). Errors: Corruption, Io (of the dictionary); Closed, Exhausted (of the
// view's meter).
Result<std::vector<int64_t>> sort_keys(const View& view, const std::vector<PartMatch>& parts,
                                       std::span<const IssueTotals> issues, Sort sort, TimeUs now);

}  // namespace cairn::query
