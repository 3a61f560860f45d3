// What a field of the visible issue says, as numbers that rows of a table can be made by. The
// numbers of one view are always the same. Borrows the view. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "query/field_catalogue.h"
#include "query/view.h"

namespace cairn::query {

// Whether the field has few values, each with a name: rows are made by these, not by counts and
// times.
bool is_named(GroupField field);

// The name: "unresolved", "high", "user:7"; "" = none. Precondition: is_named(field).
std::string property_name(const model::Forest& forest, GroupField field, GroupId issue);

class IssueProperty {
 public:
  // Precondition: is_named(field).
  IssueProperty(const View& view, GroupField field);

  uint32_t number(GroupId issue) const;  // 0 = no value
  uint64_t bound() const;                // every number is below
  std::string name(uint32_t number) const;

 private:
  model::Forest forest_;
  GroupField field_;
  std::vector<std::string> names_;  // what groups have; ascending. Empty: enumerators
  std::vector<uint32_t> types_;     // of all groups, ascending
  std::vector<uint32_t> numbers_;   // of the types, in their order
};

}  // namespace cairn::query
