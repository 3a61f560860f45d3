// What a list of issues can show of each: its fields, as cells. Pure; thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/forest.h"
#include "query/ast.h"
#include "query/search.h"

namespace cairn::query {

enum class IssueColumn : uint8_t {
  ShortId,
  Id,
  Title,
  Culprit,
  Level,
  Status,
  Substatus,
  Priority,
  Type,
  Category,
  Assigned,
  Project,
  TimesSeen,
  FirstSeen,
  LastSeen,
  Merged,
  Bookmarks,
  Subscribed,
  FirstRelease,
  RegressedIn,
};

// nullopt: no field of the issue.
std::optional<IssueColumn> find_issue_column(const Key& key);
// As Column::type.
std::string_view type_of(IssueColumn column);
// Names that people are told; others mean the same.
std::vector<std::string_view> issue_column_names();

Cell issue_cell(const model::Forest& forest, IssueColumn column, GroupId issue);

}  // namespace cairn::query
