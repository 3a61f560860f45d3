// Folds records into everything that is derived from the log: the logical state, the dictionary
// and the head, until a checkpoint writes them to the index.
//
// Thread: apply(), prepare() and checkpoint work alone; reading is concurrent otherwise.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "model/occurrence.h"
#include "model/record.h"
#include "model/state.h"
#include "storage/dictionary.h"
#include "storage/head.h"
#include "storage/lmdb_env.h"

namespace cairn::engine {

using Terms = std::vector<std::pair<FieldId, ValueId>>;

struct Hash128Hasher {
  size_t operator()(const Hash128& hash) const { return hash.low; }
};

class Materializer {
 public:
  // Reads a checkpoint into an empty materializer. Corruption, Io.
  Result<void> load(const storage::ReadTxn& txn, Lsn applied, TimeUs last_time);

  // The terms of an occurrence as ids, new names added to the dictionary. Called before the
  // record is logged, so that what cannot be indexed (Exhausted) is refused instead.
  Result<void> prepare(const model::Occurrence& occurrence, const storage::ReadTxn* txn);
  // Folds the next record; `lsn` must be applied() + 1. An occurrence must have been prepared
  // just before. Corruption: the record does not fit the state.
  Result<void> apply(const model::Record& record, Lsn lsn);

  // Whether the head holds this occurrence.
  bool head_has(ProjectId project, const Uuid& id) const;
  bool has_new_key(const Hash128& key) const { return keys_.contains(key); }

  const model::State& state() const { return state_; }
  const storage::Dictionary& dictionary() const { return dictionary_; }
  const storage::Head& head() const { return head_; }
  const std::unordered_set<Hash128, Hash128Hasher>& new_keys() const { return keys_; }
  const std::vector<std::pair<GroupId, Lsn>>& new_activity() const { return activity_; }
  Lsn applied() const { return applied_; }
  Lsn checkpoint() const { return checkpoint_; }
  uint64_t tail_records() const { return raw(applied_) - raw(checkpoint_); }
  // Time of the newest record that takes part in the order of times (store creation does not).
  TimeUs last_time() const { return last_time_; }
  // Changes whenever a fingerprint may show within another issue than before.
  uint64_t forest_version() const { return forest_version_; }

  // After a checkpoint of everything applied became durable.
  void checkpointed();

 private:
  Result<void> check_tags_fit(const std::vector<model::Term>& terms) const;

  model::State state_;
  storage::Dictionary dictionary_;
  storage::Head head_;
  std::vector<Uuid> head_ids_;  // by ordinal
  std::unordered_set<Hash128, Hash128Hasher> keys_;
  std::vector<std::pair<GroupId, Lsn>> activity_;
  model::TermExtractor extractor_;
  Terms terms_;  // of the occurrence prepared last
  Lsn applied_{};
  Lsn checkpoint_{};
  TimeUs last_time_{};
  uint64_t forest_version_ = 0;
};

}  // namespace cairn::engine
