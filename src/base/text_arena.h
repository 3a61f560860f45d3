// Copies of texts that stay where they are until all of them go: one allocation for many.
//
// Resource that moves: what was stored stays valid in the arena moved to. Thread: one at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace cairn {

class TextArena {
 public:
  TextArena() = default;
  TextArena(TextArena&& other) noexcept { swap(other); }
  TextArena& operator=(TextArena&& other) noexcept {
    TextArena taken(std::move(other));
    swap(taken);
    return *this;
  }

  std::string_view store(std::string_view text) {
    if (text.size() > free_) next_block(text.size());
    char* const stored = next_;
    if (!text.empty()) std::memcpy(stored, text.data(), text.size());
    next_ += text.size();
    free_ -= text.size();
    return {stored, text.size()};
  }

  // Empty again. Blocks are kept for use, but those that long texts had for themselves.
  void clear() {
    std::erase_if(blocks_, [](const Block& block) { return block.size > kBlockBytes; });
    used_ = 0;
    next_ = nullptr;
    free_ = 0;
  }

  uint64_t memory_bytes() const {
    uint64_t bytes = 0;
    for (const Block& block : blocks_) bytes += block.size;
    return bytes;
  }

 private:
  static constexpr size_t kBlockBytes = 64u << 10;
  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };

  void next_block(size_t wanted) {
    if (wanted > kBlockBytes || used_ == blocks_.size()) {
      const size_t size = std::max(wanted, kBlockBytes);
      blocks_.insert(blocks_.begin() + static_cast<ptrdiff_t>(used_),
                     Block{std::make_unique_for_overwrite<char[]>(size), size});
    }
    next_ = blocks_[used_].bytes.get();
    free_ = blocks_[used_].size;
    ++used_;
  }

  void swap(TextArena& other) noexcept {
    std::swap(blocks_, other.blocks_);
    std::swap(used_, other.used_);
    std::swap(next_, other.next_);
    std::swap(free_, other.free_);
  }

  std::vector<Block> blocks_;
  size_t used_ = 0;  // blocks begun since the last clear()
  char* next_ = nullptr;
  size_t free_ = 0;
};

}  // namespace cairn
