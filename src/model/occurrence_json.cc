#include "model/occurrence_json.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "base/json_writer.h"
#include "model/json_scalar.h"
#include "model/rules.h"

namespace cairn::model {
namespace {

enum Member : uint8_t {
  kId,
  kProjectId,
  kEventId,
  kFingerprint,
  kIssueTitle,
  kSubtitle,
  kResourceId,
  kCulprit,
  kLevel,
  kPriority,
  kAssignee,
  kType,
  kDetectionTime,
  kBufferedSpans,
  kEvidenceData,
  kEvidenceDisplay,
  kEvent,
  kMemberCount,
  kUnknown = kMemberCount,
  kIgnored,
};

struct KnownMember {
  std::string_view name;
  uint8_t member;
};

// Sorted by length, to look at two or three names instead of all.
constexpr std::array kKnownMembers = std::to_array<KnownMember>({
    {"id", kId},
    {"type", kType},
    {"_lsn", kIgnored},
    {"level", kLevel},
    {"event", kEvent},
    {"_leaf", kIgnored},
    {"_issue", kIgnored},
    {"culprit", kCulprit},
    {"subtitle", kSubtitle},
    {"event_id", kEventId},
    {"assignee", kAssignee},
    {"project_id", kProjectId},
    {"fingerprint", kFingerprint},
    {"issue_title", kIssueTitle},
    {"resource_id", kResourceId},
    {"payload_type", kIgnored},
    {"evidence_data", kEvidenceData},
    {"detection_time", kDetectionTime},
    {"evidence_display", kEvidenceDisplay},
    {"is_buffered_spans", kBufferedSpans},
    {"initial_issue_priority", kPriority},
});
constexpr size_t kLongestName = 22;

// Per length: the first entry of that length.
constexpr auto kFirstOfLength = [] {
  std::array<uint8_t, kLongestName + 2> first{};
  for (size_t length = 0, i = 0; length < first.size(); ++length) {
    while (i < kKnownMembers.size() && kKnownMembers[i].name.size() < length) ++i;
    first[length] = static_cast<uint8_t>(i);
  }
  return first;
}();

uint8_t known_member(std::string_view name) {
  if (name.size() > kLongestName) return kUnknown;
  for (size_t i = kFirstOfLength[name.size()]; i < kFirstOfLength[name.size() + 1]; ++i)
    if (kKnownMembers[i].name == name) return kKnownMembers[i].member;
  return kUnknown;
}

constexpr std::string_view kLevelNames = "debug, info, warning, error, fatal or sample";

}  // namespace

struct OccurrenceReader::Members {
  std::array<JsonValue, kMemberCount> at;
  JsonValue operator[](Member member) const { return at[member]; }
};

std::string_view decode_name(JsonValue name, std::deque<std::string>& store) {
  if (!name.escaped()) return name.content();
  append_unescaped(store.emplace_back(), name.content());
  return store.back();
}

Result<void> OccurrenceReader::read(JsonValue line, Occurrence& out) {
  decoded_.clear();
  Members members;
  collect(line, members, out);
  event_ = is_absent(members[kEvent]) ? JsonValue{} : members[kEvent];
  if (read_identity(members, out) && read_texts(members, out) && read_numbers(members, out) &&
      read_evidence(members, out) && read_event(members[kEvent], out))
    return {};
  return fields_.take_error();
}

void OccurrenceReader::collect(JsonValue line, Members& members, Occurrence& out) {
  for (JsonValue name = line.first(); name;) {
    const JsonValue value = name.next();
    const uint8_t member = known_member(decode_name(name, decoded_));
    if (member < kMemberCount) {
      members.at[member] = value;
    } else if (member == kUnknown) {
      if (!out.extra.empty()) out.extra += ',';
      out.extra.append(name.raw());
      out.extra += ':';
      out.extra.append(value.raw());
    }
    name = value.next();
  }
}

bool OccurrenceReader::read_identity(const Members& members, Occurrence& out) {
  std::optional<Uuid> id;
  if (!fields_.uuid("id", members[kId], id)) return false;
  if (!id) return fields_.missing("id", "a UUID");
  out.id = *id;
  return fields_.project("project_id", members[kProjectId], out.project) &&
         fields_.strings("fingerprint", members[kFingerprint], kMaxFingerprints, out.fingerprint) &&
         fields_.uuid("event_id", members[kEventId], out.event_id);
}

bool OccurrenceReader::read_texts(const Members& members, Occurrence& out) {
  constexpr std::string_view kTitle = "a string or null (the member itself is required)";
  if (!members[kIssueTitle]) return fields_.missing("issue_title", kTitle);
  if (!members[kSubtitle]) return fields_.missing("subtitle", kTitle);
  if (!fields_.text("issue_title", members[kIssueTitle], kMaxTitleBytes, out.title) ||
      !fields_.text("subtitle", members[kSubtitle], kMaxTitleBytes, out.subtitle) ||
      !fields_.text("resource_id", members[kResourceId], kMaxTitleBytes, out.resource_id) ||
      !fields_.text("culprit", members[kCulprit], kMaxTitleBytes, out.culprit) ||
      !fields_.text("level", members[kLevel], kMaxTitleBytes, out.level_text) ||
      !fields_.text("assignee", members[kAssignee], kMaxTitleBytes, out.assignee))
    return false;
  if (out.level_text && !parse_level(*out.level_text)) {
    return fields_.fail("level",
                        fmt::format("expected {}, got {}", kLevelNames, show(members[kLevel])),
                        members[kLevel]);
  }
  if (out.assignee && !valid_assignee(*out.assignee)) {
    return fields_.fail(
        "assignee",
        fmt::format("expected \"user:ID\" or \"team:ID\", got {}", show(members[kAssignee])),
        members[kAssignee]);
  }
  return true;
}

bool OccurrenceReader::read_numbers(const Members& members, Occurrence& out) {
  int64_t number = 0;
  if (!fields_.integer("type", members[kType], 0, std::numeric_limits<uint32_t>::max(), number))
    return false;
  out.type = static_cast<uint32_t>(number);
  if (!fields_.seconds("detection_time", members[kDetectionTime], out.detection_time)) return false;
  if (const JsonValue priority = members[kPriority]; !is_absent(priority)) {
    if (!fields_.integer("initial_issue_priority", priority, 0, 100, number)) return false;
    if (number != 25 && number != 50 && number != 75) {
      return fields_.fail("initial_issue_priority",
                          fmt::format("expected 25, 50, 75 or null, got {}", number), priority);
    }
    out.priority = static_cast<int32_t>(number);
  }
  if (const JsonValue flag = members[kBufferedSpans]; !is_absent(flag)) {
    if (flag.kind() != JsonKind::Boolean)
      return fields_.expected("is_buffered_spans", "true or false", flag);
    out.is_buffered_spans = flag.raw() == "true";
  }
  return true;
}

bool OccurrenceReader::read_evidence(const Members& members, Occurrence& out) {
  if (const JsonValue data = members[kEvidenceData]; !is_absent(data)) {
    if (data.kind() != JsonKind::Object)
      return fields_.expected("evidence_data", "an object or null", data);
    out.evidence_data.assign(data.raw());
  }
  const JsonValue display = members[kEvidenceDisplay];
  if (is_absent(display)) return true;
  constexpr std::string_view kEntry =
      "an array of {\"name\": string, \"value\": string, \"important\": boolean}";
  if (display.kind() != JsonKind::Array)
    return fields_.expected("evidence_display", "an array or null", display);
  for (JsonValue entry = display.first(); entry; entry = entry.next()) {
    if (entry.kind() != JsonKind::Object)
      return fields_.expected("evidence_display", kEntry, entry);
    const auto has = [&](std::string_view name, JsonKind kind) {
      const JsonValue value = find_member(entry, name);
      return value && value.kind() == kind;
    };
    if (!has("name", JsonKind::String) || !has("value", JsonKind::String) ||
        !has("important", JsonKind::Boolean))
      return fields_.fail("evidence_display", fmt::format("expected {}", kEntry), entry);
  }
  out.evidence_display.assign(display.raw());
  return true;
}

bool OccurrenceReader::read_event(JsonValue event, Occurrence& out) {
  if (is_absent(event)) {
    return out.event_id || fields_.missing("event_id", "a UUID, or an inline \"event\"");
  }
  if (event.kind() != JsonKind::Object)
    return fields_.expected("event", "an object or null", event);
  JsonValue id, project, tags;
  const auto text = [this](std::string_view name, JsonValue value) {
    return is_absent(value) || value.kind() == JsonKind::String ||
           fields_.expected(name, "a string or null", value);
  };
  names_.clear();
  for (JsonValue key = event.first(); key;) {
    const JsonValue value = key.next();
    const std::string_view name = decode_name(key, decoded_);
    names_.add(name);
    if (name == "event_id") {
      id = value;
    } else if (name == "project_id") {
      project = value;
    } else if (name == "tags") {
      tags = value;
    } else if (name == "level") {
      if (!text("event.level", value)) return false;
    } else if (name == "platform") {
      if (!text("event.platform", value)) return false;
    } else if (name == "timestamp") {
      if (!is_absent(value) && value.kind() != JsonKind::String && value.kind() != JsonKind::Number)
        return fields_.expected("event.timestamp", "a string or a number", value);
    }
    key = value.next();
  }
  if (const auto twice = names_.duplicate())
    return fields_.fail("event", fmt::format("member \"{}\" is given twice", *twice), event);
  if (!read_event_id(id, out)) return false;
  if (!is_absent(project)) {
    ProjectId named{};
    if (!fields_.project("event.project_id", project, named)) return false;
    if (named != out.project) {
      return fields_.fail(
          "event.project_id",
          fmt::format("{} differs from project_id {}", raw(named), raw(out.project)), project);
    }
  }
  if (!is_absent(tags) && !check_tags(tags)) return false;
  out.event.assign(event.raw());
  return true;
}

bool OccurrenceReader::read_event_id(JsonValue id, Occurrence& out) {
  std::optional<Uuid> event_id;
  if (!fields_.uuid("event.event_id", id, event_id)) return false;
  if (!event_id) return fields_.missing("event.event_id", "a UUID");
  if (out.event_id && *out.event_id != *event_id) {
    return fields_.fail(
        "event.event_id",
        fmt::format("{} differs from event_id {}", event_id->hex(), out.event_id->hex()), id);
  }
  out.event_id = event_id;
  return true;
}

bool OccurrenceReader::check_tags(JsonValue tags) {
  names_.clear();
  if (tags.kind() == JsonKind::Object) {
    for (JsonValue key = tags.first(); key; key = key.next().next())
      if (!check_tag(key, key.next())) return false;
  } else if (tags.kind() == JsonKind::Array) {
    for (JsonValue pair = tags.first(); pair; pair = pair.next()) {
      const JsonValue key = pair.kind() == JsonKind::Array ? pair.first() : JsonValue{};
      if (!key || key.kind() != JsonKind::String || !key.next() || key.next().next())
        return fields_.fail("event.tags", "expected [key, value] pairs, the keys strings", pair);
      if (!check_tag(key, key.next())) return false;
    }
  } else {
    return fields_.expected("event.tags", "an object, an array of [key, value] pairs or null",
                            tags);
  }
  if (names_.size() > kMaxTags)
    return fields_.fail("event.tags", fmt::format("more than {} tags", kMaxTags), tags);
  if (const auto twice = names_.duplicate())
    return fields_.fail("event.tags", fmt::format("tag \"{}\" is given twice", *twice), tags);
  return true;
}

bool OccurrenceReader::check_tag(JsonValue key, JsonValue value) {
  const std::string_view name = decode_name(key, decoded_);
  if (name.empty()) return fields_.fail("event.tags", "a tag has an empty name", key);
  if (name.size() > kMaxTagKeyBytes) {
    return fields_.fail(
        "event.tags",
        fmt::format("a tag name of {} bytes, the limit is {}", name.size(), kMaxTagKeyBytes), key);
  }
  names_.add(name);
  if (value.kind() == JsonKind::Array || value.kind() == JsonKind::Object) {
    return fields_.expected(fmt::format("event.tags.{}", name), "a string, number, boolean or null",
                            value);
  }
  if (value.raw().size() > kMaxTagValueBytes + 2) {
    return fields_.fail(fmt::format("event.tags.{}", name),
                        fmt::format("the value is longer than {} bytes", kMaxTagValueBytes), value);
  }
  return true;
}

std::string to_json(const Occurrence& o) {
  JsonWriter json;
  json.begin_object();
  const auto text = [&json](std::string_view name, const std::optional<std::string>& value) {
    if (value) json.key(name).string(*value);
  };
  const auto verbatim = [&json](std::string_view name, const std::string& value) {
    if (!value.empty()) json.key(name).raw(value);
  };
  json.key("id").string(o.id.dashed());
  json.key("project_id").unsigned_integer(raw(o.project));
  if (o.event_id) json.key("event_id").string(o.event_id->hex());
  json.key("fingerprint").begin_array();
  for (const std::string& entry : o.fingerprint) json.string(entry);
  json.end_array();
  json.key("issue_title");
  o.title ? json.string(*o.title) : json.null();
  json.key("subtitle");
  o.subtitle ? json.string(*o.subtitle) : json.null();
  text("resource_id", o.resource_id);
  verbatim("evidence_data", o.evidence_data);
  verbatim("evidence_display", o.evidence_display);
  json.key("type").unsigned_integer(o.type);
  json.key("detection_time").number(o.detection_time);
  text("level", o.level_text);
  text("culprit", o.culprit);
  if (o.priority) json.key("initial_issue_priority").integer(*o.priority);
  text("assignee", o.assignee);
  if (o.is_buffered_spans) json.key("is_buffered_spans").boolean(true);
  verbatim("event", o.event);
  if (!o.extra.empty()) json.raw_members(o.extra);
  json.end_object();
  return json.take();
}

std::string to_json_members(const Occurrence& occurrence) {
  std::string json = to_json(occurrence);
  json.pop_back();
  json.erase(0, 1);
  return json;
}

}  // namespace cairn::model
