#include "storage/packed_column.h"

#include <catch2/catch.hpp>
#include <random>

namespace cairn::storage {
namespace {

// A column exactly as long as its bytes, so that the sanitizer sees every byte read outside.
PackedColumn parse(const std::vector<std::byte>& bytes, uint32_t count) {
  const auto column = PackedColumn::parse(bytes, count);
  REQUIRE(column);
  REQUIRE(column->bytes() == bytes.size());
  return *column;
}

void check_reads(const PackedColumn& column, const std::vector<uint64_t>& values,
                 std::mt19937_64& rng) {
  for (uint32_t i = 0; i < values.size(); ++i) REQUIRE(column[i] == values[i]);
  for (int round = 0; round < 20; ++round) {
    const auto begin = static_cast<uint32_t>(rng() % (values.size() + 1));
    const auto end = static_cast<uint32_t>(begin + rng() % (values.size() - begin + 1));
    std::vector<uint64_t> out(end - begin);
    column.read(begin, end, out.data());
    REQUIRE(std::equal(out.begin(), out.end(), values.begin() + begin));
    std::vector<uint32_t> indexes;
    for (uint32_t i = begin; i < end; ++i) {
      if (rng() % 3 == 0) indexes.push_back(i);
    }
    std::vector<uint64_t> gathered(indexes.size());
    column.gather(indexes, gathered.data());
    for (size_t i = 0; i < indexes.size(); ++i) REQUIRE(gathered[i] == values[indexes[i]]);
  }
}

TEST_CASE("columns of every width read back, one by one and in bulk") {
  const uint64_t seed = 3;
  INFO("seed " << seed);
  std::mt19937_64 rng(seed);
  for (unsigned bits = 0; bits <= 64; ++bits) {
    const uint64_t base = rng();
    for (const uint64_t step : {uint64_t{1}, uint64_t{1000}}) {
      if (step > 1 && bits > 50) continue;
      std::vector<uint64_t> values;
      for (int i = 0; i < 700; ++i) {
        values.push_back(base + (bits == 0 ? 0 : rng() >> (64 - bits)) * step);
      }
      std::vector<std::byte> bytes;
      PackedColumn::write(bytes, values, base);
      check_reads(parse(bytes, 700), values, rng);
      // Six blocks of 128, one byte a bit and block each, and as much again for the frame.
      CHECK(bytes.size() <= 6 * 16 * (bits <= 57 ? bits : 64) + 6 * 12 + 24 + 16);
    }
  }
}

TEST_CASE("a column may lie anywhere, with others behind it") {
  const std::vector<uint64_t> one = {7, 1'000'000, 9}, other = {5};
  std::vector<std::byte> bytes(3);
  PackedColumn::write(bytes, one, 7);
  const size_t middle = bytes.size();
  PackedColumn::write(bytes, other, 0);
  const auto first = PackedColumn::parse(std::span(bytes).subspan(3), 3);
  REQUIRE(first);
  CHECK(first->bytes() == middle - 3);
  CHECK((*first)[1] == 1'000'000);
  CHECK((*PackedColumn::parse(std::span(bytes).subspan(middle), 1))[0] == 5);
}

TEST_CASE("each block has a width of its own") {
  std::vector<uint64_t> values(1280);
  for (uint64_t i = 0; i < values.size(); ++i) values[i] = i / 128 * 1'000'000'000 + i % 4;
  std::vector<std::byte> bytes;
  PackedColumn::write(bytes, values, 0);
  CHECK(bytes.size() < 10 * (12 + 2 * 16) + 64);
}

TEST_CASE("signed columns go through unsigned distances") {
  const std::vector<int64_t> times = {-5, INT64_MIN, INT64_MAX, 0};
  std::vector<uint64_t> values(times.begin(), times.end());
  std::vector<std::byte> bytes;
  PackedColumn::write(bytes, values, static_cast<uint64_t>(INT64_MIN));
  const PackedColumn column = parse(bytes, 4);
  for (uint32_t i = 0; i < 4; ++i) CHECK(static_cast<int64_t>(column[i]) == times[i]);
}

TEST_CASE("an empty column is a column") {
  std::vector<std::byte> bytes;
  PackedColumn::write(bytes, {}, 9);
  CHECK(parse(bytes, 0).size() == 0);
}

TEST_CASE("wrong shapes are refused") {
  std::vector<std::byte> bytes;
  const std::vector<uint64_t> values = {1, 200, 70'000};
  PackedColumn::write(bytes, values, 0);
  CHECK_FALSE(PackedColumn::parse(bytes, 2));
  for (size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE_FALSE(PackedColumn::parse(std::span(bytes).first(size), 3));
  }
  constexpr size_t kBlockWord = 24 + 8;  // start << 7 | width
  for (const uint32_t word : {58u, 63u, 65u, 64u, 1u << 7 | 17u, UINT32_MAX}) {
    std::vector<std::byte> damaged = bytes;
    store_le(damaged.data() + kBlockWord, word);
    CHECK_FALSE(PackedColumn::parse(damaged, 3));
  }
}

TEST_CASE("packed numbers are one behind the other") {
  for (const unsigned width : {1u, 7u, 13u, 57u, 64u}) {
    std::vector<uint64_t> numbers;
    for (uint64_t i = 0; i < 200; ++i) {
      numbers.push_back((i * 0x9e3779b97f4a7c15u) >> (64 - width));
    }
    std::vector<std::byte> bytes;
    append_packed(bytes, numbers, width);
    CHECK(bytes.size() == (200 * width + 7) / 8);
    bytes.resize(bytes.size() + 8);
    for (size_t i = 0; i < numbers.size(); ++i) {
      REQUIRE(load_packed(bytes.data(), i, width) == numbers[i]);
    }
  }
}

}  // namespace
}  // namespace cairn::storage
