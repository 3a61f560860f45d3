// Commands of people and tools, held against the state.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <set>
#include <span>

#include "model/command.h"
#include "model/rules.h"
#include "model/short_id.h"

namespace cairn::model {
namespace {

using Fact = std::optional<RecordBody>;
using Decision = Result<Fact>;

constexpr Fact kNothingToDo = std::nullopt;

template <class... Args>
Error invalid(fmt::format_string<Args...> text, Args&&... args) {
  return make_error(ErrorCode::InvalidArgument, fmt::format(text, std::forward<Args>(args)...));
}

template <class... Args>
Error conflict(fmt::format_string<Args...> text, Args&&... args) {
  return make_error(ErrorCode::Conflict, fmt::format(text, std::forward<Args>(args)...));
}

Result<void> check_exists(const State& state, GroupId id) {
  if (raw(id) >= 1 && raw(id) <= state.group_count()) return {};
  return make_error(
      ErrorCode::NotFound,
      fmt::format("no issue with id {}: this store has {} issues", raw(id), state.group_count()));
}

Result<void> check_visible(const State& state, GroupId id, std::string_view verb) {
  const Group& group = state.group(id);
  if (group.parent == GroupId{}) return {};
  const std::string root = state.short_id(state.root_of(id));
  return conflict("{} is shown within {} since record {}: {} {}, or unmerge it first",
                  state.short_id(id), root, raw(group.merged_at), verb, root);
}

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
  return Fact{Rejoined{part.project, state.group(state.rejoins(part.id)).number, part.number}};
}

Decision decide_on(const State& state, const SetStatusCommand& command) {
  CAIRN_TRY(check_exists(state, command.group));
  const Group& group = state.group(command.group);
  const Substatus substatus =
      command.substatus == Substatus::None ? usual_substatus(command.status) : command.substatus;
  CAIRN_TRY(check_visible(state, group.id, "change"));
  if (group.status == command.status && group.substatus == substatus) return kNothingToDo;
  if (!substatus_fits(command.status, substatus)) {
    return invalid("{} is no substatus of {}", substatus_name(substatus),
                   status_name(command.status));
  }
  if (substatus == Substatus::New) {
    return invalid("{} is no longer new: only an issue that was just made is; use ongoing",
                   state.short_id(group.id));
  }
  return Fact{StatusChanged{group.project, group.number, command.status, substatus}};
}

Decision decide_on(const State& state, const AssignCommand& command) {
  CAIRN_TRY(check_exists(state, command.group));
  if (!command.assignee.empty() && !valid_assignee(command.assignee)) {
    return invalid("'{}' is no assignee: write user:ID or team:ID (nothing: nobody)",
                   command.assignee);
  }
  const Group& group = state.group(command.group);
  CAIRN_TRY(check_visible(state, group.id, "assign"));
  if (group.assignee == command.assignee) return kNothingToDo;
  return Fact{Assigned{group.project, group.number, command.assignee}};
}

Decision decide_on(const State& state, const SetPriorityCommand& command) {
  CAIRN_TRY(check_exists(state, command.group));
  const Group& group = state.group(command.group);
  const uint8_t priority = command.priority.value_or(state.type(group.type).default_priority);
  if (!valid_priority(priority)) {
    return invalid("priority {} is none: use 25 (low), 50 (medium) or 75 (high)", priority);
  }
  CAIRN_TRY(check_visible(state, group.id, "change"));
  const bool locked = command.priority.has_value();
  if (group.priority == priority && group.priority_locked == locked) return kNothingToDo;
  return Fact{PriorityChanged{group.project, group.number, priority, locked}};
}

Result<void> check_slug(const State& state, ProjectId project, const std::string& slug) {
  if (!valid_slug(slug)) {
    return invalid("'{}' is no project slug: use 1 to {} of A-Z a-z 0-9 _ -, not digits alone",
                   slug, kMaxSlugBytes);
  }
  if (is_default_slug_form(slug) && slug_key(slug) != fmt::format("p{}", raw(project))) {
    return invalid("the slug {} is kept for the project of that number", slug);
  }
  const Project* holder = state.find_project(slug);
  if (holder == nullptr || holder->id == project) return {};
  return conflict("project {} has the slug {} already; slugs compare without regard to case",
                  raw(holder->id), holder->slug);
}

Decision decide_on(const State& state, const ChangeProjectCommand& command) {
  if (command.project == ProjectId{}) return invalid("project numbers start at 1");
  if (!command.slug && !command.policy) {
    return invalid("nothing to change about project {}: give a slug or a policy",
                   raw(command.project));
  }
  if (command.slug) CAIRN_TRY(check_slug(state, command.project, *command.slug));
  ProjectChanged change{command.project, command.slug, command.policy};
  if (const Project* present = state.project(command.project)) {
    if (change.slug == present->slug) change.slug.reset();
    if (change.policy == present->policy) change.policy.reset();
    if (!change.slug && !change.policy) return kNothingToDo;
  }
  return Fact{std::move(change)};
}

bool valid_type_slug(std::string_view slug) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !slug.empty() && slug.size() <= kMaxTypeSlugBytes &&
         std::all_of(slug.begin(), slug.end(), allowed);
}

// The type of this slug as it will be after the command, other than `id`; 0 = none.
uint32_t type_with_slug(const State& state, const std::vector<GroupType>& set, uint32_t id,
                        std::string_view slug) {
  const auto replaced = [&](uint32_t other) {
    return std::any_of(set.begin(), set.end(), [&](const GroupType& t) { return t.id == other; });
  };
  for (const GroupType& type : set) {
    if (type.id != id && type.slug == slug) return type.id;
  }
  for (const auto& [other, type] : state.types_set()) {
    if (other != id && type.slug == slug && !replaced(other)) return other;
  }
  for (const GroupType& type : known_group_types()) {
    const bool shadowed = replaced(type.id) || state.types_set().contains(type.id);
    if (type.id != id && type.slug == slug && !shadowed) return type.id;
  }
  return 0;
}

Result<void> check_type(const State& state, const std::vector<GroupType>& set,
                        const GroupType& type) {
  if (type.id == 0) return invalid("group types are numbered from 1");
  if (!valid_type_slug(type.slug)) {
    return invalid("'{}' is no slug for type {}: use 1 to {} of a-z 0-9 _ -", type.slug, type.id,
                   kMaxTypeSlugBytes);
  }
  if (!valid_priority(type.default_priority)) {
    return invalid("priority {} of type {} is none: use 25 (low), 50 (medium) or 75 (high)",
                   type.default_priority, type.id);
  }
  if (const uint32_t other = type_with_slug(state, set, type.id, type.slug); other != 0) {
    return conflict("type {} has the slug {} already", other, type.slug);
  }
  return {};
}

Decision decide_on(const State& state, const ChangeTypesCommand& command) {
  std::set<uint32_t> ids;
  for (const GroupType& type : command.set) {
    if (!ids.insert(type.id).second) return invalid("type {} is given twice", type.id);
    CAIRN_TRY(check_type(state, command.set, type));
  }
  TypesChanged change;
  if (command.strict && *command.strict != state.strict_types()) change.strict = command.strict;
  for (const GroupType& type : command.set) {
    if (!state.type_registered(type.id) || state.type(type.id) != type) change.set.push_back(type);
  }
  if (!change.strict && change.set.empty()) return kNothingToDo;
  return Fact{std::move(change)};
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
