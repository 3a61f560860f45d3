#include "query/field_catalogue.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/ascii.h"
#include "model/field.h"

namespace cairn::query {
namespace {

namespace field = model::field;

struct EventAlias {
  std::string_view name;
  FieldId id;
  std::string_view prefix;
  ReleasePart part = ReleasePart::Whole;
  std::string_view tag = "";
};
// Beside the names of model::builtin_fields().
constexpr std::array kEventAliases = {
    EventAlias{"env", field::kEnvironment, ""},
    EventAlias{"http.url", field::kUrl, ""},
    EventAlias{"logger.name", field::kLogger, ""},
    EventAlias{"trace.id", field::kTrace, ""},
    EventAlias{"user.id", field::kUser, "id:"},
    EventAlias{"release.package", field::kRelease, "", ReleasePart::Package},
    EventAlias{"release.version", field::kRelease, "", ReleasePart::Version},
    EventAlias{"release.build", field::kRelease, "", ReleasePart::Build},
    EventAlias{"detector", FieldId{0}, "", ReleasePart::Whole, "evidence.detector_id"},
};

struct GroupName {
  std::string_view name;
  GroupField field;
};
constexpr std::array kGroupNames = {
    GroupName{"status", GroupField::Status},
    GroupName{"substatus", GroupField::Substatus},
    GroupName{"issue.priority", GroupField::Priority},
    GroupName{"priority", GroupField::Priority},
    GroupName{"issue.type", GroupField::Type},
    GroupName{"type", GroupField::Type},
    GroupName{"issue.category", GroupField::Category},
    GroupName{"assigned", GroupField::Assigned},
    GroupName{"assigned_to", GroupField::Assigned},
    GroupName{"assignee", GroupField::Assigned},
    GroupName{"assigned_or_suggested", GroupField::Assigned},
    GroupName{"bookmarked_by", GroupField::BookmarkedBy},
    GroupName{"bookmarks", GroupField::BookmarkedBy},
    GroupName{"subscribed_by", GroupField::SubscribedBy},
    GroupName{"subscribed", GroupField::SubscribedBy},
    GroupName{"merged", GroupField::Merged},
    GroupName{"first_release", GroupField::FirstRelease},
    GroupName{"first-release", GroupField::FirstRelease},
    GroupName{"firstRelease", GroupField::FirstRelease},
    GroupName{"regressed_in_release", GroupField::RegressedIn},
    GroupName{"times_seen", GroupField::TimesSeen},
    GroupName{"timesSeen", GroupField::TimesSeen},
    GroupName{"first_seen", GroupField::FirstSeen},
    GroupName{"firstSeen", GroupField::FirstSeen},
    GroupName{"age", GroupField::FirstSeen},
    GroupName{"last_seen", GroupField::LastSeen},
    GroupName{"lastSeen", GroupField::LastSeen},
    GroupName{"issue", GroupField::Issue},
    GroupName{"issue.id", GroupField::Issue},
    GroupName{"project", GroupField::Project},
    GroupName{"project.id", GroupField::Project},
};

// Of builtin fields and of what counts as tags (model/term_details.h).
struct NamedKind {
  std::string_view name;
  ValueKind kind;
};
constexpr std::array kKinds = {
    NamedKind{"error.handled", ValueKind::Flag},
    NamedKind{"error.unhandled", ValueKind::Flag},
    NamedKind{"error.main_thread", ValueKind::Flag},
    NamedKind{"stack.lineno", ValueKind::Number},
    NamedKind{"http.status_code", ValueKind::Number},
    NamedKind{"device.class", ValueKind::DeviceClass},
};
constexpr std::string_view kEvidencePrefix = "evidence.";

ValueKind kind_of(std::string_view name) {
  for (const NamedKind& named : kKinds) {
    if (named.name == name) return named.kind;
  }
  return name.starts_with(kEvidencePrefix) ? ValueKind::Number : ValueKind::Text;
}

constexpr std::array<std::string_view, 3> kTimeNames = {"timestamp", "date", "event.timestamp"};

// The type an occurrence came with is the group scope's business: a query asks for the type of
// the visible issue.
bool is_event_builtin(const model::BuiltinField& builtin) { return builtin.id != field::kType; }

FieldRef event_ref(FieldId id, std::string_view tag, std::string_view prefix,
                   ReleasePart part = ReleasePart::Whole) {
  FieldRef ref;
  ref.event = EventField{id, std::string(tag), std::string(prefix), part};
  return ref;
}

FieldRef tag_ref(std::string_view tag) { return event_ref(FieldId{0}, tag, ""); }

FieldRef scope_ref(Scope scope) {
  FieldRef ref;
  ref.scope = scope;
  return ref;
}

FieldRef find_plain(std::string_view name) {
  if (name == "is") return scope_ref(Scope::Is);
  if (name == "has") return scope_ref(Scope::Has);
  if (name == "id") return scope_ref(Scope::Id);
  if (std::find(kTimeNames.begin(), kTimeNames.end(), name) != kTimeNames.end()) {
    return scope_ref(Scope::Time);
  }
  for (const GroupName& group : kGroupNames) {
    if (group.name != name) continue;
    FieldRef ref = scope_ref(Scope::Group);
    ref.group = group.field;
    return ref;
  }
  for (const model::BuiltinField& builtin : model::builtin_fields()) {
    if (builtin.name != name || !is_event_builtin(builtin)) continue;
    FieldRef ref = event_ref(builtin.id, "", "");
    ref.kind = kind_of(name);
    return ref;
  }
  for (const EventAlias& alias : kEventAliases) {
    if (alias.name == name) return event_ref(alias.id, alias.tag, alias.prefix, alias.part);
  }
  FieldRef ref = tag_ref(name);
  ref.kind = kind_of(name);
  return ref;
}

// Levenshtein distance, case not counted.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted =
          diagonal + (lower_ascii(a[i - 1]) == lower_ascii(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

FieldRef find_field(const Key& key) {
  return key.form == KeyForm::Tag ? tag_ref(key.name) : find_plain(key.name);
}

FieldRef find_field(std::string_view name) {
  constexpr std::string_view kOpen = "tags[";
  if (name.starts_with(kOpen) && name.ends_with("]")) {
    const std::string_view inner = name.substr(kOpen.size(), name.size() - kOpen.size() - 1);
    const bool quoted = inner.starts_with('"');  // then neither blank nor comma ends the name
    const size_t begin = quoted ? 1 : 0;
    return tag_ref(inner.substr(begin, inner.find(quoted ? '"' : ',', begin) - begin));
  }
  return find_plain(name);
}

std::vector<FieldName> field_names() {
  std::vector<FieldName> names = {
      {"is", "", find_plain("is")}, {"has", "", find_plain("has")}, {"id", "", find_plain("id")}};
  const auto add = [&](std::string_view name) {
    FieldRef ref = find_plain(name);
    const auto same = std::find_if(names.begin(), names.end(), [&](const FieldName& one) {
      return one.alias_of.empty() && one.ref == ref;
    });
    names.push_back({name, same == names.end() ? "" : same->name, std::move(ref)});
  };
  for (const std::string_view name : kTimeNames) add(name);
  for (const GroupName& group : kGroupNames) add(group.name);
  for (const model::BuiltinField& builtin : model::builtin_fields()) {
    if (is_event_builtin(builtin)) add(builtin.name);
  }
  for (const EventAlias& alias : kEventAliases) add(alias.name);
  return names;
}

std::vector<EventField> free_text_fields() {
  return {EventField{field::kTitle, "", "", {}}, EventField{field::kSubtitle, "", "", {}},
          EventField{field::kCulprit, "", "", {}}, EventField{field::kMessage, "", "", {}},
          EventField{field::kEvidence, "", "", {}}};
}

std::string suggestion(std::string_view name, std::span<const std::string_view> known) {
  if (name.size() > 64) return ".";  // no name is that long, and the distance costs length squared
  std::string_view best;
  // Two letters changed places are two edits, which a very short name has not room for.
  size_t best_distance = std::max<size_t>(name.size() < 4 ? 1 : 2, name.size() / 3) + 1;
  for (std::string_view candidate : known) {
    const size_t distance = edit_distance(name, candidate);
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  // A beginning of the name, or a name that begins so: "newest" for "new", "prod" for "production".
  for (std::string_view candidate : known) {
    if (!best.empty() || std::min(name.size(), candidate.size()) < 3) continue;
    if (name.starts_with(candidate) || candidate.starts_with(name)) best = candidate;
  }
  return best.empty() ? "." : "; did you mean \"" + std::string(best) + "\"?";
}

std::string enumerate(std::span<const std::string_view> names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

}  // namespace cairn::query
