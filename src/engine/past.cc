// A store as of a moment. Where the index has gone beyond it: the state of the last checkpoint
// before the moment, the records from there on, and of the segments those occurrences that were
// there. Names of later on are in its dictionary, but nothing has them.
#include <fmt/format.h>

#include "engine/store_impl.h"

namespace cairn::engine {
namespace {

// Whether nothing up to there was made after the moment.
bool reaches(const AsOf& moment, Lsn applied, TimeUs last_time) {
  return (!moment.lsn || applied <= *moment.lsn) && (!moment.time || last_time <= *moment.time);
}

Result<void> check_moment(const AsOf& moment) {
  if (!moment.lsn || raw(*moment.lsn) > 0) return {};
  return make_error(ErrorCode::InvalidArgument,
                    "records are counted from 1; 0 is before the first");
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open_as_of(const std::string& directory, const AsOf& moment,
                                                 const StoreOptions& options,
                                                 const Progress& progress) {
  CAIRN_TRY(check_moment(moment));
  auto impl = std::make_unique<Impl>(directory, options);
  CAIRN_TRY_ASSIGN(impl->meta.store_id, read_identity(*impl->files, impl->layout));
  storage::IndexOptions index_options;
  index_options.map_bytes = options.index_map_bytes;
  index_options.read_only = true;
  // Without an index that this build and this process can read, the log tells it all.
  auto env = storage::LmdbEnv::open(impl->layout.index(), index_options);
  if (env.ok()) impl->env = std::move(env).value();
  return Impl::open_past(std::move(impl), moment, progress);
}

Result<std::unique_ptr<Store>> Store::as_of(const AsOf& moment, const Progress& progress) const {
  CAIRN_TRY(check_moment(moment));
  auto impl = std::make_unique<Impl>(impl_->layout.root, impl_->options);
  impl->meta.store_id = impl_->meta.store_id;
  impl->env = impl_->env;
  return Impl::open_past(std::move(impl), moment, progress);
}

Result<std::unique_ptr<Store>> Store::Impl::open_past(std::unique_ptr<Impl> impl,
                                                      const AsOf& moment,
                                                      const Progress& progress) {
  impl->options.read_only = true;
  impl->log =
      std::make_unique<RecordLog>(*impl->files, impl->layout.log(), impl->meta.store_id, nullptr);
  CAIRN_TRY(impl->read_base());
  CAIRN_TRY(impl->check_is_kept(moment));
  CAIRN_TRY_ASSIGN(const bool indexed, impl->begin_with_index(moment, progress));
  if (!indexed) {
    impl->sealed.reset();
    impl->env.reset();
    CAIRN_TRY(impl->begin_memory_with_base());
    CAIRN_TRY(impl->replay_tail(false, moment, progress));
  }
  if (moment.lsn && impl->fold.applied() < *moment.lsn) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("the store has {} records; record {} is not there yet",
                                  raw(impl->fold.applied()), raw(*moment.lsn)));
  }
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Result<bool> Store::Impl::begin_with_index(const AsOf& moment, const Progress& progress) {
  if (!env) return false;
  CAIRN_TRY_ASSIGN(sealed, open_sealed(*env, false, base_lsn()));
  const auto found = storage::read_meta(*sealed->txn);
  const bool usable = found.ok() && found->has_value() && (*found)->store_id == meta.store_id &&
                      (*found)->applied >= base_lsn();
  if (!usable) return false;
  const storage::CheckpointMeta& newest = **found;
  std::optional<storage::PastCheckpoint> past;
  if (!reaches(moment, newest.applied, newest.last_time)) {
    CAIRN_TRY_ASSIGN(past, storage::find_past(*sealed->txn, newest, [&](Lsn applied, TimeUs last) {
                       return reaches(moment, applied, last);
                     }));
    if (!past || past->applied < base_lsn()) return false;
  }
  meta = newest;
  const auto read = [&]() -> Result<void> {
    if (past) return begin_with_past(*past, moment, progress);
    CAIRN_TRY(fold.load(*sealed->txn, meta.applied, meta.last_time));
    CAIRN_TRY(replay_tail(false, moment, progress));
    return {};
  };
  CAIRN_TRY(read_with_checksums(read));
  return true;
}

Result<void> Store::Impl::begin_with_past(const storage::PastCheckpoint& past, const AsOf& moment,
                                          const Progress& progress) {
  {
    const storage::PastRows rows(*sealed->txn, past.undo);
    CAIRN_TRY(fold.load_past(rows, *sealed->txn, past.applied, past.last_time));
  }
  CAIRN_TRY(follow_until(moment, progress));
  return cut_segments();
}

Result<void> Store::Impl::follow_until(const AsOf& moment, const Progress& progress) {
  const Lsn begin = fold.applied();
  CAIRN_TRY_ASSIGN(const auto mark, storage::find_frame(*sealed->txn, next(begin)));
  CAIRN_TRY_ASSIGN(
      const auto frames,
      log->feed(next(begin), mark ? std::optional(mark->position) : std::nullopt, false));
  while (true) {
    CAIRN_TRY_ASSIGN(const DecodedFrame* frame, frames->next());
    if (frame == nullptr) return {};
    Lsn lsn = frame->first_lsn;
    for (const model::Record& record : frame->records) {
      if (lsn > fold.applied()) {
        if (is_after(moment, lsn, record)) return {};
        CAIRN_TRY(fold.follow(record, lsn));
      }
      lsn = next(lsn);
    }
    if (progress) progress(raw(fold.applied()) - raw(begin), 0);
  }
}

Result<void> Store::Impl::cut_segments() {
  sealed->parts.clear();
  CAIRN_TRY_ASSIGN(const auto ids, storage::list_segments(*sealed->txn));
  for (const storage::SegmentId id : ids) {
    CAIRN_TRY_ASSIGN(const auto info, storage::segment_info(*sealed->txn, id));
    if (info.max_lsn <= base_lsn()) continue;
    CAIRN_TRY_ASSIGN(auto part, storage::open_segment_as_of(*sealed->txn, id, fold.applied()));
    if (part) sealed->parts.push_back(std::move(part));
  }
  return {};
}

}  // namespace cairn::engine
