// Copies files into and out of backups.
//
// Ownership: borrows for the call. Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/file_system.h"
#include "base/result.h"

namespace cairn::engine {

struct FileCopy {
  std::string from;
  std::string to;
  uint64_t present = 0;  // bytes at the front that `to` has already: read, compared, not written
  uint64_t bytes = 0;    // to copy, with these; `from` may be longer
};

// Checksums are over pieces of 1 MiB: XXH3 of each, seeded with the one before (0 at first).
struct CopiedFile {
  uint64_t checksum = 0;             // of all bytes
  uint64_t checksum_of_present = 0;  // of the first `present` bytes of `from`
};

// The copy is durable when it returns (its name is not). `to` is made when nothing of it is
// present, in place of what may be there. `tell(bytes)` is called as bytes are done. Errors: Io,
// Exhausted, NotFound, Corruption (`from` is shorter than it should be).
Result<CopiedFile> copy_file(FileSystem& files, const FileCopy& copy,
                             const std::function<void(uint64_t)>& tell);

// The checksum of the first `bytes` of a file. Errors as above.
Result<uint64_t> checksum_file(FileSystem& files, const std::string& path, uint64_t bytes,
                               const std::function<void(uint64_t)>& tell);

}  // namespace cairn::engine
