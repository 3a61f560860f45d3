#include "query/divider.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <random>

namespace cairn::query {
namespace {

TEST_CASE("dividing by the inverse is exact") {
  const uint64_t seed = std::random_device{}();
  std::cout << "divider: seed " << seed << "\n";
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t divisor = (random() >> (random() % 64)) | 1;
    const Divider divide(divisor);
    // Around multiples it is that rounding could go wrong.
    const uint64_t multiple = (random() >> (random() % 64)) / divisor * divisor;
    for (const uint64_t number : {multiple, multiple - 1, multiple + divisor - 1, random()}) {
      INFO(number << " / " << divisor);
      REQUIRE(divide(number) == number / divisor);
    }
  }
}

TEST_CASE("the extremes divide") {
  for (const uint64_t divisor : {uint64_t{1}, uint64_t{2}, uint64_t{3'600'000'000}, UINT64_MAX}) {
    const Divider divide(divisor);
    for (const uint64_t number :
         {uint64_t{0}, uint64_t{1}, (uint64_t{1} << 52) - 1, uint64_t{1} << 52, UINT64_MAX}) {
      CHECK(divide(number) == number / divisor);
    }
  }
}

}  // namespace
}  // namespace cairn::query
