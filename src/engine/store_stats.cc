// What a store says of itself.
#include <algorithm>

#include "engine/store_impl.h"
#include "log/log_files.h"
#include "storage/segment_format.h"

namespace cairn::engine {
namespace {

void count_groups(const model::State& state, Stats& stats) {
  stats.groups = state.group_count();
  std::vector<bool> shows(size_t{state.group_count()} + 1);
  for (uint32_t id = 1; id <= state.group_count(); ++id) {
    const model::Group& group = state.group(GroupId{id});
    stats.occurrences += group.times_seen;
    if (group.parent != GroupId{}) ++stats.hidden;
    if (group.times_seen > 0) shows[raw(state.issue_of(group.id))] = true;
  }
  shows[0] = false;
  stats.out_of_sight = state.out_of_sight();
  for (const auto& [id, held] : state.held()) stats.held_back += state.fingerprint(id).occurrences;
  stats.occurrences += stats.held_back;
  stats.issues = static_cast<uint64_t>(std::count(shows.begin(), shows.end(), true));
  stats.fingerprints = state.fingerprint_count();
  stats.projects = state.projects().size();
}

Result<void> count_log(FileSystem& files, const std::string& directory, Stats& stats) {
  CAIRN_TRY_ASSIGN(const log::LogDirectory found, log::list_log_directory(files, directory));
  for (const log::LogFile& each : found.files) {
    const auto file = files.open(each.path, OpenMode::Read);
    // Retention may remove one while we look.
    if (!file.ok() && file.error().code == ErrorCode::NotFound) continue;
    if (!file.ok()) return file.error();
    CAIRN_TRY_ASSIGN(const uint64_t bytes, (*file)->size());
    ++stats.log_files;
    stats.log_bytes += bytes;
  }
  return {};
}

Result<void> count_segments(const storage::ReadTxn& txn, Lsn base, Stats& stats) {
  CAIRN_TRY_ASSIGN(const auto ids, storage::checkpointed_segments(txn));
  for (const storage::SegmentId id : ids) {
    CAIRN_TRY_ASSIGN(const auto segment, storage::segment_info(txn, id));
    if (segment.max_lsn <= base) continue;
    stats.segments.push_back({raw(id), segment.occurrences, segment.bytes, segment.min_time,
                              segment.max_time, segment.min_lsn, segment.max_lsn});
  }
  std::sort(stats.segments.begin(), stats.segments.end(),
            [](const SegmentStats& a, const SegmentStats& b) { return a.min_lsn < b.min_lsn; });
  return {};
}

// By the keys and lengths of the values; the values themselves are not read. Those of segments that
// are not finished are nothing yet.
Result<void> count_pieces(const storage::ReadTxn& txn, IndexSizes& sizes) {
  using storage::SegmentPiece;
  constexpr size_t kPieceAt = sizeof(uint32_t);  // in the key
  CAIRN_TRY_ASSIGN(const auto meta, storage::read_meta(txn));
  const uint32_t end = meta ? meta->next_segment : 0;
  return txn.scan(storage::Table::Segments, {}, {},
                  [&](std::string_view key, std::span<const std::byte> value) {
                    if (key.size() <= kPieceAt) return true;
                    if (storage::key_part<uint32_t>(key, 0) >= end) return false;
                    switch (static_cast<SegmentPiece>(key[kPieceAt])) {
                      case SegmentPiece::Field:
                        sizes.postings += value.size();
                        break;
                      case SegmentPiece::Ids:
                      case SegmentPiece::IdFilter:
                        sizes.ids += value.size();
                        break;
                      default:
                        sizes.columns += value.size();
                    }
                    return true;
                  });
}

Result<void> count_index(const storage::ReadTxn& txn, const storage::LmdbEnv::Info& info,
                         Stats& stats) {
  stats.index_bytes = info.used_bytes;
  stats.index_file_bytes = info.file_bytes;
  stats.index_free_bytes = info.free_bytes;
  stats.readers = info.readers;
  stats.max_readers = info.max_readers;
  IndexSizes& sizes = stats.index;
  for (const auto& table : info.tables) {
    stats.tables.push_back({table.name, table.entries, table.bytes});
    if (table.name == "fields" || table.name == "value_ids" || table.name == "values") {
      sizes.dictionary += table.bytes;
    } else if (table.name == "frames") {
      sizes.log_positions += table.bytes;
    } else if (table.name == "undo") {
      sizes.past += table.bytes;
    } else if (table.name != "segments") {
      sizes.state += table.bytes;
    }
  }
  CAIRN_TRY(count_pieces(txn, sizes));
  const uint64_t named = sizes.dictionary + sizes.log_positions + sizes.state + sizes.past +
                         sizes.postings + sizes.columns + sizes.ids;
  sizes.other = stats.index_bytes > named ? stats.index_bytes - named : 0;
  return {};
}

}  // namespace

Result<Stats> Store::stats(bool with_digests) const {
  std::shared_lock lock = impl_->lock_for_reading();
  CAIRN_TRY(impl_->check_readable());
  CAIRN_TRY_ASSIGN(const auto now, impl_->take_snapshot());
  const TxnLease& lease = now->impl_->lease;
  Stats stats;
  stats.store_id = impl_->meta.store_id;
  const std::shared_ptr<const LogBase> base = impl_->base;
  stats.index_bytes_written = impl_->meta.index_bytes_written;
  CAIRN_TRY(count_log(*impl_->files, impl_->layout.log(), stats));
  stats.older_states = static_cast<uint32_t>(impl_->folds.older());
  stats.state_copies = impl_->folds.copies();
  lock.unlock();  // the rest takes a while, and is all of one moment
  const Materializer& fold = now->impl_->hold.fold();
  stats.last_lsn = fold.applied();
  stats.checkpoint_lsn = fold.checkpoint();
  count_groups(fold.state(), stats);
  stats.head_occurrences = fold.head().size();
  stats.head_bytes = fold.head().memory_bytes();
  for (const storage::Part* part : now->impl_->parts) {
    stats.kept_occurrences += part->occurrences();
  }
  if (base) {
    stats.base_lsn = base->lsn();
    stats.base_bytes = base->bytes();
    stats.removed = base->removed();
  }
  if (impl_->env) {
    CAIRN_TRY_ASSIGN(const auto info, impl_->env->info());
    CAIRN_TRY(count_index(*lease.txn, info, stats));
    // As of a moment, some are cut in the middle.
    if (!impl_->past) CAIRN_TRY(count_segments(*lease.txn, stats.base_lsn, stats));
  }
  if (with_digests) {
    CAIRN_TRY_ASSIGN(stats.digests, Impl::digests_of(*now->impl_));
  }
  return stats;
}

Result<ShrinkReport> Store::shrink(const std::string& directory, const StoreOptions& options) {
  constexpr uint64_t kWorthIt = 4;  // this part of the file is free
  Impl impl(directory, options);
  CAIRN_TRY(read_identity(*impl.files, impl.layout));
  CAIRN_TRY_ASSIGN(impl.lock, impl.files->lock(impl.layout.lock()));
  const storage::IndexOptions index_options = options_of_index(options, false);
  ShrinkReport report;
  {
    CAIRN_TRY_ASSIGN(const auto env, storage::LmdbEnv::open(impl.layout.index(), index_options));
    CAIRN_TRY(storage::drop_unfinished(*env));
    CAIRN_TRY_ASSIGN(const auto before, env->info());
    report.file_bytes_before = report.file_bytes_after = before.file_bytes;
    if (before.free_bytes < before.file_bytes / kWorthIt) return report;
    CAIRN_TRY(remove_directory(impl.layout.new_index()));
    CAIRN_TRY(impl.files->make_directory(impl.layout.new_index()));
    CAIRN_TRY(env->copy_compact(impl.layout.new_index()));
    CAIRN_TRY(impl.files->sync_directory(impl.layout.new_index()));
  }
  CAIRN_TRY(swap_index(*impl.files, impl.layout));
  CAIRN_TRY_ASSIGN(const auto env, storage::LmdbEnv::open(impl.layout.index(), index_options));
  CAIRN_TRY_ASSIGN(const auto after, env->info());
  report.file_bytes_after = after.file_bytes;
  return report;
}

}  // namespace cairn::engine
