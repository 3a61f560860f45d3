// Many merges at once: pairs of groups become few records, one for each primary, that make what
// merging one pair after the other would make.
//
// Ownership: borrows the state, which must not change while pairs are added. Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "model/message.h"
#include "model/state.h"

namespace cairn::verbs {

class MergePlan {
 public:
  // One merge, to be submitted after those before it.
  struct Merge {
    model::WorkflowOp op;  // `line`, which identifies it, is left to the caller
    size_t children = 0;   // as many pairs asked for it
  };

  explicit MergePlan(const model::State& state) : state_(state) {}

  // The visible issue over the child goes under the visible issue over the primary, as after all
  // pairs before. False: they are shown as one already.
  // Errors: Conflict (different projects; deleted or discarded; a view without any fingerprint,
  // which no message can name). Nothing is planned then.
  Result<bool> add(GroupId child, GroupId primary);

  // Empty afterwards.
  std::vector<Merge> take();

 private:
  struct Planned {
    GroupId primary{};
    std::vector<GroupId> children;
  };

  GroupId root_of(GroupId id);
  GroupId named_by(GroupId id) const;
  Merge message(const Planned& planned) const;
  void close(GroupId primary);

  const model::State& state_;
  std::unordered_map<GroupId, GroupId> above_;   // a root of the state -> what it is merged into
  std::vector<Planned> done_;                    // in the order in which they can be done
  std::vector<Planned> open_;                    // may get more children
  std::unordered_map<GroupId, size_t> open_of_;  // primary -> index in open_
};

}  // namespace cairn::verbs
