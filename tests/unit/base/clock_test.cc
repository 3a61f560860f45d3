#include "base/clock.h"

#include <catch2/catch.hpp>

#include "base/time_format.h"

namespace cairn {
namespace {

TEST_CASE("the system clock counts microseconds since 1970") {
  SystemClock clock;
  // Later than this test was written, and before the clock's range ends.
  CHECK(clock.now() > *parse_time("2026-01-01"));
  CHECK(clock.now() < *parse_time("9999-01-01"));
}

TEST_CASE("the manual clock stands still until it is set") {
  ManualClock clock(TimeUs{5});
  CHECK(clock.now() == TimeUs{5});
  CHECK(clock.now() == TimeUs{5});
  clock.set(TimeUs{3});
  CHECK(clock.now() == TimeUs{3});
}

}  // namespace
}  // namespace cairn
