#include "engine/past_cache.h"

#include <utility>

namespace cairn::engine {

Result<std::shared_ptr<const Store>> PastCache::at(Lsn lsn, Lsn base, const Make& make) {
  drop_old();
  if (auto held = find(lsn, base)) return held;
  const std::lock_guard making(making_);
  if (auto held = find(lsn, base)) return held;
  CAIRN_TRY_ASSIGN(std::shared_ptr<const Store> made, make());
  std::list<Entry> dropped;  // closed without the lock
  const std::lock_guard guard(mutex_);
  const TimeUs now = clock_->now();  // making it may have taken longer than it is held
  entries_.push_front({lsn, base, now, now, made});
  if (entries_.size() > kKept) {
    dropped.splice(dropped.begin(), entries_, std::prev(entries_.end()));
  }
  return made;
}

std::shared_ptr<const Store> PastCache::find(Lsn lsn, Lsn base) {
  const std::lock_guard guard(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->lsn != lsn || entry->base != base) continue;
    entry->used = clock_->now();
    entries_.splice(entries_.begin(), entries_, entry);
    return entry->store;
  }
  return nullptr;
}

void PastCache::drop_old() {
  std::list<Entry> dropped;  // closed without the lock
  const std::lock_guard guard(mutex_);
  if (entries_.empty()) return;
  const TimeUs now = clock_->now();
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    // A clock that was set back tells nothing of ages.
    const bool old = raw(now) < raw(entry->made) || raw(now) - raw(entry->used) > kIdleUs ||
                     raw(now) - raw(entry->made) > kLongestUs;
    if (old) dropped.splice(dropped.end(), entries_, entry);
    entry = next;
  }
}

std::list<PastCache::Entry> PastCache::clear() {
  const std::lock_guard guard(mutex_);
  return std::exchange(entries_, {});
}

size_t PastCache::size() const {
  const std::lock_guard guard(mutex_);
  return entries_.size();
}

}  // namespace cairn::engine
