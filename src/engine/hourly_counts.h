// How often a group was seen in each of the last hours, for its forecast (model/forecast.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"
#include "model/state.h"
#include "storage/part.h"

namespace cairn::engine {

// Occurrences of the group itself in each of the kForecastHours before `now`, by their own times,
// oldest first; fewer hours when it was first seen later. Costs what its occurrences of that time
// cost in the parts. Thread: any, while nobody folds.
std::vector<uint32_t> hourly_counts(const model::State& state,
                                    std::span<const storage::Part* const> parts, GroupId group,
                                    TimeUs now);

}  // namespace cairn::engine
