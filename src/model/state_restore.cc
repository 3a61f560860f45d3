// What a checkpoint writes (the dirty parts) and reads back.
#include <fmt/format.h>

#include "model/short_id.h"
#include "model/state.h"

namespace cairn::model {
namespace {

// A fingerprint gets into the index when so many more were restored, so that the processor has
// fetched its cell by then.
constexpr uint32_t kIndexBehind = 16;

Error damaged(std::string_view what) {
  return make_error(
      ErrorCode::Corruption,
      fmt::format("the index holds {}; run rebuild to make it anew from the log", what));
}

// Goes once over what was restored, group by group.
class RestoredCheck {
 public:
  explicit RestoredCheck(const State& state)
      : state_(state), child_(state.group_count() + 1), owned_(state.fingerprint_count() + 1) {}

  Result<void> run() {
    for (uint32_t id = 1; id <= state_.group_count(); ++id) {
      const Group& group = state_.group(GroupId{id});
      CAIRN_TRY(check_children(group));
      CAIRN_TRY(check_owned(group));
    }
    return check_complete();
  }

 private:
  // Every link down has its link up.
  Result<void> check_children(const Group& view) {
    for (const GroupId child : view.children) {
      const bool known =
          raw(child) >= 1 && raw(child) <= state_.group_count() && !child_[raw(child)];
      if (!known || state_.group(child).parent != view.id ||
          state_.group(child).project != view.project) {
        return damaged(fmt::format("group {} as a child of {}, but not the other way round",
                                   raw(child), raw(view.id)));
      }
      child_[raw(child)] = true;
      if (view.parent == GroupId{}) open_.push_back(child);
    }
    return {};
  }

  Result<void> check_owned(const Group& leaf) {
    for (const FingerprintId one : leaf.fingerprints) {
      const bool known =
          raw(one) >= 1 && raw(one) <= state_.fingerprint_count() && !owned_[raw(one)];
      if (!known || state_.fingerprint(one).leaf != leaf.id ||
          state_.fingerprint(one).project != leaf.project) {
        return damaged(fmt::format("fingerprint {} in group {}, but not the other way round",
                                   raw(one), raw(leaf.id)));
      }
      owned_[raw(one)] = true;
      owned_count_ += 1;
    }
    return {};
  }

  // Every link up has its link down, and down from the visible groups every hidden one comes by:
  // those on a cycle do not.
  Result<void> check_complete() {
    size_t hidden = 0;
    for (uint32_t id = 1; id <= state_.group_count(); ++id) {
      const bool has_parent = state_.group(GroupId{id}).parent != GroupId{};
      hidden += has_parent ? 1 : 0;
      if (child_[id] == has_parent) continue;
      return damaged(fmt::format("the hidden group {}, which no view lists", id));
    }
    if (owned_count_ + state_.held().size() != state_.fingerprint_count()) {
      return damaged("a fingerprint that its group does not list");
    }
    size_t reached = 0;
    while (!open_.empty()) {
      const Group& view = state_.group(open_.back());
      open_.pop_back();
      reached += 1;
      open_.insert(open_.end(), view.children.begin(), view.children.end());
    }
    if (reached != hidden) return damaged("groups merged into one another in a circle");
    return {};
  }

  const State& state_;
  std::vector<bool> child_, owned_;  // by id: listed by its view, by its leaf
  size_t owned_count_ = 0;
  std::vector<GroupId> open_;
};

}  // namespace

std::vector<GroupId> State::dirty_groups() const { return dirty_groups_.ids(); }
std::vector<FingerprintId> State::dirty_fingerprints() const { return dirty_fingerprints_.ids(); }
std::vector<ProjectId> State::dirty_projects() const {
  return {dirty_projects_.begin(), dirty_projects_.end()};
}
bool State::dirty_registry() const { return dirty_registry_; }

std::vector<Held> State::dirty_held() const {
  std::vector<Held> out;
  for (const FingerprintId id : dirty_held_) {
    const auto it = held_.find(id);
    out.push_back(it == held_.end() ? Held{id, 0, {}} : it->second);
  }
  return out;
}

std::vector<const Release*> State::dirty_releases() const {
  std::vector<const Release*> out;
  for (const auto& [project, number] : dirty_releases_) {
    out.push_back(&releases(project).all()[number - 1]);
  }
  return out;
}

void State::clear_dirty() {
  dirty_care_.clear();
  dirty_held_.clear();
  dirty_releases_.clear();
  dirty_groups_.clear();
  dirty_fingerprints_.clear();
  dirty_projects_.clear();
  dirty_registry_ = false;
  dirty_experiments_.clear();
}

void State::restore_registry(const Uuid& store_id, bool strict, std::vector<GroupType> types,
                             TimeUs last_tick) {
  store_id_ = store_id;
  last_tick_ = last_tick;
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
  escalations_ = escalations_ || project.escalation_threshold > 0;
  projects_.emplace(project.id, std::move(project));
  return {};
}

void State::reserve(size_t groups, size_t fingerprints) {
  parents_.reserve(groups + 1);
  texts_.reserve(groups / 2);
  fingerprints_by_hash_.reserve(fingerprints);
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
  std::vector<GroupId>& numbers = groups_by_number_[group.project];
  if (group.number != numbers.size() + 1 || group.number > owner->last_number) {
    return damaged(fmt::format("group {} with number {} of project {}, where {} of {} belongs",
                               raw(group.id), group.number, raw(group.project), numbers.size() + 1,
                               owner->last_number));
  }
  if (group.parent == group.id || (group.parent == GroupId{}) != (group.merged_at == Lsn{})) {
    return damaged(fmt::format("group {} that is neither hidden nor visible", raw(group.id)));
  }
  const bool older = raw(group.split_from) < raw(group.id);
  if (!older ||
      (raw(group.split_from) != 0 && this->group(group.split_from).project != group.project)) {
    return damaged(fmt::format("group {} split from {}, which cannot be", raw(group.id),
                               raw(group.split_from)));
  }
  add(std::move(group), numbers);
  return {};
}

Result<void> State::restore_fingerprint(Fingerprint fingerprint) {
  if (raw(fingerprint.id) != fingerprints_.size() + 1) {
    return damaged(fmt::format("fingerprint {} where {} belongs", raw(fingerprint.id),
                               fingerprints_.size() + 1));
  }
  fingerprints_by_hash_.prefetch(fingerprint_key(fingerprint.project, fingerprint.value));
  add(std::move(fingerprint));
  index_restored(kIndexBehind);
  return {};
}

// Of two with the same text the first may belong to a deleted group: that is known at the end.
void State::index_restored(uint32_t behind) {
  while (restored_index_ + behind < fingerprint_count()) {
    const FingerprintId id{++restored_index_};
    if (!index(id)) restored_again_.push_back(id);
  }
}

Result<void> State::restore_care(Care care) {
  if (raw(care.id) < 1 || raw(care.id) > group_count()) {
    return damaged(fmt::format("notes of group {}, which does not exist", raw(care.id)));
  }
  if (!care.empty()) care_.emplace(care.id, std::move(care));
  return {};
}

Result<void> State::restore_held(const Held& held) {
  if (raw(held.id) < 1 || raw(held.id) > fingerprint_count()) {
    return damaged(fmt::format("fingerprint {} as held back, which does not exist", raw(held.id)));
  }
  if (held.count > 0) held_.emplace(held.id, held);
  return {};
}

Result<void> State::restore_release(Release release) {
  Releases& known = releases_[release.project];
  if (project(release.project) == nullptr || release.number != known.all().size() + 1 ||
      known.find(release.version) != nullptr) {
    return damaged(
        fmt::format("release {} of project {} out of order", release.number, raw(release.project)));
  }
  known.add(std::move(release));
  return {};
}

Result<void> State::restore_experiment(Experiment experiment) {
  const std::string name = experiment.name;
  if (!valid_experiment_name(name) || experiment.created == Lsn{} ||
      !experiments_.emplace(name, std::move(experiment)).second) {
    return damaged(fmt::format("the experiment '{}' twice, or under no name", name));
  }
  return {};
}

Result<void> State::restore_step(std::string_view experiment, ExperimentStep step) {
  const auto found = experiments_.find(experiment);
  if (found == experiments_.end()) {
    return damaged(fmt::format("a step of the experiment '{}', which is not there", experiment));
  }
  bool known = true;
  const auto check = [&](GroupId view, GroupId child) {
    for (const GroupId id : {view, child})
      known = known && raw(id) >= 1 && raw(id) <= group_count();
    known = known && group(view).project == group(child).project;
  };
  step.facts.cuts.for_each(check);
  step.facts.merges.for_each(check);
  if (!known) {
    return damaged(
        fmt::format("a step of the experiment '{}' with groups that are not there", experiment));
  }
  experiment_words_ += step.facts.words();
  found->second.steps.push_back(std::move(step));
  return {};
}

Result<void> State::restore_standings() {
  out_of_sight_ = 0;
  for (uint32_t id = 1; id <= group_count(); ++id) {
    const Group& group = this->group(GroupId{id});
    if (group.standing == Standing::Kept) continue;
    out_of_sight_ += 1;
    if (group.standing == Standing::Deleted) {
      retired_.insert(group.fingerprints.begin(), group.fingerprints.end());
    }
  }
  for (const FingerprintId id : restored_again_) {
    if (!index(id)) return damaged(fmt::format("fingerprint {} twice", raw(id)));
  }
  restored_again_.clear();
  return {};
}

Result<void> State::check_held() const {
  for (uint32_t id = 1; id <= fingerprint_count(); ++id) {
    const bool held = leaves_[id] == GroupId{};
    if (held != held_.contains(FingerprintId{id})) {
      return damaged(fmt::format("fingerprint {} neither held back nor of a group", id));
    }
  }
  return {};
}

Result<void> State::finish_restore() {
  index_restored(0);
  CAIRN_TRY(restore_standings());
  CAIRN_TRY(RestoredCheck(*this).run());
  CAIRN_TRY(check_held());
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
