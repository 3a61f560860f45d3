// Sealed segments: immutable, sorted by (project, fingerprint, time), read in place from the map.
// Layout: docs/format.md, "Segment".
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/uuid.h"
#include "storage/head.h"
#include "storage/lmdb_env.h"
#include "storage/part.h"

namespace cairn::storage {

enum class SegmentId : uint32_t {};

// Writes the head's occurrences as segment `id`. Precondition: 0 < head.size() <= 2^24.
// Errors: Exhausted, Io.
Result<void> write_segment(WriteTxn& txn, SegmentId id, const Head& head);

// Ids of all segments, ascending. Corruption, Io.
Result<std::vector<SegmentId>> list_segments(const ReadTxn& txn);

struct SegmentInfo {
  SegmentId id{};
  uint32_t occurrences = 0;
  uint64_t bytes = 0;
  TimeUs min_time{}, max_time{};
  Lsn min_lsn{}, max_lsn{};
};
Result<SegmentInfo> segment_info(const ReadTxn& txn, SegmentId id);

// Borrows `txn`. Headers are validated here (Corruption names the segment and what is wrong);
// the Part functions never read outside the value's bytes, and a posting found damaged later reads
// as empty. `verify_checksums` reads it all beforehand. NotFound: no such segment.
Result<std::unique_ptr<Part>> open_segment(const ReadTxn& txn, SegmentId id,
                                           bool verify_checksums = false);

// What find_id looks for. The head compares all of it, a segment its upper 40 bits.
uint64_t id_hash(const Uuid& id, ProjectId project);

}  // namespace cairn::storage
