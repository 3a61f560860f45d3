// Sealed segments: immutable, sorted by (project, fingerprint, time), read in place from the map.
// Layout: docs/format.md, "Segment".
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/uuid.h"
#include "storage/coding.h"
#include "storage/head.h"
#include "storage/lmdb_env.h"
#include "storage/part.h"

namespace cairn::storage {

enum class SegmentId : uint32_t {};

inline constexpr unsigned kMaxOrdinalBits = 24;
// Occurrences of one segment. Ordinals share a word with a hash prefix while ids are sorted; also
// what keeps a damaged row count from costing much.
inline constexpr uint32_t kMaxSegmentRows = 1u << kMaxOrdinalBits;

// A new segment in memory: made without a transaction, on any thread, then written in one go.
struct SegmentImage {
  struct Value {
    Key key;
    std::vector<std::byte> bytes;
  };
  std::vector<Value> values;
  std::vector<Key> replaced;  // values of segments it takes the place of
};

// The head's occurrences as segment `id`. Precondition: 0 < head.size() <= 2^24. Reads the head
// only. Exhausted: a field takes more than 4 GiB.
Result<SegmentImage> seal_segment(SegmentId id, const Head& head);

// One segment `into` with the occurrences of all of `from`: the same values as sealing all their
// rows at once would give. Writing it erases them. Preconditions: at least two, each one's LSNs
// before the next one's, `into` not among them, together at most kMaxSegmentRows. Checksums are
// verified. Memory: the image (about 25 bytes an occurrence) and about 50 bytes an occurrence for
// a while. Errors: NotFound, Corruption (names the segment), InvalidArgument, Exhausted, Io.
Result<SegmentImage> merge_segments(const ReadTxn& txn, std::span<const SegmentId> from,
                                    SegmentId into);

// Gives the image's memory back piece by piece: the transaction holds as much until it ends.
// Errors: Exhausted, Io.
Result<void> write_segment(WriteTxn& txn, SegmentImage image);
// Takes values out of the image and makes them durable beforehand, staged_bytes() or a value more
// in a transaction, until no more than as many are left for write_segment(): whoever needs an
// fdatasync meanwhile, of the log on the same disk, waits for so many bytes and not for a whole
// segment. Until the checkpoint knows of the segment nobody looks at them; those of an attempt
// before, of this segment or later ones, are erased first. Returns the bytes written. Must not run
// beside another one that writes. Errors: Exhausted, Corruption, Io; what was written stays until
// it is erased.
Result<uint64_t> stage_segment(LmdbEnv& env, SegmentImage& image);
// Erases all values of `first` and later segments.
Result<void> erase_segments_from(LmdbEnv& env, SegmentId first);
// seal_segment and that.
Result<void> write_segment(WriteTxn& txn, SegmentId id, const Head& head);
// Erases a segment that `snapshot` still has, in `txn`. Readers of older snapshots keep it.
// Errors: NotFound, Exhausted, Io.
Result<void> erase_segment(WriteTxn& txn, const ReadTxn& snapshot, SegmentId id);

// Ids of all segments of which there is any value, ascending: whole ones and, behind those that
// the checkpoint knows (checkpoint.h, checkpointed_segments), what is being written or was when an
// attempt ended. Corruption, Io.
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
// As it was when `last` was the newest record (Part::only()). nullptr: it held nothing yet.
Result<std::unique_ptr<Part>> open_segment_as_of(const ReadTxn& txn, SegmentId id, Lsn last);

// What find_id looks for. The head compares all of it, a segment its upper 38 bits.
uint64_t id_hash(const Uuid& id, ProjectId project);
// What find_event looks for; never 0, which stands for no event id.
uint32_t event_hash(const Uuid& event_id);

}  // namespace cairn::storage
