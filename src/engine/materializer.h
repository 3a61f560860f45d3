// Folds records into everything that is derived from the log: the logical state, the dictionary
// and the head, until a checkpoint writes them to the index. What a checkpoint writes is frozen
// first, so that folding goes on meanwhile.
//
// Thread: apply(), prepare(), freeze() and checkpointed() work alone; reading is concurrent
// otherwise. What is frozen may be written (Dictionary::save) on another thread beside all of them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "alert/alert_state.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "model/fold_ahead.h"
#include "model/occurrence.h"
#include "model/record.h"
#include "model/state.h"
#include "model/term_batch.h"
#include "storage/checkpoint.h"
#include "storage/dictionary.h"
#include "storage/head.h"
#include "storage/lmdb_env.h"
#include "storage/row_source.h"

namespace cairn::engine {

struct Hash128Hasher {
  size_t operator()(const Hash128& hash) const { return hash.low; }
};
// Idempotency keys and the records they came with.
using KeyMap = std::unordered_map<Hash128, Lsn, Hash128Hasher>;

// What is new since the last checkpoint was begun.
struct Tail {
  storage::Head head;
  std::vector<Uuid> ids;  // of the head's occurrences, by ordinal
  KeyMap keys;
  std::vector<std::pair<GroupId, Lsn>> activity;
  // Some of its memory is that of another, which may still be read.
  bool shared = false;

  void clear();  // keeps most of the memory
};

// A tail that is being written to the index, with the rest of what the checkpoint needs. Fixed: it
// is read by the thread that writes it and by queries, until the checkpoint is there.
struct FrozenTail {
  std::shared_ptr<Tail> tail;
  storage::RowBuffer rows;  // of the state
  Lsn applied{};
  TimeUs last_time{};
};

void add_rows(storage::RowBuffer& rows, const std::vector<alert::AlertRow>& alerts);

class Materializer {
 public:
  Materializer() = default;
  // Goes on where the other one stands, in the middle of a batch as well. From then on the other
  // may only be read: they share what does not change.
  Materializer(const Materializer& other);
  Materializer& operator=(const Materializer&) = delete;

  // Reads a checkpoint into an empty materializer. `txn` is attached, see below. Corruption, Io.
  Result<void> load(const storage::ReadTxn& txn, Lsn applied, TimeUs last_time);
  // The same of an earlier checkpoint, whose rows these are. What came since is in the index but
  // for the state: see follow().
  Result<void> load_past(const storage::RowSource& rows, const storage::ReadTxn& txn, Lsn applied,
                         TimeUs last_time);

  // Begins with the state of a record, all in memory.
  void begin(model::State&& state, alert::AlertState&& alerts, Lsn applied, TimeUs last_time,
             const std::vector<Hash128>& keys, std::vector<std::pair<GroupId, Lsn>>&& activity);
  // New names are looked up in `txn` from now on, so it has to live as long.
  Result<void> attach(const storage::ReadTxn* txn) { return dictionary_.attach(txn); }

  // Begins a batch; `terms` live until its end. `id_hashes` are storage::id_hash() of its
  // occurrences, by index, of other records anything.
  void begin_batch(const model::TermBatch& terms, std::vector<uint64_t> id_hashes);
  // The batch has come to `index`: asks the memory for what those after it will need.
  // `occurrence(i)` is the batch's one at i, nullptr for other records.
  template <class F>
  void look_ahead(size_t index, F&& occurrence) {
    look_ahead(index);
    const size_t end = std::min(index + model::FoldAhead::kDistance, batch_->size());
    for (; foreseen_ < end; ++foreseen_) {
      if (const model::Occurrence* one = occurrence(foreseen_)) fold_ahead_.see(*one);
    }
  }
  // The terms of the batch's occurrence `index` as ids, new names added to the dictionary. Called
  // before the record is logged, so that what cannot be indexed (Exhausted) is refused instead.
  // Precondition: the batch has come to `index`, see look_ahead().
  Result<void> prepare(size_t index);
  // Folds the next record; `lsn` must be applied() + 1. An occurrence must have been prepared
  // just before. Corruption: the record does not fit the state.
  Result<model::Applied> apply(const model::Record& record, Lsn lsn);

  // Folds the next record into the state alone, as the index holds what else it says.
  Result<void> follow(const model::Record& record, Lsn lsn);

  // Whether the occurrence is among those not yet in the index.
  bool tail_has(ProjectId project, const Uuid& id) const;
  // The same of the batch's occurrence `index`.
  bool tail_has(size_t index, ProjectId project, const Uuid& id) const;
  bool tail_has(const Hash128& key) const;

  const model::State& state() const { return state_; }
  const alert::AlertState& alerts() const { return alerts_; }
  // Whether a tick at that time would change anything.
  bool anything_due(TimeUs time) { return state_.anything_due(time); }
  const storage::Dictionary& dictionary() const { return dictionary_; }
  // The newest occurrences, and those being sealed (nullptr: none are).
  const storage::Head& head() const { return tail_->head; }
  const storage::Head* sealing_head() const { return frozen_ ? &frozen_->tail->head : nullptr; }
  // Calls fn(const Tail&) for what an index that holds everything up to `indexed` lacks.
  template <class F>
  void for_each_tail(Lsn indexed, F&& fn) const {
    if (frozen_ && indexed < frozen_->applied) fn(*frozen_->tail);
    fn(*tail_);
  }

  Lsn applied() const { return applied_; }
  Lsn checkpoint() const { return checkpoint_; }
  // Records that a crash now would have to replay, and those no checkpoint was begun for.
  uint64_t tail_records() const { return raw(applied_) - raw(checkpoint_); }
  uint64_t unfrozen_records() const {
    return raw(applied_) - raw(frozen_ ? frozen_->applied : checkpoint_);
  }
  // Time of the newest record that takes part in the order of times (store creation does not).
  TimeUs last_time() const { return last_time_; }
  // Groups that were given another parent, in order: what RootCache follows. Only appended to.
  const std::vector<GroupId>& regrouped() const { return regrouped_; }

  // Fixes everything applied so far for a checkpoint and goes on with `empty`. Precondition:
  // nothing is frozen.
  std::shared_ptr<const FrozenTail> freeze(std::shared_ptr<Tail> empty);
  const FrozenTail* frozen() const { return frozen_.get(); }
  // The checkpoint of what was frozen is durable and `txn` sees it: new names are looked up there
  // until the next call, so it has to live as long. Returns what was frozen, to be emptied and
  // used again; nullptr: others share it. Corruption, Io.
  Result<std::shared_ptr<Tail>> checkpointed(const storage::ReadTxn* txn);

 private:
  void look_ahead(size_t index);
  Result<model::Applied> fold(const model::Record& record, Lsn lsn);
  bool tail_has_hash(uint64_t hash, ProjectId project, const Uuid& id) const;

  model::State state_;
  alert::AlertState alerts_;
  model::FoldAhead fold_ahead_{state_};
  storage::Dictionary dictionary_;
  std::shared_ptr<Tail> tail_ = std::make_shared<Tail>();
  std::shared_ptr<FrozenTail> frozen_;

  // The batch. How far each step of the look-ahead has come is counted in occurrences.
  static constexpr size_t kFoundAhead = 12;
  const model::TermBatch* batch_ = nullptr;
  std::vector<uint64_t> id_hashes_;
  storage::Dictionary::TagFields tag_fields_;
  size_t hinted_ = 0, texts_hinted_ = 0, found_ = 0, postings_hinted_ = 0, ends_hinted_ = 0;
  size_t foreseen_ = 0;
  std::array<storage::Dictionary::Terms, kFoundAhead + 1>
      found_terms_;      // by index, round and round
  size_t prepared_ = 0;  // index
  storage::Dictionary::Terms& terms_of(size_t index) {
    return found_terms_[index % found_terms_.size()];
  }

  Lsn applied_{};
  Lsn checkpoint_{};
  TimeUs last_time_{};
  std::vector<GroupId> regrouped_;
};

}  // namespace cairn::engine
