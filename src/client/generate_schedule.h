// When generated occurrences happen: daily and weekly rhythm, with noise and incidents.
#pragma once

#include <cstdint>
#include <vector>

#include "client/generate.h"

namespace cairn::client {

// Hands out ascending times in milliseconds since 1970, exactly `occurrences` of them, all within
// [start, end). The run is cut into slots (5 minutes of a 30-day run); a slot's share follows the
// hour, the weekday (UTC), noise, and incidents during which everything fails several times as
// often. Not thread-safe.
class Schedule {
 public:
  explicit Schedule(const GenerateOptions& resolved);

  int64_t start_ms() const { return start_ms_; }
  int64_t span_ms() const { return slot_ms_ * kSlots; }
  // Precondition: fewer than `occurrences` calls so far. `bits`: 16 random bits.
  int64_t next(uint32_t bits);

  static constexpr uint32_t kSlots = 8640;

 private:
  uint64_t before_slot(uint32_t slot) const;  // occurrences in the slots before it

  uint64_t occurrences_;
  int64_t start_ms_;
  int64_t slot_ms_;
  std::vector<uint64_t> weight_before_;  // kSlots + 1 entries
  uint32_t slot_ = 0;
  uint64_t in_slot_ = 0;  // already handed out of this slot
  uint64_t slot_count_ = 0;
};

}  // namespace cairn::client
