#include "storage/posting_list.h"

#include <catch2/catch.hpp>
#include <random>

namespace cairn::storage {
namespace {

using Ordinals = std::vector<Ordinal>;

std::vector<std::byte> list_of(const Ordinals& ordinals) {
  std::vector<std::byte> list;
  append_posting_list(list, ordinals);
  return list;
}

TEST_CASE("lists read back") {
  const uint64_t seed = 5;
  INFO("seed " << seed);
  std::mt19937_64 rng(seed);
  for (int round = 0; round < 300; ++round) {
    Ordinals ordinals;
    Ordinal next = static_cast<Ordinal>(rng() % 3);
    const uint64_t spread = uint64_t{1} << (rng() % 16);
    for (uint64_t n = rng() % 60; n > 0; --n) {
      for (uint64_t run = rng() % 3 == 0 ? rng() % 200 : 1; run > 0; --run) {
        ordinals.push_back(next++);
      }
      next += static_cast<Ordinal>(1 + rng() % spread);
    }
    const uint32_t rows = ordinals.empty() ? 1 : ordinals.back() + 1;
    Ordinals read = {77};
    REQUIRE(read_posting_list(list_of(ordinals), rows, read));
    read.erase(read.begin());
    REQUIRE(read == ordinals);
    // One row less, and the last ordinal is outside.
    if (!ordinals.empty()) REQUIRE_FALSE(read_posting_list(list_of(ordinals), rows - 1, read));
    REQUIRE(read == ordinals);
  }
}

TEST_CASE("the bytes are those of docs/format.md") {
  const std::vector<std::byte> expected = {std::byte{0x0a}, std::byte{0x87}, std::byte{0x0e},
                                           std::byte{0x01}};
  CHECK(list_of({5, 906, 907, 908}) == expected);
}

TEST_CASE("bytes that are no list are told, and nothing is outside") {
  const uint64_t seed = 6;
  INFO("seed " << seed);
  std::mt19937_64 rng(seed);
  int refused = 0;
  for (int round = 0; round < 5000; ++round) {
    std::vector<std::byte> list(rng() % 12);
    for (std::byte& byte : list) byte = static_cast<std::byte>(rng() % 2 == 0 ? rng() : rng() % 9);
    constexpr uint32_t kRows = 1000;
    Ordinals read;
    if (!read_posting_list(list, kRows, read)) {
      ++refused;
      REQUIRE(read.empty());
    }
    for (size_t i = 0; i < read.size(); ++i) {
      REQUIRE(read[i] < kRows);
      REQUIRE((i == 0 || read[i - 1] < read[i]));
    }
  }
  CHECK(refused > 1000);
  const std::vector<std::byte> endless(9, std::byte{0xff});
  Ordinals none;
  CHECK_FALSE(read_posting_list(endless, 1u << 29, none));
}

}  // namespace
}  // namespace cairn::storage
