#include "verbs/issue_reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace cairn::verbs {
namespace {

constexpr std::string_view kMarker = "fingerprint:";

// Made by hand, not from text: some texts cannot be written as a value (docs/query-language.md,
// Backslashes), and one that reads back as two terms would name other issues.
query::Query occurrences_listing(std::string_view fingerprint) {
  query::Value value;
  value.text = fingerprint;
  query::Filter filter;
  filter.key.name = "fingerprint";
  filter.values.push_back(std::move(value));
  query::Query query;
  query.filter = query::Node{std::move(filter), {}};
  return query;
}

Result<std::vector<GroupId>> find_by_fingerprint(const engine::Snapshot& snapshot,
                                                 std::string_view project_name,
                                                 std::string_view fingerprint) {
  if (fingerprint.empty()) {
    return make_error(ErrorCode::InvalidArgument,
                      "no fingerprint after 'fingerprint:'; write it as occurrences list it");
  }
  const model::State& state = snapshot.state();
  std::optional<ProjectId> project;
  if (!project_name.empty()) {
    CAIRN_TRY_ASSIGN(project, find_project(state, project_name));
  }
  // Nothing here depends on when it is asked.
  CAIRN_TRY_ASSIGN(std::vector<GroupId> found,
                   query::matching_issues(snapshot.view(), occurrences_listing(fingerprint), {}));
  std::erase_if(found, [&](GroupId id) { return project && state.group(id).project != *project; });
  if (found.empty()) {
    return make_error(ErrorCode::NotFound,
                      fmt::format("no occurrence lists the fingerprint '{}'", fingerprint));
  }
  return found;
}

}  // namespace

Result<ProjectId> find_project(const model::State& state, std::string_view name) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool digits = error == std::errc() && end == name.data() + name.size();
  if (digits && state.project(ProjectId{number}) != nullptr) return ProjectId{number};
  if (const model::Project* project = state.find_project(name)) return project->id;
  return make_error(ErrorCode::NotFound,
                    fmt::format("no project '{}'; `cairn projects STORE` lists them", name));
}

Result<std::vector<GroupId>> find_issues(const engine::Snapshot& snapshot,
                                         const std::string& reference) {
  const std::string_view text = reference;
  if (text.starts_with(kMarker)) {
    return find_by_fingerprint(snapshot, {}, text.substr(kMarker.size()));
  }
  const size_t marker = text.find(":" + std::string(kMarker));
  if (marker != std::string_view::npos) {
    return find_by_fingerprint(snapshot, text.substr(0, marker),
                               text.substr(marker + 1 + kMarker.size()));
  }
  CAIRN_TRY_ASSIGN(const GroupId id, snapshot.state().find_issue(text));
  return std::vector<GroupId>{id};
}

Result<std::vector<GroupId>> find_issues(const engine::Snapshot& snapshot,
                                         const std::vector<std::string>& references) {
  std::vector<GroupId> all;
  for (const auto& reference : references) {
    CAIRN_TRY_ASSIGN(const std::vector<GroupId> found, find_issues(snapshot, reference));
    for (const GroupId id : found) {
      if (std::find(all.begin(), all.end(), id) == all.end()) all.push_back(id);
    }
  }
  return all;
}

}  // namespace cairn::verbs
