#include "storage/bitmap_ranges.h"

#include <catch2/catch.hpp>
#include <random>

namespace cairn::storage {
namespace {

TEST_CASE("collected ranges are the ranges that were added") {
  const uint64_t seed = 12;
  INFO("seed " << seed);
  std::mt19937_64 rng(seed);
  for (int round = 0; round < 200; ++round) {
    RangeCollector ranges(rng() % 100);
    std::vector<Ordinal> expected;
    Ordinal next = 0;
    for (uint64_t n = rng() % 40; n > 0; --n) {
      const auto begin = next + static_cast<Ordinal>(rng() % 4 * (rng() % 90'000));  // or adjacent
      const auto end = begin + static_cast<Ordinal>(rng() % (rng() % 2 == 0 ? 5 : 300));
      ranges.add(begin, end);
      for (Ordinal o = begin; o < end; ++o) expected.push_back(o);
      next = end;
    }
    REQUIRE(ranges.finish().to_vector() == expected);
  }
}

}  // namespace
}  // namespace cairn::storage
