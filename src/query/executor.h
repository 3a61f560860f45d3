// Runs a plan over the parts of the index: which occurrences match. Thread: any; borrows its
// arguments for the call, and the parts as long as the answer lives.
#pragma once

#include <vector>

#include "query/group_filter.h"
#include "query/part_match.h"
#include "query/plan.h"
#include "query/view.h"

namespace cairn::query {

// Who sees to the plan's group filter: the matches, or the caller while it rolls them up.
enum class GroupFilterIn : uint8_t { Matches, Caller };

// Parts with at least one match, in the order of the view. `filter` is the plan's. With Caller the
// occurrences of some issues that it refuses may be among them.
std::vector<PartMatch> match_parts(const View& view, const Plan& plan, GroupFilter& filter,
                                   GroupFilterIn where);

}  // namespace cairn::query
