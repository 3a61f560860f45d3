// The integer randomness of the load generator, against published values and floating point.
#include "client/generate_random.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

using namespace cairn::client;

TEST_CASE("mix64 is the SplitMix64 of the literature") {
  // First outputs of the public-domain reference program for seed 0.
  CHECK(mix64(0) == 0xe220a8397b1dcdafu);
  CHECK(mix64(0x9e3779b97f4a7c15u) == 0x6e789e6aa1b965f4u);
  CHECK(mix64(2 * 0x9e3779b97f4a7c15u) == 0x06c45d188009454fu);
}

TEST_CASE("zipf_weight is a power law in fixed point") {
  for (const uint32_t sixteenths : {0u, 2u, 4u, 7u}) {
    for (const uint32_t rank : {1u, 2u, 3u, 10u, 1000u, 200'000u, 8'000'000u}) {
      INFO("rank " << rank << ", exponent 1 + " << sixteenths << "/16");
      const double expected = std::pow(2.0, 40) / std::pow(rank, 1 + sixteenths / 16.0);
      CHECK(static_cast<double>(zipf_weight(rank, sixteenths)) ==
            Approx(expected).epsilon(0.001).margin(1));
    }
  }
}

TEST_CASE("LogUniform stays in range, reaches every rank and falls like 1/rank") {
  Random random(1);
  for (uint32_t n = 1; n <= 70; ++n) {
    INFO("pool of " << n);
    const LogUniform pool(n);
    std::vector<uint32_t> seen(n, 0);
    for (int i = 0; i < 20'000; ++i) {
      const uint32_t rank = pool.rank(random.next());
      REQUIRE(rank < n);
      ++seen[rank];
    }
    for (const uint32_t count : seen) CHECK(count > 0);
    if (n >= 15) CHECK(seen[0] == Approx(7.5 * seen[10]).epsilon(0.35));
  }
}
