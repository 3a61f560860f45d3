#include "support/fold_difference.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <span>

#include "model/forest.h"

namespace cairn::testing {

using model::Care;
using model::Fingerprint;
using model::Group;
using model::Standing;
using model::Status;
using model::Substatus;

namespace {

constexpr int64_t kMinute = 60 * kMicrosPerSecond;
constexpr int64_t kHour = 60 * kMinute;

class Comparison {
 public:
  Comparison(model::State& state, const NaiveFold& naive, TimeUs now)
      : state_(state), naive_(naive), now_(now) {}

  std::string run() {
    same("groups", state_.group_count(), naive_.groups.size());
    same("fingerprints", state_.fingerprint_count(), naive_.fingerprints.size());
    for (uint32_t n = 1; found_.empty() && n <= state_.group_count(); ++n) compare(GroupId{n});
    if (found_.empty()) compare_fingerprints();
    for (const auto& [id, project] : naive_.projects) compare_project(id, project);
    if (found_.empty()) compare_due();
    return found_;
  }

 private:
  template <class Ours, class Theirs>
  void same(const char* what, const Ours& ours, const Theirs& theirs) {
    if (!found_.empty() || ours == theirs) return;
    found_ = fmt::format("{} of {}: {}, naive {}", what, of_, Catch::Detail::stringify(ours),
                         Catch::Detail::stringify(theirs));
  }

  std::string name(GroupId id) const {
    if (id == GroupId{}) return "";
    return NaiveFold::name(state_.group(id).project, state_.group(id).number);
  }
  std::set<std::string> names(std::span<const GroupId> ids) const {
    std::set<std::string> out;
    for (const GroupId id : ids) out.insert(name(id));
    return out;
  }
  static TimeUs or_zero(std::optional<TimeUs> time) { return time.value_or(TimeUs{}); }

  void compare(GroupId id) {
    const Group& group = state_.group(id);
    of_ = name(id);
    if (!naive_.groups.contains(of_)) return same("being there", true, false);
    const NaiveFold::Group& twin = naive_.groups.at(of_);
    same("times_seen", group.times_seen, twin.seen.size());
    same("first_seen", raw(group.first_seen), raw(or_zero(NaiveFold::first_seen(twin.seen))));
    same("last_seen", raw(group.last_seen), raw(or_zero(NaiveFold::last_seen(twin.seen))));
    same("type", group.type, twin.type);
    same("priority", group.priority, twin.priority);
    same("priority_locked", bool{group.priority_locked}, twin.priority_locked);
    same("initial_priority", group.initial_priority, twin.initial_priority);
    same("standing", static_cast<int>(group.standing), static_cast<int>(twin.standing));
    same("reopened", bool{group.reopened}, twin.reopened());
    const model::Face face = NaiveFold::face(twin);
    same("title", std::string(group.title), face.title);
    same("culprit", std::string(group.culprit), face.culprit);
    same("level", level_name(group.level), level_name(face.level));
    same("split_from", name(group.split_from), twin.split_from);
    same("status", status_name(group.status), status_name(twin.status));
    same("substatus", substatus_name(group.substatus), substatus_name(twin.substatus));
    same("status_since", raw(group.status_since), raw(twin.status_since));
    same("assignee", std::string(group.assignee), twin.assignee);
    same("number of fingerprints", group.fingerprints.size(), twin.fingerprints.size());
    compare_view(id);
    compare_waiting(state_.care(id), twin);
    compare_people(state_.care(id), twin);
  }

  void compare_view(GroupId id) {
    same("root", name(state_.root_of(id)), naive_.root(of_));
    same("children", names(state_.group(id).children), naive_.children(of_));
    const std::vector<GroupId> members = state_.members(id);
    same("first member", name(members.front()), of_);
    same("members", names(members), naive_.members(of_));
    std::vector<NaiveFold::Seen> all;
    for (const std::string& member : naive_.members(of_)) {
      const auto& seen = naive_.groups.at(member).seen;
      all.insert(all.end(), seen.begin(), seen.end());
    }
    const model::Totals totals = state_.totals(id);
    same("total", totals.times_seen, all.size());
    same("first of all", raw(totals.first_seen), raw(or_zero(NaiveFold::first_seen(all))));
    same("last of all", raw(totals.last_seen), raw(or_zero(NaiveFold::last_seen(all))));
    const auto releases = model::Forest(state_).regressed_in(id);
    same("regressed in", std::set<std::string>(releases.begin(), releases.end()),
         naive_.regressed_in(of_));
    const model::ShownStatus shown = state_.shown_status(id);
    const model::ShownStatus expected = naive_.shown_status(of_);
    same("shown status", status_name(shown.status), status_name(expected.status));
    same("shown substatus", substatus_name(shown.substatus), substatus_name(expected.substatus));
    same("shown since", raw(shown.since), raw(expected.since));
    same("for_review", state_.for_review(id), naive_.for_review(of_));
    same("issue_of", name(state_.issue_of(id)), naive_.issue_of(of_));
    const std::optional<TimeUs> due = state_.due_at(id);
    const std::optional<TimeUs> naive_due = naive_.due_at(of_);
    same("being due", due.has_value(), naive_due.has_value());
    if (due && naive_due) same("due_at", raw(*due), raw(*naive_due));
  }

  // What it waits for, and how far that has come.
  void compare_waiting(const Care& care, const NaiveFold::Group& twin) {
    const model::Snooze snooze = care.snooze.value_or(model::Snooze{});
    same("snooze", snooze.terms == twin.snooze, true);
    const TimeUs last = twin.heard.empty() ? TimeUs{} : twin.heard.back().at;
    const auto in_window = [&](TimeUs at, uint32_t minutes) {
      return minutes == 0 || raw(last) - raw(at) < minutes * kMinute;
    };
    std::vector<int64_t> recent;
    std::map<std::string, int64_t> users;
    for (const NaiveFold::Seen& one : twin.heard) {
      if (in_window(one.at, twin.snooze.window_minutes)) recent.push_back(raw(one.at));
      const std::string user = NaiveFold::user_of(one.occurrence);
      if (!user.empty()) users[user] = raw(one.at);
    }
    std::vector<int64_t> theirs;
    for (const TimeUs at : snooze.recent) theirs.push_back(raw(at));
    if (twin.snooze.count > 0 && twin.snooze.window_minutes > 0) same("recent", theirs, recent);
    if (twin.snooze.count > 0 && twin.snooze.window_minutes == 0) {
      same("count so far", snooze.seen, twin.heard.size());
    }
    std::vector<int64_t> people;
    for (const auto& [user, at] : users) people.push_back(at);
    theirs.clear();
    for (const auto& [user, at] : snooze.people) theirs.push_back(raw(at));
    for (std::vector<int64_t>* times : {&people, &theirs}) {
      std::erase_if(*times, [&](int64_t at) {
        return !in_window(TimeUs{at}, twin.snooze.user_window_minutes);
      });
      std::sort(times->begin(), times->end());
    }
    if (twin.snooze.users > 0) same("users so far", theirs, people);
    const model::Resolution resolution = care.resolution.value_or(model::Resolution{});
    same("resolution", resolution == twin.resolution, true);
    same("having a forecast", care.forecast.has_value(), twin.forecast.has_value());
    if (found_.empty() && twin.forecast) compare_forecast(*care.forecast, twin);
  }

  void compare_forecast(const model::Forecast& forecast, const NaiveFold::Group& twin) {
    same("forecast made", raw(forecast.made), raw(twin.forecast->made));
    same("ceilings", forecast.ceilings, twin.forecast->ceilings);
    uint32_t in_hour = 0;
    for (const NaiveFold::Seen& one : twin.heard) {
      if (raw(one.at) / kHour == raw(now_) / kHour) in_hour += 1;
    }
    same("count of this hour", forecast.hour == raw(now_) / kHour ? forecast.in_hour : 0, in_hour);
  }

  void compare_people(const Care& care, const NaiveFold::Group& twin) {
    same("notes", care.notes == twin.notes, true);
    same("last_note", care.last_note, twin.last_note);
    const auto list = [](const std::set<std::string>& people) {
      return std::vector<std::string>(people.begin(), people.end());
    };
    same("bookmarked_by", care.bookmarked_by, list(twin.bookmarked_by));
    same("subscribed_by", care.subscribed_by, list(twin.subscribed_by));
    const std::vector<std::pair<std::string, TimeUs>> seen(twin.seen_by.begin(),
                                                           twin.seen_by.end());
    same("seen", care.seen == seen, true);
    same("links", care.links == twin.links, true);
    // Of every member the first.
    std::vector<std::pair<std::string, int64_t>> first;
    for (const NaiveFold::Reopening& one : twin.reopenings) {
      const bool again = std::any_of(first.begin(), first.end(),
                                     [&](const auto& entry) { return entry.first == one.by; });
      if (!again) first.emplace_back(one.by, raw(one.at));
    }
    std::vector<std::pair<std::string, int64_t>> theirs;
    for (const model::Reopened& one : care.reopened) {
      theirs.emplace_back(name(one.by), raw(one.time));
    }
    std::sort(first.begin(), first.end());
    std::sort(theirs.begin(), theirs.end());
    same("reopened by", theirs, first);
  }

  void compare_fingerprints() {
    const std::vector<GroupId> roots = state_.roots_by_fingerprint();
    same("size of roots", roots.size(), naive_.fingerprints.size() + 1);
    size_t held = 0;
    for (uint32_t n = 1; found_.empty() && n <= state_.fingerprint_count(); ++n) {
      const Fingerprint& one = state_.fingerprint(FingerprintId{n});
      const std::string& key = naive_.fingerprints[n - 1];
      of_ = "fingerprint " + key;
      const std::string value = NaiveFold::name(one.project, std::string(one.value));
      same("value", value, key.substr(0, key.find('~')));
      const bool waits = naive_.waiting.contains(key) || !naive_.leaf_of.contains(key);
      const std::string leaf = waits ? "" : naive_.leaf_of.at(key);
      same("leaf", name(one.leaf), leaf);
      same("issue", name(roots[n]), waits ? "" : naive_.issue_of(leaf));
      std::vector<NaiveFold::Seen> seen;
      for (const NaiveFold::Seen& each :
           waits ? naive_.waiting.at(key) : naive_.groups.at(leaf).seen) {
        if (each.decider == key) seen.push_back(each);
      }
      same("occurrences", one.occurrences, seen.size());
      same("its first_seen", raw(one.first_seen), raw(or_zero(NaiveFold::first_seen(seen))));
      same("its first release", std::string(one.first_release), NaiveFold::first_release(seen));
      same("its last_seen", raw(one.last_seen), raw(or_zero(NaiveFold::last_seen(seen))));
      const bool retired = key.find('~') != std::string::npos;
      same("being found", state_.find_fingerprint(one.project, one.value) == &one, !retired);
      same("being held", state_.held().contains(one.id), waits);
      if (!found_.empty() || !waits) continue;
      held += 1;
      same("noise", state_.held().at(one.id).count, naive_.noise(key));
      same("last noise", raw(state_.held().at(one.id).last), raw(seen.back().at));
    }
    same("number held", state_.held().size(), held);
  }

  void compare_project(ProjectId id, const NaiveFold::Project& twin) {
    of_ = "project " + std::to_string(raw(id));
    const model::Project* project = state_.project(id);
    if (project != nullptr) {
      same("hold_back", project->hold_back, twin.hold_back);
      same("auto_resolve_hours", project->auto_resolve_hours, twin.auto_resolve_hours);
      same("threshold", project->escalation_threshold, twin.escalation_threshold);
      same("policy", policy_name(project->policy), policy_name(twin.policy));
    }
    const model::Releases& releases = state_.releases(id);
    same("number of releases", releases.all().size(), twin.releases.size());
    for (size_t i = 0; found_.empty() && i < twin.releases.size(); ++i) {
      same("release", releases.all()[i].version, twin.releases[i].version);
      same("its date", raw(releases.all()[i].date), raw(twin.releases[i].date));
      same("its commits", releases.all()[i].commits, twin.releases[i].commits);
    }
    std::vector<std::string> newest;
    std::vector<std::string> expected;
    for (const model::Release* one : releases.newest(100)) newest.push_back(one->version);
    for (const NaiveFold::Release& one : naive_.newest_releases(id)) {
      expected.push_back(one.version);
    }
    same("newest releases", newest, expected);
  }

  void compare_due() {
    of_ = "all groups";
    std::optional<TimeUs> first;
    for (const auto& [name, group] : naive_.groups) {
      const std::optional<TimeUs> due = naive_.due_at(name);
      if (due && (!first || *due < *first)) first = due;
    }
    same("anything due", state_.anything_due(now_), first && *first <= now_);
    if (first) {
      same("due when it is", state_.anything_due(*first), true);
      same("due just before", state_.anything_due(TimeUs{raw(*first) - 1}), false);
    }
    const std::vector<std::string> due = naive_.forecasts_due(now_);
    same("forecasts due", names(state_.forecasts_due(now_)),
         std::set<std::string>(due.begin(), due.end()));
  }

  model::State& state_;
  const NaiveFold& naive_;
  TimeUs now_;
  std::string of_ = "the store";
  std::string found_;
};

template <class Body>
std::string on(const Body& body) {
  return NaiveFold::name(body.project, body.number);
}

std::string text(const model::Occurrence& o) {
  return fmt::format("occurrence {} of {} time {} type {} event {}", fmt::join(o.fingerprint, ","),
                     raw(o.project), o.detection_time, o.type, o.event);
}

std::string text(const model::StatusChanged& c) {
  return fmt::format(
      "{} {}/{} until {} count {} in {} users {} in {} resolution {} '{}' "
      "forecast [{}]",
      on(c), status_name(c.status), substatus_name(c.substatus),
      raw(c.snooze.until) / kMicrosPerSecond, c.snooze.count, c.snooze.window_minutes,
      c.snooze.users, c.snooze.user_window_minutes, resolution_name(c.resolution.kind),
      c.resolution.version, fmt::join(c.forecast, ","));
}

std::string text(const model::Ticked& tick) {
  std::string out = "tick";
  for (const auto& one : tick.forecasts) {
    out += fmt::format(" forecast {} [{}]", on(one), fmt::join(one.ceilings, ","));
  }
  return out;
}

std::string text(const model::Merged& m) {
  return fmt::format("merge into {}/{}: {}", raw(m.project), m.primary, fmt::join(m.children, ","));
}
std::string text(const model::Unmerged& m) {
  return fmt::format("unmerge from {}/{}: {}", raw(m.project), m.primary,
                     fmt::join(m.children, ","));
}
std::string text(const model::ViewMade& m) {
  return fmt::format("view {} over {}", on(m), fmt::join(m.children, ","));
}
std::string text(const model::Split& s) {
  return fmt::format("split {} into {}: {}", on(s), s.part, fmt::join(s.fingerprints, ","));
}
std::string text(const model::Rejoined& r) {
  return fmt::format("rejoin {} from {}", on(r), r.part);
}
std::string text(const model::StandingChanged& c) {
  return on(c) + " " + std::string(standing_name(c.standing));
}
std::string text(const model::PriorityChanged& c) {
  return fmt::format("{} priority {}{}", on(c), c.priority, c.locked ? " locked" : "");
}
std::string text(const model::AttentionChanged& c) {
  return fmt::format("{} {} by {} {}", on(c), attention_name(c.attention), c.who, c.on);
}
std::string text(const model::NoteChanged& c) {
  return fmt::format("{} note {} {}", on(c), c.note, note_change_name(c.change));
}
std::string text(const model::LinkChanged& c) {
  return fmt::format("{} link {}{}", on(c), c.url, c.removed ? " removed" : "");
}
std::string text(const model::ReleaseChanged& c) {
  return fmt::format("release {}/{} date {} commits {}", raw(c.project), c.version,
                     c.date ? raw(*c.date) / kMicrosPerSecond : 0, fmt::join(c.commits, ","));
}
std::string text(const model::ProjectChanged& c) {
  std::string out = fmt::format("project {}", raw(c.project));
  if (c.policy) out += fmt::format(" policy {}", policy_name(*c.policy));
  if (c.auto_resolve_hours) out += fmt::format(" auto-resolve {}", *c.auto_resolve_hours);
  if (c.escalation_threshold) out += fmt::format(" threshold {}", *c.escalation_threshold);
  if (c.hold_back) out += fmt::format(" hold-back {}", *c.hold_back);
  return out;
}
std::string text(const model::TypesChanged& c) {
  std::string out = "types";
  for (const model::GroupType& type : c.set) {
    out += fmt::format(" {}: noise {} quota {} escalation {} auto-resolve {}", type.id,
                       type.noise_limit, type.quota_per_hour, type.escalation, type.auto_resolve);
  }
  return out;
}
template <class Other>
std::string text(const Other&) {
  return "another record";
}

}  // namespace

std::string difference(model::State& state, const NaiveFold& naive, TimeUs now) {
  return Comparison(state, naive, now).run();
}

std::string record_text(const model::Record& record) {
  return fmt::format("at {}: {}", raw(record.time) / kMicrosPerSecond,
                     std::visit([](const auto& body) { return text(body); }, record.body));
}

}  // namespace cairn::testing
