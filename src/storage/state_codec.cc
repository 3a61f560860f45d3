#include "storage/state_codec.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "model/occurrence.h"
#include "storage/coding.h"
#include "storage/state_row.h"

namespace cairn::storage {
namespace {

constexpr uint32_t kMetaMagic = 0x6d676763;  // "cggm"

template <class Id>
void write_ids(RowWriter& row, const IdList<Id>& ids) {
  row.integer(static_cast<uint32_t>(ids.size()));
  for (const Id id : ids) row.integer(raw(id));
}

template <class Id>
IdList<Id> read_ids(RowReader& row) {
  const uint32_t count = read_count(row, sizeof(Id));
  IdList<Id> ids;
  for (uint32_t i = 0; i < count; ++i) ids.push_back(Id{row.integer<std::underlying_type_t<Id>>()});
  return ids;
}

void write_uuid(RowWriter& row, const Uuid& id) {
  for (const uint8_t byte : id.bytes) row.integer(byte);
}

Uuid read_uuid(RowReader& row) {
  Uuid id;
  for (uint8_t& byte : id.bytes) byte = row.integer<uint8_t>();
  return id;
}

}  // namespace

std::string encode_project(const model::Project& project) {
  RowWriter row = begin_row();
  row.text(project.slug)
      .integer(raw(project.policy))
      .integer(project.last_number)
      .integer(project.auto_resolve_hours)
      .integer(project.escalation_threshold)
      .integer(static_cast<uint8_t>(project.hold_back))
      .integer(static_cast<uint32_t>(project.made.size()));
  for (const model::Project::Made& made : project.made) {
    row.integer(made.type).integer(made.minute).integer(made.groups);
  }
  return end_row(std::move(row), Row::Project, raw(project.id));
}

Result<model::Project> decode_project(ProjectId id, std::span<const std::byte> bytes) {
  auto row = open_row(bytes, Row::Project, raw(id));
  if (!row) return damaged_row("project", raw(id));
  model::Project project;
  bool valid = true;
  project.id = id;
  project.slug = row->text();
  project.policy = read_enum(*row, model::FingerprintPolicy::Known, valid);
  project.last_number = row->integer<uint32_t>();
  project.auto_resolve_hours = row->integer<uint32_t>();
  project.escalation_threshold = row->integer<uint32_t>();
  project.hold_back = row->integer<uint8_t>() != 0;
  for (uint32_t left = read_count(*row, 16); left > 0; --left) {
    model::Project::Made made;
    made.type = row->integer<uint32_t>();
    made.minute = row->integer<int64_t>();
    made.groups = row->integer<uint32_t>();
    project.made.push_back(made);
  }
  if (!valid || !row->done()) return damaged_row("project", raw(id));
  return project;
}

std::string encode_type(const model::GroupType& type) {
  RowWriter row = begin_row();
  row.text(type.slug)
      .integer(type.category)
      .integer(type.category_v2)
      .integer(type.default_priority)
      .integer(type.noise_limit)
      .integer(static_cast<uint8_t>(type.released))
      .integer(static_cast<uint8_t>(type.in_default_search))
      .integer(static_cast<uint8_t>(type.auto_resolve))
      .integer(static_cast<uint8_t>(type.escalation))
      .integer(type.quota_per_hour);
  return end_row(std::move(row), Row::Type, type.id);
}

Result<model::GroupType> decode_type(uint32_t id, std::span<const std::byte> bytes) {
  auto row = open_row(bytes, Row::Type, id);
  if (!row) return damaged_row("group type", id);
  model::GroupType type;
  type.id = id;
  type.slug = row->text();
  type.category = row->integer<uint16_t>();
  type.category_v2 = row->integer<uint16_t>();
  type.default_priority = row->integer<uint8_t>();
  type.noise_limit = row->integer<uint32_t>();
  type.released = row->integer<uint8_t>() != 0;
  type.in_default_search = row->integer<uint8_t>() != 0;
  type.auto_resolve = row->integer<uint8_t>() != 0;
  type.escalation = row->integer<uint8_t>() != 0;
  type.quota_per_hour = row->integer<uint32_t>();
  if (!row->done()) return damaged_row("group type", id);
  return type;
}

std::string encode_group(const model::Group& group) {
  RowWriter row = begin_row();
  row.integer(raw(group.project))
      .integer(group.number)
      .integer(group.type)
      .integer(raw(group.level))
      .integer(group.priority)
      .integer(static_cast<uint8_t>(group.priority_locked ? 1 : 0))
      .integer(raw(group.status))
      .integer(raw(group.substatus))
      .text(group.title)
      .text(group.culprit)
      .text(group.assignee)
      .integer(raw(group.first_seen))
      .integer(raw(group.last_seen))
      .integer(group.times_seen)
      .integer(raw(group.status_since))
      .integer(raw(group.created))
      .integer(raw(group.parent))
      .integer(raw(group.merged_at))
      .integer(raw(group.split_from))
      .integer(group.initial_priority)
      .integer(raw(group.standing))
      .integer(static_cast<uint8_t>(group.reviewed ? 1 : 0))
      .integer(static_cast<uint8_t>(group.reopened ? 1 : 0));
  write_ids(row, group.children);
  write_ids(row, group.fingerprints);
  return end_row(std::move(row), Row::Group, raw(group.id));
}

Result<void> decode_group(GroupId id, std::span<const std::byte> bytes, GroupRow& out) {
  auto row = open_row(bytes, Row::Group, raw(id));
  if (!row) return damaged_row("group", raw(id));
  model::Group& group = out.group;
  bool valid = true;
  group.id = id;
  group.project = ProjectId{row->integer<uint64_t>()};
  group.number = row->integer<uint32_t>();
  group.type = row->integer<uint32_t>();
  group.level = read_enum(*row, model::Level::Sample, valid);
  group.priority = row->integer<uint8_t>();
  group.priority_locked = row->integer<uint8_t>() != 0;
  group.status = read_enum(*row, model::Status::Ignored, valid);
  group.substatus = read_enum(*row, model::Substatus::New, valid);
  out.title = row->text();
  out.culprit = row->text();
  group.assignee = row->text();
  group.first_seen = TimeUs{row->integer<int64_t>()};
  group.last_seen = TimeUs{row->integer<int64_t>()};
  group.times_seen = row->integer<uint64_t>();
  group.status_since = TimeUs{row->integer<int64_t>()};
  group.created = Lsn{row->integer<uint64_t>()};
  group.parent = GroupId{row->integer<uint32_t>()};
  group.merged_at = Lsn{row->integer<uint64_t>()};
  group.split_from = GroupId{row->integer<uint32_t>()};
  group.initial_priority = row->integer<uint8_t>();
  group.standing = read_enum(*row, model::Standing::Discarded, valid);
  group.reviewed = row->integer<uint8_t>() != 0;
  group.reopened = row->integer<uint8_t>() != 0;
  group.children = read_ids<GroupId>(*row);
  group.fingerprints = read_ids<FingerprintId>(*row);
  if (!valid || !row->done()) return damaged_row("group", raw(id));
  return {};
}

std::string encode_fingerprint(const model::Fingerprint& fingerprint) {
  RowWriter row = begin_row();
  row.integer(raw(fingerprint.project))
      .text(fingerprint.value)
      .integer(raw(fingerprint.leaf))
      .integer(fingerprint.occurrences)
      .integer(raw(fingerprint.first_seen))
      .integer(raw(fingerprint.last_seen))
      .integer(fingerprint.membership.low)
      .integer(fingerprint.membership.high)
      .text(fingerprint.first_release);
  return end_row(std::move(row), Row::Fingerprint, raw(fingerprint.id));
}

Result<model::Fingerprint> decode_fingerprint(FingerprintId id, std::span<const std::byte> bytes) {
  auto row = open_row(bytes, Row::Fingerprint, raw(id));
  if (!row) return damaged_row("fingerprint", raw(id));
  model::Fingerprint fingerprint;
  fingerprint.id = id;
  fingerprint.project = ProjectId{row->integer<uint64_t>()};
  fingerprint.value = row->text();
  fingerprint.leaf = GroupId{row->integer<uint32_t>()};
  fingerprint.occurrences = row->integer<uint64_t>();
  fingerprint.first_seen = TimeUs{row->integer<int64_t>()};
  fingerprint.last_seen = TimeUs{row->integer<int64_t>()};
  fingerprint.membership.low = row->integer<uint64_t>();
  fingerprint.membership.high = row->integer<uint64_t>();
  // Rows of a base of fold version 3 end here.
  if (!row->done()) fingerprint.first_release = row->text();
  if (!row->done()) return damaged_row("fingerprint", raw(id));
  return fingerprint;
}

namespace {

// What seeds the checksum of an experiment's row.
uint64_t experiment_row_id(std::string_view name, uint32_t number) { return hash64(name, number); }

// words u32 | for each view: view u32, count u32, children u32
void write_links(RowWriter& row, const model::ViewLinks& links) {
  row.integer(static_cast<uint32_t>(links.words()));
  links.for_each_view([&](GroupId view, std::span<const GroupId> children) {
    row.integer(raw(view)).integer(static_cast<uint32_t>(children.size()));
    for (const GroupId child : children) row.integer(raw(child));
  });
}

void read_links(RowReader& row, model::ViewLinks& links) {
  auto words = row.integer<uint32_t>();
  if (words > row.remaining() / sizeof(uint32_t)) return row.fail();
  std::vector<GroupId> children;
  while (words > 0 && row.ok()) {
    const GroupId view{words < 2 ? 0 : row.integer<uint32_t>()};
    const auto count = words < 2 ? 0 : row.integer<uint32_t>();
    if (words < 2 || count > words - 2) return row.fail();
    children.resize(count);
    for (GroupId& child : children) child = GroupId{row.integer<uint32_t>()};
    links.add(view, children);
    words -= 2 + count;
  }
}

}  // namespace

std::string encode_experiment(const model::Experiment& experiment) {
  RowWriter row = begin_row();
  row.integer(raw(experiment.at))
      .integer(raw(experiment.created))
      .integer(raw(experiment.promoted));
  return end_row(std::move(row), Row::Experiment, experiment_row_id(experiment.name, 0));
}

std::string encode_step(std::string_view experiment, uint32_t number,
                        const model::ExperimentStep& step) {
  RowWriter row = begin_row();
  row.text(step.rule).integer(raw(step.added));
  write_links(row, step.facts.cuts);
  write_links(row, step.facts.merges);
  return end_row(std::move(row), Row::Experiment, experiment_row_id(experiment, number));
}

Result<void> restore_experiment_row(std::string_view experiment, uint32_t number,
                                    std::span<const std::byte> bytes, model::State& state) {
  auto row = open_row(bytes, Row::Experiment, experiment_row_id(experiment, number));
  if (!row) return damaged_row("an experiment, part", number);
  if (number == 0) {
    model::Experiment made;
    made.name = experiment;
    made.at = Lsn{row->integer<uint64_t>()};
    made.created = Lsn{row->integer<uint64_t>()};
    made.promoted = Lsn{row->integer<uint64_t>()};
    if (!row->done()) return damaged_row("an experiment, part", number);
    return state.restore_experiment(std::move(made));
  }
  model::ExperimentStep step;
  step.rule = row->text();
  step.added = Lsn{row->integer<uint64_t>()};
  read_links(*row, step.facts.cuts);
  read_links(*row, step.facts.merges);
  if (!row->done()) return damaged_row("an experiment, part", number);
  return state.restore_step(experiment, std::move(step));
}

std::string encode_registry(const Registry& registry) {
  RowWriter row = begin_row();
  write_uuid(row, registry.store_id);
  row.integer(static_cast<uint8_t>(registry.strict_types)).integer(raw(registry.last_tick));
  return end_row(std::move(row), Row::Registry, 0);
}

Result<Registry> decode_registry(std::span<const std::byte> bytes) {
  auto row = open_row(bytes, Row::Registry, 0);
  if (!row) return damaged_row("the type registry, part", 0);
  Registry registry;
  registry.store_id = read_uuid(*row);
  registry.strict_types = row->integer<uint8_t>() != 0;
  registry.last_tick = TimeUs{row->integer<int64_t>()};
  if (!row->done()) return damaged_row("the type registry, part", 0);
  return registry;
}

std::string encode_meta(const CheckpointMeta& meta) {
  // No row version: magic and index format come first in every format there will be.
  RowWriter row;
  row.integer(kMetaMagic)
      .integer(meta.index_format)
      .integer(meta.fold_version)
      .integer(meta.terms_version);
  write_uuid(row, meta.store_id);
  row.integer(raw(meta.applied))
      .integer(raw(meta.acknowledged))
      .integer(meta.resume.file)
      .integer(meta.resume.offset)
      .integer(raw(meta.last_time))
      .integer(meta.next_segment)
      .integer(meta.index_bytes_written)
      .integer(raw(meta.base));
  return end_row(std::move(row), Row::Meta, 0);
}

Result<CheckpointMeta> decode_meta(std::span<const std::byte> bytes) {
  const Error broken = make_error(
      ErrorCode::Corruption, "checkpoint: its meta row is damaged; rebuild the index from the log");
  RowReader row(bytes);
  CheckpointMeta meta;
  if (row.integer<uint32_t>() != kMetaMagic) return broken;
  meta.index_format = row.integer<uint32_t>();
  if (!row.ok()) return broken;
  const auto check = [](const char* what, uint32_t is, uint32_t ours) -> Result<void> {
    if (is == ours) return {};
    return make_error(ErrorCode::Unsupported,
                      fmt::format("the index has {} {}, this build has {}; rebuild the index from "
                                  "the log",
                                  what, is, ours));
  };
  CAIRN_TRY(check("format", meta.index_format, kIndexFormatVersion));
  meta.fold_version = row.integer<uint32_t>();
  meta.terms_version = row.integer<uint32_t>();
  meta.store_id = read_uuid(row);
  meta.applied = Lsn{row.integer<uint64_t>()};
  meta.acknowledged = Lsn{row.integer<uint64_t>()};
  meta.resume.file = row.integer<uint64_t>();
  meta.resume.offset = row.integer<uint64_t>();
  meta.last_time = TimeUs{row.integer<int64_t>()};
  meta.next_segment = row.integer<uint32_t>();
  meta.index_bytes_written = row.integer<uint64_t>();
  meta.base = Lsn{row.integer<uint64_t>()};
  const auto sum = row.integer<uint64_t>();
  if (!row.done()) return broken;
  const auto body = bytes.first(bytes.size() - sizeof sum);
  if (sum != checksum(as_chars(body), Row::Meta, 0)) return broken;
  CAIRN_TRY(check("fold version", meta.fold_version, model::kFoldVersion));
  CAIRN_TRY(check("terms version", meta.terms_version, model::kTermsVersion));
  return meta;
}

}  // namespace cairn::storage
