#include "model/forest.h"

#include <algorithm>

namespace cairn::model {

GroupId Forest::root_of(GroupId id) const {
  if (overlay_ == nullptr) return state_->root_of(id);
  while (overlay_->parent(id) != GroupId{}) id = overlay_->parent(id);
  return id;
}

GroupId Forest::issue_of(GroupId id) const {
  if (id == GroupId{}) return id;
  const GroupId root = root_of(id);
  return group(root).standing == Standing::Kept ? root : GroupId{};
}

// Regressed by a member that is still one.
ShownStatus Forest::shown_status(GroupId id) const {
  const Group& issue = group(id);
  if (overlay_ == nullptr || !issue.reopened) return state_->shown_status(id);
  const Reopened* first = nullptr;
  for (const Reopened& one : state_->care(id).reopened) {
    if (is_within(one.by, id) && (first == nullptr || one.lsn < first->lsn)) first = &one;
  }
  if (first == nullptr) return {issue.status, issue.substatus, issue.status_since};
  return {Status::Unresolved, Substatus::Regressed, first->time};
}

// What a member reopened was resolved before, and without that member is so again.
bool Forest::for_review(GroupId id) const {
  if (overlay_ == nullptr || !group(id).reopened) return state_->for_review(id);
  const auto& reopened = state_->care(id).reopened;
  return std::any_of(reopened.begin(), reopened.end(),
                     [&](const Reopened& one) { return !one.reviewed && is_within(one.by, id); });
}

bool Forest::is_within(GroupId id, GroupId issue) const {
  while (id != GroupId{} && id != issue) id = overlay_->parent(id);
  return id == issue;
}

std::vector<GroupId> Forest::children(GroupId id) const {
  const IdList<GroupId>& own = group(id).children;
  std::vector<GroupId> out(own.begin(), own.end());
  if (overlay_ == nullptr) return out;
  std::erase_if(out, [&](GroupId child) { return overlay_->parent(child) != id; });
  const auto added = overlay_->added(id);
  out.insert(out.end(), added.begin(), added.end());
  return out;
}

bool Forest::is_view(GroupId id) const {
  return !group(id).children.empty() || (overlay_ != nullptr && !overlay_->added(id).empty());
}

std::vector<GroupId> Forest::members(GroupId id) const {
  std::vector<GroupId> out;
  std::vector<GroupId> open{id};
  while (!open.empty()) {
    const GroupId at = open.back();
    open.pop_back();
    out.push_back(at);
    if (!is_view(at)) continue;
    const std::vector<GroupId> below = children(at);
    open.insert(open.end(), below.rbegin(), below.rend());
  }
  return out;
}

Totals Forest::totals(GroupId id) const {
  Totals totals = group(id).own();
  if (!is_view(id)) return totals;
  for (const GroupId member : members(id)) {
    if (member != id) totals.add(group(member).own());
  }
  return totals;
}

const Group& Forest::face_of(GroupId id) const {
  const Group* newest = &group(id);
  if (newest->times_seen > 0) return *newest;
  for (const GroupId member : members(id)) {
    const Group& other = group(member);
    const bool newer = newest->times_seen == 0 || other.last_seen > newest->last_seen;
    if (other.times_seen > 0 && newer) newest = &other;
  }
  return *newest;
}

std::string_view Forest::first_release(GroupId id) const {
  const Fingerprint* first = nullptr;
  for (const GroupId member : members(id)) {
    for (const FingerprintId owned : group(member).fingerprints) {
      const Fingerprint& one = state_->fingerprint(owned);
      if (one.occurrences == 0) continue;
      const bool earlier = first == nullptr || one.first_seen < first->first_seen ||
                           (one.first_seen == first->first_seen && one.id < first->id);
      if (earlier) first = &one;
    }
  }
  return first == nullptr ? std::string_view() : first->first_release.view();
}

std::vector<std::string_view> Forest::regressed_in(GroupId id) const {
  std::vector<std::string_view> releases;
  for (const GroupId member : members(id)) {
    const Care& care = state_->care(member);
    releases.insert(releases.end(), care.regressed_in.begin(), care.regressed_in.end());
    for (const Reopened& one : care.reopened) {
      if (!one.release.empty()) releases.push_back(one.release);
    }
  }
  std::sort(releases.begin(), releases.end());
  releases.erase(std::unique(releases.begin(), releases.end()), releases.end());
  return releases;
}

std::vector<FingerprintId> Forest::fingerprints_of(GroupId id) const {
  std::vector<FingerprintId> fingerprints;
  for (const GroupId member : members(id)) {
    const auto& owned = group(member).fingerprints;
    fingerprints.insert(fingerprints.end(), owned.begin(), owned.end());
  }
  return fingerprints;
}

}  // namespace cairn::model
