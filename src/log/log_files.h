// The log files of a directory: which there are, whether their headers are in order, and how a
// new one is made.
//
// Ownership: borrows the file system for the call. Thread: any.
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

struct LogFile {
  std::string path;
  Lsn first_lsn{};
  uint64_t bytes = 0;  // size on disk when it was looked at
};

// Log files of `directory` by first LSN, headers not looked at. Errors: NotFound, Io.
Result<std::vector<LogFile>> list_log_files(FileSystem& files, const std::string& directory);

// Reads the header of a file and notes its size. Errors: Unsupported (newer format version),
// InvalidArgument (another store's file), Corruption (damaged header, renamed file), Io.
Result<void> check_header(FileSystem& files, LogFile& file, const Uuid& store_id);

// The files in order, every header checked.
struct LogFiles {
  std::vector<LogFile> files;

  // Highest LSN that the files after files[index] prove to have been durable: a file is made only
  // after everything before it was synced.
  Lsn proven_after(size_t index) const;
};

// Lists the files, checks every header that `known` does not hold yet, and that the log begins
// with LSN 1. Errors: NotFound (no such directory), Corruption (first file missing), and as
// check_header.
Result<LogFiles> find_log_files(FileSystem& files, const std::string& directory,
                                const Uuid& store_id, const LogFiles* known = nullptr);

// Makes a log file with a durable header and name, ready for frames. It gets its name only when
// its header is durable, so that a crash leaves no log file with half a header.
Result<std::unique_ptr<File>> create_log_file(FileSystem& files, const std::string& directory,
                                              const Uuid& store_id, Lsn first_lsn);

// "PATH, offset N: WHAT", with advice for a file that is damaged.
Error damaged(const std::string& path, uint64_t offset, const std::string& what);

// Describes records that cannot be read at `offset` of files[index].
Error missing_records(const LogFiles& log, size_t index, uint64_t offset, Lsn first_missing,
                      Lsn last_missing);

}  // namespace cairn::log
