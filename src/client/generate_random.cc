#include "client/generate_random.h"

#include <cmath>

#include "base/assert.h"

namespace cairn::client {
namespace {

// Floor of the square root. The floating-point root is only a first guess; integers decide.
uint64_t integer_sqrt(uint64_t x) {
  auto root = static_cast<uint64_t>(std::sqrt(static_cast<double>(x)));
  while (root * root > x) --root;
  while ((root + 1) * (root + 1) <= x) ++root;
  return root;
}

}  // namespace

uint64_t zipf_weight(uint32_t r, uint32_t sixteenths) {
  CAIRN_ASSERT(r >= 1 && r < (1u << 23) && sixteenths < 8);
  constexpr int kScale = 20;  // fixed point with 20 binary places
  uint64_t power = uint64_t{r} << kScale;
  uint64_t root = power;
  for (uint32_t bit = 8; bit > 0; bit /= 2) {  // r^(1/2), r^(1/4), r^(1/8), r^(1/16)
    root = integer_sqrt(root << kScale);
    if ((sixteenths & bit) != 0) power = (power >> (kScale / 2)) * root >> (kScale / 2);
  }
  return (uint64_t{1} << 60) / power;
}

LogUniform::LogUniform(uint32_t n) : n_(n) {
  CAIRN_ASSERT(n >= 1 && n < (1u << 31));
  uint32_t full = 0;  // octave k holds the ranks 2^k - 1 .. 2^(k+1) - 2
  while ((uint64_t{2} << full) - 1 <= n) ++full;
  const uint64_t rest = n - ((uint64_t{1} << full) - 1);
  octaves_q16_ = (full << 16) + static_cast<uint32_t>((rest << 16) >> full);
}

}  // namespace cairn::client
