// Which issue shows each fingerprint: the small array that merges change. Made once, then kept up
// with the forest at the cost of what was merged, not of all there is.
//
// Thread: any, while nobody folds; arrays handed out are never changed.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "base/ids.h"
#include "model/state.h"

namespace cairn::engine {

class RootCache {
 public:
  using Roots = std::vector<GroupId>;  // as State::roots_by_fingerprint()

  // `regrouped`: every group that was ever given another parent or other fingerprints, in order;
  // only appended to.
  std::shared_ptr<const Roots> current(const model::State& state,
                                       const std::vector<GroupId>& regrouped);
  // What current() lent, so that it may be changed in place: who just drops it costs a copy.
  void give_back(std::shared_ptr<const Roots>&& roots);

 private:
  void follow(const model::State& state, const std::vector<GroupId>& regrouped);

  std::mutex mutex_;
  std::shared_ptr<Roots> roots_;
  size_t seen_ = 0;  // of `regrouped`
};

}  // namespace cairn::engine
