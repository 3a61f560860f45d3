// Alert rules in a store, on virtual time: what is counted, when it is evaluated, what is logged,
// and that restarts and replays change nothing. The arithmetic is tested in tests/unit/alert.
#include <catch2/catch.hpp>
#include <filesystem>
#include <random>

#include "alert/alert_command.h"
#include "engine/alerting.h"
#include "support/forgetful_file_system.h"
#include "support/virtual_store.h"

using namespace cairn;
using namespace cairn::engine;
using namespace cairn::model;
using namespace cairn::testing;
using alert::AlertCommand;
using alert::Severity;

namespace {

constexpr int64_t kMinute = 60;

// A store with rules, which ticks whenever time is set.
struct Watch : VirtualStore {
  Watch() {
    options.alert_delay_us = 0;
    options.close_limit = 1;
    open();
  }
  void open() {
    VirtualStore::open();
    REQUIRE(store->fill_alerts().ok());
  }
  void at(int64_t minute, int64_t second = 0) {
    clock.set(at_second(kVirtualStart + minute * kMinute + second));
    REQUIRE(store->tick().ok());
  }
  void see(const std::string& fingerprint, int count = 1, const std::string& event = "{}") {
    VirtualStore::see(fingerprint, event, count);
  }
  ItemResult try_run(const AlertCommand& command, const std::string& key = "") {
    auto result = store->execute(std::span(&command, 1), {"user:1", key});
    REQUIRE(result.ok());
    REQUIRE(result->items.size() == 1);
    REQUIRE(store->fill_alerts().ok());
    return result->items.front();
  }
  void run(const AlertCommand& command) {
    const ItemResult item = try_run(command);
    INFO((item.error ? item.error->message : std::string()));
    REQUIRE(item.outcome == Outcome::Stored);
  }
  uint32_t add(const std::string& json) {
    auto rule = alert::parse_rule(json);
    INFO((rule.ok() ? std::string() : rule.error().message));
    REQUIRE(rule.ok());
    run(alert::AddRule{*std::move(rule)});
    return seen()->alerts().last_rule();
  }
  std::unique_ptr<Snapshot> seen() {
    auto snapshot = store->snapshot();
    REQUIRE(snapshot.ok());
    return std::move(snapshot).value();
  }
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const auto& one : seen()->alerts().notifications_after({}, 1000)) {
      if (one.kind == alert::Notification::Kind::Firing) {
        out.push_back(one.rule_name + " " + std::string(alert::issue_event_name(one.event)) + " " +
                      std::to_string(one.number));
      } else {
        const int64_t minute = (raw(one.at) / kMicrosPerSecond - kVirtualStart) / kMinute;
        out.push_back(one.rule_name + (one.key.empty() ? "" : "[" + one.key + "]") + " " +
                      std::string(alert::severity_name(one.from)) + ">" +
                      std::string(alert::severity_name(one.to)) + " @" + std::to_string(minute));
      }
    }
    return out;
  }
  Hash128 digest() {
    const auto digests = store->digests();
    REQUIRE(digests.ok());
    return digests->full;
  }
};

using Told = std::vector<std::string>;

const char* const kMany = R"({"name":"many","time_window":5,
    "triggers":[{"label":"critical","alert_threshold":10},
                {"label":"warning","alert_threshold":4}]})";

}  // namespace

TEST_CASE("a stored rule opens, worsens and resolves an incident at ticks") {
  Watch w;
  CHECK(w.add(kMany) == 1);
  CHECK(w.seen()->alerts().rule(1)->rule.status == alert::RuleStatus::Active);
  w.see("a", 5);
  w.at(1);
  CHECK(w.told() == Told{"many ok>warning @1"});
  w.see("a", 7);
  w.at(2);
  CHECK(w.told() == Told{"many ok>warning @1", "many warning>critical @2"});
  w.at(6);
  w.at(7);
  CHECK(w.told() == Told{"many ok>warning @1", "many warning>critical @2",
                         "many critical>warning @6", "many warning>ok @7"});
  const auto incident = *w.seen()->alerts().incident(1);
  CHECK(incident.incident.worst == Severity::Critical);
  CHECK(incident.incident.method == alert::CloseMethod::RuleTriggered);
  CHECK(incident.steps.size() == 4);
}

TEST_CASE("a rule counts what came before it") {
  Watch w;
  w.at(1);
  w.see("a", 200);  // beyond the head: some of it is sealed
  w.at(2);
  w.add(kMany);
  w.at(3);
  CHECK(w.told() == Told{"many ok>critical @3"});
}

TEST_CASE("restarts at any moment change nothing") {
  Told first;
  for (int restarts = 0; restarts < 3; ++restarts) {
    CAPTURE(restarts);
    Watch w;
    w.add(kMany);
    w.add(R"~({"name":"users","aggregate":"uniq(user)","group_by":"environment",
              "time_window":3,
              "triggers":[{"label":"critical","alert_threshold":2}]})~");
    w.add(R"({"name":"issues","group_by":"issue","time_window":4,"query":"is:unresolved",
              "triggers":[{"label":"critical","alert_threshold":6}]})");
    for (int minute = 1; minute < 30; ++minute) {
      const int many = minute % 7 == 3 ? 9 : 2;
      w.see("f" + std::to_string(minute % 3), many,
            R"({"environment":"e)" + std::to_string(minute % 2) + R"(","user":{"id":)" +
                std::to_string(minute % 5) + "}}");
      w.at(minute);
      if (restarts == 1 && minute % 5 == 0) w.open();
      if (restarts == 2) w.open();
    }
    if (restarts == 0) first = w.told();
    CHECK(w.told() == first);
    CHECK(first.size() > 6);
  }
}

TEST_CASE("a replay of the log from zero tells nothing new and ends in the same state") {
  Watch w;
  w.add(kMany);
  w.add(R"({"name":"new","when":{"event":"first_seen"}})");
  for (int minute = 1; minute < 12; ++minute) {
    w.see("f" + std::to_string(minute % 4), minute % 5 == 0 ? 9 : 1);
    w.at(minute);
  }
  const Told told = w.told();
  const Hash128 digest = w.digest();
  REQUIRE(told.size() > 4);
  w.store.reset();
  const auto rebuilt = Store::rebuild(w.dir / "store", w.options);
  REQUIRE(rebuilt.ok());
  CHECK(rebuilt->digests.full == digest);
  w.open();
  CHECK(w.told() == told);
  CHECK(w.digest() == digest);
  // And goes on as if nothing had been.
  w.see("fresh");
  CHECK(w.told().size() == told.size() + 1);
  CHECK(w.told().back() == "new first_seen 5");
}

TEST_CASE("issues that are merged are counted together from the next tick on") {
  Watch w;
  w.add(R"({"name":"issue","group_by":"issue","time_window":10,
            "triggers":[{"label":"critical","alert_threshold":5}]})");
  w.see("a", 3);
  w.see("b", 3);
  w.at(1);
  CHECK(w.told().empty());
  REQUIRE(w.store->execute(MergeCommand{GroupId{1}, {GroupId{2}}}, {}).ok());
  w.at(2);
  CHECK(w.told() == Told{"issue[" + std::to_string(raw(kShop)) + "/1] ok>critical @2"});
  REQUIRE(w.store->execute(UnmergeCommand{GroupId{1}, {GroupId{2}}}, {}).ok());
  w.at(3);
  CHECK(w.told().size() == 2);
}

TEST_CASE("rules about what happens to issues fire once in their frequency") {
  Watch w;
  w.add(R"({"name":"new","when":{"event":"first_seen"},"query":"level:error"})");
  w.add(R"({"name":"back","when":{"event":"regression"},"frequency":60})");
  w.see("a", 3);
  w.see("b", 1);
  CHECK(w.told() == Told{"new first_seen 1", "new first_seen 2"});
  for (const int64_t minute : {1, 2, 70}) {
    w.at(minute);
    SetStatusCommand resolve;
    resolve.group = GroupId{1};
    resolve.status = Status::Resolved;
    REQUIRE(w.store->execute(resolve, {}).ok());
    w.at(minute, 30);
    w.see("a");
  }
  CHECK(w.told() ==
        Told{"new first_seen 1", "new first_seen 2", "back regression 1", "back regression 1"});
  CHECK(w.seen()->alerts().rule(2)->fired == 2);
}

TEST_CASE("an issue comes back once, however many of its members do at that time") {
  Watch w;
  w.see("a");
  w.see("b");
  REQUIRE(w.store->execute(MakeViewCommand{"view", {GroupId{1}, GroupId{2}}}, {}).ok());
  SetStatusCommand resolve;
  resolve.group = GroupId{3};
  resolve.status = Status::Resolved;
  REQUIRE(w.store->execute(resolve, {}).ok());
  w.add(R"({"name":"all","when":{"event":"regression"}})");
  w.add(R"({"name":"of b","when":{"event":"regression"},"query":"environment:b"})");
  w.at(1);
  w.see("a");
  w.see("b", 1, R"({"environment":"b"})");
  CHECK(w.told() == Told{"all regression 3"});
}

TEST_CASE("an issue that a member brought back does not come back by its own occurrence") {
  Watch w;
  w.see("a");
  w.see("b");
  REQUIRE(w.store->execute(MergeCommand{GroupId{1}, {GroupId{2}}}, {}).ok());
  SetStatusCommand resolve;
  resolve.group = GroupId{1};
  resolve.status = Status::Resolved;
  REQUIRE(w.store->execute(resolve, {}).ok());
  w.add(R"({"name":"back","when":{"event":"regression"},"frequency":5})");
  w.at(1);
  w.see("b");
  w.at(20);
  w.see("a");
  CHECK(w.told() == Told{"back regression 1"});
}

TEST_CASE("pausing closes what is open, and resuming begins anew with full windows") {
  Watch w;
  w.add(kMany);
  w.see("a", 20);
  w.at(1);
  w.run(alert::PauseRule{1, true});
  CHECK(w.told() == Told{"many ok>critical @1", "many critical>ok @1"});
  CHECK(w.store->alert_figures().subscriptions == 0);
  w.at(2);
  CHECK(w.told().size() == 2);
  CHECK(w.try_run(alert::PauseRule{1, true}).outcome == Outcome::NoChange);
  w.run(alert::PauseRule{1, false});
  w.at(3);
  CHECK(w.told().size() == 2);  // held: its last incident is less than ten minutes old
  w.at(12);
  w.see("a", 20);
  w.at(13);
  CHECK(w.told().size() == 3);
  w.run(alert::RemoveRule{1});
  CHECK(w.told().size() == 4);
  CHECK(w.seen()->alerts().rule_count() == 0);
  CHECK(w.store->alert_figures().evaluations == 0);
  CHECK(w.try_run(alert::RemoveRule{1}).outcome == Outcome::Refused);
}

TEST_CASE("a rule that is changed: thresholds close incidents, names do not") {
  Watch w;
  w.add(kMany);
  w.see("a", 20);
  w.at(1);
  alert::Rule rule = w.seen()->alerts().rule(1)->rule;
  rule.name = "renamed";
  w.run(alert::ChangeRule{1, rule});
  CHECK(w.told().size() == 1);
  std::get<alert::MetricCondition>(rule.condition).critical = 100;
  w.run(alert::ChangeRule{1, rule});
  REQUIRE(w.told().size() == 2);
  CHECK(w.seen()->alerts().incident(1)->incident.method == alert::CloseMethod::RuleUpdated);
  CHECK(w.seen()->alerts().rule(1)->rule.status == alert::RuleStatus::Active);
  CHECK(w.try_run(alert::ChangeRule{1, rule}).outcome == Outcome::NoChange);
}

TEST_CASE("people acknowledge, comment and close incidents") {
  Watch w;
  w.add(kMany);
  w.see("a", 20);
  w.at(1);
  w.run(alert::AcknowledgeIncident{1});
  CHECK(w.try_run(alert::AcknowledgeIncident{1}).outcome == Outcome::NoChange);
  w.run(alert::CommentIncident{1, "looking"});
  w.run(alert::CloseIncident{1});
  CHECK(w.try_run(alert::CloseIncident{1}).outcome == Outcome::NoChange);
  CHECK(w.try_run(alert::AcknowledgeIncident{1}).outcome == Outcome::Refused);
  CHECK(w.try_run(alert::CloseIncident{9}).outcome == Outcome::Refused);
  w.open();
  const auto incident = *w.seen()->alerts().incident(1);
  CHECK(incident.incident.acknowledged->who == "user:1");
  CHECK(incident.incident.comments.front().text == "looking");
  CHECK(incident.incident.method == alert::CloseMethod::Manual);
  CHECK(incident.steps.back().who == "user:1");
}

TEST_CASE("a command with a key is done once") {
  Watch w;
  const AlertCommand add = alert::AddRule{*alert::parse_rule(kMany)};
  CHECK(w.try_run(add, "k").outcome == Outcome::Stored);
  CHECK(w.try_run(add, "k").outcome == Outcome::Duplicate);
  w.open();
  CHECK(w.try_run(add, "k").outcome == Outcome::Duplicate);
  CHECK(w.seen()->alerts().last_rule() == 1);
}

TEST_CASE("after a pause rules are evaluated for now, not for all that was missed") {
  Watch w;
  w.add(kMany);
  w.see("a", 20);
  w.at(600);
  CHECK(w.told().empty());
  w.see("a", 20);
  w.at(601);
  CHECK(w.told() == Told{"many ok>critical @601"});
}

TEST_CASE("an import whose times are those of the input is alerted about as it went") {
  Watch w;
  w.add(kMany);
  w.clock.set(at_second(kVirtualStart + 100'000));
  std::vector<Message> messages;
  for (int64_t second = 0; second < 3600; second += 10) {
    const bool busy = second >= 1200 && second < 1320;
    for (int n = 0; n < (busy ? 3 : (second % 120 == 0 ? 1 : 0)); ++n) {
      messages.emplace_back(occurrence(kShop, {"a"}, kVirtualStart + second, w.next_id++));
    }
  }
  SubmitOptions how;
  how.input_time = true;
  REQUIRE(w.store->submit(std::move(messages), how).ok());
  CHECK(w.told() == Told{"many ok>critical @21", "many critical>ok @27"});
}

TEST_CASE("two rules that ask for the same share one evaluation, and the last takes it along") {
  Watch w;
  w.add(kMany);
  w.add(R"({"name":"again","query":"","time_window":5,
            "triggers":[{"label":"critical","alert_threshold":3}]})");
  CHECK(w.store->alert_figures().subscriptions == 2);
  CHECK(w.store->alert_figures().evaluations == 1);
  w.run(alert::RemoveRule{1});
  w.see("a", 4);
  w.at(1);
  CHECK(w.told() == Told{"again ok>critical @1"});
  w.run(alert::RemoveRule{2});
  CHECK(w.store->alert_figures().evaluations == 0);
}

TEST_CASE("who asks for what could not be filled has it tried again, for all") {
  Watch watch;
  const uint32_t first = watch.add(kMany);
  const uint32_t second = watch.add(R"({"name":"more","time_window":5,
      "triggers":[{"label":"critical","alert_threshold":99}]})");
  const auto seen = watch.seen();
  const AlertFold fold{seen->alerts(), seen->state()};
  Alerting alerting;
  const auto follow = [&](uint32_t rule) {
    model::Record record;
    model::AlertRuleChanged change;
    change.rule = rule;
    record.body = change;
    alerting.follow(record, seen->lsn(), fold);
  };
  follow(first);
  const auto failing = alerting.next_unfilled(fold.alerts);
  REQUIRE(failing);
  alerting.not_filled(*failing, "the disk fails");
  CHECK(alerting.trouble(first) == "the disk fails");
  CHECK_FALSE(alerting.next_unfilled(fold.alerts));
  follow(second);
  const auto again = alerting.next_unfilled(fold.alerts);
  REQUIRE(again);
  CHECK(again->evaluation == failing->evaluation);
  alerting.filled(*again);
  CHECK(alerting.trouble(first).empty());
  CHECK(alerting.trouble(second).empty());
  CHECK(alerting.ready(fold.alerts).empty());  // both are active already
}

TEST_CASE("alerts of the past are as they were") {
  Watch w;
  w.add(kMany);
  w.see("a", 20);
  w.at(1);
  const Lsn then = w.seen()->lsn();
  w.see("a", 100);
  w.at(30);
  w.at(31);
  REQUIRE(w.told().size() == 2);
  const auto past = w.store->as_of({then, std::nullopt});
  REQUIRE(past.ok());
  const auto snapshot = (*past)->snapshot();
  REQUIRE(snapshot.ok());
  CHECK((*snapshot)->alerts().incident(1)->incident.severity == Severity::Critical);
  CHECK((*snapshot)->alerts().notifications_after({}, 9).size() == 1);
}

TEST_CASE("a tick that was due when the store was closed is evaluated once it is open again") {
  Watch w;
  w.options.alert_delay_us = 10 * kMicrosPerSecond;
  w.open();
  w.add(kMany);
  w.see("a", 20);
  w.at(1, 5);
  w.see("a");
  CHECK(w.told().empty());
  w.open();
  w.at(1, 10);
  CHECK(w.told() == Told{"many ok>critical @1"});
}

TEST_CASE("what is counted does not depend on how issues were when windows were filled") {
  Watch w;
  w.see("a", 20);
  SetStatusCommand change;
  change.group = GroupId{1};
  change.status = Status::Resolved;
  REQUIRE(w.store->execute(change, {}).ok());
  w.add(R"({"name":"open","query":"is:unresolved","time_window":5,
            "triggers":[{"label":"critical","alert_threshold":10}]})");
  w.at(1);
  CHECK(w.told().empty());
  change.status = Status::Unresolved;
  REQUIRE(w.store->execute(change, {}).ok());
  w.at(2);
  CHECK(w.told() == Told{"open ok>critical @2"});
}

TEST_CASE("windows saved for a rule that was removed are not those of one that asks the same") {
  Watch w;
  w.options.tail_limit = 7;  // a removal, five occurrences, an addition
  w.options.close_limit = 100;
  w.options.head_limit = 1000;
  w.open();
  w.add(kMany);
  w.see("a", 3);
  REQUIRE(w.store->checkpoint().ok());
  w.run(alert::RemoveRule{1});
  w.see("a", 5);
  w.add(kMany);
  w.open();
  w.at(1);
  CHECK(w.told() == Told{"many ok>warning @1"});
}

TEST_CASE("a tick with more values than one record holds is of all keys of all rules") {
  Watch w;
  std::vector<AlertCommand> rules;
  for (int n = 0; n < 21; ++n) {
    rules.push_back(alert::AddRule{
        *alert::parse_rule(R"({"name":"users","group_by":"user","time_window":5,"triggers":
            [{"label":"critical","alert_threshold":0.)" +
                           std::to_string(n + 10) + "}]}")});
  }
  REQUIRE(w.store->execute(rules, {"user:1", ""}).ok());
  REQUIRE(w.store->fill_alerts().ok());
  for (int user = 0; user < 960; ++user) {
    w.see("a", 1, R"({"user":{"id":"u)" + std::to_string(user) + "\"}}");
  }
  w.at(1);
  CHECK(w.seen()->alerts().incidents().size() == 21 * 960);
}

TEST_CASE("rules in the tail of the log are filled once all of it was read") {
  Watch w;
  w.options.head_limit = 100'000;
  w.options.close_limit = 100'000;
  w.open();
  w.add(kMany);
  for (int n = 0; n < 20; ++n) w.see("f" + std::to_string(n), 100);
  for (int n = 0; n < 10; ++n) w.open();
  w.at(1);
  CHECK(w.told() == Told{"many ok>critical @1"});
}

TEST_CASE("a crash leaves no occurrence without what rules said about it") {
  std::mt19937_64 random(7);
  int cut = 0;
  for (int round = 0; round < 6; ++round) {
    ForgetfulFileSystem files;
    Watch w;
    w.store.reset();
    std::filesystem::remove_all(w.dir / "store");
    w.options.files = &files;
    w.open();
    w.add(R"({"name":"new","when":{"event":"first_seen"}})");
    std::vector<Message> messages;
    for (uint64_t n = 1; n <= 3; ++n) {  // each of them fills a frame
      Occurrence o = occurrence(kShop, {"f" + std::to_string(n)}, kVirtualStart, n);
      for (int i = 0; i < 8000; ++i) o.event += std::to_string(random());
      o.event = R"({"message":")" + o.event + "\"}";
      messages.emplace_back(std::move(o));
    }
    // What was written before the failure is there, as after a kill.
    files.fail_call(files.calls() + 1 + static_cast<uint64_t>(round), ErrorCode::Io);
    const bool whole = w.store->submit(std::move(messages), {}).ok();
    w.open();
    int seen = 0;
    REQUIRE(w.store
                ->for_each_record(Lsn{1},
                                  [&](Lsn, const Record& record) {
                                    if (std::holds_alternative<Occurrence>(record.body)) ++seen;
                                    return Result<void>();
                                  })
                .ok());
    REQUIRE(w.told().size() == static_cast<size_t>(seen));
    if (!whole && seen > 0) ++cut;
  }
  CHECK(cut > 0);
}

TEST_CASE("a store is opened with rules in the tail of its log, again and again") {
  Watch w;
  w.store.reset();
  w.options.close_limit = 1u << 20;  // no checkpoint: all of it is replayed each time
  size_t rules = 0;
  for (int times = 0; times < 30; ++times) {
    CAPTURE(times);
    auto opened = Store::open(w.dir / "store", w.options);
    INFO((opened.ok() ? std::string() : opened.error().message));
    REQUIRE(opened.ok());
    w.store = std::move(opened).value();
    std::vector<AlertCommand> commands;
    for (int n = 0; n < 10; ++n) commands.emplace_back(alert::AddRule{*alert::parse_rule(kMany)});
    const auto done = w.store->execute(commands, {"user:1", ""});
    REQUIRE(done.ok());
    for (const ItemResult& item : done->items) CHECK(item.alert_rule == ++rules);
    if (times % 2 == 0) REQUIRE(w.store->fill_alerts().ok());
    REQUIRE(w.store->close().ok());
    w.store.reset();
  }
  w.open();
  CHECK(w.seen()->alerts().rule_count() == rules);
  CHECK(w.store->alert_figures().unfilled == 0);
}

TEST_CASE("filling tells how far it is") {
  Watch w;
  w.see("a", 500);
  size_t calls = 0;
  // The store fills by itself, too, and may be done before it is asked to.
  for (int round = 1; calls == 0; ++round) {
    REQUIRE(round < 100);
    std::vector<AlertCommand> commands;
    for (int window = 1; window <= 20; ++window) {
      commands.emplace_back(alert::AddRule{*alert::parse_rule(
          R"({"name":"w","query":"title:)" + std::to_string(round) + R"(","time_window":)" +
          std::to_string(window) + R"(,"triggers":[{"label":"critical","alert_threshold":10}]})")});
    }
    REQUIRE(w.store->execute(commands, {"user:1", ""}).ok());
    uint64_t last = 0;
    REQUIRE(w.store
                ->fill_alerts([&](uint64_t done, uint64_t total) {
                  CHECK(total <= 20);
                  CHECK(done > 0);
                  CHECK(done >= last);
                  CHECK(done <= total);
                  last = done;
                  ++calls;
                })
                .ok());
    const auto now = w.seen();
    CHECK(now->alerts().rule(now->alerts().last_rule())->rule.status == alert::RuleStatus::Active);
  }
}
