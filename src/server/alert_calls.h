// The calls about rules of alerts and their incidents: as values, made by workers, and as messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alert/alert_command.h"
#include "issue_store.capnp.h"
#include "server/question.h"
#include "verbs/alert_answer.h"

namespace cairn::server {

struct RulesQuestion {
  uint32_t after = 0;
  uint32_t limit = 0;
  bool open = false;
};
struct RuleValue {
  alert::RuleEntry entry;  // without what it remembers of each key
  size_t open = 0;
  alert::Severity severity{};
  std::optional<double> value{};
  TimeUs last_tick{};
  std::string trouble;
};
struct RulesValue {
  Lsn lsn{};
  uint64_t total = 0;
  std::vector<RuleValue> rules;
};

struct IncidentsQuestion {
  uint32_t rule = 0;  // 0 = of all
  bool open = false;
  uint32_t before = 0;  // 0 = all
  uint32_t limit = 0;
};
struct IncidentsValue {
  Lsn lsn{};
  uint64_t total = 0;
  std::vector<alert::IncidentEntry> incidents;
};

struct RulesToAdd {
  std::vector<Result<alert::Rule>> rules;
  engine::ExecuteOptions options;
};
struct AddedRules {
  Lsn lsn{};
  std::vector<engine::ItemResult> items;  // one for each rule
};

// What is to be done with a rule or an incident.
struct AlertWish {
  alert::AlertCommand command;
  engine::ExecuteOptions options;
};
verbs::Scope scope_of(const AlertWish& wish);

// InvalidArgument: a limit that is too large, too many rules, no rule.
Result<RulesQuestion> read_rules(uint32_t after, uint32_t limit, bool open);
Result<IncidentsQuestion> read_incidents(uint32_t rule, bool open, uint32_t before, uint32_t limit);
Result<RulesToAdd> read_new_rules(capnp::List<capnp::Text>::Reader rules,
                                  engine::ExecuteOptions options);

// For workers. Whether `rights` cover the scope was asked; projects are looked at here. Exhausted:
// more than one message should have.
Answer<RulesValue> answer_rules(Host& host, const RulesQuestion& question,
                                const verbs::Rights& rights);
Answer<IncidentsValue> answer_incidents(Host& host, const IncidentsQuestion& question,
                                        const verbs::Rights& rights);
Answer<AddedRules> add_rules(Host& host, const RulesToAdd& wish, const verbs::Rights& rights);
Answer<engine::ExecuteResult> fulfil(Host& host, const AlertWish& wish,
                                     const verbs::Rights& rights);

void write_rules(capnp::List<schema::AlertRule>::Builder out, const RulesValue& value);
void write_incidents(capnp::List<schema::Incident>::Builder out, const IncidentsValue& value);
void write_added(capnp::List<schema::AddedRule>::Builder out, const AddedRules& value);
void write_notification(schema::AlertNotification::Builder out, const Uuid& store,
                        const alert::Notification& notification);

}  // namespace cairn::server
