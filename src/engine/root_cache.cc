#include "engine/root_cache.h"

namespace cairn::engine {

std::shared_ptr<const RootCache::Roots> RootCache::current(const model::State& state,
                                                           const std::vector<GroupId>& regrouped) {
  const std::lock_guard guard(mutex_);
  // Beyond this many changes one pass over everything is cheaper.
  const bool many = regrouped.size() - seen_ > state.group_count() / 8 + 8;
  if (!roots_ || many) {
    roots_ = std::make_shared<Roots>(state.roots_by_fingerprint());
    seen_ = regrouped.size();
  } else if (seen_ < regrouped.size() || roots_->size() != state.fingerprint_count() + size_t{1}) {
    follow(state, regrouped);
  }
  return roots_;
}

// Under the mutex, so that what was read comes before what is changed.
void RootCache::give_back(std::shared_ptr<const Roots>&& roots) {
  const std::lock_guard guard(mutex_);
  roots.reset();
}

void RootCache::follow(const model::State& state, const std::vector<GroupId>& regrouped) {
  // A snapshot may still be reading the old one. Nobody else can take hold of it meanwhile.
  if (roots_.use_count() > 1) roots_ = std::make_shared<Roots>(*roots_);
  Roots& roots = *roots_;
  for (size_t id = roots.size(); id <= state.fingerprint_count(); ++id) {
    const FingerprintId fingerprint{static_cast<uint32_t>(id)};
    roots.push_back(state.issue_of(state.fingerprint(fingerprint).leaf));
  }
  for (; seen_ < regrouped.size(); ++seen_) {
    const GroupId root = state.issue_of(regrouped[seen_]);
    for (const GroupId member : state.members(regrouped[seen_])) {
      for (const FingerprintId fingerprint : state.group(member).fingerprints) {
        roots[raw(fingerprint)] = root;
      }
    }
  }
}

}  // namespace cairn::engine
