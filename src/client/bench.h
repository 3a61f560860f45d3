// The macro benchmark: `cairn bench`. Generated data, a store of its own, figures beside the
// targets and beside the machine's limits of the same run.
//
// Every phase runs in a process of its own: memory is counted from nothing, a phase can be killed
// in the middle of an import, and what one leaves behind in caches of the heap helps no other.
// Thread: run_bench forks, so the calling process must have no other threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/bench_machine.h"

namespace cairn::client {

struct BenchOptions {
  uint64_t scale = 1'000'000;  // occurrences
  uint64_t seed = 1;
  int runs = 5;                   // of everything that is not over in milliseconds
  int query_runs = 21;            // after one warm-up
  double busy_seconds = 6;        // of a measure beside an import, acknowledgements ten times
  std::string directory;          // scratch space, exists, is left empty
  std::string store;              // "" = in `directory`; else used if there, made and kept if not
  std::vector<std::string> only;  // phases; empty = all
  bool verify = false;            // verify --deep of the store, after everything
  std::function<void(const std::string&)> say;  // progress for a person; may be null
  const std::atomic<bool>* stop = nullptr;      // raised: end soon with Closed; may be null
};

struct BenchReport {
  uint64_t scale = 0;  // occurrences the store really has
  std::vector<Measure> measures;
};

// Names for BenchOptions::only, in the order they run.
const std::vector<std::string>& bench_phases();

// Errors: InvalidArgument (unknown phase, no store to measure), Closed (stopped), Io, Exhausted,
// Corruption (an answer or a digest is wrong), Internal (a phase died).
Result<BenchReport> run_bench(const BenchOptions& options);

// Targets are those of 10 M occurrences; at other scales they are for orientation, and it says so.
std::string bench_json(const BenchOptions& options, const BenchReport& report);
std::string bench_table(const BenchReport& report);

}  // namespace cairn::client
