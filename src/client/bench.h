// The macro benchmark: `cairn bench`. Generated data, a store of its own, figures beside the
// machine's limits of the same run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "client/bench_machine.h"

namespace cairn::client {

struct BenchOptions {
  uint64_t scale = 1'000'000;  // occurrences
  uint64_t seed = 1;
  int runs = 5;                                 // of everything that is not over in milliseconds
  int query_runs = 21;                          // after one warm-up
  std::string directory;                        // scratch space, exists, is left empty
  std::function<void(const std::string&)> say;  // progress for a person; may be null
};

struct BenchReport {
  std::vector<Measure> measures;
};

Result<BenchReport> run_bench(const BenchOptions& options);

std::string bench_json(const BenchOptions& options, const BenchReport& report);
std::string bench_table(const BenchReport& report);

}  // namespace cairn::client
