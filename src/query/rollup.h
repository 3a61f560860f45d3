// Per-issue counts and times of the matching occurrences, from per-fingerprint ranges and the
// one array that says which issue shows a fingerprint. Thread: any.
#pragma once

#include <vector>

#include "query/executor.h"
#include "query/group_filter.h"
#include "query/plan.h"
#include "query/view.h"

namespace cairn::query {

struct IssueTotals {
  GroupId id{};
  uint64_t count = 0;
  TimeUs first{};
  TimeUs last{};
};

// Issues that the plan's group filter leaves and that have a match, in no particular order.
std::vector<IssueTotals> roll_up(const View& view, const Plan& plan, GroupFilter& filter,
                                 const std::vector<PartMatch>& parts);

// The same without asking the index: what the state already sums up, when the plan has conditions
// on issues only. False when it cannot answer (other conditions; or the parts do not hold every
// occurrence the state counted).
bool totals_from_state(const View& view, const Plan& plan, GroupFilter& filter,
                       std::vector<IssueTotals>& out);

}  // namespace cairn::query
