#include "alert/rule_state.h"

#include <catch2/catch.hpp>
#include <random>

using namespace cairn;
using namespace cairn::alert;

namespace {

constexpr int64_t kMinute = 60 * kMicrosPerSecond;
TimeUs minute(int64_t n) { return TimeUs{n * kMinute}; }

MetricCondition by_user(double critical, std::optional<double> warning = {}) {
  MetricCondition metric;
  metric.group_by = "user";
  metric.time_window_min = 5;
  metric.critical = critical;
  metric.warning = warning;
  return metric;
}

struct Told {
  std::string key;
  double value;
};
std::vector<KeyUpdate> updates_of(int64_t at, const std::vector<Told>& told) {
  std::vector<KeyUpdate> updates;
  for (const Told& one : told) updates.push_back({one.key, {minute(at), one.value, {}}});
  return updates;
}

std::string show(const std::vector<KeyTransition>& transitions) {
  std::string text;
  for (const KeyTransition& one : transitions) {
    text += (text.empty() ? "" : ", ") + one.key + " " +
            std::string(severity_name(one.transition.to)) + " #" +
            std::to_string(one.transition.incident.number);
  }
  return text;
}

}  // namespace

TEST_CASE("each key has its incidents, with numbers of the rule") {
  const MetricCondition metric = by_user(10, 5);
  RuleState state;
  const auto tick = [&](int64_t at, const std::vector<Told>& told) {
    return show(apply_tick(metric, state, minute(at), updates_of(at, told)).transitions);
  };
  CHECK(tick(1, {{"ann", 3}, {"bob", 6}, {"cyd", 11}}) == "bob warning #1, cyd critical #2");
  CHECK(known_keys(state) == std::vector<std::string>{"bob", "cyd"});
  CHECK(tick(2, {{"ann", 6}, {"bob", 6}, {"cyd", 0}}) == "ann warning #3, cyd ok #2");
  CHECK(tick(2, {{"bob", 0}}).empty());  // that tick has been
  CHECK(tick(1, {{"bob", 0}}).empty());
  CHECK(tick(3, {{"ann", 6}, {"bob", 0}, {"cyd", 11}}) == "bob ok #1");
  // cyd is held, bob was closed a moment ago: both are remembered for the hold.
  CHECK(state.keys.size() == 3);
  CHECK(tick(20, {{"ann", 6}, {"bob", 0}, {"cyd", 0}}).empty());
  CHECK(known_keys(state) == std::vector<std::string>{"ann"});
  CHECK(tick(21, {{"ann", 6}, {"bob", 11}}) == "bob critical #4");
}

TEST_CASE("a tick says what is held, and whether it was stale") {
  const MetricCondition metric = by_user(10);
  RuleState state;
  apply_tick(metric, state, minute(1), updates_of(1, {{"ann", 11}}));
  apply_tick(metric, state, minute(2), updates_of(2, {{"ann", 1}}));
  CHECK(apply_tick(metric, state, minute(3), updates_of(3, {{"ann", 11}})).held == 1);
  const RuleState before = state;
  CHECK(apply_tick(metric, state, minute(3), updates_of(3, {{"ann", 1}})).stale);
  CHECK(state == before);
}

TEST_CASE("a rule without keys remembers its value while it matters, as one with keys") {
  MetricCondition metric = by_user(10);
  metric.group_by = "";
  RuleState state;
  apply_tick(metric, state, minute(1), updates_of(1, {{"", 3}}));
  CHECK(state.keys.empty());
  apply_tick(metric, state, minute(2), updates_of(2, {{"", 11}}));
  REQUIRE(state.keys.contains(""));
  CHECK(state.keys.at("").last_value == 11);
}

TEST_CASE("people close one key, changes close all") {
  const MetricCondition metric = by_user(10);
  RuleState state;
  apply_tick(metric, state, minute(1), updates_of(1, {{"ann", 11}, {"bob", 11}, {"cyd", 3}}));
  CHECK(close_key(state, "cyd", minute(1)).error().code == ErrorCode::Conflict);
  const auto closed = close_key(state, "ann", minute(1));
  REQUIRE(closed.ok());
  CHECK(show({*closed}) == "ann ok #1");
  CHECK(close_key(state, "ann", minute(1)).error().code == ErrorCode::Conflict);
  CHECK(show(apply_change(state, minute(2))) == "bob ok #2");
  CHECK(state.keys.size() == 2);  // for their holds
  CHECK(apply_change(state, minute(60)).empty());
  CHECK(state.keys.empty());
}

TEST_CASE("no more keys in trouble than there may be are remembered") {
  const MetricCondition metric = by_user(10);
  RuleState state;
  std::vector<KeyUpdate> updates;
  for (size_t i = 0; i < kMaxKeys + 3; ++i) {
    updates.push_back({"user " + std::to_string(10'000 + i), {minute(1), 11, {}}});
  }
  CHECK(apply_tick(metric, state, minute(1), updates).transitions.size() == kMaxKeys);
  CHECK(state.keys.size() == kMaxKeys);
  CHECK(state.refused == 3);
  CHECK(state.incidents == kMaxKeys);
}

TEST_CASE("what is forgotten changes no transition, and the same ticks give the same state") {
  size_t transitions = 0;
  size_t forgotten = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t n) { return random() % n; };
    MetricCondition metric = by_user(8, below(2) == 0 ? std::optional(5.0) : std::nullopt);
    metric.threshold_period = static_cast<uint32_t>(1 + below(3));
    metric.no_data = static_cast<NoData>(below(2));
    RuleState state;
    RuleState again;
    std::map<std::string, KeyState> everything;
    int64_t at = 100;
    for (int i = 0; i < 150; ++i) {
      at += below(12) == 0 ? 1 + static_cast<int64_t>(below(15)) : 1;
      std::vector<KeyUpdate> updates;
      for (const char* key : {"ann", "bob", "cyd", "dan"}) {
        if (below(3) == 0 && !state.keys.contains(key)) continue;
        KeyUpdate one{key, {minute(at), std::nullopt, {}}};
        if (below(8) != 0) one.update.value = static_cast<double>(below(12));
        updates.push_back(one);
      }
      std::string wanted;
      for (const KeyUpdate& one : updates) {
        const Step done = step(metric, everything[one.key], one.update);
        everything[one.key] = done.state;
        if (done.transition) {
          wanted += one.key + std::string(severity_name(done.transition->from)) +
                    std::string(severity_name(done.transition->to)) + ";";
        }
      }
      std::string found;
      const auto result = apply_tick(metric, state, minute(at), updates);
      for (const auto& one : result.transitions) {
        found += one.key + std::string(severity_name(one.transition.from)) +
                 std::string(severity_name(one.transition.to)) + ";";
      }
      REQUIRE(found == wanted);
      transitions += result.transitions.size();
      forgotten += everything.size() - state.keys.size();
      REQUIRE(apply_tick(metric, again, minute(at), updates).transitions == result.transitions);
      REQUIRE(again == state);
    }
  }
  CHECK(transitions > 2000);
  CHECK(forgotten > 2000);
}
