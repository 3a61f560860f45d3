// Who fails how often, and when: the plan behind generated load.
#pragma once

#include <cstdint>
#include <vector>

#include "client/generate.h"
#include "client/generate_random.h"

namespace cairn::client {

// How a group's rate changes over the run. All profiles accept half of all draws on average, so
// that group sizes keep their law.
enum class Profile : uint8_t { Steady, Growing, Fading, Peak, Starting, Ending };

struct PlannedFingerprint {
  uint32_t coarse = 0;  // fine fingerprints with one coarse number are one problem, split
  uint32_t project = 0;
  uint32_t mean_burst = 1;  // occurrences that come in a row of time, on average
  Profile profile = Profile::Steady;
};

// The pool of fine fingerprints, by falling frequency, and the law of their sizes:
// - ranks 0 and 1 get 13 % and 12 % of everything and are one problem split in two; the others
//   share 75 % by Zipf's law with exponent 5/4;
// - two of five fingerprints are the head of a problem of their own, the others are splits of
//   one, at most 8 to a problem;
// - problems are dealt to projects so that project sizes follow Zipf's law with exponent 23/16
//   (the biggest of 20 has 44 %).
// Immutable after construction.
class FingerprintPlan {
 public:
  explicit FingerprintPlan(const GenerateOptions& resolved);

  const std::vector<PlannedFingerprint>& fingerprints() const { return fingerprints_; }
  // Share of each project in 2^-32 of all occurrences, biggest first.
  const std::vector<uint64_t>& project_shares() const { return project_shares_; }
  // Draws the fingerprint of a new burst: by weight / mean burst.
  uint32_t draw(Random& random) const;

 private:
  void assign_problems(uint64_t seed);
  void assign_projects(const std::vector<uint64_t>& weights);
  void build_table(const std::vector<uint64_t>& weights);

  std::vector<PlannedFingerprint> fingerprints_;
  std::vector<uint64_t> project_shares_;
  std::vector<uint64_t> cumulative_;  // cumulative_[i]: weight of fingerprints 0 .. i
  std::vector<uint32_t> guide_;       // first index worth looking at, per bucket of weight
  uint64_t bucket_width_ = 1;
  uint32_t problems_ = 0;
};

// The order in which fingerprints strike: a few bursts run side by side, each one repeating its
// fingerprint. Not thread-safe; `plan` must outlive it.
class BurstMix {
 public:
  BurstMix(const FingerprintPlan& plan, const GenerateOptions& resolved);
  // `progress_q16`: how much of the run has passed, in 2^-16.
  uint32_t next(Random& random, uint32_t progress_q16);

 private:
  struct Burst {
    uint32_t fingerprint = 0;
    uint32_t left = 0;
  };
  uint32_t draw_active(Random& random, uint32_t progress_q16) const;

  const FingerprintPlan& plan_;
  std::vector<Burst> bursts_;
};

// Lengths that make a burst last about an hour of a 30-day run at any rate: `width` bursts run
// side by side, the longest mean is `longest`.
struct BurstShape {
  uint32_t width = 2;
  uint32_t longest = 2;
};
BurstShape burst_shape(uint64_t occurrences);

}  // namespace cairn::client
