// What differs between two groupings of the same occurrences: the base and an experiment, or two
// experiments. Counts are those of the state: what retention removed counts, too.
//
// Pure over its views, which must be of one snapshot. Thread: any.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "query/view.h"

namespace cairn::query {

// Of issues with occurrences.
struct GroupSizes {
  uint64_t issues = 0;
  uint64_t singletons = 0;  // issues of one occurrence
  double mean = 0;
  uint64_t p50 = 0;  // half of the issues are no larger
  uint64_t p95 = 0;
  uint64_t largest = 0;
};

struct GroupingChange {
  GroupId issue{};      // as the second grouping shows it
  uint64_t before = 0;  // occurrences that the first one shows within it
  uint64_t after = 0;
  uint64_t moved = 0;  // came from other issues
  uint32_t parts = 0;  // issues of the first grouping that have occurrences in it
};

struct Comparison {
  uint64_t occurrences = 0;
  uint64_t moved = 0;  // shown by another issue than before
  GroupSizes before;
  GroupSizes after;
  uint64_t changed = 0;                 // issues that got occurrences of others
  std::vector<GroupingChange> changes;  // the largest of them by what moved, then by issue
};

Comparison compare_groupings(const View& before, const View& after, size_t most_changes);

}  // namespace cairn::query
