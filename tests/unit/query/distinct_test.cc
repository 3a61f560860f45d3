#include "query/distinct.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <random>
#include <set>

namespace cairn::query {
namespace {

TEST_CASE("distinct sets count as std::set does, dense or sparse") {
  const uint64_t seed = std::random_device{}();
  std::cout << "distinct: seed " << seed << "\n";
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (const uint64_t bound : {1ull, 2ull, 100ull, 5'000ull, 1ull << 32}) {
    DistinctSet set;
    std::set<uint32_t> expected;
    for (int i = 0; i < 20'000; ++i) {
      const auto value = static_cast<uint32_t>(random() % bound);
      set.add(value);
      expected.insert(value);
    }
    CHECK(set.count() == expected.size());
  }
  CHECK(DistinctSet().count() == 0);
}

TEST_CASE("sort_unique keeps the extremes") {
  std::vector<uint32_t> values = {UINT32_MAX, 0, UINT32_MAX, 5};
  sort_unique(values);
  CHECK(values == std::vector<uint32_t>{0, 5, UINT32_MAX});
}

}  // namespace
}  // namespace cairn::query
