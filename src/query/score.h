// The scores behind `sort trends` and `sort recommended`: formulas over what is known of one
// issue's matching occurrences (docs/query-language.md, "Sorts"). Pure functions; thread: any.
//
// Keys are whole numbers, so that the same occurrences give the same order in every run, in
// whatever order they are read: weights are added as integers, and fractions are rounded once.
#pragma once

#include <cstdint>
#include <span>

#include "base/ids.h"

namespace cairn::query {

// now - time; what lies after now is as old as what happens now.
uint64_t age_us(TimeUs now, TimeUs time);

inline constexpr uint64_t kMinuteUs = 60ull * 1'000'000;
inline constexpr uint64_t kHourUs = 60 * kMinuteUs;

// What an occurrence weighs in `trends` by its age in whole minutes: 2^32 now and half of it every
// 4 hours. Beyond the end of the table it weighs nothing.
inline constexpr uint64_t kFullWeight = uint64_t{1} << 32;
std::span<const uint64_t> trend_weights();

struct TrendSignals {
  uint64_t since_first_us = 0;  // age of the first occurrence
  uint64_t weight = 0;          // sum of trend_weights() over all
  uint64_t last_hour = 0;       // occurrences less old than that
  uint64_t last_week = 0;
};
int64_t trends_key(const TrendSignals& signals);

struct RecommendedSignals {
  uint64_t since_last_us = 0;  // age of the newest occurrence
  uint64_t last_6_hours = 0;   // occurrences less old than that
  uint64_t last_3_days = 0;
  uint8_t level = 0;   // the highest: 3 fatal, 2 error, 1 warning, else 0
  uint64_t users = 0;  // different ones
  uint64_t occurrences = 0;
  uint8_t type_priority = 50;  // the default of the type: 25, 50 or 75
};
int64_t recommended_key(const RecommendedSignals& signals);

// `priority` 25, 50 or 75, then the newest occurrence.
int64_t priority_key(uint8_t priority, TimeUs last);

}  // namespace cairn::query
