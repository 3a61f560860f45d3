// Every transition of a group's status, each with a test named after it: from, to, trigger
// (docs/semantics.md, "The life of an issue").
#include "model/rules.h"
#include "support/fold.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

constexpr int64_t kHour = 3600;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kStart = 10'000 * kDay;

// One group, SHOP-1 of fingerprint "a", made at kStart.
struct Life : Fold {
  Life() { see("a", kStart); }

  using Fold::see;
  Applied see(const char* fingerprint, int64_t second) {
    return Fold::see(kShop, {fingerprint}, second);
  }
  // With a release or a user.
  Applied see_event(const std::string& event, int64_t second) {
    Occurrence o = occurrence(kShop, {"a"}, second, next_id++);
    o.event = event;
    return apply(o, second);
  }
  Applied tick(int64_t second, std::vector<Ticked::NewForecast> forecasts = {}) {
    return apply(Ticked{std::move(forecasts)}, second);
  }
  void resolve(int64_t second, Resolution resolution = {}) {
    StatusChanged change{kShop, 1, Status::Resolved, Substatus::None};
    change.resolution = std::move(resolution);
    apply(change, second);
  }
  void archive(Substatus substatus, int64_t second, SnoozeTerms snooze = {},
               std::vector<uint32_t> forecast = {}) {
    StatusChanged change{kShop, 1, Status::Ignored, substatus};
    change.snooze = snooze;
    change.forecast = std::move(forecast);
    apply(change, second);
  }
  const Group& one() const { return group(kShop, 1); }
  std::string status() const { return status_text(one().status, one().substatus); }
};

std::string release(const std::string& version) { return R"({"release":")" + version + "\"}"; }
std::string user(int id) { return R"({"user":{"id":)" + std::to_string(id) + "}}"; }

}  // namespace

TEST_CASE("nothing to unresolved/new: the first occurrence") {
  const Life life;
  CHECK(life.status() == "unresolved/new");
  CHECK(life.state.for_review(GroupId{1}));
}

TEST_CASE("new to ongoing: first seen 7 days ago") {
  Life life;
  CHECK(life.tick(kStart + 7 * kDay - 1).touched.empty());
  CHECK(life.status() == "unresolved/new");
  CHECK_FALSE(life.state.anything_due(at_second(kStart + 7 * kDay - 1)));
  CHECK(life.state.anything_due(at_second(kStart + 7 * kDay)));
  // Between ticks nothing has happened.
  CHECK(life.status() == "unresolved/new");
  CHECK(life.tick(kStart + 7 * kDay).touched == std::vector{GroupId{1}});
  CHECK(life.status() == "unresolved/ongoing");
  CHECK_FALSE(life.state.for_review(GroupId{1}));
  CHECK_FALSE(life.state.anything_due(at_second(kStart + 700 * kDay)));
}

TEST_CASE("new to ongoing: an older occurrence that comes late counts") {
  Life life;
  REQUIRE_FALSE(life.state.anything_due(at_second(kStart + 5 * kDay)));
  life.apply(occurrence(kShop, {"a"}, kStart - 3 * kDay, 77), kStart + 10);
  CHECK(life.state.anything_due(at_second(kStart + 4 * kDay)));
  life.tick(kStart + 4 * kDay);
  CHECK(life.status() == "unresolved/ongoing");
}

TEST_CASE("new to ongoing: a part that was split off before it was seen") {
  Life life;
  life.apply(ProjectChanged{kShop, {}, FingerprintPolicy::Known}, kStart);
  life.Fold::see(kShop, {"a", "b"}, kStart);
  REQUIRE(life.carry_out(Command{SplitCommand{GroupId{1}, {"b"}, {}, {}}}, kStart + 1));
  REQUIRE(life.group(kShop, 2).times_seen == 0);
  life.tick(kStart + 8 * kDay);  // from here on what is due is kept
  life.see("b", kStart + 9 * kDay);
  life.tick(kStart + 16 * kDay);
  CHECK(life.group(kShop, 2).substatus == Substatus::Ongoing);
}

TEST_CASE("regressed to ongoing: 7 days after the regression") {
  Life life;
  life.resolve(kStart + 10);
  life.see("a", kStart + 20);
  REQUIRE(life.status() == "unresolved/regressed");
  life.tick(kStart + 20 + 7 * kDay - 1);
  CHECK(life.status() == "unresolved/regressed");
  life.tick(kStart + 20 + 7 * kDay);
  CHECK(life.status() == "unresolved/ongoing");
}

TEST_CASE("escalating to ongoing: 7 days after, and the priority is as at first") {
  Life life;
  life.archive(Substatus::UntilConditionMet, kStart + 10, {.count = 1});
  life.see("a", kStart + 20);
  REQUIRE(life.status() == "unresolved/escalating");
  CHECK(life.one().priority == 75);
  life.tick(kStart + 20 + 7 * kDay);
  CHECK(life.status() == "unresolved/ongoing");
  CHECK(life.one().priority == 50);
}

TEST_CASE("escalating: a priority that a person chose stays, up and down") {
  Life life;
  life.apply(PriorityChanged{kShop, 1, 25, true}, kStart + 5);
  life.archive(Substatus::UntilConditionMet, kStart + 10, {.count = 1});
  life.see("a", kStart + 20);
  CHECK(life.one().priority == 25);
  life.tick(kStart + 20 + 7 * kDay);
  CHECK(life.one().priority == 25);
}

TEST_CASE("escalating raises low to medium, and everything else to high") {
  for (const auto& [from, to] : {std::pair{25, 50}, {50, 75}, {75, 75}}) {
    Life life;
    life.apply(PriorityChanged{kShop, 1, static_cast<uint8_t>(from), false}, kStart + 5);
    life.apply(StatusChanged{kShop, 1, Status::Ignored, Substatus::Forever}, kStart + 6);
    life.apply(StatusChanged{kShop, 1, Status::Unresolved, Substatus::Escalating}, kStart + 7);
    CHECK(life.one().priority == to);
  }
}

TEST_CASE("new to escalating: more occurrences an hour than the project's threshold") {
  Life life;
  ProjectChanged threshold{kShop};
  threshold.escalation_threshold = 12;
  life.apply(threshold, kStart);
  for (int n = 2; n <= 12; ++n) life.see("a", kStart + n);
  CHECK(life.status() == "unresolved/new");  // 12 within the first hour
  life.see("a", kStart + 100);
  CHECK(life.status() == "unresolved/escalating");
}

TEST_CASE("new to escalating: not below ten occurrences, after a day, or without a threshold") {
  Life without;
  for (int n = 0; n < 1000; ++n) without.see("a", kStart + n);
  CHECK(without.status() == "unresolved/new");

  ProjectChanged threshold{kShop};
  threshold.escalation_threshold = 1;
  Life few;
  few.apply(threshold, kStart);
  for (int n = 2; n <= 9; ++n) few.see("a", kStart + n);
  CHECK(few.status() == "unresolved/new");
  few.see("a", kStart + 10);
  CHECK(few.status() == "unresolved/escalating");

  Life old;
  old.apply(threshold, kStart);
  for (int n = 0; n < 50; ++n) old.see("a", kStart + kDay + n);
  CHECK(old.status() == "unresolved/new");

  // Slow enough: one an hour at each occurrence.
  Life slow;
  threshold.escalation_threshold = 2;
  slow.apply(threshold, kStart);
  for (int n = 1; n <= 20; ++n) slow.see("a", kStart + n * kHour);
  CHECK(slow.status() == "unresolved/new");
}

TEST_CASE("archived until escalating to escalating: an hour above the day's forecast") {
  Life life;
  life.archive(Substatus::UntilEscalating, kStart + 10, {}, {3, 5});
  // The issue is too young on its first day.
  for (int n = 0; n < 9; ++n) life.see("a", kStart + 100 + n);
  CHECK(life.status() == "ignored/until_escalating");
  // From the second day on the second ceiling holds, and goes on to.
  const int64_t later = kStart + 5 * kDay;
  for (int n = 0; n < 5; ++n) life.see("a", later + n);
  CHECK(life.status() == "ignored/until_escalating");
  for (int n = 0; n < 5; ++n) life.see("a", later + kHour + n);  // another hour of the clock
  CHECK(life.status() == "ignored/until_escalating");
  life.see("a", later + kHour + 6);
  CHECK(life.status() == "unresolved/escalating");
  CHECK(life.one().priority == 75);
  CHECK_FALSE(life.state.care(GroupId{1}).forecast);
}

TEST_CASE("archived until escalating: without a forecast, or of a type that has none, it stays") {
  Life life;
  life.archive(Substatus::UntilEscalating, kStart + 10);
  for (int n = 0; n < 500; ++n) life.see("a", kStart + 3 * kDay + n);
  CHECK(life.status() == "ignored/until_escalating");

  Life typed;
  GroupType quiet = *find_known_group_type(1);
  quiet.escalation = false;
  typed.apply(TypesChanged{{}, {quiet}}, kStart);
  typed.archive(Substatus::UntilEscalating, kStart + 10, {}, {1});
  for (int n = 0; n < 500; ++n) typed.see("a", kStart + 3 * kDay + n);
  CHECK(typed.status() == "ignored/until_escalating");
}

TEST_CASE("archived until escalating: the forecast is renewed every week") {
  Life life;
  life.archive(Substatus::UntilEscalating, kStart, {}, {1});
  CHECK(life.state.forecasts_due(at_second(kStart + 7 * kDay - 1)).empty());
  CHECK(life.state.forecasts_due(at_second(kStart + 7 * kDay)) == std::vector{GroupId{1}});
  CHECK(life.tick(kStart + 7 * kDay, {{kShop, 1, {100}}}).touched.empty());
  CHECK(life.state.care(GroupId{1}).forecast->ceilings == std::vector<uint32_t>{100});
  for (int n = 0; n < 100; ++n) life.see("a", kStart + 8 * kDay + n);
  CHECK(life.status() == "ignored/until_escalating");
  life.see("a", kStart + 8 * kDay + 200);
  CHECK(life.status() == "unresolved/escalating");
}

TEST_CASE("archived until escalating: a new forecast does not start the hour anew") {
  Life life;
  life.archive(Substatus::UntilEscalating, kStart, {}, {5});
  for (int n = 0; n < 2; ++n) life.see("a", kStart + 7 * kDay + n);
  life.tick(kStart + 7 * kDay + 10, {{kShop, 1, {2}}});
  CHECK(life.status() == "ignored/until_escalating");
  life.see("a", kStart + 7 * kDay + 20);
  CHECK(life.status() == "unresolved/escalating");
}

TEST_CASE("archived until a condition to ongoing: its time has come") {
  Life life;
  life.archive(Substatus::UntilConditionMet, kStart + 10, {.until = at_second(kStart + kDay)});
  life.see("a", kStart + 2 * kDay);  // between ticks nothing happens
  CHECK(life.status() == "ignored/until_condition_met");
  CHECK_FALSE(life.state.anything_due(at_second(kStart + kDay - 1)));
  life.tick(kStart + kDay + kHour);
  CHECK(life.status() == "unresolved/ongoing");
  CHECK_FALSE(life.state.care(GroupId{1}).snooze);
}

TEST_CASE("archived until a condition to escalating: so many occurrences") {
  Life life;
  life.archive(Substatus::UntilConditionMet, kStart + 10, {.count = 3});
  life.see("a", kStart + kDay);
  life.see("a", kStart + 9 * kDay);
  CHECK(life.status() == "ignored/until_condition_met");
  life.see("a", kStart + 40 * kDay);
  CHECK(life.status() == "unresolved/escalating");
}

TEST_CASE("archived until a condition to escalating: so many occurrences within minutes") {
  Life life;
  life.archive(Substatus::UntilConditionMet, kStart, {.count = 3, .window_minutes = 10});
  for (int n = 1; n <= 20; ++n) life.see("a", kStart + n * 300);  // two in any ten minutes
  CHECK(life.status() == "ignored/until_condition_met");
  life.see("a", kStart + 20 * 300 + 1);
  CHECK(life.status() == "unresolved/escalating");
}

TEST_CASE("archived until a condition to escalating: so many users") {
  Life life;
  life.archive(Substatus::UntilConditionMet, kStart, {.users = 3});
  for (int n = 0; n < 9; ++n) life.see_event(user(n % 2), kStart + n * kDay);
  life.see("a", kStart + 10 * kDay);  // nobody
  CHECK(life.status() == "ignored/until_condition_met");
  life.see_event(user(2), kStart + 11 * kDay);
  CHECK(life.status() == "unresolved/escalating");
}

TEST_CASE("archived until a condition to escalating: so many users within minutes") {
  Life life;
  life.archive(Substatus::UntilConditionMet, kStart, {.users = 2, .user_window_minutes = 60});
  life.see_event(user(1), kStart + 1);
  life.see_event(user(2), kStart + 1 + kHour);  // the first one's hour is over
  CHECK(life.status() == "ignored/until_condition_met");
  life.see_event(user(1), kStart + 2 * kHour);
  CHECK(life.status() == "unresolved/escalating");
}

TEST_CASE("archived forever: whatever happens") {
  Life life;
  life.archive(Substatus::Forever, kStart);
  for (int n = 0; n < 200; ++n) life.see_event(user(n), kStart + 3 * kDay + n);
  life.tick(kStart + 60 * kDay);
  CHECK(life.status() == "ignored/forever");
}

TEST_CASE("unresolved to resolved: by age, where the project and the type want it") {
  Life life;
  life.see("a", kStart + kHour);
  ProjectChanged setting{kShop};
  setting.auto_resolve_hours = 48;
  life.apply(setting, kStart + kHour);
  CHECK_FALSE(life.state.anything_due(at_second(kStart + 49 * kHour - 1)));
  life.see("a", kStart + 2 * kHour);  // later than it looked
  CHECK_FALSE(life.state.anything_due(at_second(kStart + 50 * kHour - 1)));
  CHECK(life.tick(kStart + 50 * kHour).touched == std::vector{GroupId{1}});
  CHECK(life.status() == "resolved");

  Life typed;
  GroupType lasting = *find_known_group_type(1);
  lasting.auto_resolve = false;
  typed.apply(TypesChanged{{}, {lasting}}, kStart);
  typed.apply(setting, kStart);
  typed.tick(kStart + 3 * kDay);
  CHECK(typed.status() == "unresolved/new");

  Life archived;
  archived.apply(setting, kStart);
  archived.archive(Substatus::Forever, kStart);
  archived.tick(kStart + 90 * kDay);
  CHECK(archived.status() == "ignored/forever");
}

TEST_CASE("new to ongoing to resolved: both due, one with each tick") {
  Life life;
  ProjectChanged setting{kShop};
  setting.auto_resolve_hours = 1;
  life.apply(setting, kStart);
  life.tick(kStart + 30 * kDay);
  CHECK(life.status() == "unresolved/ongoing");
  CHECK(life.state.anything_due(at_second(kStart + 30 * kDay)));
  life.tick(kStart + 30 * kDay);
  CHECK(life.status() == "resolved");
  CHECK_FALSE(life.state.anything_due(at_second(kStart + 90 * kDay)));
}

TEST_CASE("resolved to regressed: any later occurrence") {
  Life life;
  life.resolve(kStart + 100);
  life.apply(occurrence(kShop, {"a"}, kStart + 50, 90), kStart + 200);  // of before, come late
  CHECK(life.status() == "resolved");
  life.see("a", kStart + 201);
  CHECK(life.status() == "unresolved/regressed");
  CHECK(life.state.for_review(GroupId{1}));
}

TEST_CASE("resolved to regressed: the releases are kept, each once, the latest last") {
  Life life;
  const auto regress = [&](const std::string& version, int64_t hour) {
    life.resolve(kStart + hour * kHour);
    life.see_event(release(version), kStart + hour * kHour + 1);
    CHECK(life.status() == "unresolved/regressed");
  };
  using Releases = std::vector<std::string>;
  CHECK(life.state.care(GroupId{1}).empty());
  regress("1.9", 1);
  regress("1.10", 2);
  CHECK(life.state.care(GroupId{1}).regressed_in == Releases{"1.9", "1.10"});
  regress("1.9", 3);
  CHECK(life.state.care(GroupId{1}).regressed_in == Releases{"1.10", "1.9"});
  life.resolve(kStart + 4 * kHour);
  life.see("a", kStart + 4 * kHour + 1);
  CHECK(life.status() == "unresolved/regressed");
  CHECK(life.state.care(GroupId{1}).regressed_in == Releases{"1.10", "1.9"});
  for (int i = 0; i < 100; ++i) regress("2." + std::to_string(i), 5 + i);
  CHECK(life.state.care(GroupId{1}).regressed_in.size() == kMaxRegressedIn);
  CHECK(life.state.care(GroupId{1}).regressed_in.back() == "2.99");
}

TEST_CASE("resolved in a release to regressed: an occurrence of it, or of a later one") {
  Life life;
  life.resolve(kStart + 100, {ResolutionKind::InRelease, "shop@2.0"});
  CHECK(life.state.releases(kShop).find("shop@2.0") != nullptr);  // registered by being named
  life.see_event(release("shop@1.9"), kStart + 200);
  life.see("a", kStart + 201);
  CHECK(life.status() == "resolved");
  life.see_event(release("shop@2.0"), kStart + 202);
  CHECK(life.status() == "unresolved/regressed");
  CHECK_FALSE(life.state.care(GroupId{1}).resolution);
}

TEST_CASE("resolved in the next release to regressed: an occurrence of a later one") {
  Life life;
  life.apply(ReleaseChanged{kShop, "shop@1.0", {}, {}}, kStart);
  life.resolve(kStart + 100, {ResolutionKind::InNextRelease, "shop@1.0"});
  life.see_event(release("shop@1.0"), kStart + 200);
  CHECK(life.status() == "resolved");
  life.see_event(release("shop@1.1"), kStart + 201);
  CHECK(life.status() == "unresolved/regressed");
}

TEST_CASE("resolved in a commit to regressed: an occurrence of a release that has it") {
  Life life;
  life.resolve(kStart + 100, {ResolutionKind::InCommit, "c0ffee"});
  life.see_event(release("shop@1.1"), kStart + 200);  // no release is known to have it
  CHECK(life.status() == "resolved");
  life.apply(ReleaseChanged{kShop, "shop@1.1", {}, {"c0ffee"}}, kStart + 300);
  life.see_event(release("shop@1.0"), kStart + 301);
  CHECK(life.status() == "resolved");
  life.see_event(release("shop@1.1"), kStart + 302);
  CHECK(life.status() == "unresolved/regressed");
}

TEST_CASE("resolved in a commit: of releases that have it the first one, also after a restore") {
  Life life;
  life.apply(ReleaseChanged{kShop, "nightly-0", {}, {}}, kStart);
  life.apply(ReleaseChanged{kShop, "nightly-1", {}, {"c0ffee"}}, kStart + 1);
  life.apply(ReleaseChanged{kShop, "nightly-0", {}, {"c0ffee"}}, kStart + 2);
  State restored;
  REQUIRE(restored.restore_project(*life.state.project(kShop)).ok());
  for (const Release& one : life.state.releases(kShop).all()) {
    REQUIRE(restored.restore_release(one).ok());
  }
  CHECK(life.state.releases(kShop).with_commit("c0ffee")->version == "nightly-0");
  CHECK(restored.releases(kShop).with_commit("c0ffee")->version == "nightly-0");
}

TEST_CASE("resolved, archived to ongoing: a person opens it again") {
  Life life;
  life.resolve(kStart + 100, {ResolutionKind::InRelease, "shop@2.0"});
  life.apply(StatusChanged{kShop, 1, Status::Unresolved, Substatus::Ongoing}, kStart + 200);
  CHECK(life.status() == "unresolved/ongoing");
  CHECK(life.state.care(GroupId{1}).empty());
  life.archive(Substatus::UntilConditionMet, kStart + 300, {.count = 100});
  life.apply(StatusChanged{kShop, 1, Status::Unresolved, Substatus::Ongoing}, kStart + 400);
  CHECK(life.state.care(GroupId{1}).empty());
}

TEST_CASE("any to deleted: for good, and the next occurrence makes a fresh issue") {
  Life life;
  life.apply(StandingChanged{kShop, 1, Standing::Deleted}, kStart + 10);
  CHECK(life.state.issue_of(GroupId{1}) == GroupId{});
  CHECK(life.state.find_fingerprint(kShop, "a") == nullptr);
  CHECK(life.state.roots_by_fingerprint() == std::vector<GroupId>{GroupId{}, GroupId{}});
  CHECK_FALSE(life.state.anything_due(at_second(kStart + 90 * kDay)));
  life.see("a", kStart + 20);
  CHECK(life.group(kShop, 2).times_seen == 1);
  CHECK(life.group(kShop, 2).substatus == Substatus::New);
  CHECK(life.one().times_seen == 1);
  CHECK(life.state.find_fingerprint(kShop, "a")->leaf == GroupId{2});
  CHECK_FALSE(life.try_apply(StandingChanged{kShop, 1, Standing::Kept}).ok());
  // And again.
  life.apply(StandingChanged{kShop, 2, Standing::Deleted}, kStart + 30);
  life.see("a", kStart + 40);
  CHECK(life.state.find_fingerprint(kShop, "a")->leaf == GroupId{3});
}

TEST_CASE("any to discarded: counted, shown nowhere; taken back it is all there") {
  Life life;
  const Hash128 before = life.state.state_digest();
  life.apply(StandingChanged{kShop, 1, Standing::Discarded}, kStart + 10);
  life.apply(StandingChanged{kShop, 1, Standing::Kept}, kStart + 11);
  CHECK(life.state.state_digest() == before);

  life.apply(StandingChanged{kShop, 1, Standing::Discarded}, kStart + 12);
  life.see("a", kStart + 20);
  life.see("a", kStart + 30);
  CHECK(life.state.group_count() == 1);
  CHECK(life.one().times_seen == 3);
  CHECK(life.state.issue_of(GroupId{1}) == GroupId{});
  CHECK_FALSE(life.state.all_shown());
  CHECK_FALSE(life.try_apply(StatusChanged{kShop, 1, Status::Resolved, Substatus::None}).ok());
  life.tick(kStart + 30 * kDay);
  CHECK(life.status() == "unresolved/new");
  life.apply(StandingChanged{kShop, 1, Standing::Kept}, kStart + 31 * kDay);
  CHECK(life.state.issue_of(GroupId{1}) == GroupId{1});
  CHECK(life.state.all_shown());
  CHECK(life.one().times_seen == 3);
}

TEST_CASE("a resolved view is shown as regressed once a member is seen, until that leaves") {
  Life life;
  life.see("b", kStart);
  life.see("c", kStart);
  life.merge(kShop, 1, {2});
  life.merge(kShop, 1, {3});
  life.resolve(kStart + 100);
  const Hash128 resolved = life.state.state_digest();
  life.see("b", kStart + 200);
  CHECK(life.status() == "resolved");  // its own
  CHECK(life.state.shown_status(GroupId{1}) ==
        ShownStatus{Status::Unresolved, Substatus::Regressed, at_second(kStart + 200)});
  CHECK(life.state.for_review(GroupId{1}));
  life.see("c", kStart + 300);
  life.unmerge(kShop, 1, {2});
  CHECK(life.state.shown_status(GroupId{1}).since == at_second(kStart + 300));
  life.unmerge(kShop, 1, {3});
  CHECK(life.state.shown_status(GroupId{1}).status == Status::Resolved);
  CHECK(life.state.care(GroupId{1}).empty());
  CHECK(life.state.state_digest() != resolved);  // two occurrences more
}

TEST_CASE("a view that a member reopened is resolved again by saying so") {
  Life life;
  life.see("b", kStart);
  life.merge(kShop, 1, {2});
  life.resolve(kStart + 100);
  life.see("b", kStart + 200);
  const auto again = decide(life.state, SetStatusCommand{GroupId{1}, Status::Resolved});
  REQUIRE(again.ok());
  REQUIRE(again->has_value());
  life.apply(**again, kStart + 300);
  CHECK(life.state.shown_status(GroupId{1}).status == Status::Resolved);
  life.see("b", kStart + 250);  // of before
  CHECK(life.state.shown_status(GroupId{1}).status == Status::Resolved);
}

TEST_CASE("a view resolved in a release is not reopened by older ones of its members") {
  Life life;
  life.see("b", kStart);
  life.merge(kShop, 1, {2});
  life.resolve(kStart + 100, {ResolutionKind::InRelease, "shop@2.0"});
  Occurrence old = occurrence(kShop, {"b"}, kStart + 200, 901);
  old.event = release("shop@1.0");
  life.apply(old, kStart + 200);
  CHECK(life.state.shown_status(GroupId{1}).status == Status::Resolved);
  Occurrence fixed = occurrence(kShop, {"b"}, kStart + 201, 902);
  fixed.event = release("shop@2.0");
  life.apply(fixed, kStart + 201);
  CHECK(life.state.shown_status(GroupId{1}).substatus == Substatus::Regressed);
}

TEST_CASE("held back: below the noise limit there is no issue, then it has them all") {
  Fold fold;
  ProjectChanged hold{kShop};
  hold.hold_back = true;
  fold.apply(hold, kStart);
  GroupType noisy = *find_known_group_type(1);
  noisy.noise_limit = 3;
  noisy.quota_per_hour = 100;
  fold.apply(TypesChanged{{}, {noisy}}, kStart);
  fold.see(kShop, {"a"}, kStart + 1);
  CHECK(fold.see(kShop, {"a"}, kStart + 2).touched.empty());
  CHECK(fold.state.group_count() == 0);
  CHECK(fold.state.held().size() == 1);
  CHECK(fold.state.find_fingerprint(kShop, "a")->occurrences == 2);
  const Applied made = fold.see(kShop, {"a"}, kStart + 3);
  CHECK(made.touched == std::vector{GroupId{1}});
  CHECK(made.regrouped == std::vector{GroupId{1}});
  CHECK(fold.group(kShop, 1).times_seen == 3);
  CHECK(fold.group(kShop, 1).first_seen == at_second(kStart + 1));
  CHECK(fold.state.held().empty());
  REQUIRE(fold.state.finish_restore().ok());
}

TEST_CASE("held back: named along with a known fingerprint it joins that one's issue") {
  Fold fold;
  ProjectChanged hold{kShop, {}, FingerprintPolicy::Known};
  hold.hold_back = true;
  fold.apply(hold, kStart);
  GroupType noisy = *find_known_group_type(1);
  noisy.noise_limit = 2;
  fold.apply(TypesChanged{{}, {noisy}}, kStart);
  for (int n = 2; n <= 3; ++n) fold.see(kShop, {"a"}, kStart + n);
  REQUIRE(fold.group(kShop, 1).times_seen == 2);
  fold.see(kShop, {"b"}, kStart + 1);
  REQUIRE(fold.state.held().size() == 1);
  const Applied joined = fold.see(kShop, {"b", "a"}, kStart + 4);
  CHECK(joined.regrouped == std::vector{GroupId{1}});
  CHECK(fold.state.held().empty());
  CHECK(fold.state.group_count() == 1);
  CHECK(fold.state.find_fingerprint(kShop, "b")->leaf == GroupId{1});
  CHECK(fold.group(kShop, 1).times_seen == 4);
  CHECK(fold.group(kShop, 1).first_seen == at_second(kStart + 1));
  REQUIRE(fold.state.finish_restore().ok());
}

TEST_CASE("held back: after a day of silence noise is counted anew") {
  Fold fold;
  ProjectChanged hold{kShop};
  hold.hold_back = true;
  fold.apply(hold, kStart);
  GroupType noisy = *find_known_group_type(1);
  noisy.noise_limit = 2;
  fold.apply(TypesChanged{{}, {noisy}}, kStart);
  fold.see(kShop, {"a"}, kStart);
  fold.see(kShop, {"a"}, kStart + kDay + 1);
  CHECK(fold.state.group_count() == 0);
  fold.see(kShop, {"a"}, kStart + kDay + 2);
  CHECK(fold.group(kShop, 1).times_seen == 3);
}

TEST_CASE("held back: a type's quota of new issues an hour, per project") {
  Fold fold;
  ProjectChanged hold{kShop};
  hold.hold_back = true;
  fold.apply(hold, kStart);
  for (int n = 0; n < 8; ++n) fold.see(kShop, {"f" + std::to_string(n)}, kStart + n);
  CHECK(fold.state.group_count() == 5);  // the default quota
  fold.see(kApi, {"x"}, kStart + 9);     // a project that holds nothing back
  CHECK(fold.state.group_count() == 6);
  fold.see(kShop, {"f7"}, kStart + 59 * 60);
  CHECK(fold.state.group_count() == 6);
  fold.see(kShop, {"f7"}, kStart + 60 * 60);  // the first five are out of the window
  CHECK(fold.state.group_count() == 7);
  CHECK(fold.group(kShop, 6).times_seen == 3);
  // To say again that it holds back makes no room.
  for (int n = 10; n < 18; ++n) fold.see(kShop, {"f" + std::to_string(n)}, kStart + 61 * 60);
  const uint32_t full = fold.state.group_count();
  fold.apply(hold, kStart + 61 * 60);
  fold.see(kShop, {"g"}, kStart + 61 * 60);
  CHECK(fold.state.group_count() == full);
}
