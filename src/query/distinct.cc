#include "query/distinct.h"

#include <algorithm>
#include <bit>

namespace cairn::query {
namespace {

// Words cleared in a row in the time of one cleared by itself.
constexpr size_t kWordsPerClear = 16;

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
  if (words == 0) return 0;
  // Without a branch, as nobody can foretell whether a value was there before.
  uint64_t count = 0;
  for (const uint32_t value : values) {
    uint64_t& word = bits_[value / 64];
    count += ~word >> (value % 64) & 1;
    word |= uint64_t{1} << (value % 64);
  }
  count -= bits_.front() & 1;
  // Clearing the words one by one misses the cache as often as setting bits did.
  if (values.size() > words / kWordsPerClear) {
    std::fill_n(bits_.begin(), words, 0);
  } else {
    for (const uint32_t value : values) bits_[value / 64] = 0;
  }
  return count;
}

void DistinctSet::add(std::span<const ValueId> values) {
  for (const ValueId value : values) add(raw(value));
}

uint64_t DistinctSet::count(ScratchBits& scratch) const {
  if (bits_.empty()) return scratch.count_distinct({values_.data(), listed_}, bound_);
  return count_bits(bits_) - (bits_.front() & 1);
}

// The list doubles until a bit array is no larger, and becomes one then.
void DistinctSet::make_room() {
  constexpr size_t kFirstRoom = 4;
  if (listed_ < most_listed_) {
    const size_t room = std::max(2 * listed_, kFirstRoom);
    values_.resize(std::min<size_t>(room, most_listed_));
    return;
  }
  bits_.assign(static_cast<size_t>((bound_ + 63) / 64), 0);
  for (const uint32_t value : values_) set_bit(value);
  values_ = {};
  listed_ = 0;
}

}  // namespace cairn::query
