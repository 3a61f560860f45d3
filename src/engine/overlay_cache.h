// The experiments that are being asked about: their overlays and which issue shows each fingerprint
// in them. Like RootCache of the base; of the others nothing is kept, so that a thousand of them
// cost nothing until somebody asks.
//
// New groups and fingerprints are taken in at their own cost; after a merge, unmerge or split of
// the base, or another step, an overlay is made anew when it is asked for: a pass over all groups.
// Thread: any, while nobody folds; what was handed out is never changed.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "model/overlay.h"
#include "model/state.h"

namespace cairn::engine {

class OverlayCache {
 public:
  // Kept at a time, those asked for last; each takes four bytes a group and a fingerprint.
  static constexpr size_t kKept = 8;

  struct Grouping {
    std::shared_ptr<const model::Overlay> overlay;
    std::shared_ptr<const std::vector<GroupId>> roots;  // by fingerprint
  };
  // `regrouped` as of RootCache::current(); the state is that at `lsn`, which may be older than
  // what was asked for before. NotFound: no such experiment.
  Result<Grouping> current(const model::State& state, const std::vector<GroupId>& regrouped,
                           Lsn lsn, std::string_view experiment);
  // As RootCache::give_back().
  void give_back(std::vector<Grouping>&& groupings);

 private:
  struct Entry {
    std::string name;
    Lsn created{};
    size_t steps = 0;
    size_t regrouped = 0;  // how many there were
    Lsn lsn{};             // of the newest state it was asked for
    std::shared_ptr<model::Overlay> overlay;
    std::shared_ptr<std::vector<GroupId>> roots;
  };
  static Entry make(const model::State& state, const model::Experiment& experiment);
  static void follow(const model::State& state, Entry& entry);

  std::mutex mutex_;
  std::list<Entry> entries_;  // asked for last in front
};

}  // namespace cairn::engine
