#include "support/alert_double.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "alert/bound_rule.h"
#include "query/predicate.h"
#include "support/alert_queries.h"

namespace cairn::testing {
namespace {

// All of it that two have to agree about.
std::string text_of(const alert::Notification& one) {
  std::string text = fmt::format("record {}.{} at {} rule {} '{}' ", raw(one.lsn), one.ordinal,
                                 format_time(one.at), one.rule, one.rule_name);
  if (one.kind == alert::Notification::Kind::Firing) {
    return text + fmt::format("{} of {}/{} by {}", issue_event_name(one.event), raw(one.project),
                              one.number, one.occurrence);
  }
  return text + fmt::format("incident {} step {} key '{}' {}>{} started {} detected {}",
                            one.incident, one.step, one.key, severity_name(one.from),
                            severity_name(one.to), format_time(one.started),
                            format_time(one.detected));
}

}  // namespace

void AlertDouble::follow(const engine::Store& store, bool all) {
  std::vector<model::Record> records;
  got(store.for_each_record(next(lsn_), [&](Lsn, const model::Record& record) -> Result<void> {
    records.push_back(record);
    return {};
  }));
  for (const model::Record& record : records) take(record, store, all);
  must_hold(firings_due_.empty(), "an issue rule did not fire: " + firing_due());
}

void AlertDouble::check_ticks(TimeUs time, bool all) {
  const TimeUs newest = newest_at(time);
  for (const auto& [number, rule] : rules_) {
    if (rule.status != alert::RuleStatus::Active || !rule.metric) continue;
    const int64_t step = resolution_us(rule);
    const int64_t day = 1440 * kMinuteUs;
    const int64_t after = std::max({raw(rule.active), raw(looked_), raw(newest) - day});
    for (int64_t tick = (after / step + 1) * step; tick <= raw(newest); tick += step) {
      if (!all && raw(newest) - tick >= rule.metric->threshold_period * step) continue;
      must_hold(rule.evaluated.contains(TimeUs{tick}),
                fmt::format("rule {} was not evaluated at {}", number, format_time(TimeUs{tick})));
    }
  }
  looked_ = std::max(looked_, newest);
}

void AlertDouble::check_told(const engine::Snapshot& now) const {
  const auto all = now.alerts().notifications_after({}, told_.size() + 100);
  for (size_t i = 0; i < std::max(all.size(), told_.size()); ++i) {
    const std::string ours = i < told_.size() ? told_[i] : "nothing";
    const std::string theirs = i < all.size() ? text_of(all[i]) : "nothing";
    must_hold(ours == theirs, fmt::format("told\n  {}\nand not\n  {}", theirs, ours));
    must_hold(i == 0 || all[i - 1].place() < all[i].place(), "places are in no order");
  }
}

int64_t AlertDouble::resolution_us(const RuleDouble& rule) {
  return int64_t{alert::resolution_of(*rule.metric)} * kMinuteUs;
}

TimeUs AlertDouble::newest_at(TimeUs time) const {
  const int64_t us = raw(time) - delay_us_;
  return TimeUs{us - us % kMinuteUs};
}

void AlertDouble::take(const model::Record& record, const engine::Store& store, bool all) {
  const Lsn lsn = next(lsn_);
  const auto* occurrence = std::get_if<model::Occurrence>(&record.body);
  std::map<GroupId, model::ShownStatus> before;
  if (occurrence != nullptr) before = shown();
  const model::Applied applied = got(state_.apply(record, lsn));
  lsn_ = lsn;
  if (const auto* fired = std::get_if<model::AlertFired>(&record.body)) {
    return fire(record, *fired);
  }
  must_hold(firings_due_.empty(), "an issue rule did not fire: " + firing_due());
  if (occurrence != nullptr) return see(record, *occurrence, applied.decided_by, before);
  ordinal_ = 0;
  if (const auto* tick = std::get_if<model::AlertsTicked>(&record.body)) {
    return evaluate(record, *tick, store, all);
  }
  if (const auto* change = std::get_if<model::AlertRuleChanged>(&record.body)) {
    return change_rule(record, *change);
  }
  if (const auto* change = std::get_if<model::AlertStatusChanged>(&record.body)) {
    for (const uint32_t number : change->rules) {
      set_status(number, alert::RuleStatus{change->status}, record.time);
    }
  }
  const auto* change = std::get_if<model::IncidentChanged>(&record.body);
  if (change != nullptr && change->change == model::IncidentChange::Closed) {
    close(change->incident, record.time);
  }
}

void AlertDouble::change_rule(const model::Record& record, const model::AlertRuleChanged& change) {
  const auto known = rules_.find(change.rule);
  if (change.text.empty()) {
    stand_down(change.rule, record.time);
    rules_.erase(change.rule);
    return;
  }
  const alert::Rule rule = got(alert::parse_rule(change.text));
  if (known != rules_.end() && !alert::same_meaning(known->second.rule, rule)) {
    stand_down(change.rule, record.time);
  }
  RuleDouble& one = rules_[change.rule];
  one.rule = rule;
  one.metric =
      rule.metric() != nullptr ? std::optional(*rule.metric()) : alert::counted_form(*rule.issue());
  set_status(change.rule, rule.status, record.time);
}

void AlertDouble::set_status(uint32_t number, alert::RuleStatus status, TimeUs at) {
  if (status == alert::RuleStatus::Disabled) stand_down(number, at);
  RuleDouble& one = rules_.at(number);
  if (status != alert::RuleStatus::Active) one.changed = at;
  if (status == alert::RuleStatus::Active && one.status != status) one.active = at;
  one.status = status;
}

void AlertDouble::stand_down(uint32_t number, TimeUs at) {
  RuleDouble& rule = rules_.at(number);
  for (auto& [key, naive] : rule.keys) {
    const size_t told = naive.events.size();
    naive.stand_down(at);
    tell(number, rule, key, naive, told);
  }
}

void AlertDouble::close(uint32_t incident, TimeUs at) {
  for (auto& [number, rule] : rules_) {
    for (const auto& [key, open] : std::map(rule.open)) {
      if (open.number != incident) continue;
      NaiveIncidents& naive = rule.keys.at(key);
      const size_t told = naive.events.size();
      naive.stand_down(at);
      return tell(number, rule, key, naive, told);
    }
  }
  throw Different(fmt::format("incident {} was not open", incident));
}

void AlertDouble::tell(uint32_t number, RuleDouble& rule, const std::string& key,
                       const NaiveIncidents& naive, size_t told) {
  for (; told < naive.events.size(); ++told) {
    const NaiveIncidents::Event& event = naive.events[told];
    if (event.from == alert::Severity::Ok) {
      rule.open[key] = {++incidents_, 0, rule.rule.name};
      detected_[incidents_] = event.at;
    }
    Open& open = rule.open.at(key);
    alert::Notification one;
    one.lsn = lsn_;
    one.ordinal = ordinal_++;
    one.at = event.at;
    one.rule = number;
    one.rule_name = open.rule_name;
    one.incident = open.number;
    one.step = ++open.steps;
    one.key = key;
    one.from = event.from;
    one.to = event.to;
    one.started = event.started;
    one.detected = detected_.at(open.number);
    told_.push_back(text_of(one));
    if (event.to == alert::Severity::Ok) rule.open.erase(key);
  }
}

void AlertDouble::evaluate(const model::Record& record, const model::AlertsTicked& tick,
                           const engine::Store& store, bool all) {
  ++ticks_;
  must_hold(!tick.more, "a tick of few rules is in pieces");
  must_hold(!last_tick_ || tick.tick > *last_tick_, "a tick came twice");
  last_tick_ = tick.tick;
  std::map<uint32_t, std::map<std::string, Value>> logged;
  for (const Value& value : tick.values) {
    must_hold(rules_.contains(value.rule), "values of a rule that is not there");
    must_hold(logged[value.rule].emplace(value.key, value).second, "a value is there twice");
  }
  const auto past = got(store.as_of({Lsn{raw(lsn_) - 1}, std::nullopt}));
  const auto snapshot = got(past->snapshot());
  const TimeUs newest = newest_at(record.time);
  for (auto& [number, rule] : rules_) {
    const auto& values = logged[number];
    bool due = rule.status == alert::RuleStatus::Active && rule.metric &&
               raw(tick.tick) % resolution_us(rule) == 0;
    due = due && (all || raw(newest) - raw(tick.tick) <
                             rule.metric->threshold_period * resolution_us(rule));
    try {
      must_hold(due || values.empty(), "it is evaluated and should not be");
      if (due) evaluate(number, rule, tick.tick, snapshot->view(), values);
    } catch (const Different& difference) {
      throw Different(fmt::format("rule {} {} at {}, record {}: {}", number,
                                  alert::to_json(rule.rule), format_time(tick.tick), raw(lsn_),
                                  difference.what()));
    }
  }
}

void AlertDouble::evaluate(uint32_t number, RuleDouble& rule, TimeUs tick, const query::View& view,
                           const std::map<std::string, Value>& values) {
  const alert::MetricCondition& metric = *rule.metric;
  const Updates updates = ask(rule, tick, view);
  for (const auto& [key, value] : values) check_value(rule, key, value, updates);
  // A tick that was due before its windows were asked for may be evaluated or not.
  if (tick <= rule.changed && values.empty()) return;
  rule.evaluated.insert(tick);
  for (const auto& [key, update] : updates) {
    const auto known = rule.keys.find(key);
    const bool open = known != rule.keys.end() && known->second.severity() != alert::Severity::Ok;
    must_hold(values.contains(key) || (!open && !is_beyond(metric, update)),
              fmt::format("no value of key '{}' was logged: {}", key, show(update)));
  }
  for (const auto& [key, update] : updates) {
    NaiveIncidents& naive = rule.keys[key];
    const size_t told = naive.events.size();
    naive.update(metric, update);
    tell(number, rule, key, naive, told);
  }
}

bool AlertDouble::is_beyond(const alert::MetricCondition& metric, const alert::Update& update) {
  const auto value = NaiveIncidents::held(metric, update);
  const auto which = metric.warning ? alert::Severity::Warning : alert::Severity::Critical;
  return value && NaiveIncidents::beyond(metric, which, *value);
}

std::string AlertDouble::show(const alert::Update& update) {
  const auto text = [](const std::optional<double>& value) {
    return value ? fmt::format("{}", *value) : std::string("-");
  };
  return text(update.value) + " against " + text(update.base);
}

AlertDouble::Updates AlertDouble::ask(const RuleDouble& rule, TimeUs tick,
                                      const query::View& view) const {
  const alert::MetricCondition& metric = *rule.metric;
  const auto window = [&](uint32_t back_min) {
    const TimeUs end{raw(tick) - back_min * kMinuteUs};
    return RuleWindow{TimeUs{raw(end) - metric.time_window_min * kMinuteUs}, end, tick};
  };
  const bool compares = metric.comparison_delta_min.has_value();
  const ByKey now = got(ask_rule(view, rule.rule, metric, window(0)));
  const ByKey before =
      compares ? got(ask_rule(view, rule.rule, metric, window(*metric.comparison_delta_min)))
               : ByKey();
  std::set<std::string> keys;
  for (const auto& one : now) keys.insert(one.first);
  for (const auto& one : before) keys.insert(one.first);
  for (const auto& one : rule.keys) keys.insert(one.first);
  if (metric.group_by.empty()) keys = {""};
  const auto nothing =
      metric.percent_of.empty() ? value_of_nothing(metric.aggregate) : std::nullopt;
  const auto value_in = [&](const ByKey& table, const std::string& key) {
    const auto found = table.find(key);
    return found == table.end() ? nothing : found->second;
  };
  Updates updates;
  for (const std::string& key : keys) {
    updates[key] = {tick, value_in(now, key),
                    compares ? value_in(before, key) : std::optional<double>()};
  }
  return updates;
}

void AlertDouble::check_value(const RuleDouble& rule, const std::string& key, const Value& value,
                              const Updates& updates) {
  ++values_;
  const auto found = updates.find(key);
  const auto known = rule.keys.find(key);
  const bool remembered = known != rule.keys.end() && !known->second.seen.empty();
  must_hold(found != updates.end(), fmt::format("a value of key '{}', which is none", key));
  const alert::Update logged{found->second.time, value.value, value.base, value.incomplete};
  must_hold(
      !value.incomplete && near_value(value.value, found->second.value) &&
          near_value(value.base, found->second.base),
      fmt::format("key '{}' has {} and should have {}", key, show(logged), show(found->second)));
  must_hold(remembered || is_beyond(*rule.metric, found->second),
            fmt::format("a value of key '{}', which does not matter", key));
}

std::map<GroupId, model::ShownStatus> AlertDouble::shown() const {
  std::map<GroupId, model::ShownStatus> all;
  for (uint32_t id = 1; id <= state_.group_count(); ++id) {
    if (state_.issue_of(GroupId{id}) == GroupId{id}) {
      all[GroupId{id}] = state_.shown_status(GroupId{id});
    }
  }
  return all;
}

void AlertDouble::see(const model::Record& record, const model::Occurrence& occurrence,
                      FingerprintId decided_by,
                      const std::map<GroupId, model::ShownStatus>& before) {
  const GroupId leaf = state_.fingerprint(decided_by).leaf;
  const GroupId issue = leaf == GroupId{} ? leaf : state_.issue_of(leaf);
  if (issue == GroupId{}) return;
  const auto known = before.find(issue);
  std::optional<alert::IssueEvent> event;
  if (known == before.end()) {
    event = alert::IssueEvent::FirstSeen;
  } else if (known->second.status == model::Status::Resolved &&
             state_.shown_status(issue).status == model::Status::Unresolved) {
    event = alert::IssueEvent::Regression;
  }
  if (!event) return;
  const model::Group& group = state_.group(issue);
  for (const auto& [number, rule] : rules_) {
    const alert::IssueCondition* condition = rule.rule.issue();
    if (condition == nullptr || condition->event != *event ||
        rule.status != alert::RuleStatus::Active) {
      continue;
    }
    const auto last = rule.fired.find({group.project, group.number});
    const int64_t quiet_us = condition->quiet_min * kMinuteUs;
    if (last != rule.fired.end() && raw(record.time) - raw(last->second) < quiet_us) continue;
    if (!matches(rule.rule, occurrence, issue, record.time)) continue;
    firings_due_.push_back({number, group.project, group.number, raw(*event), occurrence.id});
  }
}

bool AlertDouble::matches(const alert::Rule& rule, const model::Occurrence& occurrence,
                          GroupId issue, TimeUs now) const {
  const auto query = got(query::parse(rule_filter(rule, rule.query)));
  return got(query::Predicate::bind(query, model::Forest(state_), now)).matches(occurrence, issue);
}

std::string AlertDouble::firing_due() const {
  return firings_due_.empty()
             ? ""
             : fmt::format("rule {}, record {}", firings_due_.front().rule, raw(lsn_));
}

void AlertDouble::fire(const model::Record& record, const model::AlertFired& fired) {
  must_hold(!firings_due_.empty() && firings_due_.front() == fired,
            fmt::format("rule {} fired about {}/{}, and due was: {}", fired.rule,
                        raw(fired.project), fired.number, firing_due()));
  firings_due_.erase(firings_due_.begin());
  RuleDouble& rule = rules_.at(fired.rule);
  rule.fired[{fired.project, fired.number}] = record.time;
  alert::Notification one;
  one.kind = alert::Notification::Kind::Firing;
  one.lsn = lsn_;
  one.at = record.time;
  one.rule = fired.rule;
  one.rule_name = rule.rule.name;
  one.project = fired.project;
  one.number = fired.number;
  one.event = alert::IssueEvent{fired.event};
  one.occurrence = fired.occurrence ? fired.occurrence->hex() : "";
  told_.push_back(text_of(one));
}

}  // namespace cairn::testing
