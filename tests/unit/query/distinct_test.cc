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
  ScratchBits scratch;
  for (const uint64_t bound : {1ull, 2ull, 100ull, 5'000ull, 1'000'000ull, 1ull << 28}) {
    DistinctSet one_by_one(bound);
    DistinctSet in_blocks(bound);
    std::set<uint32_t> expected;
    for (int block = 0; block < 200; ++block) {
      std::vector<ValueId> values;
      for (int i = 0; i < 100; ++i) {
        const auto value = static_cast<uint32_t>(random() % bound);
        values.push_back(ValueId{value});
        one_by_one.add(value);
        if (value != 0) expected.insert(value);
      }
      in_blocks.add(values);
    }
    CHECK(one_by_one.count(scratch) == expected.size());
    CHECK(in_blocks.count(scratch) == expected.size());
  }
  CHECK(DistinctSet(7).count(scratch) == 0);
}

TEST_CASE("a distinct set counts again after more was added") {
  DistinctSet set(1000);
  ScratchBits scratch;
  for (uint32_t round = 1; round <= 900; ++round) {
    set.add(round);
    set.add(0);
    set.add(1);
    if (round % 100 == 0) CHECK(set.count(scratch) == round);
  }
}

}  // namespace
}  // namespace cairn::query
