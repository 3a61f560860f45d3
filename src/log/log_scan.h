// Looks at the bytes of one log file: which frames are valid, and what an invalid one means.
//
// Ownership: borrows the file. Thread: one at a time. Errors: Io (and what File returns).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "log/log_frame.h"

namespace cairn::log {

struct FoundFrame {
  FrameHeader header;
  uint64_t offset = 0;
  uint64_t end() const { return offset + header.frame_bytes(); }
};

class LogScanner {
 public:
  LogScanner(const File& file, uint64_t seed);

  // Takes the file's present size and forgets buffered bytes, which a writer may have changed.
  Result<void> refresh();
  uint64_t size() const { return size_; }

  // The header at `offset`, when it is valid and its payload lies within the file. The payload
  // itself is not looked at.
  Result<std::optional<FrameHeader>> header_at(uint64_t offset);
  // The stored payload of a header found at `offset`; nullopt when its checksum does not fit.
  // Valid until the next call.
  Result<std::optional<std::span<const std::byte>>> payload_at(uint64_t offset,
                                                               const FrameHeader& header);
  // A frame whose header and payload are both valid.
  Result<std::optional<FrameHeader>> frame_at(uint64_t offset);
  // The first valid frame that begins at or after `from`, a multiple of 8.
  Result<std::optional<FoundFrame>> find_frame(uint64_t from);

  // First byte that is not zero in [from, to), or `to`.
  Result<uint64_t> first_nonzero(uint64_t from, uint64_t to);
  // Length of [from, size()) without the zeros at its end.
  Result<uint64_t> length_without_zeros(uint64_t from);

 private:
  // Up to `length` bytes at `offset`, fewer at the end of the file.
  Result<std::span<const std::byte>> view(uint64_t offset, uint64_t length);

  const File& file_;
  uint64_t seed_;
  uint64_t size_ = 0;
  std::vector<std::byte> window_;
  uint64_t window_offset_ = 0;
  uint64_t window_bytes_ = 0;
  uint64_t read_ahead_;
};

// What a place without a valid frame, where the record `expected` is due, means.
struct Gap {
  enum class Kind : uint8_t {
    End,     // nothing proves that `expected` was ever acknowledged: the log ends here
    Skip,    // no record is missing: `next` begins with `expected` (a damaged close mark)
    Damage,  // `expected` was acknowledged and cannot be read
  };
  Kind kind = Kind::End;
  std::optional<FoundFrame> next;  // a valid frame behind the gap, if there is one
};

// `acknowledged`: highest LSN known from elsewhere (the index, a later file's name) to be durable.
// The rule is in docs/format.md, section "Log", "Torn or damaged".
Result<Gap> judge_gap(LogScanner& scanner, uint64_t offset, Lsn expected, Lsn acknowledged);

}  // namespace cairn::log
