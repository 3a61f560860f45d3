// count() by two keys with few combinations: one flat array of counts instead of rows that are
// found by hash. Thread: any; borrows its arguments for the call.
#pragma once

#include <optional>
#include <vector>

#include "query/binder.h"
#include "query/part_match.h"
#include "query/table_builder.h"
#include "query/view.h"

namespace cairn::query {

// Beyond so many combinations that could be, rows are made for those there are (table_builder.h).
// No more than a table may have rows, so that none that is counted here has too many.
inline constexpr uint64_t kMaxCountedPairs = kMaxTableRows;

struct PairCount {
  uint32_t first = 0;
  uint32_t second = 0;
  uint64_t count = 0;
};

// Of each combination of the two keys that occurs its numbers and count; nullopt: too many could
// be, or many for so few matches. Precondition: table.by has two keys, no buckets of time.
std::optional<std::vector<PairCount>> count_pairs(const View& view, const BoundTable& table,
                                                  const std::vector<PartMatch>& parts);

}  // namespace cairn::query
