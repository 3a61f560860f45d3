// Layout: schema/record.capnp.
#include "model/record_message.h"

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
#include "model/link_codec.h"
#include "model/record_message_alerts.h"
#include "model/record_message_values.h"

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
  if (const auto* note = std::get_if<NoteChanged>(&record.body)) {
    return kRecordWords + note->text.size() / 8;
  }
  if (const auto* rule = std::get_if<AlertRuleChanged>(&record.body)) {
    return kRecordWords + rule->text.size() / 8;
  }
  if (const auto* tick = std::get_if<AlertsTicked>(&record.body)) {
    return kRecordWords * (1 + tick->values.size() / 3);
  }
  return kRecordWords;
}

capnp::Data::Reader as_data(std::string_view bytes) {
  return {reinterpret_cast<const capnp::byte*>(bytes.data()), bytes.size()};
}

// Which those below would hide.
using model::read;
using model::write;

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

void write(const SnoozeTerms& terms, schema::Snooze::Builder out) {
  out.setUntilUs(raw(terms.until));
  out.setCount(terms.count);
  out.setWindowMinutes(terms.window_minutes);
  out.setUsers(terms.users);
  out.setUserWindowMinutes(terms.user_window_minutes);
}

void write(const std::vector<uint32_t>& numbers, capnp::List<uint32_t>::Builder out) {
  for (uint32_t i = 0; i < out.size(); ++i) out.set(i, numbers[i]);
}

template <class M>
void write_merge(const M& merged, schema::Merged::Builder out) {
  out.setProject(raw(merged.project));
  out.setPrimary(merged.primary);
  auto children = out.initChildren(static_cast<uint32_t>(merged.children.size()));
  for (uint32_t i = 0; i < children.size(); ++i) children.set(i, merged.children[i]);
}

template <class Body>
void write_links(const Body& body, schema::Links::Builder out) {
  if (!body.unmerges.empty()) out.setUnmerges(as_data(pack_links(body.unmerges)));
  if (!body.merges.empty()) out.setMerges(as_data(pack_links(body.merges)));
}

struct BodyWriter {
  schema::Record::Builder out;

  // Occurrences lie in columns of their own.
  void operator()(const Occurrence&) { CAIRN_ASSERT(false); }
  void operator()(const StoreCreated& body) {
    write(body.store_id, out.initStoreCreated().initStoreId());
  }
  void operator()(const ProjectChanged& body) {
    auto changed = out.initProjectChanged();
    changed.setProject(raw(body.project));
    if (body.slug) changed.setSlug(as_text(*body.slug));
    if (body.policy) changed.setPolicy(static_cast<uint8_t>(1 + static_cast<int>(*body.policy)));
    if (body.auto_resolve_hours)
      changed.setAutoResolveHours(uint64_t{1} + *body.auto_resolve_hours);
    if (body.escalation_threshold) {
      changed.setEscalationThreshold(uint64_t{1} + *body.escalation_threshold);
    }
    if (body.hold_back) changed.setHoldBack(*body.hold_back ? 2 : 1);
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
    if (!body.snooze.empty()) write(body.snooze, changed.initSnooze());
    changed.setResolution(raw(body.resolution.kind));
    if (!body.resolution.version.empty()) changed.setVersion(as_text(body.resolution.version));
    if (!body.forecast.empty()) {
      write(body.forecast, changed.initForecast(static_cast<uint32_t>(body.forecast.size())));
    }
  }
  void operator()(const ReleaseChanged& body) {
    auto changed = out.initReleaseChanged();
    changed.setProject(raw(body.project));
    changed.setVersion(as_text(body.version));
    changed.setHasDate(body.date.has_value());
    if (body.date) changed.setDateUs(raw(*body.date));
    auto commits = changed.initCommits(static_cast<uint32_t>(body.commits.size()));
    for (uint32_t i = 0; i < commits.size(); ++i) commits.set(i, as_text(body.commits[i]));
  }
  void operator()(const Ticked& body) {
    auto forecasts = out.initTicked().initForecasts(static_cast<uint32_t>(body.forecasts.size()));
    for (uint32_t i = 0; i < forecasts.size(); ++i) {
      const Ticked::NewForecast& forecast = body.forecasts[i];
      forecasts[i].setProject(raw(forecast.project));
      forecasts[i].setNumber(forecast.number);
      write(forecast.ceilings,
            forecasts[i].initCeilings(static_cast<uint32_t>(forecast.ceilings.size())));
    }
  }
  void operator()(const NoteChanged& body) {
    auto changed = out.initNoteChanged();
    changed.setProject(raw(body.project));
    changed.setNumber(body.number);
    changed.setChange(raw(body.change));
    changed.setNote(body.note);
    if (!body.text.empty()) changed.setText(as_text(body.text));
  }
  void operator()(const AttentionChanged& body) {
    auto changed = out.initAttentionChanged();
    changed.setProject(raw(body.project));
    changed.setNumber(body.number);
    changed.setAttention(raw(body.attention));
    if (!body.who.empty()) changed.setWho(as_text(body.who));
    changed.setOff(!body.on);
  }
  void operator()(const LinkChanged& body) {
    auto changed = out.initLinkChanged();
    changed.setProject(raw(body.project));
    changed.setNumber(body.number);
    changed.setUrl(as_text(body.url));
    if (!body.title.empty()) changed.setTitle(as_text(body.title));
    changed.setRemoved(body.removed);
  }
  void operator()(const StandingChanged& body) {
    auto changed = out.initStandingChanged();
    changed.setProject(raw(body.project));
    changed.setNumber(body.number);
    changed.setStanding(raw(body.standing));
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
  void operator()(const ExperimentMade& body) {
    auto made = out.initExperimentMade();
    made.setName(as_text(body.name));
    made.setAt(raw(body.at));
  }
  void operator()(const ExperimentAdded& body) {
    auto added = out.initExperimentAdded();
    added.setName(as_text(body.name));
    added.setRule(as_text(body.rule));
    write_links(body, added.initLinks());
  }
  void operator()(const ExperimentDropped& body) {
    out.initExperimentDropped().setName(as_text(body.name));
  }
  void operator()(const Regrouped& body) {
    auto regrouped = out.initRegrouped();
    regrouped.setCause(raw(body.cause));
    regrouped.setWhat(as_text(body.what));
    write_links(body, regrouped.initLinks());
  }
  // Those of alerts.
  template <class Body>
  void operator()(const Body& body) {
    write_alert(body, out);
  }
};

// --- reading -----------------------------------------------------------------------------------

// A value the schema does not list. Thrown and caught in this file, like Cap'n Proto's own.
struct BadValue {
  std::string what;
};
struct UnknownKind {
  uint16_t number;
};

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

uint8_t enumerated(std::string_view name, uint8_t value, uint8_t largest) {
  if (value > largest) throw BadValue{fmt::format("{} is {}", name, value)};
  return value;
}

// Of a number that is stored plus one; 0: nothing.
std::optional<uint32_t> one_less(std::string_view name, uint64_t value) {
  if (value > uint64_t{1} << 32) throw BadValue{fmt::format("{} is {}", name, value - 1)};
  if (value == 0) return std::nullopt;
  return static_cast<uint32_t>(value - 1);
}

std::vector<uint32_t> read(capnp::List<uint32_t>::Reader in) {
  std::vector<uint32_t> out;
  out.reserve(in.size());
  for (const uint32_t number : in) out.push_back(number);
  return out;
}

ProjectChanged read(schema::ProjectChanged::Reader in) {
  ProjectChanged out;
  out.project = ProjectId{in.getProject()};
  read(in.hasSlug(), in.getSlug(), out.slug);
  if (const uint8_t policy = enumerated("project policy", in.getPolicy(), 2))
    out.policy = static_cast<FingerprintPolicy>(policy - 1);
  out.auto_resolve_hours = one_less("hours to auto-resolve", in.getAutoResolveHours());
  out.escalation_threshold = one_less("escalation threshold", in.getEscalationThreshold());
  if (const uint8_t hold = enumerated("hold back", in.getHoldBack(), 2)) out.hold_back = hold == 2;
  return out;
}

ReleaseChanged read(schema::ReleaseChanged::Reader in) {
  ReleaseChanged out;
  out.project = ProjectId{in.getProject()};
  read(in.getVersion(), out.version);
  if (in.getHasDate()) out.date = TimeUs{in.getDateUs()};
  const auto commits = in.getCommits();
  out.commits.resize(commits.size());
  for (uint32_t i = 0; i < commits.size(); ++i) read(commits[i], out.commits[i]);
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
  StatusChanged out{ProjectId{in.getProject()},
                    in.getNumber(),
                    static_cast<Status>(enumerated("status", in.getStatus(), 2)),
                    static_cast<Substatus>(enumerated("substatus", in.getSubstatus(), 7)),
                    {},
                    {},
                    {}};
  if (in.hasSnooze()) {
    const auto snooze = in.getSnooze();
    out.snooze = {TimeUs{snooze.getUntilUs()}, snooze.getCount(), snooze.getWindowMinutes(),
                  snooze.getUsers(), snooze.getUserWindowMinutes()};
  }
  out.resolution.kind =
      static_cast<ResolutionKind>(enumerated("resolution", in.getResolution(), 3));
  read(in.getVersion(), out.resolution.version);
  out.forecast = read(in.getForecast());
  return out;
}

Ticked read(schema::Ticked::Reader in) {
  Ticked out;
  for (const auto forecast : in.getForecasts()) {
    out.forecasts.push_back(
        {ProjectId{forecast.getProject()}, forecast.getNumber(), read(forecast.getCeilings())});
  }
  return out;
}

NoteChanged read(schema::NoteChanged::Reader in) {
  NoteChanged out{ProjectId{in.getProject()},
                  in.getNumber(),
                  static_cast<NoteChange>(enumerated("change of a note", in.getChange(), 2)),
                  in.getNote(),
                  {}};
  read(in.getText(), out.text);
  return out;
}

AttentionChanged read(schema::AttentionChanged::Reader in) {
  AttentionChanged out{ProjectId{in.getProject()},
                       in.getNumber(),
                       static_cast<Attention>(enumerated("attention", in.getAttention(), 3)),
                       {},
                       !in.getOff()};
  read(in.getWho(), out.who);
  return out;
}

LinkChanged read(schema::LinkChanged::Reader in) {
  LinkChanged out{ProjectId{in.getProject()}, in.getNumber(), {}, {}, in.getRemoved()};
  read(in.getUrl(), out.url);
  read(in.getTitle(), out.title);
  return out;
}

StandingChanged read(schema::StandingChanged::Reader in) {
  return {ProjectId{in.getProject()}, in.getNumber(),
          static_cast<Standing>(enumerated("standing", in.getStanding(), 2))};
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

template <class Links>
void read_links(std::string_view what, capnp::Data::Reader in, Links& out) {
  const std::string_view bytes(reinterpret_cast<const char*>(in.begin()), in.size());
  if (!bytes.empty() && !unpack_links(bytes, out)) throw BadValue{fmt::format("damaged {}", what)};
}

template <class Body>
void read_links(schema::Links::Reader in, Body& out) {
  read_links("unmerges", in.getUnmerges(), out.unmerges);
  read_links("merges", in.getMerges(), out.merges);
}

ExperimentMade read(schema::ExperimentMade::Reader in) {
  ExperimentMade out{{}, Lsn{in.getAt()}};
  read(in.getName(), out.name);
  return out;
}

ExperimentAdded read(schema::ExperimentAdded::Reader in) {
  ExperimentAdded out;
  read(in.getName(), out.name);
  read(in.getRule(), out.rule);
  read_links(in.getLinks(), out);
  return out;
}

ExperimentDropped read(schema::ExperimentDropped::Reader in) {
  ExperimentDropped out;
  read(in.getName(), out.name);
  return out;
}

Regrouped read(schema::Regrouped::Reader in) {
  Regrouped out;
  out.cause = static_cast<RegroupCause>(enumerated("cause", in.getCause(), 2));
  read(in.getWhat(), out.what);
  read_links(in.getLinks(), out);
  return out;
}

void read_regrouping(schema::Record::Reader in, RecordBody& out) {
  if (in.isExperimentMade()) {
    out = read(in.getExperimentMade());
  } else if (in.isExperimentAdded()) {
    out = read(in.getExperimentAdded());
  } else if (in.isExperimentDropped()) {
    out = read(in.getExperimentDropped());
  } else {
    out = read(in.getRegrouped());
  }
}

void read_care(schema::Record::Reader in, RecordBody& out) {
  if (in.isNoteChanged()) {
    out = read(in.getNoteChanged());
  } else if (in.isAttentionChanged()) {
    out = read(in.getAttentionChanged());
  } else if (in.isLinkChanged()) {
    out = read(in.getLinkChanged());
  } else {
    out = read(in.getStandingChanged());
  }
}

void read_body(schema::Record::Reader in, RecordBody& out) {
  switch (in.which()) {
    case schema::Record::STORE_CREATED:
      out = StoreCreated{read(in.getStoreCreated().getStoreId())};
      return;
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
    case schema::Record::EXPERIMENT_MADE:
    case schema::Record::EXPERIMENT_ADDED:
    case schema::Record::EXPERIMENT_DROPPED:
    case schema::Record::REGROUPED:
      return read_regrouping(in, out);
    case schema::Record::ALERT_RULE_CHANGED:
    case schema::Record::ALERT_STATUS_CHANGED:
    case schema::Record::ALERTS_TICKED:
    case schema::Record::ALERT_FIRED:
    case schema::Record::INCIDENT_CHANGED:
      if (auto bad = read_alert(in, out)) throw BadValue{*std::move(bad)};
      return;
    case schema::Record::RELEASE_CHANGED:
      out = read(in.getReleaseChanged());
      return;
    case schema::Record::TICKED:
      out = read(in.getTicked());
      return;
    case schema::Record::NOTE_CHANGED:
    case schema::Record::ATTENTION_CHANGED:
    case schema::Record::LINK_CHANGED:
    case schema::Record::STANDING_CHANGED:
      return read_care(in, out);
  }
  throw UnknownKind{static_cast<uint16_t>(in.which())};
}

void read(schema::Record::Reader in, Record& out) {
  out.time = TimeUs{in.getTimeUs()};
  out.key = {in.getKeyLow(), in.getKeyHigh()};
  read(in.getActor(), out.actor);
  read_body(in, out.body);
}

// Runs `step`, turning what it throws into an Error: no exception leaves this file.
template <class F>
Result<void> guarded(F&& step) {
  try {
    step();
    return {};
  } catch (const kj::Exception& e) {
    return corrupt_payload(e.getDescription().cStr());
  } catch (const BadValue& bad) {
    return corrupt_payload(bad.what);
  } catch (const UnknownKind& kind) {
    return make_error(ErrorCode::Unsupported,
                      fmt::format("a record of kind {}, which this build does not know: the log "
                                  "was written by a newer version",
                                  kind.number));
  }
}

}  // namespace

Error corrupt_payload(std::string_view what) {
  return make_error(ErrorCode::Corruption, fmt::format("record payload: {}", what));
}

void append_message(std::span<const Record* const> others, std::vector<std::byte>& out) {
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

struct RecordMessage::Impl {
  std::vector<uint64_t> words;
  std::optional<capnp::FlatArrayMessageReader> message;
  capnp::List<schema::Record>::Reader list;
  uint32_t at = 0;
};

RecordMessage::RecordMessage() : impl_(std::make_unique<Impl>()) {}
RecordMessage::~RecordMessage() = default;

Result<void> RecordMessage::open(std::string_view bytes, uint32_t count) {
  if (count == 0) {
    return bytes.empty() ? Result<void>() : corrupt_payload("records that are not counted");
  }
  if (bytes.empty()) return corrupt_payload("counted records that are not there");
  if (bytes.size() % sizeof(capnp::word) != 0) return corrupt_payload("half a word");
  Impl& in = *impl_;
  in.words.resize(bytes.size() / sizeof(capnp::word));
  std::memcpy(in.words.data(), bytes.data(), bytes.size());
  const auto words =
      kj::arrayPtr(reinterpret_cast<const capnp::word*>(in.words.data()), in.words.size());
  capnp::ReaderOptions options;
  // Each word is visited once. Pointers that visit it more often are an attack on our memory.
  options.traversalLimitInWords = words.size() + 1024;
  return guarded([&] {
    in.message.emplace(words, options);
    if (in.message->getEnd() != words.end()) throw BadValue{"bytes after the message"};
    in.list = in.message->getRoot<schema::Frame>().getRecords();
    if (in.list.size() != count)
      throw BadValue{fmt::format("{} records, the frame says {}", in.list.size(), count)};
  });
}

Result<void> RecordMessage::next(Record& record) {
  return guarded([&] { read(impl_->list[impl_->at++], record); });
}

}  // namespace cairn::model
