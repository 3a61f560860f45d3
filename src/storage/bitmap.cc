#include "storage/bitmap.h"

#include <roaring/roaring.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include "base/assert.h"
#include "storage/frozen_check.h"

namespace cairn::storage {
namespace {

constexpr size_t kFrozenAlignment = 32;

// Iterator functions were renamed in CRoaring 2; the old names are deprecated since. Templates,
// so that only the names a version has are looked up.
template <class It>
bool seek(It* it, uint32_t from) {
  if constexpr (requires { roaring_uint32_iterator_move_equalorlarger(it, from); }) {
    return roaring_uint32_iterator_move_equalorlarger(it, from);
  } else {
    return roaring_move_uint32_iterator_equalorlarger(it, from);
  }
}
template <class It>
uint32_t read_some(It* it, uint32_t* out, uint32_t count) {
  if constexpr (requires { roaring_uint32_iterator_read(it, out, count); }) {
    return roaring_uint32_iterator_read(it, out, count);
  } else {
    return roaring_read_uint32_iterator(it, out, count);
  }
}
template <class Bitmap, class It>
void start(const Bitmap* bitmap, It* it) {
  if constexpr (requires { roaring_iterator_init(bitmap, it); }) {
    roaring_iterator_init(bitmap, it);
  } else {
    roaring_init_iterator(bitmap, it);
  }
}

template <class R>
roaring_bitmap_t* raw_bitmap(R* bitmap) {
  CAIRN_ASSERT(bitmap != nullptr);
  return reinterpret_cast<roaring_bitmap_t*>(bitmap);
}

template <class R>
R* opaque(roaring_bitmap_t* bitmap) {
  CAIRN_ASSERT(bitmap != nullptr);  // CRoaring gives null when it is out of memory
  return reinterpret_cast<R*>(bitmap);
}

}  // namespace

Bitmap::Bitmap() : Bitmap(opaque<Roaring>(roaring_bitmap_create())) {}
Bitmap::Bitmap(Roaring* owned) : bitmap_(owned) {}
Bitmap::~Bitmap() {
  if (bitmap_ != nullptr) roaring_bitmap_free(raw_bitmap(bitmap_));
}

Bitmap::Bitmap(Bitmap&& other) noexcept
    : bitmap_(std::exchange(other.bitmap_, nullptr)),
      borrowed_(std::exchange(other.borrowed_, false)),
      copy_(std::move(other.copy_)) {}

Bitmap& Bitmap::operator=(Bitmap&& other) noexcept {
  std::swap(bitmap_, other.bitmap_);
  std::swap(borrowed_, other.borrowed_);
  std::swap(copy_, other.copy_);
  return *this;
}

Bitmap Bitmap::from_sorted(std::span<const Ordinal> ordinals) {
  return Bitmap(opaque<Roaring>(roaring_bitmap_of_ptr(ordinals.size(), ordinals.data())));
}

Bitmap Bitmap::range(Ordinal begin, Ordinal end) {
  Bitmap bitmap;
  bitmap.add_range(begin, end);
  return bitmap;
}

namespace {

constexpr size_t kContainerWords = 1024;  // 65,536 bits
constexpr uint32_t kMostInArray = 4096;

void append(std::string& bytes, const void* from, size_t count) {
  bytes.append(static_cast<const char*>(from), count);
}

// The values of a container as sorted 16-bit numbers.
void append_array(std::string& bytes, std::span<const uint64_t> words) {
  for (size_t w = 0; w < words.size(); ++w) {
    for (uint64_t rest = words[w]; rest != 0; rest &= rest - 1) {
      const auto low = static_cast<uint16_t>(w * 64 + static_cast<size_t>(std::countr_zero(rest)));
      append(bytes, &low, sizeof low);
    }
  }
}

}  // namespace

// In CRoaring's portable form, which is documented and the same in all versions: number of
// containers, key and cardinality - 1 of each, where each lies, their arrays or bits.
Bitmap Bitmap::from_bits(std::span<const uint64_t> words) {
  constexpr uint32_t kNoRuns = 12346;
  std::string keys;
  std::string containers;
  std::vector<uint32_t> offsets;
  for (size_t begin = 0; begin < words.size(); begin += kContainerWords) {
    const auto bits = words.subspan(begin, std::min(kContainerWords, words.size() - begin));
    uint32_t cardinality = 0;
    for (const uint64_t word : bits) cardinality += static_cast<uint32_t>(std::popcount(word));
    if (cardinality == 0) continue;
    const uint16_t entry[] = {static_cast<uint16_t>(begin / kContainerWords),
                              static_cast<uint16_t>(cardinality - 1)};
    append(keys, entry, sizeof entry);
    offsets.push_back(static_cast<uint32_t>(containers.size()));
    if (cardinality <= kMostInArray) {
      append_array(containers, bits);
    } else {
      append(containers, bits.data(), bits.size_bytes());
      containers.resize(offsets.back() + kContainerWords * sizeof(uint64_t), '\0');
    }
  }
  if (offsets.empty()) return Bitmap();
  const uint32_t head[] = {kNoRuns, static_cast<uint32_t>(offsets.size())};
  const size_t first = sizeof head + keys.size() + offsets.size() * sizeof(uint32_t);
  for (uint32_t& offset : offsets) offset += static_cast<uint32_t>(first);
  std::string bytes;
  bytes.reserve(first + containers.size());
  append(bytes, head, sizeof head);
  bytes += keys;
  append(bytes, offsets.data(), offsets.size() * sizeof(uint32_t));
  bytes += containers;
  return Bitmap(
      opaque<Roaring>(roaring_bitmap_portable_deserialize_safe(bytes.data(), bytes.size())));
}

Bitmap Bitmap::clone() const {
  return Bitmap(opaque<Roaring>(roaring_bitmap_copy(raw_bitmap(bitmap_))));
}

Bitmap::Roaring* Bitmap::writable() {
  if (borrowed_) *this = clone();
  return bitmap_;
}

void Bitmap::add(Ordinal ordinal) { roaring_bitmap_add(raw_bitmap(writable()), ordinal); }

void Bitmap::add_range(Ordinal begin, Ordinal end) {
  if (begin < end) roaring_bitmap_add_range_closed(raw_bitmap(writable()), begin, end - 1);
}

void Bitmap::optimize() { roaring_bitmap_run_optimize(raw_bitmap(writable())); }

void Bitmap::and_with(const Bitmap& other) {
  if (&other != this) {
    roaring_bitmap_and_inplace(raw_bitmap(writable()), raw_bitmap(other.bitmap_));
  }
}

void Bitmap::or_with(const Bitmap& other) {
  if (&other != this) {
    roaring_bitmap_or_inplace(raw_bitmap(writable()), raw_bitmap(other.bitmap_));
  }
}

void Bitmap::and_not(const Bitmap& other) {
  if (&other == this) {
    *this = Bitmap();
  } else {
    roaring_bitmap_andnot_inplace(raw_bitmap(writable()), raw_bitmap(other.bitmap_));
  }
}

void Bitmap::flip(Ordinal size) { roaring_bitmap_flip_inplace(raw_bitmap(writable()), 0, size); }

Bitmap Bitmap::or_many(std::span<const Bitmap* const> bitmaps) {
  if (bitmaps.empty()) return Bitmap();
  std::vector<const roaring_bitmap_t*> all;
  all.reserve(bitmaps.size());
  for (const Bitmap* bitmap : bitmaps) all.push_back(raw_bitmap(bitmap->bitmap_));
  return Bitmap(opaque<Roaring>(roaring_bitmap_or_many(all.size(), all.data())));
}

uint64_t Bitmap::cardinality() const { return roaring_bitmap_get_cardinality(raw_bitmap(bitmap_)); }

uint64_t Bitmap::and_cardinality(const Bitmap& other) const {
  return roaring_bitmap_and_cardinality(raw_bitmap(bitmap_), raw_bitmap(other.bitmap_));
}

uint64_t Bitmap::range_cardinality(Ordinal begin, Ordinal end) const {
  return roaring_bitmap_range_cardinality(raw_bitmap(bitmap_), begin, end);
}

bool Bitmap::contains(Ordinal ordinal) const {
  return roaring_bitmap_contains(raw_bitmap(bitmap_), ordinal);
}

bool Bitmap::empty() const { return roaring_bitmap_is_empty(raw_bitmap(bitmap_)); }

Ordinal Bitmap::maximum() const { return roaring_bitmap_maximum(raw_bitmap(bitmap_)); }

Ordinal Bitmap::select(uint64_t rank) const {
  uint32_t ordinal = 0;
  const bool found =
      roaring_bitmap_select(raw_bitmap(bitmap_), static_cast<uint32_t>(rank), &ordinal);
  CAIRN_ASSERT(found);
  return ordinal;
}

std::vector<Ordinal> Bitmap::to_vector() const {
  std::vector<Ordinal> ordinals(cardinality());
  if (!ordinals.empty()) roaring_bitmap_to_uint32_array(raw_bitmap(bitmap_), ordinals.data());
  return ordinals;
}

void Bitmap::for_each_impl(Ordinal begin, Ordinal end, void* fn,
                           bool (*call)(void*, Ordinal)) const {
  if (begin >= end) return;
  roaring_uint32_iterator_t it;
  start(raw_bitmap(bitmap_), &it);
  if (begin > 0 && !seek(&it, begin)) return;
  constexpr uint32_t kBatch = 128;  // decoding in batches is several times faster than one by one
  uint32_t batch[kBatch];
  for (;;) {
    const uint32_t count = read_some(&it, batch, kBatch);
    for (uint32_t i = 0; i < count; ++i) {
      if (batch[i] >= end || !call(fn, batch[i])) return;
    }
    if (count < kBatch) return;
  }
}

void Bitmap::for_each_block_impl(Ordinal begin, Ordinal end, void* fn,
                                 bool (*call)(void*, std::span<const Ordinal>)) const {
  if (begin >= end) return;
  roaring_uint32_iterator_t it;
  start(raw_bitmap(bitmap_), &it);
  if (begin > 0 && !seek(&it, begin)) return;
  uint32_t block[kBlock];
  for (;;) {
    const uint32_t read = read_some(&it, block, kBlock);
    uint32_t count = read;
    if (read > 0 && block[read - 1] >= end) {
      count = static_cast<uint32_t>(std::lower_bound(block, block + read, end) - block);
    }
    if (count > 0 && !call(fn, {block, count})) return;
    if (count < kBlock) return;
  }
}

size_t Bitmap::frozen_bytes() const {
  return roaring_bitmap_frozen_size_in_bytes(raw_bitmap(bitmap_));
}

void Bitmap::write_frozen(std::span<std::byte> out) const {
  CAIRN_ASSERT(out.size() == frozen_bytes());
  roaring_bitmap_frozen_serialize(raw_bitmap(bitmap_), reinterpret_cast<char*>(out.data()));
}

Result<Bitmap> Bitmap::view(std::span<const std::byte> bytes) {
  if (!frozen_is_sound(bytes)) {
    return make_error(ErrorCode::Corruption, "these bytes are not a frozen bitmap");
  }
  std::unique_ptr<std::byte[]> copy;
  const std::byte* at = bytes.data();
  if (reinterpret_cast<uintptr_t>(at) % kFrozenAlignment != 0) {
    size_t space = bytes.size() + kFrozenAlignment - 1;
    copy = std::make_unique<std::byte[]>(space);
    void* aligned = copy.get();
    std::align(kFrozenAlignment, bytes.size(), aligned, space);
    std::memcpy(aligned, bytes.data(), bytes.size());
    at = static_cast<const std::byte*>(aligned);
  }
  const roaring_bitmap_t* viewed =
      roaring_bitmap_frozen_view(reinterpret_cast<const char*>(at), bytes.size());
  if (viewed == nullptr) {
    return make_error(ErrorCode::Corruption, "CRoaring does not take these bytes for a bitmap");
  }
  Bitmap bitmap(opaque<Roaring>(const_cast<roaring_bitmap_t*>(viewed)));
  bitmap.borrowed_ = true;
  bitmap.copy_ = std::move(copy);
  return bitmap;
}

bool Bitmap::operator==(const Bitmap& other) const {
  return roaring_bitmap_equals(raw_bitmap(bitmap_), raw_bitmap(other.bitmap_));
}

}  // namespace cairn::storage
