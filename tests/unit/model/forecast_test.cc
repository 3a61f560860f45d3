#include "model/forecast.h"

#include <catch2/catch.hpp>

#include "support/fold.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

constexpr int64_t kDay = 86'400;
// A Thursday.
const TimeUs kNow = at_second(7 * kDay);

}  // namespace

TEST_CASE("without an occurrence nothing is forecast") {
  CHECK(forecast_ceilings({}, kNow).empty());
  CHECK(forecast_ceilings(std::vector<uint32_t>(kForecastHours, 0), kNow).empty());
}

TEST_CASE("a young issue may do ten times its largest hour") {
  const std::vector<uint32_t> hours = {1, 7, 3};
  CHECK(forecast_ceilings(hours, kNow) == std::vector<uint32_t>(kForecastDays, 70));
  std::vector<uint32_t> almost(kForecastHours - 1, 2);
  CHECK(forecast_ceilings(almost, kNow) == std::vector<uint32_t>(kForecastDays, 20));
}

TEST_CASE("a steady issue may do five times its hour") {
  // No variation: the largest hour times 5, the mean hour times 5.
  const std::vector<uint32_t> steady(kForecastHours, 10);
  CHECK(forecast_ceilings(steady, kNow) == std::vector<uint32_t>(kForecastDays, 50));
}

TEST_CASE("the more the counts vary, the less above the largest hour") {
  std::vector<uint32_t> burst(kForecastHours, 0);
  burst[50] = 1000;
  // The coefficient of variation is about 13: the multiplier is at its least, 2.
  const auto ceilings = forecast_ceilings(burst, kNow);
  REQUIRE(ceilings.size() == kForecastDays);
  for (const uint32_t ceiling : ceilings) CHECK(ceiling == 2000);
}

TEST_CASE("days like those with more occurrences have higher ceilings") {
  // Only the last day, a Wednesday, is busy, by so much that the mean counts more than its largest.
  std::vector<uint32_t> week(kForecastHours, 8);
  for (size_t hour = kForecastHours - 24; hour < kForecastHours; ++hour) week[hour] = 10;
  const auto ceilings = forecast_ceilings(week, kNow);
  REQUIRE(ceilings.size() == kForecastDays);
  // From Thursday on: the sixth day after is a Wednesday again.
  CHECK(ceilings[6] >= ceilings[5]);
  CHECK(ceilings[13] == ceilings[6]);
}

TEST_CASE("counts beyond all bounds stay within 32 bits") {
  const std::vector<uint32_t> huge(kForecastHours, UINT32_MAX);
  for (const uint32_t ceiling : forecast_ceilings(huge, kNow)) CHECK(ceiling == UINT32_MAX);
}
