#include "client/generate_plan.h"

#include <algorithm>

#include "base/assert.h"

namespace cairn::client {
namespace {

constexpr uint32_t kGroupExponent = 4;    // 1 + 4/16 = 5/4
constexpr uint32_t kProjectExponent = 7;  // 1 + 7/16 = 23/16
constexpr uint32_t kMaxSplits = 8;        // fine fingerprints of one problem
constexpr uint64_t kPlanSalt = 0x706c616e;

std::vector<uint64_t> fingerprint_weights(uint32_t count) {
  std::vector<uint64_t> weights(count);
  uint64_t rest = 0;
  for (uint32_t i = 0; i < count; ++i) {
    weights[i] = zipf_weight(i + 1, kGroupExponent);
    if (i >= 2) rest += weights[i];
  }
  if (count > 2) {
    weights[0] = rest / 75 * 13;
    weights[1] = rest / 75 * 12;
  }
  return weights;
}

Profile pick_profile(uint32_t index, uint64_t hash) {
  if (index < 2) return Profile::Steady;
  switch (hash % 10) {
    case 0:
      return Profile::Growing;
    case 1:
      return Profile::Fading;
    case 2:
    case 3:
      return Profile::Peak;
    case 4:
    case 5:
      return Profile::Starting;
    case 6:
      return Profile::Ending;
    default:
      return Profile::Steady;
  }
}

// Probability in 2^-16 that a draw is taken. Every profile's mean over the run is 2^15.
uint32_t acceptance(Profile profile, uint32_t index, uint32_t progress_q16) {
  constexpr uint32_t kOne = 1u << 16;
  switch (profile) {
    case Profile::Steady:
      return kOne / 2;
    case Profile::Growing:
      return progress_q16;
    case Profile::Fading:
      return kOne - progress_q16;
    case Profile::Peak:
      return progress_q16 < kOne / 2 ? 2 * progress_q16 : 2 * (kOne - progress_q16);
    case Profile::Starting:
    case Profile::Ending: {
      // Silent for up to half of the run, at its beginning or end.
      const auto silent = static_cast<uint32_t>(mix64(index) >> 49);
      const uint32_t passed = profile == Profile::Starting ? progress_q16 : kOne - progress_q16;
      if (passed < silent) return 0;
      return static_cast<uint32_t>((uint64_t{kOne / 2} << 16) / (kOne - silent));
    }
  }
  return 0;
}

}  // namespace

BurstShape burst_shape(uint64_t occurrences) {
  const uint64_t per_hour = occurrences / 720;  // of 30 days; width * longest = this
  BurstShape shape;
  while (uint64_t{shape.width + 1} * (shape.width + 1) * 3 <= per_hour) ++shape.width;
  shape.longest = std::max<uint32_t>(2, static_cast<uint32_t>(per_hour / shape.width));
  return shape;
}

FingerprintPlan::FingerprintPlan(const GenerateOptions& resolved)
    : fingerprints_(resolved.fingerprints), project_shares_(resolved.projects) {
  const std::vector<uint64_t> weights = fingerprint_weights(resolved.fingerprints);
  uint64_t total = 0;
  for (const uint64_t w : weights) total += w;
  const uint64_t unit = std::max<uint64_t>(1, total / resolved.occurrences);
  const uint32_t longest = burst_shape(resolved.occurrences).longest;
  for (uint32_t i = 0; i < fingerprints_.size(); ++i) {
    PlannedFingerprint& f = fingerprints_[i];
    // A group comes in four bursts or more, so that small groups spread over the run as well.
    const uint64_t expected = weights[i] / unit;
    f.mean_burst = static_cast<uint32_t>(std::clamp<uint64_t>(expected / 4, 1, longest));
    f.profile = pick_profile(i, mix64(resolved.seed ^ mix64(i)));
  }
  assign_problems(resolved.seed);
  assign_projects(weights);
  build_table(weights);
}

void FingerprintPlan::assign_problems(uint64_t seed) {
  const auto count = static_cast<uint32_t>(fingerprints_.size());
  problems_ = count <= 2 ? 1 : 1 + (count - 2) * 2 / 5;
  std::vector<uint8_t> splits(problems_, 1);
  Random random(seed ^ kPlanSalt);
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t problem = i == 0 ? 0 : i - 1;  // ranks 0 and 1 are one problem
    if (i > 1 && problem >= problems_) {
      // Frequent problems are split more often: the square of a uniform number.
      problem = random.below(random.below(problems_) + 1);
      while (splits[problem] == kMaxSplits) problem = problem + 1 == problems_ ? 0 : problem + 1;
      ++splits[problem];
    } else if (i == 1) {
      ++splits[problem];
    }
    fingerprints_[i].coarse = problem;
  }
}

void FingerprintPlan::assign_projects(const std::vector<uint64_t>& weights) {
  std::vector<int64_t> open(project_shares_.size());  // weight a project still has to get
  uint64_t total = 0;
  uint64_t project_total = 0;
  for (const uint64_t w : weights) total += w;
  for (uint32_t p = 0; p < open.size(); ++p) {
    project_shares_[p] = zipf_weight(p + 1, kProjectExponent);
    project_total += project_shares_[p];
  }
  for (uint32_t p = 0; p < open.size(); ++p) {
    project_shares_[p] = (project_shares_[p] << 20) / (project_total >> 12);
    open[p] = static_cast<int64_t>((total >> 20) * (project_shares_[p] >> 12));
  }
  std::vector<uint64_t> problem_weight(problems_, 0);
  for (size_t i = 0; i < weights.size(); ++i) problem_weight[fingerprints_[i].coarse] += weights[i];
  std::vector<uint32_t> project_of(problems_);
  for (uint32_t problem = 0; problem < problems_; ++problem) {
    const auto widest = std::max_element(open.begin(), open.end());
    *widest -= static_cast<int64_t>(problem_weight[problem]);
    project_of[problem] = static_cast<uint32_t>(widest - open.begin());
  }
  for (PlannedFingerprint& f : fingerprints_) f.project = project_of[f.coarse];
}

void FingerprintPlan::build_table(const std::vector<uint64_t>& weights) {
  uint64_t sum = 0;
  cumulative_.reserve(weights.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    sum += std::max<uint64_t>(1, weights[i] / fingerprints_[i].mean_burst);
    cumulative_.push_back(sum);
  }
  bucket_width_ = sum / weights.size() + 1;
  guide_.reserve(weights.size());
  uint32_t index = 0;
  for (size_t bucket = 0; bucket < weights.size(); ++bucket) {
    while (cumulative_[index] <= bucket * bucket_width_ && index + 1 < cumulative_.size()) ++index;
    guide_.push_back(index);
  }
}

uint32_t FingerprintPlan::draw(Random& random) const {
  const uint64_t target = random.next() % cumulative_.back();
  uint32_t index = guide_[target / bucket_width_];
  while (cumulative_[index] <= target) ++index;
  return index;
}

BurstMix::BurstMix(const FingerprintPlan& plan, const GenerateOptions& resolved)
    : plan_(plan), bursts_(burst_shape(resolved.occurrences).width) {}

uint32_t BurstMix::draw_active(Random& random, uint32_t progress_q16) const {
  for (;;) {
    const uint32_t index = plan_.draw(random);
    const Profile profile = plan_.fingerprints()[index].profile;
    if ((random.next() >> 48) < acceptance(profile, index, progress_q16)) return index;
  }
}

uint32_t BurstMix::next(Random& random, uint32_t progress_q16) {
  Burst& burst = bursts_[random.below(static_cast<uint32_t>(bursts_.size()))];
  if (burst.left == 0) {
    burst.fingerprint = draw_active(random, progress_q16);
    const uint32_t mean = plan_.fingerprints()[burst.fingerprint].mean_burst;
    burst.left = 1 + random.below(2 * mean - 1);
  }
  --burst.left;
  return burst.fingerprint;
}

}  // namespace cairn::client
