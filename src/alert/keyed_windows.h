// The windows of one rule, one for each key: a value of its group_by, or a fingerprint where issues
// matter. Keys are numbers that tell what they stand for apart.
// Values; not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "alert/window.h"

namespace cairn::alert {

// Of values of group_by: as many incidents can be open of one rule.
inline constexpr size_t kMaxKeys = 1000;
// Of fingerprints, which are joined before anybody sees them.
inline constexpr size_t kMaxFingerprintKeys = 100'000;

class KeyedWindows {
 public:
  KeyedWindows(const WindowShape& shape, query::BoundCall call, size_t max_keys)
      : shape_(shape), call_(std::move(call)), max_keys_(max_keys) {}

  // nullopt: one key more than there may be; counted in refused().
  std::optional<Added> add(uint64_t key, TimeUs time, TimeUs now, const Observation& observation) {
    auto at = windows_.find(key);
    if (at == windows_.end()) {
      if (windows_.size() >= max_keys_) {
        ++refused_;
        return std::nullopt;
      }
      at = windows_.emplace(key, Window(shape_, call_)).first;
      if (tick_) at->second.advance(*tick_);
    }
    const Added added = at->second.add(time, now, observation);
    if (at->second.empty()) windows_.erase(at);
    return added;
  }

  // Windows before `tick` will not be asked for any more; keys with nothing left in them go.
  void advance(TimeUs tick) {
    tick_ = tick_ ? std::max(*tick_, tick) : tick;
    for (auto at = windows_.begin(); at != windows_.end();) {
      at->second.advance(tick);
      at = at->second.empty() ? windows_.erase(at) : std::next(at);
    }
  }

  // fn(key, Window&), by key.
  template <class F>
  void for_each(const F& fn) {
    for (auto& [key, window] : windows_) fn(key, window);
  }

  // One window of all keys that wanted(key) takes.
  template <class F>
  Window joined(const F& wanted) const {
    Window all(shape_, call_);
    if (tick_) all.advance(*tick_);
    for (const auto& [key, window] : windows_) {
      if (wanted(key)) all.absorb(window);
    }
    return all;
  }

  const query::BoundCall& call() const { return call_; }
  size_t size() const { return windows_.size(); }
  uint64_t refused() const { return refused_; }
  size_t memory_bytes() const {
    size_t bytes = sizeof(*this);
    for (const auto& [key, window] : windows_)
      bytes += 48 + window.memory_bytes();  // a tree's node
    return bytes;
  }

 private:
  WindowShape shape_;
  query::BoundCall call_;
  size_t max_keys_;
  std::optional<TimeUs> tick_;
  uint64_t refused_ = 0;
  std::map<uint64_t, Window> windows_;
};

}  // namespace cairn::alert
