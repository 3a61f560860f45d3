// How many occurrences an hour make an archived issue escalate. Pure.
//
// Source: Sentry's escalating-issues algorithm as described in its documentation and in the RFC
// "Escalating Issues" (getsentry/rfcs 78); constants as there.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace cairn::model {

inline constexpr size_t kForecastHours = 7 * 24;  // looked at
inline constexpr size_t kForecastDays = 14;       // looked ahead

// Ceilings of an hour's count for the days from `made` on. `hourly`: counts of the hours up to
// `made`, oldest first. Fewer than kForecastHours (the issue is young): ten times the largest.
// Otherwise the larger of two limits for each day: the largest hour times 2 to 5 (less, the more
// the counts vary), and the mean hour, in which hours of the same weekday weigh double, times 5 to
// 8 (five standard deviations above the mean). Without any occurrence: empty, nothing is forecast.
std::vector<uint32_t> forecast_ceilings(std::span<const uint32_t> hourly, TimeUs made);

}  // namespace cairn::model
