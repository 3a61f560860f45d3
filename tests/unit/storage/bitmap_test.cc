#include "storage/bitmap.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <iterator>
#include <random>
#include <set>

namespace cairn::storage {
namespace {

using Set = std::set<Ordinal>;

std::vector<Ordinal> sorted(const Set& set) { return {set.begin(), set.end()}; }

// Bytes at a chosen distance from a 32-byte border.
class Placed {
 public:
  Placed(const Bitmap& bitmap, size_t offset) : bytes_(bitmap.frozen_bytes() + 64) {
    size_t space = bytes_.size();
    void* at = bytes_.data();
    std::align(32, 1, at, space);
    span_ = {static_cast<std::byte*>(at) + offset, bitmap.frozen_bytes()};
    bitmap.write_frozen(span_);
  }
  std::span<std::byte> span() { return span_; }

 private:
  std::vector<std::byte> bytes_;
  std::span<std::byte> span_;
};

// Every question, against the set.
void check_same(const Bitmap& bitmap, const Set& set, std::mt19937_64& rng) {
  REQUIRE(bitmap.cardinality() == set.size());
  REQUIRE(bitmap.empty() == set.empty());
  REQUIRE(bitmap.to_vector() == sorted(set));
  if (set.empty()) return;
  REQUIRE(bitmap.maximum() == *set.rbegin());
  const uint64_t rank = rng() % set.size();
  REQUIRE(bitmap.select(rank) == *std::next(set.begin(), static_cast<long>(rank)));
  for (int i = 0; i < 10; ++i) {
    const auto a = static_cast<Ordinal>(rng() % 300'000), b = static_cast<Ordinal>(rng() % 300'000);
    REQUIRE(bitmap.contains(a) == (set.count(a) > 0));
    Set range;
    if (a < b) range.insert(set.lower_bound(a), set.lower_bound(b));
    REQUIRE(bitmap.range_cardinality(a, b) == range.size());
    Set visited;
    bitmap.for_each_in(a, b, [&](Ordinal o) {
      visited.insert(visited.end(), o);
      return true;
    });
    REQUIRE(visited == range);
    std::vector<Ordinal> blocks;
    bitmap.for_each_block_in(a, b, [&](std::span<const Ordinal> block) {
      REQUIRE((!block.empty() && block.size() <= Bitmap::kBlock));
      blocks.insert(blocks.end(), block.begin(), block.end());
    });
    REQUIRE(blocks == sorted(range));
  }
}

// A bitmap and its twin.
struct Twin {
  Bitmap bitmap;
  Set set;
};

Twin random_twin(std::mt19937_64& rng) {
  Twin twin;
  const uint64_t kind = rng() % 4;
  for (uint64_t n = rng() % 5; n > 0 && kind != 0; --n) {
    const auto begin = static_cast<Ordinal>(rng() % 250'000);
    const auto end = begin + static_cast<Ordinal>(rng() % 9'000);
    twin.bitmap.add_range(begin, end);
    for (Ordinal o = begin; o < end; ++o) twin.set.insert(o);
  }
  for (uint64_t n = kind == 1 ? 0 : rng() % 8'000; n > 0; --n) {
    const auto o = static_cast<Ordinal>(rng() % (kind == 2 ? 70'000 : 260'000));
    twin.bitmap.add(o);
    twin.set.insert(o);
  }
  if (rng() % 2 == 0) twin.bitmap.optimize();
  return twin;
}

void change(Twin& twin, const Twin& other, uint64_t operation) {
  Set result;
  const auto into = std::inserter(result, result.end());
  const auto &a = twin.set, &b = other.set;
  switch (operation) {
    case 0:
      twin.bitmap.and_with(other.bitmap);
      std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), into);
      break;
    case 1:
      twin.bitmap.or_with(other.bitmap);
      std::set_union(a.begin(), a.end(), b.begin(), b.end(), into);
      break;
    case 2:
      twin.bitmap.and_not(other.bitmap);
      std::set_difference(a.begin(), a.end(), b.begin(), b.end(), into);
      break;
    default: {
      const Ordinal size = a.empty() ? 100 : *a.rbegin() + 1;
      twin.bitmap.flip(size);
      for (Ordinal o = 0; o < size; ++o) {
        if (a.count(o) == 0) result.insert(result.end(), o);
      }
    }
  }
  twin.set = std::move(result);
}

TEST_CASE("a bitmap behaves like a set, owned or viewed") {
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  INFO("seed " << seed);
  std::mt19937_64 rng(seed);
  for (int round = 0; round < 4; ++round) {
    Twin a = random_twin(rng);
    const Twin b = random_twin(rng);
    check_same(a.bitmap, a.set, rng);
    Set both;
    std::set_intersection(a.set.begin(), a.set.end(), b.set.begin(), b.set.end(),
                          std::inserter(both, both.end()));
    REQUIRE(a.bitmap.and_cardinality(b.bitmap) == both.size());
    REQUIRE(a.bitmap.clone() == a.bitmap);
    REQUIRE(Bitmap::from_sorted(sorted(a.set)) == a.bitmap);

    // Aligned views are borrowed, others copied; both answer and change like the original.
    for (const size_t offset : {0u, 16u, 1u}) {
      Placed placed(a.bitmap, offset);
      Result<Bitmap> view = Bitmap::view(placed.span());
      REQUIRE(view.ok());
      check_same(*view, a.set, rng);
      REQUIRE(view->and_cardinality(b.bitmap) == both.size());
      const std::vector<std::byte> before(placed.span().begin(), placed.span().end());
      Twin viewed{std::move(view).value(), a.set};
      change(viewed, b, rng() % 4);
      check_same(viewed.bitmap, viewed.set, rng);
      REQUIRE(std::equal(before.begin(), before.end(), placed.span().begin()));
    }
    for (int i = 0; i < 3; ++i) {
      change(a, b, rng() % 4);
      check_same(a.bitmap, a.set, rng);
    }
  }
}

TEST_CASE("or_many is the union") {
  std::mt19937_64 rng(7);
  for (const size_t count : {0u, 1u, 2u, 9u}) {
    std::vector<Twin> twins(count);
    std::vector<const Bitmap*> pointers;
    Set all;
    for (Twin& twin : twins) {
      twin = random_twin(rng);
      pointers.push_back(&twin.bitmap);
      all.insert(twin.set.begin(), twin.set.end());
    }
    check_same(Bitmap::or_many(pointers), all, rng);
  }
}

TEST_CASE("ranges and empty bitmaps") {
  CHECK(Bitmap::range(5, 5).empty());
  CHECK(Bitmap::range(7, 3).empty());
  CHECK(Bitmap::range(3, 6).to_vector() == std::vector<Ordinal>{3, 4, 5});
  CHECK(Bitmap::from_sorted({}).empty());
  Bitmap flipped;
  flipped.flip(3);
  CHECK(flipped.to_vector() == std::vector<Ordinal>{0, 1, 2});
  flipped.and_not(flipped);
  CHECK(flipped.empty());
  flipped.for_each([](Ordinal) { FAIL("an ordinal of nothing"); });
  CHECK(Bitmap().frozen_bytes() > 0);
}

TEST_CASE("for_each_in stops when told, across decoding batches") {
  const Bitmap bitmap = Bitmap::range(0, 1000);
  for (const uint64_t limit : {1u, 127u, 128u, 129u, 500u}) {
    uint64_t calls = 0;
    bitmap.for_each_in(0, 1000, [&](Ordinal) { return ++calls < limit; });
    CHECK(calls == limit);
  }
}

TEST_CASE("for_each_block gives all, also of exactly full blocks") {
  for (const Ordinal size : {0u, 1u, Bitmap::kBlock - 1, Bitmap::kBlock, 3 * Bitmap::kBlock}) {
    uint64_t sum = 0;
    Bitmap::range(0, size).for_each_block([&](auto block) { sum += block.size(); });
    CHECK(sum == size);
  }
}

TEST_CASE("blocks end when they are told to") {
  const Bitmap bitmap = Bitmap::range(10, 10 + 5 * Bitmap::kBlock);
  size_t blocks = 0;
  bitmap.for_each_block([&](std::span<const Ordinal>) { return ++blocks < 2; });
  CHECK(blocks == 2);
}

TEST_CASE("words of bits are a bitmap") {
  CHECK(Bitmap::from_bits({}).empty());
  std::vector<uint64_t> words(5000, 0);
  CHECK(Bitmap::from_bits(words).empty());
  std::vector<Ordinal> ordinals;
  const auto add = [&](Ordinal ordinal) {
    words[ordinal / 64] |= uint64_t{1} << ordinal % 64;
    ordinals.push_back(ordinal);
  };
  add(0);
  add(63);
  for (Ordinal o = 65'536; o < 65'536 + 4096; ++o) add(o);          // as many as an array takes
  for (Ordinal o = 2 * 65'536; o < 2 * 65'536 + 4097; ++o) add(o);  // one more
  for (Ordinal o = 3 * 65'536; o < 4 * 65'536; ++o) add(o);         // all
  for (Ordinal o = 4 * 65'536; o < 5000 * 64; o += 7) add(o);       // a piece cut short
  const Bitmap bitmap = Bitmap::from_bits(words);
  CHECK(bitmap.to_vector() == ordinals);
  CHECK(bitmap == Bitmap::from_sorted(ordinals));
}

TEST_CASE("a moved bitmap takes its bytes along") {
  Bitmap source = Bitmap::range(10, 20);
  Placed placed(source, 16);  // unaligned: the view owns a copy
  Bitmap view = std::move(Bitmap::view(placed.span())).value();
  std::fill(placed.span().begin(), placed.span().end(), std::byte{0});
  Bitmap moved = std::move(view);
  CHECK(moved == source);
  Bitmap assigned;
  assigned = std::move(moved);
  CHECK(assigned == source);
}

TEST_CASE("bytes that are no bitmap are refused") {
  Bitmap bitmap = Bitmap::range(0, 100'000);
  bitmap.add(200'000);
  Placed placed(bitmap, 0);
  for (size_t size = 0; size < placed.span().size(); size += 37) {
    REQUIRE(Bitmap::view(placed.span().first(size)).error().code == ErrorCode::Corruption);
  }
  REQUIRE(Bitmap::view({}).error().code == ErrorCode::Corruption);
}

}  // namespace
}  // namespace cairn::storage
