// Numbers and times in buckets.
#include "query/histogram.h"

#include <catch2/catch.hpp>

#include "support/shop.h"

namespace cairn::testing {
namespace {

using query::NumberScale;
using Rows = std::vector<std::string>;

// "from to" of the bucket that holds a number.
std::string bucket(const NumberScale& scale, double number) {
  const int64_t at = scale.bucket_of(number);
  return fmt::format("{} {}", scale.edge(at), scale.edge(at + 1));
}

TEST_CASE("buckets are the narrowest of 1, 2, 5, 10 ... that are few enough") {
  CHECK(bucket(NumberScale(0, 100, true, 20), 7) == "0 10");  // 21 of 5, 11 of 10
  CHECK(bucket(NumberScale(0, 99, true, 20), 7) == "5 10");
  CHECK(bucket(NumberScale(0, 99, true, 10), 7) == "0 10");
  CHECK(bucket(NumberScale(0, 99, true, 1000), 7) == "7 8");
  CHECK(bucket(NumberScale(0, 9.5, false, 1000), 7) == "7 7.01");
  CHECK(bucket(NumberScale(-3, 4000, true, 2), -3) == "-5000 0");
  CHECK(bucket(NumberScale(0.001, 0.0035, false, 10), 0.003) == "0.003 0.0035");
  CHECK(bucket(NumberScale(1e20, 1.5e20, true, 10), 1.2e20) == "1.2e+20 1.3e+20");
}

TEST_CASE("one number has one bucket") {
  CHECK(bucket(NumberScale(7, 7, true, 20), 7) == "7 8");
  CHECK(bucket(NumberScale(0.25, 0.25, false, 20), 0.25) == "0 1");
  CHECK(bucket(NumberScale(0, 0, true, 2), 0) == "0 1");
  const NumberScale far(3e300, 3e300, true, 20);
  const int64_t at = far.bucket_of(3e300);
  CHECK(far.edge(at) <= 3e300);
  CHECK(far.edge(at + 1) > 3e300);
}

// 0.3 divided by 0.1 is less than three.
TEST_CASE("an edge belongs to the bucket that begins there, also when it is no binary fraction") {
  const NumberScale scale(0, 2, false, 21);
  for (int tenths = 0; tenths <= 20; ++tenths) {
    const double number = tenths / 10.0;
    INFO(number);
    CHECK(scale.edge(scale.bucket_of(number)) == number);
  }
}

TEST_CASE("times have buckets of the clock") {
  const auto width = [](const char* from, const char* to, uint32_t buckets) {
    return query::time_bucket_us(Shop::at(from), Shop::at(to), buckets) / kMicrosPerSecond;
  };
  CHECK(width("2026-11-21T08:00:00Z", "2026-11-21T08:00:00Z", 20) == 1);
  CHECK(width("2026-11-21T08:00:00Z", "2026-11-21T08:19:59Z", 20) == 60);
  CHECK(width("2026-11-21T08:00:00Z", "2026-11-21T08:20:00Z", 20) == 120);
  CHECK(width("2026-11-01T00:00:00Z", "2026-11-21T00:00:00Z", 30) == 86400);
  CHECK(width("2020-11-01T00:00:00Z", "2026-11-21T00:00:00Z", 100) == 4 * 7 * 86400);
}

class Sizes : public Shop {
 public:
  Sizes() {
    for (const char* tags :
         {R"("took":"120ms","shop":"a")", R"("took":"80","shop":"a")", R"("took":"1s","shop":"a")",
          R"("took":"-5","shop":"b")", R"("took":"long","shop":"b")", R"("shop":"c")"}) {
      event({"x", "2026-11-21T1" + std::to_string(hours_) + ":00:00Z", "X", "error",
             R"("tags":{)" + std::string(tags) + "}"});
      if (++hours_ == 3) seal();
    }
  }

 private:
  int hours_ = 0;
};

TEST_CASE_METHOD(Sizes, "a histogram has every bucket from the first number to the last") {
  CHECK(table("| histogram took 7") == Rows{"-200 0 1", "0 200 2", "200 400 0", "400 600 0",
                                            "600 800 0", "800 1000 0", "1000 1200 1"});
}

TEST_CASE_METHOD(Sizes, "a histogram of chosen occurrences, chosen rows, in another order") {
  CHECK(table("shop:a took:80 | histogram tags[took]") == Rows{"80 81 1"});
  CHECK(table("shop:c | histogram took").empty());
  CHECK(table("| histogram never_seen").empty());
  CHECK(table("| histogram took 7 | where count() > 0 | sort -count()") ==
        Rows{"0 200 2", "-200 0 1", "1000 1200 1"});
  CHECK(table("| histogram took 7 | where from >= 0 | sort -to | limit 1") == Rows{"1000 1200 1"});
}

TEST_CASE_METHOD(Sizes, "a histogram of times") {
  CHECK(table("| histogram timestamp 3") == Rows{"2026-11-21T10:00:00Z 2026-11-21T12:00:00Z 2",
                                                 "2026-11-21T12:00:00Z 2026-11-21T14:00:00Z 2",
                                                 "2026-11-21T14:00:00Z 2026-11-21T16:00:00Z 2"});
  CHECK(table("shop:none | histogram timestamp").empty());
}

}  // namespace
}  // namespace cairn::testing
