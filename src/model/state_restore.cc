// What a checkpoint writes (the dirty parts) and reads back.
#include <fmt/format.h>

#include "model/short_id.h"
#include "model/state.h"

namespace cairn::model {
namespace {

Error damaged(std::string_view what) {
  return make_error(
      ErrorCode::Corruption,
      fmt::format("the index holds {}; run rebuild to make it anew from the log", what));
}

// Every link down has its link up and the other way round.
Result<void> check_children(const State& state) {
  const uint32_t count = state.group_count();
  std::vector<bool> listed(count + 1);
  for (uint32_t id = 1; id <= count; ++id) {
    const Group& view = state.group(GroupId{id});
    for (const GroupId child : view.children) {
      const bool known = raw(child) >= 1 && raw(child) <= count && !listed[raw(child)];
      if (!known || state.group(child).parent != view.id ||
          state.group(child).project != view.project) {
        return damaged(
            fmt::format("group {} as a child of {}, but not the other way round", raw(child), id));
      }
      listed[raw(child)] = true;
    }
  }
  for (uint32_t id = 1; id <= count; ++id) {
    if (listed[id] == (state.group(GroupId{id}).parent != GroupId{})) continue;
    return damaged(fmt::format("the hidden group {}, which no view lists", id));
  }
  return {};
}

// Down from the visible groups every group comes by; those on a cycle do not.
Result<void> check_forest(const State& state) {
  std::vector<GroupId> open;
  for (uint32_t id = 1; id <= state.group_count(); ++id) {
    if (state.group(GroupId{id}).parent == GroupId{}) open.push_back(GroupId{id});
  }
  size_t reached = 0;
  while (!open.empty()) {
    const Group& view = state.group(open.back());
    open.pop_back();
    reached += 1;
    open.insert(open.end(), view.children.begin(), view.children.end());
  }
  if (reached != state.group_count()) return damaged("groups merged into one another in a circle");
  return {};
}

// Every fingerprint is listed once, by its leaf.
Result<void> check_owned(const State& state) {
  const uint32_t count = state.fingerprint_count();
  std::vector<bool> listed(count + 1);
  size_t owned = 0;
  for (uint32_t id = 1; id <= state.group_count(); ++id) {
    for (const FingerprintId one : state.group(GroupId{id}).fingerprints) {
      const bool known = raw(one) >= 1 && raw(one) <= count && !listed[raw(one)];
      if (!known || state.fingerprint(one).leaf != GroupId{id}) {
        return damaged(
            fmt::format("fingerprint {} in group {}, but not the other way round", raw(one), id));
      }
      listed[raw(one)] = true;
      owned += 1;
    }
  }
  if (owned != count) return damaged("a fingerprint that its group does not list");
  return {};
}

}  // namespace

std::vector<GroupId> State::dirty_groups() const { return dirty_groups_.ids(); }
std::vector<FingerprintId> State::dirty_fingerprints() const { return dirty_fingerprints_.ids(); }
std::vector<ProjectId> State::dirty_projects() const {
  return {dirty_projects_.begin(), dirty_projects_.end()};
}
bool State::dirty_registry() const { return dirty_registry_; }

void State::clear_dirty() {
  dirty_groups_.clear();
  dirty_fingerprints_.clear();
  dirty_projects_.clear();
  dirty_registry_ = false;
}

void State::restore_registry(const Uuid& store_id, bool strict, std::vector<GroupType> types) {
  store_id_ = store_id;
  strict_types_ = strict;
  types_.clear();
  for (GroupType& type : types) types_[type.id] = std::move(type);
}

Result<void> State::restore_project(Project project) {
  if (!projects_.empty() && project.id <= projects_.rbegin()->first) {
    return damaged(fmt::format("project {} out of order", raw(project.id)));
  }
  if (!valid_slug(project.slug)) {
    return damaged(fmt::format("project {} with a bad slug '{}'", raw(project.id), project.slug));
  }
  if (!projects_by_slug_.try_emplace(slug_key(project.slug), project.id).second) {
    return damaged(fmt::format("two projects with the slug {}", project.slug));
  }
  projects_.emplace(project.id, std::move(project));
  return {};
}

void State::reserve(size_t groups, size_t fingerprints) {
  groups_.reserve(groups);
  parents_.reserve(groups + 1);
  fingerprints_.reserve(fingerprints);
  leaves_.reserve(fingerprints + 1);
}

Result<void> State::restore_group(Group group) {
  if (raw(group.id) != groups_.size() + 1) {
    return damaged(fmt::format("group {} where {} belongs", raw(group.id), groups_.size() + 1));
  }
  const Project* owner = project(group.project);
  if (owner == nullptr) {
    return damaged(fmt::format("group {} of project {}, which does not exist", raw(group.id),
                               raw(group.project)));
  }
  const std::vector<GroupId>& numbers = groups_by_number_[group.project];
  if (group.number != numbers.size() + 1 || group.number > owner->last_number) {
    return damaged(fmt::format("group {} with number {} of project {}, where {} of {} belongs",
                               raw(group.id), group.number, raw(group.project), numbers.size() + 1,
                               owner->last_number));
  }
  if (group.parent == group.id || (group.parent == GroupId{}) != (group.merged_at == Lsn{})) {
    return damaged(fmt::format("group {} that is neither hidden nor visible", raw(group.id)));
  }
  add(std::move(group));
  return {};
}

Result<void> State::restore_fingerprint(Fingerprint fingerprint) {
  if (raw(fingerprint.id) != fingerprints_.size() + 1) {
    return damaged(fmt::format("fingerprint {} where {} belongs", raw(fingerprint.id),
                               fingerprints_.size() + 1));
  }
  if (raw(fingerprint.leaf) < 1 || raw(fingerprint.leaf) > groups_.size() ||
      group(fingerprint.leaf).project != fingerprint.project) {
    return damaged(fmt::format("fingerprint {} of group {}, which is not in project {}",
                               raw(fingerprint.id), raw(fingerprint.leaf),
                               raw(fingerprint.project)));
  }
  if (find_fingerprint_id(fingerprint.project, fingerprint.value) != FingerprintId{}) {
    return damaged(fmt::format("fingerprint {} twice", raw(fingerprint.id)));
  }
  add(std::move(fingerprint));
  return {};
}

Result<void> State::check_restored() const {
  CAIRN_TRY(check_children(*this));
  CAIRN_TRY(check_forest(*this));
  CAIRN_TRY(check_owned(*this));
  for (const auto& [id, project] : projects_) {
    const auto it = groups_by_number_.find(id);
    const size_t count = it == groups_by_number_.end() ? 0 : it->second.size();
    if (count != project.last_number) {
      return damaged(fmt::format("{} groups of project {} instead of {}", count, raw(id),
                                 project.last_number));
    }
  }
  return {};
}

}  // namespace cairn::model
