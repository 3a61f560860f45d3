// Tables (docs/format.md, "State"), keys big-endian:
//   Meta          "meta", "registry"         Projects   project u64
//   Types         type u32                   Groups     group u32
//   Fingerprints  fingerprint u32            Activity   group u32, LSN u64 -> nothing
//   Keys          128-bit key -> nothing     Frames     first LSN u64 -> file u64, offset u64
#include "storage/checkpoint.h"

#include <algorithm>
#include <array>
#include <future>

#include "storage/coding.h"
#include "storage/segment.h"
#include "storage/state_codec.h"

namespace cairn::storage {
namespace {

constexpr std::string_view kMetaKey = "meta";
constexpr std::string_view kRegistryKey = "registry";

Key idempotency_key(const Hash128& key) { return Key().u64(key.high).u64(key.low); }
Key activity_key(GroupId group, Lsn lsn) { return Key().u32(raw(group)).u64(raw(lsn)); }

Error damaged_key(const char* table) {
  return make_error(ErrorCode::Corruption, std::string("checkpoint: a key of table ") + table +
                                               " has a wrong size; rebuild the index from the log");
}

// Asks for all of a page once a scan comes to it: rows lie in it in no order that the processor
// would foresee.
class PageAhead {
 public:
  void at(const std::byte* row) {
    const std::byte* page = row - reinterpret_cast<uintptr_t>(row) % kPageBytes;
    if (std::exchange(page_, page) == page) return;
    for (size_t i = 0; i < kPageBytes; i += kLineBytes) __builtin_prefetch(page + i);
  }

 private:
  static constexpr size_t kPageBytes = 4096;
  static constexpr size_t kLineBytes = 64;
  const std::byte* page_ = nullptr;
};

// Calls fn(key, value) -> Result<void> for every row of a table with keys of `key_bytes`.
template <class F>
Result<void> for_each_row(const ReadTxn& txn, Table table, const char* name, size_t key_bytes,
                          std::string_view prefix, F&& fn) {
  Result<void> result;
  PageAhead ahead;
  CAIRN_TRY(
      txn.scan(table, prefix, prefix, [&](std::string_view key, std::span<const std::byte> value) {
        ahead.at(value.data());
        result = key.size() == key_bytes ? fn(key, value) : damaged_key(name);
        return result.ok();
      }));
  return result;
}

Result<void> write_keys(WriteTxn& txn, std::span<const Hash128> keys) {
  std::vector<Key> sorted;
  sorted.reserve(keys.size());
  for (const Hash128& key : keys) sorted.push_back(idempotency_key(key));
  std::sort(sorted.begin(), sorted.end(),
            [](const Key& a, const Key& b) { return a.view() < b.view(); });
  for (const Key& key : sorted) {
    CAIRN_TRY(txn.put(Table::Keys, key.view(), std::string_view{}));
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

Result<void> load_registry(const ReadTxn& txn, model::State& state) {
  std::vector<model::GroupType> types;
  CAIRN_TRY(for_each_row(txn, Table::Types, "types", sizeof(uint32_t), {},
                         [&](std::string_view key, auto row) -> Result<void> {
                           CAIRN_TRY_ASSIGN(auto type,
                                            decode_type(key_part<uint32_t>(key, 0), row));
                           types.push_back(std::move(type));
                           return {};
                         }));
  CAIRN_TRY_ASSIGN(const auto row, txn.get(Table::Meta, kRegistryKey));
  if (!row) return {};
  CAIRN_TRY_ASSIGN(const Registry registry, decode_registry(*row));
  state.restore_registry(registry.store_id, registry.strict_types, std::move(types),
                         registry.last_tick);
  return {};
}

Result<std::optional<CheckpointMeta>> current_meta(LmdbEnv& env) {
  CAIRN_TRY_ASSIGN(const auto txn, ReadTxn::begin(env));
  return read_meta(*txn);
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

Result<void> RowBuffer::write(WriteTxn& txn) const {
  std::string_view rest = bytes_;
  const auto take = [&rest](size_t bytes) {
    const std::string_view taken = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    return taken;
  };
  for (const Row& row : rows_) {
    const std::string_view key = take(row.key_bytes);
    if (row.erase) {
      CAIRN_TRY(txn.erase(row.table, key));
    } else {
      CAIRN_TRY(txn.put(row.table, key, take(row.value_bytes)));
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
    rows.add(Table::Meta, kRegistryKey,
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
  rows.add(Table::Meta, kRegistryKey,
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

Result<CheckpointMeta> write_checkpoint(LmdbEnv& env, const CheckpointInput& input) {
  CheckpointMeta meta = input.meta;
  CAIRN_TRY_ASSIGN(const auto before, current_meta(env));
  if (before) {
    meta.next_segment = before->next_segment;
    meta.index_bytes_written = before->index_bytes_written;
  }
  // Made before the transaction begins: that one keeps everybody else from writing.
  std::optional<SegmentImage> segment;
  if (input.head != nullptr && input.head->size() > 0) {
    CAIRN_TRY_ASSIGN(segment, seal_segment(SegmentId{meta.next_segment++}, *input.head));
  }
  CAIRN_TRY_ASSIGN(const auto txn, WriteTxn::begin(env));
  if (segment) CAIRN_TRY(write_segment(*txn, *std::move(segment)));
  if (input.dictionary != nullptr) CAIRN_TRY(input.dictionary->save(*txn));
  if (input.rows != nullptr) CAIRN_TRY(input.rows->write(*txn));
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
  CAIRN_TRY_ASSIGN(const auto txn, WriteTxn::begin(env));
  CAIRN_TRY(write_segment(*txn, std::move(merged)));
  return commit_with(*txn, *meta);
}

Result<void> write_meta(LmdbEnv& env, const CheckpointMeta& meta) {
  CAIRN_TRY_ASSIGN(const auto txn, WriteTxn::begin(env));
  CAIRN_TRY(txn->put(Table::Meta, kMetaKey, encode_meta(meta)));
  return txn->commit();
}

namespace {

// Keys of the segments that are wholly behind `base`, and of the frame marks.
Result<std::vector<std::pair<Table, std::string>>> removed_keys(const ReadTxn& txn, Lsn base) {
  std::vector<std::pair<Table, std::string>> keys;
  const auto take = [&keys](Table table, std::string_view key) {
    keys.emplace_back(table, std::string(key));
    return true;
  };
  CAIRN_TRY_ASSIGN(const auto ids, list_segments(txn));
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
  return keys;
}

}  // namespace

Result<void> drop_removed(LmdbEnv& env, const CheckpointMeta& meta) {
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

namespace {

Result<void> load_projects(const ReadTxn& txn, model::State& state) {
  return for_each_row(txn, Table::Projects, "projects", sizeof(uint64_t), {},
                      [&](std::string_view key, auto row) -> Result<void> {
                        const ProjectId id{key_part<uint64_t>(key, 0)};
                        CAIRN_TRY_ASSIGN(auto project, decode_project(id, row));
                        return state.restore_project(std::move(project));
                      });
}

// Restores groups, a few at a time because of their texts.
class GroupLoader {
 public:
  explicit GroupLoader(model::State& state) : state_(state) {}

  Result<void> add(GroupRow&& row) {
    views_[2 * count_] = row.title;
    views_[2 * count_ + 1] = row.culprit;
    groups_[count_++] = std::move(row.group);
    return count_ == kAtOnce ? flush() : Result<void>();
  }
  Result<void> flush() {
    state_.texts().share_all({views_.data(), 2 * count_}, {texts_.data(), 2 * count_});
    for (size_t i = 0; i < count_; ++i) {
      groups_[i].title = std::move(texts_[2 * i]);
      groups_[i].culprit = std::move(texts_[2 * i + 1]);
      CAIRN_TRY(state_.restore_group(std::move(groups_[i])));
    }
    count_ = 0;
    return {};
  }

 private:
  static constexpr size_t kAtOnce = 32;
  model::State& state_;
  std::array<model::Group, kAtOnce> groups_;
  std::array<std::string_view, 2 * kAtOnce> views_;  // into the transaction's pages
  std::array<Text, 2 * kAtOnce> texts_;
  size_t count_ = 0;
};

Result<void> load_groups(const ReadTxn& txn, model::State& state) {
  GroupLoader loader(state);
  CAIRN_TRY(for_each_row(txn, Table::Groups, "groups", sizeof(uint32_t), {},
                         [&](std::string_view key, auto row) -> Result<void> {
                           const GroupId id{key_part<uint32_t>(key, 0)};
                           CAIRN_TRY_ASSIGN(auto group, decode_group(id, row));
                           return loader.add(std::move(group));
                         }));
  return loader.flush();
}

Result<void> load_fingerprints(const ReadTxn& txn, model::State& state) {
  return for_each_row(txn, Table::Fingerprints, "fingerprints", sizeof(uint32_t), {},
                      [&](std::string_view key, auto row) -> Result<void> {
                        const FingerprintId id{key_part<uint32_t>(key, 0)};
                        CAIRN_TRY_ASSIGN(auto fingerprint, decode_fingerprint(id, row));
                        return state.restore_fingerprint(std::move(fingerprint));
                      });
}

Result<void> load_beside_groups(const ReadTxn& txn, model::State& state) {
  CAIRN_TRY(for_each_row(txn, Table::Care, "care", sizeof(uint32_t), {},
                         [&](std::string_view key, auto row) -> Result<void> {
                           CAIRN_TRY_ASSIGN(auto care,
                                            decode_care(GroupId{key_part<uint32_t>(key, 0)}, row));
                           return state.restore_care(std::move(care));
                         }));
  CAIRN_TRY(for_each_row(txn, Table::Held, "held", sizeof(uint32_t), {},
                         [&](std::string_view key, auto row) -> Result<void> {
                           const FingerprintId id{key_part<uint32_t>(key, 0)};
                           CAIRN_TRY_ASSIGN(const auto held, decode_held(id, row));
                           return state.restore_held(held);
                         }));
  return for_each_row(txn, Table::Releases, "releases", sizeof(uint64_t) + sizeof(uint32_t), {},
                      [&](std::string_view key, auto row) -> Result<void> {
                        CAIRN_TRY_ASSIGN(auto release,
                                         decode_release(ProjectId{key_part<uint64_t>(key, 0)},
                                                        key_part<uint32_t>(key, 8), row));
                        return state.restore_release(std::move(release));
                      });
}

Result<void> load_experiments(const ReadTxn& txn, model::State& state) {
  Result<void> loaded;
  CAIRN_TRY(txn.scan(Table::Experiments, {}, {}, [&](std::string_view key, auto row) {
    if (key.size() <= 1 + sizeof(uint32_t)) {
      loaded = damaged_key("experiments");
      return false;
    }
    const size_t name_bytes = key.size() - 1 - sizeof(uint32_t);
    const std::string_view name = key.substr(0, name_bytes);
    loaded = restore_experiment_row(name, key_part<uint32_t>(key, name_bytes + 1), row, state);
    return loaded.ok();
  }));
  return loaded;
}

}  // namespace

Result<void> load_state(const ReadTxn& txn, model::State& state) {
  CAIRN_TRY(load_registry(txn, state));
  CAIRN_TRY(load_projects(txn, state));
  CAIRN_TRY_ASSIGN(const uint64_t group_count, txn.entries(Table::Groups));
  CAIRN_TRY_ASSIGN(const uint64_t fingerprint_count, txn.entries(Table::Fingerprints));
  state.reserve(group_count, fingerprint_count);
  // Beside the groups; or after them, as a transaction is for one thread at a time.
  const std::unique_ptr<ReadTxn> twin = txn.twin();
  auto fingerprints = std::async(twin ? std::launch::async : std::launch::deferred,
                                 [&] { return load_fingerprints(twin ? *twin : txn, state); });
  const auto groups = load_groups(txn, state);
  CAIRN_TRY(fingerprints.get());
  CAIRN_TRY(groups);
  CAIRN_TRY(load_beside_groups(txn, state));
  CAIRN_TRY(load_experiments(txn, state));
  return state.finish_restore();
}

Result<bool> has_key(const ReadTxn& txn, const Hash128& key) {
  CAIRN_TRY_ASSIGN(const auto row, txn.get(Table::Keys, idempotency_key(key).view()));
  return row.has_value();
}

Result<std::vector<Lsn>> activity_of(const ReadTxn& txn, GroupId group) {
  std::vector<Lsn> lsns;
  const Key prefix = Key().u32(raw(group));
  CAIRN_TRY(for_each_row(txn, Table::Activity, "activity", 12, prefix.view(),
                         [&](std::string_view key, auto) -> Result<void> {
                           lsns.push_back(Lsn{key_part<uint64_t>(key, 4)});
                           return {};
                         }));
  return lsns;
}

Result<void> for_each_activity(const ReadTxn& txn, const std::function<void(GroupId, Lsn)>& fn) {
  return for_each_row(txn, Table::Activity, "activity", 12, {},
                      [&](std::string_view key, auto) -> Result<void> {
                        fn(GroupId{key_part<uint32_t>(key, 0)}, Lsn{key_part<uint64_t>(key, 4)});
                        return {};
                      });
}

Result<void> for_each_key(const ReadTxn& txn, const std::function<void(const Hash128&)>& fn) {
  return for_each_row(txn, Table::Keys, "keys", 16, {},
                      [&](std::string_view key, auto) -> Result<void> {
                        fn({key_part<uint64_t>(key, 8), key_part<uint64_t>(key, 0)});
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
