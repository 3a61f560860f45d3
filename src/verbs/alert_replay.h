// What a rule would have done with the history of a store: every tick of a stretch of time is
// evaluated as if the rule had been there, through the same code that will evaluate rules live.
//
// Occurrences are taken by their own time, whenever they came, so a tick's value is what a query
// over its window says now. Issues are asked as they are in the snapshot.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "alert/bound_rule.h"
#include "alert/evaluation.h"
#include "alert/rule_state.h"
#include "engine/store.h"
#include "query/meter.h"

namespace cairn::verbs {

inline constexpr uint64_t kMaxReplayTicks = 50'000;
inline constexpr size_t kMaxReplayPoints = 4'000'000;  // of all keys, 32 bytes each

struct AlertReplay {
  struct Point {
    uint32_t tick = 0;
    alert::Outcome outcome{};
    alert::Severity severity{};     // after it
    std::optional<double> value{};  // as held against thresholds
  };
  TimeUs first{};  // tick
  int64_t resolution_us = 0;
  uint32_t ticks = 0;
  // By key; of each the ticks at which there was something to evaluate: in its window, or an open
  // incident.
  std::map<std::string, std::vector<Point>> keys;
  std::vector<alert::KeyTransition> transitions;  // by time
  uint64_t held = 0;     // ticks and keys at which a trigger would have fired but for a hold
  uint64_t matched = 0;  // occurrences in all the windows
  uint64_t late = 0;     // of them: recorded after the first tick that counts them
  alert::Evaluation::Figures figures;
  alert::RuleState state;  // after all of them

  TimeUs time_of(uint32_t tick) const { return TimeUs{raw(first) + tick * resolution_us}; }
};

struct ReplayRange {
  TimeUs after{};  // ticks later than this ...
  TimeUs up_to{};  // ... and not later than this
};

// Precondition: `bound` is the rule, bound to the snapshot, and has a number.
// Errors: InvalidArgument (no tick in the range), Exhausted (kMaxReplayTicks, kMaxReplayPoints, the
// budget), Closed (cancelled), Corruption, Io.
Result<AlertReplay> replay(const engine::Snapshot& snapshot, const alert::Rule& rule,
                           const alert::BoundRule& bound, const ReplayRange& range,
                           const query::Control& control, const engine::Progress& progress);

}  // namespace cairn::verbs
