// How often each of some values was met: a flat hash table of 16 bytes a slot, at most three
// quarters full. Values are any 64-bit numbers that tell what they stand for apart.
// Value type; not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace cairn::alert {

class ValueTally {
 public:
  size_t size() const { return size_; }
  size_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }
  // memory_bytes() is at most kLeast and so many for each value: where some were only added, and
  // after a shrink().
  static constexpr size_t kLeast = 64;
  static constexpr size_t kEach = 43;
  static constexpr size_t kEachShrunk = 64;

  uint32_t count(uint64_t value) const { return slots_.empty() ? 0 : slots_[find(value)].count; }

  // Returns how often it was met before. Counts end at the largest number there is.
  uint32_t add(uint64_t value, uint32_t times = 1) {
    if (4 * (size_ + 1) > 3 * slots_.size()) grow();
    Slot& slot = slots_[find(value)];
    const uint32_t before = slot.count;
    if (before == 0) ++size_;
    slot.value = value;
    slot.count = times > UINT32_MAX - before ? UINT32_MAX : before + times;
    return before;
  }

  // One time less; the last one removes it. Precondition: count(value) > 0.
  void take(uint64_t value) {
    size_t at = find(value);
    if (--slots_[at].count > 0) return;
    --size_;
    // What stood behind it because the slot was taken moves up.
    const size_t mask = slots_.size() - 1;
    for (size_t next = (at + 1) & mask; slots_[next].count > 0; next = (next + 1) & mask) {
      const size_t home = home_of(slots_[next].value);
      if (((next - home) & mask) < ((next - at) & mask)) continue;
      slots_[at] = std::exchange(slots_[next], Slot{});
      at = next;
    }
  }

  // Gives room back where three quarters or more of it are empty.
  void shrink() {
    size_t slots = slots_.size();
    while (slots > 4 && 4 * size_ < slots) slots /= 2;
    if (slots < slots_.size()) rebuild(slots);
  }

  // fn(value, count), in no order that means anything.
  template <class F>
  void for_each(const F& fn) const {
    for (const Slot& slot : slots_) {
      if (slot.count > 0) fn(slot.value, slot.count);
    }
  }

  // The same values, as often.
  bool operator==(const ValueTally& other) const {
    return size_ == other.size_ && std::all_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
             return slot.count == 0 || other.count(slot.value) == slot.count;
           });
  }

 private:
  struct Slot {
    uint64_t value = 0;
    uint32_t count = 0;  // 0: empty
  };

  // Dense ids are spread as well as hashes are.
  size_t home_of(uint64_t value) const {
    return static_cast<size_t>((value * 0x9E37'79B9'7F4A'7C15u) >> 32) & (slots_.size() - 1);
  }
  // Where the value is, or would be.
  size_t find(uint64_t value) const {
    size_t at = home_of(value);
    while (slots_[at].count > 0 && slots_[at].value != value) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void grow() { rebuild(std::max<size_t>(4, 2 * slots_.size())); }
  void rebuild(size_t slots) {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots));
    for (const Slot& slot : old) {
      if (slot.count > 0) slots_[find(slot.value)] = slot;
    }
  }

  std::vector<Slot> slots_;  // none, or a power of two
  size_t size_ = 0;
};

}  // namespace cairn::alert
