#include "query/issue_column.h"

#include <algorithm>
#include <array>
#include <string>

#include "query/field_catalogue.h"
#include "query/issue_property.h"

namespace cairn::query {
namespace {

struct NamedColumn {
  std::string_view name;
  IssueColumn column;
};
constexpr std::array kNames = {
    NamedColumn{"short_id", IssueColumn::ShortId},
    NamedColumn{"id", IssueColumn::Id},
    NamedColumn{"title", IssueColumn::Title},
    NamedColumn{"culprit", IssueColumn::Culprit},
    NamedColumn{"level", IssueColumn::Level},
    NamedColumn{"status", IssueColumn::Status},
    NamedColumn{"substatus", IssueColumn::Substatus},
    NamedColumn{"priority", IssueColumn::Priority},
    NamedColumn{"type", IssueColumn::Type},
    NamedColumn{"category", IssueColumn::Category},
    NamedColumn{"assigned", IssueColumn::Assigned},
    NamedColumn{"project", IssueColumn::Project},
    NamedColumn{"times_seen", IssueColumn::TimesSeen},
    NamedColumn{"first_seen", IssueColumn::FirstSeen},
    NamedColumn{"last_seen", IssueColumn::LastSeen},
    NamedColumn{"merged", IssueColumn::Merged},
    NamedColumn{"bookmarks", IssueColumn::Bookmarks},
    NamedColumn{"subscribed", IssueColumn::Subscribed},
    NamedColumn{"first_release", IssueColumn::FirstRelease},
    NamedColumn{"regressed_in_release", IssueColumn::RegressedIn},
};

std::optional<IssueColumn> column_of(GroupField field) {
  switch (field) {
    case GroupField::Issue:
      return IssueColumn::ShortId;
    case GroupField::Status:
      return IssueColumn::Status;
    case GroupField::Substatus:
      return IssueColumn::Substatus;
    case GroupField::Priority:
      return IssueColumn::Priority;
    case GroupField::Type:
      return IssueColumn::Type;
    case GroupField::Category:
      return IssueColumn::Category;
    case GroupField::Assigned:
      return IssueColumn::Assigned;
    case GroupField::Project:
      return IssueColumn::Project;
    case GroupField::TimesSeen:
      return IssueColumn::TimesSeen;
    case GroupField::FirstSeen:
      return IssueColumn::FirstSeen;
    case GroupField::LastSeen:
      return IssueColumn::LastSeen;
    case GroupField::Merged:
      return IssueColumn::Merged;
    case GroupField::BookmarkedBy:
      return IssueColumn::Bookmarks;
    case GroupField::SubscribedBy:
      return IssueColumn::Subscribed;
    case GroupField::FirstRelease:
      return IssueColumn::FirstRelease;
    case GroupField::RegressedIn:
      return IssueColumn::RegressedIn;
    default:
      return std::nullopt;
  }
}

Cell text_or_none(std::string text) {
  if (text.empty()) return {};
  return {std::move(text)};
}

Cell time_or_none(bool any, TimeUs time) {
  if (!any) return {};
  return {time};
}

template <class Text>
Cell joined(const std::vector<Text>& texts) {
  std::string all;
  for (const Text& text : texts) all.append(all.empty() ? "" : ", ").append(text);
  return text_or_none(std::move(all));
}

Cell seen_cell(const model::Forest& forest, IssueColumn column, GroupId issue) {
  const model::Totals totals = forest.totals(issue);
  const bool any = totals.times_seen > 0;
  if (column == IssueColumn::FirstSeen) return time_or_none(any, totals.first_seen);
  if (column == IssueColumn::LastSeen) return time_or_none(any, totals.last_seen);
  if (column == IssueColumn::TimesSeen) return {static_cast<int64_t>(totals.times_seen)};
  return any ? Cell{std::string(model::level_name(forest.face_of(issue).level))} : Cell{};
}

}  // namespace

std::optional<IssueColumn> find_issue_column(const Key& key) {
  if (key.form == KeyForm::Tag) return std::nullopt;
  for (const NamedColumn& named : kNames) {
    if (named.name == key.name) return named.column;
  }
  const FieldRef ref = find_field(key);
  return ref.scope == Scope::Group ? column_of(ref.group) : std::nullopt;
}

std::string_view type_of(IssueColumn column) {
  switch (column) {
    case IssueColumn::Id:
    case IssueColumn::TimesSeen:
    case IssueColumn::Merged:
      return "integer";
    case IssueColumn::FirstSeen:
    case IssueColumn::LastSeen:
      return "time";
    default:
      return "string";
  }
}

std::vector<std::string_view> issue_column_names() {
  std::vector<std::string_view> names;
  for (const NamedColumn& named : kNames) names.push_back(named.name);
  return names;
}

Cell issue_cell(const model::Forest& forest, IssueColumn column, GroupId issue) {
  const model::State& state = forest.state();
  const model::Group& group = forest.group(issue);
  const auto property = [&](GroupField field) {
    return text_or_none(property_name(forest, field, issue));
  };
  switch (column) {
    case IssueColumn::ShortId:
      return {state.short_id(issue)};
    case IssueColumn::Id:
      return {int64_t{raw(issue)}};
    case IssueColumn::Title:
      return {std::string(group.title.view())};
    case IssueColumn::Culprit:
      return text_or_none(std::string(group.culprit.view()));
    case IssueColumn::Level:
    case IssueColumn::TimesSeen:
    case IssueColumn::FirstSeen:
    case IssueColumn::LastSeen:
      return seen_cell(forest, column, issue);
    case IssueColumn::Status:
      return property(GroupField::Status);
    case IssueColumn::Substatus:
      return property(GroupField::Substatus);
    case IssueColumn::Priority:
      return property(GroupField::Priority);
    case IssueColumn::Type:
      return property(GroupField::Type);
    case IssueColumn::Category:
      return property(GroupField::Category);
    case IssueColumn::Assigned:
      return property(GroupField::Assigned);
    case IssueColumn::Project: {
      const model::Project* project = state.project(group.project);
      return project == nullptr ? Cell{} : Cell{project->slug};
    }
    case IssueColumn::Merged:
      return {static_cast<int64_t>(forest.members(issue).size() - 1)};
    case IssueColumn::Bookmarks:
      return joined(state.care(issue).bookmarked_by);
    case IssueColumn::Subscribed:
      return joined(state.care(issue).subscribed_by);
    case IssueColumn::FirstRelease:
      return text_or_none(std::string(forest.first_release(issue)));
    case IssueColumn::RegressedIn:
      return joined(forest.regressed_in(issue));
  }
  return {};
}

}  // namespace cairn::query
