// How much work long tests do: the number in CAIRN_SOAK times the short form CI runs. Where it
// begins: with CAIRN_SEED, or with another seed each time.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>

namespace cairn::testing {

inline int soak_rounds(int short_form) {
  const char* factor = std::getenv("CAIRN_SOAK");
  const int times = factor != nullptr ? std::atoi(factor) : 1;
  return short_form * (times > 0 ? times : 1);
}

inline uint64_t first_seed() {
  const char* seed = std::getenv("CAIRN_SEED");
  if (seed != nullptr && *seed != '\0') return std::strtoull(seed, nullptr, 10);
  return std::random_device{}() % 1'000'000'000;
}

}  // namespace cairn::testing
