// Ordinals by occurrence id: a filter that tells of most ids that they are not here, for one cache
// line each, and a table of hash prefixes behind it. Layout: docs/format.md, "Ids".
//
// Value type, borrows the payloads. Thread: const, so any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "storage/packed_column.h"
#include "storage/part.h"
#include "storage/segment_format.h"

namespace cairn::storage {

// A row's id prefix and ordinal in one word: prefix << 24 | ordinal.
using IdEntry = uint64_t;
inline IdEntry make_id_entry(uint64_t prefix, Ordinal ordinal) {
  return prefix << kMaxOrdinalBits | ordinal;
}

class SegmentIds {
 public:
  SegmentIds() = default;
  // nullopt when the payloads have a wrong shape. Precondition: 0 < rows <= kMaxSegmentRows.
  static std::optional<SegmentIds> parse(std::span<const std::byte> filter,
                                         std::span<const std::byte> table, uint32_t rows);

  // Appends candidates by ascending index.
  void find(std::span<const uint64_t> id_hashes, std::vector<IdCandidate>& candidates) const;
  // Every entry. False, after some of them perhaps, when the table is damaged.
  bool read_all(std::vector<IdEntry>& entries) const;

  // Payloads of the rows' ids; `entries` is sorted on the way.
  struct Payloads {
    std::vector<std::byte> filter, table;
  };
  static Payloads build(std::vector<IdEntry> entries);

 private:
  bool filter_passes(uint64_t prefix) const;
  const std::byte* filter_block(uint64_t prefix) const {
    const uint64_t block = (prefix * shape_.filter_blocks) >> kIdPrefixBits;
    return filter_ + block * kFilterBlockBytes;
  }
  struct Range {
    uint32_t begin, end;
  };
  std::optional<Range> bucket(uint32_t index) const;

  IdShape shape_{1};
  uint32_t rows_ = 0;
  const std::byte* filter_ = nullptr;
  PackedColumn ends_;
  const std::byte* entries_ = nullptr;
};

}  // namespace cairn::storage
