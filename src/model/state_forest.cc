// The fold, continued: what changes which group shows which fingerprints.
#include <fmt/format.h>

#include <algorithm>

#include "model/misfit.h"
#include "model/rules.h"
#include "model/state.h"

namespace cairn::model {
namespace {

std::vector<GroupId> with_children(GroupId view, const std::vector<GroupId>& children) {
  std::vector<GroupId> out{view};
  out.insert(out.end(), children.begin(), children.end());
  return out;
}

}  // namespace

// --- views ------------------------------------------------------------------------------------

Result<Applied> State::fold(const Merged& merge, At at) {
  CAIRN_TRY_ASSIGN(const GroupId primary, named(merge.project, merge.primary, at));
  CAIRN_TRY_ASSIGN(const std::vector<GroupId> children, named(merge.project, merge.children, at));
  // Only visible groups merge. That also keeps the forest free of cycles: a visible group has
  // nothing above it that could be among its new children.
  if (group(primary).parent != GroupId{}) {
    return misfit(at.lsn, fmt::format("a merge into {}, which is hidden", short_id(primary)));
  }
  CAIRN_TRY(check_kept(primary, at));
  for (const GroupId child : children) {
    CAIRN_TRY(check_kept(child, at));
    if (child == primary) {
      return misfit(at.lsn, fmt::format("a merge of {} into itself", short_id(primary)));
    }
    if (group(child).parent != GroupId{}) {
      return misfit(at.lsn, fmt::format("a merge of {}, which is hidden", short_id(child)));
    }
  }
  for (const GroupId child : children) set_parent(child, primary, at.lsn);
  Group& view = change(primary);
  for (const GroupId child : children) view.children.push_back(child);
  return regroup(with_children(primary, children), children);
}

Result<Applied> State::fold(const Unmerged& unmerge, At at) {
  CAIRN_TRY_ASSIGN(const GroupId primary, named(unmerge.project, unmerge.primary, at));
  CAIRN_TRY_ASSIGN(const std::vector<GroupId> children,
                   named(unmerge.project, unmerge.children, at));
  CAIRN_TRY(check_kept(primary, at));
  for (const GroupId child : children) {
    if (group(child).parent != primary) {
      return misfit(at.lsn, fmt::format("an unmerge of {}, which is not merged into {}",
                                        short_id(child), short_id(primary)));
    }
  }
  for (const GroupId child : children) set_parent(child, GroupId{}, Lsn{});
  change(primary).children.erase_if([&](GroupId child) { return group(child).parent != primary; });
  forget_reopened(primary);
  return regroup(with_children(primary, children), children);
}

Result<Applied> State::fold(const ViewMade& made, At at) {
  CAIRN_TRY(check_next_number(made.project, made.number, at));
  CAIRN_TRY_ASSIGN(const std::vector<GroupId> children, named(made.project, made.children, at));
  uint8_t priority = 0;
  for (const GroupId child : children) {
    CAIRN_TRY(check_kept(child, at));
    if (group(child).parent != GroupId{}) {
      return misfit(at.lsn, fmt::format("a merge of {}, which is hidden", short_id(child)));
    }
    priority = std::max(priority, group(child).priority);
  }
  Group view = next_group(made.project, at);
  const GroupId id = view.id;
  view.title = texts_.share(made.title);
  view.type = group(children.front()).type;
  view.priority = priority;
  view.initial_priority = priority;
  view.substatus = Substatus::Ongoing;
  for (const GroupId child : children) view.children.push_back(child);
  add(std::move(view));
  dirty_groups_.mark(id);
  for (const GroupId child : children) set_parent(child, id, at.lsn);
  return regroup(with_children(id, children), children);
}

// --- splits -----------------------------------------------------------------------------------

Result<Applied> State::fold(const Split& split, At at) {
  CAIRN_TRY_ASSIGN(const GroupId rest_id, named(split.project, split.number, at));
  CAIRN_TRY(check_kept(rest_id, at));
  CAIRN_TRY(check_next_number(split.project, split.part, at));
  std::vector<FingerprintId> moved;
  for (const std::string& value : split.fingerprints) {
    const FingerprintId id = find_fingerprint_id(split.project, value);
    if (id == FingerprintId{} || fingerprint(id).leaf != rest_id) {
      return misfit(at.lsn, fmt::format("a split of {} by the fingerprint '{}', which it has not",
                                        short_id(rest_id), value));
    }
    moved.push_back(id);
  }
  std::vector<FingerprintId> sorted = moved;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    return misfit(at.lsn,
                  fmt::format("a split of {} that names a fingerprint twice", short_id(rest_id)));
  }
  if (moved.empty() || moved.size() == group(rest_id).fingerprints.size()) {
    return misfit(at.lsn, fmt::format("a split of {} that leaves one side without fingerprints",
                                      short_id(rest_id)));
  }
  Group part = next_group(split.project, at);
  const GroupId part_id = part.id;
  const Group& from = group(rest_id);
  part.type = from.type;
  part.priority = from.priority;
  part.priority_locked = from.priority_locked;
  part.status = from.status;
  part.substatus = from.substatus;
  part.status_since = from.status_since;
  part.assignee = std::string_view(from.assignee);
  part.initial_priority = from.initial_priority;
  part.reviewed = from.reviewed;
  part.split_from = rest_id;
  add(std::move(part));
  copy_waiting(rest_id, part_id);
  for (const FingerprintId id : moved) move_fingerprint(id, part_id);
  Group& rest = change(rest_id);
  rest.fingerprints.erase_if([&](FingerprintId id) { return fingerprint(id).leaf != rest_id; });
  sum_up(rest_id);
  sum_up(part_id);
  watch(rest_id);
  watch(part_id);
  show_face(rest, split.rest_face);
  show_face(change(part_id), split.part_face);
  return regroup({rest_id, part_id}, {rest_id, part_id});
}

Result<Applied> State::fold(const Rejoined& rejoined, At at) {
  CAIRN_TRY_ASSIGN(const GroupId part_id, named(rejoined.project, rejoined.part, at));
  CAIRN_TRY_ASSIGN(const GroupId rest_id, named(rejoined.project, rejoined.number, at));
  CAIRN_TRY(check_kept(part_id, at));
  CAIRN_TRY(check_kept(rest_id, at));
  const Group& part = group(part_id);
  if (part.fingerprints.empty() || rejoins(part_id) != rest_id) {
    return misfit(at.lsn, fmt::format("what {} has goes back to {}, which it does not come from",
                                      short_id(part_id), short_id(rest_id)));
  }
  Group& rest = change(rest_id);
  const bool newer =
      part.times_seen > 0 && (rest.times_seen == 0 || part.last_seen > rest.last_seen);
  if (newer) {
    rest.title = part.title;
    rest.culprit = part.culprit;
    rest.level = part.level;
  }
  for (const FingerprintId id : part.fingerprints) move_fingerprint(id, rest_id);
  change(part_id).fingerprints.clear();
  sum_up(rest_id);
  sum_up(part_id);
  watch(rest_id);
  return regroup({rest_id, part_id}, {rest_id, part_id});
}

// What the group waits for, its part waits for too, from where it has come.
void State::copy_waiting(GroupId group, GroupId part) {
  const auto it = care_.find(group);
  if (it == care_.end()) return;
  const Care& from = it->second;  // stays where it is when the part's is added
  Care& to = change_care(part);
  to.snooze = from.snooze;
  to.resolution = from.resolution;
  to.forecast = from.forecast;
  settle_care(part);
}

Applied State::regroup(std::vector<GroupId> touched, std::vector<GroupId> regrouped) {
  Applied applied;
  applied.touched = std::move(touched);
  applied.regrouped = std::move(regrouped);
  return applied;
}

void State::move_fingerprint(FingerprintId id, GroupId leaf) {
  change(id).leaf = leaf;
  leaves_[raw(id)] = leaf;
  change(leaf).fingerprints.push_back(id);
}

void State::sum_up(GroupId id) {
  Totals totals;
  for (const FingerprintId owned : group(id).fingerprints) {
    const Fingerprint& one = fingerprint(owned);
    totals.add({one.occurrences, one.first_seen, one.last_seen});
  }
  Group& group = change(id);
  group.times_seen = totals.times_seen;
  group.first_seen = totals.first_seen;
  group.last_seen = totals.last_seen;
}

void State::show_face(Group& group, const Face& face) {
  overwrite(group.title, face.title);
  overwrite(group.culprit, face.culprit);
  group.level = face.level;
}

// --- the groups a record names ----------------------------------------------------------------

Result<void> State::check_next_number(ProjectId project, uint32_t number, At at) const {
  const Project* owner = this->project(project);
  if (owner != nullptr && number == owner->last_number + 1) return {};
  return misfit(at.lsn, fmt::format("it makes group {} of project {}, which is not the next",
                                    number, raw(project)));
}

Result<void> State::check_kept(GroupId id, At at) const {
  const Standing standing = group(id).standing;
  if (standing == Standing::Kept) return {};
  return misfit(at.lsn, fmt::format("{} is {}", short_id(id), standing_name(standing)));
}

Result<std::vector<GroupId>> State::named(ProjectId project, const std::vector<uint32_t>& numbers,
                                          At at) const {
  if (numbers.empty()) return misfit(at.lsn, "a merge or unmerge without children");
  std::vector<uint32_t> sorted = numbers;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    return misfit(at.lsn, fmt::format("a merge or unmerge that names group {} of project {} twice",
                                      *twice, raw(project)));
  }
  std::vector<GroupId> out;
  out.reserve(numbers.size());
  for (const uint32_t number : numbers) {
    CAIRN_TRY_ASSIGN(const GroupId id, named(project, number, at));
    out.push_back(id);
  }
  return out;
}

void State::set_parent(GroupId child, GroupId parent, Lsn merged_at) {
  Group& group = change(child);
  group.parent = parent;
  group.merged_at = merged_at;
  parents_[raw(child)] = parent;
}

}  // namespace cairn::model
