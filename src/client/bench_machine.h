// What the machine itself can do, measured beside the store's figures: absolute numbers of a shared
// machine mean little, ratios of one run mean much.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::client {

// Values of one measure over its runs.
struct Measure {
  std::string name;
  std::string unit;
  std::vector<double> values;

  double min() const;
  double median() const;
  double max() const;
};

// Seconds of a monotonic clock.
double seconds_now();
// Seconds of processor time this process has used, all threads, system included: on a shared
// machine it says more than the time on the clock.
double processor_seconds();

struct MachineLimits {
  Measure sync_us;      // append of 4 KiB and fdatasync
  Measure write_mb_s;   // sequential write of 256 MiB with one fdatasync
  Measure memory_gb_s;  // one thread reading 256 MiB
};

// Uses a scratch file in `directory`. Errors: Io, Exhausted.
Result<MachineLimits> measure_machine(const std::string& directory, int runs);

// Peak resident memory of this process since reset_peak_memory(), bytes; 0 where the system does
// not tell. It counts pages of mapped files too.
uint64_t peak_memory_bytes();
void reset_peak_memory();

}  // namespace cairn::client
