// Bytes of a sealed segment, shared by its writer and its reader: docs/format.md, "Segment".
//
// A segment is a few large values in Table::Segments. Key: segment id u32, kind u8, field u16,
// all big-endian. Value: a 16-byte header, then the payload. LMDB puts a large value at offset 16
// of a page, so payloads lie at offset 32, and frozen bitmaps in them can be used in place.
#pragma once

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
  Lsns = 1,          // packed column
  Times = 2,         // packed column
  Users = 3,         // packed column
  Fingerprints = 4,  // runs
  Ids = 5,           // packed columns: id hash prefixes ascending, their ordinals
  Field = 6,         // postings of one field
};

inline constexpr uint16_t kPieceMagic = 0x6763;  // "cg"
inline constexpr uint8_t kPieceVersion = 1;
inline constexpr size_t kPieceHeaderBytes = 16;
// Payload alignment that sealed bitmaps count on, and so the alignment of each in its payload.
inline constexpr size_t kBitmapAlignment = 32;
// Of an id hash a segment keeps the upper 40 bits: one false candidate in 4 million lookups of a
// segment of 2^18 occurrences.
inline constexpr unsigned kIdHashShift = 24;
// Rows of one segment. Ordinals share a word with a hash prefix while ids are sorted; also what
// keeps a damaged row count from costing much.
inline constexpr uint32_t kMaxSegmentRows = 1u << kIdHashShift;
// Postings up to this size are stored as plain ordinals: a frozen bitmap's own overhead and
// padding take about as much.
inline constexpr size_t kMaxSmallPosting = 32;

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
//   small ids      u32 x small_values     values with few ordinals, ascending
//   small begins   u32 x small_values     where each one's ordinals start
//   ordinals       u32 x small_ordinals
//   large entries  LargeEntry x large_values, ascending by value
//   zeros up to a multiple of 32, then the bitmaps, each at a multiple of 32
struct FieldHeader {
  uint32_t small_values = 0;
  uint32_t small_ordinals = 0;
  uint32_t large_values = 0;
  uint32_t any_cardinality = 0;  // occurrences with any value
  uint32_t any_offset = 0;       // in the bitmaps
  uint32_t any_bytes = 0;
  uint32_t zero[2] = {};
};
static_assert(sizeof(FieldHeader) == 32);

struct LargeEntry {
  uint32_t value = 0;
  uint32_t cardinality = 0;
  uint32_t offset = 0;  // in the bitmaps
  uint32_t bytes = 0;
};
static_assert(sizeof(LargeEntry) == 16);

inline size_t align_bitmap(size_t offset) {
  return (offset + kBitmapAlignment - 1) / kBitmapAlignment * kBitmapAlignment;
}

// Start of a Fingerprints payload. Behind it three u32 x runs: fingerprint ids in run order (by
// project, then id), begins (ascending from 0), and run numbers ascending by fingerprint id.
struct RunsHeader {
  uint32_t runs = 0;
  uint32_t zero = 0;
};
static_assert(sizeof(RunsHeader) == 8);

}  // namespace cairn::storage
