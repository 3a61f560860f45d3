#include "storage/packed_column.h"

#include <catch2/catch.hpp>
#include <random>

namespace cairn::storage {
namespace {

TEST_CASE("columns of every width read back") {
  std::mt19937_64 rng(3);
  for (unsigned bits = 0; bits <= 64; bits += 4) {
    std::vector<uint64_t> values;
    const uint64_t base = rng();
    for (int i = 0; i < 100; ++i) {
      values.push_back(base + (bits == 0 ? 0 : rng() >> (64 - bits)));
    }
    std::vector<std::byte> bytes(3);  // at an odd address, and not at the front
    PackedColumn::write(bytes, values, base);
    const auto column = PackedColumn::parse(std::span(bytes).subspan(3), 100);
    REQUIRE(column);
    CHECK(column->size() == 100);
    CHECK(column->bytes() == bytes.size() - 3);
    for (uint32_t i = 0; i < 100; ++i) REQUIRE((*column)[i] == values[i]);
  }
}

TEST_CASE("signed columns go through unsigned distances") {
  const std::vector<int64_t> times = {-5, INT64_MIN, INT64_MAX, 0};
  std::vector<uint64_t> values(times.begin(), times.end());
  std::vector<std::byte> bytes;
  PackedColumn::write(bytes, values, static_cast<uint64_t>(INT64_MIN));
  const auto column = PackedColumn::parse(bytes, 4);
  REQUIRE(column);
  for (uint32_t i = 0; i < 4; ++i) CHECK(static_cast<int64_t>((*column)[i]) == times[i]);
}

TEST_CASE("an empty column is a column") {
  std::vector<std::byte> bytes;
  PackedColumn::write(bytes, {}, 9);
  REQUIRE(PackedColumn::parse(bytes, 0));
  CHECK(PackedColumn::parse(bytes, 0)->size() == 0);
}

TEST_CASE("wrong shapes are refused") {
  std::vector<std::byte> bytes;
  const std::vector<uint64_t> values = {1, 200, 70'000};
  PackedColumn::write(bytes, values, 0);
  CHECK_FALSE(PackedColumn::parse(bytes, 2));
  for (size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE_FALSE(PackedColumn::parse(std::span(bytes).first(size), 3));
  }
  bytes[12] = std::byte{9};  // width
  CHECK_FALSE(PackedColumn::parse(bytes, 3));
}

}  // namespace
}  // namespace cairn::storage
