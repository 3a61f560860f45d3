#include "model/forecast.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cairn::model {
namespace {

constexpr double kYoungMultiplier = 10;
constexpr double kBurstBase = 5, kBurstDecay = -0.65, kBurstLeast = 2, kBurstMost = 5;
constexpr double kDeviations = 5, kSpikeLeast = 5, kSpikeMost = 8;
constexpr double kSameWeekday = 2;
constexpr int64_t kHourUs = 3'600'000'000;
constexpr int64_t kDayUs = 24 * kHourUs;

uint32_t to_count(double value) {
  constexpr double kMost = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::min(std::ceil(value), kMost));
}

int64_t day_of(int64_t time_us) {
  return time_us >= 0 ? time_us / kDayUs : -((kDayUs - 1 - time_us) / kDayUs);
}

// The mean of the hours as one of them on `day` is expected: those of its weekday weigh more.
double weighted_mean(std::span<const uint32_t> hourly, int64_t made_us, int64_t day) {
  double sum = 0, weights = 0;
  for (size_t i = 0; i < hourly.size(); ++i) {
    const int64_t begin = made_us - static_cast<int64_t>(hourly.size() - i) * kHourUs;
    const double weight = (day - day_of(begin)) % 7 == 0 ? kSameWeekday : 1;
    sum += weight * hourly[i];
    weights += weight;
  }
  return sum / weights;
}

}  // namespace

std::vector<uint32_t> forecast_ceilings(std::span<const uint32_t> hourly, TimeUs made) {
  const uint32_t most = hourly.empty() ? 0 : *std::max_element(hourly.begin(), hourly.end());
  if (most == 0) return {};
  if (hourly.size() < kForecastHours) {
    return std::vector<uint32_t>(kForecastDays, to_count(kYoungMultiplier * most));
  }
  hourly = hourly.last(kForecastHours);
  const auto n = static_cast<double>(hourly.size());
  double mean = 0, squares = 0;
  for (const uint32_t count : hourly) mean += count / n;
  for (const uint32_t count : hourly) squares += (count - mean) * (count - mean);
  const double deviation = std::sqrt(squares / (n - 1));
  const double burst =
      std::clamp(kBurstBase * std::exp(kBurstDecay * deviation / mean), kBurstLeast, kBurstMost);
  const double spike = std::clamp((mean + kDeviations * deviation) / mean, kSpikeLeast, kSpikeMost);
  std::vector<uint32_t> ceilings;
  for (size_t i = 0; i < kForecastDays; ++i) {
    const int64_t day = day_of(raw(made)) + static_cast<int64_t>(i);
    ceilings.push_back(
        to_count(std::max(most * burst, weighted_mean(hourly, raw(made), day) * spike)));
  }
  return ceilings;
}

}  // namespace cairn::model
