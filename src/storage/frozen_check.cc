#include "storage/frozen_check.h"

#include <bit>
#include <cstdint>

#include "storage/coding.h"

namespace cairn::storage {
namespace {

constexpr uint32_t kCookie = 13766;
constexpr size_t kBitsetBytes = 8192;
constexpr uint32_t kMaxArray = 4096;  // beyond, CRoaring makes a bitset
constexpr size_t kHeaderBytes = 4;
constexpr size_t kDirectoryBytes = 5;  // key, count and type of a container
enum Type : uint8_t { kBitset = 1, kArray = 2, kRun = 3 };

inline uint32_t count_words(const std::byte* at) {
  uint32_t bits = 0;
  for (size_t i = 0; i < kBitsetBytes; i += 8) {
    bits += static_cast<uint32_t>(std::popcount(load_le<uint64_t>(at + i)));
  }
  return bits;
}

// Viewing a dense bitmap is mostly this count, and the instruction for it, which the baseline of
// x86-64 lacks, makes it several times faster (docs/decisions/006-index-layout.md).
#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("popcnt"))) uint32_t count_words_popcnt(const std::byte* at) {
  uint32_t bits = 0;
  for (size_t i = 0; i < kBitsetBytes; i += 8) {
    bits += static_cast<uint32_t>(__builtin_popcountll(load_le<uint64_t>(at + i)));
  }
  return bits;
}

uint32_t count_bits(const std::byte* at) {
  static const bool has_popcnt = __builtin_cpu_supports("popcnt") != 0;
  return has_popcnt ? count_words_popcnt(at) : count_words(at);
}
#else
uint32_t count_bits(const std::byte* at) { return count_words(at); }
#endif

bool bitset_is_sound(const std::byte* at, uint32_t cardinality) {
  return count_bits(at) == cardinality;
}

bool array_is_sound(const std::byte* at, uint32_t cardinality) {
  if (cardinality > kMaxArray) return false;
  bool ascending = true;  // no early end: this way the compiler makes it SIMD
  for (uint32_t i = 1; i < cardinality; ++i) {
    ascending &= load_le<uint16_t>(at + 2 * (i - 1)) < load_le<uint16_t>(at + 2 * i);
  }
  return ascending;
}

bool runs_are_sound(const std::byte* at, uint32_t runs) {
  uint32_t free_from = 0;
  for (uint32_t i = 0; i < runs; ++i) {
    const uint32_t start = load_le<uint16_t>(at + 4 * i);
    const uint32_t last = start + load_le<uint16_t>(at + 4 * i + 2);
    if (start < free_from || last > 0xffff) return false;
    free_from = last + 1;
  }
  return runs > 0;
}

}  // namespace

bool frozen_is_sound(std::span<const std::byte> bytes) {
  if (bytes.size() < kHeaderBytes) return false;
  const auto header = load_le<uint32_t>(bytes.data() + bytes.size() - kHeaderBytes);
  const size_t n = header >> 15;
  if ((header & 0x7fff) != kCookie || n > 0x10000) return false;
  if (bytes.size() < kHeaderBytes + n * kDirectoryBytes) return false;
  const size_t data_bytes = bytes.size() - kHeaderBytes - n * kDirectoryBytes;
  const std::byte* keys = bytes.data() + data_bytes;
  const std::byte* counts = keys + 2 * n;
  const std::byte* types = counts + 2 * n;

  size_t total[4] = {};
  for (size_t i = 0; i < n; ++i) {
    const uint32_t count = load_le<uint16_t>(counts + 2 * i);
    const auto type = std::to_integer<uint8_t>(types[i]);
    if (type < kBitset || type > kRun) return false;
    if (i > 0 && load_le<uint16_t>(keys + 2 * i) <= load_le<uint16_t>(keys + 2 * i - 2)) {
      return false;
    }
    total[type] += type == kBitset ? kBitsetBytes : type == kArray ? 2 * (count + 1) : 4 * count;
  }
  if (total[kBitset] + total[kRun] + total[kArray] != data_bytes) return false;

  const std::byte* at[4] = {};
  at[kBitset] = bytes.data();
  at[kRun] = at[kBitset] + total[kBitset];
  at[kArray] = at[kRun] + total[kRun];
  for (size_t i = 0; i < n; ++i) {
    const uint32_t count = load_le<uint16_t>(counts + 2 * i);
    bool sound = false;
    switch (std::to_integer<uint8_t>(types[i])) {
      case kBitset:
        sound = bitset_is_sound(at[kBitset], count + 1);
        at[kBitset] += kBitsetBytes;
        break;
      case kArray:
        sound = array_is_sound(at[kArray], count + 1);
        at[kArray] += 2 * (count + 1);
        break;
      default:
        sound = runs_are_sound(at[kRun], count);
        at[kRun] += 4 * count;
    }
    if (!sound) return false;
  }
  return true;
}

}  // namespace cairn::storage
