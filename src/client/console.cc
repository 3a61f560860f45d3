#include "client/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace cairn::client {
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
  std::string_view rest = closed_ ? std::string_view() : std::string_view(buffer_);
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      closed_ = true;
      if (errno != EPIPE) {
        const ErrorCode code =
            errno == ENOSPC || errno == EDQUOT ? ErrorCode::Exhausted : ErrorCode::Io;
        error_ = make_error(code, fmt::format("cannot write {}: {}", name_, std::strerror(errno)));
      }
      break;
    }
    rest.remove_prefix(static_cast<size_t>(written));
  }
  buffer_.clear();
  if (error_) return *error_;
  return {};
}

void write_to_stderr(std::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
  (void)std::fflush(stderr);
}

void Console::note(std::string_view text) const {
  write_to_stderr(printable_lines(text, terminal.utf8) + "\n");
}

bool ProgressLine::due() const { return enabled_ && Clock::now() - last_ >= kRefresh; }

void ProgressLine::update(std::string_view text, int width) {
  if (!due()) return;
  last_ = Clock::now();
  shown_ = true;
  // The last column stays free: some terminals wrap as soon as it is written.
  write_to_stderr("\r\x1b[K" + fit(text, static_cast<size_t>(std::max(width - 1, 1)), true));
}

void ProgressLine::clear() {
  if (!shown_) return;
  write_to_stderr("\r\x1b[K");
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

}  // namespace cairn::client
