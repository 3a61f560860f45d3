// Delta debugging: which few of many steps it takes to fail.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace cairn::testing {

// Drops chunks, half of the steps at first and single ones at last, as long as `fails` of the rest.
// Precondition: fails(steps).
template <class Step>
std::vector<Step> shrink(std::vector<Step> steps,
                         const std::function<bool(const std::vector<Step>&)>& fails) {
  for (size_t chunk = steps.size() / 2; chunk > 0;) {
    bool dropped = false;
    for (size_t at = 0; at < steps.size();) {
      std::vector<Step> fewer(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(at));
      if (at + chunk < steps.size()) {
        fewer.insert(fewer.end(), steps.begin() + static_cast<std::ptrdiff_t>(at + chunk),
                     steps.end());
      }
      if (fails(fewer)) {
        steps = std::move(fewer);
        dropped = true;
      } else {
        at += chunk;
      }
    }
    if (!dropped || chunk > 1) chunk /= 2;
  }
  return steps;
}

}  // namespace cairn::testing
