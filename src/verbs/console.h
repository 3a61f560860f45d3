// Where a verb writes: answers to one place, everything else for the person to another.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "verbs/terminal.h"

namespace cairn::verbs {

// What a call returns, as a process does; fixed, scripts rely on it.
enum class ExitCode : int {
  Ok = 0,
  Failed = 1,
  Usage = 2,
  SomeRefused = 3,    // done, but some input was refused
  Interrupted = 130,  // SIGINT
};

// Takes bytes for good, all of them or none that matter. Closed: nobody reads any more. Other
// errors: Io, Exhausted.
using Sink = std::function<Result<void>(std::string_view)>;

// Writes to a descriptor, which is borrowed; `name` is how messages call it. Needs SIGPIPE to be
// ignored.
Sink descriptor_sink(int fd, std::string name = "the answer");
// Adds to a string, which is borrowed.
Sink string_sink(std::string& text);

// Buffered writes to a sink. A reader that goes away (`cairn log S | head`) is no error: closed()
// turns true and what follows is dropped.
class Output {
 public:
  explicit Output(Sink sink) : sink_(std::move(sink)) {}
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
  Sink sink_;
  bool closed_ = false;
  std::string buffer_;
  std::optional<Error> error_;
};

struct Console {
  Terminal terminal;
  Output& out;
  Output& err;
  bool json = false;

  // To the person, as it is and at once. Whether anybody reads it changes nothing.
  void tell(std::string_view text) const;
  // Lines for the person; made printable, as they may hold what others wrote.
  void note(std::string_view text) const;
};

// One line for the person that rewrites itself; only on a terminal, at most ten times a second.
// Borrows the console.
class ProgressLine {
 public:
  ProgressLine(const Console& console, bool wanted)
      : console_(console), enabled_(wanted && console.terminal.err) {}
  explicit ProgressLine(const Console& console) : ProgressLine(console, true) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  bool due() const;  // whether update() would show anything now
  void update(std::string_view text);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  const Console& console_;
  bool enabled_;
  bool shown_ = false;
  Clock::time_point last_{};
};

// "[#####.....]  45%", block characters where possible.
std::string progress_bar(uint64_t done, uint64_t total, size_t width, bool utf8);

}  // namespace cairn::verbs
