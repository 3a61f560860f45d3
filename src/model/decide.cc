// Commands of people and tools, held against the state.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <set>
#include <span>

#include "model/command.h"
#include "model/decide_common.h"
#include "model/rules.h"
#include "model/short_id.h"

namespace cairn::model {
namespace {

// A list of children that a merge or unmerge names: not too many, existing, none twice.
Result<void> check_children(const State& state, std::span<const GroupId> children,
                            std::string_view verb) {
  if (children.size() > kMaxMergeChildren) {
    return invalid("{} issues are too many to {} at once: name at most {}", children.size(), verb,
                   kMaxMergeChildren);
  }
  for (const GroupId child : children) CAIRN_TRY(check_exists(state, child));
  std::vector<GroupId> sorted(children.begin(), children.end());
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice == sorted.end()) return {};
  return invalid("{} is named twice: name each issue to {} once", state.short_id(*twice), verb);
}

std::vector<uint32_t> numbers_of(const State& state, std::span<const GroupId> groups) {
  std::vector<uint32_t> out;
  out.reserve(groups.size());
  for (const GroupId id : groups) out.push_back(state.group(id).number);
  return out;
}

// Any types merge: in real trackers a report (6001) and the errors pasted into it belong together.
Decision decide_on(const State& state, const MergeCommand& command) {
  CAIRN_TRY(check_exists(state, command.primary));
  const Group& primary = state.group(command.primary);
  if (command.children.empty()) {
    return invalid("nothing to merge into {}: name at least one other issue",
                   state.short_id(primary.id));
  }
  CAIRN_TRY(check_children(state, command.children, "merge"));
  CAIRN_TRY(check_visible(state, primary.id, "merge into"));
  for (const GroupId child : command.children) {
    if (child == primary.id) {
      return invalid("{} cannot be merged into itself", state.short_id(child));
    }
    if (state.group(child).project != primary.project) {
      return conflict("{} and {} are in different projects: issues merge within one project only",
                      state.short_id(child), state.short_id(primary.id));
    }
    // A visible group has no ancestors, so that no child can be one: no cycle comes about.
    CAIRN_TRY(check_visible(state, child, "merge"));
  }
  return Fact{Merged{primary.project, primary.number, numbers_of(state, command.children)}};
}

Decision decide_on(const State& state, const MakeViewCommand& command) {
  const bool blank = command.title.find_first_not_of(" \t\r\n") == std::string::npos;
  if (blank || placeholder_title(command.title)) return invalid("a new view needs a title");
  if (!simdjson::validate_utf8(command.title)) {
    return invalid("the title of the view is not UTF-8");
  }
  if (command.title.size() > kMaxViewTitleBytes) {
    return invalid("a title of {} bytes is too long for a view: at most {}", command.title.size(),
                   kMaxViewTitleBytes);
  }
  if (command.children.empty()) return invalid("a new view needs at least one issue to show");
  CAIRN_TRY(check_children(state, command.children, "merge"));
  const Group& first = state.group(command.children.front());
  for (const GroupId child : command.children) {
    if (state.group(child).project != first.project) {
      return conflict("{} and {} are in different projects: issues merge within one project only",
                      state.short_id(child), state.short_id(first.id));
    }
    CAIRN_TRY(check_visible(state, child, "merge"));
  }
  return Fact{ViewMade{first.project, state.project(first.project)->last_number + 1, command.title,
                       numbers_of(state, command.children)}};
}

// What the n-th last of the merges into a view that are not undone brought.
Result<std::vector<GroupId>> nth_last_merge(const State& state, const Group& view, uint32_t n) {
  std::set<Lsn> merges;
  for (const GroupId child : view.children) merges.insert(state.group(child).merged_at);
  if (n > merges.size()) {
    return conflict("{} merges back is too far for {}: it shows what {} brought", n,
                    state.short_id(view.id),
                    merges.size() == 1 ? "one merge" : fmt::format("{} merges", merges.size()));
  }
  const Lsn wanted = *std::prev(merges.end(), n);
  std::vector<GroupId> children;
  for (const GroupId child : view.children) {
    if (state.group(child).merged_at == wanted) children.push_back(child);
  }
  return children;
}

Decision decide_on(const State& state, const UnmergeCommand& command) {
  CAIRN_TRY(check_exists(state, command.view));
  const Group& view = state.group(command.view);
  CAIRN_TRY(check_kept(state, view.id));
  if (view.children.empty()) {
    return conflict("nothing is merged into {}", state.short_id(view.id));
  }
  if (command.nth_last > 0 && !command.children.empty()) {
    return invalid("unmerge either the issues named or one of the last merges, not both");
  }
  std::vector<GroupId> children = command.children;
  if (command.nth_last > 0) {
    CAIRN_TRY_ASSIGN(children, nth_last_merge(state, view, command.nth_last));
  } else if (children.empty()) {
    children.assign(view.children.begin(), view.children.end());
  }
  CAIRN_TRY(check_children(state, children, "unmerge"));
  for (const GroupId child : children) {
    const GroupId parent = state.group(child).parent;
    if (parent == view.id) continue;
    const std::string place = parent == GroupId{} ? "it is an issue of its own"
                                                  : "it is merged into " + state.short_id(parent);
    return conflict("{} is not merged into {}: {}", state.short_id(child), state.short_id(view.id),
                    place);
  }
  return Fact{Unmerged{view.project, view.number, numbers_of(state, children)}};
}

// The group of a fingerprint that a split of another one names, for the refusal.
Error not_owned(const State& state, const Group& group, const std::string& value) {
  const Fingerprint* known = state.find_fingerprint(group.project, value);
  if (known == nullptr) {
    return make_error(ErrorCode::NotFound,
                      fmt::format("no issue of the project has the fingerprint '{}'", value));
  }
  if (auto seen = check_in_sight(state, *known); !seen.ok()) return std::move(seen).error();
  const std::string owner = state.short_id(known->leaf);
  if (state.root_of(known->leaf) != group.id) {
    return conflict("the fingerprint '{}' is not {}'s but {}'s", value, state.short_id(group.id),
                    owner);
  }
  return conflict("the fingerprint '{}' is {}'s, which is merged into {}: unmerge {} instead",
                  value, owner, state.short_id(group.id), owner);
}

Decision decide_on(const State& state, const SplitCommand& command) {
  CAIRN_TRY(check_exists(state, command.group));
  const Group& group = state.group(command.group);
  if (command.fingerprints.empty()) {
    return invalid("name at least one fingerprint of {} to split off", state.short_id(group.id));
  }
  if (command.fingerprints.size() > kMaxSplitFingerprints) {
    return invalid("{} fingerprints are too many to split off at once: name at most {}",
                   command.fingerprints.size(), kMaxSplitFingerprints);
  }
  CAIRN_TRY(check_visible(state, group.id, "split"));
  std::set<std::string_view> named;
  for (const std::string& value : command.fingerprints) {
    if (!named.insert(value).second) {
      return invalid("the fingerprint '{}' is named twice", value);
    }
    const Fingerprint* known = state.find_fingerprint(group.project, value);
    if (known == nullptr || known->leaf != group.id) return not_owned(state, group, value);
  }
  if (named.size() == group.fingerprints.size()) {
    return invalid("{} would be left without fingerprints: leave it at least one",
                   state.short_id(group.id));
  }
  const Face now{std::string(group.title), std::string(group.culprit), group.level};
  return Fact{Split{group.project, group.number, state.project(group.project)->last_number + 1,
                    command.fingerprints, command.part_face.value_or(now),
                    command.rest_face.value_or(now)}};
}

Decision decide_on(const State& state, const RejoinCommand& command) {
  CAIRN_TRY(check_exists(state, command.part));
  const Group& part = state.group(command.part);
  const std::string name = state.short_id(part.id);
  if (part.split_from == GroupId{}) return conflict("{} was not split off from an issue", name);
  CAIRN_TRY(check_visible(state, part.id, "rejoin"));
  if (part.fingerprints.empty()) {
    return conflict("{} went back to where it was split from already", name);
  }
  if (!part.children.empty()) {
    return conflict(
        "issues are merged into {}, which would be left as an empty view: unmerge them "
        "first",
        name);
  }
  CAIRN_TRY(check_kept(state, state.rejoins(part.id)));
  return Fact{Rejoined{part.project, state.group(state.rejoins(part.id)).number, part.number}};
}

}  // namespace

Decision decide(const State& state, const Command& command) {
  return std::visit([&](const auto& wish) { return decide_on(state, wish); }, command);
}

Result<void> admit(const State& state, const Occurrence& occurrence) {
  if (!state.strict_types() || state.type_registered(occurrence.type)) return {};
  return conflict(
      "type {} is not registered and this store takes registered types only: register "
      "it with the verb types, or turn strict types off",
      occurrence.type);
}

}  // namespace cairn::model
