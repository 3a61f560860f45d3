#include "base/slot_map.h"

#include <catch2/catch.hpp>
#include <random>
#include <unordered_map>

namespace cairn {
namespace {

TEST_CASE("a slot map behaves like a map") {
  const uint64_t seed = 5;
  INFO("seed " << seed);
  std::mt19937_64 rng(seed);
  SlotMap<uint64_t> map;
  std::unordered_map<uint64_t, uint32_t> twin;
  CHECK(map.find(0) == SlotMap<uint64_t>::kNone);
  for (uint32_t i = 0; i < 20'000; ++i) {
    // Consecutive keys, multiples of a power of two, and keys from everywhere.
    const uint64_t keys[] = {i / 2, (rng() % 5000) << 40, rng()};
    const uint64_t key = keys[rng() % 3];
    const auto fresh = static_cast<uint32_t>(twin.size());
    REQUIRE(map.find_or_add(key, fresh) == twin.emplace(key, fresh).first->second);
  }
  REQUIRE(map.size() == twin.size());
  for (const auto& [key, slot] : twin) REQUIRE(map.find(key) == slot);
  CHECK(map.find(0xdead'beef'dead'beef) == SlotMap<uint64_t>::kNone);
  CHECK(map.memory_bytes() >= twin.size() * 16);
}

}  // namespace
}  // namespace cairn
