// Wishes about alerts; decide() turns one into a fact or says which rule refuses it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "alert/alert_state.h"
#include "alert/rule.h"
#include "base/result.h"
#include "model/forest.h"
#include "model/record.h"

namespace cairn::alert {

// A new rule, of the next number. It is evaluated once its windows are filled, unless it is
// disabled.
struct AddRule {
  Rule rule;
};
// All of the rule anew. What means something else closes what was open.
struct ChangeRule {
  uint32_t rule = 0;
  Rule to;
};
struct RemoveRule {
  uint32_t rule = 0;
};
// Paused rules are disabled: what was open is closed, nothing is counted.
struct PauseRule {
  uint32_t rule = 0;
  bool paused = true;
};
// The engine's own: the windows of these hold what they should.
struct RulesFilled {
  std::vector<uint32_t> rules;
};
struct AcknowledgeIncident {
  uint32_t incident = 0;
};
struct CommentIncident {
  uint32_t incident = 0;
  std::string text;
};
struct CloseIncident {
  uint32_t incident = 0;
};

using AlertCommand = std::variant<AddRule, ChangeRule, RemoveRule, PauseRule, RulesFilled,
                                  AcknowledgeIncident, CommentIncident, CloseIncident>;

// nullopt: it is as wished already. `actor`: who wishes it.
// Errors: NotFound (no such rule or incident), InvalidArgument (of bind_rule(); nobody named),
// Conflict (closed), Exhausted (kMaxRules).
Result<std::optional<model::RecordBody>> decide(const AlertState& state,
                                                const AlertCommand& command,
                                                const model::Forest& forest, TimeUs now,
                                                std::string_view actor);

}  // namespace cairn::alert
