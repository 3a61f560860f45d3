#include "alert/alert_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <functional>

#include "alert/bound_rule.h"
#include "model/misfit.h"

namespace cairn::alert {
namespace {

using model::misfit;

constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;

KeyUpdate update_of(const model::AlertsTicked::Value& value, TimeUs tick) {
  return {value.key, Update{tick, value.value, value.base, value.incomplete}};
}

// The end of the values of the rule that `begin` belongs to.
template <class It>
It end_of_rule(It begin, It end) {
  return std::find_if(begin, end, [&](const auto& one) { return one.rule != begin->rule; });
}

// When an issue rule alerted last about each issue, without what it would not be held by any more.
void remember_alert(RuleEntry& rule, const IssueName& issue, TimeUs at) {
  rule.alerted[issue] = at;
  if (rule.alerted.size() <= kMaxAlerted) return;
  const int64_t quiet_us = int64_t{rule.rule.issue()->quiet_min} * kMinuteUs;
  std::erase_if(rule.alerted,
                [&](const auto& one) { return raw(at) - raw(one.second) >= quiet_us; });
  if (rule.alerted.size() <= kMaxAlerted) return;
  rule.alerted.erase(
      std::min_element(rule.alerted.begin(), rule.alerted.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; }));
}

}  // namespace

std::string idempotency_key(const Uuid& store, const Notification& notification) {
  if (notification.kind == Notification::Kind::Firing) {
    return fmt::format("{}-f{}-{}", store.hex(), raw(notification.lsn), notification.ordinal);
  }
  return fmt::format("{}-i{}-{}", store.hex(), notification.incident, notification.step);
}

std::optional<MetricCondition> RuleEntry::counts() const {
  return rule.metric() != nullptr ? std::optional(*rule.metric()) : counted_form(*rule.issue());
}

// --- reading ----------------------------------------------------------------------------------

const RuleEntry* AlertState::rule(uint32_t number) const {
  return number == 0 || number > rules_.size() ? nullptr : rules_[number - 1].get();
}

Result<uint32_t> AlertState::find_rule(std::string_view reference) const {
  uint32_t number = 0;
  const auto [end, error] =
      std::from_chars(reference.data(), reference.data() + reference.size(), number);
  if (error == std::errc{} && end == reference.data() + reference.size()) {
    if (rule(number) != nullptr) return number;
    return make_error(ErrorCode::NotFound, fmt::format("no alert rule {}: {}", number,
                                                       rules_.empty() ? "there is none"
                                                       : number == 0 || number > rules_.size()
                                                           ? "that number was never given"
                                                           : "it was removed"));
  }
  std::vector<uint32_t> found;
  for_each_rule([&](const RuleEntry& one) {
    if (one.rule.name == reference) found.push_back(one.number);
  });
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return make_error(ErrorCode::NotFound, fmt::format("no alert rule is called '{}'", reference));
  }
  return make_error(ErrorCode::Conflict,
                    fmt::format("{} alert rules are called '{}': take a number, as in {}",
                                found.size(), reference, found.front()));
}

const IncidentEntry* AlertState::incident(uint32_t number) const {
  const auto found = incidents_.find(number);
  return found == incidents_.end() ? nullptr : found->second.get();
}

namespace {

Notification notification_of(const IncidentEntry& entry, const IncidentStep& step) {
  Notification out;
  out.kind = Notification::Kind::Transition;
  out.lsn = step.lsn;
  out.ordinal = step.ordinal;
  out.at = step.at;
  out.rule = entry.rule;
  out.rule_name = entry.rule_name;
  out.incident = entry.number;
  out.step = entry.earlier_steps() + static_cast<uint32_t>(&step - entry.steps.data()) + 1;
  out.key = entry.key;
  out.from = step.from;
  out.to = step.to;
  out.value = step.value;
  out.started = entry.incident.started;
  out.detected = entry.incident.detected;
  return out;
}

const IncidentStep* step_at(const IncidentEntry& entry, const NotificationPlace& place) {
  const auto found =
      std::ranges::lower_bound(entry.steps, place, std::less<>(), &IncidentStep::place);
  return found != entry.steps.end() && found->place() == place ? &*found : nullptr;
}

}  // namespace

std::vector<Notification> AlertState::notifications_after(const NotificationPlace& place,
                                                          size_t limit) const {
  std::vector<Notification> out;
  auto at = std::upper_bound(
      order_.begin(), order_.end(), place,
      [](const NotificationPlace& one, const Told& told) { return one < told.place; });
  for (; at != order_.end() && out.size() < limit; ++at) {
    if (at->incident != 0) {
      const IncidentEntry* entry = incident(at->incident);
      const IncidentStep* step = entry == nullptr ? nullptr : step_at(*entry, at->place);
      if (step != nullptr) out.push_back(notification_of(*entry, *step));
      continue;
    }
    const auto firing = std::lower_bound(firings_.begin(), firings_.end(), at->place.lsn,
                                         [](const Firing& one, Lsn lsn) { return one.lsn < lsn; });
    if (firing == firings_.end() || firing->lsn != at->place.lsn) continue;
    Notification& one = out.emplace_back();
    one.kind = Notification::Kind::Firing;
    one.lsn = firing->lsn;
    one.at = firing->at;
    one.rule = firing->rule;
    one.rule_name = firing->rule_name;
    one.project = firing->issue.project;
    one.number = firing->issue.number;
    one.event = firing->event;
    one.occurrence = firing->occurrence;
  }
  return out;
}

Hash128 AlertState::digest() const {
  Hash128 sum;
  if (rules_.empty()) return sum;
  for (const AlertRow& row : all_rows()) sum.add(hash128(row.key + *row.value));
  return sum;
}

// --- folding ----------------------------------------------------------------------------------

Result<void> AlertState::apply(const model::Record& record, Lsn lsn) {
  const At at{record.time, lsn, record.actor};
  if (const auto* change = std::get_if<model::AlertRuleChanged>(&record.body)) {
    return fold(*change, at);
  }
  if (const auto* change = std::get_if<model::AlertStatusChanged>(&record.body)) {
    return fold(*change, at);
  }
  if (const auto* tick = std::get_if<model::AlertsTicked>(&record.body)) return fold(*tick, at);
  if (const auto* fired = std::get_if<model::AlertFired>(&record.body)) return fold(*fired, at);
  if (const auto* change = std::get_if<model::IncidentChanged>(&record.body)) {
    return fold(*change, at);
  }
  return {};
}

Result<void> AlertState::fold(const model::AlertRuleChanged& change, At at) {
  const bool fresh = change.rule == rules_.size() + 1;
  if (!fresh && rule(change.rule) == nullptr) {
    return misfit(at.lsn, fmt::format("it changes alert rule {}, which is not there", change.rule));
  }
  if (change.text.empty()) {
    if (fresh) return misfit(at.lsn, "it removes an alert rule that is not there");
    stand_down(change.rule, at);
    rules_[change.rule - 1] = nullptr;
    --rule_count_;
    dirty_rules_.insert(change.rule);
    dirty_meta_ = true;
    return {};
  }
  auto rule = parse_rule(change.text);
  if (!rule) return misfit(at.lsn, "its alert rule is none: " + rule.error().message);
  if (fresh) {
    auto entry = std::make_shared<RuleEntry>();
    entry->number = change.rule;
    entry->made = at.time;
    rules_.push_back(std::move(entry));
    ++rule_count_;
    dirty_meta_ = true;
  } else {
    const bool stays =
        same_meaning(rules_[change.rule - 1]->rule, *rule) && rule->status != RuleStatus::Disabled;
    if (!stays) stand_down(change.rule, at);
  }
  RuleEntry& entry = change_rule(change.rule);
  if (fresh || rule->status != RuleStatus::Active) entry.counted_from = at.lsn;
  entry.rule = *std::move(rule);
  entry.changed = at.time;
  entry.changed_by = at.actor;
  return {};
}

Result<void> AlertState::fold(const model::AlertStatusChanged& change, At at) {
  for (const uint32_t number : change.rules) {
    if (rule(number) == nullptr) {
      return misfit(at.lsn, fmt::format("it changes alert rule {}, which is not there", number));
    }
  }
  const RuleStatus status{change.status};
  for (const uint32_t number : change.rules) {
    if (status == RuleStatus::Disabled) stand_down(number, at);
    RuleEntry& entry = change_rule(number);
    entry.rule.status = status;
    if (status != RuleStatus::Active) entry.counted_from = at.lsn;
    if (at.actor.empty()) continue;
    entry.changed = at.time;
    entry.changed_by = at.actor;
  }
  return {};
}

Result<void> AlertState::fold(const model::AlertsTicked& tick, At at) {
  for (auto begin = tick.values.begin(); begin != tick.values.end();) {
    const RuleEntry* entry = rule(begin->rule);
    if (entry == nullptr || entry->rule.status != RuleStatus::Active || !entry->counts()) {
      return misfit(at.lsn, fmt::format("it has values of alert rule {}, which is not evaluated",
                                        begin->rule));
    }
    const auto end = end_of_rule(begin, tick.values.end());
    if (end != tick.values.end() && end->rule < begin->rule) {
      return misfit(at.lsn, "its values are in no order");
    }
    begin = end;
  }
  for (auto begin = tick.values.begin(); begin != tick.values.end();) {
    const auto end = end_of_rule(begin, tick.values.end());
    std::vector<KeyUpdate> updates;
    for (auto one = begin; one != end; ++one) updates.push_back(update_of(*one, tick.tick));
    RuleEntry& entry = change_rule(begin->rule);
    TickResult result = apply_tick(*entry.counts(), entry.state, tick.tick, updates);
    for (KeyTransition& step : result.transitions) note(entry, std::move(step), at, "");
    begin = end;
  }
  if (!tick.more) last_tick_ = std::max(last_tick_.value_or(tick.tick), tick.tick);
  dirty_meta_ = true;
  return {};
}

Result<void> AlertState::fold(const model::AlertFired& fired, At at) {
  const RuleEntry* known = rule(fired.rule);
  if (known == nullptr || known->rule.issue() == nullptr) {
    return misfit(at.lsn, fmt::format("alert rule {} is none about issues", fired.rule));
  }
  RuleEntry& entry = change_rule(fired.rule);
  const IssueName issue{fired.project, fired.number};
  remember_alert(entry, issue, at.time);
  ++entry.fired;
  firings_.push_back({at.lsn, at.time, fired.rule, entry.rule.name, issue, IssueEvent{fired.event},
                      fired.occurrence ? fired.occurrence->hex() : ""});
  dirty_firings_.insert(at.lsn);
  add_order({at.lsn, at.ordinal}, 0);
  if (firings_.size() > kMaxFirings) {
    dirty_firings_.insert(firings_.front().lsn);
    firings_.pop_front();
  }
  return {};
}

Result<void> AlertState::fold(const model::IncidentChanged& change, At at) {
  const IncidentEntry* known = incident(change.incident);
  if (known == nullptr) {
    return misfit(at.lsn,
                  fmt::format("it changes incident {}, which is not there", change.incident));
  }
  const Mark mark{at.time, std::string(at.actor)};
  switch (change.change) {
    case model::IncidentChange::Acknowledged: {
      Incident copy = known->incident;
      const auto done = acknowledge(copy, mark);
      if (!done.ok()) return misfit(at.lsn, done.error().message);
      change_incident(change.incident).incident.acknowledged = mark;
      return {};
    }
    case model::IncidentChange::Commented: {
      const auto done = add_comment(change_incident(change.incident).incident, {mark, change.text});
      return done.ok() ? Result<void>() : misfit(at.lsn, done.error().message);
    }
    case model::IncidentChange::Closed:
      break;
  }
  if (rule(known->rule) == nullptr || known->incident.closed) {
    return misfit(at.lsn, fmt::format("incident {} is closed already", change.incident));
  }
  RuleEntry& entry = change_rule(known->rule);
  auto closed = close_key(entry.state, known->key, at.time);
  if (!closed.ok()) return misfit(at.lsn, closed.error().message);
  note(entry, *std::move(closed), at, at.actor);
  return {};
}

// What was open is closed, and what was counted is forgotten.
void AlertState::stand_down(uint32_t number, At& at) {
  RuleEntry& entry = change_rule(number);
  for (KeyTransition& step : apply_change(entry.state, at.time)) {
    note(entry, std::move(step), at, at.actor);
  }
}

void AlertState::note(RuleEntry& rule, KeyTransition&& step, At& at, std::string_view who) {
  const Transition& transition = step.transition;
  if (transition.opens()) {
    const uint32_t number = ++last_incident_;
    auto entry = std::make_shared<IncidentEntry>();
    entry->number = number;
    entry->rule = rule.number;
    entry->rule_name = rule.rule.name;
    entry->key = step.key;
    incidents_.emplace(number, std::move(entry));
    rule.open[step.key] = number;
    dirty_meta_ = true;
  }
  const uint32_t number = rule.open.at(step.key);
  IncidentEntry& entry = change_incident(number);
  Incident incident = transition.incident;
  incident.comments = std::move(entry.incident.comments);
  incident.acknowledged = std::move(entry.incident.acknowledged);
  entry.incident = std::move(incident);
  entry.steps.push_back({at.lsn, at.ordinal, transition.at, transition.from, transition.to,
                         transition.value, std::string(who)});
  if (entry.steps.size() > kMaxSteps) {
    entry.steps.erase(entry.steps.begin(), entry.steps.begin() + kMaxSteps / 2);
  }
  add_order({at.lsn, at.ordinal}, number);
  ++at.ordinal;
  if (!transition.closes()) return;
  rule.open.erase(step.key);
  closed_.insert(number);
  forget_old_incidents();
}

void AlertState::forget_old_incidents() {
  if (closed_.size() <= kMaxIncidents) return;
  const uint32_t number = *closed_.begin();
  closed_.erase(closed_.begin());
  incidents_.erase(number);
  dirty_incidents_.insert(number);
}

void AlertState::add_order(const NotificationPlace& place, uint32_t incident) {
  order_.push_back({place, incident});
  if (order_.size() < order_limit_) return;
  std::erase_if(order_, [this](const Told& told) { return !is_kept(told); });
  order_limit_ = std::max(order_limit_, 2 * order_.size());
}

bool AlertState::is_kept(const Told& told) const {
  if (told.incident == 0) return !firings_.empty() && told.place.lsn >= firings_.front().lsn;
  const IncidentEntry* entry = incident(told.incident);
  return entry != nullptr && step_at(*entry, told.place) != nullptr;
}

namespace {

// Another copy of the state may be reading it; what it read before it let go of it came before.
template <class T>
void make_own(std::shared_ptr<T>& entry) {
  if (entry.use_count() > 1) entry = std::make_shared<T>(*entry);
  std::atomic_thread_fence(std::memory_order_acquire);
}

}  // namespace

RuleEntry& AlertState::change_rule(uint32_t number) {
  std::shared_ptr<RuleEntry>& entry = rules_[number - 1];
  make_own(entry);
  dirty_rules_.insert(number);
  return *entry;
}

IncidentEntry& AlertState::change_incident(uint32_t number) {
  std::shared_ptr<IncidentEntry>& entry = incidents_.at(number);
  make_own(entry);
  dirty_incidents_.insert(number);
  return *entry;
}

}  // namespace cairn::alert
