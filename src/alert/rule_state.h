// All that is remembered of one rule between its ticks: the keys that matter, bounded, and how many
// incidents there were. A fold: ticks and commands go in, transitions come out to be logged.
//
// A key that is neither beyond a threshold nor open nor held is forgotten; forgetting changes no
// transition. So a rule by user remembers the few users in trouble.
// Values; thread: any.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alert/evaluation.h"
#include "alert/incident.h"
#include "alert/rule.h"
#include "base/result.h"

namespace cairn::alert {

// So many keys of one rule are remembered, and so many of its incidents are open at once.
inline constexpr size_t kMaxKeys = 1000;

struct KeyTransition {
  std::string key;
  Transition transition;
  bool operator==(const KeyTransition&) const = default;
};

struct RuleState {
  std::optional<TimeUs> last_tick{};
  uint32_t incidents = 0;  // of all keys: an incident's number is its own within the rule
  std::map<std::string, KeyState> keys;
  uint64_t refused = 0;  // keys in trouble beyond kMaxKeys that were not remembered
  bool operator==(const RuleState&) const = default;
};

// What Evaluation::at() is to tell of even when nothing was counted.
std::vector<std::string> known_keys(const RuleState& state);

struct TickResult {
  std::vector<KeyTransition> transitions;  // by key
  bool stale = false;                      // not newer than the last one: nothing changed
  uint32_t held = 0;                       // keys with a trigger that would have fired
};
// Precondition: updates are of this tick and ascending by key, as Evaluation::at() gives them.
TickResult apply_tick(const MetricCondition& metric, RuleState& state, TimeUs tick,
                      std::span<const KeyUpdate> updates);

// A person closes the incident of one key. Errors: Conflict (none is open).
Result<KeyTransition> close_key(RuleState& state, const std::string& key, TimeUs at);
// The rule means something else, is disabled or removed: every open incident is closed, everything
// counted is forgotten; holds stay.
std::vector<KeyTransition> apply_change(RuleState& state, TimeUs at);

}  // namespace cairn::alert
