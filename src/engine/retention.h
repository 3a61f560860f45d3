// Retention: whole segments and whole log files go once all their occurrences are too old or too
// many. Group totals, states and workflow history stay exact (docs/operations.md, "Retention").
#pragma once

#include <cstdint>
#include <optional>

#include "base/ids.h"

namespace cairn::engine {

struct RetentionPolicy {
  // Occurrences this old may go. The age counts from an occurrence's own time, or from when it was
  // recorded, if that is earlier: a clock that runs ahead keeps nothing forever.
  std::optional<int64_t> max_age_us;
  std::optional<TimeUs> now;  // what ages go back from; the store's clock says, unless given
  // The newest so many (by record) stay.
  std::optional<uint64_t> max_occurrences;
  bool dry_run = false;  // tell what would go, remove nothing
};

// What retention removed, over all its runs.
struct Removed {
  uint64_t occurrences = 0;
  uint64_t log_bytes = 0;  // of whole log files
  Lsn last_lsn{};          // records 1 to here; 0 = nothing was removed yet
  TimeUs min_time{};       // of the occurrences
  TimeUs max_time{};
  TimeUs recorded_until{};  // record time of last_lsn
  uint32_t runs = 0;
};

struct RetentionReport {
  Removed before;
  Removed after;  // equal: there was nothing to do
  uint64_t segments = 0;
  uint64_t occurrences = 0;
  uint64_t log_files = 0;
  uint64_t log_bytes = 0;
  uint64_t index_bytes = 0;  // of the segments: pages to use again, not a smaller file
  uint64_t base_bytes = 0;   // of the file that stands for what went
  uint64_t kept_occurrences = 0;
  bool dry_run = false;
};

}  // namespace cairn::engine
