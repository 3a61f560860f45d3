// Which groups are shown within which: the forest of the state, or an experiment's over it. What
// answers about issues go through asks here, so that it holds in an experiment as well.
//
// A value of two pointers, borrowing both. Thread: as State's const functions.
#pragma once

#include <vector>

#include "model/overlay.h"
#include "model/state.h"

namespace cairn::model {

class Forest {
 public:
  // Without an overlay it is the state's. Implicit: a state alone is a forest, too.
  Forest(const State& state, const Overlay* overlay = nullptr)  // NOLINT: see above
      : state_(&state), overlay_(overlay) {}

  const State& state() const { return *state_; }
  const Overlay* overlay() const { return overlay_; }
  const Group& group(GroupId id) const { return state_->group(id); }

  // The group it is merged into; 0 = visible.
  GroupId parent(GroupId id) const {
    return overlay_ == nullptr ? state_->parents()[raw(id)] : overlay_->parent(id);
  }
  GroupId root_of(GroupId id) const;
  // The same as searches see it: 0 when that is deleted or discarded.
  GroupId issue_of(GroupId id) const;
  std::vector<GroupId> children(GroupId id) const;
  // The rest as State's of the same names, which ask here.
  std::vector<GroupId> members(GroupId id) const;
  Totals totals(GroupId id) const;
  ShownStatus shown_status(GroupId id) const;
  bool for_review(GroupId id) const;
  const Group& face_of(GroupId id) const;
  // The release of the earliest of all its occurrences; "" = that had none, or there are none.
  std::string_view first_release(GroupId id) const;
  // Releases it, or a group merged into it, was reopened in; each once, ascending.
  std::vector<std::string_view> regressed_in(GroupId id) const;
  // Its own and those of everything merged into it.
  std::vector<FingerprintId> fingerprints_of(GroupId id) const;

 private:
  // Whether the group is the issue, or somewhere below it. Precondition: an overlay.
  bool is_within(GroupId id, GroupId issue) const;
  // Also of one that an experiment emptied.
  bool is_view(GroupId id) const;

  const State* state_;
  const Overlay* overlay_;
};

}  // namespace cairn::model
