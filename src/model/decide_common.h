// What the files of decide() share: decisions, refusals and the checks every command makes.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "model/command.h"

namespace cairn::model {

using Fact = std::optional<RecordBody>;
using Decision = Result<Fact>;

// Nothing to do.
inline const Fact kNothingToDo = std::nullopt;

template <class... Args>
Error invalid(fmt::format_string<Args...> text, Args&&... args) {
  return make_error(ErrorCode::InvalidArgument, fmt::format(text, std::forward<Args>(args)...));
}

template <class... Args>
Error conflict(fmt::format_string<Args...> text, Args&&... args) {
  return make_error(ErrorCode::Conflict, fmt::format(text, std::forward<Args>(args)...));
}

inline Result<void> check_exists(const State& state, GroupId id) {
  if (raw(id) >= 1 && raw(id) <= state.group_count()) return {};
  return make_error(
      ErrorCode::NotFound,
      fmt::format("no issue with id {}: this store has {} issues", raw(id), state.group_count()));
}

// Neither deleted nor discarded.
inline Result<void> check_kept(const State& state, GroupId id) {
  const Group& group = state.group(id);
  if (group.standing == Standing::Deleted) return conflict("{} is deleted", state.short_id(id));
  if (group.standing == Standing::Discarded) {
    const std::string root = state.short_id(state.root_of(id));
    return conflict("{} is discarded: take that back first (discard {} --undo)", state.short_id(id),
                    root);
  }
  return {};
}

// Whether a fingerprint has a group that anything can happen to.
inline Result<void> check_in_sight(const State& state, const Fingerprint& fingerprint) {
  if (fingerprint.leaf == GroupId{}) {
    return make_error(
        ErrorCode::NotFound,
        fmt::format("the occurrences of the fingerprint '{}' are held back: it has no issue yet",
                    fingerprint.value.view()));
  }
  const GroupId leaf = fingerprint.leaf;
  if (state.group(leaf).standing == Standing::Kept) return {};
  return conflict("{} is {}", state.short_id(leaf), standing_name(state.group(leaf).standing));
}

// Nor hidden.
inline Result<void> check_visible(const State& state, GroupId id, std::string_view verb) {
  CAIRN_TRY(check_kept(state, id));
  const Group& group = state.group(id);
  if (group.parent == GroupId{}) return {};
  const std::string root = state.short_id(state.root_of(id));
  return conflict("{} is shown within {} since record {}: {} {}, or unmerge it first",
                  state.short_id(id), root, raw(group.merged_at), verb, root);
}

// decide_workflow.cc
Decision decide_on(const State& state, const SetStatusCommand& command);
Decision decide_on(const State& state, const AssignCommand& command);
Decision decide_on(const State& state, const SetPriorityCommand& command);
Decision decide_on(const State& state, const NoteCommand& command);
Decision decide_on(const State& state, const AttentionCommand& command);
Decision decide_on(const State& state, const LinkCommand& command);
Decision decide_on(const State& state, const SetStandingCommand& command);

// decide_registry.cc
Decision decide_on(const State& state, const ChangeProjectCommand& command);
Decision decide_on(const State& state, const ChangeTypesCommand& command);
Decision decide_on(const State& state, const ChangeReleaseCommand& command);

// decide_experiment.cc
Decision decide_on(const State& state, const MakeExperimentCommand& command);
Decision decide_on(const State& state, const AddToExperimentCommand& command);
Decision decide_on(const State& state, const DropExperimentCommand& command);
Decision decide_on(const State& state, const PromoteCommand& command);
Decision decide_on(const State& state, const RegroupCommand& command);

}  // namespace cairn::model
