// What the store does by itself as time goes by: ticks, forecasts and releases, on virtual time.
#include <catch2/catch.hpp>
#include <cstring>

#include "engine/group_history.h"
#include "engine/hourly_counts.h"
#include "support/virtual_store.h"

using namespace cairn;
using namespace cairn::engine;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

constexpr int64_t kHour = 3600;
constexpr int64_t kDay = 24 * kHour;

// A store that ticks when it is told to or by its writes.
struct Days : VirtualStore {
  Days() {
    options.close_limit = 8;
    open();
  }

  void at(int64_t second) { clock.set(at_second(kVirtualStart + second)); }
  ExecuteResult run(const Command& command) {
    auto result = store->execute(command, {});
    INFO((result.ok() ? std::string() : result.error().message));
    REQUIRE(result.ok());
    return std::move(result).value();
  }
  Outcome tick() {
    const auto result = store->tick();
    REQUIRE(result.ok());
    return result->outcome;
  }
  std::string status(uint32_t number = 1) {
    const auto snapshot = store->snapshot();
    REQUIRE(snapshot.ok());
    const Group* group = (*snapshot)->state().find_group(kShop, number);
    REQUIRE(group != nullptr);
    const ShownStatus shown = (*snapshot)->state().shown_status(group->id);
    std::string out(status_name(shown.status));
    if (shown.substatus != Substatus::None) {
      out += "/" + std::string(substatus_name(shown.substatus));
    }
    return out;
  }
  std::string digests() {
    const auto found = store->digests();
    REQUIRE(found.ok());
    return found->state.hex() + found->full.hex();
  }
  // Closed, opened, and rebuilt from the log, the store says the same.
  void check_replay() {
    const std::string before = digests();
    REQUIRE(store->close().ok());
    open();
    CHECK(digests() == before);
    REQUIRE(store->close().ok());
    store.reset();
    const auto rebuilt = Store::rebuild(dir / "store", options);
    REQUIRE(rebuilt.ok());
    CHECK(rebuilt->digests.state.hex() + rebuilt->digests.full.hex() == before);
    open();
    CHECK(digests() == before);
  }
};

SetStatusCommand archive(SnoozeTerms terms) {
  return {GroupId{1}, Status::Ignored, Substatus::None, terms, {}};
}

}  // namespace

TEST_CASE("a tick happens when something is due, and is a record of the log") {
  Days days;
  days.see("a");
  CHECK(days.tick() == Outcome::NoChange);
  days.at(7 * kDay - 1);
  CHECK(days.tick() == Outcome::NoChange);
  days.at(7 * kDay);
  CHECK(days.status() == "unresolved/new");  // nobody ticked yet
  CHECK(days.tick() == Outcome::Stored);
  CHECK(days.status() == "unresolved/ongoing");
  CHECK(days.tick() == Outcome::NoChange);
  days.check_replay();

  const auto snapshot = days.store->snapshot();
  const auto history = group_history(**snapshot, GroupId{1});
  REQUIRE(history.ok());
  REQUIRE(history->size() == 2);
  CHECK((*history)[1].what == "ongoing");
  CHECK((*history)[1].before == "unresolved/new");
  CHECK((*history)[1].after == "unresolved/ongoing");
}

TEST_CASE("a write ticks before it, once a minute at most") {
  Days days;
  days.see("a");
  days.at(8 * kDay);
  days.see("b");
  CHECK(days.status(1) == "unresolved/ongoing");
  // b's older twin makes something due at once, but a tick was just now.
  Occurrence old = occurrence(kShop, {"b"}, kVirtualStart, days.next_id++);
  REQUIRE(days.store->submit(std::vector<Message>{old}, {}).ok());
  days.at(8 * kDay + 59);
  days.see("c");
  CHECK(days.status(2) == "unresolved/new");
  days.at(8 * kDay + 60);
  days.see("c");
  CHECK(days.status(2) == "unresolved/ongoing");
  days.check_replay();
}

TEST_CASE("sixty days of a snoozed issue") {
  Days days;
  days.see("a");
  // Until a time.
  days.at(kDay);
  days.run(archive({.until = at_second(kVirtualStart + 10 * kDay)}));
  for (int day = 2; day < 10; ++day) {
    days.at(day * kDay);
    days.see("a");
    days.tick();
    REQUIRE(days.status() == "ignored/until_condition_met");
  }
  days.at(10 * kDay);
  CHECK(days.tick() == Outcome::Stored);
  CHECK(days.status() == "unresolved/ongoing");
  // Until so many occurrences.
  days.at(11 * kDay);
  days.run(archive({.count = 10}));
  for (int day = 12; day < 21; ++day) {
    days.at(day * kDay);
    days.see("a");
    days.tick();
    REQUIRE(days.status() == "ignored/until_condition_met");
  }
  days.open();  // where it has come is kept
  days.at(21 * kDay);
  days.see("a");
  CHECK(days.status() == "unresolved/escalating");
  // A week later it is ongoing.
  days.at(28 * kDay);
  CHECK(days.tick() == Outcome::Stored);
  CHECK(days.status() == "unresolved/ongoing");
  // Until so many within an hour.
  days.run(archive({.count = 4, .window_minutes = 60}));
  for (int hour = 1; hour < 200; ++hour) {
    days.at(28 * kDay + hour * kHour);
    days.see("a", "", 2);
    REQUIRE(days.status() == "ignored/until_condition_met");
  }
  days.at(28 * kDay + 199 * kHour + 60);
  days.see("a", "", 2);
  CHECK(days.status() == "unresolved/escalating");
  // Until so many users.
  days.at(45 * kDay);
  days.run(archive({.users = 5}));
  for (int day = 45; day < 58; ++day) {
    days.at(day * kDay + kHour);
    days.see("a", R"({"user":{"id":)" + std::to_string(day % 4) + "}}", 3);
    REQUIRE(days.status() == "ignored/until_condition_met");
  }
  days.at(60 * kDay);
  days.see("a", R"({"user":{"id":99}})");
  CHECK(days.status() == "unresolved/escalating");
  days.check_replay();
}

TEST_CASE("sixty days of an issue archived until it escalates") {
  Days days;
  // Ten an hour for ten days.
  for (int hour = 0; hour < 10 * 24; ++hour) {
    days.at(hour * kHour);
    days.see("a", "", 10);
  }
  days.at(10 * kDay);
  days.run(SetStatusCommand{GroupId{1}, Status::Ignored, Substatus::UntilEscalating, {}, {}});
  {
    const auto snapshot = days.store->snapshot();
    const auto& forecast = (*snapshot)->state().care(GroupId{1}).forecast;
    REQUIRE(forecast);
    // Steady: five times the hour. The hour just begun counts what was seen in it: nothing.
    REQUIRE(forecast->ceilings.size() == 14);
    for (const uint32_t ceiling : forecast->ceilings) CHECK((ceiling >= 45 && ceiling <= 55));
  }
  // Twice as much is no escalation; the forecast is renewed every week from what came.
  for (int hour = 10 * 24; hour < 40 * 24; ++hour) {
    days.at(hour * kHour + 60);
    days.see("a", "", 20);
    if (hour % 24 == 0) days.tick();
    REQUIRE(days.status() == "ignored/until_escalating");
  }
  {
    const auto snapshot = days.store->snapshot();
    const auto& forecast = (*snapshot)->state().care(GroupId{1}).forecast;
    CHECK(forecast->made > at_second(kVirtualStart + 30 * kDay));
    for (const uint32_t ceiling : forecast->ceilings) CHECK((ceiling >= 90 && ceiling <= 110));
  }
  // Sixty an hour would have been too many for the first forecast; it is not for this one.
  days.at(50 * kDay);
  days.see("a", "", 60);
  CHECK(days.status() == "ignored/until_escalating");
  days.at(50 * kDay + 10 * 60);
  days.see("a", "", 60);
  CHECK(days.status() == "unresolved/escalating");
  days.at(57 * kDay + 10 * 60);
  CHECK(days.tick() == Outcome::Stored);
  CHECK(days.status() == "unresolved/ongoing");
  days.check_replay();
}

TEST_CASE("hourly counts are those of the group's own occurrences") {
  Days days;
  for (int hour = 0; hour < 30; ++hour) {
    days.at(hour * kHour + 60);
    days.see("a", "", hour % 3);
    days.see("b", "", 5);
    days.see("a");
  }
  days.run(MergeCommand{GroupId{1}, {GroupId{2}}});
  const auto snapshot = days.store->snapshot();
  const query::View& view = (*snapshot)->view();
  const Group* a = (*snapshot)->state().find_group(
      kShop,
      (*snapshot)->state().group((*snapshot)->state().find_fingerprint(kShop, "a")->leaf).number);
  const auto counts = hourly_counts((*snapshot)->state(), view.parts, a->id,
                                    at_second(kVirtualStart + 29 * kHour + 60));
  REQUIRE(counts.size() == 30);
  for (size_t hour = 0; hour < 30; ++hour) CHECK(counts[hour] == hour % 3 + 1);
}

TEST_CASE("the first occurrence of a release registers it") {
  Days days;
  days.see("a", R"({"release":"shop@1.0"})");
  days.at(kDay);
  days.see("b", R"({"release":"shop@1.1"})", 3);
  days.see("b", R"({"release":")" + std::string(300, 'x') + "\"}");  // too long to be one
  days.open();
  days.see("b", R"({"release":"shop@1.0"})");
  {
    const auto snapshot = days.store->snapshot();
    const auto& releases = (*snapshot)->state().releases(kShop).all();
    REQUIRE(releases.size() == 2);
    CHECK(releases[0].version == "shop@1.0");
    CHECK(releases[0].date == at_second(kVirtualStart));
    CHECK(releases[1].version == "shop@1.1");
  }
  // Resolved in the next release: that is behind the newest one.
  days.run(SetStatusCommand{
      GroupId{2}, Status::Resolved, Substatus::None, {}, {ResolutionKind::InNextRelease, ""}});
  days.at(2 * kDay);
  days.see("b", R"({"release":"shop@1.1"})");
  CHECK(days.status(2) == "resolved");
  days.see("b", R"({"release":"shop@1.2"})");
  CHECK(days.status(2) == "unresolved/regressed");
  days.check_replay();
}

TEST_CASE("what is held back, discarded or deleted is in no answer, and in none of the counts") {
  Days days;
  days.run(ChangeProjectCommand{kShop, {}, {}, {}, {}, true});
  GroupType noisy = *find_known_group_type(1);
  noisy.noise_limit = 3;
  noisy.quota_per_hour = 100;
  days.run(ChangeTypesCommand{{}, {noisy}});
  const auto count = [&](const char* query) {
    const auto snapshot = days.store->snapshot();
    REQUIRE(snapshot.ok());
    query::SearchOptions now;
    now.now = days.clock.now();
    const auto table = (*snapshot)->aggregate(query, now);
    INFO((table.ok() ? std::string() : table.error().message));
    REQUIRE(table.ok());
    return table->rows.empty() ? 0 : std::get<int64_t>(table->rows[0][0].value);
  };
  days.see("a", "", 2);
  CHECK(count("| count()") == 0);
  CHECK(count("level:error | count()") == 0);
  CHECK(count("is:unresolved OR level:error | count()") == 0);
  days.open();
  days.see("a");
  CHECK(count("| count()") == 3);
  CHECK(count("is:unresolved | count()") == 3);
  days.see("b", "", 5);
  CHECK(count("level:error | count()") == 8);

  days.run(SetStandingCommand{GroupId{1}, Standing::Discarded});
  CHECK(count("level:error | count()") == 5);
  CHECK(count("issue:P5-1 | count()") == 0);
  CHECK(count("issue:P5-1 OR level:fatal | count()") == 0);
  CHECK(count("!issue:P5-1 | count()") == 5);
  days.see("a", "", 4);
  CHECK(count("| count()") == 5);
  days.check_replay();
  CHECK(count("| count()") == 5);
  days.run(SetStandingCommand{GroupId{1}, Standing::Kept});
  CHECK(count("| count()") == 12);

  days.run(SetStandingCommand{GroupId{2}, Standing::Deleted});
  CHECK(count("| count()") == 7);
  days.see("b", "", 3);
  CHECK(count("| count()") == 10);
  days.check_replay();
  CHECK(count("is:unresolved | count()") == 10);
}

TEST_CASE("who looks every few seconds makes at most one tick a minute") {
  Days d;
  d.see("a");
  d.run(ChangeProjectCommand{.project = kShop, .auto_resolve_hours = 1});
  const auto look = [&] {
    const auto done = d.store->tick_if_due();
    REQUIRE(done.ok());
    return done->outcome;
  };
  d.at(30);
  CHECK(look() == Outcome::NoChange);
  d.at(2 * kHour);
  CHECK(look() == Outcome::Stored);
  CHECK(d.status() == "resolved");
  CHECK(look() == Outcome::NoChange);
}
