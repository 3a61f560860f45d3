#include "query/rollup.h"

#include <algorithm>
#include <limits>

namespace cairn::query {
namespace {

// Issues get slots in order of appearance; a flat array by group id finds them.
class Totals {
 public:
  Totals(const View& view, const Plan& plan)
      : view_(view), plan_(plan), slots_(view.state->group_count() + size_t{1}, kUnknown) {}

  void add(const storage::FingerprintRollup& rollup) {
    const GroupId root = view_.root_of_fingerprint[raw(rollup.fingerprint)];
    uint32_t& slot = slots_[raw(root)];
    if (slot == kUnknown) slot = open_slot(root);
    if (slot == kRefused) return;
    IssueTotals& totals = totals_[slot];
    totals.count += rollup.count;
    totals.first = std::min(totals.first, rollup.first);
    totals.last = std::max(totals.last, rollup.last);
  }

  std::vector<IssueTotals> take() { return std::move(totals_); }

 private:
  static constexpr uint32_t kUnknown = std::numeric_limits<uint32_t>::max();
  static constexpr uint32_t kRefused = kUnknown - 1;

  uint32_t open_slot(GroupId root) {
    if (!passes_group_filter(plan_, *view_.state, root)) return kRefused;
    totals_.push_back(IssueTotals{root, 0, TimeUs{std::numeric_limits<int64_t>::max()},
                                  TimeUs{std::numeric_limits<int64_t>::min()}});
    return static_cast<uint32_t>(totals_.size() - 1);
  }

  const View& view_;
  const Plan& plan_;
  std::vector<uint32_t> slots_;
  std::vector<IssueTotals> totals_;
};

}  // namespace

std::vector<IssueTotals> roll_up(const View& view, const Plan& plan,
                                 const std::vector<PartMatch>& parts) {
  Totals totals(view, plan);
  for (const PartMatch& match : parts) {
    match.part->roll_up(match.matches(),
                        [&](const storage::FingerprintRollup& rollup) { totals.add(rollup); });
  }
  return totals.take();
}

bool totals_from_state(const View& view, const Plan& plan, std::vector<IssueTotals>& out) {
  if (plan.events.kind != PlanNode::Kind::All || !plan.time.unbounded()) return false;
  const model::State& state = *view.state;
  uint64_t in_parts = 0;
  for (const storage::Part* part : view.parts) in_parts += part->size();
  uint64_t in_state = 0;
  out.clear();
  for (uint32_t i = 1; i <= state.group_count(); ++i) {
    const model::Group& group = state.group(GroupId{i});
    in_state += group.times_seen;
    if (group.parent != GroupId{0} || !passes_group_filter(plan, state, group.id)) continue;
    const model::ViewTotals totals = state.totals(group.id);
    if (totals.times_seen == 0) continue;
    out.push_back({group.id, totals.times_seen, totals.first_seen, totals.last_seen});
  }
  return in_state == in_parts;
}

}  // namespace cairn::query
