// Tables (docs/format.md, "State"), keys big-endian:
//   Meta          "meta", "registry"         Projects   project u64
//   Types         type u32                   Groups     group u32
//   Fingerprints  fingerprint u32            Activity   group u32, LSN u64 -> nothing
//   Keys          128-bit key -> LSN u64     Frames     first LSN u64 -> file u64, offset u64
#include "storage/checkpoint.h"

#include <algorithm>

#include "storage/coding.h"
#include "storage/row_source.h"
#include "storage/segment.h"
#include "storage/state_codec.h"
#include "storage/undo.h"

namespace cairn::storage {
namespace {

constexpr std::string_view kMetaKey = "meta";
constexpr size_t kActivityKeyBytes = sizeof(GroupId) + sizeof(Lsn);

Key idempotency_key(const Hash128& key) { return Key().u64(key.high).u64(key.low); }
Key activity_key(GroupId group, Lsn lsn) { return Key().u32(raw(group)).u64(raw(lsn)); }

Result<void> write_keys(WriteTxn& txn, std::span<const std::pair<Hash128, Lsn>> keys) {
  std::vector<std::pair<Key, Lsn>> sorted;
  sorted.reserve(keys.size());
  for (const auto& [key, lsn] : keys) sorted.emplace_back(idempotency_key(key), lsn);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.first.view() < b.first.view(); });
  for (const auto& [key, lsn] : sorted) {
    RowWriter row;
    row.integer(raw(lsn));
    CAIRN_TRY(txn.put(Table::Keys, key.view(), row.bytes()));
  }
  return {};
}

Result<void> write_activity(WriteTxn& txn, std::span<const std::pair<GroupId, Lsn>> activity) {
  std::vector<std::pair<GroupId, Lsn>> sorted(activity.begin(), activity.end());
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [group, lsn] : sorted) {
    CAIRN_TRY(txn.put(Table::Activity, activity_key(group, lsn).view(), std::string_view{}));
  }
  return {};
}

Result<void> write_frames(WriteTxn& txn, std::span<const FrameMark> frames) {
  for (const FrameMark& mark : frames) {
    RowWriter row;
    row.integer(mark.position.file).integer(mark.position.offset);
    CAIRN_TRY(txn.put(Table::Frames, Key().u64(raw(mark.first_lsn)).view(), row.bytes()));
  }
  return {};
}

Result<std::optional<CheckpointMeta>> current_meta(LmdbEnv& env) {
  CAIRN_TRY_ASSIGN(const auto txn, ReadTxn::begin(env));
  return read_meta(*txn);
}

// What counts on over the life of the index is what the index says: whoever has read it may have
// missed a merge since.
Result<std::optional<CheckpointMeta>> count_on(LmdbEnv& env, CheckpointMeta& meta) {
  CAIRN_TRY_ASSIGN(const auto before, current_meta(env));
  if (before) {
    meta.next_segment = before->next_segment;
    meta.index_bytes_written = before->index_bytes_written;
  }
  return before;
}

Result<void> stage(LmdbEnv& env, SegmentImage& image, CheckpointMeta& meta) {
  CAIRN_TRY_ASSIGN(const uint64_t bytes, stage_segment(env, image));
  meta.index_bytes_written += bytes;
  return {};
}

Result<CheckpointMeta> commit_with(WriteTxn& txn, CheckpointMeta meta) {
  meta.index_bytes_written += txn.bytes_written();
  CAIRN_TRY(txn.put(Table::Meta, kMetaKey, encode_meta(meta)));
  CAIRN_TRY(txn.commit());
  return meta;
}

}  // namespace

void RowBuffer::add(Table table, std::string_view key, std::string_view value) {
  rows_.push_back(
      {table, static_cast<uint8_t>(key.size()), false, static_cast<uint32_t>(value.size())});
  bytes_.append(key).append(value);
}

void RowBuffer::erase(Table table, std::string_view key) {
  rows_.push_back({table, static_cast<uint8_t>(key.size()), true, 0});
  bytes_.append(key);
}

std::vector<RowBuffer::Change> RowBuffer::changes() const {
  std::vector<Change> changes;
  changes.reserve(rows_.size());
  std::string_view rest = bytes_;
  const auto take = [&rest](size_t bytes) {
    const std::string_view taken = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    return taken;
  };
  for (const Row& row : rows_) {
    Change& change = changes.emplace_back();
    change.table = row.table;
    change.key = take(row.key_bytes);
    if (!row.erase) change.value = take(row.value_bytes);
  }
  return changes;
}

Result<void> RowBuffer::write(WriteTxn& txn) const {
  for (const Change& change : changes()) {
    if (change.value) {
      CAIRN_TRY(txn.put(change.table, change.key, *change.value));
    } else {
      CAIRN_TRY(txn.erase(change.table, change.key));
    }
  }
  return {};
}

namespace {

std::string experiment_key(std::string_view name, uint32_t row) {
  std::string key(name);
  key.push_back(0);
  return key.append(Key().u32(row).view());
}

// Row 0 and the steps from `first_step` on.
void add_experiment_rows(RowBuffer& rows, const model::Experiment& experiment, size_t first_step) {
  const std::string& name = experiment.name;
  rows.add(Table::Experiments, experiment_key(name, 0), encode_experiment(experiment));
  for (size_t i = first_step; i < experiment.steps.size(); ++i) {
    const auto row = static_cast<uint32_t>(i + 1);
    rows.add(Table::Experiments, experiment_key(name, row),
             encode_step(name, row, experiment.steps[i]));
  }
}

}  // namespace

namespace {

void add_release(RowBuffer& rows, const model::Release& release) {
  rows.add(Table::Releases, Key().u64(raw(release.project)).u32(release.number).view(),
           encode_release(release));
}

}  // namespace

RowBuffer dirty_rows(const model::State& state) {
  RowBuffer rows;
  if (state.dirty_registry()) {
    rows.add(Table::Meta, kRegistryRowKey,
             encode_registry({state.store_id(), state.strict_types(), state.last_tick()}));
    // Types are set and replaced, never removed.
    for (const auto& [id, type] : state.types_set()) {
      rows.add(Table::Types, Key().u32(id).view(), encode_type(type));
    }
  }
  for (const ProjectId id : state.dirty_projects()) {
    const model::Project* project = state.project(id);
    CAIRN_ASSERT(project != nullptr);
    rows.add(Table::Projects, Key().u64(raw(id)).view(), encode_project(*project));
  }
  for (const GroupId id : state.dirty_groups()) {
    rows.add(Table::Groups, Key().u32(raw(id)).view(), encode_group(state.group(id)));
  }
  for (const FingerprintId id : state.dirty_fingerprints()) {
    rows.add(Table::Fingerprints, Key().u32(raw(id)).view(),
             encode_fingerprint(state.fingerprint(id)));
  }
  for (const GroupId id : state.dirty_care()) {
    rows.add(Table::Care, Key().u32(raw(id)).view(), encode_care(id, state.care(id)));
  }
  for (const model::Held& held : state.dirty_held()) {
    rows.add(Table::Held, Key().u32(raw(held.id)).view(), encode_held(held));
  }
  for (const model::Release* release : state.dirty_releases()) add_release(rows, *release);
  for (const auto& [name, change] : state.dirty_experiments()) {
    const model::Experiment* experiment = state.find_experiment(name);
    const size_t kept = experiment == nullptr ? 0 : experiment->steps.size() + 1;
    for (size_t row = kept; row < change.rows_before; ++row) {
      rows.erase(Table::Experiments, experiment_key(name, static_cast<uint32_t>(row)));
    }
    if (experiment != nullptr) add_experiment_rows(rows, *experiment, change.first_step);
  }
  return rows;
}

RowBuffer all_rows(const model::State& state) {
  RowBuffer rows;
  rows.add(Table::Meta, kRegistryRowKey,
           encode_registry({state.store_id(), state.strict_types(), state.last_tick()}));
  for (const auto& [id, type] : state.types_set()) {
    rows.add(Table::Types, Key().u32(id).view(), encode_type(type));
  }
  for (const auto& [id, project] : state.projects()) {
    rows.add(Table::Projects, Key().u64(raw(id)).view(), encode_project(project));
  }
  for (uint32_t id = 1; id <= state.group_count(); ++id) {
    rows.add(Table::Groups, Key().u32(id).view(), encode_group(state.group(GroupId{id})));
  }
  for (uint32_t id = 1; id <= state.fingerprint_count(); ++id) {
    rows.add(Table::Fingerprints, Key().u32(id).view(),
             encode_fingerprint(state.fingerprint(FingerprintId{id})));
  }
  for (const auto& [id, care] : state.all_care()) {
    rows.add(Table::Care, Key().u32(raw(id)).view(), encode_care(id, care));
  }
  for (const auto& [id, held] : state.held()) {
    rows.add(Table::Held, Key().u32(raw(id)).view(), encode_held(held));
  }
  for (const auto& [id, releases] : state.all_releases()) {
    for (const model::Release& release : releases.all()) add_release(rows, release);
  }
  for (const auto& [name, experiment] : state.experiments()) {
    add_experiment_rows(rows, experiment, 0);
  }
  return rows;
}

Result<std::optional<CheckpointMeta>> read_meta(const ReadTxn& txn) {
  CAIRN_TRY_ASSIGN(const auto row, txn.get(Table::Meta, kMetaKey));
  if (!row) return std::optional<CheckpointMeta>{};
  CAIRN_TRY_ASSIGN(const CheckpointMeta meta, decode_meta(*row));
  return std::optional(meta);
}

Result<std::vector<SegmentId>> checkpointed_segments(const ReadTxn& txn) {
  CAIRN_TRY_ASSIGN(const auto meta, read_meta(txn));
  if (!meta) return std::vector<SegmentId>{};
  CAIRN_TRY_ASSIGN(auto ids, list_segments(txn));
  std::erase_if(ids, [&](SegmentId id) { return raw(id) >= meta->next_segment; });
  return ids;
}

Result<void> drop_unfinished(LmdbEnv& env) {
  CAIRN_TRY_ASSIGN(const auto meta, current_meta(env));
  return erase_segments_from(env, SegmentId{meta ? meta->next_segment : 1});
}

Result<CheckpointMeta> write_checkpoint(LmdbEnv& env, const CheckpointInput& input) {
  CheckpointMeta meta = input.meta;
  CAIRN_TRY_ASSIGN(const auto before, count_on(env, meta));
  // Made before the transaction begins: that one keeps everybody else from writing.
  std::optional<SegmentImage> segment;
  if (input.head != nullptr && input.head->size() > 0) {
    CAIRN_TRY_ASSIGN(segment, seal_segment(SegmentId{meta.next_segment++}, *input.head));
    CAIRN_TRY(stage(env, *segment, meta));
  }
  CAIRN_TRY_ASSIGN(const auto txn, WriteTxn::begin(env));
  if (segment) CAIRN_TRY(write_segment(*txn, *std::move(segment)));
  if (input.dictionary != nullptr) CAIRN_TRY(input.dictionary->save(*txn));
  if (input.rows != nullptr) {
    if (before) CAIRN_TRY(write_undo(*txn, *before, meta.applied, *input.rows));
    CAIRN_TRY(input.rows->write(*txn));
  }
  if (input.derived != nullptr) CAIRN_TRY(input.derived->write(*txn));
  CAIRN_TRY(write_keys(*txn, input.keys));
  CAIRN_TRY(write_activity(*txn, input.activity));
  CAIRN_TRY(write_frames(*txn, input.frames));
  return commit_with(*txn, meta);
}

Result<CheckpointMeta> merge_in_index(LmdbEnv& env, std::span<const SegmentId> from) {
  std::optional<CheckpointMeta> meta;
  SegmentImage merged;
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, ReadTxn::begin(env));
    CAIRN_TRY_ASSIGN(meta, read_meta(*snapshot));
    if (!meta) return make_error(ErrorCode::NotFound, "the index has no checkpoint");
    CAIRN_TRY_ASSIGN(merged, merge_segments(*snapshot, from, SegmentId{meta->next_segment++}));
  }
  CAIRN_TRY(stage(env, merged, *meta));
  CAIRN_TRY_ASSIGN(const auto txn, WriteTxn::begin(env));
  CAIRN_TRY(write_segment(*txn, std::move(merged)));
  return commit_with(*txn, *meta);
}

Result<void> write_meta(LmdbEnv& env, CheckpointMeta meta) {
  CAIRN_TRY(count_on(env, meta));
  CAIRN_TRY_ASSIGN(const auto txn, WriteTxn::begin(env));
  CAIRN_TRY(txn->put(Table::Meta, kMetaKey, encode_meta(meta)));
  return txn->commit();
}

namespace {

// Keys of the segments that are wholly behind `base`, of the frame marks, and of what led to states
// from before it.
Result<std::vector<std::pair<Table, std::string>>> removed_keys(const ReadTxn& txn, Lsn base) {
  std::vector<std::pair<Table, std::string>> keys;
  const auto take = [&keys](Table table, std::string_view key) {
    keys.emplace_back(table, std::string(key));
    return true;
  };
  CAIRN_TRY_ASSIGN(const auto ids, checkpointed_segments(txn));
  for (const SegmentId id : ids) {
    CAIRN_TRY_ASSIGN(const SegmentInfo info, segment_info(txn, id));
    if (info.min_lsn > base) continue;
    if (info.max_lsn > base) {
      return make_error(ErrorCode::Conflict,
                        "a segment holds records before and behind the log's base");
    }
    const Key prefix = Key().u32(raw(id));
    CAIRN_TRY(txn.scan(Table::Segments, prefix.view(), prefix.view(),
                       [&](std::string_view key, auto) { return take(Table::Segments, key); }));
  }
  // The last mark at or before the base leads to the records behind it.
  CAIRN_TRY_ASSIGN(const auto mark, find_frame(txn, next(base)));
  CAIRN_TRY(txn.scan(Table::Frames, {}, {}, [&](std::string_view key, auto) {
    if (!mark || key.size() != sizeof(uint64_t)) return false;
    if (Lsn{key_part<uint64_t>(key, 0)} >= mark->first_lsn) return false;
    return take(Table::Frames, key);
  }));
  CAIRN_TRY_ASSIGN(const std::vector<std::string> undo, undo_keys_behind(txn, base));
  for (const std::string& key : undo) take(Table::Undo, key);
  return keys;
}

}  // namespace

Result<void> drop_removed(LmdbEnv& env, CheckpointMeta meta) {
  CAIRN_TRY(count_on(env, meta));
  std::vector<std::pair<Table, std::string>> keys;
  {
    CAIRN_TRY_ASSIGN(const auto reading, ReadTxn::begin(env));
    CAIRN_TRY_ASSIGN(keys, removed_keys(*reading, meta.base));
  }
  CAIRN_TRY_ASSIGN(const auto txn, WriteTxn::begin(env));
  for (const auto& [table, key] : keys) CAIRN_TRY(txn->erase(table, key));
  CAIRN_TRY(txn->put(Table::Meta, kMetaKey, encode_meta(meta)));
  return txn->commit();
}

Result<bool> has_key(const ReadTxn& txn, const Hash128& key) {
  CAIRN_TRY_ASSIGN(const auto row, txn.get(Table::Keys, idempotency_key(key).view()));
  return row.has_value();
}

Result<std::vector<Lsn>> activity_of(const ReadTxn& txn, GroupId group) {
  std::vector<Lsn> lsns;
  bool sound = true;
  const Key prefix = Key().u32(raw(group));
  CAIRN_TRY(txn.scan(Table::Activity, prefix.view(), prefix.view(),
                     [&](std::string_view key, std::span<const std::byte>) {
                       sound = key.size() == kActivityKeyBytes;
                       if (sound) lsns.push_back(Lsn{key_part<uint64_t>(key, 4)});
                       return sound;
                     }));
  if (!sound) return damaged_key("activity");
  return lsns;
}

Result<void> for_each_activity(const ReadTxn& txn, const std::function<void(GroupId, Lsn)>& fn) {
  return for_each_row(NewestRows(txn), Table::Activity, "activity", kActivityKeyBytes,
                      [&](std::string_view key, auto) -> Result<void> {
                        fn(GroupId{key_part<uint32_t>(key, 0)}, Lsn{key_part<uint64_t>(key, 4)});
                        return {};
                      });
}

Result<void> for_each_key(const ReadTxn& txn, const std::function<void(const Hash128&, Lsn)>& fn) {
  return for_each_row(NewestRows(txn), Table::Keys, "keys", sizeof(Hash128),
                      [&](std::string_view key, auto value) -> Result<void> {
                        RowReader row(value);
                        const Lsn lsn{row.template integer<uint64_t>()};
                        if (!row.done()) {
                          return make_error(ErrorCode::Corruption,
                                            "checkpoint: the row of an idempotency key is damaged; "
                                            "rebuild the index from the log");
                        }
                        fn({key_part<uint64_t>(key, 8), key_part<uint64_t>(key, 0)}, lsn);
                        return {};
                      });
}

Result<std::optional<FrameMark>> find_frame(const ReadTxn& txn, Lsn lsn) {
  CAIRN_TRY_ASSIGN(const auto entry, txn.floor(Table::Frames, Key().u64(raw(lsn)).view()));
  if (!entry) return std::optional<FrameMark>{};
  const auto& [key, value] = *entry;
  RowReader row(value);
  FrameMark mark;
  mark.position.file = row.integer<uint64_t>();
  mark.position.offset = row.integer<uint64_t>();
  if (key.size() != sizeof(uint64_t) || !row.done()) {
    return make_error(ErrorCode::Corruption,
                      "checkpoint: a frame mark is damaged; rebuild the index from the log");
  }
  mark.first_lsn = Lsn{key_part<uint64_t>(key, 0)};
  return std::optional(mark);
}

}  // namespace cairn::storage
