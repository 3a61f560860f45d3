#include "engine/merge_policy.h"

#include <algorithm>

namespace cairn::engine {
namespace {

using storage::SegmentInfo;

uint32_t size_class(uint64_t rows, uint32_t fan_in) {
  uint32_t result = 0;
  for (uint64_t bound = fan_in; rows >= bound; bound *= fan_in) ++result;
  return result;
}

std::vector<SegmentInfo> by_lsn(std::span<const SegmentInfo> segments) {
  std::vector<SegmentInfo> sorted(segments.begin(), segments.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const SegmentInfo& a, const SegmentInfo& b) { return a.min_lsn < b.min_lsn; });
  return sorted;
}

std::vector<storage::SegmentId> ids_of(std::span<const SegmentInfo> run) {
  std::vector<storage::SegmentId> ids;
  for (const SegmentInfo& segment : run) ids.push_back(segment.id);
  return ids;
}

// The longest beginning of `run` that fits into one segment.
std::span<const SegmentInfo> that_fit(std::span<const SegmentInfo> run, uint32_t max_rows) {
  uint64_t rows = 0;
  size_t count = 0;
  while (count < run.size() && rows + run[count].occurrences <= max_rows) {
    rows += run[count++].occurrences;
  }
  return run.first(count);
}

// A run that was `cut` short by the largest size allowed will not get longer: half of one is
// enough. Few members of its own class do not pay for being rewritten along with smaller ones.
bool worth_it(std::span<const SegmentInfo> run, uint32_t size, bool cut, uint32_t fan_in) {
  const size_t half = std::max(fan_in / 2, 2u);
  const auto full = std::count_if(run.begin(), run.end(), [&](const SegmentInfo& segment) {
    return size_class(segment.occurrences, fan_in) == size;
  });
  return run.size() >= (cut ? half : fan_in) && static_cast<size_t>(full) >= half;
}

}  // namespace

std::vector<storage::SegmentId> choose_merge(std::span<const SegmentInfo> segments,
                                             const MergePolicy& policy) {
  const std::vector<SegmentInfo> sorted = by_lsn(segments);
  const std::span<const SegmentInfo> all(sorted);
  const uint32_t last_class = size_class(policy.max_rows, policy.fan_in);
  // Small classes first. A class takes smaller ones between its members along: otherwise large and
  // small ones in turn would never have a neighbour.
  for (uint32_t limit = 0; limit <= last_class; ++limit) {
    const auto in_class = [&](const SegmentInfo& segment) {
      return size_class(segment.occurrences, policy.fan_in) <= limit;
    };
    for (size_t begin = 0; begin < all.size();) {
      size_t end = begin;
      while (end < all.size() && in_class(all[end])) ++end;
      const auto run = that_fit(all.subspan(begin, end - begin), policy.max_rows);
      const bool cut = run.size() < end - begin;
      if (worth_it(run, limit, cut, policy.fan_in)) {
        return ids_of(run);
      }
      begin = std::max(begin + 1, begin + run.size());
    }
  }
  return {};
}

std::vector<storage::SegmentId> choose_full_merge(std::span<const SegmentInfo> segments,
                                                  uint32_t max_rows) {
  const std::vector<SegmentInfo> sorted = by_lsn(segments);
  for (std::span<const SegmentInfo> rest(sorted); !rest.empty();) {
    const auto run = that_fit(rest, max_rows);
    if (run.size() > 1) return ids_of(run);
    rest = rest.subspan(1);
  }
  return {};
}

}  // namespace cairn::engine
