// Commands about projects, group types and releases, held against the state.
#include <simdjson.h>

#include <algorithm>
#include <set>

#include "model/decide_common.h"
#include "model/rules.h"
#include "model/short_id.h"

namespace cairn::model {
namespace {

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

}  // namespace

Decision decide_on(const State& state, const ChangeProjectCommand& command) {
  if (command.project == ProjectId{}) return invalid("project numbers start at 1");
  const bool settings =
      command.auto_resolve_hours || command.escalation_threshold || command.hold_back;
  if (!command.slug && !command.policy && !settings) {
    return invalid("nothing to change about project {}: give a slug, a policy or a setting",
                   raw(command.project));
  }
  if (command.auto_resolve_hours.value_or(0) > kMaxAutoResolveHours) {
    return invalid("{} hours are too long for auto-resolve: at most {}",
                   *command.auto_resolve_hours, kMaxAutoResolveHours);
  }
  if (command.slug) CAIRN_TRY(check_slug(state, command.project, *command.slug));
  ProjectChanged change{command.project,
                        command.slug,
                        command.policy,
                        command.auto_resolve_hours,
                        command.escalation_threshold,
                        command.hold_back};
  if (const Project* present = state.project(command.project)) {
    const auto drop = [](auto& wish, const auto& is) {
      if (wish == is) wish.reset();
    };
    drop(change.slug, present->slug);
    drop(change.policy, present->policy);
    drop(change.auto_resolve_hours, present->auto_resolve_hours);
    drop(change.escalation_threshold, present->escalation_threshold);
    drop(change.hold_back, present->hold_back);
    if (change == ProjectChanged{command.project}) return kNothingToDo;
  }
  return Fact{std::move(change)};
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

Decision decide_on(const State& state, const ChangeReleaseCommand& command) {
  if (command.project == ProjectId{}) return invalid("project numbers start at 1");
  if (command.version.empty() || command.version.size() > kMaxReleaseBytes) {
    return invalid("a release has a version of 1 to {} bytes, not {}", kMaxReleaseBytes,
                   command.version.size());
  }
  const auto is_text = [](const std::string& text) {
    return simdjson::validate_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
             return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
           });
  };
  if (!is_text(command.version)) return invalid("the version of a release is text on one line");
  const Releases& releases = state.releases(command.project);
  const Release* known = releases.find(command.version);
  if (known == nullptr && releases.all().size() >= kMaxReleases) {
    return make_error(ErrorCode::Exhausted,
                      fmt::format("project {} has {} releases already, the most there may be",
                                  raw(command.project), kMaxReleases));
  }
  ReleaseChanged change{command.project, command.version, command.date, {}};
  for (const std::string& commit : command.commits) {
    if (commit.empty() || commit.size() > kMaxCommitBytes || !is_text(commit)) {
      return invalid("'{}' is no commit: 1 to {} bytes", commit, kMaxCommitBytes);
    }
    const auto has = [&](const std::vector<std::string>& list) {
      return std::find(list.begin(), list.end(), commit) != list.end();
    };
    if (!has(change.commits) && (known == nullptr || !has(known->commits))) {
      change.commits.push_back(commit);
    }
  }
  const size_t before = known == nullptr ? 0 : known->commits.size();
  if (before + change.commits.size() > kMaxReleaseCommits) {
    return invalid("release {} would have {} commits: at most {}", command.version,
                   before + change.commits.size(), kMaxReleaseCommits);
  }
  if (known != nullptr && change.date == known->date) change.date.reset();
  if (known != nullptr && !change.date && change.commits.empty()) return kNothingToDo;
  return Fact{std::move(change)};
}

}  // namespace cairn::model
