// The base of a log whose first records were removed: one file that stands for records 1 to its
// LSN. It holds blocks of bytes, compressed and checksummed like frames; what they mean is not
// known to this layer. docs/format.md, section "Base".
//
// A base file is written once, under another name until it is durable, and never changed: a newer
// one, with a higher LSN in its name, replaces it.
//
// Ownership: borrows the file system, which must outlive it. Errors: Io, Exhausted, and those
// named beside a function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "base/uuid.h"
#include "log/log_frame.h"

namespace cairn::log {

inline constexpr uint32_t kBaseFormatVersion = 1;

// "00000000000000123456.base"
std::string base_file_name(Lsn lsn);
// nullopt when it is not the name of a base file.
std::optional<Lsn> parse_base_file_name(std::string_view name);

// What the writer of a block said about it.
struct BlockInfo {
  uint32_t kind = 0;
  uint32_t count = 0;  // entries in it, at least 1
  uint64_t first = 0;  // smallest and largest key of its entries, when they have one
  uint64_t last = 0;
};

// Thread: one.
class BaseFileWriter {
 public:
  static Result<std::unique_ptr<BaseFileWriter>> create(FileSystem& files,
                                                        const std::string& directory,
                                                        const Uuid& store_id, Lsn lsn);
  ~BaseFileWriter();  // removes what was not finished
  BaseFileWriter(const BaseFileWriter&) = delete;
  BaseFileWriter& operator=(const BaseFileWriter&) = delete;

  // Payload: 1 byte to 64 MiB (InvalidArgument).
  Result<void> append(const BlockInfo& info, std::span<const std::byte> payload);
  // Makes the file durable, still without its name. Nothing is appended afterwards.
  Result<void> seal();
  // Gives it its name, durably: from then on it is the log's base. Precondition: sealed.
  Result<void> install();
  uint64_t bytes() const;  // written so far

 private:
  struct Impl;
  explicit BaseFileWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Thread: any number at a time.
class BaseFileReader {
 public:
  // Checks header and directory. NotFound, Unsupported (newer version), InvalidArgument (another
  // store's), Corruption.
  static Result<std::unique_ptr<BaseFileReader>> open(FileSystem& files,
                                                      const std::string& directory,
                                                      const Uuid& store_id, Lsn lsn);
  ~BaseFileReader();
  BaseFileReader(const BaseFileReader&) = delete;
  BaseFileReader& operator=(const BaseFileReader&) = delete;

  const std::vector<BlockInfo>& blocks() const;  // in order of writing
  // A block's payload, at an address aligned for 8-byte words. Corruption.
  Result<std::vector<std::byte>> read(size_t index) const;
  const std::string& path() const;
  uint64_t bytes() const;

 private:
  struct Impl;
  explicit BaseFileReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::log
