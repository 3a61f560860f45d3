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

Error not_there_yet(Lsn wanted, Lsn newest) {
  return make_error(ErrorCode::InvalidArgument,
                    fmt::format("the store has {} records; record {} is not there yet", raw(newest),
                                raw(wanted)));
}

// Whether the log can say what an index that is not there, or not good, does not.
bool leaves_the_log(ErrorCode code) {
  return code == ErrorCode::NotFound || code == ErrorCode::Unsupported ||
         code == ErrorCode::Corruption;
}

// nullptr: there is none that can be read.
Result<std::shared_ptr<storage::LmdbEnv>> open_index(const StoreLayout& layout,
                                                     const StoreOptions& options) {
  auto opened = storage::LmdbEnv::open(layout.index(), options_of_index(options, true));
  if (opened.ok()) return std::shared_ptr<storage::LmdbEnv>(std::move(opened).value());
  if (!leaves_the_log(opened.error().code)) return std::move(opened).error();
  return std::shared_ptr<storage::LmdbEnv>();
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open_as_of(const std::string& directory, const AsOf& moment,
                                                 const StoreOptions& options,
                                                 const Progress& progress) {
  CAIRN_TRY(check_moment(moment));
  const Impl found(directory, options);
  CAIRN_TRY(read_identity(*found.files, found.layout));
  CAIRN_TRY_ASSIGN(auto index, open_index(found.layout, options));
  const CursorKey key = find_cursor_key(*found.files, found.layout);
  const auto make = [&] {
    auto impl = std::make_unique<Impl>(directory, options);
    impl->cursor_key = key;
    return impl;
  };
  return Impl::open_past(make, std::move(index), moment, progress);
}

Result<std::unique_ptr<Store>> Store::as_of(const AsOf& moment, const Progress& progress) const {
  CAIRN_TRY(check_moment(moment));
  // The key is that of the lists that this store began, whatever became of its file.
  const auto make = [this] {
    auto impl = std::make_unique<Impl>(impl_->layout.root, impl_->options);
    impl->cursor_key = impl_->cursor_key;
    return impl;
  };
  std::shared_ptr<storage::LmdbEnv> index = impl_->env;
  // A past without an index knows no more than the directory says.
  if (!index) {
    CAIRN_TRY_ASSIGN(index, open_index(impl_->layout, impl_->options));
  }
  AsOf visible = moment;
  if (!impl_->past) {
    // The log may already hold what is not yet durable.
    const auto lock = impl_->lock_for_reading();
    CAIRN_TRY(impl_->check_readable());
    const Lsn newest = impl_->fold().applied();
    if (moment.lsn && *moment.lsn > newest) return not_there_yet(*moment.lsn, newest);
    if (!moment.lsn) visible.lsn = newest;
  }
  return Impl::open_past(make, std::move(index), visible, progress);
}

Result<std::unique_ptr<Store>> Store::Impl::open_past(
    const std::function<std::unique_ptr<Impl>()>& make, std::shared_ptr<storage::LmdbEnv> index,
    const AsOf& moment, const Progress& progress) {
  std::unique_ptr<Impl> impl;
  const auto begin = [&]() -> Result<void> {
    impl = make();
    impl->past = true;
    impl->options.read_only = true;
    CAIRN_TRY_ASSIGN(impl->meta.store_id, read_identity(*impl->files, impl->layout));
    impl->log =
        std::make_unique<RecordLog>(*impl->files, impl->layout.log(), impl->meta.store_id, nullptr);
    CAIRN_TRY(impl->read_base());
    return impl->check_is_kept(moment);
  };
  CAIRN_TRY(begin());
  impl->env = std::move(index);
  const auto indexed = impl->begin_with_index(moment, progress);
  if (!indexed.ok() && !leaves_the_log(indexed.error().code)) return indexed.error();
  if (!indexed.ok() || !*indexed) {
    const Lsn acknowledged = impl->meta.acknowledged;
    CAIRN_TRY(begin());
    impl->meta.acknowledged = acknowledged;
    CAIRN_TRY(impl->begin_memory_with_base());
    CAIRN_TRY(impl->replay_tail(false, moment, progress));
  }
  const bool arrived = moment.lsn && impl->fold().applied() == *moment.lsn;
  if (impl->log_ended && !arrived) CAIRN_TRY(impl->check_log_is_whole());
  if (moment.lsn && !moment.time && !arrived) {
    return not_there_yet(*moment.lsn, impl->fold().applied());
  }
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Result<bool> Store::Impl::begin_with_index(const AsOf& moment, const Progress& progress) {
  if (!env) return false;
  CAIRN_TRY_ASSIGN(sealed, open_sealed(*env, false, base_lsn()));
  CAIRN_TRY_ASSIGN(const auto found, storage::read_meta(*sealed->txn));
  if (!found || found->store_id != meta.store_id) return false;
  if (found->base > base_lsn()) {  // retention came in between
    CAIRN_TRY(read_base());
    CAIRN_TRY(check_is_kept(moment));
    CAIRN_TRY_ASSIGN(sealed, open_sealed(*env, false, base_lsn()));
  }
  meta = *found;
  if (meta.applied < base_lsn()) return false;
  std::optional<storage::PastCheckpoint> past_one;
  if (!reaches(moment, meta.applied, meta.last_time)) {
    CAIRN_TRY_ASSIGN(past_one,
                     storage::find_past(*sealed->txn, meta, [&](Lsn applied, TimeUs last) {
                       return reaches(moment, applied, last);
                     }));
    if (!past_one || past_one->applied < base_lsn()) return false;
  }
  const auto read = [&]() -> Result<void> {
    if (past_one) return begin_with_past(*past_one, moment, progress);
    CAIRN_TRY(fold().load(*sealed->txn, meta.applied, meta.last_time));
    CAIRN_TRY(replay_tail(false, moment, progress));
    return {};
  };
  CAIRN_TRY(read_with_checksums(read));
  return true;
}

Result<void> Store::Impl::begin_with_past(const storage::PastCheckpoint& from, const AsOf& moment,
                                          const Progress& progress) {
  {
    const storage::PastRows rows(*sealed->txn, from.undo);
    CAIRN_TRY(fold().load_past(rows, *sealed->txn, from.applied, from.last_time));
  }
  CAIRN_TRY(follow_until(moment, progress));
  return cut_segments();
}

Result<void> Store::Impl::follow_until(const AsOf& moment, const Progress& progress) {
  const Lsn begin = fold().applied();
  CAIRN_TRY_ASSIGN(const auto mark, storage::find_frame(*sealed->txn, next(begin)));
  CAIRN_TRY_ASSIGN(
      const auto frames,
      log->feed(next(begin), mark ? std::optional(mark->position) : std::nullopt, false));
  while (true) {
    CAIRN_TRY_ASSIGN(const DecodedFrame* frame, frames->next());
    if (frame == nullptr) {
      log_ended = true;
      return {};
    }
    Lsn lsn = frame->first_lsn;
    for (const model::Record& record : frame->records) {
      if (lsn > fold().applied()) {
        if (is_after(moment, lsn, record)) return {};
        CAIRN_TRY(check_is_next(lsn));
        CAIRN_TRY(fold().follow(record, lsn));
      }
      lsn = next(lsn);
    }
    if (progress) progress(raw(fold().applied()) - raw(begin), 0);
  }
}

Result<void> Store::Impl::cut_segments() {
  sealed->parts.clear();
  CAIRN_TRY_ASSIGN(const auto ids, storage::checkpointed_segments(*sealed->txn));
  for (const storage::SegmentId id : ids) {
    CAIRN_TRY_ASSIGN(const auto info, storage::segment_info(*sealed->txn, id));
    if (info.max_lsn <= base_lsn()) continue;
    CAIRN_TRY_ASSIGN(auto part, storage::open_segment_as_of(*sealed->txn, id, fold().applied()));
    if (part) sealed->parts.push_back(std::move(part));
  }
  return {};
}

Result<std::shared_ptr<const Store>> Store::Impl::past_of(const Store& store,
                                                          const query::CursorPin& pin) const {
  auto held = pasts.at(pin.lsn, pin.base, [&] { return store.as_of(AsOf{pin.lsn, std::nullopt}); });
  if (held.ok()) {
    // Another process may have removed some since this one opened the store.
    if ((*held)->impl_->base_lsn() == pin.base) return held;
    const auto freed_here = pasts.clear();
  } else if (held.error().code != ErrorCode::NotFound) {
    return held;
  }
  return make_error(ErrorCode::NotFound,
                    "Retention has removed the past that this list was begun in; start again "
                    "without a cursor.");
}

Result<std::unique_ptr<Snapshot>> Store::snapshot_for(std::string_view cursor,
                                                      std::string_view experiment) const {
  if (cursor.empty()) return snapshot(experiment);
  query::CursorPin pin;
  {
    CAIRN_TRY_ASSIGN(auto now, snapshot());
    if (now->view().seal == nullptr) {
      return make_error(ErrorCode::Unsupported, query::why_no_cursors(now->view()));
    }
    CAIRN_TRY_ASSIGN(pin, query::decode_pin(cursor, *now->view().seal));
    if (pin.lsn > now->lsn()) {
      return make_error(
          ErrorCode::Conflict,
          fmt::format("The cursor belongs to a list as of LSN {}, and this store goes "
                      "up to LSN {}; open it again, as of now.",
                      raw(pin.lsn), raw(now->lsn())));
    }
    if (pin.lsn == now->lsn()) {
      CAIRN_TRY(now->look_at(experiment));
      return now;
    }
  }
  CAIRN_TRY_ASSIGN(auto past, impl_->past_of(*this, pin));
  CAIRN_TRY_ASSIGN(auto then, past->snapshot(experiment));
  then->impl_->store = std::move(past);
  return then;
}

}  // namespace cairn::engine
