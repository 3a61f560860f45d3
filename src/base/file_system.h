// The file system as an interface, so that tests can forget unsynced bytes, fill the disk and
// crash between any two calls. Only what the log needs; LMDB does its own I/O.
//
// All functions return Io on an operating-system error (message: path, operation, errno text),
// Exhausted when the disk or quota is full, NotFound when a path does not exist.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cairn {

// An open file. Resource: neither copied nor moved. Thread: one writer; read_at from any thread.
class File {
 public:
  virtual ~File() = default;
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Reads up to out.size() bytes at offset; fewer only at end of file.
  virtual Result<size_t> read_at(uint64_t offset, std::span<std::byte> out) const = 0;
  // Writes all bytes or returns an error (how much was written is then unknown).
  virtual Result<void> write_at(uint64_t offset, std::span<const std::byte> bytes) = 0;
  // Makes all written bytes and the size durable (fdatasync).
  virtual Result<void> sync() = 0;
  // Reserves space so that later writes below `size` neither grow the file nor run out of disk;
  // the new bytes read as zero.
  virtual Result<void> allocate(uint64_t size) = 0;
  virtual Result<void> truncate(uint64_t size) = 0;
  virtual Result<uint64_t> size() const = 0;
};

// Held while alive; released by the destructor or by the death of the process.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode : uint8_t {
  Read,
  ReadWrite,
  Create,         // fails with Conflict if it exists
  CreatePrivate,  // the same, for a file that its owner alone may read
};
inline bool creates(OpenMode mode) {
  return mode == OpenMode::Create || mode == OpenMode::CreatePrivate;
}

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  // Names (not paths) of the entries of a directory, sorted.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  // Missing parents too; ok if there. Durable when it returns (unlike the names of files).
  virtual Result<void> make_directory(const std::string& path) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove_file(const std::string& path) = 0;
  // Makes created, renamed and removed names of the directory durable.
  virtual Result<void> sync_directory(const std::string& directory) = 0;
  // Exclusive advisory lock. Conflict when another process holds it (message names its pid when
  // it can be told).
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

// The real one. Thread-safe, stateless. `sync` is fdatasync.
std::unique_ptr<FileSystem> make_posix_file_system();

}  // namespace cairn
