// Which sealed segments become one: few enough that a query opens few, seldom enough that an
// occurrence is rewritten a small number of times (docs/operations.md, "Segments").
// Pure; thread: any.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "storage/segment.h"

namespace cairn::engine {

struct MergePolicy {
  // This many neighbours of one size class are merged; sizes of a class differ by this factor.
  uint32_t fan_in = 8;
  // A merged segment has at most so many occurrences: what bounds memory and time of one merge.
  uint32_t max_rows = 1u << 21;
};

// Neighbours to merge now, oldest first; empty: nothing to do. `segments` in any order.
std::vector<storage::SegmentId> choose_merge(std::span<const storage::SegmentInfo> segments,
                                             const MergePolicy& policy);

// The same for who wants as few segments as `max_rows` allows, now: neighbours of any size.
std::vector<storage::SegmentId> choose_full_merge(std::span<const storage::SegmentInfo> segments,
                                                  uint32_t max_rows);

}  // namespace cairn::engine
