// Finds texts that are equal, so that they are kept once: an open-addressing table of them. Those
// nobody else has are dropped whenever the table is full, so that it follows what is in use.
//
// Value type. Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace cairn {

class TextPool {
 public:
  // A text with these bytes, the same one as long as anybody has it.
  Text share(std::string_view text);
  // All of them at once, into `out` of the same size, so that their misses in the processor's cache
  // overlap.
  void share_all(std::span<const std::string_view> texts, std::span<Text> out);
  // Makes room for as many different ones.
  void reserve(size_t texts);
  size_t size() const { return size_; }

 private:
  Text share_hashed(std::string_view text, uint64_t hash);
  // The cell of the text, or the empty one where it belongs.
  Text& cell(std::string_view text, uint64_t hash);
  size_t home(uint64_t hash) const { return hash & (cells_.size() - 1); }
  void rebuild(size_t cells);

  std::vector<Text> cells_;  // their number is a power of two, half of them empty at least
  size_t size_ = 0;
};

}  // namespace cairn
