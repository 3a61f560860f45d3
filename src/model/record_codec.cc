// Layout and validity rules: schema/record.capnp.
#include "model/record_codec.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <fmt/format.h>
#include <kj/exception.h>
#include <kj/io.h>
#include <record.capnp.h>

#include <string_view>
#include <variant>

#include "base/assert.h"

namespace cairn::model {
namespace {

using Text = capnp::Text;

// --- writing -----------------------------------------------------------------------------------

// Upper bounds in 8-byte words, so that a frame is one segment and is written once.
constexpr size_t kRecordWords = 8;       // struct, with its actor pointer
constexpr size_t kOccurrenceWords = 24;  // struct and pointers
constexpr size_t kOtherWords = 16;       // struct and pointers of any other body

size_t words_of(const std::string& text) { return text.size() / 8 + 1; }
size_t words_of(const std::optional<std::string>& text) { return text ? text->size() / 8 + 1 : 0; }

size_t words_of(const Occurrence& o) {
  size_t words = kOccurrenceWords + words_of(o.title) + words_of(o.subtitle) +
                 words_of(o.resource_id) + words_of(o.culprit) + words_of(o.level_text) +
                 words_of(o.assignee) + words_of(o.evidence_data) + words_of(o.evidence_display) +
                 words_of(o.event) + words_of(o.extra);
  for (const std::string& entry : o.fingerprint) words += 1 + words_of(entry);
  return words;
}

size_t words_of(const Record& record) {
  size_t words = kRecordWords + words_of(record.actor);
  if (const auto* occurrence = std::get_if<Occurrence>(&record.body))
    return words + words_of(*occurrence);
  words += kOtherWords;
  if (const auto* activity = std::get_if<ActivityAdded>(&record.body))
    return words + words_of(activity->kind) + words_of(activity->data);
  if (const auto* merged = std::get_if<Merged>(&record.body))
    return words + merged->children.size() / 2;
  if (const auto* unmerged = std::get_if<Unmerged>(&record.body))
    return words + unmerged->children.size() / 2;
  return words + 16;  // a rough guess; another segment is begun if it is short
}

capnp::Data::Reader as_data(std::string_view bytes) {
  return {reinterpret_cast<const capnp::byte*>(bytes.data()), bytes.size()};
}

Text::Reader as_text(const std::string& value) { return {value.c_str(), value.size()}; }

uint64_t big_endian(const Uuid& id, size_t from) {
  uint64_t value = 0;
  for (size_t i = from; i < from + 8; ++i) value = value << 8 | id.bytes[i];
  return value;
}

void write(const Occurrence& o, schema::Occurrence::Builder out) {
  out.setIdHigh(big_endian(o.id, 0));
  out.setIdLow(big_endian(o.id, 8));
  if (o.event_id) {
    out.setHasEventId(true);
    out.setEventIdHigh(big_endian(*o.event_id, 0));
    out.setEventIdLow(big_endian(*o.event_id, 8));
  }
  out.setProject(raw(o.project));
  out.setDetectionTime(o.detection_time);
  out.setType(o.type);
  if (o.priority) {
    out.setHasPriority(true);
    out.setPriority(*o.priority);
  }
  out.setIsBufferedSpans(o.is_buffered_spans);
  auto entries = out.initFingerprint(static_cast<uint32_t>(o.fingerprint.size()));
  for (uint32_t i = 0; i < entries.size(); ++i) entries.set(i, as_text(o.fingerprint[i]));
  if (o.title) out.setTitle(as_text(*o.title));
  if (o.subtitle) out.setSubtitle(as_text(*o.subtitle));
  if (o.resource_id) out.setResourceId(as_text(*o.resource_id));
  if (o.culprit) out.setCulprit(as_text(*o.culprit));
  if (o.level_text) out.setLevel(as_text(*o.level_text));
  if (o.assignee) out.setAssignee(as_text(*o.assignee));
  if (!o.evidence_data.empty()) out.setEvidenceData(as_data(o.evidence_data));
  if (!o.evidence_display.empty()) out.setEvidenceDisplay(as_data(o.evidence_display));
  if (!o.event.empty()) out.setEvent(as_data(o.event));
  if (!o.extra.empty()) out.setExtra(as_data(o.extra));
}

void write(const GroupType& type, schema::GroupType::Builder out) {
  out.setId(type.id);
  out.setSlug(as_text(type.slug));
  out.setCategory(type.category);
  out.setCategoryV2(type.category_v2);
  out.setDefaultPriority(type.default_priority);
  out.setNoiseLimit(type.noise_limit);
  out.setQuotaPerHour(type.quota_per_hour);
  out.setReleased(type.released);
  out.setInDefaultSearch(type.in_default_search);
  out.setAutoResolve(type.auto_resolve);
  out.setEscalation(type.escalation);
}

template <class M>
void write_merge(const M& merged, schema::Merged::Builder out) {
  out.setProject(raw(merged.project));
  out.setPrimary(merged.primary);
  auto children = out.initChildren(static_cast<uint32_t>(merged.children.size()));
  for (uint32_t i = 0; i < children.size(); ++i) children.set(i, merged.children[i]);
}

struct BodyWriter {
  schema::Record::Builder out;

  void operator()(const Occurrence& body) { write(body, out.initOccurrence()); }
  void operator()(const StoreCreated& body) {
    auto id = out.initStoreCreated().initStoreId();
    id.setHigh(big_endian(body.store_id, 0));
    id.setLow(big_endian(body.store_id, 8));
  }
  void operator()(const ProjectChanged& body) {
    auto changed = out.initProjectChanged();
    changed.setProject(raw(body.project));
    if (body.slug) changed.setSlug(as_text(*body.slug));
    if (body.policy) changed.setPolicy(static_cast<uint8_t>(1 + static_cast<int>(*body.policy)));
  }
  void operator()(const TypesChanged& body) {
    auto changed = out.initTypesChanged();
    if (body.strict) changed.setStrict(*body.strict ? 2 : 1);
    auto set = changed.initSet(static_cast<uint32_t>(body.set.size()));
    for (uint32_t i = 0; i < set.size(); ++i) write(body.set[i], set[i]);
  }
  void operator()(const StatusChanged& body) {
    auto changed = out.initStatusChanged();
    changed.setProject(raw(body.project));
    changed.setNumber(body.number);
    changed.setStatus(static_cast<uint8_t>(body.status));
    changed.setSubstatus(static_cast<uint8_t>(body.substatus));
  }
  void operator()(const Merged& body) { write_merge(body, out.initMerged()); }
  void operator()(const Unmerged& body) { write_merge(body, out.initUnmerged()); }
  void operator()(const Assigned& body) {
    auto assigned = out.initAssigned();
    assigned.setProject(raw(body.project));
    assigned.setNumber(body.number);
    if (!body.assignee.empty()) assigned.setAssignee(as_text(body.assignee));
  }
  void operator()(const ActivityAdded& body) {
    auto activity = out.initActivity();
    activity.setProject(raw(body.project));
    activity.setNumber(body.number);
    activity.setKind(as_text(body.kind));
    if (!body.data.empty()) activity.setData(as_data(body.data));
  }
  void operator()(const NothingChanged&) { out.setNothingChanged(); }
};

// --- reading -----------------------------------------------------------------------------------

// A value the schema does not list. Thrown and caught in this file, like Cap'n Proto's own.
struct BadValue {
  std::string what;
};
struct UnknownKind {
  uint16_t number;
};

void read(Text::Reader value, std::string& out) { out.assign(value.begin(), value.size()); }
void read(capnp::Data::Reader value, std::string& out) {
  out.assign(reinterpret_cast<const char*>(value.begin()), value.size());
}
void read(bool present, Text::Reader value, std::optional<std::string>& out) {
  if (!present) {
    out.reset();
    return;
  }
  if (!out) out.emplace();
  read(value, *out);
}

Uuid uuid(uint64_t high, uint64_t low) {
  Uuid id;
  for (size_t i = 0; i < 8; ++i) {
    id.bytes[7 - i] = static_cast<uint8_t>(high >> 8 * i);
    id.bytes[15 - i] = static_cast<uint8_t>(low >> 8 * i);
  }
  return id;
}

uint8_t enumerated(std::string_view name, uint8_t value, uint8_t largest) {
  if (value > largest) throw BadValue{fmt::format("{} is {}", name, value)};
  return value;
}

// Assigns every member, so that the strings of the occurrence before are used again.
void read(schema::Occurrence::Reader in, Occurrence& out) {
  out.id = uuid(in.getIdHigh(), in.getIdLow());
  out.event_id.reset();
  if (in.getHasEventId()) out.event_id = uuid(in.getEventIdHigh(), in.getEventIdLow());
  out.project = ProjectId{in.getProject()};
  out.detection_time = in.getDetectionTime();
  out.type = in.getType();
  out.priority.reset();
  if (in.getHasPriority()) out.priority = in.getPriority();
  out.is_buffered_spans = in.getIsBufferedSpans();
  const auto entries = in.getFingerprint();
  out.fingerprint.resize(entries.size());
  for (uint32_t i = 0; i < entries.size(); ++i) read(entries[i], out.fingerprint[i]);
  read(in.hasTitle(), in.getTitle(), out.title);
  read(in.hasSubtitle(), in.getSubtitle(), out.subtitle);
  read(in.hasResourceId(), in.getResourceId(), out.resource_id);
  read(in.hasCulprit(), in.getCulprit(), out.culprit);
  read(in.hasLevel(), in.getLevel(), out.level_text);
  read(in.hasAssignee(), in.getAssignee(), out.assignee);
  read(in.getEvidenceData(), out.evidence_data);
  read(in.getEvidenceDisplay(), out.evidence_display);
  read(in.getEvent(), out.event);
  read(in.getExtra(), out.extra);
}

ProjectChanged read(schema::ProjectChanged::Reader in) {
  ProjectChanged out;
  out.project = ProjectId{in.getProject()};
  read(in.hasSlug(), in.getSlug(), out.slug);
  if (const uint8_t policy = enumerated("project policy", in.getPolicy(), 2))
    out.policy = static_cast<FingerprintPolicy>(policy - 1);
  return out;
}

GroupType read(schema::GroupType::Reader in) {
  GroupType out;
  out.id = in.getId();
  read(in.getSlug(), out.slug);
  out.category = in.getCategory();
  out.category_v2 = in.getCategoryV2();
  out.default_priority = in.getDefaultPriority();
  out.noise_limit = in.getNoiseLimit();
  out.quota_per_hour = in.getQuotaPerHour();
  out.released = in.getReleased();
  out.in_default_search = in.getInDefaultSearch();
  out.auto_resolve = in.getAutoResolve();
  out.escalation = in.getEscalation();
  return out;
}

TypesChanged read(schema::TypesChanged::Reader in) {
  TypesChanged out;
  if (const uint8_t strict = enumerated("type strictness", in.getStrict(), 2))
    out.strict = strict == 2;
  for (const auto type : in.getSet()) out.set.push_back(read(type));
  return out;
}

StatusChanged read(schema::StatusChanged::Reader in) {
  return {ProjectId{in.getProject()}, in.getNumber(),
          static_cast<Status>(enumerated("status", in.getStatus(), 2)),
          static_cast<Substatus>(enumerated("substatus", in.getSubstatus(), 7))};
}

template <class M>
M read_merge(schema::Merged::Reader in) {
  M out{ProjectId{in.getProject()}, in.getPrimary(), {}};
  const auto children = in.getChildren();
  out.children.reserve(children.size());
  for (const uint32_t child : children) out.children.push_back(child);
  return out;
}

Assigned read(schema::Assigned::Reader in) {
  Assigned out{ProjectId{in.getProject()}, in.getNumber(), {}};
  read(in.getAssignee(), out.assignee);
  return out;
}

ActivityAdded read(schema::Activity::Reader in) {
  ActivityAdded out{ProjectId{in.getProject()}, in.getNumber(), {}, {}};
  read(in.getKind(), out.kind);
  read(in.getData(), out.data);
  return out;
}

void read_body(schema::Record::Reader in, RecordBody& out) {
  switch (in.which()) {
    case schema::Record::OCCURRENCE:
      if (!std::holds_alternative<Occurrence>(out)) out.emplace<Occurrence>();
      return read(in.getOccurrence(), std::get<Occurrence>(out));
    case schema::Record::STORE_CREATED: {
      const auto id = in.getStoreCreated().getStoreId();
      out = StoreCreated{uuid(id.getHigh(), id.getLow())};
      return;
    }
    case schema::Record::PROJECT_CHANGED:
      out = read(in.getProjectChanged());
      return;
    case schema::Record::TYPES_CHANGED:
      out = read(in.getTypesChanged());
      return;
    case schema::Record::STATUS_CHANGED:
      out = read(in.getStatusChanged());
      return;
    case schema::Record::MERGED:
      out = read_merge<Merged>(in.getMerged());
      return;
    case schema::Record::UNMERGED:
      out = read_merge<Unmerged>(in.getUnmerged());
      return;
    case schema::Record::ASSIGNED:
      out = read(in.getAssigned());
      return;
    case schema::Record::ACTIVITY:
      out = read(in.getActivity());
      return;
    case schema::Record::NOTHING_CHANGED:
      out = NothingChanged{};
      return;
  }
  throw UnknownKind{static_cast<uint16_t>(in.which())};
}

void read(schema::Record::Reader in, Record& out) {
  out.time = TimeUs{in.getTimeUs()};
  out.key = {in.getKeyLow(), in.getKeyHigh()};
  read(in.getActor(), out.actor);
  read_body(in, out.body);
}

Error corrupt(std::string_view what) {
  return make_error(ErrorCode::Corruption,
                    fmt::format("record payload (schema/record.capnp): {}", what));
}

// Runs `step`, turning what it throws into an Error: no exception leaves this file.
template <class F>
Result<void> guarded(F&& step) {
  try {
    step();
    return {};
  } catch (const kj::Exception& e) {
    return corrupt(e.getDescription().cStr());
  } catch (const BadValue& bad) {
    return corrupt(bad.what);
  } catch (const UnknownKind& kind) {
    return make_error(ErrorCode::Unsupported,
                      fmt::format("a record of kind {}, which this build does not know: the log "
                                  "was written by a newer version",
                                  kind.number));
  }
}

}  // namespace

std::vector<std::byte> encode_records(std::span<const Record> records) {
  size_t words = 8;
  for (const Record& record : records) words += words_of(record);
  capnp::MallocMessageBuilder message(static_cast<unsigned>(words));
  auto list = message.initRoot<schema::Frame>().initRecords(static_cast<uint32_t>(records.size()));
  for (uint32_t i = 0; i < list.size(); ++i) {
    const Record& record = records[i];
    auto out = list[i];
    out.setTimeUs(raw(record.time));
    out.setKeyLow(record.key.low);
    out.setKeyHigh(record.key.high);
    if (!record.actor.empty()) out.setActor(as_text(record.actor));
    std::visit(BodyWriter{out}, record.body);
  }
  std::vector<std::byte> payload(capnp::computeSerializedSizeInWords(message) *
                                 sizeof(capnp::word));
  kj::ArrayOutputStream stream(
      kj::arrayPtr(reinterpret_cast<kj::byte*>(payload.data()), payload.size()));
  capnp::writeMessage(stream, message);
  return payload;
}

Result<void> decode_records(std::span<const std::byte> payload, uint32_t count,
                            const std::function<Result<void>(Record&&)>& each) {
  CAIRN_ASSERT(reinterpret_cast<uintptr_t>(payload.data()) % alignof(capnp::word) == 0);
  const auto words = kj::arrayPtr(reinterpret_cast<const capnp::word*>(payload.data()),
                                  payload.size() / sizeof(capnp::word));
  capnp::ReaderOptions options;
  // Each word is visited once. Pointers that visit it more often are an attack on our memory.
  options.traversalLimitInWords = words.size() + 1024;
  std::optional<capnp::FlatArrayMessageReader> message;
  capnp::List<schema::Record>::Reader list;
  CAIRN_TRY(guarded([&] {
    message.emplace(words, options);
    if (message->getEnd() != words.end() || payload.size() % sizeof(capnp::word) != 0)
      throw BadValue{"bytes after the message"};
    list = message->getRoot<schema::Frame>().getRecords();
    if (list.size() != count)
      throw BadValue{fmt::format("{} records, the frame says {}", list.size(), count)};
  }));
  Record record;
  for (const auto in : list) {
    CAIRN_TRY(guarded([&] { read(in, record); }));
    CAIRN_TRY(each(std::move(record)));
  }
  return {};
}

}  // namespace cairn::model
