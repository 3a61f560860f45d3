// An experiment over the forest as it is now: its steps applied in order, so that it stays defined
// however the base has moved on since they were found.
//
//   cut (V, C)    C leaves V where it is directly below it
//   merge (P, C)  the issue that shows C goes below the issue that shows P, unless it is the same
//
// Steps that were promoted are in the base and are not applied again. What is deleted or discarded
// by now stays as it is.
//
// Memory: four bytes a group of the store, and what the experiment names.
// Thread: const functions are safe to call concurrently; an overlay does not follow its state:
// make another one after groups were merged, unmerged or split; extend() it after new groups.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "model/experiment.h"

namespace cairn::model {

class State;

// A fact that does not mean any more what it meant when it was found.
struct OverlayConflict {
  bool cut = false;  // else a merge
  GroupId view{};
  GroupId child{};
  GroupId view_shown_in{};  // the issues that show them now
  GroupId child_shown_in{};
  bool operator==(const OverlayConflict&) const = default;
};

class Overlay {
 public:
  // Groups that the state does not have, as that of an earlier moment, are left out.
  Overlay(const State& state, const Experiment& experiment);

  // Takes in groups made since. Precondition: nothing else changed in the forest.
  void extend(const State& state);

  const std::string& name() const { return name_; }  // of the experiment
  GroupId parent(GroupId id) const { return parents_[raw(id)]; }
  uint32_t group_count() const { return static_cast<uint32_t>(parents_.size() - 1); }
  // Children that the state does not give it, in order of merging.
  std::span<const GroupId> added(GroupId view) const {
    const auto found = added_.find(view);
    return found == added_.end() ? std::span<const GroupId>() : std::span(found->second);
  }
  // As State::roots_by_fingerprint().
  std::vector<GroupId> roots_by_fingerprint(const State& state) const;

  // At most kMaxConflicts of them; `conflict_count` counts all.
  static constexpr size_t kMaxConflicts = 1'000;
  const std::vector<OverlayConflict>& conflicts() const { return conflicts_; }
  uint64_t conflict_count() const { return conflict_count_; }

  // What makes the forest of the state the overlay's. Empty when it is that already.
  Regrouping regrouping(const State& state) const;

 private:
  void cut(const State& state, GroupId view, GroupId child);
  void merge(const State& state, GroupId primary, GroupId child);
  GroupId top(GroupId id);
  GroupId walk_up(GroupId id) const;
  void note(OverlayConflict conflict);

  std::string name_;
  std::vector<GroupId> parents_;  // index = raw(id), entry 0 unused
  std::vector<GroupId> tops_;     // the same with shortcuts upwards; empty: to be made again
  std::vector<std::pair<GroupId, GroupId>> links_;  // child, parent; in order; child 0 = cut again
  std::unordered_map<GroupId, size_t> link_of_;     // by child
  std::vector<GroupId> base_cuts_;                  // links of the state that a step cut
  std::unordered_map<GroupId, std::vector<GroupId>> added_;
  std::vector<OverlayConflict> conflicts_;
  uint64_t conflict_count_ = 0;
};

}  // namespace cairn::model
