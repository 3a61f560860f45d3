#include "query/comparison.h"

#include <algorithm>

namespace cairn::query {
namespace {

GroupSizes sizes_of(const std::vector<uint64_t>& counts) {
  std::vector<uint64_t> sizes;
  for (const uint64_t count : counts) {
    if (count > 0) sizes.push_back(count);
  }
  std::sort(sizes.begin(), sizes.end());
  GroupSizes out;
  out.issues = sizes.size();
  if (sizes.empty()) return out;
  double sum = 0;
  for (const uint64_t size : sizes) sum += static_cast<double>(size);
  // Nearest rank.
  const auto percentile = [&](size_t percent) {
    return sizes[std::max<size_t>(1, (sizes.size() * percent + 99) / 100) - 1];
  };
  out.singletons = static_cast<uint64_t>(std::upper_bound(sizes.begin(), sizes.end(), uint64_t{1}) -
                                         sizes.begin());
  out.mean = sum / static_cast<double>(sizes.size());
  out.p50 = percentile(50);
  out.p95 = percentile(95);
  out.largest = sizes.back();
  return out;
}

// What of one issue is in one issue of the other grouping.
struct Overlap {
  GroupId after{};
  GroupId before{};
  uint64_t count = 0;
};

std::vector<GroupingChange> changes_of(std::vector<Overlap>& overlaps,
                                       const std::vector<uint64_t>& before,
                                       const std::vector<uint64_t>& after) {
  std::sort(overlaps.begin(), overlaps.end(), [](const Overlap& a, const Overlap& b) {
    return a.after != b.after ? a.after < b.after : a.before < b.before;
  });
  std::vector<GroupingChange> changes;
  for (size_t i = 0; i < overlaps.size();) {
    const GroupId issue = overlaps[i].after;
    GroupingChange change{issue, before[raw(issue)], after[raw(issue)], 0, 0};
    GroupId last{};
    for (; i < overlaps.size() && overlaps[i].after == issue; ++i) {
      if (overlaps[i].before != issue) change.moved += overlaps[i].count;
      if (overlaps[i].before != last) ++change.parts;
      last = overlaps[i].before;
    }
    if (change.moved > 0) changes.push_back(change);
  }
  std::sort(changes.begin(), changes.end(), [](const GroupingChange& a, const GroupingChange& b) {
    return a.moved != b.moved ? a.moved > b.moved : a.issue < b.issue;
  });
  return changes;
}

}  // namespace

Comparison compare_groupings(const View& before, const View& after, size_t most_changes) {
  const model::State& state = *before.state;
  std::vector<uint64_t> counts_before(state.group_count() + size_t{1}, 0);
  std::vector<uint64_t> counts_after(counts_before.size(), 0);
  std::vector<Overlap> overlaps;
  Comparison out;
  for (uint32_t id = 1; id <= state.fingerprint_count(); ++id) {
    const uint64_t count = state.fingerprint(FingerprintId{id}).occurrences;
    const GroupId from = before.root_of_fingerprint[id];
    const GroupId to = after.root_of_fingerprint[id];
    // Held back, deleted or discarded: in no issue, here and there alike.
    if (count == 0 || to == GroupId{}) continue;
    counts_before[raw(from)] += count;
    counts_after[raw(to)] += count;
    out.occurrences += count;
    if (from != to) out.moved += count;
    overlaps.push_back({to, from, count});
  }
  out.before = sizes_of(counts_before);
  out.after = sizes_of(counts_after);
  out.changes = changes_of(overlaps, counts_before, counts_after);
  out.changed = out.changes.size();
  if (out.changes.size() > most_changes) out.changes.resize(most_changes);
  return out;
}

}  // namespace cairn::query
