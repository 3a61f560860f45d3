// Exact sets of dictionary ids, for uniq() and users. Value type; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace cairn::query {

// Bits that are all zero between two uses, so that many small sets are counted at the cost of
// their values alone.
class ScratchBits {
 public:
  // The number of different values; 0 is none.
  uint64_t count_distinct(std::span<const uint32_t> values, uint64_t bound);

 private:
  std::vector<uint64_t> bits_;
};

// A set that is only added to and counted: a list, repeats and all, while it is small, then a bit
// array of all values. Memory: at most about 8 bytes a value added, and hardly more than the bit
// array.
class DistinctSet {
 public:
  // Every value is below `bound`; 0 is no value and does not count.
  explicit DistinctSet(uint64_t bound) : bound_(bound), most_listed_(bound / kBitsPerValue + 1) {}

  void add(uint32_t value) {
    if (listed_ < values_.size()) {
      values_[listed_++] = value;
    } else if (!bits_.empty()) {
      set_bit(value);
    } else {
      make_room();
      add(value);
    }
  }
  void add(std::span<const ValueId> values);
  uint64_t count(ScratchBits& scratch) const;

 private:
  static constexpr uint64_t kBitsPerValue = 64;

  void set_bit(uint32_t value) { bits_[value / 64] |= uint64_t{1} << (value % 64); }
  void make_room();

  uint64_t bound_;
  uint64_t most_listed_;
  std::vector<uint32_t> values_;  // the list, and room behind it; none beside bits
  size_t listed_ = 0;
  std::vector<uint64_t> bits_;  // empty: still a list
};

}  // namespace cairn::query
