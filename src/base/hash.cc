#include "base/hash.h"

// Compiled in: most texts hashed are a few bytes, and a call into the library costs more than they.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace cairn {

std::string Hash128::hex() const {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(32);
  for (const uint64_t word : {high, low}) {
    for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[word >> shift & 15];
  }
  return out;
}

void Hash128::add(const Hash128& other) {
  low += other.low;
  const uint64_t carry = low < other.low ? 1 : 0;
  high += other.high + carry;
}

uint64_t hash64(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Hash128 hash128(std::string_view bytes, uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {hash.low64, hash.high64};
}

}  // namespace cairn
