// Makes the payload of one field out of its postings, and chooses how each is kept. The rule
// (docs/decisions/006-index-layout.md):
//
// - A posting of at most kMaxSmallPosting ordinals is a list.
// - A larger one is a frozen bitmap, used in place, unless it is sparse (less than one ordinal in
//   kSparseGap rows) and a list takes less than half the bytes.
// - The field gets a column as well when no occurrence has two of its values, there are more than
//   kMaxValuesWithoutColumn values but at least kMinRepeats occurrences to each, and the
//   postings are scattered: more than half a byte an occurrence. Then counting values over a range
//   by postings would read far more than the range. The user has one in any case, for uniq(user).
//
// Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "storage/bitmap.h"
#include "storage/segment_format.h"

namespace cairn::storage {

// Postings up to this size have no cardinality stored beside them: counting is as quick.
inline constexpr size_t kMaxSmallPosting = 32;
inline constexpr uint32_t kSparseGap = 16;
inline constexpr uint64_t kMaxValuesWithoutColumn = 16;
inline constexpr uint64_t kMinRepeats = 4;

struct FieldShape {
  FieldId field{};
  uint32_t rows = 0;
  uint32_t occurrences = 0;  // with any value
  uint64_t terms = 0;        // (occurrence, value) pairs
  uint64_t max_values = 0;   // at least as many as values come
};

class FieldBuilder {
 public:
  explicit FieldBuilder(const FieldShape& shape);

  // Values and, within one, ordinals ascend; no posting is empty.
  void add(ValueId value, std::span<const Ordinal> ordinals);
  // After the last value. The payload, once. Exhausted: more than 4 GiB.
  Result<std::vector<std::byte>> finish();
  // After finish(): a value for each row, 0 = none. Empty: the field gets no column.
  std::span<const uint64_t> column() const { return column_; }

 private:
  void add_large(ValueId value, std::span<const Ordinal> ordinals);
  void mark_rows(ValueId value, std::span<const Ordinal> ordinals);
  void add_any();
  bool column_pays() const;
  uint32_t add_bitmap(const Bitmap& bitmap);

  FieldShape shape_;
  FieldHeader header_;
  std::vector<uint64_t> small_ids_, small_ends_;
  std::vector<LargeEntry> large_;
  std::vector<std::byte> small_lists_, large_lists_, bitmaps_;
  std::vector<std::byte> list_;  // of the value at hand
  std::vector<uint64_t> column_;
  std::vector<uint64_t> any_words_;  // one bit a row; unused when every row has a value
};

}  // namespace cairn::storage
