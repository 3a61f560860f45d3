// A vector in blocks: what is in it never moves, and growing takes no second copy of all of it,
// as a plain vector does just when memory is short.
//
// Value type. Thread: const functions are safe to call concurrently.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace cairn {

template <class T>
class BlockVector {
 public:
  BlockVector() = default;
  BlockVector(BlockVector&&) noexcept = default;
  BlockVector& operator=(BlockVector&&) noexcept = default;
  BlockVector& operator=(const BlockVector& other) { return *this = BlockVector(other); }
  BlockVector(const BlockVector& other) : blocks_(other.blocks_), size_(other.size_) {
    if (!blocks_.empty()) blocks_.back().reserve(kBlock);  // a copy has just enough room
  }

  void push_back(T value) {
    if (size_ == blocks_.size() * kBlock) blocks_.emplace_back().reserve(kBlock);
    blocks_.back().push_back(std::move(value));
    ++size_;
  }
  const T& operator[](size_t i) const { return blocks_[i / kBlock][i % kBlock]; }
  T& operator[](size_t i) { return blocks_[i / kBlock][i % kBlock]; }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kBlock = 1024;
  std::vector<std::vector<T>> blocks_;
  size_t size_ = 0;
};

}  // namespace cairn
