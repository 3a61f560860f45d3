#include "query/score.h"

#include <catch2/catch.hpp>
#include <limits>

namespace cairn::query {
namespace {

TEST_CASE("an age is never below zero and never overflows") {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  CHECK(age_us(TimeUs{100}, TimeUs{40}) == 60);
  CHECK(age_us(TimeUs{40}, TimeUs{100}) == 0);
  CHECK(age_us(TimeUs{kMax}, TimeUs{kMin}) == std::numeric_limits<uint64_t>::max());
  CHECK(age_us(TimeUs{kMin}, TimeUs{kMax}) == 0);
}

TEST_CASE("trends: an occurrence weighs half of it every four hours") {
  const auto weights = trend_weights();
  CHECK(weights.size() == 132 * 60);
  CHECK(weights[0] == kFullWeight);
  CHECK(weights[240] == kFullWeight / 2);
  CHECK(weights[480] == kFullWeight / 4);
  CHECK(weights.back() == 1);
  for (size_t i = 1; i < weights.size(); ++i) REQUIRE(weights[i] <= weights[i - 1]);
}

TEST_CASE("trends: worked examples") {
  // One occurrence just now: 1 x ln 2 x 0.1 x 1 / 2.
  CHECK(trends_key({0, kFullWeight, 1, 1}) == 34'657'359'028);
  // The same twelve hours after the first occurrence.
  CHECK(trends_key({12 * kHourUs, kFullWeight, 1, 1}) == 17'328'679'514);
  // Nothing for a long time: each factor at its least.
  CHECK(trends_key({10'000 * kHourUs, 0, 0, 0}) == 1'000'000);
  // As far as numbers go.
  CHECK(trends_key({0, UINT64_MAX, UINT64_MAX, UINT64_MAX}) == 2'218'070'977'815);
}

TEST_CASE("recommended: worked examples") {
  RecommendedSignals signals;
  signals.type_priority = 25;
  signals.since_last_us = std::numeric_limits<uint64_t>::max();
  CHECK(recommended_key(signals) == 0);
  signals.since_last_us = 24 * kHourUs;
  CHECK(recommended_key(signals) == 30 * 500'000);
  signals.since_last_us = 0;
  signals.last_6_hours = 3;
  signals.last_3_days = 3;
  CHECK(recommended_key(signals) == 30 * 1'000'000 + 20 * 750'000);
  signals.level = 3;
  signals.users = 1'000;
  signals.occurrences = 10'000;
  signals.type_priority = 75;
  signals.last_6_hours = signals.last_3_days = 1u << 30;
  CHECK(recommended_key(signals) == 100 * 1'000'000);
  // More than what is full counts no more.
  signals.users = signals.occurrences = std::numeric_limits<uint64_t>::max();
  CHECK(recommended_key(signals) == 100 * 1'000'000);
}

TEST_CASE("priority comes before time, whatever the time") {
  constexpr TimeUs kMin{std::numeric_limits<int64_t>::min()};
  constexpr TimeUs kMax{std::numeric_limits<int64_t>::max()};
  CHECK(priority_key(75, kMin) > priority_key(50, kMax));
  CHECK(priority_key(50, kMin) > priority_key(25, kMax));
  CHECK(priority_key(25, TimeUs{2}) > priority_key(25, TimeUs{1}));
  CHECK(priority_key(75, TimeUs{-1}) > priority_key(75, TimeUs{-2}));
}

}  // namespace
}  // namespace cairn::query
