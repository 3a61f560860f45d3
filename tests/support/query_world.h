// A small store for tests of queries: state, dictionary, head and sealed segments, filled by hand,
// and the occurrences beside it for a plain scan.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "model/occurrence.h"
#include "model/state.h"
#include "query/cursor.h"
#include "query/predicate.h"
#include "query/search.h"
#include "storage/head.h"
#include "storage/lmdb_env.h"
#include "storage/segment.h"
#include "support/temp_dir.h"

namespace cairn::testing {

template <class T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message);
  return std::move(result).value();
}
inline void must(Result<void> result) {
  if (!result) FAIL(result.error().message);
}

class QueryWorld : public query::IdReader {
 public:
  struct Stored {
    model::Occurrence occurrence;
    Lsn lsn{};
    FingerprintId fingerprint{};
  };

  void add(const model::Occurrence& occurrence) {
    const FingerprintId fingerprint = apply(occurrence, occurrence.time()).decided_by;
    std::vector<std::pair<FieldId, ValueId>> terms;
    for (const model::Term& term : extractor_.extract(occurrence)) {
      const FieldId field =
          term.id != FieldId{0} ? term.id : must(dictionary_.intern_tag(term.tag));
      terms.emplace_back(field, must(dictionary_.intern(field, term.value, hash64(term.value))));
    }
    head_.add({lsn_, occurrence.time(), occurrence.project, fingerprint,
               storage::id_hash(occurrence.id, occurrence.project), terms,
               occurrence.event_id ? storage::event_hash(*occurrence.event_id) : 0});
    stored_.push_back({occurrence, lsn_, fingerprint});
  }

  model::Applied apply(model::RecordBody body, TimeUs time = {}) {
    model::Record record;
    record.time = time;
    record.body = std::move(body);
    lsn_ = next(lsn_);
    return must(state_.apply(record, lsn_));
  }

  // What the head holds becomes a segment.
  void seal() {
    segments_.clear();
    must(dictionary_.attach(nullptr));
    txn_.reset();
    if (!env_) env_ = must(storage::LmdbEnv::open(directory_ / "index", {}));
    auto txn = must(storage::WriteTxn::begin(*env_));
    must(storage::write_segment(*txn, storage::SegmentId{++last_segment_}, head_));
    must(dictionary_.save(*txn));
    must(txn->commit());
    head_.clear();
    txn_ = must(storage::ReadTxn::begin(*env_));
    must(dictionary_.checkpointed(txn_.get()));
    for (storage::SegmentId id : must(storage::list_segments(*txn_))) {
      segments_.push_back(must(storage::open_segment(*txn_, id)));
    }
  }

  // Lives until the next change.
  query::View view() {
    roots_ = state_.roots_by_fingerprint();
    parts_.clear();
    for (const auto& segment : segments_) parts_.push_back(segment.get());
    if (head_.size() > 0) parts_.push_back(&head_);
    query::View view{lsn_, &state_, &dictionary_, txn_.get(), parts_, roots_};
    view.seal = &seal_;
    view.ids = this;
    return view;
  }

  Result<bool> has_id(Lsn lsn, const Uuid& id) const override {
    const auto found = std::find_if(stored_.begin(), stored_.end(),
                                    [&](const Stored& one) { return one.lsn == lsn; });
    return found != stored_.end() &&
           (found->occurrence.id == id || found->occurrence.event_id == id);
  }
  // What cursors are made with; the key is always the same.
  query::CursorSeal& seal_of_cursors() { return seal_; }

  const model::State& state() const { return state_; }
  const std::vector<Stored>& stored() const { return stored_; }
  const std::vector<GroupId>& roots() {
    roots_ = state_.roots_by_fingerprint();
    return roots_;
  }

 private:
  TempDir directory_;
  query::CursorSeal seal_;
  Lsn lsn_{};
  model::State state_;
  model::TermExtractor extractor_;
  storage::Dictionary dictionary_;
  storage::Head head_;
  uint32_t last_segment_ = 0;
  std::vector<Stored> stored_;
  std::unique_ptr<storage::LmdbEnv> env_;
  std::unique_ptr<storage::ReadTxn> txn_;
  std::vector<std::unique_ptr<storage::Part>> segments_;
  std::vector<const storage::Part*> parts_;
  std::vector<GroupId> roots_;
};

}  // namespace cairn::testing
