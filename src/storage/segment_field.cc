#include "storage/segment_field.h"

#include <algorithm>
#include <cstring>

#include "storage/bitmap_ranges.h"
#include "storage/posting_list.h"

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
  if (h.occurrences > rows) return std::nullopt;
  auto rest = payload.subspan(sizeof(FieldHeader));
  const auto ids = PackedColumn::parse(rest, h.small_values);
  if (!ids) return std::nullopt;
  rest = rest.subspan(ids->bytes());
  const auto ends = PackedColumn::parse(rest, h.small_values);
  if (!ends) return std::nullopt;
  rest = rest.subspan(ends->bytes());
  // Each count is below 2^32, so these sums fit.
  const uint64_t large = payload.size() - rest.size();
  const uint64_t lists = large + uint64_t{h.large_values} * sizeof(LargeEntry);
  const uint64_t bitmaps = align_bitmap(lists + h.list_bytes);
  if (bitmaps > payload.size()) return std::nullopt;
  if (uint64_t{h.any_offset} + h.any_bytes > payload.size() - bitmaps) return std::nullopt;
  field.rows_ = rows;
  field.small_ids_ = *ids;
  field.small_ends_ = *ends;
  field.large_ = payload.data() + large;
  field.lists_ = payload.subspan(lists, h.list_bytes);
  field.bitmaps_ = payload.subspan(bitmaps);
  return field;
}

SegmentField::Bytes SegmentField::list(uint64_t begin, uint64_t end) const {
  const bool sound = begin <= end && end <= lists_.size();
  return sound ? lists_.subspan(begin, end - begin) : Bytes{};
}

SegmentField::Bytes SegmentField::small_list(uint32_t index) const {
  return list(index == 0 ? 0 : small_ends_[index - 1], small_ends_[index]);
}

SegmentField::Bytes SegmentField::list(const LargeEntry& entry) const {
  return list(entry.offset, uint64_t{entry.offset} + entry.bytes);
}

LargeEntry SegmentField::large_entry(uint32_t index) const {
  LargeEntry entry;
  std::memcpy(&entry, large_ + sizeof entry * index, sizeof entry);
  return entry;
}

Bitmap SegmentField::bitmap_of(Bytes list) const {
  RangeCollector ranges(list.size());
  const bool sound =
      for_each_run(list, rows_, [&](Ordinal begin, Ordinal end) { ranges.add(begin, end); });
  return sound ? ranges.finish() : Bitmap();
}

Bitmap SegmentField::frozen(uint32_t offset, uint32_t bytes) const {
  if (uint64_t{offset} + bytes > bitmaps_.size()) return Bitmap();
  Result<Bitmap> bitmap = Bitmap::view(bitmaps_.subspan(offset, bytes));
  const bool sound = bitmap.ok() && !bitmap->empty() && bitmap->maximum() < rows_;
  return sound ? std::move(bitmap).value() : Bitmap();
}

Bitmap SegmentField::bitmap_of(const LargeEntry& entry) const {
  return entry.is_list() ? bitmap_of(list(entry)) : frozen(entry.offset, entry.bytes);
}

std::optional<uint32_t> SegmentField::find_small(ValueId value) const {
  const uint32_t index =
      lower_bound(header_.small_values, raw(value), [this](uint32_t i) { return small_id(i); });
  const bool found = index < header_.small_values && small_id(index) == raw(value);
  return found ? std::optional(index) : std::nullopt;
}

std::optional<LargeEntry> SegmentField::find_large(ValueId value) const {
  const uint32_t index = lower_bound(header_.large_values, raw(value),
                                     [this](uint32_t i) { return large_entry(i).value; });
  if (index == header_.large_values) return std::nullopt;
  const LargeEntry entry = large_entry(index);
  return entry.value == raw(value) ? std::optional(entry) : std::nullopt;
}

Bitmap SegmentField::posting(ValueId value) const {
  if (const auto entry = find_large(value)) return bitmap_of(*entry);
  if (const auto small = find_small(value)) return bitmap_of(small_list(*small));
  return Bitmap();
}

uint64_t SegmentField::posting_cardinality(ValueId value) const {
  if (const auto entry = find_large(value)) return std::min(entry->cardinality(), rows_);
  const auto small = find_small(value);
  if (!small) return 0;
  uint64_t count = 0;
  const bool sound = for_each_run(small_list(*small), rows_,
                                  [&](Ordinal begin, Ordinal end) { count += end - begin; });
  return sound ? count : 0;
}

Bitmap SegmentField::any() const { return frozen(header_.any_offset, header_.any_bytes); }

void SegmentField::for_each_value(const std::function<bool(ValueId, const Bitmap&)>& fn) const {
  for (Cursor cursor(*this); !cursor.at_end(); cursor.next()) {
    if (!fn(cursor.value(), cursor.bitmap())) return;
  }
}

void SegmentField::Cursor::settle() {
  const bool on_small = small_ < field_->header_.small_values;
  if (on_small) small_id_ = field_->small_id(small_);
  if (on_large()) entry_ = field_->large_entry(large_);
  take_large_ = on_large() && (!on_small || entry_.value < small_id_);
}

Bitmap SegmentField::Cursor::bitmap() const {
  return take_large_ ? field_->bitmap_of(entry_) : field_->bitmap_of(field_->small_list(small_));
}

bool SegmentField::Cursor::read(std::vector<Ordinal>& out) const {
  if (take_large_ && !entry_.is_list()) {
    const Bitmap bitmap = field_->frozen(entry_.offset, entry_.bytes);
    bitmap.for_each_block(
        [&](std::span<const Ordinal> block) { out.insert(out.end(), block.begin(), block.end()); });
    return !bitmap.empty();
  }
  const Bytes list = take_large_ ? field_->list(entry_) : field_->small_list(small_);
  return !list.empty() && read_posting_list(list, field_->rows_, out);
}

}  // namespace cairn::storage
