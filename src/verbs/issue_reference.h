// How issues are named on the command line: short ids, or fingerprints that stand for all visible
// issues with an occurrence that lists them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/store.h"

namespace cairn::verbs {

// A project by number or slug. Errors: NotFound.
Result<ProjectId> find_project(const model::State& state, std::string_view name);

// "SHOP-3K" (one group, hidden or not), "fingerprint:F" or "PROJECT:fingerprint:F" (one or more
// visible issues, oldest first; PROJECT is a number or slug).
// Errors: NotFound, InvalidArgument; for fingerprints those of query::search too.
Result<std::vector<GroupId>> find_issues(const engine::Snapshot& snapshot,
                                         const std::string& reference);

// All references in order, each group once.
Result<std::vector<GroupId>> find_issues(const engine::Snapshot& snapshot,
                                         const std::vector<std::string>& references);

}  // namespace cairn::verbs
