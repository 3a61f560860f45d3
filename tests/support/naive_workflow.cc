// What becomes of issues, rule by rule as docs/semantics.md has them, "The life of an issue".
#include <algorithm>
#include <utility>

#include "support/naive_fold.h"

namespace cairn::testing {

using model::Occurrence;
using model::ResolutionKind;
using model::Standing;
using model::Status;
using model::Substatus;

namespace {

constexpr int64_t kMinute = 60 * kMicrosPerSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kWeek = 7 * kDay;

int64_t between(TimeUs from, TimeUs to) { return raw(to) - raw(from); }
TimeUs later(TimeUs time, int64_t by) { return TimeUs{raw(time) + by}; }

// What follows `begin` in an event, up to one of `ends`.
std::string text_after(const std::string& event, const std::string& begin, const char* ends) {
  const size_t at = event.find(begin);
  if (at == std::string::npos) return "";
  const size_t from = at + begin.size();
  return event.substr(from, event.find_first_of(ends, from) - from);
}

// name@X.Y; nullopt: not of that form.
std::optional<std::pair<int, int>> version_of(const std::string& release) {
  const size_t at = release.find('@');
  const size_t dot = release.find('.');
  if (at == std::string::npos || dot == std::string::npos) return std::nullopt;
  return std::pair{std::stoi(release.substr(at + 1)), std::stoi(release.substr(dot + 1))};
}

}  // namespace

std::string NaiveFold::user_of(const Occurrence& o) {
  return text_after(o.event, "\"user\":{\"id\":", "}");
}

std::string NaiveFold::release_of(const Occurrence& o) {
  return text_after(o.event, "\"release\":\"", "\"");
}

std::optional<TimeUs> NaiveFold::first_seen(const std::vector<Seen>& of) {
  std::optional<TimeUs> out;
  for (const Seen& seen : of)
    out = std::min(out.value_or(TimeUs{INT64_MAX}), seen.occurrence.time());
  return out;
}

std::string NaiveFold::first_release(std::vector<Seen> of) {
  std::stable_sort(of.begin(), of.end(), [](const Seen& a, const Seen& b) {
    const TimeUs of_a = a.occurrence.time(), of_b = b.occurrence.time();
    return of_a != of_b ? of_a < of_b : a.arrival < b.arrival;
  });
  return of.empty() ? "" : release_of(of.front().occurrence);
}

std::set<std::string> NaiveFold::regressed_in(const std::string& view) const {
  std::set<std::string> out;
  for (const std::string& member : members(view)) {
    const Group& of = groups.at(member);
    out.insert(of.regressed_in.begin(), of.regressed_in.end());
    std::set<std::string> met;  // of each member the first time counts
    for (const Reopening& one : of.reopenings) {
      if (met.insert(one.by).second && !one.release.empty()) out.insert(one.release);
    }
  }
  return out;
}

std::optional<TimeUs> NaiveFold::last_seen(const std::vector<Seen>& of) {
  std::optional<TimeUs> out;
  for (const Seen& seen : of)
    out = std::max(out.value_or(TimeUs{INT64_MIN}), seen.occurrence.time());
  return out;
}

model::GroupType NaiveFold::type(uint32_t id) const {
  if (types.contains(id)) return types.at(id);
  const model::GroupType* known = model::find_known_group_type(id);
  return known != nullptr ? *known : model::unknown_group_type(id);
}

// --- statuses -------------------------------------------------------------------------------

void NaiveFold::set_status(const std::string& group, Status status, Substatus substatus,
                           TimeUs now) {
  Group& of = groups.at(group);
  if (substatus == Substatus::Escalating || of.substatus == Substatus::Escalating) {
    if (of.priority_locked) reached["priority kept: locked"] += 1;
  }
  if (!of.priority_locked) {
    if (of.substatus == Substatus::Escalating && substatus == Substatus::Ongoing) {
      of.priority = of.initial_priority;
      reached["priority as at first"] += 1;
    }
    if (substatus == Substatus::Escalating) {
      of.priority = of.priority == 25 ? 50 : 75;
      reached["priority raised"] += 1;
    }
  }
  of.status = status;
  of.substatus = substatus;
  of.status_since = now;
  of.reviewed_turn = 0;
  of.reopenings.clear();
  of.heard.clear();
  of.snooze = {};
  of.resolution = {};
  of.forecast.reset();
}

model::ShownStatus NaiveFold::shown_status(const std::string& group) const {
  const Group& of = groups.at(group);
  if (!of.reopened()) return {of.status, of.substatus, of.status_since};
  return {Status::Unresolved, Substatus::Regressed, of.reopenings.front().at};
}

bool NaiveFold::for_review(const std::string& group) const {
  const Group& of = groups.at(group);
  const model::ShownStatus shown = shown_status(group);
  const bool by_itself = shown.substatus == Substatus::New ||
                         shown.substatus == Substatus::Regressed ||
                         shown.substatus == Substatus::Escalating;
  if (!of.reopened()) return by_itself && of.reviewed_turn == 0;
  // Of each member the first time counts.
  std::set<std::string> met;
  return std::any_of(of.reopenings.begin(), of.reopenings.end(), [&](const Reopening& one) {
    return met.insert(one.by).second && !one.reviewed;
  });
}

std::string NaiveFold::issue_of(const std::string& group) const {
  return groups.at(group).standing == Standing::Kept ? root(group) : "";
}

// --- what an occurrence does ----------------------------------------------------------------

void NaiveFold::react(const std::string& name, const Occurrence& o, TimeUs now) {
  Group& group = groups.at(name);
  if (group.status == Status::Resolved) {
    if (o.time() <= group.status_since || covered(group, o, now)) return;
    static const char* const kRegressed[] = {"resolved to regressed", "in release to regressed",
                                             "in next release to regressed",
                                             "in commit to regressed"};
    reached[kRegressed[static_cast<int>(group.resolution.kind)]] += 1;
    if (!release_of(o).empty()) group.regressed_in.push_back(release_of(o));
    return set_status(name, Status::Unresolved, Substatus::Regressed, now);
  }
  const bool escalates =
      (group.substatus == Substatus::UntilConditionMet && condition_met(group, now)) ||
      (group.substatus == Substatus::UntilEscalating && above_forecast(group, now)) ||
      (group.substatus == Substatus::New && above_threshold(group, now));
  if (!escalates) return;
  if (group.substatus == Substatus::New) reached["new to escalating"] += 1;
  if (group.substatus == Substatus::UntilEscalating) reached["above the forecast"] += 1;
  set_status(name, Status::Unresolved, Substatus::Escalating, now);
}

void NaiveFold::reopen_views(const std::string& leaf, const Occurrence& o, TimeUs now) {
  for (std::string view = groups.at(leaf).parent; !view.empty(); view = groups.at(view).parent) {
    Group& above = groups.at(view);
    if (above.status != Status::Resolved || o.time() <= above.status_since) continue;
    if (covered(above, o, now)) {
      reached["view kept by its resolution"] += 1;
      continue;
    }
    above.reopenings.push_back({leaf, now, turn_, false, release_of(o)});
    reached["view reopened"] += 1;
  }
}

bool NaiveFold::condition_met(const Group& group, TimeUs now) {
  const auto within = [&](TimeUs at, uint32_t minutes) {
    return minutes == 0 || between(at, now) < minutes * kMinute;
  };
  const model::SnoozeTerms& terms = group.snooze;
  uint32_t count = 0;
  std::set<std::string> users;
  for (const Seen& one : group.heard) {
    if (within(one.at, terms.window_minutes)) count += 1;
    if (within(one.at, terms.user_window_minutes) && !user_of(one.occurrence).empty()) {
      users.insert(user_of(one.occurrence));
    }
  }
  const bool many = terms.count > 0 && count >= terms.count;
  const bool by_many = terms.users > 0 && users.size() >= terms.users;
  if (many) reached[terms.window_minutes > 0 ? "so many in a window" : "so many"] += 1;
  if (by_many) reached[terms.user_window_minutes > 0 ? "users in a window" : "so many users"] += 1;
  return many || by_many;
}

bool NaiveFold::above_forecast(const Group& group, TimeUs now) const {
  const std::vector<uint32_t>& ceilings = group.forecast->ceilings;
  if (ceilings.empty() || !type(group.type).escalation) return false;
  if (between(first_seen(group.seen).value_or(now), now) < kDay) return false;
  const auto day = static_cast<size_t>(between(group.forecast->made, now) / kDay);
  uint32_t in_hour = 0;
  for (const Seen& one : group.heard) {
    if (raw(one.at) / kHour == raw(now) / kHour) in_hour += 1;
  }
  return in_hour > ceilings[std::min(day, ceilings.size() - 1)];
}

bool NaiveFold::above_threshold(const Group& group, TimeUs now) const {
  const auto project = projects.find(group.project);
  const uint32_t threshold = project == projects.end() ? 0 : project->second.escalation_threshold;
  if (threshold == 0 || !type(group.type).escalation || group.seen.size() < 10) return false;
  const int64_t age = between(*first_seen(group.seen), now);
  if (age >= kDay) return false;
  const double hours = std::max(1.0, static_cast<double>(age) / kHour);
  return static_cast<double>(group.seen.size()) / hours > threshold;
}

// --- releases -------------------------------------------------------------------------------

bool NaiveFold::covered(const Group& group, const Occurrence& o, TimeUs now) {
  const model::Resolution& resolution = group.resolution;
  const std::string release = release_of(o);
  const std::string& version = resolution.version;
  bool yes = false;
  if (resolution.kind == ResolutionKind::Now) return false;
  if (release.empty()) {
    yes = true;
  } else if (resolution.kind == ResolutionKind::InRelease) {
    yes = older(group.project, release, version, now);
  } else if (resolution.kind == ResolutionKind::InNextRelease) {
    yes = !version.empty() && (release == version || older(group.project, release, version, now));
  } else {
    const std::vector<Release>& all = projects[group.project].releases;
    const auto with = std::find_if(all.begin(), all.end(), [&](const Release& one) {
      return std::count(one.commits.begin(), one.commits.end(), version) > 0;
    });
    yes = with == all.end() || older(group.project, release, with->version, now);
    if (with == all.end()) reached["covered: no release has the commit"] += 1;
  }
  static const char* const kCovered[] = {"", "covered in a release", "covered in the next release",
                                         "covered in a commit"};
  if (yes) reached[kCovered[static_cast<int>(resolution.kind)]] += 1;
  return yes;
}

// Newest first.
std::vector<NaiveFold::Release> NaiveFold::newest_releases(ProjectId project) const {
  const auto found = projects.find(project);
  if (found == projects.end()) return {};
  std::vector<Release> out(found->second.releases.rbegin(), found->second.releases.rend());
  std::stable_sort(out.begin(), out.end(),
                   [](const Release& a, const Release& b) { return a.date > b.date; });
  return out;
}

bool NaiveFold::names_versions(ProjectId project) const {
  const std::vector<Release> newest = newest_releases(project);
  const auto versions = [&](size_t among) {
    int count = 0;
    for (size_t i = 0; i < std::min(among, newest.size()); ++i) {
      if (version_of(newest[i].version)) count += 1;
    }
    return count;
  };
  if (newest.size() <= 2) return versions(1) > 0;
  return versions(3) > 0 && (newest.size() < 10 || versions(10) >= 3);
}

std::string NaiveFold::newest_release(ProjectId project) const {
  const std::vector<Release> newest = newest_releases(project);
  if (newest.empty()) return "";
  if (!names_versions(project)) return newest.front().version;
  std::string best;
  for (const Release& one : newest) {
    const auto version = version_of(one.version);
    if (version && (best.empty() || *version_of(best) < *version)) best = one.version;
  }
  return best;
}

bool NaiveFold::older(ProjectId project, const std::string& a, const std::string& b, TimeUs now) {
  if (a == b) return false;
  if (names_versions(project) && version_of(a) && version_of(b)) {
    reached["compared by version"] += 1;
    return *version_of(a) < *version_of(b);
  }
  const auto date = [&](const std::string& version) {
    for (const Release& one : projects[project].releases) {
      if (one.version == version) return one.date;
    }
    return now;
  };
  reached["compared by date"] += 1;
  return date(a) <= date(b);
}

NaiveFold::Release& NaiveFold::register_release(ProjectId project, const std::string& version,
                                                TimeUs date) {
  std::vector<Release>& all = projects[project].releases;
  for (Release& one : all) {
    if (one.version == version) return one;
  }
  return all.emplace_back(Release{version, date, {}});
}

// --- what time does -------------------------------------------------------------------------

bool NaiveFold::ongoing_due(const Group& group, TimeUs now) const {
  switch (group.substatus) {
    case Substatus::New:
      return first_seen(group.seen) && later(*first_seen(group.seen), kWeek) <= now;
    case Substatus::Regressed:
    case Substatus::Escalating:
      return later(group.status_since, kWeek) <= now;
    case Substatus::UntilConditionMet:
      return group.snooze.until != TimeUs{} && group.snooze.until <= now;
    default:
      return false;
  }
}

bool NaiveFold::resolving_due(const Group& group, TimeUs now) const {
  const auto project = projects.find(group.project);
  const uint32_t hours = project == projects.end() ? 0 : project->second.auto_resolve_hours;
  return group.status == Status::Unresolved && hours > 0 && type(group.type).auto_resolve &&
         last_seen(group.seen) && later(*last_seen(group.seen), hours * kHour) <= now;
}

void NaiveFold::tick(const model::Ticked& tick, TimeUs now) {
  for (const std::string& one : forecasts_due(now)) {
    Group& group = groups.at(one);
    const bool old = group.forecast->made != now;
    for (const auto& given : tick.forecasts) {
      if (name(given.project, given.number) != one) continue;
      group.forecast = ForecastGiven{now, given.ceilings};
      reached["forecast renewed"] += 1;
    }
    if (old && group.forecast->made != now) reached["forecast not brought"] += 1;
  }
  for (auto& [name, group] : groups) {
    if (group.standing != Standing::Kept) continue;
    const bool resolves = resolving_due(group, now);
    if (ongoing_due(group, now)) {
      if (resolves) reached["ongoing first, resolved with the next tick"] += 1;
      reached[std::string(substatus_name(group.substatus)) + " to ongoing by time"] += 1;
      set_status(name, Status::Unresolved, Substatus::Ongoing, now);
    } else if (resolves) {
      reached[std::string(substatus_name(group.substatus)) + " to resolved by age"] += 1;
      set_status(name, Status::Resolved, Substatus::None, now);
    }
  }
}

// The first moment at which a rule above says yes.
std::optional<TimeUs> NaiveFold::due_at(const std::string& name) const {
  const Group& group = groups.at(name);
  if (group.standing != Standing::Kept) return std::nullopt;
  std::vector<TimeUs> moments;
  if (group.snooze.until != TimeUs{}) moments.push_back(group.snooze.until);
  moments.push_back(later(group.status_since, kWeek));
  if (first_seen(group.seen)) {
    moments.push_back(later(*first_seen(group.seen), kWeek));
    const auto project = projects.find(group.project);
    const uint32_t hours = project == projects.end() ? 0 : project->second.auto_resolve_hours;
    moments.push_back(later(*last_seen(group.seen), hours * kHour));
  }
  if (group.forecast) moments.push_back(later(group.forecast->made, kWeek));
  std::sort(moments.begin(), moments.end());
  for (const TimeUs at : moments) {
    const bool renewed = group.forecast && later(group.forecast->made, kWeek) <= at;
    if (renewed || ongoing_due(group, at) || resolving_due(group, at)) return at;
  }
  return std::nullopt;
}

std::vector<std::string> NaiveFold::forecasts_due(TimeUs now) const {
  std::vector<std::string> out;
  for (const auto& [name, group] : groups) {
    const bool old = group.forecast && later(group.forecast->made, kWeek) <= now;
    if (old && group.standing == Standing::Kept) out.push_back(name);
  }
  return out;
}

// --- held back ------------------------------------------------------------------------------

uint32_t NaiveFold::noise(const std::string& fingerprint) const {
  uint32_t count = 0;
  TimeUs last{};
  for (const Seen& one : waiting.at(fingerprint)) {
    if (between(last, one.at) > kDay) count = 0;
    count += 1;
    last = one.at;
  }
  return count;
}

bool NaiveFold::held_back(const std::string& fingerprint, const Occurrence& o, TimeUs now) {
  const model::GroupType of = type(o.type);
  const uint32_t count = noise(fingerprint);
  if (count < waiting.at(fingerprint).size()) reached["noise counted anew"] += 1;
  if (count < of.noise_limit) {
    reached["held back: noise"] += 1;
    return true;
  }
  uint32_t made = 0;
  for (const auto& [type, minute] : projects[o.project].made) {
    if (type == o.type && minute > raw(now) / kMinute - 60) made += 1;
  }
  if (made < of.quota_per_hour) return false;
  reached["held back: quota"] += 1;
  return true;
}

// --- records --------------------------------------------------------------------------------

void NaiveFold::apply(const model::Record& record) {
  turn_ += 1;
  const TimeUs now = record.time;
  const auto group = [&](const auto& of) -> Group& {
    return groups.at(name(of.project, of.number));
  };
  if (const auto* o = std::get_if<Occurrence>(&record.body)) see(*o, now);
  if (const auto* of = std::get_if<model::Ticked>(&record.body)) tick(*of, now);
  if (const auto* of = std::get_if<model::Assigned>(&record.body)) {
    group(*of).assignee = of->assignee;
  }
  if (const auto* of = std::get_if<model::PriorityChanged>(&record.body)) {
    group(*of).priority = of->priority;
    group(*of).priority_locked = of->locked;
  }
  if (const auto* of = std::get_if<model::TypesChanged>(&record.body)) {
    for (const model::GroupType& one : of->set) types[one.id] = one;
  }
  if (const auto* of = std::get_if<model::ViewMade>(&record.body)) {
    std::vector<std::string> children;
    for (const uint32_t child : of->children) children.push_back(name(of->project, child));
    make_view(of->project, of->title, children, now);
  }
  if (const auto* of = std::get_if<model::Split>(&record.body)) {
    std::set<std::string> moved;
    for (const std::string& one : of->fingerprints) moved.insert(name(of->project, one));
    split(of->project, name(of->project, of->number), moved, of->part_face, of->rest_face);
    reached["split"] += 1;
  }
  if (const auto* of = std::get_if<model::Rejoined>(&record.body)) {
    rejoin(name(of->project, of->part));
    reached["split undone"] += 1;
  }
  if (const auto* of = std::get_if<model::StatusChanged>(&record.body)) take(*of, now);
  if (const auto* of = std::get_if<model::ReleaseChanged>(&record.body)) take(*of, now);
  if (const auto* of = std::get_if<model::NoteChanged>(&record.body)) take(*of, record.actor, now);
  if (const auto* of = std::get_if<model::AttentionChanged>(&record.body)) take(*of, now);
  if (const auto* of = std::get_if<model::LinkChanged>(&record.body)) take(*of);
  if (const auto* of = std::get_if<model::StandingChanged>(&record.body)) take(*of);
  if (const auto* of = std::get_if<model::Merged>(&record.body)) take(*of);
  if (const auto* of = std::get_if<model::Unmerged>(&record.body)) take(*of);
  if (const auto* of = std::get_if<model::Regrouped>(&record.body)) take(*of);
  if (const auto* of = std::get_if<model::ProjectChanged>(&record.body)) take(*of);
}

void NaiveFold::take(const model::StatusChanged& change, TimeUs now) {
  const std::string on = name(change.project, change.number);
  set_status(on, change.status, change.substatus, now);
  Group& group = groups.at(on);
  if (change.substatus == Substatus::UntilConditionMet) group.snooze = change.snooze;
  if (change.substatus == Substatus::UntilEscalating) {
    group.forecast = ForecastGiven{now, change.forecast};
  }
  if (change.status == Status::Resolved) group.resolution = change.resolution;
  if (change.status == Status::Resolved && change.resolution.kind == ResolutionKind::InRelease) {
    register_release(change.project, change.resolution.version, now);
  }
}

void NaiveFold::take(const model::ReleaseChanged& change, TimeUs now) {
  Release& release = register_release(change.project, change.version, change.date.value_or(now));
  if (change.date) release.date = *change.date;
  for (const std::string& commit : change.commits) {
    const bool told = std::count(release.commits.begin(), release.commits.end(), commit) > 0;
    if (!told) release.commits.push_back(commit);
  }
}

void NaiveFold::take(const model::NoteChanged& change, const std::string& actor, TimeUs now) {
  Group& group = groups.at(name(change.project, change.number));
  reached["note " + std::string(note_change_name(change.change))] += 1;
  if (change.change == model::NoteChange::Added) {
    group.notes.push_back({++group.last_note, actor, change.text, now, TimeUs{}});
    return;
  }
  for (model::Note& note : group.notes) {
    if (note.number != change.note) continue;
    note.text = change.text;
    note.edited = now;
  }
  if (change.change == model::NoteChange::Removed) {
    std::erase_if(group.notes, [&](const model::Note& one) { return one.number == change.note; });
  }
}

void NaiveFold::take(const model::AttentionChanged& change, TimeUs now) {
  Group& group = groups.at(name(change.project, change.number));
  reached[std::string(attention_name(change.attention)) + (change.on ? "" : " no more")] += 1;
  const auto put = [&](std::set<std::string>& people) {
    if (change.on) {
      people.insert(change.who);
    } else {
      people.erase(change.who);
    }
  };
  switch (change.attention) {
    case model::Attention::Bookmarked:
      return put(group.bookmarked_by);
    case model::Attention::Subscribed:
      return put(group.subscribed_by);
    case model::Attention::Seen:
      group.seen_by[change.who] = now;
      return;
    case model::Attention::Reviewed:
      if (!group.reopened()) group.reviewed_turn = turn_;
      for (Reopening& one : group.reopenings) one.reviewed = true;
      return;
  }
}

void NaiveFold::take(const model::LinkChanged& change) {
  std::vector<model::ExternalLink>& links = groups.at(name(change.project, change.number)).links;
  const auto there = std::find_if(links.begin(), links.end(), [&](const model::ExternalLink& one) {
    return one.url == change.url;
  });
  reached[change.removed ? "link removed" : "link added"] += 1;
  if (change.removed) {
    if (there != links.end()) links.erase(there);
  } else if (there != links.end()) {
    there->title = change.title;
  } else {
    links.push_back({change.url, change.title});
  }
}

void NaiveFold::take(const model::StandingChanged& change) {
  const std::set<std::string> all = members(name(change.project, change.number));
  reached[std::string(standing_name(change.standing)) + (all.size() > 1 ? " with members" : "")] +=
      1;
  for (const std::string& one : all) {
    groups.at(one).standing = change.standing;
    if (change.standing == Standing::Deleted) retire(one);
  }
}

// Its fingerprints are unknown again: it keeps them under other names.
void NaiveFold::retire(const std::string& name) {
  Group& group = groups.at(name);
  for (const std::string& old : std::set<std::string>(group.fingerprints)) {
    std::string kept = old;
    while (decided.contains(kept)) kept += "~";
    decided[kept] = decided.at(old);
    decided.erase(old);
    leaf_of[kept] = name;
    leaf_of.erase(old);
    group.fingerprints.erase(old);
    group.fingerprints.insert(kept);
    std::replace(fingerprints.begin(), fingerprints.end(), old, kept);
    for (Seen& seen : group.seen) {
      if (seen.decider == old) seen.decider = kept;
    }
  }
}

void NaiveFold::take(const model::Merged& merge) {
  for (const uint32_t child : merge.children) {
    groups.at(name(merge.project, child)).parent = name(merge.project, merge.primary);
  }
}

void NaiveFold::take(const model::Unmerged& unmerge) {
  for (const uint32_t child : unmerge.children) {
    groups.at(name(unmerge.project, child)).parent.clear();
  }
  forget_reopened();
}

void NaiveFold::take(const model::Regrouped& regrouped) {
  for (const model::Unmerged& unmerge : regrouped.unmerges) take(unmerge);
  for (const model::Merged& merge : regrouped.merges) take(merge);
}

void NaiveFold::take(const model::ProjectChanged& change) {
  Project& project = projects[change.project];
  if (change.policy) project.policy = *change.policy;
  if (change.auto_resolve_hours) project.auto_resolve_hours = *change.auto_resolve_hours;
  if (change.escalation_threshold) project.escalation_threshold = *change.escalation_threshold;
  if (change.hold_back) project.hold_back = *change.hold_back;
}

}  // namespace cairn::testing
