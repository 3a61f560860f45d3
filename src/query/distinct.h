// Exact sets of dictionary ids, for uniq() and users. Value type; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cairn::query {

// Sorts and removes repeats. Dense values go through a bit array, which beats sorting.
void sort_unique(std::vector<uint32_t>& values);

// A set that is only added to and counted. Memory follows the number of distinct values.
class DistinctSet {
 public:
  void add(uint32_t value) {
    if (!values_.empty() && values_.back() == value) return;
    if (values_.size() == room_) compact();
    values_.push_back(value);
  }
  uint64_t count() {
    sort_unique(values_);
    return values_.size();
  }

 private:
  void compact();

  std::vector<uint32_t> values_;
  size_t room_ = 1024;  // when reached, repeats are removed
};

}  // namespace cairn::query
