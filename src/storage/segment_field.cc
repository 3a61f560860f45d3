#include "storage/segment_field.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace cairn::storage {
namespace {

// The first index in [0, size) whose key is not below `key`.
template <class KeyAt>
uint32_t lower_bound(uint32_t size, uint32_t key, KeyAt&& key_at) {
  uint32_t begin = 0;
  while (size > 0) {
    const uint32_t half = size / 2;
    if (key_at(begin + half) < key) {
      begin += half + 1;
      size -= half + 1;
    } else {
      size = half;
    }
  }
  return begin;
}

}  // namespace

std::optional<SegmentField> SegmentField::parse(std::span<const std::byte> payload, uint32_t rows) {
  if (payload.size() < sizeof(FieldHeader)) return std::nullopt;
  SegmentField field;
  std::memcpy(&field.header_, payload.data(), sizeof(FieldHeader));
  const FieldHeader& h = field.header_;
  // Each count is below 2^32, so these sums fit.
  const uint64_t ids = sizeof(FieldHeader);
  const uint64_t begins = ids + uint64_t{h.small_values} * 4;
  const uint64_t ordinals = begins + uint64_t{h.small_values} * 4;
  const uint64_t large = ordinals + uint64_t{h.small_ordinals} * 4;
  const uint64_t end = large + uint64_t{h.large_values} * sizeof(LargeEntry);
  const uint64_t bitmaps = align_bitmap(end);
  if (bitmaps > payload.size() || h.any_cardinality > rows) return std::nullopt;
  if (uint64_t{h.any_offset} + h.any_bytes > payload.size() - bitmaps) return std::nullopt;
  field.rows_ = rows;
  field.small_ids_ = payload.data() + ids;
  field.small_begins_ = payload.data() + begins;
  field.small_ordinals_ = payload.data() + ordinals;
  field.large_ = payload.data() + large;
  field.bitmaps_ = payload.subspan(bitmaps);
  return field;
}

SegmentField::Range SegmentField::small_range(uint32_t index) const {
  Range range{load_le<uint32_t>(small_begins_ + 4 * size_t{index}), header_.small_ordinals};
  if (index + 1 < header_.small_values) {
    range.end = load_le<uint32_t>(small_begins_ + 4 * (size_t{index} + 1));
  }
  const bool sound = range.begin <= range.end && range.end <= header_.small_ordinals;
  return sound ? range : Range{};
}

Bitmap SegmentField::small_posting(uint32_t index) const {
  const Range range = small_range(index);
  std::vector<Ordinal> ordinals(range.end - range.begin);
  if (ordinals.empty()) return Bitmap();
  std::memcpy(ordinals.data(), small_ordinals_ + 4 * size_t{range.begin}, ordinals.size() * 4);
  const auto not_ascending = [](Ordinal a, Ordinal b) { return a >= b; };
  const bool sound = ordinals.back() < rows_ && std::adjacent_find(ordinals.begin(), ordinals.end(),
                                                                   not_ascending) == ordinals.end();
  return sound ? Bitmap::from_sorted(ordinals) : Bitmap();
}

LargeEntry SegmentField::large_entry(uint32_t index) const {
  LargeEntry entry;
  std::memcpy(&entry, large_ + sizeof entry * index, sizeof entry);
  return entry;
}

Bitmap SegmentField::frozen(uint32_t offset, uint32_t bytes) const {
  if (uint64_t{offset} + bytes > bitmaps_.size()) return Bitmap();
  Result<Bitmap> bitmap = Bitmap::view(bitmaps_.subspan(offset, bytes));
  const bool sound = bitmap.ok() && !bitmap->empty() && bitmap->maximum() < rows_;
  return sound ? std::move(bitmap).value() : Bitmap();
}

uint32_t SegmentField::find_small(ValueId value) const {
  return lower_bound(header_.small_values, raw(value), [this](uint32_t i) { return small_id(i); });
}

uint32_t SegmentField::find_large(ValueId value) const {
  return lower_bound(header_.large_values, raw(value),
                     [this](uint32_t i) { return large_entry(i).value; });
}

Bitmap SegmentField::posting(ValueId value) const {
  const uint32_t large = find_large(value);
  if (large < header_.large_values) {
    const LargeEntry entry = large_entry(large);
    if (entry.value == raw(value)) return frozen(entry.offset, entry.bytes);
  }
  const uint32_t small = find_small(value);
  if (small < header_.small_values && small_id(small) == raw(value)) return small_posting(small);
  return Bitmap();
}

uint64_t SegmentField::posting_cardinality(ValueId value) const {
  const uint32_t large = find_large(value);
  if (large < header_.large_values) {
    const LargeEntry entry = large_entry(large);
    if (entry.value == raw(value)) return std::min(entry.cardinality, rows_);
  }
  const uint32_t small = find_small(value);
  if (small >= header_.small_values || small_id(small) != raw(value)) return 0;
  const Range range = small_range(small);
  return std::min(range.end - range.begin, rows_);
}

Bitmap SegmentField::any() const { return frozen(header_.any_offset, header_.any_bytes); }

void SegmentField::for_each_value(const std::function<bool(ValueId, const Bitmap&)>& fn) const {
  uint32_t small = 0, large = 0;
  while (small < header_.small_values || large < header_.large_values) {
    const LargeEntry entry = large < header_.large_values ? large_entry(large) : LargeEntry{};
    const bool take_large = small == header_.small_values ||
                            (large < header_.large_values && entry.value < small_id(small));
    if (take_large) {
      ++large;
      if (!fn(ValueId{entry.value}, frozen(entry.offset, entry.bytes))) return;
    } else {
      const ValueId value{small_id(small)};
      if (!fn(value, small_posting(small++))) return;
    }
  }
}

}  // namespace cairn::storage
