// The windows of one evaluation, one for each value of its group_by and, where issues matter, for
// each fingerprint.
//
// Bounded by bytes, not by keys. What there is no room for is remembered: a key that came without
// getting a window is lost in all windows made later and in that of nothing, which is what every
// absent key says. Windows that were there go on being exact as long as they have room themselves.
// Values; not thread-safe.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>

#include "alert/window.h"

namespace cairn::alert {

struct WindowKey {
  uint64_t label = 0;  // tells values of group_by apart; 0: no value, or no group_by
  FingerprintId fingerprint{};
  auto operator<=>(const WindowKey&) const = default;
};

class KeyedWindows {
 public:
  KeyedWindows(const WindowShape& shape, query::BoundCall::Function function, uint32_t max_bytes)
      : max_bytes_(max_bytes), none_(shape, function) {}

  // `key_bytes`: what the caller keeps for the key. nullopt: a new key for which there is no room;
  // counted in refused().
  std::optional<Added> add(const WindowKey& key, TimeUs time, TimeUs now,
                           const Observation& observation, size_t key_bytes = 0) {
    const auto known = windows_.find(key);
    if (known != windows_.end()) {
      const Added added = known->second.window.add(time, now, observation, room());
      charge(known->second);
      return added;
    }
    Entry fresh{none_, static_cast<uint32_t>(kNodeBytes + sizeof(Entry) + key_bytes), 0};
    const size_t own = fresh.key_bytes + fresh.window.charge();
    const size_t room_inside = room() > own ? room() - own : 0;
    const Added added = fresh.window.add(time, now, observation, room_inside);
    if (!fresh.window.empty()) {
      charge(windows_.emplace(key, std::move(fresh)).first->second);
      return added;
    }
    if (added != Added::NotKept) return added;
    none_.lose(time);
    ++refused_;
    return std::nullopt;
  }

  // Windows before `tick` will not be asked for any more; keys with nothing left in them go.
  void advance(TimeUs tick) {
    none_.advance(tick);
    for (auto at = windows_.begin(); at != windows_.end();) {
      at->second.window.advance(tick);
      charge(at->second);
      if (at->second.window.is_as(none_)) {
        charged_ -= at->second.charged;
        at = windows_.erase(at);
      } else {
        ++at;
      }
    }
  }

  // What save() of the windows themselves leaves out is for whoever knows what the keys are: each
  // of these puts back a part of what another one of the same shape and room had, into an empty
  // one. `floor` is that of all windows. False: no windows can be so, or there is no room; then all
  // of it is to be thrown away.
  bool load_none(storage::RowReader& in, std::optional<int64_t> floor, uint64_t refused);
  // After load_none(), keys ascending; what follows it are the window's bytes.
  bool load_key(storage::RowReader& in, const WindowKey& key, size_t key_bytes);

  // fn(key, Window&), by key.
  template <class F>
  void for_each(const F& fn) {
    for (auto& [key, entry] : windows_) fn(key, entry.window);
  }
  template <class F>
  void for_each(const F& fn) const {
    for (const auto& [key, entry] : windows_) fn(key, entry.window);
  }

  bool has(uint64_t label) const {
    const auto at = windows_.lower_bound({label, FingerprintId{0}});
    return at != windows_.end() && at->first.label == label;
  }
  // What a key without a window says. With others (Window::value_of) it tells of keys of theirs
  // that got none.
  Window& none() { return none_; }
  const Window& none() const { return none_; }

  size_t size() const { return windows_.size(); }
  uint64_t refused() const { return refused_; }
  size_t max_bytes() const { return max_bytes_; }
  // At most max_bytes(), and at least what windows and keys take after an advance().
  size_t charged_bytes() const { return charged_; }
  // What windows keep for what was counted.
  size_t bucket_bytes() const {
    size_t bytes = none_.memory_bytes() - sizeof(none_);
    for (const auto& one : windows_) bytes += one.second.window.memory_bytes() - sizeof(Window);
    return bytes;
  }
  // With these.
  size_t memory_bytes() const {
    size_t bytes = sizeof(*this) - sizeof(none_) + none_.memory_bytes();
    for (const auto& [key, entry] : windows_) {
      bytes += kNodeBytes + sizeof(Entry) - sizeof(Window) + entry.window.memory_bytes();
    }
    return bytes;
  }

 private:
  struct Entry {
    Window window;
    uint32_t key_bytes = 0;
    uint32_t charged = 0;
  };
  static constexpr size_t kNodeBytes = 48;  // of a tree, with the key

  size_t room() const { return max_bytes_ > charged_ ? max_bytes_ - charged_ : 0; }
  void charge(Entry& entry) {
    charged_ -= entry.charged;
    entry.charged = static_cast<uint32_t>(entry.key_bytes + entry.window.charge());
    charged_ += entry.charged;
  }

  std::map<WindowKey, Entry> windows_;
  uint32_t max_bytes_;
  uint32_t charged_ = 0;
  uint64_t refused_ = 0;
  Window none_;
};

}  // namespace cairn::alert
