// Appends frames to the newest log file. A frame carries the records of one append (1..n records
// with consecutive LSNs), compressed together and checksummed.
//
// Ownership: borrows the file system, which must outlive it. Thread: one writer at a time.
// Durability: bytes are durable only after sync() returned ok; durable_lsn() tells how far.
// After any failed append or sync every later call returns Closed with the first error's text.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "base/uuid.h"
#include "log/log_format.h"

namespace cairn::log {

// What opening the log for writing found at its end.
struct RecoveryReport {
  Lsn last_lsn{};            // last valid record
  bool clean_close = false;  // the previous writer closed the log in order
  uint64_t torn_bytes = 0;   // length of the unacknowledged tail that was cut off
  FramePosition torn_at{};   // where it began; meaningful when torn_bytes > 0
  std::string torn_file;     // path of that file
};

class LogWriter {
 public:
  // Opens the log in `directory`, making it (and its first file) when the directory holds no log
  // file. Checks every file's header and the frames of the newest file, cuts off a torn tail, and
  // makes what it found durable. Frames of older files are checked by whoever reads them.
  //
  // `acknowledged`: an LSN known from elsewhere (the index) to have been durable. A log that ends
  // before it is Corruption, never treated as torn.
  // `known`: a frame that holds or precedes the record after `acknowledged`, from there too. When
  // it lies in the newest file, the frames before it are left to whoever reads them as well:
  // opening then takes time by what was written since, not by the file's size.
  // Errors: Corruption (damaged middle or lost acknowledged records: file, offset, what to do),
  // Unsupported (newer format version), Io, Exhausted, InvalidArgument (other store's log).
  static Result<std::unique_ptr<LogWriter>> open(FileSystem& files, std::string directory,
                                                 const Uuid& store_id, const LogOptions& options,
                                                 Lsn acknowledged, RecoveryReport* report,
                                                 const FramePosition& known = {});
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Writes one frame holding `count` records (LSNs last_lsn()+1 ...). Not durable until sync().
  // Returns where the frame lies. Errors: InvalidArgument (payload empty or over the limit),
  // Exhausted (disk full), Io, Closed.
  // The last `plain_bytes` of the payload are known not to compress.
  Result<FramePosition> append(std::span<const std::byte> payload, uint32_t count,
                               size_t plain_bytes = 0);
  // One fdatasync for everything appended so far.
  Result<void> sync();
  // Syncs, writes the close mark (so that a later missing byte is known to be damage, not a torn
  // write), trims reserved space. The writer accepts nothing afterwards.
  Result<void> close();

  Lsn last_lsn() const;            // last appended
  Lsn durable_lsn() const;         // last synced
  uint64_t bytes_on_disk() const;  // over all log files, reserved space not counted

 private:
  struct Impl;
  explicit LogWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::log
