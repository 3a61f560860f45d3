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

// What a directory holds by its names alone.
struct LogDirectory {
  std::vector<LogFile> files;           // by first LSN, headers not looked at
  std::vector<Lsn> bases;               // base files, ascending
  std::vector<std::string> unfinished;  // paths of base files that were never finished

  // Everything up to here is in the newest base file; 0 = there is none, the log is whole.
  Lsn base() const { return bases.empty() ? Lsn{0} : bases.back(); }
  // Index of the first file that holds more than the base does: those before it have had their
  // time, and are there only because something interrupted their removal.
  size_t first_live() const;
};
// Errors: NotFound, Io.
Result<LogDirectory> list_log_directory(FileSystem& files, const std::string& directory);

// Reads the header of a file and notes its size. Errors: Unsupported (newer format version),
// InvalidArgument (another store's file), Corruption (damaged header, renamed file), Io.
Result<void> check_header(FileSystem& files, LogFile& file, const Uuid& store_id);

// The files in order, every header checked; without those that the base makes superfluous.
struct LogFiles {
  std::vector<LogFile> files;
  Lsn base{};  // LogDirectory::base(): the first file may begin with any record up to the next one

  // Highest LSN that the files after files[index] prove to have been durable: a file is made only
  // after everything before it was synced.
  Lsn proven_after(size_t index) const;
  const LogFile* find(Lsn first_lsn) const;  // nullptr: no such file
};

// Lists the files, checks every header that `known` does not hold yet, and that the log begins
// with LSN 1, or not behind its base. Errors: NotFound (no such directory), Corruption (first file
// missing), and as check_header.
Result<LogFiles> find_log_files(FileSystem& files, const std::string& directory,
                                const Uuid& store_id, const LogFiles* known = nullptr);

// Removes the log files that hold nothing but what the newest base holds too, the oldest first,
// older and unfinished bases. Returns the bytes of the log files. Readers that have them open keep
// them. For the writer alone.
Result<uint64_t> remove_superseded(FileSystem& files, const std::string& directory);

// Makes a log file with a durable header and name, ready for frames. It gets its name only when
// its header is durable, so that a crash leaves no log file with half a header.
Result<std::unique_ptr<File>> create_log_file(FileSystem& files, const std::string& directory,
                                              const Uuid& store_id, Lsn first_lsn);

// "PATH, offset N: WHAT", with advice for a file that is damaged.
Error damaged(const std::string& path, uint64_t offset, const std::string& what);

// Describes records that cannot be read at `offset` of files[index].
Error missing_records(const LogFiles& log, size_t index, uint64_t offset, Lsn first_missing,
                      Lsn last_missing);

// NotFound: record `lsn`, which the log once held, is behind its base.
Error removed_records(Lsn lsn, Lsn base);

}  // namespace cairn::log
