#include "query/distinct.h"

#include <bit>

namespace cairn::query {
namespace {

uint64_t count_bits_plain(std::span<const uint64_t> words) {
  uint64_t count = 0;
  for (const uint64_t word : words) count += static_cast<uint64_t>(std::popcount(word));
  return count;
}

// The baseline of x86-64 lacks the instruction, and without it each word costs a call.
#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("popcnt"))) uint64_t count_bits_popcnt(std::span<const uint64_t> words) {
  uint64_t count = 0;
  for (const uint64_t word : words) count += static_cast<uint64_t>(__builtin_popcountll(word));
  return count;
}

uint64_t count_bits(std::span<const uint64_t> words) {
  static const bool has_popcnt = __builtin_cpu_supports("popcnt") != 0;
  return has_popcnt ? count_bits_popcnt(words) : count_bits_plain(words);
}
#else
uint64_t count_bits(std::span<const uint64_t> words) { return count_bits_plain(words); }
#endif

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
