#include "base/clock.h"

#include <chrono>

namespace cairn {

TimeUs SystemClock::now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return TimeUs{std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count()};
}

TimeUs SteadyClock::now() {
  const auto since_some_time = std::chrono::steady_clock::now().time_since_epoch();
  return TimeUs{std::chrono::duration_cast<std::chrono::microseconds>(since_some_time).count()};
}

}  // namespace cairn
