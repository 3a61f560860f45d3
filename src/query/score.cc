#include "query/score.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace cairn::query {
namespace {

constexpr double kScale = 1e12;  // of trends
constexpr double kLeast = 0.01;  // of each factor of trends
constexpr uint64_t kHalfLifeMinutes = 4 * 60;
constexpr int kWeightlessAfter = 33;  // half-lives: 2^32 has become less than a half

std::vector<uint64_t> make_weights() {
  std::vector<uint64_t> weights;
  for (uint64_t minute = 0; minute < kWeightlessAfter * kHalfLifeMinutes; ++minute) {
    const double halvings = static_cast<double>(minute) / static_cast<double>(kHalfLifeMinutes);
    weights.push_back(static_cast<uint64_t>(std::llround(std::exp2(32 - halvings))));
  }
  return weights;
}

double hours(uint64_t us) { return static_cast<double>(us) / static_cast<double>(kHourUs); }

// Signals are counted in millionths, their weights sum up to 100.
constexpr double kMillion = 1e6;
int64_t weighted(int64_t weight, double signal) {
  return weight * std::llround(std::min(signal, 1.0) * kMillion);
}

// 0 for none, 1 for `full` and more.
double logarithmic(uint64_t count, double full) {
  return std::log1p(static_cast<double>(count)) / std::log1p(full);
}

}  // namespace

uint64_t age_us(TimeUs now, TimeUs time) {
  return time >= now ? 0 : static_cast<uint64_t>(raw(now)) - static_cast<uint64_t>(raw(time));
}

std::span<const uint64_t> trend_weights() {
  static const std::vector<uint64_t> weights = make_weights();
  return weights;
}

int64_t trends_key(const TrendSignals& signals) {
  const double halvings = std::min(16.0, hours(signals.since_first_us) / 12);
  const double issue = std::max(kLeast, std::exp2(-halvings));
  const double weight = static_cast<double>(signals.weight) / static_cast<double>(kFullWeight);
  const double events = std::max(kLeast, std::log1p(weight));
  const double volume = std::max(kLeast, 0.1 * static_cast<double>(signals.last_hour) /
                                             (static_cast<double>(signals.last_week) + 1));
  return std::llround(issue * events * volume * kScale);
}

int64_t recommended_key(const RecommendedSignals& signals) {
  const double spike =
      static_cast<double>(signals.last_6_hours) / (static_cast<double>(signals.last_3_days) + 1);
  return weighted(30, std::exp2(-hours(signals.since_last_us) / 24)) + weighted(20, spike) +
         weighted(15, static_cast<double>(signals.level) / 3) +
         weighted(15, logarithmic(signals.users, 1'000)) +
         weighted(10, logarithmic(signals.occurrences, 10'000)) +
         weighted(10,
                  static_cast<double>(std::clamp<int>(signals.type_priority, 25, 75) - 25) / 50);
}

int64_t priority_key(uint8_t priority, TimeUs last) {
  // Times of eighteen thousand years around 1970, moved to be above zero.
  constexpr int64_t kHalf = int64_t{1} << 59;
  return int64_t{priority} / 25 * (2 * kHalf) + kHalf + std::clamp(raw(last), -kHalf, kHalf - 1);
}

}  // namespace cairn::query
