// Runs a plan over the parts of the index: which occurrences match. Thread: any; borrows its
// arguments for the call, and the parts as long as the answer lives.
#pragma once

#include <optional>
#include <vector>

#include "query/plan.h"
#include "query/view.h"

namespace cairn::query {

struct PartMatch {
  const storage::Part* part = nullptr;
  std::optional<storage::Bitmap> bitmap;  // nullopt: every occurrence of the part

  // As the functions of Part take it.
  const storage::Bitmap* matches() const { return bitmap ? &*bitmap : nullptr; }
  uint64_t count() const { return bitmap ? bitmap->cardinality() : part->size(); }
  // Calls fn(Ordinal), ascending.
  template <class F>
  void for_each(F&& fn) const {
    if (bitmap) {
      bitmap->for_each(fn);
    } else {
      for (Ordinal ordinal = 0; ordinal < part->size(); ++ordinal) fn(ordinal);
    }
  }
};

// Who sees to the plan's group filter: the bitmaps, or the caller while it rolls up.
enum class GroupFilterIn : uint8_t { Bitmaps, Caller };

// Parts with at least one match, in the order of the view. With Caller the occurrences of some
// issues that the group filter refuses may be among them.
std::vector<PartMatch> match_parts(const View& view, const Plan& plan, GroupFilterIn where);

}  // namespace cairn::query
