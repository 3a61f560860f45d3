#include "alert/rule_state.h"

#include <utility>

namespace cairn::alert {
namespace {

bool is_held(const TriggerState& trigger, TimeUs at) {
  return trigger.last_fired && raw(at) - raw(*trigger.last_fired) <= kHoldUs;
}

// Whether a fresh state could say something else at a later tick.
bool matters(const KeyState& state, TimeUs at) {
  return state.open || state.critical.beyond > 0 || state.warning.beyond > 0 ||
         is_held(state.critical, at) || is_held(state.warning, at);
}

}  // namespace

std::vector<std::string> known_keys(const RuleState& state) {
  std::vector<std::string> keys;
  keys.reserve(state.keys.size());
  for (const auto& one : state.keys) keys.push_back(one.first);
  return keys;
}

TickResult apply_tick(const MetricCondition& metric, RuleState& state, TimeUs tick,
                      std::span<const KeyUpdate> updates) {
  TickResult result;
  result.stale = state.last_tick && tick <= *state.last_tick;
  if (result.stale) return result;
  state.last_tick = tick;
  for (const KeyUpdate& one : updates) {
    const auto known = state.keys.find(one.key);
    KeyState before = known == state.keys.end() ? KeyState{} : std::move(known->second);
    before.incidents = state.incidents;
    Step done = step(metric, std::move(before), one.update);
    const bool keep = matters(done.state, tick);
    if (known == state.keys.end() && keep && state.keys.size() >= kMaxKeys) {
      ++state.refused;  // as if it had not been evaluated
      continue;
    }
    state.incidents = done.state.incidents;
    if (done.warning_held || done.critical_held) ++result.held;
    if (done.transition) result.transitions.push_back({one.key, *std::move(done.transition)});
    if (!keep) {
      if (known != state.keys.end()) state.keys.erase(known);
    } else if (known != state.keys.end()) {
      known->second = std::move(done.state);
    } else {
      state.keys.emplace(one.key, std::move(done.state));
    }
  }
  return result;
}

Result<KeyTransition> close_key(RuleState& state, const std::string& key, TimeUs at) {
  const auto known = state.keys.find(key);
  CAIRN_TRY_ASSIGN(Step done, close(known == state.keys.end() ? KeyState{} : known->second,
                                    CloseMethod::Manual, at));
  known->second = std::move(done.state);
  return KeyTransition{key, *std::move(done.transition)};
}

std::vector<KeyTransition> apply_change(RuleState& state, TimeUs at) {
  std::vector<KeyTransition> transitions;
  for (auto& [key, known] : state.keys) {
    Step done = rule_changed(std::move(known), at);
    known = std::move(done.state);
    if (done.transition) transitions.push_back({key, *std::move(done.transition)});
  }
  std::erase_if(state.keys, [&](const auto& one) { return !matters(one.second, at); });
  return transitions;
}

}  // namespace cairn::alert
