// Notifications as lines of a file or of stdout.
//
// A file is opened anew for each batch, so that it can be renamed away, and synced. A line that was
// cut off, by a crash or a full disk, is ended before the next one begins; what it was to say comes
// again whole.
//
// Thread: one at a time.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cairn::server {

class LineOutput {
 public:
  // "" = stdout. `wait_ms`: for who reads at the other end of a pipe.
  LineOutput(std::string path, uint32_t wait_ms) : path_(std::move(path)), wait_ms_(wait_ms) {}

  // All of them, or an error and perhaps some. Errors: Io, Exhausted (disk full, nobody reads).
  Result<void> write(std::span<const std::string> lines);

 private:
  Result<void> write_to(int fd, std::string_view text);

  const std::string path_;
  const uint32_t wait_ms_;
  bool cut_ = false;  // what was written last to something that is no regular file
};

}  // namespace cairn::server
