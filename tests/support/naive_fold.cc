#include "support/naive_fold.h"

#include <algorithm>
#include <iterator>

namespace cairn::testing {

using model::Face;
using model::Occurrence;
using model::Status;
using model::Substatus;

void NaiveFold::see(const Occurrence& o, TimeUs now) {
  turn_ += 1;
  std::vector<std::string> entries;
  for (const std::string& entry : o.fingerprint) entries.push_back(name(o.project, entry));
  Project& project = projects[o.project];
  const bool known_policy = project.policy == model::FingerprintPolicy::Known;
  std::string decider = entries[0];
  if (known_policy) {
    const auto known = std::find_if(entries.begin(), entries.end(),
                                    [&](const std::string& e) { return leaf_of.contains(e); });
    if (known != entries.end()) decider = *known;
  }
  appear(decider);
  decided[decider].insert(o.id.hex());
  const Seen seen{turn_, decider, o, now};
  if (leaf_of.contains(decider)) {
    groups.at(leaf_of[decider]).seen.push_back(seen);
  } else {
    waiting[decider].push_back(seen);
    if (project.hold_back && held_back(decider, o, now)) return;
    if (project.hold_back) project.made.emplace_back(o.type, raw(now) / 60'000'000);
    const std::string made = name(o.project, ++last_numbers[o.project]);
    groups[made].project = o.project;
    groups[made].status_since = now;
    groups[made].assignee = o.assignee.value_or("");
    groups[made].type = o.type;
    groups[made].priority = o.priority.value_or(type(o.type).default_priority);
    groups[made].initial_priority = groups[made].priority;
    if (waiting[decider].size() > 1) reached["made with what was held back"] += 1;
    if (decided.contains(decider + "~")) reached["fresh after a deletion"] += 1;
    own(decider, made);
  }
  const std::string leaf = leaf_of[decider];
  Group& group = groups[leaf];
  group.since.push_back(o);
  if (group.standing != model::Standing::Kept) {
    reached["counted while discarded"] += 1;
  } else {
    group.heard.push_back(seen);
    react(leaf, o, now);
    reopen_views(leaf, o, now);
  }
  if (!known_policy) return;
  for (const std::string& entry : entries) {
    appear(entry);
    if (waiting.contains(entry)) reached["linked with what was held back"] += 1;
    if (!leaf_of.contains(entry)) own(entry, leaf);
  }
}

std::string NaiveFold::root(std::string group) const {
  while (!groups.at(group).parent.empty()) group = groups.at(group).parent;
  return group;
}

std::set<std::string> NaiveFold::members(const std::string& view) const {
  std::set<std::string> out;
  for (const auto& [group, unused] : groups) {
    for (std::string at = group; !at.empty(); at = groups.at(at).parent) {
      if (at == view) out.insert(group);
    }
  }
  return out;
}

std::set<std::string> NaiveFold::children(const std::string& view) const {
  std::set<std::string> out;
  for (const auto& [name, group] : groups) {
    if (group.parent == view) out.insert(name);
  }
  return out;
}

Face NaiveFold::face(const Group& group) {
  const auto says_nothing = [](const std::string& title) {
    return title.empty() || title == "<untitled>";
  };
  Face face = group.face;
  for (const Occurrence& o : group.since) {
    face.level = o.level();
    face.culprit = o.culprit.value_or("");
    if (!says_nothing(o.title.value_or(""))) {
      face.title = *o.title;
    } else if (says_nothing(face.title)) {
      face.title = face.culprit.empty() ? "<untitled>" : face.culprit;
    }
  }
  if (!group.title.empty()) face.title = group.title;
  return face;
}

std::string NaiveFold::make_view(ProjectId project, const std::string& title,
                                 const std::vector<std::string>& children, TimeUs now) {
  const std::string made = name(project, ++last_numbers[project]);
  Group& view = groups[made];
  view.project = project;
  view.title = title;
  view.substatus = Substatus::Ongoing;
  view.status_since = now;
  view.type = groups.at(children.front()).type;
  view.priority = 0;
  for (const std::string& child : children) {
    view.priority = view.initial_priority = std::max(view.priority, groups.at(child).priority);
    groups.at(child).parent = made;
  }
  return made;
}

Face NaiveFold::newest_face(const Group& group, const std::set<std::string>& by) const {
  Face out = face(group);
  for (const Seen& seen : group.seen) {
    if (!by.contains(seen.decider)) continue;
    Group alone;
    alone.since = {seen.occurrence};
    out = face(alone);
  }
  return out;
}

void NaiveFold::split(ProjectId project, const std::string& from,
                      const std::set<std::string>& moved, const Face& part_face,
                      const Face& rest_face) {
  const std::string made = name(project, ++last_numbers[project]);
  Group& part = groups[made];
  Group& rest = groups.at(from);
  part.project = project;
  part.type = rest.type;
  part.priority = rest.priority;
  part.priority_locked = rest.priority_locked;
  part.initial_priority = rest.initial_priority;
  part.status = rest.status;
  part.substatus = rest.substatus;
  part.status_since = rest.status_since;
  part.reviewed_turn = rest.reviewed_turn;
  part.assignee = rest.assignee;
  part.split_from = from;
  // It waits for what the whole waited for, and has come as far.
  part.heard = rest.heard;
  part.snooze = rest.snooze;
  part.resolution = rest.resolution;
  part.forecast = rest.forecast;
  move(from, made, moved);
  part.face = part_face;
  rest.face = rest_face;
}

void NaiveFold::rejoin(const std::string& name) {
  Group& part = groups.at(name);
  std::string to = part.split_from;
  while (groups.at(to).fingerprints.empty()) to = groups.at(to).split_from;
  Group& rest = groups.at(to);
  const TimeUs part_last = last_seen(part.seen).value_or(TimeUs{});
  const TimeUs rest_last = last_seen(rest.seen).value_or(TimeUs{});
  const bool newer = !part.seen.empty() && (rest.seen.empty() || part_last > rest_last);
  const Face shown = face(newer ? part : rest);
  const Face left = face(part);
  const std::set<std::string> all = part.fingerprints;
  move(name, to, all);
  rest.face = shown;
  part.face = left;
}

void NaiveFold::forget_reopened() {
  for (auto& [view, group] : groups) {
    const std::set<std::string> below = members(view);
    const size_t gone = std::erase_if(
        group.reopenings, [&](const Reopening& one) { return !below.contains(one.by); });
    if (gone > 0) reached["reopening forgotten with its member"] += 1;
  }
}

void NaiveFold::appear(const std::string& fingerprint) {
  if (decided.contains(fingerprint)) return;
  decided[fingerprint];
  fingerprints.push_back(fingerprint);
}

void NaiveFold::own(const std::string& fingerprint, const std::string& group) {
  leaf_of[fingerprint] = group;
  Group& of = groups[group];
  of.fingerprints.insert(fingerprint);
  const auto held = waiting.find(fingerprint);
  if (held == waiting.end()) return;
  of.seen.insert(of.seen.end(), held->second.begin(), held->second.end());
  std::sort(of.seen.begin(), of.seen.end(),
            [](const Seen& a, const Seen& b) { return a.arrival < b.arrival; });
  waiting.erase(held);
}

void NaiveFold::move(const std::string& from, const std::string& to,
                     const std::set<std::string>& moving) {
  Group& source = groups.at(from);
  Group& target = groups.at(to);
  for (const std::string& one : moving) {
    leaf_of[one] = to;
    source.fingerprints.erase(one);
    target.fingerprints.insert(one);
  }
  const auto moved = [&](const Seen& seen) { return moving.contains(seen.decider); };
  std::copy_if(source.seen.begin(), source.seen.end(), std::back_inserter(target.seen), moved);
  std::erase_if(source.seen, moved);
  std::sort(target.seen.begin(), target.seen.end(),
            [](const Seen& a, const Seen& b) { return a.arrival < b.arrival; });
  source.since.clear();
  target.since.clear();
}

}  // namespace cairn::testing
