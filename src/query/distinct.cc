#include "query/distinct.h"

#include <bit>

namespace cairn::query {
namespace {

#if defined(__x86_64__) && defined(__GNUC__)
// The baseline of x86-64 lacks the instruction, and a call a word is what it costs without.
__attribute__((target("popcnt"))) uint64_t count_bits_popcnt(std::span<const uint64_t> words) {
  uint64_t count = 0;
  for (const uint64_t word : words) count += static_cast<uint64_t>(__builtin_popcountll(word));
  return count;
}
bool has_popcnt() {
  static const bool has = __builtin_cpu_supports("popcnt") != 0;
  return has;
}
#else
uint64_t count_bits_popcnt(std::span<const uint64_t>) { return 0; }
bool has_popcnt() { return false; }
#endif

uint64_t count_bits(std::span<const uint64_t> words) {
  if (has_popcnt()) return count_bits_popcnt(words);
  uint64_t count = 0;
  for (const uint64_t word : words) count += static_cast<uint64_t>(std::popcount(word));
  return count;
}

}  // namespace

uint64_t ScratchBits::count_distinct(std::span<const uint32_t> values, uint64_t bound) {
  const auto words = static_cast<size_t>((bound + 63) / 64);
  if (bits_.size() < words) bits_.resize(words, 0);
  uint64_t count = 0;
  for (const uint32_t value : values) {
    uint64_t& word = bits_[value / 64];
    const uint64_t bit = uint64_t{1} << (value % 64);
    if (value != 0 && (word & bit) == 0) ++count;
    word |= bit;
  }
  for (const uint32_t value : values) bits_[value / 64] = 0;
  return count;
}

void DistinctSet::add(std::span<const ValueId> values) {
  size_t next = 0;
  for (; next < values.size() && bits_.empty(); ++next) add(raw(values[next]));
  for (; next < values.size(); ++next) set_bit(raw(values[next]));
}

uint64_t DistinctSet::count(ScratchBits& scratch) const {
  if (bits_.empty()) return scratch.count_distinct(values_, bound_);
  return count_bits(bits_) - (bits_.front() & 1);
}

void DistinctSet::use_bits() {
  bits_.assign(static_cast<size_t>((bound_ + 63) / 64), 0);
  for (const uint32_t value : values_) set_bit(value);
  values_ = {};
}

}  // namespace cairn::query
