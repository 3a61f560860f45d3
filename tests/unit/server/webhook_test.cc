#include "server/webhook.h"

#include <catch2/catch.hpp>

#include "base/time_format.h"

using namespace cairn;
using namespace cairn::server;
using alert::Verdict;

TEST_CASE("a message is signed as others compute it") {
  // printf '1764496800.{"version":1}' | openssl dgst -sha256 -hmac 'a secret between two'
  CHECK(signature_of("a secret between two", "1764496800", R"({"version":1})") ==
        "6a698fb95f9100b88c0c0317514fdc1eba7e54d4860bcbdb0952cb0d3940a192");
}

TEST_CASE("what an answer means") {
  for (const uint32_t status : {200, 201, 202, 204, 299}) {
    CHECK(verdict_of(status) == Verdict::Delivered);
  }
  for (const uint32_t status : {408, 425, 429, 500, 502, 503, 504, 599}) {
    CHECK(verdict_of(status) == Verdict::Failed);
  }
  for (const uint32_t status : {100, 199, 300, 301, 302, 307, 400, 401, 403, 404, 410, 413, 422}) {
    CHECK(verdict_of(status) == Verdict::Refused);
  }
}

TEST_CASE("how long one is asked to wait") {
  const TimeUs now = *parse_time("2026-11-30T12:00:00Z");
  CHECK(parse_retry_after("0", now) == 0);
  CHECK(parse_retry_after(" 120 ", now) == 120 * kMicrosPerSecond);
  CHECK(parse_retry_after("Mon, 30 Nov 2026 12:01:30 GMT", now) == 90 * kMicrosPerSecond);
  CHECK(parse_retry_after("Mon, 30 Nov 2026 11:01:30 GMT", now) == 0);
  for (const char* text : {"", "-1", "1.5", "soon", "99999999999999999999999", "2026-11-30",
                           "Mon, 30 Nov 2026 12:01:30 GMT+1"}) {
    INFO(text);
    CHECK(parse_retry_after(text, now) == std::nullopt);
  }
  // Whoever asks for years gets a bound later on; it must not overflow here.
  CHECK(parse_retry_after("18446744073709551615", now) == 1'000'000'000 * kMicrosPerSecond);
}
