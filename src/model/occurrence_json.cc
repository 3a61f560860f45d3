#include "model/occurrence_json.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "base/json_writer.h"
#include "model/json_scalar.h"
#include "model/rules.h"

namespace cairn::model {
namespace {

struct KnownMember {
  std::string_view name;
  Member member;
};

// Sorted by length, to look at two or three names instead of all.
constexpr std::array kKnownMembers = std::to_array<KnownMember>({
    {"t", Member::Time},
    {"id", Member::Id},
    {"op", Member::Op},
    {"type", Member::Type},
    {"_lsn", Member::Lsn},
    {"level", Member::Level},
    {"event", Member::Event},
    {"_leaf", Member::Leaf},
    {"_issue", Member::Issue},
    {"culprit", Member::Culprit},
    {"subtitle", Member::Subtitle},
    {"event_id", Member::EventId},
    {"assignee", Member::Assignee},
    {"project_id", Member::ProjectId},
    {"fingerprint", Member::Fingerprint},
    {"issue_title", Member::IssueTitle},
    {"resource_id", Member::ResourceId},
    {"payload_type", Member::PayloadType},
    {"evidence_data", Member::EvidenceData},
    {"detection_time", Member::DetectionTime},
    {"evidence_display", Member::EvidenceDisplay},
    {"is_buffered_spans", Member::BufferedSpans},
    {"initial_issue_priority", Member::Priority},
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

Member known_member(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return Member::Unknown;
  for (size_t i = kFirstOfLength[name.size()]; i < kFirstOfLength[name.size() + 1]; ++i) {
    // Of one length no two begin alike.
    const KnownMember& known = kKnownMembers[i];
    if (known.name.front() == name.front() && known.name == name) return known.member;
  }
  return Member::Unknown;
}

std::string_view decode_name(JsonValue name, std::deque<std::string>& store) {
  if (!name.escaped()) return name.content();
  append_unescaped(store.emplace_back(), name.content());
  return store.back();
}

constexpr std::string_view kLevelNames = "debug, info, warning, error, fatal or sample";

}  // namespace

bool LineMembers::collect(JsonValue line) {
  known_.fill({});
  others_.clear();
  names_.clear();
  decoded_.clear();
  for (JsonValue name = line.first(); name;) {
    const JsonValue value = name.next();
    const std::string_view text = decode_name(name, decoded_);
    const Member member = known_member(text);
    if (member == Member::Unknown) {
      names_.add(text);
    } else {
      JsonValue& known = known_[static_cast<size_t>(member)];
      if (known) {
        twice_ = text;
        return false;
      }
      known = value;
    }
    if (member >= Member::Op) others_.push_back(name);
    name = value.next();
  }
  const auto twice = names_.duplicate();
  twice_ = twice.value_or(std::string_view());
  return !twice;
}

Result<void> OccurrenceReader::read(const LineMembers& members, Occurrence& out) {
  decoded_.clear();
  for (const JsonValue name : members.others()) {
    if (!out.extra.empty()) out.extra += ',';
    out.extra.append(name.raw());
    out.extra += ':';
    out.extra.append(name.next().raw());
  }
  const JsonValue event = members[Member::Event];
  event_ = is_absent(event) ? JsonValue{} : event;
  if (read_identity(members, out) && read_texts(members, out) && read_numbers(members, out) &&
      read_evidence(members, out) && read_event(event, out))
    return {};
  return fields_.take_error();
}

bool OccurrenceReader::read_identity(const LineMembers& members, Occurrence& out) {
  std::optional<Uuid> id;
  if (!fields_.uuid("id", members[Member::Id], id)) return false;
  if (!id) return fields_.missing("id", "a UUID");
  out.id = *id;
  return fields_.project("project_id", members[Member::ProjectId], out.project) &&
         fields_.strings("fingerprint", members[Member::Fingerprint], kMaxFingerprints,
                         out.fingerprint) &&
         fields_.uuid("event_id", members[Member::EventId], out.event_id);
}

bool OccurrenceReader::read_texts(const LineMembers& members, Occurrence& out) {
  constexpr std::string_view kTitle = "a string or null (the member itself is required)";
  if (!members[Member::IssueTitle]) return fields_.missing("issue_title", kTitle);
  if (!members[Member::Subtitle]) return fields_.missing("subtitle", kTitle);
  if (!fields_.text("issue_title", members[Member::IssueTitle], kMaxTitleBytes, out.title) ||
      !fields_.text("subtitle", members[Member::Subtitle], kMaxTitleBytes, out.subtitle) ||
      !fields_.text("resource_id", members[Member::ResourceId], kMaxTitleBytes, out.resource_id) ||
      !fields_.text("culprit", members[Member::Culprit], kMaxTitleBytes, out.culprit) ||
      !fields_.text("level", members[Member::Level], kMaxTitleBytes, out.level_text) ||
      !fields_.text("assignee", members[Member::Assignee], kMaxTitleBytes, out.assignee))
    return false;
  if (out.level_text && !parse_level(*out.level_text)) {
    return fields_.fail(
        "level", fmt::format("expected {}, got {}", kLevelNames, show(members[Member::Level])),
        members[Member::Level]);
  }
  if (out.assignee && !valid_assignee(*out.assignee)) {
    return fields_.fail(
        "assignee",
        fmt::format("expected \"user:ID\" or \"team:ID\", got {}", show(members[Member::Assignee])),
        members[Member::Assignee]);
  }
  return true;
}

bool OccurrenceReader::read_numbers(const LineMembers& members, Occurrence& out) {
  int64_t number = 0;
  if (!fields_.integer("type", members[Member::Type], 0, std::numeric_limits<uint32_t>::max(),
                       number))
    return false;
  out.type = static_cast<uint32_t>(number);
  if (!fields_.seconds("detection_time", members[Member::DetectionTime], out.detection_time))
    return false;
  if (const JsonValue priority = members[Member::Priority]; !is_absent(priority)) {
    if (!fields_.integer("initial_issue_priority", priority, 0, 100, number)) return false;
    if (number != 25 && number != 50 && number != 75) {
      return fields_.fail("initial_issue_priority",
                          fmt::format("expected 25, 50, 75 or null, got {}", number), priority);
    }
    out.priority = static_cast<int32_t>(number);
  }
  if (const JsonValue flag = members[Member::BufferedSpans]; !is_absent(flag)) {
    if (flag.kind() != JsonKind::Boolean)
      return fields_.expected("is_buffered_spans", "true or false", flag);
    out.is_buffered_spans = flag.raw() == "true";
  }
  return true;
}

bool OccurrenceReader::read_evidence(const LineMembers& members, Occurrence& out) {
  if (const JsonValue data = members[Member::EvidenceData]; !is_absent(data)) {
    if (data.kind() != JsonKind::Object)
      return fields_.expected("evidence_data", "an object or null", data);
    out.evidence_data.assign(data.raw());
  }
  const JsonValue display = members[Member::EvidenceDisplay];
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
    if (is_name(name, "event_id")) {
      id = value;
    } else if (is_name(name, "project_id")) {
      project = value;
    } else if (is_name(name, "tags")) {
      tags = value;
    } else if (is_name(name, "level")) {
      if (!text("event.level", value)) return false;
    } else if (is_name(name, "platform")) {
      if (!text("event.platform", value)) return false;
    } else if (is_name(name, "timestamp")) {
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
