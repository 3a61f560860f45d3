#include "server/alert_calls.h"

#include <fmt/format.h>

#include "verbs/alert_seen.h"
#include "verbs/alert_text.h"

namespace cairn::server {
namespace {

constexpr uint32_t kMostRules = 10'000;  // of one answer, and of one call
constexpr uint32_t kMostIncidents = 1'000;
constexpr uint32_t kShown = 100;          // unless said otherwise
constexpr size_t kMostBytes = 16u << 20;  // of texts in one answer
constexpr size_t kCommandsAtOnce = 1000;  // of one call to the store

Error wrong(std::string message) {
  return make_error(ErrorCode::InvalidArgument, std::move(message));
}

Refusal too_large() {
  return make_error(ErrorCode::Exhausted, fmt::format("the answer has more than {} MiB; ask for "
                                                      "fewer",
                                                      kMostBytes >> 20));
}

kj::StringPtr text_ptr(const std::string& text) { return {text.c_str(), text.size()}; }

schema::Severity severity_of(alert::Severity severity) {
  return static_cast<schema::Severity>(severity);
}

RuleValue value_of(const verbs::RuleFacts& facts) {
  RuleValue out;
  const alert::RuleEntry& entry = *facts.entry;
  out.entry.number = entry.number;
  out.entry.rule = entry.rule;
  out.entry.changed_by = entry.changed_by;
  out.entry.made = entry.made;
  out.entry.changed = entry.changed;
  out.entry.fired = entry.fired;
  out.open = entry.open.size();
  out.severity = facts.severity;
  out.value = facts.value;
  out.last_tick = facts.last_tick.value_or(TimeUs{});
  out.trouble = facts.trouble;
  return out;
}

// The rule that a command changes; 0: none.
struct RuleOf {
  uint32_t operator()(const alert::ChangeRule& wish) const { return wish.rule; }
  uint32_t operator()(const alert::RemoveRule& wish) const { return wish.rule; }
  uint32_t operator()(const alert::PauseRule& wish) const { return wish.rule; }
  template <class T>
  uint32_t operator()(const T&) const {
    return 0;
  }
};
struct IncidentOf {
  uint32_t operator()(const alert::AcknowledgeIncident& wish) const { return wish.incident; }
  uint32_t operator()(const alert::CommentIncident& wish) const { return wish.incident; }
  uint32_t operator()(const alert::CloseIncident& wish) const { return wish.incident; }
  template <class T>
  uint32_t operator()(const T&) const {
    return 0;
  }
};

Refusal beyond_projects() {
  return Refusal::deny("this session is limited to projects: name some of these in \"projects\"");
}

// What is not to be seen is not there.
std::optional<Refusal> refuse_unseen(Host& host, const AlertWish& wish,
                                     const verbs::Rights& rights) {
  const auto snapshot = host.store.snapshot();
  if (!snapshot) return Refusal(snapshot.error());
  const verbs::SeenAlerts seen((*snapshot)->alerts(), rights);
  if (const uint32_t number = std::visit(IncidentOf{}, wish.command); number != 0) {
    const auto found = seen.incident(number);
    return found.ok() ? std::nullopt : std::optional<Refusal>(found.error());
  }
  const auto found = seen.rule(std::to_string(std::visit(RuleOf{}, wish.command)));
  if (!found.ok()) return Refusal(found.error());
  const auto* change = std::get_if<alert::ChangeRule>(&wish.command);
  if (change != nullptr && !verbs::sees(rights, change->to)) return beyond_projects();
  return std::nullopt;
}

}  // namespace

verbs::Scope scope_of(const AlertWish& wish) {
  return std::visit(IncidentOf{}, wish.command) != 0 ? verbs::Scope::Triage : verbs::Scope::Admin;
}

Result<RulesQuestion> read_rules(uint32_t after, uint32_t limit, bool open) {
  if (limit > kMostRules) return wrong(fmt::format("a limit is at most {} rules", kMostRules));
  return RulesQuestion{after, limit == 0 ? kShown : limit, open};
}

Result<IncidentsQuestion> read_incidents(uint32_t rule, bool open, uint32_t before,
                                         uint32_t limit) {
  if (limit > kMostIncidents) {
    return wrong(fmt::format("a limit is at most {} incidents", kMostIncidents));
  }
  return IncidentsQuestion{rule, open, before, limit == 0 ? kShown : limit};
}

Result<RulesToAdd> read_new_rules(capnp::List<capnp::Text>::Reader rules,
                                  engine::ExecuteOptions options) {
  if (rules.size() == 0 || rules.size() > kMostRules) {
    return wrong(fmt::format("give 1 to {} rules", kMostRules));
  }
  RulesToAdd out;
  out.options = std::move(options);
  for (const auto text : rules) {
    out.rules.push_back(alert::parse_rule({text.cStr(), text.size()}));
  }
  return out;
}

Answer<RulesValue> answer_rules(Host& host, const RulesQuestion& question,
                                const verbs::Rights& rights) {
  const auto snapshot = host.store.snapshot();
  if (!snapshot) return Refusal(snapshot.error());
  const verbs::SeenAlerts seen((*snapshot)->alerts(), rights);
  RulesValue value;
  value.lsn = (*snapshot)->lsn();
  const TimeUs now = SystemClock().now();
  size_t bytes = 0;
  seen.all().for_each_rule([&](const alert::RuleEntry& one) {
    if (!seen.sees(one) || (question.open && one.open.empty())) return;
    ++value.total;
    if (one.number <= question.after || value.rules.size() >= question.limit) return;
    if (bytes > kMostBytes) return;
    value.rules.push_back(value_of(
        verbs::facts_of(one, seen.all(), verbs::trouble_of(host.store, **snapshot, one, now))));
    // Its text and what it means, which says the same.
    bytes += 2 * (one.rule.query.size() + one.rule.name.size()) + kMostBytes / kMostRules / 4;
  });
  if (bytes > kMostBytes) return too_large();
  return value;
}

Answer<IncidentsValue> answer_incidents(Host& host, const IncidentsQuestion& question,
                                        const verbs::Rights& rights) {
  const auto snapshot = host.store.snapshot();
  if (!snapshot) return Refusal(snapshot.error());
  const verbs::SeenAlerts seen((*snapshot)->alerts(), rights);
  if (question.rule != 0 && (question.rule > seen.all().last_rule() || seen.limited())) {
    const auto found = seen.rule(std::to_string(question.rule));
    if (!found.ok()) return Refusal(found.error());
  }
  IncidentsValue value;
  value.lsn = (*snapshot)->lsn();
  size_t bytes = 0;
  const auto& all = seen.all().incidents();
  for (auto one = all.rbegin(); one != all.rend(); ++one) {
    const alert::IncidentEntry& incident = *one->second;
    if (question.rule != 0 && incident.rule != question.rule) continue;
    if ((question.open && incident.incident.closed) || !seen.sees(incident)) continue;
    ++value.total;
    if (question.before != 0 && incident.number >= question.before) continue;
    if (value.incidents.size() >= question.limit) continue;
    bytes += incident.key.size() + incident.rule_name.size();
    for (const auto& comment : incident.incident.comments) bytes += comment.text.size();
    if (bytes > kMostBytes) return too_large();
    value.incidents.push_back(incident);
  }
  return value;
}

Answer<AddedRules> add_rules(Host& host, const RulesToAdd& wish, const verbs::Rights& rights) {
  AddedRules out;
  out.items.resize(wish.rules.size());
  for (size_t begin = 0; begin < wish.rules.size();) {
    std::vector<alert::AlertCommand> commands;
    std::vector<size_t> places;
    size_t at = begin;
    for (; at < wish.rules.size() && commands.size() < kCommandsAtOnce; ++at) {
      const Result<alert::Rule>& rule = wish.rules[at];
      std::optional<Error> refused;
      if (!rule.ok()) {
        refused = rule.error();
      } else if (!verbs::sees(rights, *rule)) {
        refused = beyond_projects().error;
      }
      if (refused) {
        out.items[at].outcome = engine::Outcome::Refused;
        out.items[at].error = std::move(refused);
        continue;
      }
      commands.emplace_back(alert::AddRule{*rule});
      places.push_back(at);
    }
    if (!commands.empty()) {
      // Each batch has its own key, by where it begins.
      engine::ExecuteOptions options = wish.options;
      if (!options.key.empty() && begin > 0) options.key += fmt::format("/{}", begin);
      auto done = host.store.execute(commands, options);
      if (!done) return Refusal(done.error());
      out.lsn = done->lsn;
      for (size_t i = 0; i < places.size(); ++i) out.items[places[i]] = std::move(done->items[i]);
    }
    begin = at;
  }
  return out;
}

Answer<engine::ExecuteResult> fulfil(Host& host, const AlertWish& wish,
                                     const verbs::Rights& rights) {
  if (auto refusal = refuse_unseen(host, wish, rights)) return *std::move(refusal);
  auto done = host.store.execute(std::span(&wish.command, 1), wish.options);
  if (!done) return Refusal(done.error());
  const engine::ItemResult& item = done->items.front();
  if (item.error) return Refusal(*item.error);
  const bool stored = item.outcome == engine::Outcome::Stored;
  return engine::ExecuteResult{stored ? item.lsn : done->lsn, item.outcome};
}

// --- messages -----------------------------------------------------------------------------------

void write_rules(capnp::List<schema::AlertRule>::Builder out, const RulesValue& value) {
  for (kj::uint i = 0; i < value.rules.size(); ++i) {
    const RuleValue& one = value.rules[i];
    const alert::RuleEntry& entry = one.entry;
    out[i].setNumber(entry.number);
    out[i].setName(text_ptr(entry.rule.name));
    out[i].setText(text_ptr(alert::to_json(entry.rule)));
    out[i].setUnderstood(text_ptr(verbs::describe(entry.rule)));
    out[i].setStatus(text_ptr(std::string(alert::rule_status_name(entry.rule.status))));
    out[i].setTrouble(text_ptr(one.trouble));
    out[i].setSeverity(severity_of(one.severity));
    out[i].setOpenIncidents(static_cast<uint32_t>(one.open));
    out[i].setHasValue(one.value.has_value());
    out[i].setValue(one.value.value_or(0));
    out[i].setLastTickUs(raw(one.last_tick));
    out[i].setMadeUs(raw(entry.made));
    out[i].setChangedUs(raw(entry.changed));
    out[i].setChangedBy(text_ptr(entry.changed_by));
    out[i].setFired(entry.fired);
  }
}

namespace {

void write_incident(schema::Incident::Builder out, const alert::IncidentEntry& entry) {
  const alert::Incident& incident = entry.incident;
  out.setNumber(entry.number);
  out.setRule(entry.rule);
  out.setRuleName(text_ptr(entry.rule_name));
  out.setKey(text_ptr(entry.key));
  out.setSeverity(severity_of(incident.severity));
  out.setWorst(severity_of(incident.worst));
  out.setStartedUs(raw(incident.started));
  out.setDetectedUs(raw(incident.detected));
  if (incident.closed) out.setEndedUs(raw(*incident.closed));
  if (incident.method) {
    out.setMethod(text_ptr(std::string(alert::close_method_name(*incident.method))));
  }
  if (incident.acknowledged) {
    out.setAcknowledgedUs(raw(incident.acknowledged->at));
    out.setAcknowledgedBy(text_ptr(incident.acknowledged->who));
  }
  out.setEarlierSteps(entry.earlier_steps());
  auto steps = out.initSteps(static_cast<kj::uint>(entry.steps.size()));
  for (kj::uint i = 0; i < entry.steps.size(); ++i) {
    const alert::IncidentStep& step = entry.steps[i];
    steps[i].setLsn(raw(step.lsn));
    steps[i].setAtUs(raw(step.at));
    steps[i].setFrom(severity_of(step.from));
    steps[i].setTo(severity_of(step.to));
    steps[i].setHasValue(step.value.has_value());
    steps[i].setValue(step.value.value_or(0));
    steps[i].setWho(text_ptr(step.who));
  }
  auto comments = out.initComments(static_cast<kj::uint>(incident.comments.size()));
  for (kj::uint i = 0; i < incident.comments.size(); ++i) {
    const alert::Comment& comment = incident.comments[i];
    comments[i].setAtUs(raw(comment.by.at));
    comments[i].setWho(text_ptr(comment.by.who));
    comments[i].setText(text_ptr(comment.text));
  }
}

}  // namespace

void write_incidents(capnp::List<schema::Incident>::Builder out, const IncidentsValue& value) {
  for (kj::uint i = 0; i < value.incidents.size(); ++i) write_incident(out[i], value.incidents[i]);
}

void write_added(capnp::List<schema::AddedRule>::Builder out, const AddedRules& value) {
  for (kj::uint i = 0; i < value.items.size(); ++i) {
    const engine::ItemResult& item = value.items[i];
    out[i].setNumber(item.alert_rule);
    if (item.error) {
      write_error(out[i].initError(), *item.error);
    } else {
      out[i].setOutcome(static_cast<schema::Outcome>(item.outcome));
    }
  }
}

void write_notification(schema::AlertNotification::Builder out, const Uuid& store,
                        const alert::Notification& notification) {
  out.setLsn(raw(notification.lsn));
  out.setOrdinal(notification.ordinal);
  out.setKey(text_ptr(alert::idempotency_key(store, notification)));
  out.setAtUs(raw(notification.at));
  out.setRule(notification.rule);
  out.setRuleName(text_ptr(notification.rule_name));
  if (notification.kind == alert::Notification::Kind::Firing) {
    auto firing = out.initFiring();
    firing.setProjectId(raw(notification.project));
    firing.setNumber(notification.number);
    firing.setEvent(text_ptr(std::string(alert::issue_event_name(notification.event))));
    firing.setOccurrence(text_ptr(notification.occurrence));
    return;
  }
  auto transition = out.initTransition();
  transition.setIncident(notification.incident);
  transition.setStep(notification.step);
  transition.setKey(text_ptr(notification.key));
  transition.setFrom(severity_of(notification.from));
  transition.setTo(severity_of(notification.to));
  transition.setHasValue(notification.value.has_value());
  transition.setValue(notification.value.value_or(0));
  transition.setStartedUs(raw(notification.started));
  transition.setDetectedUs(raw(notification.detected));
}

}  // namespace cairn::server
