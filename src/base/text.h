// A text that is kept in one pointer and shared between copies; what the state holds millions of.
// std::string takes four times the room, and a block of its own for each copy.
//
// Value type; the bytes never change, another text takes their place. Thread: copies of one text
// may be made and dropped on different threads.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <string_view>
#include <utility>

namespace cairn {

class Text {
 public:
  Text() = default;
  // Precondition: less than 4 GiB.
  explicit Text(std::string_view text);
  Text(const Text& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->uses.fetch_add(1, std::memory_order_relaxed);
  }
  Text(Text&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Text& operator=(Text other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  Text& operator=(std::string_view text) { return *this = Text(text); }
  ~Text() {
    if (block_ != nullptr) release();
  }

  std::string_view view() const {
    return block_ == nullptr ? std::string_view() : std::string_view(bytes(), block_->size);
  }
  operator std::string_view() const { return view(); }  // as std::string does
  bool empty() const { return block_ == nullptr; }
  size_t size() const { return view().size(); }

  // Whether it has its bytes for itself.
  bool alone() const {
    return block_ == nullptr || block_->uses.load(std::memory_order_acquire) == 1;
  }
  // A hint that it will be read.
  void prefetch() const { __builtin_prefetch(block_); }

  bool operator==(const Text& other) const {
    return block_ == other.block_ || view() == other.view();
  }
  bool operator==(std::string_view other) const { return view() == other; }

 private:
  // The bytes follow; nullptr stands for no bytes.
  struct Block {
    std::atomic<uint32_t> uses{1};
    uint32_t size = 0;
  };
  char* bytes() const { return reinterpret_cast<char*>(block_ + 1); }
  void release();

  Block* block_ = nullptr;
};

}  // namespace cairn
