// The windows of one evaluation, one for each value of its group_by and, where issues matter, for
// each fingerprint.
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

struct WindowKey {
  uint64_t label = 0;  // tells values of group_by apart; 0: no value, or no group_by
  FingerprintId fingerprint{};
  auto operator<=>(const WindowKey&) const = default;
};

class KeyedWindows {
 public:
  KeyedWindows(const WindowShape& shape, query::BoundCall::Function function, size_t max_keys)
      : shape_(shape), function_(function), max_keys_(static_cast<uint32_t>(max_keys)) {}

  // nullopt: one key more than there may be; counted in refused().
  std::optional<Added> add(const WindowKey& key, TimeUs time, TimeUs now,
                           const Observation& observation) {
    auto at = windows_.find(key);
    if (at == windows_.end()) {
      if (windows_.size() >= max_keys_) {
        ++refused_;
        return std::nullopt;
      }
      at = windows_.emplace(key, empty_window()).first;
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

  bool has(uint64_t label) const {
    const auto at = windows_.lower_bound({label, FingerprintId{0}});
    return at != windows_.end() && at->first.label == label;
  }
  // With nothing in it, to be joined with others.
  Window empty_window() const {
    Window window(shape_, function_);
    if (tick_) window.advance(*tick_);
    return window;
  }

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
  query::BoundCall::Function function_;
  uint32_t max_keys_;
  std::optional<TimeUs> tick_;
  uint64_t refused_ = 0;
  std::map<WindowKey, Window> windows_;
};

}  // namespace cairn::alert
