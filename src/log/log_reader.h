// Reads frames back in LSN order; checks every byte that a record depends on.
//
// Ownership: borrows the file system. Thread: one at a time per reader; any number of readers
// beside a writer, in this and other processes: a reader simply ends where valid frames end.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "base/uuid.h"
#include "log/log_format.h"

namespace cairn::log {

struct Frame {
  Lsn first_lsn{};
  uint32_t count = 0;  // records; LSNs first_lsn .. first_lsn + count - 1
  FramePosition position;
  std::vector<std::byte> payload;  // decompressed, at an address aligned for 8-byte words
};

struct LogFileInfo {
  std::string name;
  Lsn first_lsn{};
  uint64_t bytes = 0;  // size on disk
};

class LogReader {
 public:
  // Errors: NotFound (no log), Unsupported, Corruption (file header), InvalidArgument (other
  // store's log), Io.
  static Result<std::unique_ptr<LogReader>> open(FileSystem& files, std::string directory,
                                                 const Uuid& store_id);
  ~LogReader();
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

  // The next next() returns the frame at `position`.
  Result<void> seek(const FramePosition& position);
  // The next next() returns the frame holding `lsn` (scans from the start of its file, or from
  // `hint`, a frame at or before it). Past the end: next() returns nullopt. NotFound: retention
  // removed it. A reader in the middle of files that retention removes ends with NotFound, too.
  Result<void> seek(Lsn lsn, std::optional<FramePosition> hint = std::nullopt);

  // The next frame, or nullopt at the end of the log. A tail that is not a valid frame is the
  // end, unless a later frame proves that it had been acknowledged: then Corruption with file,
  // offset and what to do. Call again later to see frames appended meanwhile.
  Result<std::optional<Frame>> next();

  // Bytes after the last valid frame (torn tail), after next() returned nullopt; 0 = clean.
  uint64_t trailing_bytes() const;
  const std::vector<LogFileInfo>& files() const;
  // Everything up to here is in the log's base file (log/base_file.h); 0 = there is none.
  Lsn base() const;

 private:
  struct Impl;
  explicit LogReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Reads every byte of every file: base, frames, padding, order, continuity. For verify.
struct LogCheck {
  uint64_t files = 0;
  uint64_t frames = 0;
  uint64_t records = 0;
  uint64_t bytes = 0;
  uint64_t torn_bytes = 0;
  std::string torn_file;
  uint64_t torn_offset = 0;
  Lsn base{};  // the log begins behind it; 0 = with record 1
  uint64_t base_bytes = 0;
  // One message per damaged place, each with file and offset.
  std::vector<std::string> problems;
};
Result<LogCheck> check_log(FileSystem& files, const std::string& directory, const Uuid& store_id);

}  // namespace cairn::log
