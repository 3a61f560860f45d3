#include "query/issue_property.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "model/group_type.h"
#include "model/message.h"

namespace cairn::query {
namespace {

template <class T>
void make_set(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// The position among names that hold it, counted from 1; 0 of no name.
uint32_t place_of(const std::vector<std::string>& names, std::string_view name) {
  if (name.empty()) return 0;
  const auto found = std::lower_bound(names.begin(), names.end(), name);
  CAIRN_ASSERT(found != names.end() && *found == name);
  return static_cast<uint32_t>(found - names.begin()) + 1;
}

std::string type_text(const model::State& state, GroupField field, uint32_t id) {
  const model::GroupType type = state.type(id);
  if (field == GroupField::Type) return type.slug;
  const std::string_view name = model::category_name(type.category);
  if (!name.empty()) return std::string(name);
  return type.category == 0 ? "" : std::to_string(type.category);
}

}  // namespace

bool is_named(GroupField field) {
  switch (field) {
    case GroupField::Status:
    case GroupField::Substatus:
    case GroupField::Priority:
    case GroupField::Type:
    case GroupField::Category:
    case GroupField::Assigned:
      return true;
    default:
      return false;
  }
}

std::string property_name(const model::Forest& forest, GroupField field, GroupId issue) {
  const model::Group& group = forest.group(issue);
  switch (field) {
    case GroupField::Status:
      return std::string(model::status_name(forest.shown_status(issue).status));
    case GroupField::Substatus:
      return std::string(model::substatus_name(forest.shown_status(issue).substatus));
    case GroupField::Priority:
      return model::priority_name(group.priority);
    case GroupField::Type:
    case GroupField::Category:
      return type_text(forest.state(), field, group.type);
    default:
      return std::string(std::string_view(group.assignee));
  }
}

IssueProperty::IssueProperty(const View& view, GroupField field)
    : forest_(view.forest()), field_(field) {
  CAIRN_ASSERT(is_named(field));
  const bool by_type = field == GroupField::Type || field == GroupField::Category;
  if (!by_type && field != GroupField::Assigned) return;
  for (uint32_t id = 1; id <= view.state->group_count(); ++id) {
    const model::Group& group = view.state->group(GroupId{id});
    if (by_type) {
      if (types_.empty() || types_.back() != group.type) types_.push_back(group.type);
    } else if (!group.assignee.empty()) {
      names_.emplace_back(group.assignee.view());
    }
  }
  make_set(types_);
  for (const uint32_t type : types_) names_.push_back(type_text(*view.state, field, type));
  std::erase(names_, "");
  make_set(names_);
  for (const uint32_t type : types_) {
    numbers_.push_back(place_of(names_, type_text(*view.state, field, type)));
  }
}

uint32_t IssueProperty::number(GroupId issue) const {
  const model::Group& group = forest_.group(issue);
  switch (field_) {
    case GroupField::Status:
      return uint32_t{raw(forest_.shown_status(issue).status)} + 1;
    case GroupField::Substatus:
      return raw(forest_.shown_status(issue).substatus);
    case GroupField::Priority:
      return uint32_t{group.priority} + 1;
    case GroupField::Assigned:
      return place_of(names_, group.assignee);
    default: {
      const auto found = std::lower_bound(types_.begin(), types_.end(), group.type);
      return numbers_[static_cast<size_t>(found - types_.begin())];
    }
  }
}

uint64_t IssueProperty::bound() const {
  constexpr uint64_t kEnumerators = uint64_t{std::numeric_limits<uint8_t>::max()} + 2;
  const bool enumerated = field_ == GroupField::Status || field_ == GroupField::Substatus ||
                          field_ == GroupField::Priority;
  return enumerated ? kEnumerators : names_.size() + 1;
}

std::string IssueProperty::name(uint32_t number) const {
  CAIRN_ASSERT(number > 0 && number < bound());
  switch (field_) {
    case GroupField::Status:
      return std::string(model::status_name(static_cast<model::Status>(number - 1)));
    case GroupField::Substatus:
      return std::string(model::substatus_name(static_cast<model::Substatus>(number)));
    case GroupField::Priority:
      return model::priority_name(static_cast<uint8_t>(number - 1));
    default:
      return names_[number - 1];
  }
}

}  // namespace cairn::query
