// Frozen bitmaps from disk: damaged ones are refused or still work as bitmaps.
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "fuzz/fuzz.h"
#include "storage/bitmap.h"

using namespace cairn;

namespace {

constexpr std::align_val_t kFrozenAlignment{32};

// Holds an array, a run and a bitset container.
std::vector<std::byte> good_bitmap() {
  std::vector<Ordinal> ordinals;
  for (Ordinal i = 0; i < 100; ++i) ordinals.push_back(i * 7);
  for (Ordinal i = 70'000; i < 90'000; ++i) ordinals.push_back(i);
  for (Ordinal i = 140'000; i < 180'000; i += 2) ordinals.push_back(i);
  const auto bitmap = storage::Bitmap::from_sorted(ordinals);
  std::vector<std::byte> bytes(bitmap.frozen_bytes());
  bitmap.write_frozen(bytes);
  return bytes;
}

struct FreeAligned {
  void operator()(std::byte* bytes) const { ::operator delete(bytes, kFrozenAlignment); }
};

}  // namespace

// The first byte chooses: bytes as they come, or damage to good ones; the second an odd address.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<std::byte> good = good_bitmap();
  if (size < 2) return 0;
  const bool whole = data[0] % 2 == 0;
  const size_t shift = data[1] % 32;
  const size_t bytes = whole ? size - 2 : good.size();
  const std::unique_ptr<std::byte, FreeAligned> room(
      static_cast<std::byte*>(::operator new(shift + bytes + 1, kFrozenAlignment)));
  const std::span<std::byte> frozen(room.get() + shift, bytes);
  const void* from = whole ? static_cast<const void*>(data + 2) : good.data();
  if (bytes > 0) std::memcpy(frozen.data(), from, bytes);
  if (!whole) testing::damage(frozen, data + 2, size - 2);
  if (const auto bitmap = storage::Bitmap::view(frozen); bitmap.ok()) {
    uint64_t seen = 0;
    bitmap->for_each([&](Ordinal) { ++seen; });
    testing::promise(seen == bitmap->cardinality(), "as many members as it says");
  }
  return 0;
}
