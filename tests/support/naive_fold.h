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
  struct Group {
    std::vector<model::Occurrence> seen;  // its own, in order of arrival
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
      own(decider, made);
    }
    const std::string leaf = leaf_of[decider];
    decided[decider].insert(o.id.hex());
    Group& group = groups[leaf];
    group.seen.push_back(o);
    if (group.status == model::Status::Resolved && o.time() > group.status_since) {
      set_status(leaf, model::Status::Unresolved, model::Substatus::Regressed, now);
    }
    if (!known_policy) return;
    for (const std::string& entry : entries) {
      if (!leaf_of.contains(entry)) own(entry, leaf);
    }
  }

  void set_status(const std::string& group, model::Status status, model::Substatus substatus,
                  TimeUs now) {
    groups[group].status = status;
    groups[group].substatus = substatus;
    groups[group].status_since = now;
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
  static std::string title(const Group& group) {
    std::string culprit;
    std::string title;
    for (const model::Occurrence& o : group.seen) {
      const std::string own = o.title.value_or("");
      if (!own.empty() && own != "<untitled>") title = own;
      if (culprit.empty() && title.empty()) culprit = o.culprit.value_or("");
    }
    if (!title.empty()) return title;
    return culprit.empty() ? "<untitled>" : culprit;
  }

 private:
  void own(const std::string& fingerprint, const std::string& group) {
    leaf_of[fingerprint] = group;
    decided[fingerprint];
    groups[group].fingerprints.insert(fingerprint);
  }
};

}  // namespace cairn::testing
