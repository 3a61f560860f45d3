#include "engine/alerting.h"

#include <algorithm>
#include <utility>

#include "alert/canonical.h"
#include "alert/window.h"
#include "base/assert.h"
#include "storage/coding.h"
#include "storage/sealed_value.h"

namespace cairn::engine {
namespace {

using alert::EvaluationId;
using alert::RuleEntry;
using alert::RuleId;
using alert::RuleStatus;
using query::Expr;
using query::GroupField;

constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;
// Of windows that one checkpoint saves: writers wait while these are collected. What is larger, or
// finds no room, is filled out of the index when the store is opened.
constexpr size_t kMaxSavedBytes = 256u << 10;
constexpr size_t kMaxSavedAtOnce = 64u << 20;

bool counts(RuleStatus status) {
  return status == RuleStatus::Active || status == RuleStatus::Creating ||
         status == RuleStatus::Updating;
}

// Bound again at another moment it may mean something else.
bool is_of_moment(const Expr& expr) {
  if (expr.kind != Expr::Kind::Test) {
    return std::any_of(expr.children.begin(), expr.children.end(), is_of_moment);
  }
  const auto* group = std::get_if<query::GroupTest>(&expr.test);
  if (group == nullptr) return false;
  return group->field == GroupField::Issue || group->field == GroupField::Project ||
         group->field == GroupField::Type || group->field == GroupField::FirstSeen ||
         group->field == GroupField::LastSeen;
}

bool any_of_moment(const std::vector<Expr>& conditions) {
  return std::any_of(conditions.begin(), conditions.end(), is_of_moment);
}

std::string key_of(const Hash128& identity) {
  return std::string(storage::Key().u64(identity.high).u64(identity.low).view());
}

// Pending::minute of an occurrence: kNever where add_counts() would be another thing than add().
uint32_t minute_of(TimeUs time, TimeUs recorded) {
  const int64_t minute = raw(time) / kMinuteUs;
  const bool plain =
      raw(time) >= 0 && minute < UINT32_MAX && raw(time) - raw(recorded) <= alert::kMaxAheadUs;
  return plain ? static_cast<uint32_t>(minute) : UINT32_MAX;
}

// What rules remember or are about to: the trigger that fires first decides.
bool matters(const alert::MetricCondition& metric, const alert::Update& update) {
  const auto value = alert::held_value(metric, update);
  if (!value) return false;
  const bool warns = metric.warning.has_value();
  return alert::is_beyond(metric, warns ? alert::Severity::Warning : alert::Severity::Critical,
                          *value);
}

}  // namespace

// --- rules come and go ------------------------------------------------------------------------

Alerting::IssueConditions::IssueConditions(const alert::BoundRule& bound)
    : counted(alert::split(bound.filter.expr).group) {
  if (bound.percent_of) whole = alert::split(bound.percent_of->expr).group;
  of_moment = any_of_moment(counted) || any_of_moment(whole);
}

Result<void> Alerting::load(const AlertFold& fold, Lsn applied, TimeUs looked, uint64_t seed,
                            const storage::ReadTxn& windows) {
  const std::lock_guard guard(mutex_);
  seed_ = seed;
  const TimeUs over = fold.alerts.last_tick().value_or(looked);
  fold.alerts.for_each_rule([&](const RuleEntry& entry) { take(entry, applied, over, fold); });
  for (size_t place = 0; place < lives_.size(); ++place) {
    if (lives_[place].evaluation) CAIRN_TRY(load_windows(lives_[place], windows, fold));
  }
  settle_idle();
  return {};
}

// Windows that were not saved, or cannot be used, are filled.
Result<void> Alerting::load_windows(Live& live, const storage::ReadTxn& windows,
                                    const AlertFold& fold) {
  CAIRN_TRY_ASSIGN(const auto row,
                   windows.get(storage::Table::AlertWindows, key_of(live.identity)));
  const auto saved = row ? storage::unsealed(*row, key_of(live.identity)) : std::nullopt;
  if (!saved) return {};
  storage::RowReader in(*saved);
  const alert::SavedBeside beside{fold.state.fingerprint_count() + size_t{1}, live.first_tick};
  if (!live.evaluation->load(in, beside).ok() || !in.done()) return {};
  // What was asked for since it was saved is not any more.
  live.evaluation->advance(TimeUs{raw(live.first_tick) - live.resolution_min * kMinuteUs});
  live.filled = true;
  live.dirty = false;
  return {};
}

void Alerting::follow(const model::Record& record, Lsn lsn, const AlertFold& fold) {
  const auto again = [&](uint32_t number) {
    const RuleEntry* entry = fold.alerts.rule(number);
    if (entry == nullptr) return drop(number);
    take(*entry, lsn, record.time, fold);
  };
  const auto* change = std::get_if<model::AlertRuleChanged>(&record.body);
  const auto* status = std::get_if<model::AlertStatusChanged>(&record.body);
  if (change == nullptr && status == nullptr) return;
  const std::lock_guard guard(mutex_);
  if (change != nullptr) {
    again(change->rule);
  } else {
    std::for_each(status->rules.begin(), status->rules.end(), again);
  }
  settle_idle();
}

void Alerting::take(const RuleEntry& entry, Lsn lsn, TimeUs now, const AlertFold& fold) {
  if (!counts(entry.rule.status)) return drop(entry.number);
  if (join(entry)) return;
  auto bound = alert::bind_rule(entry.rule, fold.state, now);
  if (!bound.ok()) {
    drop(entry.number);
    troubles_[entry.number] = std::move(bound).error().message;
    return;
  }
  if (bound->call) return take_counting(entry, *bound, lsn, now, fold);
  drop(entry.number);
  Watcher watcher{entry.number, entry.rule.issue()->event, std::move(bound->filter), false,
                  entry.rule.projects};
  watcher.of_moment = is_of_moment(watcher.filter.expr);
  watchers_.emplace(entry.number, std::move(watcher));
  if (entry.rule.projects.empty()) watchers_of_all_.insert(entry.number);
  for (const ProjectId project : entry.rule.projects) {
    watchers_of_project_[project].insert(entry.number);
  }
}

bool Alerting::join(const RuleEntry& entry) {
  const auto written = alert::written_identity(entry.rule);
  if (!written) return false;
  const auto known = written_.find(*written);
  if (known == written_.end()) return false;
  const EvaluationId id = known->second;
  const auto before = queries_.evaluation_of(RuleId{entry.number});
  if (before && *before == id) return true;
  drop(entry.number);  // it asked for something else, so this one stays
  queries_.join(RuleId{entry.number}, id);
  live(id).rules.push_back(entry.number);
  if (live(id).given_up) {  // filled again, for all
    live(id).given_up = false;
    first_unfilled_ = std::min<size_t>(first_unfilled_, raw(id));
  }
  return true;
}

void Alerting::take_counting(const RuleEntry& entry, const alert::BoundRule& bound, Lsn lsn,
                             TimeUs now, const AlertFold& fold) {
  const RuleId id{entry.number};
  if (const auto known = queries_.evaluation_of(id)) {
    if (live(*known).identity == alert::evaluation_identity(entry.rule, bound)) return;
  }
  drop(entry.number);
  const auto subscribed = queries_.subscribe(id, entry.rule, bound);
  while (raw(subscribed.evaluation) >= lives_.size()) lives_.push_back({});
  pending_.resize(lives_.size());
  Live& one = live(subscribed.evaluation);
  one.rules.push_back(entry.number);
  if (!subscribed.made) return;
  const std::vector<uint32_t> rules = std::move(one.rules);
  one = Live();
  one.rules = rules;
  one.identity = alert::evaluation_identity(entry.rule, bound);
  one.written = *alert::written_identity(entry.rule);
  written_[one.written] = subscribed.evaluation;
  one.resolution_min = alert::resolution_of(*bound.metric);
  IssueConditions on_issue(bound);
  if (on_issue.any()) one.on_issue = std::make_unique<IssueConditions>(std::move(on_issue));
  const int64_t resolution_us = one.resolution_min * kMinuteUs;
  const TimeUs after = std::max(now, fold.alerts.last_tick().value_or(now));
  one.first_tick = TimeUs{alert::floor_to(raw(after), resolution_us) + resolution_us};
  const alert::WindowShape shape = alert::shape_of(*bound.metric);
  const int64_t reach_us = static_cast<int64_t>(shape.reach()) * shape.bucket_us;
  one.fill_from = TimeUs{raw(one.first_tick) - reach_us};
  one.up_to = lsn;
  alert::EvaluationOptions options;
  options.first_tick = one.first_tick;
  options.seed = seed_;
  one.evaluation = std::make_shared<alert::Evaluation>(bound, options);
  pending_[raw(subscribed.evaluation)] = {one.evaluation->counts_alone() ? 0 : Pending::kNever, 0};
  // What was saved of an earlier one lacks what came in between.
  one.dirty = true;
  gone_.erase(one.identity);
  first_unfilled_ = std::min<size_t>(first_unfilled_, raw(subscribed.evaluation));
}

void Alerting::drop(uint32_t rule) {
  troubles_.erase(rule);
  if (const auto watcher = watchers_.find(rule); watcher != watchers_.end()) {
    watchers_of_all_.erase(rule);
    for (const ProjectId project : watcher->second.projects) {
      const auto rules = watchers_of_project_.find(project);
      CAIRN_ASSERT(rules != watchers_of_project_.end());
      rules->second.erase(rule);
      if (rules->second.empty()) watchers_of_project_.erase(rules);
    }
    watchers_.erase(watcher);
  }
  if (queries_.evaluation_of(RuleId{rule})) drop_counting(rule);
}

void Alerting::drop_counting(uint32_t rule) {
  const auto left = queries_.unsubscribe(RuleId{rule});
  Live& one = live(left.evaluation);
  std::erase(one.rules, rule);
  if (!left.gone) return;
  gone_.insert(one.identity);
  written_.erase(one.written);
  one = Live();
  pending_[raw(left.evaluation)] = {};
}

void Alerting::settle_idle() { idle_ = queries_.figures().subscriptions == 0 && watchers_.empty(); }

// --- occurrences ------------------------------------------------------------------------------

void Alerting::add(const query::Subject& subject, FingerprintId decided_by, TimeUs recorded) {
  const std::lock_guard guard(mutex_);
  const TimeUs time = subject.occurrence.time();
  const uint32_t minute = minute_of(time, recorded);
  queries_.for_each_match(subject, [&](EvaluationId id, alert::Side side) {
    Pending& pending = pending_[raw(id)];
    if (pending.minute == Pending::kNever || minute == Pending::kNever) {
      Live& one = live(id);
      one.evaluation->add(side, subject.occurrence, subject.terms, decided_by, recorded);
      one.dirty = true;
      return;
    }
    if (pending.minute != minute || pending.occurrences == UINT32_MAX) settle(raw(id));
    pending.minute = minute;
    ++pending.occurrences;
  });
}

void Alerting::settle(size_t place) {
  Pending& pending = pending_[place];
  if (pending.occurrences == 0) return;
  Live& one = lives_[place];
  one.evaluation->add_counts(TimeUs{pending.minute * kMinuteUs},
                             std::exchange(pending.occurrences, 0));
  one.dirty = true;
}

namespace {

// What the record did to the visible issue.
std::optional<alert::IssueEvent> event_of(const model::Record& record, Lsn lsn,
                                          const model::Applied& applied, GroupId issue,
                                          const model::State& state) {
  if (state.group(issue).created == lsn) {
    const bool seen = std::holds_alternative<model::Occurrence>(record.body);
    return seen ? std::optional(alert::IssueEvent::FirstSeen) : std::nullopt;
  }
  const auto& restated = applied.restated;
  if (std::find(restated.begin(), restated.end(), issue) == restated.end()) return std::nullopt;
  const model::Substatus substatus = state.shown_status(issue).substatus;
  if (substatus == model::Substatus::Regressed) return alert::IssueEvent::Regression;
  if (substatus == model::Substatus::Escalating) return alert::IssueEvent::Escalating;
  return std::nullopt;
}

}  // namespace

std::vector<model::AlertFired> Alerting::watch(const model::Record& record, Lsn lsn,
                                               const model::Applied& applied,
                                               const query::Subject* subject,
                                               const AlertFold& fold) {
  std::vector<model::AlertFired> fired;
  if (applied.touched.empty()) return fired;
  const std::lock_guard guard(mutex_);
  if (watchers_.empty()) return fired;
  for (const GroupId touched : applied.touched) {
    const GroupId issue = fold.state.issue_of(touched);
    if (issue == GroupId{} || touched != issue) continue;
    const auto event = event_of(record, lsn, applied, issue, fold.state);
    if (!event) continue;
    const model::Group& group = fold.state.group(issue);
    model::Occurrence none;
    none.project = group.project;
    const model::Occurrence& occurrence = subject != nullptr ? subject->occurrence : none;
    const std::span<const model::Term> terms =
        subject != nullptr ? subject->terms : std::span<const model::Term>();
    const query::Subject about{occurrence, terms, fold.state, issue};
    for (const uint32_t number : watchers_about(group.project)) {
      Watcher& watcher = watchers_.at(number);
      const RuleEntry* entry = fold.alerts.rule(number);
      if (watcher.event != *event || entry->rule.status != RuleStatus::Active) continue;
      if (!fires(watcher, about, *entry, record.time)) continue;
      model::AlertFired& one = fired.emplace_back();
      one.rule = number;
      one.project = group.project;
      one.number = group.number;
      one.event = raw(*event);
      if (subject != nullptr) one.occurrence = occurrence.id;
    }
  }
  return fired;
}

std::vector<uint32_t> Alerting::watchers_about(ProjectId project) const {
  std::vector<uint32_t> rules(watchers_of_all_.begin(), watchers_of_all_.end());
  const auto own = watchers_of_project_.find(project);
  if (own != watchers_of_project_.end()) {
    rules.insert(rules.end(), own->second.begin(), own->second.end());
    std::sort(rules.begin(), rules.end());
  }
  return rules;
}

bool Alerting::fires(Watcher& watcher, const query::Subject& subject, const RuleEntry& entry,
                     TimeUs now) {
  const model::Group& group = subject.forest.group(subject.issue);
  const auto last = entry.alerted.find({group.project, group.number});
  const auto before =
      last == entry.alerted.end() ? std::nullopt : std::optional<TimeUs>(last->second);
  if (!alert::alerts_again(*entry.rule.issue(), before, now)) return false;
  if (watcher.of_moment) {
    auto bound = alert::bind_rule(entry.rule, subject.forest, now);
    if (!bound.ok()) return false;
    watcher.filter = std::move(bound->filter);
  }
  return query::matches(watcher.filter.expr, subject);
}

// --- ticks ------------------------------------------------------------------------------------

TimeUs Alerting::first_tick() const {
  const std::lock_guard guard(mutex_);
  TimeUs first{INT64_MAX};
  for (size_t place = 0; place < lives_.size(); ++place) {
    const Live& one = lives_[place];
    if (one.evaluation && !one.given_up) first = std::min(first, one.first_tick);
  }
  return first;
}

std::optional<std::vector<model::AlertsTicked::Value>> Alerting::evaluate(
    TimeUs tick, const Ticks& ticks, const AlertFold& fold, std::span<const GroupId> roots) {
  const std::lock_guard guard(mutex_);
  std::vector<model::AlertsTicked::Value> values;
  bool any = false;
  for (size_t place = 0; place < lives_.size(); ++place) {
    Live& one = lives_[place];
    if (!one.evaluation || !one.filled || tick < one.first_tick) continue;
    settle(place);
    evaluate(one, tick, ticks, fold, roots, values, any);
  }
  if (!any) return std::nullopt;
  std::stable_sort(values.begin(), values.end(),
                   [](const auto& a, const auto& b) { return a.rule < b.rule; });
  ++ticks_;
  values_ += values.size();
  return values;
}

void Alerting::evaluate(Live& live, TimeUs tick, const Ticks& ticks, const AlertFold& fold,
                        std::span<const GroupId> roots,
                        std::vector<model::AlertsTicked::Value>& values, bool& any) {
  const int64_t resolution_us = live.resolution_min * kMinuteUs;
  if (raw(tick) % resolution_us != 0) return;
  std::vector<const RuleEntry*> rules;
  std::vector<std::string> open;
  for (const uint32_t number : live.rules) {
    const RuleEntry* entry = fold.alerts.rule(number);
    if (entry->rule.status != RuleStatus::Active) continue;
    const alert::MetricCondition* metric = entry->rule.metric();
    const uint32_t period = metric != nullptr ? metric->threshold_period : 1;
    if (!ticks.all && raw(ticks.newest) - raw(tick) >= period * resolution_us) continue;
    rules.push_back(entry);
    for (const auto& one : entry->state.keys) open.push_back(one.first);
  }
  if (rules.empty()) return;
  any = true;
  const bool of_moment = live.on_issue && live.on_issue->of_moment;
  if (of_moment && !bind_again(live, tick, fold)) return;
  std::sort(open.begin(), open.end());
  open.erase(std::unique(open.begin(), open.end()), open.end());
  alert::Issues issues{fold.state, roots};
  if (live.on_issue) {
    issues.counted = live.on_issue->counted;
    issues.whole = live.on_issue->whole;
  }
  const auto updates = live.evaluation->at(tick, issues, open);
  for (const RuleEntry* entry : rules) {
    std::optional<alert::MetricCondition> counted;
    const alert::MetricCondition* metric = entry->rule.metric();
    if (metric == nullptr) {
      counted = entry->counts();
      metric = &*counted;
    }
    size_t fresh = 0;
    for (const alert::KeyUpdate& one : updates) {
      const bool known = entry->state.keys.contains(one.key);
      if (!known && !matters(*metric, one.update)) continue;
      // What the rule has no room to remember need not be logged.
      if (!known && ++fresh > alert::kMaxKeys) continue;
      values.push_back({entry->number, one.key,
                        one.update.incomplete ? std::nullopt : one.update.value, one.update.base,
                        one.update.incomplete});
    }
  }
}

// False: what it names is not there at this moment.
bool Alerting::bind_again(Live& live, TimeUs tick, const AlertFold& fold) {
  const uint32_t number = live.rules.front();
  auto bound = alert::bind_rule(fold.alerts.rule(number)->rule, fold.state, tick);
  for (const uint32_t rule : live.rules) {
    if (bound.ok()) {
      troubles_.erase(rule);
    } else {
      troubles_[rule] = bound.error().message;
    }
  }
  if (!bound.ok()) return false;
  *live.on_issue = IssueConditions(*bound);
  live.on_issue->of_moment = true;  // whatever it means now
  return true;
}

void Alerting::advance(TimeUs tick) {
  const std::lock_guard guard(mutex_);
  for (size_t place = 0; place < lives_.size(); ++place) {
    Live& one = lives_[place];
    if (!one.evaluation) continue;
    const int64_t resolution_us = one.resolution_min * kMinuteUs;
    const TimeUs asked{alert::floor_to(raw(tick), resolution_us)};
    if (asked < one.first_tick) continue;
    settle(place);
    one.evaluation->advance(asked);
    one.first_tick = TimeUs{raw(asked) + resolution_us};
  }
}

// --- filling and saving -----------------------------------------------------------------------

std::optional<Alerting::Unfilled> Alerting::next_unfilled(const alert::AlertState& alerts) {
  const std::lock_guard guard(mutex_);
  const auto lacks = [](const Live& one) { return one.evaluation && !one.filled && !one.given_up; };
  while (first_unfilled_ < lives_.size() && !lacks(lives_[first_unfilled_])) ++first_unfilled_;
  for (size_t id = first_unfilled_; id < lives_.size(); ++id) {
    const Live& one = lives_[id];
    if (!lacks(one)) continue;
    for (const uint32_t number : one.rules) {
      const RuleEntry* entry = alerts.rule(number);
      if (entry == nullptr) continue;
      return Unfilled{EvaluationId{static_cast<uint32_t>(id)},
                      one.identity,
                      one.evaluation,
                      entry->rule,
                      one.up_to,
                      one.fill_from};
    }
  }
  return std::nullopt;
}

void Alerting::filled(const Unfilled& done) {
  const std::lock_guard guard(mutex_);
  Live& one = live(done.id);
  if (one.evaluation != done.evaluation) return;  // it went meanwhile
  one.filled = true;
  one.dirty = true;
  for (const uint32_t rule : one.rules) troubles_.erase(rule);  // of an attempt before
}

void Alerting::not_filled(const Unfilled& failed, const std::string& why) {
  const std::lock_guard guard(mutex_);
  Live& one = live(failed.id);
  if (one.evaluation != failed.evaluation) return;
  one.given_up = true;
  for (const uint32_t rule : one.rules) troubles_[rule] = why;
}

std::vector<uint32_t> Alerting::ready(const alert::AlertState& alerts) const {
  const std::lock_guard guard(mutex_);
  std::vector<uint32_t> rules;
  alerts.for_each_rule([&](const RuleEntry& entry) {
    if (entry.rule.status != RuleStatus::Creating && entry.rule.status != RuleStatus::Updating) {
      return;
    }
    const auto id = queries_.evaluation_of(RuleId{entry.number});
    const bool waits = id ? !lives_[raw(*id)].filled : !watchers_.contains(entry.number);
    if (!waits) rules.push_back(entry.number);
  });
  return rules;
}

storage::RowBuffer Alerting::dirty_windows() {
  const std::lock_guard guard(mutex_);
  storage::RowBuffer rows;
  for (const Hash128& identity : gone_) {
    rows.erase(storage::Table::AlertWindows, key_of(identity));
  }
  gone_.clear();
  size_t bytes = 0;
  storage::RowWriter out;
  for (size_t place = 0; place < lives_.size(); ++place) {
    settle(place);
    Live& one = lives_[place];
    if (!one.evaluation || !one.dirty) continue;
    one.dirty = false;
    out.clear();
    if (one.filled && bytes < kMaxSavedAtOnce && one.evaluation->memory_bytes() < kMaxSavedBytes) {
      one.evaluation->save(out);
    }
    bytes += out.bytes().size();
    const std::string key = key_of(one.identity);
    if (out.bytes().empty()) {
      rows.erase(storage::Table::AlertWindows, key);
    } else {
      rows.add(storage::Table::AlertWindows, key, storage::sealed(out.bytes(), key));
    }
  }
  return rows;
}

// --- what is told -----------------------------------------------------------------------------

AlertFigures Alerting::figures(bool with_memory) {
  const std::lock_guard guard(mutex_);
  AlertFigures out;
  const auto shared = queries_.figures();
  out.subscriptions = shared.subscriptions;
  out.evaluations = shared.evaluations;
  out.filters = shared.filters;
  const auto& index = queries_.index().figures();
  out.scanned = index.scanned;
  out.occurrences = index.occurrences;
  out.asked = index.asked;
  out.matched = index.matched;
  out.watchers = watchers_.size();
  out.troubled = troubles_.size();
  out.ticks = ticks_;
  out.logged_values = values_;
  if (with_memory) {
    constexpr size_t kNode = 32;  // of a hash table, beside what it holds
    out.memory_bytes = queries_.memory_bytes() + lives_.size() * sizeof(Live) +
                       pending_.capacity() * sizeof(Pending) +
                       written_.size() * (sizeof(Hash128) + sizeof(EvaluationId) + kNode);
  }
  for (size_t place = 0; place < lives_.size(); ++place) {
    settle(place);
    const Live& one = lives_[place];
    if (!one.evaluation) continue;
    out.unfilled += one.filled ? 0 : 1;
    if (with_memory) {
      out.memory_bytes += one.evaluation->memory_bytes() + one.rules.capacity() * sizeof(uint32_t);
      out.bucket_bytes += one.evaluation->bucket_bytes();
    }
    const auto& figures = one.evaluation->figures();
    out.late += figures.late;
    out.early += figures.early;
    out.not_kept += figures.not_kept + figures.refused;
  }
  return out;
}

std::string Alerting::trouble(uint32_t rule) const {
  const std::lock_guard guard(mutex_);
  const auto found = troubles_.find(rule);
  return found == troubles_.end() ? std::string() : found->second;
}

}  // namespace cairn::engine
