// A sealed segment as a Part, over values that were validated when it was opened.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "storage/packed_column.h"
#include "storage/segment.h"
#include "storage/segment_field.h"
#include "storage/segment_format.h"
#include "storage/segment_ids.h"
#include "storage/segment_runs.h"

namespace cairn::storage {

// Everything a segment holds. Value type, borrows the transaction it was read in.
struct SegmentData {
  SegmentMeta meta;
  PackedColumn lsns, times, events;
  SegmentRuns runs;
  SegmentIds ids;
  std::vector<std::pair<FieldId, SegmentField>> fields;   // ascending
  std::vector<std::pair<FieldId, PackedColumn>> columns;  // ascending

  const SegmentField* field(FieldId id) const;
  const PackedColumn* column(FieldId id) const;
};

// Errors as open_segment.
Result<SegmentData> read_segment(const ReadTxn& txn, SegmentId id, bool verify_checksums);

// Keys of all its values. NotFound, Io.
Result<std::vector<Key>> segment_keys(const ReadTxn& txn, SegmentId id);

// `only`: Part::only(); nullopt = all.
std::unique_ptr<Part> make_segment_part(SegmentData data, std::optional<Bitmap> only = {});

}  // namespace cairn::storage
