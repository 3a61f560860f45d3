#include "query/rollup.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/assert.h"
#include "query/issue_occurrences.h"

namespace cairn::query {
namespace {

constexpr TimeUs kEarliest{std::numeric_limits<int64_t>::min()};
constexpr TimeUs kLatest{std::numeric_limits<int64_t>::max()};

// Issues get slots in order of appearance; a flat array by group id finds them.
class Totals {
 public:
  Totals(const View& view, GroupFilter& filter)
      : filter_(filter), slots_(view.state->group_count() + size_t{1}, kUnknown) {}

  // What belongs to an issue; of 0, no issue, nothing is kept.
  void add(const IssueTotals& more) {
    uint32_t& slot = slots_[raw(more.id)];
    if (slot == kUnknown) slot = open_slot(more.id);
    if (slot == kRefused) return;
    IssueTotals& totals = totals_[slot];
    totals.count += more.count;
    totals.first = std::min(totals.first, more.first);
    totals.last = std::max(totals.last, more.last);
  }

  std::vector<IssueTotals> take() { return std::move(totals_); }

 private:
  static constexpr uint32_t kUnknown = std::numeric_limits<uint32_t>::max();
  static constexpr uint32_t kRefused = kUnknown - 1;

  uint32_t open_slot(GroupId issue) {
    if (!filter_.passes(issue)) return kRefused;
    totals_.push_back(IssueTotals{issue, 0, kLatest, kEarliest});
    return static_cast<uint32_t>(totals_.size() - 1);
  }

  GroupFilter& filter_;
  std::vector<uint32_t> slots_;
  std::vector<IssueTotals> totals_;
};

// The matches of one issue alone.
IssueTotals totals_of(const View& view, const std::vector<PartMatch>& parts, GroupId issue) {
  IssueTotals totals{issue, 0, kLatest, kEarliest};
  const auto add = [&](uint64_t count, TimeUs first, TimeUs last) {
    totals.count += count;
    totals.first = std::min(totals.first, first);
    totals.last = std::max(totals.last, last);
  };
  const IssueOccurrences occurrences(view, issue);
  std::array<TimeUs, Block::kSize> times;
  for (const PartMatch& match : parts) {
    if (occurrences.in_ranges(match)) {
      occurrences.for_each_range(match, [&](storage::OrdinalRange range) {
        add(range.size(), match.part->time(range.begin), match.part->time(range.end - 1));
      });
      continue;
    }
    occurrences.for_each_block(match, [&](const Block& block) {
      block.times(times.data());
      const auto [first, last] = std::minmax_element(times.data(), times.data() + block.size());
      add(block.size(), *first, *last);
    });
  }
  return totals;
}

}  // namespace

std::vector<IssueTotals> roll_up(const View& view, const Plan& plan, GroupFilter& filter,
                                 const std::vector<PartMatch>& parts) {
  if (plan.issues) {
    std::vector<IssueTotals> named;
    for (const GroupId issue : *plan.issues) {
      if (!filter.passes(issue)) continue;
      if (!go_on(view.meter)) break;
      const IssueTotals totals = totals_of(view, parts, issue);
      if (totals.count > 0) named.push_back(totals);
    }
    return named;
  }
  Totals totals(view, filter);
  for (const PartMatch& match : parts) {
    if (!go_on(view.meter)) break;
    // Without a bitmap all of the part may be asked for: what lies outside of the ranges belongs
    // to projects that the filter refuses.
    match.part->roll_up(match.bitmap ? &*match.bitmap : nullptr,
                        [&](const storage::FingerprintRollup& rollup) {
                          totals.add({view.root_of_fingerprint[raw(rollup.fingerprint)],
                                      rollup.count, rollup.first, rollup.last});
                        });
  }
  return totals.take();
}

bool totals_from_state(const View& view, const Plan& plan, GroupFilter& filter,
                       std::vector<IssueTotals>& out) {
  if (plan.events.kind != PlanNode::Kind::All || !plan.time.unbounded()) return false;
  const model::State& state = *view.state;
  uint64_t in_parts = 0;
  for (const storage::Part* part : view.parts) in_parts += part->occurrences();
  uint64_t in_state = 0;
  for (const auto& [id, held] : state.held()) in_state += state.fingerprint(id).occurrences;
  // In the order of memory, not issue by issue with its members; what another group shows comes
  // last, so that the filter, too, is asked in that order.
  Totals totals(view, filter);
  std::vector<IssueTotals> hidden;
  for (uint32_t i = 1; i <= state.group_count(); ++i) {
    const model::Group& group = state.group(GroupId{i});
    in_state += group.times_seen;
    if (group.times_seen == 0) continue;
    CAIRN_ASSERT(!group.fingerprints.empty());
    const GroupId issue = view.root_of_fingerprint[raw(group.fingerprints[0])];
    if (issue == group.id) {
      totals.add({issue, group.times_seen, group.first_seen, group.last_seen});
    } else {
      hidden.push_back({issue, group.times_seen, group.first_seen, group.last_seen});
    }
  }
  for (const IssueTotals& members : hidden) totals.add(members);
  out = totals.take();
  return in_state == in_parts;
}

}  // namespace cairn::query
