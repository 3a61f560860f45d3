// Checkpoints: what was folded since the last one goes into the index, on a thread of its own.
//
// The writer freezes the tail (under the state lock), the sealer writes it, which one LMDB
// transaction makes count, and opens the new index, and the writer takes that over when it next
// holds the lock. Between the commit and the taking over, a fresh transaction sees more than the
// state says is indexed; who adds up index and memory asks the transaction how far it reaches
// (Materializer::for_each_tail).
#include <algorithm>

#include "base/caught.h"
#include "engine/store_impl.h"

namespace cairn::engine {

bool Store::Impl::checkpoint_due(uint32_t times) const {
  return fold().head().size() >= uint64_t{options.head_limit} * times ||
         fold().unfrozen_records() >= uint64_t{options.tail_limit} * times;
}

void Store::Impl::start_checkpoint() {
  std::shared_ptr<Tail> empty;
  {
    const std::lock_guard guard(outcome_mutex);
    empty = std::move(spare);
  }
  if (!empty) empty = std::make_shared<Tail>();
  std::shared_ptr<const FrozenTail> frozen = fold().freeze(std::move(empty));
  storage::CheckpointMeta next_meta = meta;
  next_meta.fold_version = model::kFoldVersion;
  next_meta.terms_version = model::kTermsVersion;
  next_meta.applied = frozen->applied;
  next_meta.acknowledged = std::max(frozen->applied, meta.acknowledged);
  next_meta.last_time = frozen->last_time;
  next_meta.resume = log->resume();
  sealer.post([this, frozen = std::move(frozen), from = folds.share_newest(), next_meta,
               windows = alerting.dirty_windows(), frames = log->marks(),
               used = std::move(retired)]() mutable {
    try {
      // Only checkpoints make use of what a past holds; letting go of it takes a while.
      pasts.drop_old();
      auto sealed_now = seal(*frozen, windows, from->dictionary(), next_meta, frames);
      from.reset();
      frozen.reset();
      const bool fine = sealed_now.ok();
      leave(std::move(sealed_now));
      if (used) empty_and_keep(used);
      if (fine) merge_in_background();
    } catch (...) {
      leave(caught_error());
    }
  });
}

Result<Store::Impl::Sealed> Store::Impl::seal(const FrozenTail& frozen,
                                              const storage::RowBuffer& windows,
                                              const storage::Dictionary& dictionary,
                                              const storage::CheckpointMeta& next_meta,
                                              const std::vector<storage::FrameMark>& frames) {
  const std::vector<std::pair<Hash128, Lsn>> keys(frozen.tail->keys.begin(),
                                                  frozen.tail->keys.end());
  storage::CheckpointInput input;
  input.meta = next_meta;
  input.head = &frozen.tail->head;
  input.rows = &frozen.rows;
  input.derived = &windows;
  input.dictionary = &dictionary;
  input.keys = keys;
  input.activity = frozen.tail->activity;
  input.frames = frames;
  CAIRN_TRY_ASSIGN(const storage::CheckpointMeta written, storage::write_checkpoint(*env, input));
  CAIRN_TRY_ASSIGN(auto index, open_sealed(*env));
  return Sealed{written, std::move(index)};
}

Result<std::optional<Store::Impl::Sealed>> Store::Impl::merge_some(const ChooseSegments& choose) {
  std::vector<storage::SegmentInfo> segments;
  {
    CAIRN_TRY_ASSIGN(const auto txn, storage::ReadTxn::begin(*env));
    CAIRN_TRY_ASSIGN(const auto ids, storage::checkpointed_segments(*txn));
    for (const storage::SegmentId id : ids) {
      CAIRN_TRY_ASSIGN(const auto info, storage::segment_info(*txn, id));
      segments.push_back(info);
    }
  }
  const std::vector<storage::SegmentId> from = choose(segments);
  if (from.empty()) return std::optional<Sealed>{};
  CAIRN_TRY_ASSIGN(const storage::CheckpointMeta written, storage::merge_in_index(*env, from));
  CAIRN_TRY_ASSIGN(auto index, open_sealed(*env));
  return std::optional(Sealed{written, std::move(index)});
}

// A merge only saves later work: one that fails leaves the index as it was and stops nothing. What
// it has written by then goes, and the snapshot that is older than that is given up for a new one:
// else its pages could not be used again, and there may be no others.
void Store::Impl::clear_after_failed_merge() {
  if (!storage::drop_unfinished(*env).ok()) return;
  auto index = open_sealed(*env);
  if (!index.ok()) return;
  const auto now = storage::read_meta(*(*index)->txn);
  if (now.ok() && now->has_value()) leave(Sealed{**now, *std::move(index)});
}

void Store::Impl::merge_in_background() {
  while (!merging_failed) {
    auto merged = merge_some([&](std::span<const storage::SegmentInfo> segments) {
      return choose_merge(segments, options.merging);
    });
    merging_failed = !merged.ok();
    if (merging_failed) return clear_after_failed_merge();
    if (!merged->has_value()) return;
    leave(**std::move(merged));
  }
}

Result<uint64_t> Store::Impl::merge_fully() {
  uint64_t rewritten = 0;
  while (true) {
    CAIRN_TRY_ASSIGN(auto merged, merge_some([&](std::span<const storage::SegmentInfo> segments) {
                       auto ids = choose_full_merge(segments, options.merging.max_rows);
                       for (const storage::SegmentInfo& segment : segments) {
                         const bool chosen =
                             std::find(ids.begin(), ids.end(), segment.id) != ids.end();
                         if (chosen) rewritten += segment.occurrences;
                       }
                       return ids;
                     }));
    if (!merged) return rewritten;
    leave(*std::move(merged));
  }
}

Result<CompactReport> Store::compact() {
  CAIRN_TRY(checkpoint());
  CompactReport report;
  {
    const auto lock = impl_->lock_for_reading();
    report.segments_before = impl_->sealed->parts.size();
  }
  Result<uint64_t> rewritten = uint64_t{0};
  impl_->sealer.post([&] {
    try {
      rewritten = impl_->merge_fully();
    } catch (...) {
      rewritten = caught_error();
    }
    if (!rewritten.ok()) impl_->clear_after_failed_merge();
  });
  impl_->sealer.wait_idle();
  CAIRN_TRY_ASSIGN(report.merged_occurrences, std::move(rewritten));
  const auto lock = impl_->lock_alone();
  CAIRN_TRY(impl_->check_writable());
  CAIRN_TRY(impl_->finish_checkpoint());
  report.segments_after = impl_->sealed->parts.size();
  return report;
}

void Store::Impl::leave(Result<Sealed> result) {
  const std::lock_guard guard(outcome_mutex);
  outcome = std::move(result);
}

Result<void> Store::Impl::adopt_checkpoint() {
  std::optional<Result<Sealed>> done;
  {
    const std::lock_guard guard(outcome_mutex);
    done.swap(outcome);
  }
  if (!done) return {};
  if (!done->ok()) {
    poison(done->error());
    return done->error();
  }
  // The dictionary may be using the old transaction until it is told of the new one.
  const std::shared_ptr<SealedIndex> old = std::exchange(sealed, std::move((*done)->index));
  meta = (*done)->meta;
  // Who reads an older state reads an older index, which does not have them.
  if (folds.older() == 0) log->forget_marks(meta.applied);
  const bool checkpointed = fold().frozen() != nullptr && meta.applied >= fold().frozen()->applied;
  Result<void> adopted;
  if (!checkpointed) {
    adopted = fold().attach(sealed->txn.get());
  } else if (auto written = fold().checkpointed(sealed->txn.get()); written.ok()) {
    retired = *std::move(written);
  } else {
    adopted = written.error();
  }
  if (!adopted.ok()) poison(adopted.error());
  return adopted;
}

void Store::Impl::empty_and_keep(const std::shared_ptr<Tail>& used) {
  used->clear();
  const std::lock_guard guard(outcome_mutex);
  spare = used;
}

Result<void> Store::Impl::finish_checkpoint() {
  sealer.wait_idle();
  return adopt_checkpoint();
}

Result<void> Store::Impl::make_checkpoint() {
  CAIRN_TRY(finish_checkpoint());
  start_checkpoint();
  return finish_checkpoint();
}

}  // namespace cairn::engine
