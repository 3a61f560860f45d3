// The fold once more, slow and plain: it keeps every occurrence and every rule reads straight from
// the list. Groups are named by strings such as "5/3" (project/number), fingerprints by "5/abc".
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/record.h"

namespace cairn::testing {

class NaiveFold {
 public:
  struct Seen {
    uint64_t arrival = 0;
    std::string decider;  // fingerprint
    model::Occurrence occurrence;
  };
  struct Group {
    std::vector<Seen> seen;  // its own, in order of arrival
    uint32_t type = 0;
    int priority = 50;
    int initial_priority = 50;
    bool priority_locked = false;
    std::set<std::string> reopened_by;     // members seen since the view was resolved
    std::string title;                     // of a view that was made
    model::Face face;                      // since the last split or rejoin of it,
    std::vector<model::Occurrence> since;  // and what came after that
    std::string split_from;
    model::Status status = model::Status::Unresolved;
    model::Substatus substatus = model::Substatus::New;
    TimeUs status_since{};
    std::string assignee;
    std::string parent;  // "" = visible
    std::set<std::string> fingerprints;
  };

  std::map<std::string, Group> groups;
  std::map<std::string, std::string> leaf_of;                 // fingerprint -> group
  std::map<std::string, std::multiset<std::string>> decided;  // fingerprint -> occurrence ids
  std::map<ProjectId, model::FingerprintPolicy> policies;
  std::map<ProjectId, uint32_t> last_numbers;

  static std::string name(ProjectId project, const std::string& rest) {
    return std::to_string(raw(project)) + "/" + rest;
  }
  static std::string name(ProjectId project, uint32_t number) {
    return name(project, std::to_string(number));
  }

  void see(const model::Occurrence& o, TimeUs now) {
    std::vector<std::string> entries;
    for (const std::string& entry : o.fingerprint) entries.push_back(name(o.project, entry));
    const bool known_policy = policies[o.project] == model::FingerprintPolicy::Known;
    std::string decider = entries[0];
    if (known_policy) {
      const auto known = std::find_if(entries.begin(), entries.end(),
                                      [&](const std::string& e) { return leaf_of.contains(e); });
      if (known != entries.end()) decider = *known;
    }
    if (!leaf_of.contains(decider)) {
      const std::string made = name(o.project, ++last_numbers[o.project]);
      groups[made].status_since = now;
      groups[made].assignee = o.assignee.value_or("");
      groups[made].type = o.type;
      groups[made].priority = groups[made].initial_priority = o.priority.value_or(50);
      own(decider, made);
    }
    const std::string leaf = leaf_of[decider];
    decided[decider].insert(o.id.hex());
    Group& group = groups[leaf];
    group.seen.push_back({++arrivals_, decider, o});
    group.since.push_back(o);
    if (group.status == model::Status::Resolved && o.time() > group.status_since) {
      set_status(leaf, model::Status::Unresolved, model::Substatus::Regressed, now);
    }
    for (std::string view = group.parent; !view.empty(); view = groups.at(view).parent) {
      Group& above = groups.at(view);
      const bool later = o.time() > above.status_since;
      if (above.status == model::Status::Resolved && later) above.reopened_by.insert(leaf);
    }
    if (!known_policy) return;
    for (const std::string& entry : entries) {
      if (!leaf_of.contains(entry)) own(entry, leaf);
    }
  }

  void set_status(const std::string& group, model::Status status, model::Substatus substatus,
                  TimeUs now) {
    Group& of = groups[group];
    if (!of.priority_locked) {
      const bool was = of.substatus == model::Substatus::Escalating;
      if (was && substatus == model::Substatus::Ongoing) of.priority = of.initial_priority;
      if (substatus == model::Substatus::Escalating) of.priority = of.priority == 25 ? 50 : 75;
    }
    of.status = status;
    of.substatus = substatus;
    of.status_since = now;
    of.reopened_by.clear();
  }

  // After links of the forest were cut.
  void forget_reopened() {
    for (auto& [view, group] : groups) {
      const std::set<std::string> below = members(view);
      std::erase_if(group.reopened_by, [&](const std::string& by) { return !below.contains(by); });
    }
  }

  std::string root(std::string group) const {
    while (!groups.at(group).parent.empty()) group = groups.at(group).parent;
    return group;
  }

  // The group and everything below it.
  std::set<std::string> members(const std::string& view) const {
    std::set<std::string> out;
    for (const auto& [group, unused] : groups) {
      for (std::string at = group; !at.empty(); at = groups.at(at).parent) {
        if (at == view) out.insert(group);
      }
    }
    return out;
  }

  std::set<std::string> children(const std::string& view) const {
    std::set<std::string> out;
    for (const auto& [name, group] : groups) {
      if (group.parent == view) out.insert(name);
    }
    return out;
  }

  // The last title that says something; else the first culprit; else none.
  static model::Face face(const Group& group) {
    const auto says_nothing = [](const std::string& title) {
      return title.empty() || title == "<untitled>";
    };
    model::Face face = group.face;
    for (const model::Occurrence& o : group.since) {
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

  std::string make_view(ProjectId project, const std::string& title,
                        const std::vector<std::string>& children, TimeUs now) {
    const std::string made = name(project, ++last_numbers[project]);
    Group& view = groups[made];
    view.title = title;
    view.substatus = model::Substatus::Ongoing;
    view.status_since = now;
    view.type = groups.at(children.front()).type;
    view.priority = 0;
    for (const std::string& child : children) {
      view.priority = view.initial_priority = std::max(view.priority, groups.at(child).priority);
      groups.at(child).parent = made;
    }
    return made;
  }

  // What the newest of its own occurrences by these fingerprints shows; else what it shows.
  model::Face newest_face(const Group& group, const std::set<std::string>& by) const {
    model::Face out = face(group);
    for (const Seen& seen : group.seen) {
      if (!by.contains(seen.decider)) continue;
      Group alone;
      alone.since = {seen.occurrence};
      out = face(alone);
    }
    return out;
  }

  void split(ProjectId project, const std::string& from, const std::set<std::string>& moved,
             const model::Face& part_face, const model::Face& rest_face) {
    const std::string made = name(project, ++last_numbers[project]);
    Group& part = groups[made];
    Group& rest = groups.at(from);
    part.type = rest.type;
    part.priority = rest.priority;
    part.priority_locked = rest.priority_locked;
    part.initial_priority = rest.initial_priority;
    part.status = rest.status;
    part.substatus = rest.substatus;
    part.status_since = rest.status_since;
    part.assignee = rest.assignee;
    part.split_from = from;
    move(from, made, moved);
    part.face = part_face;
    rest.face = rest_face;
  }

  void rejoin(const std::string& name) {
    Group& part = groups.at(name);
    std::string to = part.split_from;
    while (groups.at(to).fingerprints.empty()) to = groups.at(to).split_from;
    Group& rest = groups.at(to);
    const auto last = [](const Group& group) {
      TimeUs newest{};
      for (const Seen& seen : group.seen) newest = std::max(newest, seen.occurrence.time());
      return newest;
    };
    const bool newer = !part.seen.empty() && (rest.seen.empty() || last(part) > last(rest));
    const model::Face shown = face(newer ? part : rest);
    const model::Face left = face(part);
    const std::set<std::string> all = part.fingerprints;
    move(name, to, all);
    rest.face = shown;
    part.face = left;
  }

 private:
  void own(const std::string& fingerprint, const std::string& group) {
    leaf_of[fingerprint] = group;
    decided[fingerprint];
    groups[group].fingerprints.insert(fingerprint);
  }

  void move(const std::string& from, const std::string& to,
            const std::set<std::string>& fingerprints) {
    Group& source = groups.at(from);
    Group& target = groups.at(to);
    for (const std::string& one : fingerprints) {
      leaf_of[one] = to;
      source.fingerprints.erase(one);
      target.fingerprints.insert(one);
    }
    const auto moved = [&](const Seen& seen) { return fingerprints.contains(seen.decider); };
    std::copy_if(source.seen.begin(), source.seen.end(), std::back_inserter(target.seen), moved);
    std::erase_if(source.seen, moved);
    std::sort(target.seen.begin(), target.seen.end(),
              [](const Seen& a, const Seen& b) { return a.arrival < b.arrival; });
    source.since.clear();
    target.since.clear();
  }

  uint64_t arrivals_ = 0;
};

}  // namespace cairn::testing
