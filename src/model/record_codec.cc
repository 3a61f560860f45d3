// Layout: docs/format.md, "Record payload"; of records that are no occurrences:
// schema/record.capnp.
#include "model/record_codec.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <fmt/format.h>
#include <kj/exception.h>
#include <kj/io.h>
#include <record.capnp.h>

#include <cstring>
#include <optional>
#include <string_view>
#include <variant>

#include "base/assert.h"
#include "base/hash.h"
#include "model/occurrence_columns.h"

namespace cairn::model {
namespace {

using Text = capnp::Text;

// --- writing -----------------------------------------------------------------------------------

// A guess in 8-byte words, so that one segment mostly holds a frame's records.
constexpr size_t kRecordWords = 24;

size_t words_of(const Record& record) {
  if (const auto* activity = std::get_if<ActivityAdded>(&record.body)) {
    return kRecordWords + activity->data.size() / 8;
  }
  return kRecordWords;
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

void write(const Face& face, schema::Face::Builder out) {
  out.setTitle(as_text(face.title));
  out.setCulprit(as_text(face.culprit));
  out.setLevel(raw(face.level));
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

  // Occurrences lie in columns of their own.
  void operator()(const Occurrence&) { CAIRN_ASSERT(false); }
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
  void operator()(const ViewMade& body) {
    auto made = out.initViewMade();
    made.setProject(raw(body.project));
    made.setNumber(body.number);
    made.setTitle(as_text(body.title));
    auto children = made.initChildren(static_cast<uint32_t>(body.children.size()));
    for (uint32_t i = 0; i < children.size(); ++i) children.set(i, body.children[i]);
  }
  void operator()(const Split& body) {
    auto split = out.initSplit();
    split.setProject(raw(body.project));
    split.setNumber(body.number);
    split.setPart(body.part);
    auto fingerprints = split.initFingerprints(static_cast<uint32_t>(body.fingerprints.size()));
    for (uint32_t i = 0; i < fingerprints.size(); ++i) {
      fingerprints.set(i, as_text(body.fingerprints[i]));
    }
    write(body.part_face, split.initPartFace());
    write(body.rest_face, split.initRestFace());
  }
  void operator()(const Rejoined& body) {
    auto rejoined = out.initRejoined();
    rejoined.setProject(raw(body.project));
    rejoined.setNumber(body.number);
    rejoined.setPart(body.part);
  }
  void operator()(const Assigned& body) {
    auto assigned = out.initAssigned();
    assigned.setProject(raw(body.project));
    assigned.setNumber(body.number);
    if (!body.assignee.empty()) assigned.setAssignee(as_text(body.assignee));
  }
  void operator()(const PriorityChanged& body) {
    auto changed = out.initPriorityChanged();
    changed.setProject(raw(body.project));
    changed.setNumber(body.number);
    changed.setPriority(body.priority);
    changed.setLocked(body.locked);
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

ViewMade read(schema::ViewMade::Reader in) {
  ViewMade out{ProjectId{in.getProject()}, in.getNumber(), {}, {}};
  read(in.getTitle(), out.title);
  const auto children = in.getChildren();
  out.children.reserve(children.size());
  for (const uint32_t child : children) out.children.push_back(child);
  return out;
}

Face read(schema::Face::Reader in) {
  Face out;
  read(in.getTitle(), out.title);
  read(in.getCulprit(), out.culprit);
  if (in.getLevel() > raw(Level::Sample)) {
    throw BadValue{fmt::format("a face of level {}", in.getLevel())};
  }
  out.level = static_cast<Level>(in.getLevel());
  return out;
}

Split read(schema::Split::Reader in) {
  Split out{ProjectId{in.getProject()}, in.getNumber(), in.getPart(), {}, {}, {}};
  const auto fingerprints = in.getFingerprints();
  out.fingerprints.resize(fingerprints.size());
  for (uint32_t i = 0; i < fingerprints.size(); ++i) read(fingerprints[i], out.fingerprints[i]);
  out.part_face = read(in.getPartFace());
  out.rest_face = read(in.getRestFace());
  return out;
}

Assigned read(schema::Assigned::Reader in) {
  Assigned out{ProjectId{in.getProject()}, in.getNumber(), {}};
  read(in.getAssignee(), out.assignee);
  return out;
}

PriorityChanged read(schema::PriorityChanged::Reader in) {
  if (!valid_priority(in.getPriority())) {
    throw BadValue{fmt::format("priority {}", in.getPriority())};
  }
  return {ProjectId{in.getProject()}, in.getNumber(), in.getPriority(), in.getLocked()};
}

ActivityAdded read(schema::Activity::Reader in) {
  ActivityAdded out{ProjectId{in.getProject()}, in.getNumber(), {}, {}};
  read(in.getKind(), out.kind);
  read(in.getData(), out.data);
  return out;
}

void read_body(schema::Record::Reader in, RecordBody& out) {
  switch (in.which()) {
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
    case schema::Record::VIEW_MADE:
      out = read(in.getViewMade());
      return;
    case schema::Record::SPLIT:
      out = read(in.getSplit());
      return;
    case schema::Record::REJOINED: {
      const auto rejoined = in.getRejoined();
      out = Rejoined{ProjectId{rejoined.getProject()}, rejoined.getNumber(), rejoined.getPart()};
      return;
    }
    case schema::Record::ASSIGNED:
      out = read(in.getAssigned());
      return;
    case schema::Record::PRIORITY_CHANGED:
      out = read(in.getPriorityChanged());
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
  return make_error(ErrorCode::Corruption, fmt::format("record payload: {}", what));
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

namespace {

// The records that are no occurrences, as one Cap'n Proto message.
void append_others(std::span<const Record* const> others, std::vector<std::byte>& out) {
  size_t words = 8;
  for (const Record* record : others) words += words_of(*record);
  capnp::MallocMessageBuilder message(static_cast<unsigned>(words));
  auto list = message.initRoot<schema::Frame>().initRecords(static_cast<uint32_t>(others.size()));
  for (uint32_t i = 0; i < list.size(); ++i) {
    const Record& record = *others[i];
    auto built = list[i];
    built.setTimeUs(raw(record.time));
    built.setKeyLow(record.key.low);
    built.setKeyHigh(record.key.high);
    if (!record.actor.empty()) built.setActor(as_text(record.actor));
    std::visit(BodyWriter{built}, record.body);
  }
  const size_t bytes = capnp::computeSerializedSizeInWords(message) * sizeof(capnp::word);
  const size_t at = out.size();
  out.resize(at + bytes);
  kj::ArrayOutputStream stream(kj::arrayPtr(reinterpret_cast<kj::byte*>(out.data() + at), bytes));
  capnp::writeMessage(stream, message);
}

// The same in reverse: the records one after the other.
class OtherRecords {
 public:
  Result<void> open(std::string_view bytes, uint32_t count) {
    if (count == 0) return bytes.empty() ? Result<void>() : corrupt("records that are not counted");
    if (bytes.empty()) return corrupt("counted records that are not there");
    if (bytes.size() % sizeof(capnp::word) != 0) return corrupt("half a word");
    words_.resize(bytes.size() / sizeof(capnp::word));
    std::memcpy(words_.data(), bytes.data(), bytes.size());
    const auto words =
        kj::arrayPtr(reinterpret_cast<const capnp::word*>(words_.data()), words_.size());
    capnp::ReaderOptions options;
    // Each word is visited once. Pointers that visit it more often are an attack on our memory.
    options.traversalLimitInWords = words.size() + 1024;
    return guarded([&] {
      message_.emplace(words, options);
      if (message_->getEnd() != words.end()) throw BadValue{"bytes after the message"};
      list_ = message_->getRoot<schema::Frame>().getRecords();
      if (list_.size() != count)
        throw BadValue{fmt::format("{} records, the frame says {}", list_.size(), count)};
    });
  }
  // Precondition: not all were read.
  Result<void> next(Record& record) {
    return guarded([&] { read(list_[at_++], record); });
  }

 private:
  std::vector<uint64_t> words_;
  std::optional<capnp::FlatArrayMessageReader> message_;
  capnp::List<schema::Record>::Reader list_;
  uint32_t at_ = 0;
};

}  // namespace

struct RecordEncoder::Impl {
  OccurrenceColumnsWriter occurrences;
  std::vector<const Record*> others;
  ByteColumn gaps;  // occurrences before each of the others
  std::vector<std::byte> payload;
  size_t plain_bytes = 0;
};

RecordEncoder::RecordEncoder() : impl_(std::make_unique<Impl>()) {}
RecordEncoder::~RecordEncoder() = default;

std::span<const std::byte> RecordEncoder::encode(std::span<const Record> records) {
  Impl& f = *impl_;
  f.occurrences.clear();
  f.others.clear();
  f.gaps.clear();
  f.payload.clear();
  uint32_t before = 0;
  for (const Record& record : records) {
    if (std::holds_alternative<Occurrence>(record.body)) {
      f.occurrences.add(record);
      continue;
    }
    f.gaps.number(f.occurrences.count() - before);
    before = f.occurrences.count();
    f.others.push_back(&record);
  }
  const auto append = [&f](std::string_view bytes) {
    const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
    f.payload.insert(f.payload.end(), data, data + bytes.size());
  };
  ByteColumn header;
  header.number(f.occurrences.count());
  header.number(f.others.size());
  append(header.view());
  append(f.gaps.view());
  if (f.occurrences.count() > 0) f.occurrences.write(f.payload);
  if (!f.others.empty()) append_others(f.others, f.payload);
  f.plain_bytes = 0;
  for (const std::string_view ids : f.occurrences.plain()) {
    append(ids);
    f.plain_bytes += ids.size();
  }
  return f.payload;
}

size_t RecordEncoder::plain_bytes() const { return impl_->plain_bytes; }

std::vector<std::byte> encode_records(std::span<const Record> records) {
  RecordEncoder encoder;
  const auto payload = encoder.encode(records);
  return {payload.begin(), payload.end()};
}

namespace {

// A payload taken apart.
struct Payload {
  uint32_t occurrences = 0;
  uint32_t others = 0;
  ColumnReader gaps;
  OccurrenceColumnsReader columns;
  OtherRecords other_records;

  Result<void> open(std::string_view bytes, uint32_t count) {
    ColumnReader in(bytes);
    const uint64_t occurrence_count = in.number(), other_count = in.number();
    if (!in.ok() || occurrence_count > count || occurrence_count + other_count != count) {
      return corrupt(fmt::format("{} occurrences and {} other records, the frame says {} in all",
                                 occurrence_count, other_count, count));
    }
    occurrences = static_cast<uint32_t>(occurrence_count);
    others = static_cast<uint32_t>(other_count);
    gaps = ColumnReader(in.text(in.remaining()));
    ColumnReader rest = gaps;
    for (uint32_t i = 0; i < others; ++i) rest.number();
    if (!rest.ok()) return corrupt("it ends too early");
    // Event ids, then ids, at the very end; how many event ids there are, the columns say.
    const size_t left = rest.remaining();
    std::string_view tail = rest.text(left);
    uint64_t event_ids = 0;
    ColumnReader columns_in(tail);
    if (occurrences > 0) {
      event_ids = OccurrenceColumnsReader::event_ids(columns_in);
      const uint64_t plain = (event_ids + occurrences) * sizeof(Uuid);
      if (event_ids > occurrences || plain > tail.size()) return corrupt("ids are missing");
      columns_in = ColumnReader(tail.substr(0, tail.size() - plain));
      if (!columns.open(columns_in, occurrences, tail.substr(tail.size() - plain))) {
        return corrupt("its columns are not whole");
      }
    }
    return other_records.open(columns_in.text(columns_in.remaining()), others);
  }
};

}  // namespace

Result<void> decode_records(std::span<const std::byte> payload, uint32_t count,
                            const std::function<Result<void>(Record&&)>& each) {
  Payload parts;
  CAIRN_TRY(parts.open(as_chars(payload), count));
  Record record, other;
  uint32_t done = 0;
  const auto occurrences = [&](uint64_t wanted) -> Result<void> {
    if (wanted > parts.occurrences - done) return corrupt("too few occurrences");
    for (const uint64_t end = done + wanted; done < end; ++done) {
      if (!parts.columns.read(record)) return corrupt("an occurrence is damaged");
      CAIRN_TRY(each(std::move(record)));
    }
    return {};
  };
  for (uint32_t i = 0; i < parts.others; ++i) {
    CAIRN_TRY(occurrences(parts.gaps.number()));
    CAIRN_TRY(parts.other_records.next(other));
    CAIRN_TRY(each(std::move(other)));
  }
  CAIRN_TRY(occurrences(parts.occurrences - done));
  if (parts.occurrences > 0 && !parts.columns.done()) return corrupt("more than its records");
  return {};
}

}  // namespace cairn::model
