// A phase of the benchmark in a process of its own, and what it reports back.
//
// The child is a fork, not a new program: the parent does nothing but wait, so the child starts
// with next to no memory of its own and needs no command line.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/bench_machine.h"

namespace cairn::client {

// The child's end. Every call is one line through a pipe, so what was said before a kill is there.
class PhaseOutput {
 public:
  explicit PhaseOutput(int fd) : fd_(fd) {}
  void add(const Measure& measure);
  void add(std::string name, std::string unit, double value);
  void say(std::string_view text);
  void progress(uint64_t occurrences);  // acknowledged so far
  void text(std::string_view text);     // a result that is no number, without line breaks
  void end(const Result<void>& result);

 private:
  void line(char kind, std::string_view rest);
  int fd_;
};

using PhaseWork = std::function<Result<void>(PhaseOutput&)>;

struct PhaseWatch {
  std::function<void(const std::string&)> say;  // may be null
  const std::atomic<bool>* stop = nullptr;      // raised: kill it, Closed; may be null
  std::optional<uint64_t> kill_at;              // SIGKILL once so much progress was made
};

struct PhaseReport {
  std::vector<Measure> measures;
  std::vector<std::string> texts;
  uint64_t progress = 0;
  uint64_t peak_anonymous_bytes = 0;  // resident memory that is no mapped file, highest seen
  bool killed = false;                // at kill_at
};

// Forks, runs `work` there and waits. Precondition: no other threads.
// Errors: what `work` returned, Io (no process), Internal (it died), Closed (stopped).
Result<PhaseReport> run_phase(const PhaseWork& work, const PhaseWatch& watch);

}  // namespace cairn::client
