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

#include "storage/bitmap.h"
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

 private:
  struct Range {
    uint32_t begin = 0, end = 0;
  };
  uint32_t small_id(uint32_t index) const {
    return load_le<uint32_t>(small_ids_ + 4 * size_t{index});
  }
  Range small_range(uint32_t index) const;
  Bitmap small_posting(uint32_t index) const;
  LargeEntry large_entry(uint32_t index) const;
  Bitmap frozen(uint32_t offset, uint32_t bytes) const;
  // Where the value is in its array, or where it would be.
  uint32_t find_small(ValueId value) const;
  uint32_t find_large(ValueId value) const;

  FieldHeader header_;
  uint32_t rows_ = 0;
  const std::byte* small_ids_ = nullptr;
  const std::byte* small_begins_ = nullptr;
  const std::byte* small_ordinals_ = nullptr;
  const std::byte* large_ = nullptr;
  std::span<const std::byte> bitmaps_;
};

}  // namespace cairn::storage
