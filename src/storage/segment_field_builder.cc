#include "storage/segment_field_builder.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"
#include "model/field.h"
#include "storage/bitmap.h"
#include "storage/bitmap_ranges.h"
#include "storage/packed_column.h"
#include "storage/posting_list.h"

namespace cairn::storage {
namespace {

// Bytes of the frozen form: per container of 2^16 ordinals the smallest of its three kinds. Also
// how many runs of consecutive ordinals there are.
struct FrozenSize {
  size_t bytes = 4;
  size_t runs = 0;
};

FrozenSize frozen_size(std::span<const Ordinal> ordinals) {
  FrozenSize size;
  for (size_t i = 0; i < ordinals.size();) {
    const Ordinal chunk = ordinals[i] >> 16;
    const size_t first = i;
    size_t runs = 1;
    for (++i; i < ordinals.size() && ordinals[i] >> 16 == chunk; ++i) {
      runs += ordinals[i] != ordinals[i - 1] + 1 ? 1 : 0;
    }
    const size_t count = i - first;
    size.bytes += 5 + std::min({2 * count, 4 * runs, size_t{8192}});
    size.runs += runs;
  }
  return size;
}

Bitmap bitmap_of(std::span<const Ordinal> ordinals, size_t runs) {
  constexpr size_t kLongRuns = 8;  // ordinals a run, from where ranges are faster than ordinals
  Bitmap bitmap;
  if (ordinals.size() < kLongRuns * runs) {
    bitmap = Bitmap::from_sorted(ordinals);
  } else {
    RangeCollector ranges;
    for (size_t i = 0; i < ordinals.size();) {
      const size_t first = i++;
      while (i < ordinals.size() && ordinals[i] == ordinals[i - 1] + 1) ++i;
      ranges.add(ordinals[first], ordinals[i - 1] + 1);
    }
    bitmap = ranges.finish();
  }
  bitmap.optimize();
  return bitmap;
}

template <class T>
void append_array(std::vector<std::byte>& out, const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

FieldBuilder::FieldBuilder(const FieldShape& shape) : shape_(shape) {
  header_.terms = shape.terms;
  header_.occurrences = shape.occurrences;
  const bool single = shape.terms == shape.occurrences;
  const bool many = shape.max_values > kMaxValuesWithoutColumn;
  if (shape.field == model::field::kUser || (single && many)) column_.resize(shape.rows);
  if (shape.occurrences < shape.rows) any_words_.resize((shape.rows + 63) / 64);
}

void FieldBuilder::add(ValueId value, std::span<const Ordinal> ordinals) {
  CAIRN_ASSERT(!ordinals.empty());
  if (header_.min_value == 0) header_.min_value = raw(value);
  header_.max_value = raw(value);
  mark_rows(value, ordinals);
  if (ordinals.size() <= kMaxSmallPosting) {
    append_posting_list(small_lists_, ordinals);
    small_ids_.push_back(raw(value));
    small_ends_.push_back(small_lists_.size());
  } else {
    add_large(value, ordinals);
  }
}

void FieldBuilder::mark_rows(ValueId value, std::span<const Ordinal> ordinals) {
  if (!column_.empty()) {
    // No occurrence has two users either; if one had, its smallest would be in the column.
    for (const Ordinal o : ordinals) {
      if (column_[o] == 0) column_[o] = raw(value);
    }
  }
  if (!any_words_.empty()) {
    for (const Ordinal o : ordinals) any_words_[o / 64] |= uint64_t{1} << (o % 64);
  }
}

void FieldBuilder::add_large(ValueId value, std::span<const Ordinal> ordinals) {
  const auto cardinality = static_cast<uint32_t>(ordinals.size());
  const FrozenSize size = frozen_size(ordinals);
  bool as_list = uint64_t{cardinality} * kSparseGap < shape_.rows;
  if (as_list) {
    list_.clear();
    append_posting_list(list_, ordinals);
    as_list = 2 * list_.size() < size.bytes;
  }
  const auto form = as_list ? LargeForm::List : LargeForm::Bitmap;
  LargeEntry entry = LargeEntry::make(raw(value), cardinality, form);
  if (as_list) {
    entry.offset = static_cast<uint32_t>(large_lists_.size());  // finish() adds the small lists
    entry.bytes = static_cast<uint32_t>(list_.size());
    large_lists_.insert(large_lists_.end(), list_.begin(), list_.end());
  } else {
    const Bitmap bitmap = bitmap_of(ordinals, size.runs);
    entry.bytes = static_cast<uint32_t>(bitmap.frozen_bytes());
    entry.offset = add_bitmap(bitmap);
  }
  large_.push_back(entry);
}

uint32_t FieldBuilder::add_bitmap(const Bitmap& bitmap) {
  const size_t offset = align_bitmap(bitmaps_.size());
  const size_t bytes = bitmap.frozen_bytes();
  bitmaps_.resize(offset + bytes);
  bitmap.write_frozen(std::span(bitmaps_).subspan(offset, bytes));
  return static_cast<uint32_t>(offset);
}

void FieldBuilder::add_any() {
  Bitmap any;
  if (any_words_.empty()) {
    any = Bitmap::range(0, shape_.rows);
  } else {
    std::vector<Ordinal> ordinals;
    ordinals.reserve(shape_.occurrences);
    for (uint32_t word = 0; word < any_words_.size(); ++word) {
      for (uint64_t rest = any_words_[word]; rest != 0; rest &= rest - 1) {
        ordinals.push_back(word * 64 + static_cast<Ordinal>(std::countr_zero(rest)));
      }
    }
    any = bitmap_of(ordinals, frozen_size(ordinals).runs);
  }
  any.optimize();
  header_.any_bytes = static_cast<uint32_t>(any.frozen_bytes());
  header_.any_offset = add_bitmap(any);
}

bool FieldBuilder::column_pays() const {
  if (shape_.field == model::field::kUser) return true;
  const uint64_t values = small_ids_.size() + large_.size();
  const uint64_t posting_bytes = small_lists_.size() + large_lists_.size() + bitmaps_.size();
  return values > kMaxValuesWithoutColumn && values * kMinRepeats <= shape_.occurrences &&
         posting_bytes * 2 > shape_.occurrences;
}

Result<std::vector<std::byte>> FieldBuilder::finish() {
  if (!column_.empty() && !column_pays()) std::vector<uint64_t>().swap(column_);
  add_any();
  // Offsets inside are 32 bits wide.
  if (small_lists_.size() + large_lists_.size() + bitmaps_.size() > UINT32_MAX) {
    return make_error(ErrorCode::Exhausted, "a field of a segment takes more than 4 GiB");
  }
  header_.small_values = static_cast<uint32_t>(small_ids_.size());
  header_.large_values = static_cast<uint32_t>(large_.size());
  header_.list_bytes = static_cast<uint32_t>(small_lists_.size() + large_lists_.size());
  for (LargeEntry& entry : large_) {
    if (entry.is_list()) entry.offset += static_cast<uint32_t>(small_lists_.size());
  }
  std::vector<std::byte> out(sizeof header_);
  std::memcpy(out.data(), &header_, sizeof header_);
  PackedColumn::write(out, small_ids_, small_ids_.empty() ? 0 : small_ids_.front());
  PackedColumn::write(out, small_ends_, 0);
  append_array(out, large_);
  append_array(out, small_lists_);
  append_array(out, large_lists_);
  out.resize(align_bitmap(out.size()));
  append_array(out, bitmaps_);
  return out;
}

}  // namespace cairn::storage
