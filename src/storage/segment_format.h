// Bytes of a sealed segment, shared by its writers and its reader: docs/format.md, "Segment".
//
// A segment is a few large values in Table::Segments. Key: segment id u32, kind u8, field u16,
// all big-endian. Value: a 16-byte header, then the payload. LMDB puts a large value at offset 16
// of a page, so payloads lie at offset 32, and frozen bitmaps in them can be used in place.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/hash.h"
#include "base/ids.h"
#include "storage/coding.h"
#include "storage/segment.h"

namespace cairn::storage {

enum class SegmentPiece : uint8_t {
  Meta = 0,
  Lsns = 1,      // packed column
  Times = 2,     // packed column
  IdFilter = 3,  // tells of most ids that they are not here
  Runs = 4,      // fingerprints, their ranges, their projects
  Ids = 5,       // id hash prefixes by bucket, with ordinals
  Field = 6,     // postings of one field
  Column = 7,    // packed column of one field's values, 0 = none
  Events = 8,    // packed column of the hashes of event ids, 0 = none
};
inline constexpr SegmentPiece kLastPiece = SegmentPiece::Events;

inline constexpr uint16_t kPieceMagic = 0x6763;  // "cg"
inline constexpr uint8_t kPieceVersion = 2;
inline constexpr size_t kPieceHeaderBytes = 16;
// Payload alignment that sealed bitmaps count on, and so the alignment of each in its payload.
inline constexpr size_t kBitmapAlignment = 32;
// Of an id hash a segment keeps the upper 38 bits: at ten million occurrences one look-up in 27,000
// of a fresh id meets an equal prefix and so reads the log in vain.
inline constexpr unsigned kIdPrefixBits = 38;
inline uint64_t id_prefix(uint64_t id_hash) { return id_hash >> (64 - kIdPrefixBits); }

inline Key segment_key(SegmentId id, SegmentPiece piece, FieldId field = FieldId{}) {
  return Key().u32(raw(id)).u8(static_cast<uint8_t>(piece)).u16(raw(field));
}

// Header of a value:   0 u16 magic   2 u8 version   3 u8 piece   4 u32 payload bytes
//                      8 u64 checksum (XXH3 of the payload, seeded with the key)
struct PieceHeader {
  static void write(std::span<std::byte> value, SegmentId id, SegmentPiece piece, FieldId field) {
    store_le<uint16_t>(value.data(), kPieceMagic);
    store_le<uint8_t>(value.data() + 2, kPieceVersion);
    store_le<uint8_t>(value.data() + 3, static_cast<uint8_t>(piece));
    store_le<uint32_t>(value.data() + 4, static_cast<uint32_t>(value.size() - kPieceHeaderBytes));
    store_le<uint64_t>(value.data() + 8, checksum(value, id, piece, field));
  }
  static bool valid(std::span<const std::byte> value, SegmentPiece piece) {
    return value.size() >= kPieceHeaderBytes && load_le<uint16_t>(value.data()) == kPieceMagic &&
           load_le<uint8_t>(value.data() + 2) == kPieceVersion &&
           load_le<uint8_t>(value.data() + 3) == static_cast<uint8_t>(piece) &&
           load_le<uint32_t>(value.data() + 4) == value.size() - kPieceHeaderBytes;
  }
  static bool checksum_matches(std::span<const std::byte> value, SegmentId id, SegmentPiece piece,
                               FieldId field) {
    return load_le<uint64_t>(value.data() + 8) == checksum(value, id, piece, field);
  }

 private:
  // The key in the seed tells a value that lies under another's key.
  static uint64_t checksum(std::span<const std::byte> value, SegmentId id, SegmentPiece piece,
                           FieldId field) {
    const uint64_t seed =
        uint64_t{raw(id)} << 24 | uint64_t{static_cast<uint8_t>(piece)} << 16 | raw(field);
    return hash64(as_chars(value.subspan(kPieceHeaderBytes)), seed);
  }
};

// Payload of Meta.
struct SegmentMeta {
  uint32_t rows = 0;
  uint32_t pieces = 0;  // values of the segment, this one included
  uint64_t bytes = 0;   // of all of them
  int64_t min_time = 0;
  int64_t max_time = 0;
  uint64_t min_lsn = 0;
  uint64_t max_lsn = 0;
};
static_assert(sizeof(SegmentMeta) == 48);

// Start of a Field payload. Behind it, in this order:
//   small ids      packed column   values with at most kMaxSmallPosting ordinals, ascending
//   small ends     packed column   where each one's list ends
//   large entries  LargeEntry x large_values, ascending by value
//   lists          posting lists: those of small values, one behind the other, then others
//   zeros up to a multiple of 32, then the bitmaps, each at a multiple of 32
struct FieldHeader {
  uint64_t terms = 0;        // (occurrence, value) pairs
  uint32_t occurrences = 0;  // with any value
  uint32_t small_values = 0;
  uint32_t large_values = 0;
  uint32_t list_bytes = 0;
  uint32_t any_offset = 0;  // in the bitmaps
  uint32_t any_bytes = 0;
  uint32_t min_value = 0;
  uint32_t max_value = 0;
  uint32_t zero[2] = {};
};
static_assert(sizeof(FieldHeader) == 48);

enum class LargeForm : uint32_t { Bitmap = 0, List = 1 };

struct LargeEntry {
  uint32_t value = 0;
  uint32_t cardinality_form = 0;  // form << 30 | cardinality
  uint32_t offset = 0;            // in the bitmaps, or in the lists
  uint32_t bytes = 0;

  static LargeEntry make(uint32_t value, uint32_t cardinality, LargeForm form) {
    return {value, static_cast<uint32_t>(form) << kFormShift | cardinality, 0, 0};
  }
  uint32_t cardinality() const { return cardinality_form & ((1u << kFormShift) - 1); }
  bool is_list() const { return cardinality_form >> kFormShift == 1; }

 private:
  static constexpr unsigned kFormShift = 30;

 public:
  bool operator==(const LargeEntry&) const = default;
};
static_assert(sizeof(LargeEntry) == 16);

inline size_t align_bitmap(size_t offset) {
  return (offset + kBitmapAlignment - 1) / kBitmapAlignment * kBitmapAlignment;
}

// Start of a Runs payload. Behind it:
//   projects   ProjectEntry x projects, ascending by project
//   u32 x runs fingerprints in run order (by project, then fingerprint)
//   u32 x runs first ordinals, ascending from 0
//   by id      packed: run numbers ascending by fingerprint, of the bits the largest needs
//   8 zeros
struct RunsHeader {
  uint32_t runs = 0;
  uint32_t projects = 0;
};
static_assert(sizeof(RunsHeader) == 8);

struct ProjectEntry {
  uint64_t project = 0;
  uint32_t first_run = 0;
  uint32_t zero = 0;
};
static_assert(sizeof(ProjectEntry) == 16);

// Shape of the id pieces: functions of the number of rows.
struct IdShape {
  explicit IdShape(uint32_t rows)
      : bucket_bits(static_cast<unsigned>(std::max(0, static_cast<int>(std::bit_width(rows)) - 3))),
        rest_bits(kIdPrefixBits - bucket_bits),
        ordinal_bits(static_cast<unsigned>(std::bit_width(rows - 1))),
        filter_blocks((rows + kIdsPerFilterBlock - 1) / kIdsPerFilterBlock) {}
  uint32_t buckets() const { return 1u << bucket_bits; }
  unsigned entry_bits() const { return rest_bits + ordinal_bits; }

  static constexpr uint32_t kIdsPerFilterBlock = 64;  // 8 bits an id

  unsigned bucket_bits;   // 4 to 8 ids a bucket
  unsigned rest_bits;     // of a prefix, in an entry
  unsigned ordinal_bits;  // in an entry
  uint32_t filter_blocks;
};
// Before the blocks of the filter, so that each is one cache line.
inline constexpr size_t kFilterHeaderBytes = 32;
inline constexpr size_t kFilterBlockBytes = 64;

}  // namespace cairn::storage
