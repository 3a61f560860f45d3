#include "alert/alert_command.h"

#include <fmt/format.h>

#include "alert/bound_rule.h"

namespace cairn::alert {
namespace {

using model::IncidentChange;
using model::IncidentChanged;
using Fact = std::optional<model::RecordBody>;
using Decision = Result<Fact>;

const Fact kNothingToDo = std::nullopt;

class Decider {
 public:
  Decider(const AlertState& state, const model::Forest& forest, TimeUs now, std::string_view actor)
      : state_(state), forest_(forest), now_(now), actor_(actor) {}

  Decision operator()(const AddRule& wish) const {
    CAIRN_TRY(bind_rule(wish.rule, forest_, now_));
    if (state_.last_rule() >= kMaxRules) {
      return make_error(ErrorCode::Exhausted,
                        fmt::format("the store has had {} alert rules, which is the limit; change "
                                    "those that are there instead of making new ones",
                                    kMaxRules));
    }
    Rule rule = wish.rule;
    rule.status = status_after(rule, RuleStatus::Creating);
    return Fact{model::AlertRuleChanged{state_.last_rule() + 1, to_json(rule)}};
  }

  Decision operator()(const ChangeRule& wish) const {
    CAIRN_TRY_ASSIGN(const RuleEntry* entry, find(wish.rule));
    CAIRN_TRY(bind_rule(wish.to, forest_, now_));
    Rule rule = wish.to;
    rule.status = status_after(rule, entry->rule.status);
    const bool was_disabled = entry->rule.status == RuleStatus::Disabled;
    if (rule.status != RuleStatus::Disabled) {
      if (was_disabled) {
        rule.status = RuleStatus::Creating;
      } else if (!same_meaning(entry->rule, rule)) {
        rule.status = RuleStatus::Updating;
      }
    }
    if (rule == entry->rule) return kNothingToDo;
    return Fact{model::AlertRuleChanged{wish.rule, to_json(rule)}};
  }

  Decision operator()(const RemoveRule& wish) const {
    CAIRN_TRY(find(wish.rule));
    return Fact{model::AlertRuleChanged{wish.rule, ""}};
  }

  Decision operator()(const PauseRule& wish) const {
    CAIRN_TRY_ASSIGN(const RuleEntry* entry, find(wish.rule));
    const RuleStatus before = entry->rule.status;
    CAIRN_TRY_ASSIGN(const RuleStatus after,
                     next_status(before, wish.paused ? StatusStep::Disabled : StatusStep::Enabled));
    if (after == before) return kNothingToDo;
    return Fact{model::AlertStatusChanged{{wish.rule}, raw(after)}};
  }

  Decision operator()(const RulesFilled& wish) const {
    model::AlertStatusChanged change{{}, raw(RuleStatus::Active)};
    for (const uint32_t number : wish.rules) {
      const RuleEntry* entry = state_.rule(number);
      if (entry == nullptr) continue;
      CAIRN_TRY_ASSIGN(const RuleStatus after, next_status(entry->rule.status, StatusStep::Filled));
      if (after == RuleStatus::Active && entry->rule.status != after) {
        change.rules.push_back(number);
      }
    }
    if (change.rules.empty()) return kNothingToDo;
    return Fact{std::move(change)};
  }

  Decision operator()(const AcknowledgeIncident& wish) const {
    CAIRN_TRY_ASSIGN(const IncidentEntry* entry, find_incident(wish.incident));
    Incident incident = entry->incident;
    CAIRN_TRY_ASSIGN(const bool changes, acknowledge(incident, {now_, std::string(actor_)}));
    if (!changes) return kNothingToDo;
    return Fact{IncidentChanged{wish.incident, IncidentChange::Acknowledged, ""}};
  }

  Decision operator()(const CommentIncident& wish) const {
    CAIRN_TRY_ASSIGN(const IncidentEntry* entry, find_incident(wish.incident));
    Incident incident = entry->incident;
    CAIRN_TRY(add_comment(incident, {{now_, std::string(actor_)}, wish.text}));
    return Fact{IncidentChanged{wish.incident, IncidentChange::Commented, wish.text}};
  }

  Decision operator()(const CloseIncident& wish) const {
    CAIRN_TRY_ASSIGN(const IncidentEntry* entry, find_incident(wish.incident));
    if (entry->incident.closed) return kNothingToDo;
    return Fact{IncidentChanged{wish.incident, IncidentChange::Closed, ""}};
  }

 private:
  // Rules come as "active", "creating" or whatever they were; only disabled ones stay as they are.
  static RuleStatus status_after(const Rule& rule, RuleStatus before) {
    if (rule.status == RuleStatus::Disabled) return rule.status;
    return before;
  }

  Result<const RuleEntry*> find(uint32_t number) const {
    if (const RuleEntry* entry = state_.rule(number)) return entry;
    return make_error(ErrorCode::NotFound, fmt::format("no alert rule {}", number));
  }

  Result<const IncidentEntry*> find_incident(uint32_t number) const {
    if (const IncidentEntry* entry = state_.incident(number)) return entry;
    const bool was = number != 0 && number <= state_.last_incident();
    return make_error(ErrorCode::NotFound,
                      was ? fmt::format("incident {} is closed long since, and only the newest {} "
                                        "closed ones are kept",
                                        number, kMaxIncidents)
                          : fmt::format("no incident {}", number));
  }

  const AlertState& state_;
  const model::Forest& forest_;
  const TimeUs now_;
  const std::string_view actor_;
};

}  // namespace

Decision decide(const AlertState& state, const AlertCommand& command, const model::Forest& forest,
                TimeUs now, std::string_view actor) {
  return std::visit(Decider(state, forest, now, actor), command);
}

}  // namespace cairn::alert
