// Stored rules of alerts and their incidents, as tables for people and as JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "alert/alert_state.h"
#include "base/json_writer.h"
#include "engine/store.h"
#include "model/state.h"
#include "verbs/console.h"
#include "verbs/table.h"

namespace cairn::verbs {

// One rule and what is derived of it.
struct RuleFacts {
  const alert::RuleEntry* entry = nullptr;
  alert::Severity severity{};        // of its worst key
  const std::string* key = nullptr;  // that key; nullptr: none is remembered
  std::optional<double> value{};     // of that key, as held against thresholds
  std::optional<TimeUs> last_tick{};
  std::string trouble;  // why it cannot be evaluated; "" = it can
};
RuleFacts facts_of(const alert::RuleEntry& entry, const alert::AlertState& alerts,
                   std::string trouble);
// Why the rule cannot be evaluated; "" = it can, or need not be. The same whoever has the store
// open, so long as that is not for want of room or a failing disk.
std::string trouble_of(const engine::Store& store, const engine::Snapshot& snapshot,
                       const alert::RuleEntry& entry, TimeUs now);
// The newest tick up to the state's last that a rule is evaluated at; nullopt: none yet.
std::optional<TimeUs> last_tick_of(const alert::RuleEntry& entry, const alert::AlertState& alerts);
// Keys that matter first: by severity, then by how far they are towards a threshold.
std::vector<const std::string*> worst_keys(const alert::RuleEntry& entry);

// Members of an open object.
void write_rule(JsonWriter& json, const RuleFacts& facts, const model::State& state);
// `rule`: nullptr when it was removed. `whole`: with steps and comments.
void write_incident(JsonWriter& json, const alert::IncidentEntry& incident,
                    const alert::RuleEntry* rule, const model::State& state, bool whole);

std::string rules_table(const std::vector<RuleFacts>& rules, const Console& console);
std::string incidents_table(const std::vector<const alert::IncidentEntry*>& incidents,
                            const alert::AlertState& alerts, const model::State& state,
                            const Console& console);
// Of one incident.
std::string steps_table(const alert::IncidentEntry& incident, const Console& console);

// Red, yellow, plain.
Style style_of(alert::Severity severity);
std::string incident_key_text(const alert::IncidentEntry& incident, const alert::RuleEntry* rule,
                              const model::State& state);

}  // namespace cairn::verbs
