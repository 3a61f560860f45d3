// Where a verb writes: answers to stdout, everything else to stderr.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "client/terminal.h"

namespace cairn::client {

// What the process returns; fixed, scripts rely on it.
enum class ExitCode : int {
  Ok = 0,
  Failed = 1,
  Usage = 2,
  SomeRefused = 3,    // done, but some input was refused
  Interrupted = 130,  // SIGINT
};

// Buffered writes to a descriptor. A reader that goes away (`cairn log S | head`) is no error:
// closed() turns true and what follows is dropped. Needs SIGPIPE to be ignored.
class Output {
 public:
  // `name` is how messages call it.
  explicit Output(int fd, std::string name = "the answer") : fd_(fd), name_(std::move(name)) {}
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void write(std::string_view text);
  void line(std::string_view text);  // and its end
  // Errors: Io, Exhausted; also of earlier writes.
  Result<void> flush();
  // Nothing more can be written: long answers may stop.
  bool closed() const { return closed_; }

 private:
  int fd_;
  std::string name_;
  bool closed_ = false;
  std::string buffer_;
  std::optional<Error> error_;
};

// To stderr as it is. Whether anybody reads it changes nothing.
void write_to_stderr(std::string_view text);

struct Console {
  Terminal terminal;
  Output& out;
  bool json = false;

  // Lines for the person, on stderr; made printable, as they may hold what others wrote.
  void note(std::string_view text) const;
};

// One line on stderr that rewrites itself; only on a terminal, at most ten times a second.
class ProgressLine {
 public:
  explicit ProgressLine(bool enabled) : enabled_(enabled) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  bool due() const;  // whether update() would show anything now
  void update(std::string_view text, int width);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool enabled_;
  bool shown_ = false;
  Clock::time_point last_{};
};

// "[#####.....]  45%", block characters where possible.
std::string progress_bar(uint64_t done, uint64_t total, size_t width, bool utf8);

}  // namespace cairn::client
