#include "base/time_format.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

namespace cairn {
namespace {

std::string normal_form(std::string_view text) {
  const auto time = parse_time(text);
  return time ? format_time(*time) : "refused";
}

TEST_CASE("times are read in ISO 8601 and written in RFC 3339") {
  struct Case {
    const char* text;
    const char* expected;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"1970-01-01", "1970-01-01T00:00:00Z"},
           {"2026-11-21T05:27:44.123456Z", "2026-11-21T05:27:44.123456Z"},
           {"2026-11-21T05:27:44.120Z", "2026-11-21T05:27:44.120Z"},
           {"2026-11-21 05:27:44.1", "2026-11-21T05:27:44.100Z"},
           {"2026-11-21T05:27", "2026-11-21T05:27:00Z"},
           {"2026-11-21T05:27Z", "2026-11-21T05:27:00Z"},
           {"2026-11-21T05:27:44+05:30", "2026-11-20T23:57:44Z"},
           {"2026-11-21T05:27:44-00:30", "2026-11-21T05:57:44Z"},
           {"2026-11-21T23:59:59.999999999Z", "2026-11-21T23:59:59.999999Z"},
           {"1969-12-31T23:59:59.5", "1969-12-31T23:59:59.500Z"},
           {"0001-01-01T00:00:00", "0001-01-01T00:00:00Z"},
           {"9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999Z"},
           {"2000-02-29", "2000-02-29T00:00:00Z"}}) {
    CAPTURE(c.text);
    CHECK(normal_form(c.text) == c.expected);
  }
}

TEST_CASE("what is not a time is refused") {
  for (const char* text : {"",
                           "now",
                           "2026",
                           "2026-11",
                           "26-11-21",
                           "2026-13-01",
                           "2026-02-29",
                           "2026-00-10",
                           "2026-01-00",
                           "0000-01-01",
                           "2026-11-21T",
                           "2026-11-21T05",
                           "2026-11-21T24:00",
                           "2026-11-21T05:60",
                           "2026-11-21T05:27:60",
                           "2026-11-21T05:27:44.",
                           "2026-11-21T05:27:44.1234567890",
                           "2026-11-21T05:27:44z",
                           "2026-11-21T05:27:44+0530",
                           "2026-11-21T05:27:44+24:00",
                           "2026-11-21T05:27:44 Z",
                           "2026-11-21Z",
                           "2026-11-21T05:27ZZ",
                           " 2026-11-21",
                           "2026-1-21",
                           "0001-01-01T00:00:00+00:01",
                           "9999-12-31T23:59:59-00:01",
                           "+2026-11-21",
                           "2026/11/21"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_time(text));
  }
}

TEST_CASE("every time survives the round trip") {
  const uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int64_t> times(raw(*parse_time("0001-01-01")),
                                               raw(*parse_time("9999-12-31T23:59:59.999999")));
  for (int i = 0; i < 10'000; ++i) {
    const TimeUs time{times(random)};
    CHECK(parse_time(format_time(time)) == time);
  }
}

TEST_CASE("epoch seconds are rounded to the microsecond") {
  CHECK(time_from_seconds(0) == TimeUs{0});
  CHECK(time_from_seconds(1.5) == TimeUs{1'500'000});
  CHECK(time_from_seconds(-1.5) == TimeUs{-1'500'000});
  CHECK(time_from_seconds(1763702864.123456) == TimeUs{1'763'702'864'123'456});
  CHECK(time_from_seconds(0.9999999) == TimeUs{1'000'000});
  CHECK(time_from_seconds(-62135596800.0) == parse_time("0001-01-01"));
  for (const double bad : {-62135596800.5, 253402300800.0, 1e300, -1e300, HUGE_VAL,
                           std::numeric_limits<double>::quiet_NaN()}) {
    CAPTURE(bad);
    CHECK_FALSE(time_from_seconds(bad));
  }
}

}  // namespace
}  // namespace cairn
