// Why a stored rule alerted or did not, at one of its ticks: its values out of the index, what it
// remembers, and what speaks against an alert.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alert/alert_state.h"
#include "alert/rehearsal.h"
#include "query/meter.h"
#include "verbs/store_access.h"

namespace cairn::verbs {

// The moment that is explained: the store as of the record of the tick.
struct TickMoment {
  Reading reading;
  uint32_t rule = 0;
  std::optional<TimeUs> tick{};     // none: it was not evaluated yet
  std::optional<TimeUs> decided{};  // record time of the tick, where it is a past one
  bool skipped = false;             // the store evaluated later ticks and not this one
};

struct KeyStory {
  std::string key;
  std::optional<double> value{};   // out of the index, as held against thresholds
  std::optional<double> logged{};  // by the tick; nullopt: it did not matter then
  alert::Outcome outcome{};
  alert::KeyState state;  // after the tick
};

struct MetricStory {
  alert::MetricCondition metric;
  std::vector<KeyStory> keys;  // the most eventful first; of a rule without group_by one
};
// The values of all keys at the tick, and what was remembered of them. `bound`: the rule, bound to
// the snapshot, has a number. Errors: as AlertHistory::feed().
Result<MetricStory> story_of(const engine::Snapshot& snapshot, const alert::RuleEntry& entry,
                             const alert::BoundRule& bound, TimeUs tick,
                             const query::Control& control);

// Sentences.
std::vector<std::string> suppressions(const alert::RuleEntry& entry, const TickMoment& moment,
                                      const alert::MetricCondition& metric, const KeyStory& key);

// Of a rule about what happens to issues: whether it alerted about one of them, or what spoke
// against it. Sentences, the deciding one first. Errors: NotFound, those of group_history() and
// aggregate().
Result<std::vector<std::string>> issue_story(const engine::Snapshot& snapshot,
                                             const alert::RuleEntry& entry,
                                             const std::string& issue, TimeUs now,
                                             const query::Control& control);

}  // namespace cairn::verbs
