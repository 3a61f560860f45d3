// The postings of one field in a sealed segment, read where they lie. Layout: segment_format.h.
//
// Value type, borrows the payload. Every access is checked against the payload's bounds; a posting
// whose bytes turn out damaged reads as empty (open_segment's verify_checksums tells beforehand).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "storage/bitmap.h"
#include "storage/packed_column.h"
#include "storage/part.h"
#include "storage/segment_format.h"

namespace cairn::storage {

class SegmentField {
 public:
  // nullopt when the payload's arrays do not fit into it. `rows`: occurrences of the segment.
  static std::optional<SegmentField> parse(std::span<const std::byte> payload, uint32_t rows);

  Bitmap posting(ValueId value) const;
  uint64_t posting_cardinality(ValueId value) const;
  Bitmap any() const;
  void for_each_value(const std::function<bool(ValueId, const Bitmap&)>& fn) const;
  uint64_t value_count() const { return uint64_t{header_.small_values} + header_.large_values; }
  FieldStats stats() const {
    return {value_count(), header_.occurrences, header_.terms, ValueId{header_.min_value},
            ValueId{header_.max_value}};
  }

  // Goes through the values, ascending. Borrows the field.
  class Cursor {
   public:
    explicit Cursor(const SegmentField& field) : field_(&field) { settle(); }
    bool at_end() const { return small_ == field_->header_.small_values && !on_large(); }
    // Preconditions of all that follow: !at_end().
    ValueId value() const { return ValueId{take_large_ ? entry_.value : small_id_}; }
    void next() {
      ++(take_large_ ? large_ : small_);
      settle();
    }
    Bitmap bitmap() const;
    // Appends the ordinals; false when they are damaged.
    bool read(std::vector<Ordinal>& out) const;

   private:
    bool on_large() const { return large_ < field_->header_.large_values; }
    void settle();

    const SegmentField* field_;
    uint32_t small_ = 0, large_ = 0;  // indexes
    uint32_t small_id_ = 0;           // of small_, when there is one
    LargeEntry entry_;                // at large_, when there is one
    bool take_large_ = false;
  };

 private:
  using Bytes = std::span<const std::byte>;
  uint32_t small_id(uint32_t index) const { return static_cast<uint32_t>(small_ids_[index]); }
  Bytes small_list(uint32_t index) const;
  LargeEntry large_entry(uint32_t index) const;
  Bytes list(uint64_t begin, uint64_t end) const;
  Bytes list(const LargeEntry& entry) const;
  Bitmap bitmap_of(Bytes list) const;
  Bitmap bitmap_of(const LargeEntry& entry) const;
  Bitmap frozen(uint32_t offset, uint32_t bytes) const;
  // Where the value is in its array; nullopt when absent.
  std::optional<uint32_t> find_small(ValueId value) const;
  std::optional<LargeEntry> find_large(ValueId value) const;

  FieldHeader header_;
  uint32_t rows_ = 0;
  PackedColumn small_ids_, small_ends_;
  const std::byte* large_ = nullptr;
  Bytes lists_, bitmaps_;
};

}  // namespace cairn::storage
