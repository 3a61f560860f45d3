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

TEST_CASE("a map that reserved its room holds what one that grew holds") {
  SlotMap<uint32_t> grown, reserved;
  reserved.reserve(1000);
  for (uint32_t i = 0; i < 3000; ++i) {
    if (i == 1500) grown.reserve(10), reserved.reserve(5000);
    CHECK(grown.find_or_add(i * 7, i) == i);
    CHECK(reserved.find_or_add(i * 7, i) == i);
  }
  for (uint32_t key = 0; key < 21000; ++key) REQUIRE(grown.find(key) == reserved.find(key));
}

}  // namespace
}  // namespace cairn
