// Tables with `vs`: beside each value that of an earlier window, and the change.
#include "query/earlier_window.h"

#include <catch2/catch.hpp>

#include "support/shop.h"

namespace cairn::testing {
namespace {

using Rows = std::vector<std::string>;

// Now is noon of the 21st.
class TwoDays : public Shop {
 public:
  TwoDays() {
    add("2026-11-20T09:15:00Z", "1.0", "1", "10");
    add("2026-11-20T09:45:00Z", "1.0", "2", "30");
    add("2026-11-20T10:30:00Z", "0.9", "1", "0");
    seal();
    add("2026-11-20T12:00:00Z", "1.0", "1", "1");  // as long ago as the window is: not in it
    add("2026-11-21T09:30:00Z", "1.0", "1", "50");
    add("2026-11-21T11:30:00Z", "1.0", "1", "50");
    add("2026-11-21T11:45:00Z", "1.1", "3", "7");
  }

 private:
  void add(const char* time, const char* release, const char* user, const char* took) {
    event({"x", time, "X", "error",
           R"("release":")" + std::string(release) + R"(","user":{"id":")" + user +
               R"("},"tags":{"took":")" + took + R"("})"});
  }
};

TEST_CASE_METHOD(TwoDays, "a call, its value before and the change in percent") {
  CHECK(table("timestamp:-3h | count() vs 1d") == Rows{"3 3 0"});
  CHECK(table("timestamp:-3h | count() uniq(user) sum(took) vs 1d") ==
        Rows{"3 3 0 2 2 0 107 40 167.5"});
  CHECK(table("timestamp:-3h | avg(took) vs 2d") == Rows{"35.6667 - -"});
}

TEST_CASE_METHOD(TwoDays, "rows of either window") {
  CHECK(table("timestamp:-3h | count() by release vs 1d") ==
        Rows{"1.0 2 2 0", "1.1 1 0 -", "0.9 0 1 -100"});
  CHECK(table("timestamp:-3h | count() max(took) by release vs 1d") ==
        Rows{"1.0 2 2 0 50 30 66.6667", "1.1 1 0 - 7 - -", "0.9 0 1 -100 - 0 -"});
}

TEST_CASE_METHOD(TwoDays, "buckets lie beside their counterparts") {
  CHECK(table("timestamp:-3h | count() every 1h vs 1d") == Rows{"2026-11-21T09:00:00Z 1 2 -50",
                                                                "2026-11-21T10:00:00Z 0 1 -100",
                                                                "2026-11-21T11:00:00Z 2 0 -"});
  // 90 minutes earlier it is 09:00 to 10:30 that stands beside 10:30 to 12:00, by its own hours.
  CHECK(table("timestamp:>=2026-11-21T10:30:00Z | count() every 1h vs 90m") ==
        Rows{"2026-11-21T11:00:00Z 2 1 100"});
}

// Its origin would be the last time there is, and moving that overflows (seen by sanitizers).
TEST_CASE_METHOD(TwoDays, "buckets beside a window without occurrences") {
  CHECK(table("timestamp:-3h | count() every 2h vs 7d") ==
        Rows{"2026-11-21T08:00:00Z 1 0 -", "2026-11-21T10:00:00Z 2 0 -"});
  CHECK(table("timestamp:-3h | avg(took) by release every 3h vs 7d") ==
        Rows{"2026-11-21T09:00:00Z 1.0 50 - -", "2026-11-21T09:00:00Z 1.1 7 - -"});
}

TEST_CASE_METHOD(TwoDays, "the window ends where the query says, else now") {
  CHECK(table("timestamp:>=2026-11-21T09:00:00Z timestamp:<2026-11-21T11:00:00Z | count() vs 1d") ==
        Rows{"1 3 -66.6667"});
  CHECK(table("timestamp:-3h | count() vs 90m") == Rows{"3 1 200"});
}

TEST_CASE_METHOD(TwoDays, "columns of a comparison are sorted and chosen by") {
  CHECK(table("timestamp:-3h | count() by release vs 1d | sort count().change") ==
        Rows{"0.9 0 1 -100", "1.0 2 2 0", "1.1 1 0 -"});
  CHECK(table("timestamp:-3h | count() by release vs 1d | where count().before > 0 | "
              "sort -count.before | limit 1") == Rows{"1.0 2 2 0"});
}

TEST_CASE_METHOD(TwoDays, "a condition on a change is in percent, with a sign or without") {
  for (const char* bound : {"> 50", "> 50%", "= 100", "= 100%"}) {
    INFO(bound);
    CHECK(table("timestamp:>=2026-11-21T10:30:00Z | count() vs 90m | where count().change " +
                std::string(bound)) == Rows{"2 1 100"});
  }
  CHECK(table("timestamp:-3h | count() by release vs 1d | where count().change < -99.5%") ==
        Rows{"0.9 0 1 -100"});
  CHECK(table("timestamp:-3h | count() by release vs 1d | where count.change >= 50%").empty());
}

TEST_CASE_METHOD(TwoDays, "what cannot be compared") {
  const Error open = error("level:error | count() vs 1w");
  CHECK(open.position == 25u);
  CHECK(open.message.find("timestamp:-24h") != std::string::npos);
  CHECK(error("timestamp:-3h | max(timestamp) vs 1d").position == 16u);
}

// Percentages are of the absolute value, so that more is above zero.
TEST_CASE("a change from below zero") {
  query::BoundTable table;
  table.vs_us = 1;
  table.calls.resize(1);
  table.calls[0].function = query::BoundCall::Function::Sum;
  query::RowSet now;
  now.value_count = 1;
  now.values = {5};
  query::RowSet before = now;
  before.values = {-10};
  const query::RowSet both = query::compared(table, now, before);
  CHECK(both.values == std::vector<double>{5, -10, 150});
}

}  // namespace
}  // namespace cairn::testing
