#include "verbs/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace cairn::verbs {
namespace {

constexpr size_t kBufferBytes = 64u << 10;
constexpr auto kRefresh = std::chrono::milliseconds(100);

}  // namespace

Output::~Output() { (void)flush(); }

void Output::write(std::string_view text) {
  if (closed_) return;
  buffer_.append(text);
  if (buffer_.size() >= kBufferBytes) (void)flush();
}

void Output::line(std::string_view text) {
  write(text);
  write("\n");
}

Result<void> Output::flush() {
  if (!closed_ && !buffer_.empty()) {
    auto taken = sink_(buffer_);
    closed_ = !taken.ok();
    if (closed_ && taken.error().code != ErrorCode::Closed) error_ = std::move(taken).error();
  }
  buffer_.clear();
  if (error_) return *error_;
  return {};
}

Sink descriptor_sink(int fd, std::string name) {
  return [fd, name = std::move(name)](std::string_view rest) -> Result<void> {
    while (!rest.empty()) {
      const ssize_t written = ::write(fd, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        const bool full = errno == ENOSPC || errno == EDQUOT;
        const ErrorCode code = errno == EPIPE ? ErrorCode::Closed
                               : full         ? ErrorCode::Exhausted
                                              : ErrorCode::Io;
        return make_error(code, fmt::format("cannot write {}: {}", name, std::strerror(errno)));
      }
      rest.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  };
}

Sink string_sink(std::string& text) {
  return [&text](std::string_view bytes) -> Result<void> {
    text.append(bytes);
    return {};
  };
}

void Console::tell(std::string_view text) const {
  err.write(text);
  (void)err.flush();
}

void Console::note(std::string_view text) const {
  tell(printable_lines(text, terminal.utf8) + "\n");
}

bool ProgressLine::due() const { return enabled_ && Clock::now() - last_ >= kRefresh; }

void ProgressLine::update(std::string_view text) {
  if (!due()) return;
  last_ = Clock::now();
  shown_ = true;
  // The last column stays free: some terminals wrap as soon as it is written.
  const int width = std::max(console_.terminal.width - 1, 1);
  console_.tell("\r\x1b[K" + fit(text, static_cast<size_t>(width), true));
}

void ProgressLine::clear() {
  if (!shown_) return;
  console_.tell("\r\x1b[K");
  shown_ = false;
}

std::string progress_bar(uint64_t done, uint64_t total, size_t width, bool utf8) {
  const double share =
      total == 0 ? 0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto full = static_cast<size_t>(share * static_cast<double>(width));
  std::string out;
  for (size_t i = 0; i < width; ++i) {
    const bool filled = i < full;
    out += utf8 ? (filled ? "\u2588" : "\u2591") : (filled ? "#" : ".");
  }
  return fmt::format("{} {:3.0f}%", out, share * 100);
}

}  // namespace cairn::verbs
