// Makes the values of one new segment. What sealing and merging share, so that both give the same
// bytes for the same occurrences.
//
// Thread: one at a time. Errors of all functions: Exhausted (a value takes more than 4 GiB).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "storage/segment.h"
#include "storage/segment_field_builder.h"
#include "storage/segment_ids.h"
#include "storage/segment_runs.h"

namespace cairn::storage {

class SegmentBuilder {
 public:
  explicit SegmentBuilder(SegmentId id) : id_(id) {}

  // Each once, in any order; columns have a value for each occurrence. Times as cast from signed.
  Result<void> add_lsns(std::span<const uint64_t> lsns);
  Result<void> add_times(std::span<const uint64_t> times);
  Result<void> add_events(std::span<const uint64_t> hashes);
  Result<void> add_runs(std::span<const Run> runs);
  Result<void> add_ids(std::vector<IdEntry> entries);
  // Finishes the field's builder.
  Result<void> add_field(FieldId field, FieldBuilder& builder);
  // Last, once: adds what describes the others.
  Result<SegmentImage> finish();

 private:
  Result<void> add(SegmentPiece piece, FieldId field, std::span<const std::byte> payload);
  Result<void> add_column(SegmentPiece piece, FieldId field, std::span<const uint64_t> values,
                          uint64_t base);

  const SegmentId id_;
  SegmentMeta meta_;
  SegmentImage image_;
};

}  // namespace cairn::storage
