// The fold of alerts: rows of the index lead back to the same state, copies share nothing that
// changes, damaged rows are refused, records that do not fit change nothing.
#include "alert/alert_state.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "alert/alert_command.h"

using namespace cairn;
using namespace cairn::alert;

namespace {

constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;

// Random facts over few rules, keys and issues.
class Life {
 public:
  explicit Life(uint64_t seed) : random_(seed) {}

  AlertState state;
  std::map<std::string, std::string> rows;  // as the index has them after save()

  void step() {
    minute_ += below(3) == 0 ? 5 : 1;
    switch (below(8)) {
      case 0:
        return change_rule();
      case 1:
        return change_status();
      case 2:
        return fire();
      case 3:
        return change_incident();
      default:
        return tick();
    }
  }

  // What changed goes into the rows.
  void save() {
    for (const AlertRow& row : state.dirty_rows()) {
      if (row.value) {
        rows[row.key] = *row.value;
      } else {
        rows.erase(row.key);
      }
    }
    state.clear_dirty();
  }

  Result<void> apply(model::RecordBody body) {
    model::Record record;
    record.time = TimeUs{minute_ * kMinuteUs};
    record.actor = below(2) == 0 ? "" : "user:" + std::to_string(below(3));
    record.body = std::move(body);
    return state.apply(record, Lsn{++lsn_});
  }
  uint64_t below(uint64_t n) { return random_() % n; }

 private:
  void must(model::RecordBody body) {
    const auto done = apply(std::move(body));
    INFO((done.ok() ? std::string() : done.error().message));
    REQUIRE(done.ok());
  }

  std::string rule_text() {
    const std::string name = R"({"name":"r)" + std::to_string(below(5)) + R"(","status":"active",)";
    if (below(3) == 0) {
      return name + R"("when":{"event":"regression"},"frequency":)" +
             std::to_string(5 + below(60)) + "}";
    }
    return name + R"("group_by":"release","time_window":5,"threshold_period":)" +
           std::to_string(1 + below(2)) + R"(,"triggers":[{"label":"critical","alert_threshold":)" +
           std::to_string(6 + below(3)) + R"(},{"label":"warning","alert_threshold":4}]})";
  }
  void change_rule() {
    const bool fresh = state.rule_count() < 2 || below(3) == 0;
    if (fresh) return must(model::AlertRuleChanged{state.last_rule() + 1, rule_text()});
    const uint32_t number = some_rule();
    must(model::AlertRuleChanged{number, below(3) == 0 ? "" : rule_text()});
  }
  uint32_t some_rule() {
    while (true) {
      const auto number = static_cast<uint32_t>(1 + below(state.last_rule()));
      if (state.rule(number) != nullptr) return number;
    }
  }
  void change_status() {
    if (state.rule_count() == 0) return;
    must(model::AlertStatusChanged{{some_rule()}, static_cast<uint8_t>(below(3) == 0 ? 4 : 0)});
  }
  void fire() {
    if (state.rule_count() == 0) return;
    const uint32_t number = some_rule();
    if (state.rule(number)->rule.issue() == nullptr) return;
    must(model::AlertFired{number, ProjectId{1}, static_cast<uint32_t>(1 + below(4)), 1, Uuid{}});
  }
  void change_incident() {
    if (state.incidents().empty()) return;
    auto at = state.incidents().begin();
    std::advance(at, static_cast<ptrdiff_t>(below(state.incidents().size())));
    const IncidentEntry& entry = *at->second;
    if (below(2) == 0) {
      return must(model::IncidentChanged{entry.number, model::IncidentChange::Commented, "text"});
    }
    if (entry.incident.closed) return;
    must(model::IncidentChanged{entry.number, model::IncidentChange::Closed, ""});
  }
  void tick() {
    model::AlertsTicked ticked{TimeUs{minute_ * kMinuteUs}, {}, false};
    state.for_each_rule([&](const RuleEntry& entry) {
      if (entry.rule.status != RuleStatus::Active || !entry.counts()) return;
      for (const char* const key : {"a", "b", "c"}) {
        if (below(4) == 0) continue;
        ticked.values.push_back({entry.number, key, static_cast<double>(below(12)), {}, false});
      }
    });
    must(std::move(ticked));
  }

  std::mt19937_64 random_;
  int64_t minute_ = 30'000'000;
  uint64_t lsn_ = 0;
};

Result<AlertState> restored_from(const std::map<std::string, std::string>& rows) {
  AlertState state;
  for (const auto& [key, value] : rows) {
    CAIRN_TRY(state.restore(key, std::as_bytes(std::span(value))));
  }
  CAIRN_TRY(state.restored());
  return state;
}

}  // namespace

TEST_CASE("the rows of alerts lead back to the same state, which goes on alike") {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Life life(seed);
    size_t incidents = 0;
    for (int i = 0; i < 150; ++i) {
      life.step();
      if (life.below(7) != 0) continue;
      life.save();
      auto again = restored_from(life.rows);
      REQUIRE(again.ok());
      REQUIRE(again->digest() == life.state.digest());
      CHECK(again->notifications_after({}, 1000) == life.state.notifications_after({}, 1000));
      incidents = life.state.incidents().size();
      life.state = *std::move(again);
    }
    CHECK(incidents > 0);
  }
}

TEST_CASE("a copy of the alert state does not change with the other one") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Life life(seed);
    for (int i = 0; i < 60; ++i) life.step();
    const AlertState copy = life.state;
    const Hash128 digest = copy.digest();
    const auto told = copy.notifications_after({}, 1000);
    for (int i = 0; i < 60; ++i) life.step();
    CHECK(copy.digest() == digest);
    CHECK(copy.notifications_after({}, 1000) == told);
    CHECK(life.state.digest() != digest);
  }
}

TEST_CASE("notifications are in the order of the log, and any place of it is a beginning") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Life life(seed);
    for (int i = 0; i < 200; ++i) life.step();
    const auto all = life.state.notifications_after({}, 10'000);
    REQUIRE(all.size() > 3);
    for (size_t i = 0; i < all.size(); ++i) {
      if (i > 0) REQUIRE(all[i - 1].place() < all[i].place());
      const auto rest = life.state.notifications_after(all[i].place(), 2);
      REQUIRE(rest.size() == std::min<size_t>(2, all.size() - i - 1));
      if (!rest.empty()) CHECK(rest.front() == all[i + 1]);
    }
    std::map<uint32_t, uint32_t> steps;
    for (const Notification& one : all) {
      if (one.kind == Notification::Kind::Transition) CHECK(one.step == ++steps[one.incident]);
    }
  }
}

TEST_CASE("of an incident that changes for ever the newest steps are kept, and numbered on") {
  AlertState state;
  uint64_t lsn = 0;
  const auto apply = [&](model::RecordBody body) {
    model::Record record;
    record.time = TimeUs{static_cast<int64_t>(++lsn) * kMinuteUs};
    record.body = std::move(body);
    REQUIRE(state.apply(record, Lsn{lsn}).ok());
  };
  apply(model::AlertRuleChanged{
      1, R"({"name":"r","status":"active","time_window":1,"threshold_period":1,"triggers":[
             {"label":"critical","alert_threshold":8},{"label":"warning","alert_threshold":4}]})"});
  for (uint32_t i = 0; i < 2 * kMaxSteps; ++i) {  // more than its order in the log begins with
    apply(model::AlertsTicked{TimeUs{static_cast<int64_t>(lsn) * kMinuteUs},
                              {{1, "", i % 2 == 0 ? 9.0 : 6.0, {}, false}},
                              false});
  }
  const IncidentEntry& entry = *state.incident(1);
  REQUIRE(state.last_incident() == 1);
  const size_t kept = entry.steps.size();
  CHECK(kept <= kMaxSteps);
  CHECK(kept >= kMaxSteps / 2);
  const uint32_t all = entry.incident.steps;
  CHECK(all > kMaxSteps);  // the first changes of severity are held back
  CHECK(entry.earlier_steps() == all - kept);
  CHECK(entry.steps.back().lsn == Lsn{lsn});

  const auto told = state.notifications_after({}, 2 * all);
  REQUIRE(told.size() == kept);
  for (size_t i = 0; i < told.size(); ++i) CHECK(told[i].step == all - kept + 1 + i);
  CHECK(state.notifications_after(told[kept - 3].place(), 9).size() == 2);

  std::map<std::string, std::string> rows;
  for (const AlertRow& row : state.all_rows()) rows[row.key] = *row.value;
  const auto again = restored_from(rows);
  REQUIRE(again.ok());
  CHECK(again->digest() == state.digest());
  CHECK(again->notifications_after({}, 2 * all) == told);
}

TEST_CASE("damaged rows of alerts are refused or read as something sound") {
  Life life(3);
  for (int i = 0; i < 120; ++i) life.step();
  life.save();
  for (const auto& [key, value] : life.rows) {
    for (size_t cut = 0; cut < value.size(); cut += 1 + value.size() / 40) {
      auto rows = life.rows;
      rows[key].resize(cut);
      CHECK_FALSE(restored_from(rows).ok());
    }
    for (size_t at = 0; at < value.size(); at += 1 + value.size() / 60) {
      auto rows = life.rows;
      rows[key][at] = static_cast<char>(rows[key][at] ^ 0x41);
      [[maybe_unused]] const auto any = restored_from(rows);
    }
  }
  for (const std::string key : {"", "x", "r", "r123456", "i12", "f1", "mm"}) {
    auto rows = life.rows;
    rows[key] = "abc";
    CHECK_FALSE(restored_from(rows).ok());
  }
}

TEST_CASE("records of alerts that do not fit are refused, and change nothing") {
  Life life(5);
  for (int i = 0; i < 60; ++i) life.step();
  const Hash128 digest = life.state.digest();
  const uint32_t none = life.state.last_rule() + 7;
  for (const model::RecordBody& body : std::vector<model::RecordBody>{
           model::AlertRuleChanged{none, "{}"},
           model::AlertRuleChanged{life.state.last_rule() + 1, ""},
           model::AlertRuleChanged{life.state.last_rule() + 1, "{\"name\":1}"},
           model::AlertStatusChanged{{none}, 0},
           model::AlertsTicked{TimeUs{0}, {{none, "", 1.0, {}, false}}, false},
           model::AlertFired{none, ProjectId{1}, 1, 0, {}},
           model::IncidentChanged{100'000, model::IncidentChange::Closed, ""}}) {
    const auto done = life.apply(body);
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().code == ErrorCode::Corruption);
    CHECK(life.state.digest() == digest);
  }
}

TEST_CASE("rules are found by number, and by a name that one alone has") {
  AlertState state;
  uint64_t lsn = 0;
  const auto add = [&](const std::string& name) {
    model::Record record;
    record.body = model::AlertRuleChanged{
        state.last_rule() + 1, R"({"name":")" + name + R"(","when":{"event":"first_seen"}})"};
    REQUIRE(state.apply(record, Lsn{++lsn}).ok());
  };
  CHECK(state.find_rule("1").error().code == ErrorCode::NotFound);
  add("one");
  add("two");
  add("two");
  CHECK(*state.find_rule("1") == 1);
  CHECK(*state.find_rule("one") == 1);
  CHECK(state.find_rule("two").error().code == ErrorCode::Conflict);
  CHECK(state.find_rule("three").error().code == ErrorCode::NotFound);
  CHECK(state.find_rule("4").error().code == ErrorCode::NotFound);
}
