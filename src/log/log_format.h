// Names and numbers of the log's bytes. The layout, validity rule, invariants and crash cases are
// in docs/format.md, section "Log"; this header and that page change together.
#pragma once

#include <cstdint>

#include "base/hash.h"
#include "base/ids.h"

namespace cairn::log {

inline constexpr uint32_t kLogFormatVersion = 2;

// Payload bytes of one frame before compression. Reason: replay memory, and one corrupt frame
// must not cost more than this. A single record may be this large, not larger.
inline constexpr uint32_t kMaxFramePayloadBytes = 64u << 20;

// Where a frame starts: stable for the life of the log file.
struct FramePosition {
  Lsn file_first_lsn{};  // names the log file: NNNNNNNNNNNNNNNNNNNN.log, 20 decimal digits
  uint64_t offset = 0;   // bytes from the start of that file
  auto operator<=>(const FramePosition&) const = default;
};

struct LogOptions {
  uint64_t file_bytes = 256ull << 20;     // a new file is begun before this is passed
  uint64_t allocate_bytes = 16ull << 20;  // space reserved ahead at a time
  int compression_level = 1;              // zstd; 0 stores frames uncompressed
};

}  // namespace cairn::log
