#include "query/value_parser.h"

#include <catch2/catch.hpp>

#include "base/time_format.h"

namespace cairn::query {
namespace {

Value value_of(std::string text) {
  Value value;
  value.text = std::move(text);
  value.at = {7, 8};
  return value;
}

TEST_CASE("numbers as people write them") {
  CHECK(parse_number("12") == 12.0);
  CHECK(parse_number("-1.5") == -1.5);
  CHECK(parse_number("2k") == 2000.0);
  CHECK(parse_number("1.5M") == 1'500'000.0);
  CHECK(parse_number("3B") == 3e9);
  for (const char* wrong : {"", "k", "1kk", "x", "1 ", " 1", "inf", "nan", "1e999", "0x10"}) {
    INFO(wrong);
    CHECK_FALSE(parse_number(wrong).has_value());
  }
}

TEST_CASE("quantities are numbers with units") {
  CHECK(parse_quantity("12") == 12.0);
  CHECK(parse_quantity("2m") == 2e6);
  CHECK(parse_quantity("2min") == 120'000.0);
  CHECK(parse_quantity("1.5s") == 1500.0);
  CHECK(parse_quantity("-3d") == -3 * 86'400'000.0);
  CHECK(parse_quantity("2.5MB") == 2'500'000.0);
  CHECK(parse_quantity("1kib") == 1024.0);
  CHECK(parse_quantity("8bit") == 1.0);
  CHECK(parse_quantity("50%") == 0.5);
  for (const char* wrong : {"", "s", "kb", "1 s", "1.5.5s", "1ss", "%", "ten%", "1e3s "}) {
    INFO(wrong);
    CHECK_FALSE(parse_quantity(wrong).has_value());
  }
}

TEST_CASE("periods are whole and not nothing") {
  CHECK(parse_period("30s") == 30 * kMicrosPerSecond);
  CHECK(parse_period("2w") == 14 * 86'400 * kMicrosPerSecond);
  for (const char* wrong : {"", "h", "0h", "-1h", "1.5h", "1y", "99999999w", "1h "}) {
    INFO(wrong);
    CHECK_FALSE(parse_period(wrong).has_value());
  }
}

TEST_CASE("a period out of range has its form nevertheless") {
  for (const char* text : {"1h", "0h", "99999999w", "99999999999999999999s"}) {
    CHECK(has_form_of_period(text));
  }
  for (const char* text : {"", "h", "1", "-1h", "1.5h", "1y", "1h ", "1hh"}) {
    INFO(text);
    CHECK_FALSE(has_form_of_period(text));
  }
}

TEST_CASE("dates are ranges") {
  const TimeUs now = *parse_time("2026-11-21T12:00:00Z");
  const auto range = [&](const char* text, Op op) {
    const auto parsed = parse_time_test(value_of(text), op, now);
    REQUIRE(parsed.ok());
    return *parsed;
  };
  const TimeUs noon = now;
  const auto at = [](const char* text) { return *parse_time(text); };
  CHECK(range("2026-11-21", Op::Equal) == TimeRange{at("2026-11-21"), at("2026-11-22")});
  CHECK(range("2026-11-21T12:00:00", Op::Equal) ==
        TimeRange{at("2026-11-21T11:55:00"), at("2026-11-21T12:06:00")});
  CHECK_FALSE(range("2026-11-21T12:00:00", Op::Greater).contains(noon));
  CHECK(range("2026-11-21T12:00:00", Op::GreaterEqual).contains(noon));
  CHECK_FALSE(range("2026-11-21T12:00:00", Op::Less).contains(noon));
  CHECK(range("2026-11-21T12:00:00", Op::LessEqual).contains(noon));
  CHECK(range("-12h", Op::Equal).begin == at("2026-11-21"));
  CHECK(range("+12h", Op::Equal).contains(at("2026-11-21")));
  CHECK_FALSE(range("+12h", Op::Equal).contains(at("2026-11-21T00:00:00.000001Z")));
  CHECK(range("-1w", Op::Equal).begin == at("2026-11-14T12:00:00Z"));
}

TEST_CASE("what is no date is refused at its place") {
  for (const char* text : {"", "soon", "2026-13-01", "-h", "-1x", "24h", "-99999999999999999999d",
                           "-9999999999999w"}) {
    INFO(text);
    const auto parsed = parse_time_test(value_of(text), Op::Equal, TimeUs{0});
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().code == ErrorCode::InvalidArgument);
    CHECK(parsed.error().position == 7u);
  }
  CHECK_FALSE(parse_time_test(value_of("-24h"), Op::Greater, TimeUs{0}).ok());
}

}  // namespace
}  // namespace cairn::query
