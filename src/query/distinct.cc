#include "query/distinct.h"

#include <algorithm>
#include <bit>

namespace cairn::query {
namespace {

// Bits of the array a value may cost: beyond it sorting touches less memory.
constexpr uint64_t kBitsPerValue = 256;

}  // namespace

void sort_unique(std::vector<uint32_t>& values) {
  if (values.empty()) return;
  const uint64_t end = uint64_t{*std::max_element(values.begin(), values.end())} + 1;
  if (values.size() < 64 || end > values.size() * kBitsPerValue) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return;
  }
  std::vector<uint64_t> bits((end + 63) / 64, 0);
  for (uint32_t value : values) bits[value / 64] |= uint64_t{1} << (value % 64);
  values.clear();
  for (size_t word = 0; word < bits.size(); ++word) {
    for (uint64_t rest = bits[word]; rest != 0; rest &= rest - 1) {
      values.push_back(static_cast<uint32_t>(word * 64 + std::countr_zero(rest)));
    }
  }
}

void DistinctSet::compact() {
  sort_unique(values_);
  room_ = std::max<size_t>(1024, values_.size() * 2);
}

}  // namespace cairn::query
