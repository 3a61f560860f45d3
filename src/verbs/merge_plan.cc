#include "verbs/merge_plan.h"

#include <fmt/format.h>

#include <utility>

#include "model/rules.h"

namespace cairn::verbs {
namespace {

Error conflict(std::string message) { return make_error(ErrorCode::Conflict, std::move(message)); }

}  // namespace

GroupId MergePlan::root_of(GroupId id) {
  GroupId root = state_.root_of(id);
  for (auto up = above_.find(root); up != above_.end(); up = above_.find(root)) {
    // Shortens the way for later.
    if (const auto further = above_.find(up->second); further != above_.end()) {
      up->second = further->second;
    }
    root = up->second;
  }
  return root;
}

// A group below it (or itself) that owns a fingerprint; 0: there is none.
GroupId MergePlan::named_by(GroupId id) const {
  if (!state_.group(id).fingerprints.empty()) return id;
  for (const GroupId member : state_.members(id)) {
    if (!state_.group(member).fingerprints.empty()) return member;
  }
  return GroupId{};
}

Result<bool> MergePlan::add(GroupId child, GroupId primary) {
  const GroupId from = root_of(child);
  const GroupId to = root_of(primary);
  if (from == to) return false;
  if (state_.group(from).project != state_.group(to).project) {
    return conflict(
        fmt::format("{} and {} are in different projects: issues merge within one project only",
                    state_.short_id(from), state_.short_id(to)));
  }
  for (const GroupId id : {from, to}) {
    const model::Standing standing = state_.group(id).standing;
    if (standing != model::Standing::Kept) {
      return conflict(fmt::format("{} is {}", state_.short_id(id), standing_name(standing)));
    }
    if (named_by(id) != GroupId{}) continue;
    return conflict(
        fmt::format("{} shows no occurrences and owns no fingerprint: merge it by "
                    "itself, `cairn merge STORE PRIMARY CHILD`",
                    state_.short_id(id)));
  }
  // What is merged into it comes before it disappears itself; nothing can after that.
  close(from);
  above_[from] = to;
  auto [open, is_new] = open_of_.emplace(to, open_.size());
  if (!is_new && open_[open->second].children.size() == model::kMaxMergeChildren) {
    done_.push_back(std::exchange(open_[open->second], {to, {}}));
  }
  if (is_new) open_.push_back({to, {}});
  open_[open->second].children.push_back(from);
  return true;
}

void MergePlan::close(GroupId primary) {
  const auto open = open_of_.find(primary);
  if (open == open_of_.end()) return;
  done_.push_back(std::exchange(open_[open->second], {}));
  open_of_.erase(open);
}

MergePlan::Merge MergePlan::message(const Planned& planned) const {
  const auto fingerprint = [&](GroupId id) {
    const model::Group& group = state_.group(named_by(id));
    return std::string(state_.fingerprint(*group.fingerprints.begin()).value.view());
  };
  Merge merge;
  merge.op.project = state_.group(planned.primary).project;
  merge.op.op = "merge";
  merge.op.fingerprint = fingerprint(planned.primary);
  merge.op.children.reserve(planned.children.size());
  for (const GroupId child : planned.children) merge.op.children.push_back(fingerprint(child));
  merge.children = planned.children.size();
  return merge;
}

std::vector<MergePlan::Merge> MergePlan::take() {
  std::vector<Merge> merges;
  for (const std::vector<Planned>* some : {&done_, &open_}) {
    for (const Planned& planned : *some) {
      if (!planned.children.empty()) merges.push_back(message(planned));
    }
  }
  above_.clear();
  done_.clear();
  open_.clear();
  open_of_.clear();
  return merges;
}

}  // namespace cairn::verbs
