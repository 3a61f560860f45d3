#include "client/repl_screen.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "client/key_wait.h"
#include "client/repl_text.h"

namespace cairn::client {
namespace {

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return make_error(ErrorCode::Closed, "nobody reads the answer any more");
    text.remove_prefix(static_cast<size_t>(done));
  }
  return {};
}

size_t window_height() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1;
  return known ? size.ws_row : 24;
}

// nullptr: ours.
const char* pager_command() {
  const char* command = std::getenv("PAGER");
  return command == nullptr || *command == 0 ? nullptr : command;
}

// The terminal gives single keys, without showing them, until this goes away.
class SingleKeys {
 public:
  SingleKeys() {
    known_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!known_) return;
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  }
  ~SingleKeys() {
    if (known_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }
  SingleKeys(const SingleKeys&) = delete;
  SingleKeys& operator=(const SingleKeys&) = delete;

 private:
  termios before_{};
  bool known_ = false;
};

size_t skip_escape(std::string_view text, size_t at) {
  while (at < text.size() && std::isalpha(static_cast<unsigned char>(text[at])) == 0) ++at;
  return at;
}

// The first line with its end as the screen shows it: how much of the text that is.
size_t first_line(std::string_view text) {
  const size_t end = text.find('\n');
  return end == std::string_view::npos ? text.size() : end + 1;
}

}  // namespace

size_t screen_lines(std::string_view text, size_t width) {
  size_t lines = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, first_line(text));
    std::string plain;
    for (size_t at = 0; at < line.size(); ++at) {
      if (line[at] == '\x1b') {
        at = skip_escape(line, at);
      } else if (line[at] != '\n') {
        plain.push_back(line[at]);
      }
    }
    const size_t columns = std::max<size_t>(verbs::text_width(plain), 1);
    lines += (columns + width - 1) / width;
    text.remove_prefix(line.size());
  }
  return lines;
}

ReplScreen::ReplScreen(const verbs::Terminal& terminal, bool pages,
                       const std::atomic<bool>& interrupted)
    : terminal_(terminal), interrupted_(interrupted) {
  if (!terminal.out || !pages) return;
  state_ = pager_command() == nullptr ? State::OwnPager : State::Waiting;
  height_ = window_height();
  room_ = height_ - 1;
}

ReplScreen::~ReplScreen() { finish(); }

ReplIo ReplScreen::io() {
  ReplIo io{[this](std::string_view text) { return write(text); },
            [this](std::string_view text) {
              tell(text);
              return Result<void>();
            },
            terminal_, interrupted_};
  io.show = [this] { show(); };
  io.waited = &waited_;
  return io;
}

Result<void> ReplScreen::write(std::string_view text) {
  switch (state_) {
    case State::Direct:
      return write_all(STDOUT_FILENO, text);
    case State::Waiting: {
      waiting_ += text;
      const size_t lines = screen_lines(text, static_cast<size_t>(terminal_.width));
      if (lines > room_) return start_pager(pager_command());
      room_ -= lines;
      return {};
    }
    case State::Pager:
      return write_to_pager(text);
    case State::OwnPager:
      return write_pages(text);
  }
  return {};
}

// In its place among what was written; progress lines, which rewrite themselves, at once.
void ReplScreen::tell(std::string_view text) {
  const std::string coloured = coloured_error(terminal_, text);
  const bool rewrites = text.find('\r') != std::string_view::npos;
  if (state_ == State::Direct || rewrites || (state_ == State::Waiting && waiting_.empty())) {
    (void)write_all(STDERR_FILENO, coloured);
  } else {
    (void)write(coloured);
  }
}

// The answer is longer than the screen.
Result<void> ReplScreen::start_pager(const char* command) {
  const std::string text = std::exchange(waiting_, {});
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    state_ = State::Direct;
    return write(text);
  }
  pager_ = ::fork();
  if (pager_ == 0) {
    ::dup2(ends[0], STDIN_FILENO);
    ::signal(SIGPIPE, SIG_DFL);
    ::setenv("LESS", "FRX", 0);  // colours, and no screen of its own
    ::execl("/bin/sh", "sh", "-c", command, static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(ends[0]);
  if (pager_ < 0) {
    ::close(ends[1]);
    state_ = State::Direct;
    return write(text);
  }
  pipe_ = ends[1];
  state_ = State::Pager;
  return write_to_pager(text);
}

Result<void> ReplScreen::write_to_pager(std::string_view text) {
  const auto begin = std::chrono::steady_clock::now();
  auto written = write_all(pipe_, text);
  waited_ += std::chrono::steady_clock::now() - begin;
  return written;
}

Result<void> ReplScreen::write_pages(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, first_line(text));
    const size_t lines = screen_lines(line, static_cast<size_t>(terminal_.width));
    if (room_ < lines && !ask_for_more()) {
      state_ = State::Direct;
      return make_error(ErrorCode::Closed, "nobody reads the answer any more");
    }
    CAIRN_TRY(write_all(STDOUT_FILENO, line));
    room_ -= std::min(room_, lines);
    text.remove_prefix(line.size());
  }
  return {};
}

// False: enough.
bool ReplScreen::ask_for_more() {
  constexpr std::string_view kAsk = "-- more: blank, one line: enter, enough: q --";
  (void)write_all(STDOUT_FILENO, kAsk);
  const auto begin = std::chrono::steady_clock::now();
  char key = 'q';
  {
    const SingleKeys keys;
    KeyWait waited = KeyWait::Signal;
    while (waited == KeyWait::Signal) waited = wait_for_key(interrupted_);
    if (waited == KeyWait::Ready && ::read(STDIN_FILENO, &key, 1) <= 0) key = 'q';
  }
  waited_ += std::chrono::steady_clock::now() - begin;
  (void)write_all(STDOUT_FILENO, "\r\x1b[K");
  if (interrupted_ || key == 'q' || key == 'Q') return false;
  room_ = key == '\n' || key == '\r' ? 1 : height_ - 1;
  return true;
}

void ReplScreen::show() {
  if (!waiting_.empty()) (void)write_all(STDOUT_FILENO, std::exchange(waiting_, {}));
  room_ = height_ - 1;
}

void ReplScreen::finish() {
  show();
  if (pipe_ >= 0) {
    ::close(std::exchange(pipe_, -1));
    while (::waitpid(pager_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  state_ = State::Direct;
}

}  // namespace cairn::client
