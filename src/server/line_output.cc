#include "server/line_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace cairn::server {
namespace {

Error os_error(std::string_view what, const std::string& path) {
  const int error = errno;
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return make_error(full ? ErrorCode::Exhausted : ErrorCode::Io,
                    fmt::format("cannot {} {}: {}", what, path.empty() ? "stdout" : path,
                                std::generic_category().message(error)));
}

// Whether the last byte of a regular file ends a line.
bool ends_a_line(int fd, off_t size) {
  char last = '\n';
  return size == 0 || ::pread(fd, &last, 1, size - 1) != 1 || last == '\n';
}

}  // namespace

Result<void> LineOutput::write(std::span<const std::string> lines) {
  int fd = STDOUT_FILENO;
  if (!path_.empty()) {
    // Not blocking: a pipe that nobody reads is an error, and not a wait without end.
    fd = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
    if (fd < 0) return os_error("open", path_);
  }
  struct stat info {};
  Result<void> done;
  const bool known = ::fstat(fd, &info) == 0;
  const bool regular = known && S_ISREG(info.st_mode);
  const bool cut = regular && !path_.empty() ? !ends_a_line(fd, info.st_size) : cut_;
  std::string text = cut ? "\n" : "";
  for (const std::string& line : lines) text += line + "\n";
  done = write_to(fd, text);
  if (done && regular && ::fdatasync(fd) != 0) done = os_error("sync", path_);
  if (!path_.empty()) ::close(fd);
  return done;
}

Result<void> LineOutput::write_to(int fd, std::string_view text) {
  while (!text.empty()) {
    struct pollfd ready {
      fd, POLLOUT, 0
    };
    const int found = ::poll(&ready, 1, static_cast<int>(wait_ms_));
    if (found < 0 && errno == EINTR) continue;
    if (found < 0) return os_error("write to", path_);
    if (found == 0) {
      return make_error(ErrorCode::Exhausted,
                        fmt::format("nobody reads {}", path_.empty() ? "stdout" : path_));
    }
    // As much as a pipe takes without waiting once it takes anything.
    const size_t some = std::min<size_t>(text.size(), PIPE_BUF);
    const ssize_t written = ::write(fd, text.data(), some);
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written < 0) return os_error("write to", path_);
    cut_ = text[static_cast<size_t>(written) - 1] != '\n';
    text.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

}  // namespace cairn::server
