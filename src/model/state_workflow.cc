// The fold, continued: what people say of groups and releases.
#include <fmt/format.h>

#include <algorithm>

#include "model/misfit.h"
#include "model/rules.h"
#include "model/state.h"

namespace cairn::model {
namespace {

Applied of_history(GroupId id) {
  Applied applied;
  applied.touched.push_back(id);
  return applied;
}

// Sets or takes away, in a sorted list.
void set_member(std::vector<std::string>& list, const std::string& who, bool on) {
  const auto place = std::lower_bound(list.begin(), list.end(), who);
  const bool there = place != list.end() && *place == who;
  if (on && !there) list.insert(place, who);
  if (!on && there) list.erase(place);
}

}  // namespace

Result<Applied> State::fold(const StatusChanged& changed, At at) {
  CAIRN_TRY_ASSIGN(const GroupId id, named(changed.project, changed.number, at));
  CAIRN_TRY(check_kept(id, at));
  if (!substatus_fits(changed.status, changed.substatus)) {
    return misfit(at.lsn, fmt::format("status {} with substatus {}", raw(changed.status),
                                      raw(changed.substatus)));
  }
  if (changed.substatus == Substatus::Escalating) {
    escalate(id, at);
  } else if (changed.substatus == Substatus::Ongoing) {
    become_ongoing(id, at);
  } else {
    set_status(id, changed.status, changed.substatus, at);
  }
  if (changed.substatus == Substatus::UntilConditionMet && !changed.snooze.empty()) {
    change_care(id).snooze = Snooze{changed.snooze, 0, {}, {}};
  }
  if (changed.substatus == Substatus::UntilEscalating) {
    change_care(id).forecast = Forecast{at.time, changed.forecast, 0, 0};
  }
  if (changed.status == Status::Resolved && changed.resolution.kind != ResolutionKind::Now) {
    change_care(id).resolution = changed.resolution;
    if (changed.resolution.kind == ResolutionKind::InRelease) {
      ensure_release(changed.project, changed.resolution.version, at.time);
    }
  }
  watch(id);
  return of_history(id);
}

Result<Applied> State::fold(const Assigned& assigned, At at) {
  CAIRN_TRY_ASSIGN(const GroupId id, named(assigned.project, assigned.number, at));
  change(id).assignee = assigned.assignee;
  return of_history(id);
}

Result<Applied> State::fold(const PriorityChanged& changed, At at) {
  CAIRN_TRY_ASSIGN(const GroupId id, named(changed.project, changed.number, at));
  if (!valid_priority(changed.priority)) {
    return misfit(at.lsn, fmt::format("the priority {}", changed.priority));
  }
  Group& group = change(id);
  group.priority = changed.priority;
  group.priority_locked = changed.locked;
  return of_history(id);
}

Result<Applied> State::fold(const ActivityAdded& activity, At at) {
  CAIRN_TRY_ASSIGN(const GroupId id, named(activity.project, activity.number, at));
  return of_history(id);
}

Result<Applied> State::fold(const NothingChanged&, At) { return Applied{}; }

// --- releases ---------------------------------------------------------------------------------

const Release& State::ensure_release(ProjectId project, std::string_view version, TimeUs date) {
  ensure_project(project);
  Releases& releases = releases_[project];
  if (const Release* known = releases.find(version)) return *known;
  const auto number = static_cast<uint32_t>(releases.all().size() + 1);
  releases.add({project, number, std::string(version), date, {}});
  dirty_releases_.insert({project, number});
  return releases.all().back();
}

Result<Applied> State::fold(const ReleaseChanged& changed, At at) {
  if (changed.version.empty()) return misfit(at.lsn, "a release without a version");
  Release release = ensure_release(changed.project, changed.version, at.time);
  if (changed.date) release.date = *changed.date;
  for (const std::string& commit : changed.commits) {
    const auto& known = release.commits;
    if (std::find(known.begin(), known.end(), commit) == known.end()) {
      release.commits.push_back(commit);
    }
  }
  dirty_releases_.insert({changed.project, release.number});
  releases_[changed.project].change(std::move(release));
  return Applied{};
}

// --- what people keep with a group ------------------------------------------------------------

Result<Applied> State::fold(const NoteChanged& changed, At at) {
  CAIRN_TRY_ASSIGN(const GroupId id, named(changed.project, changed.number, at));
  const auto is = [&](const Note& note) { return note.number == changed.note; };
  const auto& known = care(id).notes;
  const auto found = std::find_if(known.begin(), known.end(), is);
  const bool adds = changed.change == NoteChange::Added;
  if (adds ? changed.note != care(id).last_note + 1 : found == known.end()) {
    return misfit(at.lsn, fmt::format("note {} of {}", changed.note, short_id(id)));
  }
  const auto index = found - known.begin();
  Care& care = change_care(id);
  switch (changed.change) {
    case NoteChange::Added:
      care.last_note = changed.note;
      care.notes.push_back({changed.note, std::string(at.actor), changed.text, at.time, {}});
      break;
    case NoteChange::Edited:
      care.notes[static_cast<size_t>(index)].text = changed.text;
      care.notes[static_cast<size_t>(index)].edited = at.time;
      break;
    case NoteChange::Removed:
      care.notes.erase(care.notes.begin() + index);
      break;
  }
  return of_history(id);
}

Result<Applied> State::fold(const AttentionChanged& changed, At at) {
  CAIRN_TRY_ASSIGN(const GroupId id, named(changed.project, changed.number, at));
  switch (changed.attention) {
    case Attention::Bookmarked:
      set_member(change_care(id).bookmarked_by, changed.who, changed.on);
      break;
    case Attention::Subscribed:
      set_member(change_care(id).subscribed_by, changed.who, changed.on);
      break;
    case Attention::Seen: {
      auto& seen = change_care(id).seen;
      const auto place =
          std::lower_bound(seen.begin(), seen.end(), changed.who,
                           [](const auto& one, const std::string& who) { return one.first < who; });
      if (place != seen.end() && place->first == changed.who) {
        place->second = at.time;
      } else {
        seen.insert(place, {changed.who, at.time});
      }
      break;
    }
    case Attention::Reviewed:
      // What members did is looked at for as long as they are members.
      if (group(id).reopened) {
        for (Reopened& one : change_care(id).reopened) one.reviewed = true;
      } else {
        change(id).reviewed = true;
      }
      break;
  }
  settle_care(id);
  return of_history(id);
}

Result<Applied> State::fold(const LinkChanged& changed, At at) {
  CAIRN_TRY_ASSIGN(const GroupId id, named(changed.project, changed.number, at));
  auto& links = change_care(id).links;
  const auto found = std::find_if(links.begin(), links.end(), [&](const ExternalLink& link) {
    return link.url == changed.url;
  });
  if (changed.removed) {
    if (found != links.end()) links.erase(found);
  } else if (found != links.end()) {
    found->title = changed.title;
  } else {
    links.push_back({changed.url, changed.title});
  }
  settle_care(id);
  return of_history(id);
}

// --- deleting and discarding ------------------------------------------------------------------

Result<Applied> State::fold(const StandingChanged& changed, At at) {
  CAIRN_TRY_ASSIGN(const GroupId id, named(changed.project, changed.number, at));
  const Standing before = group(id).standing;
  if (group(id).parent != GroupId{} || before == changed.standing || before == Standing::Deleted) {
    return misfit(at.lsn,
                  fmt::format("{} cannot be {}", short_id(id), standing_name(changed.standing)));
  }
  Applied applied;
  applied.touched = members(id);
  applied.regrouped.push_back(id);
  for (const GroupId member : applied.touched) {
    Group& group = change(member);
    group.standing = changed.standing;
    if (changed.standing == Standing::Deleted) {
      retired_.insert(group.fingerprints.begin(), group.fingerprints.end());
    }
    watch(member);
  }
  const auto count = static_cast<uint32_t>(applied.touched.size());
  if (before == Standing::Kept) out_of_sight_ += count;
  if (changed.standing == Standing::Kept) out_of_sight_ -= count;
  return applied;
}

}  // namespace cairn::model
