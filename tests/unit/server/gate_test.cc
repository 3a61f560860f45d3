#include "server/gate.h"

#include <fcntl.h>

#include <catch2/catch.hpp>

#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::server;
using cairn::testing::TempDir;

namespace {

struct World {
  TempDir dir;
  std::string path = dir.path() + "/tokens";
  Log log{::open("/dev/null", O_WRONLY)};
  ManualClock clock{TimeUs{1'000'000}};
  Gate gate{path, false, log, clock};

  std::string add(const std::string& name, TimeUs expires = {}, SessionLimits limits = {}) {
    auto made = make_token({name, {}, expires, limits}, clock.now());
    REQUIRE(made.ok());
    auto tokens = read_tokens(path);
    REQUIRE(tokens.ok());
    tokens->push_back(made->token);
    REQUIRE(write_tokens(path, *tokens).ok());
    return made->text;
  }
};

bool admitted(const std::variant<Grant, Refusal>& result) {
  return std::holds_alternative<Grant>(result);
}

}  // namespace

TEST_CASE("who comes without a token") {
  World world;
  REQUIRE(world.gate.reload().ok());
  CHECK(admitted(world.gate.admit("", Way::Trusted)));
  CHECK(admitted(world.gate.admit("", Way::Local)));
  CHECK_FALSE(admitted(world.gate.admit("", Way::Open)));
  const auto local = std::get<Grant>(world.gate.admit("", Way::Local));
  world.add("a");
  REQUIRE(world.gate.reload().ok());
  CHECK(admitted(world.gate.admit("", Way::Trusted)));
  CHECK_FALSE(admitted(world.gate.admit("", Way::Local)));
  CHECK_FALSE(world.gate.check(local).ok());  // the session of before has ended
}

TEST_CASE("a wrong token is denied even where none is needed") {
  World world;
  REQUIRE(world.gate.reload().ok());
  const auto result = world.gate.admit("cairn_a_wrong", Way::Trusted);
  REQUIRE_FALSE(admitted(result));
  CHECK(std::get<Refusal>(result).error.code == ErrorCode::Denied);
}

TEST_CASE("tokens expire, and are revoked, for sessions that have begun, too") {
  World world;
  const std::string brief = world.add("brief", TimeUs{2'000'000});
  const std::string lasting = world.add("lasting");
  REQUIRE(world.gate.reload().ok());
  const auto first = std::get<Grant>(world.gate.admit(brief, Way::Open));
  const auto second = std::get<Grant>(world.gate.admit(lasting, Way::Open));
  CHECK(world.gate.check(first).ok());
  world.clock.set(TimeUs{2'000'000});
  CHECK_FALSE(world.gate.check(first).ok());
  CHECK_FALSE(admitted(world.gate.admit(brief, Way::Open)));
  CHECK(world.gate.check(second).ok());
  REQUIRE(write_tokens(world.path, {}).ok());
  REQUIRE(world.gate.reload().ok());
  CHECK_FALSE(world.gate.check(second).ok());
  CHECK_FALSE(admitted(world.gate.admit(lasting, Way::Open)));
  // Another token of the same name is another token.
  const std::string again = world.add("lasting");
  REQUIRE(world.gate.reload().ok());
  CHECK_FALSE(world.gate.check(second).ok());
  CHECK(admitted(world.gate.admit(again, Way::Open)));
}

TEST_CASE("a file that cannot be read leaves the tokens as they were") {
  World world;
  const std::string token = world.add("a");
  REQUIRE(world.gate.reload().ok());
  ::unlink(world.path.c_str());
  CHECK_FALSE(world.gate.reload().ok());
  CHECK(admitted(world.gate.admit(token, Way::Open)));
  CHECK_FALSE(admitted(world.gate.admit("", Way::Local)));
}

TEST_CASE("a token's limits come with it, and are never above the server's") {
  World world;
  const std::string text = world.add("a", {}, {.query_ms = 100, .calls = 1'000});
  REQUIRE(world.gate.reload().ok());
  const auto grant = std::get<Grant>(world.gate.admit(text, Way::Open));
  CHECK(grant.limits == SessionLimits{.query_ms = 100, .calls = 1'000});
  const SessionLimits server{.message_bytes = 70'000, .query_ms = 5'000, .calls = 64};
  CHECK(least(server, grant.limits) ==
        SessionLimits{.message_bytes = 70'000, .query_ms = 100, .calls = 64});
  CHECK(least(server, {}) == server);
  // Where the server has no limit, the token's is the only one.
  CHECK(least({}, {.verb_ms = 7}) == SessionLimits{.verb_ms = 7});
}

TEST_CASE("a rate lets through what it says") {
  Rate rate(10);
  int now = 0;
  TimeUs at{1'000'000'000};
  for (; now < 100 && rate.take(at) == 0; ++now) {
  }
  CHECK(now == 10);
  const uint32_t wait_ms = rate.take(at);
  CHECK(wait_ms > 0);
  CHECK(wait_ms <= 101);
  int through = 0;
  for (int step = 0; step < 2000; ++step) {  // two seconds
    at = TimeUs{raw(at) + 1000};
    if (rate.take(at) == 0) ++through;
  }
  CHECK(through >= 19);
  CHECK(through <= 20);
  Rate none(0);
  for (int i = 0; i < 1000; ++i) CHECK(none.take(at) == 0);
}

TEST_CASE("a token has one rate, however many sessions it opens") {
  Rates rates;
  Grant one, other;
  one.name = other.name = "a";
  one.hash = "h1";
  other.hash = "h2";
  const TimeUs now{5'000'000};
  const auto first = rates.of(one, 2), second = rates.of(one, 2);
  CHECK(first->take(now) == 0);
  CHECK(second->take(now) == 0);
  CHECK(first->take(now) > 0);
  CHECK(rates.of(one, 2)->take(now) > 0);  // coming back does not help
  CHECK(rates.of(other, 2)->take(now) == 0);
  CHECK(rates.of(one, 3)->take(now) == 0);  // it may do more now
  // Without a token nobody can be told from the next one.
  Grant nobody;
  nobody.name = "local";
  const auto here = rates.of(nobody, 1), there = rates.of(nobody, 1);
  CHECK(here->take(now) == 0);
  CHECK(here->take(now) > 0);
  CHECK(there->take(now) == 0);
}
