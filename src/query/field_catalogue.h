// What the names of a query mean: which field, and whether it belongs to the occurrence, its time
// or the visible issue. Pure functions over constant tables; thread: any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "query/ast.h"
#include "query/text_match.h"

namespace cairn::query {

// A field of the occurrence: a builtin one or a tag.
struct EventField {
  FieldId id{};     // builtin, or 0: the tag named below
  std::string tag;  // key of the tag
  // user.id and its like: only values of this kind count, and are compared without it ("id:").
  std::string prefix;
  ReleasePart part = ReleasePart::Whole;  // release.version and its like
  bool operator==(const EventField&) const = default;
};

enum class GroupField : uint8_t {
  Status,
  Substatus,
  Priority,
  Type,
  Category,
  Assigned,
  TimesSeen,
  FirstSeen,
  LastSeen,
  Issue,
  Project,
  BookmarkedBy,
  SubscribedBy,
  Linked,
  ForReview,
  Merged,
  FirstRelease,
  RegressedIn,
};

enum class Scope : uint8_t {
  Event,  // a text field of the occurrence
  Id,     // the occurrence's id, or that of its event
  Time,   // the time of the occurrence
  Group,  // a property of the visible issue
  Is,     // is:VALUE
  Has,    // has:FIELD
};

// What the values of a field of the occurrence say, and so what a filter may ask of them.
enum class ValueKind : uint8_t {
  Text,
  Number,       // comparisons are of numbers; everything else is of text
  Flag,         // true or false
  DeviceClass,  // 1, 2, 3, which are also called low, medium, high
};

struct FieldRef {
  Scope scope = Scope::Event;
  EventField event;                       // Scope::Event
  ValueKind kind = ValueKind::Text;       // Scope::Event
  GroupField group = GroupField::Status;  // Scope::Group
  bool operator==(const FieldRef&) const = default;
};

// Every name means something: what is neither builtin nor a group field is a tag.
FieldRef find_field(const Key& key);
// The same for a name inside a value (has:NAME), where tags[k] is spelled out.
FieldRef find_field(std::string_view name);

// A name that is no tag's, and what it means.
struct FieldName {
  std::string_view name;
  std::string_view alias_of;  // the name that comes first for the same; "" = this one
  FieldRef ref;
};
// All of them: filters, time, fields of the issue, fields of the occurrence; aliases after what
// they are aliases of.
std::vector<FieldName> field_names();

// The fields free text looks in.
std::vector<EventField> free_text_fields();

// Ends a sentence that says a name is unknown: "; did you mean "NAME"?" with the nearest of
// `known`, or "." when none is near.
std::string suggestion(std::string_view name, std::span<const std::string_view> known);
// "a, b and c".
std::string enumerate(std::span<const std::string_view> names);

}  // namespace cairn::query
