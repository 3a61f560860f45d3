// The directory of a segment's fingerprint runs: which fingerprint lies where, and of which project
// it is. Layout: segment_format.h.
//
// SegmentRuns is a value type and borrows the payload. Thread: const, so any.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "storage/packed_column.h"
#include "storage/part.h"
#include "storage/segment_format.h"

namespace cairn::storage {

// All occurrences of one fingerprint, which one behind the other are the segment.
struct Run {
  ProjectId project{};
  FingerprintId fingerprint{};
  Ordinal begin = 0;
  uint32_t count = 0;
};

class SegmentRuns {
 public:
  // nullopt when the payload has a wrong shape or the runs do not follow one another.
  static std::optional<SegmentRuns> parse(std::span<const std::byte> payload, uint32_t rows);
  // Ascending by (project, fingerprint), from ordinal 0, without gaps, at least one.
  static std::vector<std::byte> build(std::span<const Run> runs);

  uint32_t size() const { return count_; }
  FingerprintId id(uint32_t run) const {
    return FingerprintId{load_le<uint32_t>(ids_ + 4 * size_t{run})};
  }
  Ordinal begin(uint32_t run) const { return load_le<uint32_t>(begins_ + 4 * size_t{run}); }
  Ordinal end(uint32_t run) const { return run + 1 < count_ ? begin(run + 1) : rows_; }

  // The run that holds an ordinal, which is not before run `from`. Searches outward from there, so
  // that ascending lookups are cheap.
  uint32_t holding(Ordinal ordinal, uint32_t from = 0) const {
    uint32_t step = 1, low = from;
    while (low + step < count_ && begin(low + step) <= ordinal) {
      low += step;
      step *= 2;
    }
    auto high = static_cast<uint32_t>(std::min<uint64_t>(uint64_t{low} + step, count_));
    while (high - low > 1) {
      const uint32_t middle = low + (high - low) / 2;
      (begin(middle) <= ordinal ? low : high) = middle;
    }
    return low;
  }
  std::optional<uint32_t> find(FingerprintId fingerprint) const;
  // All of them, with their projects.
  std::vector<Run> read_all() const;

 private:
  uint32_t by_id(uint32_t index) const {
    const auto run = static_cast<uint32_t>(load_packed(by_id_, index, by_id_bits_));
    return std::min(run, count_ - 1);  // only damage is larger
  }

  const std::byte* projects_ = nullptr;
  const std::byte* ids_ = nullptr;
  const std::byte* begins_ = nullptr;
  const std::byte* by_id_ = nullptr;
  unsigned by_id_bits_ = 0;
  uint32_t project_count_ = 0;
  uint32_t count_ = 0;
  uint32_t rows_ = 0;
};

}  // namespace cairn::storage
