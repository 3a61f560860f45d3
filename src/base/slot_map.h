// Integer -> slot number: open addressing, linear probing, grows, never erases one. The head looks
// a slot up for every term of every occurrence, the state one for its fingerprint; a node-based map
// is several times slower there (docs/decisions/006-index-layout.md).
//
// Value type. Thread: find() is safe to call concurrently.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace cairn {

template <class KeyT>
class SlotMap {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // kNone when absent.
  uint32_t find(KeyT key) const {
    if (cells_.empty()) return kNone;
    for (size_t i = home(key);; i = (i + 1) & mask()) {
      if (cells_[i].slot == kNone || cells_[i].key == key) return cells_[i].slot;
    }
  }

  // A hint for a search to come.
  void prefetch(KeyT key) const {
    if (!cells_.empty()) __builtin_prefetch(&cells_[home(key)]);
  }

  // The slot of the key; `fresh` becomes its slot when it had none. Precondition: fresh != kNone.
  uint32_t find_or_add(KeyT key, uint32_t fresh) {
    if ((size_ + 1) * 2 > cells_.size()) resize(cells_.size() * 2);
    for (size_t i = home(key);; i = (i + 1) & mask()) {
      if (cells_[i].slot == kNone) {
        cells_[i] = {key, fresh};
        ++size_;
        return fresh;
      }
      if (cells_[i].key == key) return cells_[i].slot;
    }
  }

  // Makes room for as many keys.
  void reserve(size_t keys) {
    if (keys * 2 > cells_.size()) resize(keys * 2);
  }

  // Keeps its memory.
  void clear() {
    std::fill(cells_.begin(), cells_.end(), Cell{});
    size_ = 0;
  }

  size_t size() const { return size_; }
  uint64_t memory_bytes() const { return cells_.capacity() * sizeof(Cell); }

 private:
  struct Cell {
    KeyT key = 0;
    uint32_t slot = kNone;
  };
  size_t mask() const { return cells_.size() - 1; }
  // Fibonacci hashing: keys are often consecutive, and patterns in them must not pile up.
  size_t home(KeyT key) const {
    return static_cast<size_t>((static_cast<uint64_t>(key) * 0x9e3779b97f4a7c15u) >> shift_);
  }
  void resize(size_t least) {
    std::vector<Cell> fresh(std::bit_ceil(std::max<size_t>(least, 16)));
    shift_ = 64 - static_cast<unsigned>(std::countr_zero(fresh.size()));
    const std::vector<Cell> old = std::exchange(cells_, std::move(fresh));
    for (const Cell& cell : old) {
      if (cell.slot == kNone) continue;
      size_t i = home(cell.key);
      while (cells_[i].slot != kNone) i = (i + 1) & mask();
      cells_[i] = cell;
    }
  }

  std::vector<Cell> cells_;
  size_t size_ = 0;
  unsigned shift_ = 64;
};

}  // namespace cairn
