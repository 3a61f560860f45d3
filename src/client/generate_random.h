// Randomness of the load generator: integers only, so that a seed gives the same bytes on every
// machine and compiler (the distributions of <random> and libm promise no such thing).
#pragma once

#include <cstdint>

namespace cairn::client {

// The output function of SplitMix64 (G. L. Steele, D. Lea, C. H. Flood: "Fast splittable
// pseudorandom number generators", OOPSLA 2014; public-domain form by S. Vigna).
// A bijection, used alone as a hash of small integers.
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// A SplitMix64 stream: draw n is mix64(seed + n * gamma). A value; not thread-safe.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(mix64(seed)) {}

  uint64_t next() {
    const uint64_t draw = mix64(state_);
    state_ += 0x9e3779b97f4a7c15u;
    return draw;
  }
  // 0 .. n-1, n >= 1, from the upper half of one draw.
  uint32_t below(uint32_t n) { return scale(static_cast<uint32_t>(next() >> 32), n); }

  // Maps 32 random bits to 0 .. n-1.
  static constexpr uint32_t scale(uint32_t bits, uint32_t n) {
    return static_cast<uint32_t>((uint64_t{bits} * n) >> 32);
  }

 private:
  uint64_t state_;
};

// 2^40 / r^(1 + sixteenths/16), the weight of rank r of a Zipf law. 1 <= r < 2^23,
// sixteenths < 8 (beyond, the fixed point would overflow).
uint64_t zipf_weight(uint32_t r, uint32_t sixteenths);

// Ranks 0 .. n-1 with density close to 1/(rank+1), Zipf's law with exponent 1: an octave is drawn
// evenly, then a rank within it. No table, so a pool of millions costs nothing.
class LogUniform {
 public:
  LogUniform() = default;
  explicit LogUniform(uint32_t n);  // n >= 1

  // `bits`: 64 random bits, all of which are used.
  uint32_t rank(uint64_t bits) const {
    const uint32_t u = Random::scale(static_cast<uint32_t>(bits >> 32), octaves_q16_);
    const uint32_t width = uint32_t{1} << (u >> 16);
    const uint32_t size = width * 2 - 1 > n_ ? n_ + 1 - width : width;
    return width - 1 + Random::scale(static_cast<uint32_t>(bits), size);
  }
  uint32_t size() const { return n_; }

 private:
  uint32_t n_ = 1;
  uint32_t octaves_q16_ = 1u << 16;  // how many octaves, the last one by its filled part
};

}  // namespace cairn::client
