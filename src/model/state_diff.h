// What differs between two moments of one store, group by group. Pure; thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "model/state.h"

namespace cairn::model {

enum class DiffKind : uint8_t {
  New,       // shows occurrences, and was not there before
  Gone,      // shows none any more: a part went back, a view was emptied
  Merged,    // hidden now, and was visible or not there: within another
  Unmerged,  // visible now, and was hidden
  Moved,     // hidden in both, within another issue than before
  Status,
  Assignee,
  Priority,
  Title,
  Count,  // occurrences of the issue and everything below it
};
std::string_view diff_kind_name(DiffKind kind);  // new, gone, merged, unmerged, moved, status ...

struct Difference {
  GroupId group{};  // dense ids are the same at both moments
  DiffKind kind{};
  std::string before;  // "" = nothing; short ids of views, "resolved", "user:4", "12"
  std::string after;
  uint64_t weight = 0;  // occurrences that it is about
};

struct StateDiff {
  uint32_t issues_before = 0;  // visible groups with occurrences
  uint32_t issues_after = 0;
  uint64_t occurrences_before = 0;
  uint64_t occurrences_after = 0;
  // By kind, then by weight, the largest first, then by group. Fields are compared of groups that
  // were there before, hidden or not; counts of issues visible at both moments.
  std::vector<Difference> differences;
};

// Precondition: `after` is `before` with more records applied.
StateDiff diff(const State& before, const State& after);

}  // namespace cairn::model
