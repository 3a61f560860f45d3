#include "storage/frozen_check.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "storage/bitmap.h"

namespace cairn::storage {
namespace {

// One container of each kind: bitset, array, runs.
Bitmap mixed() {
  Bitmap bitmap;
  for (Ordinal o = 0; o < 20'000; o += 2) bitmap.add(o);
  for (Ordinal o = 70'000; o < 71'000; o += 7) bitmap.add(o);
  bitmap.add_range(140'000, 150'000);
  bitmap.add_range(160'000, 160'500);
  bitmap.optimize();
  return bitmap;
}

std::vector<std::byte> frozen(const Bitmap& bitmap) {
  std::vector<std::byte> bytes(bitmap.frozen_bytes());
  bitmap.write_frozen(bytes);
  return bytes;
}

TEST_CASE("what CRoaring writes is sound") {
  CHECK(frozen_is_sound(frozen(Bitmap())));
  CHECK(frozen_is_sound(frozen(Bitmap::range(0, 1))));
  CHECK(frozen_is_sound(frozen(Bitmap::range(0, 65'536))));
  CHECK(frozen_is_sound(frozen(mixed())));
  std::vector<std::byte> shifted = frozen(mixed());
  shifted.insert(shifted.begin(), std::byte{0});
  CHECK(frozen_is_sound(std::span(shifted).subspan(1)));
}

TEST_CASE("truncated or extended bytes are not") {
  std::vector<std::byte> bytes = frozen(mixed());
  for (size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE_FALSE(frozen_is_sound(std::span(bytes).first(size)));
  }
  bytes.insert(bytes.begin(), std::byte{0});
  CHECK_FALSE(frozen_is_sound(bytes));
}

// What passes the check after damage is another bitmap, but one that is safe to work with: the
// sanitizers watch every operation.
TEST_CASE("damaged bytes are refused or safe") {
  const uint64_t seed = 11;
  INFO("seed " << seed);
  std::mt19937_64 rng(seed);
  const Bitmap other = Bitmap::range(10, 180'000);
  const std::vector<std::byte> good = frozen(mixed());
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::vector<std::byte> bytes = good;
    for (uint64_t n = 1 + rng() % 3; n > 0; --n) {
      // The directory at the end is small and matters most.
      const size_t back = 1 + rng() % (rng() % 2 == 0 ? 40 : bytes.size());
      bytes[bytes.size() - back] ^= static_cast<std::byte>(1 + rng() % 255);
    }
    const Result<Bitmap> view = Bitmap::view(bytes);
    REQUIRE(view.ok() == frozen_is_sound(bytes));
    if (!view.ok()) {
      ++refused;
      continue;
    }
    Bitmap changed = view->clone();
    changed.and_with(other);
    changed.or_with(*view);
    changed.flip(200'000);
    changed.and_not(other);
    REQUIRE(view->to_vector().size() == view->cardinality());
    REQUIRE(view->range_cardinality(0, UINT32_MAX) <= view->cardinality());
  }
  CHECK(refused > 1000);
}

}  // namespace
}  // namespace cairn::storage
