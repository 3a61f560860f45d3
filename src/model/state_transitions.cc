// The fold, continued: what occurrences and time do to the status of a group.
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "model/misfit.h"
#include "model/regression.h"
#include "model/rules.h"
#include "model/state.h"

namespace cairn::model {
namespace {

constexpr int64_t kMinuteUs = 60'000'000;
constexpr int64_t kHourUs = 60 * kMinuteUs;
constexpr int64_t kDayUs = 24 * kHourUs;

TimeUs after(TimeUs time, int64_t us) { return TimeUs{raw(time) + us}; }

// Divided downwards, so that hours before 1970 are hours too.
int64_t hour_of(TimeUs time) {
  const int64_t hour = raw(time) / kHourUs;
  return raw(time) % kHourUs < 0 ? hour - 1 : hour;
}

uint8_t one_higher(uint8_t priority) { return priority == 25 ? 50 : 75; }

bool changed_by_itself(Substatus substatus) {
  return substatus == Substatus::New || substatus == Substatus::Regressed ||
         substatus == Substatus::Escalating;
}

// A new issue with so many occurrences an hour is more than new. Its age counts as an hour at
// least.
bool too_many_for_new(const Group& group, uint32_t threshold, TimeUs now) {
  const int64_t age = raw(now) - raw(group.first_seen);
  if (threshold == 0 || group.times_seen < kEscalationLeastSeen || age >= kDayUs) return false;
  const auto hours = static_cast<double>(std::max(age, kHourUs)) / static_cast<double>(kHourUs);
  return static_cast<double>(group.times_seen) > threshold * hours;
}

// Of a group for which something is due.
bool becomes_ongoing(const Group& group, TimeUs now) {
  switch (group.substatus) {
    case Substatus::New:
      return after(group.first_seen, kOngoingAfterUs) <= now;
    case Substatus::Regressed:
    case Substatus::Escalating:
      return after(group.status_since, kOngoingAfterUs) <= now;
    case Substatus::UntilConditionMet:
      return true;
    default:
      return false;
  }
}

// Keeps in `recent` what lies within the window that ends `now`.
void keep_window(std::vector<TimeUs>& recent, uint32_t minutes, TimeUs now) {
  const TimeUs begin = after(now, -int64_t{minutes} * kMinuteUs);
  std::erase_if(recent, [&](TimeUs time) { return time <= begin; });
}

// The hour that is being counted goes on.
void renew(Forecast& forecast, std::vector<uint32_t> ceilings, TimeUs now) {
  forecast.made = now;
  forecast.ceilings = std::move(ceilings);
}

}  // namespace

// --- reading ----------------------------------------------------------------------------------

ShownStatus State::shown_status(GroupId id) const {
  const Group& issue = group(id);
  if (!issue.reopened) return {issue.status, issue.substatus, issue.status_since};
  const auto& by = care(id).reopened;
  const auto first = std::min_element(
      by.begin(), by.end(), [](const Reopened& a, const Reopened& b) { return a.lsn < b.lsn; });
  return {Status::Unresolved, Substatus::Regressed, first->time};
}

bool State::for_review(GroupId id) const {
  const Group& issue = group(id);
  if (issue.reopened) {
    const auto& by = care(id).reopened;
    return std::any_of(by.begin(), by.end(), [](const Reopened& one) { return !one.reviewed; });
  }
  return issue.status == Status::Unresolved && changed_by_itself(issue.substatus) &&
         !issue.reviewed;
}

std::optional<TimeUs> State::due_at(GroupId id) const {
  const Group& group = this->group(id);
  std::optional<TimeUs> due;
  if (group.standing != Standing::Kept) return due;
  const auto take = [&](TimeUs at) { due = due ? std::min(*due, at) : at; };
  switch (group.substatus) {
    case Substatus::New:
      if (group.times_seen > 0) take(after(group.first_seen, kOngoingAfterUs));
      break;
    case Substatus::Regressed:
    case Substatus::Escalating:
      take(after(group.status_since, kOngoingAfterUs));
      break;
    case Substatus::UntilConditionMet:
      if (const auto& snooze = care(id).snooze; snooze && snooze->terms.until != TimeUs{}) {
        take(snooze->terms.until);
      }
      break;
    case Substatus::UntilEscalating:
      if (const auto& forecast = care(id).forecast) take(after(forecast->made, kForecastLifeUs));
      break;
    case Substatus::None:
    case Substatus::Ongoing:
    case Substatus::Forever:
      break;
  }
  if (group.status == Status::Unresolved && group.times_seen > 0) {
    const Project* owner = project(group.project);
    if (owner->auto_resolve_hours > 0 && type(group.type).auto_resolve) {
      take(after(group.last_seen, owner->auto_resolve_hours * kHourUs));
    }
  }
  return due;
}

// --- due --------------------------------------------------------------------------------------

// Made when it is first asked for: who only reads never pays for it.
void State::fill_due() {
  if (due_filled_) return;
  due_.clear();
  due_filled_ = true;
  for (uint32_t id = 1; id <= group_count(); ++id) watch(GroupId{id});
}

void State::watch(GroupId id) {
  if (!due_filled_) return;
  if (const auto due = due_at(id)) due_.push({*due, id});
}

bool State::anything_due(TimeUs time) {
  fill_due();
  while (due_.due_by(time)) {
    const Due first = due_.first();
    const auto due = due_at(first.group);
    if (due && *due <= time) return true;
    due_.pop();
    if (due) due_.push({*due, first.group});
  }
  return false;
}

std::vector<GroupId> State::forecasts_due(TimeUs time, size_t limit) const {
  std::vector<Due> found;
  for (const auto& [id, care] : care_) {
    const bool old = care.forecast && after(care.forecast->made, kForecastLifeUs) <= time;
    if (old && group(id).standing == Standing::Kept) found.push_back({care.forecast->made, id});
  }
  std::sort(found.begin(), found.end());
  if (found.size() > limit) found.resize(limit);
  std::vector<GroupId> out;
  for (const Due& one : found) out.push_back(one.group);
  return out;
}

Result<Applied> State::fold(const Ticked& tick, At at) {
  for (const Ticked::NewForecast& fresh : tick.forecasts) {
    CAIRN_TRY_ASSIGN(const GroupId id, named(fresh.project, fresh.number, at));
    if (care(id).forecast) continue;
    return misfit(at.lsn, fmt::format("a forecast for {}, which waits for none", short_id(id)));
  }
  for (const Ticked::NewForecast& fresh : tick.forecasts) {
    const GroupId id = find_group(fresh.project, fresh.number)->id;
    renew(*change_care(id).forecast, fresh.ceilings, at.time);
    watch(id);
  }
  fill_due();
  std::vector<Due> found;
  std::vector<Due> waiting;  // for a forecast that this record does not bring
  while (due_.due_by(at.time)) {
    const GroupId group = due_.first().group;
    due_.pop();
    const auto due = due_at(group);
    if (!due) continue;
    if (*due > at.time) {
      due_.push({*due, group});
    } else if (this->group(group).substatus == Substatus::UntilEscalating) {
      waiting.push_back({*due, group});
    } else {
      found.push_back({*due, group});
    }
  }
  for (const Due& one : waiting) due_.push(one);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  for (size_t i = kMaxDueAtOnce; i < found.size(); ++i) due_.push(found[i]);
  if (found.size() > kMaxDueAtOnce) found.resize(kMaxDueAtOnce);

  Applied applied;
  for (const Due& due : found) applied.touched.push_back(due.group);
  std::sort(applied.touched.begin(), applied.touched.end());
  for (const GroupId id : applied.touched) happen(id, at);
  return applied;
}

// Becoming ongoing comes before being resolved by age, which is then due again with the next tick.
void State::happen(GroupId id, At at) {
  if (becomes_ongoing(group(id), at.time)) {
    become_ongoing(id, at);
  } else {
    set_status(id, Status::Resolved, Substatus::None, at);
  }
}

// --- transitions ------------------------------------------------------------------------------

void State::set_status(GroupId id, Status status, Substatus substatus, At at) {
  Group& group = change(id);
  if (shown_status(id).substatus != substatus) restated_.push_back(id);
  group.status = status;
  group.substatus = substatus;
  group.status_since = at.time;
  group.reviewed = false;
  group.reopened = false;
  if (care_.contains(id)) {
    Care& care = change_care(id);
    care.snooze.reset();
    care.resolution.reset();
    care.forecast.reset();
    care.reopened.clear();
    settle_care(id);
  }
  watch(id);
}

// From escalating, what that raised goes down again.
void State::become_ongoing(GroupId id, At at) {
  Group& group = change(id);
  if (group.substatus == Substatus::Escalating && !group.priority_locked) {
    group.priority = group.initial_priority;
  }
  set_status(id, Status::Unresolved, Substatus::Ongoing, at);
}

void State::escalate(GroupId id, At at) {
  set_status(id, Status::Unresolved, Substatus::Escalating, at);
  Group& group = change(id);
  if (!group.priority_locked) group.priority = one_higher(group.priority);
}

bool State::react(GroupId id, const Occurrence& occurrence, At at) {
  const Group& group = this->group(id);
  switch (group.substatus) {
    case Substatus::None:
      if (occurrence.time() <= group.status_since || covered(group, occurrence, at)) return false;
      set_status(id, Status::Unresolved, Substatus::Regressed, at);
      note_regression(id, occurrence);
      return true;
    case Substatus::New:
      if (!escalations_ || group.times_seen < kEscalationLeastSeen) return false;
      if (!too_many_for_new(group, project(group.project)->escalation_threshold, at.time) ||
          !type(group.type).escalation) {
        return false;
      }
      escalate(id, at);
      return true;
    case Substatus::UntilConditionMet:
      if (!care(id).snooze || !advance_snooze(change_care(id), occurrence, at)) return false;
      escalate(id, at);
      return true;
    case Substatus::UntilEscalating:
      if (!care(id).forecast || !advance_forecast(change_care(id), group, at)) return false;
      escalate(id, at);
      return true;
    case Substatus::Ongoing:
    case Substatus::Escalating:
    case Substatus::Regressed:
    case Substatus::Forever:
      break;
  }
  return false;
}

void State::note_regression(GroupId id, const Occurrence& occurrence) {
  auto release = find_term(occurrence, field::kRelease);
  if (!release) return;
  std::vector<std::string>& list = change_care(id).regressed_in;
  std::erase(list, *release);
  if (list.size() == kMaxRegressedIn) list.erase(list.begin());
  list.push_back(std::move(*release));
}

bool State::covered(const Group& group, const Occurrence& occurrence, At at) const {
  const auto& resolution = care(group.id).resolution;
  if (!resolution) return false;
  const auto release = find_term(occurrence, field::kRelease);
  return covers(*resolution, release, releases(group.project), at.time);
}

bool State::advance_snooze(Care& care, const Occurrence& occurrence, At at) {
  Snooze& snooze = *care.snooze;
  const SnoozeTerms& terms = snooze.terms;
  bool lifted = false;
  if (terms.count > 0 && terms.window_minutes == 0) {
    snooze.seen += 1;
    lifted = snooze.seen >= terms.count;
  } else if (terms.count > 0) {
    snooze.recent.push_back(at.time);
    keep_window(snooze.recent, terms.window_minutes, at.time);
    lifted = snooze.recent.size() >= terms.count;
  }
  if (terms.users == 0) return lifted;
  const auto user = find_term(occurrence, field::kUser);
  if (!user) return lifted;
  const uint64_t hash = hash64(*user);
  auto& people = snooze.people;
  if (terms.user_window_minutes > 0) {
    const TimeUs begin = after(at.time, -int64_t{terms.user_window_minutes} * kMinuteUs);
    std::erase_if(people, [&](const auto& one) { return one.second <= begin; });
  }
  const auto known = std::find_if(people.begin(), people.end(),
                                  [&](const auto& one) { return one.first == hash; });
  if (known == people.end()) {
    people.emplace_back(hash, at.time);
  } else {
    known->second = at.time;
  }
  return lifted || people.size() >= terms.users;
}

// Counts within the clock's hour; true: more than forecast.
bool State::advance_forecast(Care& care, const Group& group, At at) {
  Forecast& forecast = *care.forecast;
  const int64_t hour = hour_of(at.time);
  if (hour != forecast.hour) {
    forecast.hour = hour;
    forecast.in_hour = 0;
  }
  forecast.in_hour += 1;
  if (forecast.ceilings.empty() || !type(group.type).escalation) return false;
  if (raw(at.time) - raw(group.first_seen) < kDayUs) return false;
  const int64_t day = std::max<int64_t>(0, (raw(at.time) - raw(forecast.made)) / kDayUs);
  const size_t last = forecast.ceilings.size() - 1;
  return forecast.in_hour > forecast.ceilings[std::min(static_cast<size_t>(day), last)];
}

// --- views ------------------------------------------------------------------------------------

void State::reopen_views(GroupId leaf, const Occurrence& occurrence, At at, Applied& applied) {
  for (GroupId id = parents_[raw(leaf)]; id != GroupId{}; id = parents_[raw(id)]) {
    const Group& view = group(id);
    if (view.status != Status::Resolved || occurrence.time() <= view.status_since) continue;
    if (covered(view, occurrence, at)) continue;
    const auto by_group = [](const Reopened& one, GroupId by) { return one.by < by; };
    const auto& known = care(id).reopened;
    const auto place = std::lower_bound(known.begin(), known.end(), leaf, by_group);
    if (place != known.end() && place->by == leaf) continue;
    const auto index = place - known.begin();
    auto& list = change_care(id).reopened;
    list.insert(list.begin() + index, {leaf, at.lsn, at.time, false,
                                       find_term(occurrence, field::kRelease).value_or("")});
    if (!view.reopened) restated_.push_back(id);
    change(id).reopened = true;
    applied.touched.push_back(id);
  }
}

void State::forget_reopened(GroupId view) {
  const auto under = [&](GroupId id, GroupId top) {
    while (id != GroupId{} && id != top) id = parents_[raw(id)];
    return id == top;
  };
  for (GroupId id = view; id != GroupId{}; id = parents_[raw(id)]) {
    if (!group(id).reopened) continue;
    auto& list = change_care(id).reopened;
    std::erase_if(list, [&](const Reopened& one) { return !under(one.by, id); });
    if (list.empty()) change(id).reopened = false;
    settle_care(id);
  }
}

}  // namespace cairn::model
