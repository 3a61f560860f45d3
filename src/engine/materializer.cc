#include "engine/materializer.h"

#include <algorithm>

#include "storage/sealed_value.h"
#include "storage/segment.h"

namespace cairn::engine {
namespace {

bool has(const Tail& tail, uint64_t id_hash, ProjectId project, const Uuid& id) {
  for (const Ordinal ordinal : tail.head.find_id(id_hash)) {
    if (tail.ids[ordinal] == id && tail.head.project(ordinal) == project) return true;
  }
  return false;
}

}  // namespace

void add_rows(storage::RowBuffer& rows, const std::vector<alert::AlertRow>& alerts) {
  for (const alert::AlertRow& row : alerts) {
    if (row.value) {
      rows.add(storage::Table::Alerts, row.key, storage::sealed(*row.value, row.key));
    } else {
      rows.erase(storage::Table::Alerts, row.key);
    }
  }
}

Materializer::Materializer(const Materializer& other)
    : state_(other.state_),
      alerts_(other.alerts_),
      dictionary_(other.dictionary_),
      tail_(std::make_shared<Tail>(*other.tail_)),
      frozen_(other.frozen_),
      batch_(other.batch_),
      id_hashes_(other.id_hashes_),
      tag_fields_(other.tag_fields_),
      hinted_(other.hinted_),
      texts_hinted_(other.texts_hinted_),
      found_(other.found_),
      postings_hinted_(other.postings_hinted_),
      ends_hinted_(other.ends_hinted_),
      foreseen_(other.foreseen_),
      found_terms_(other.found_terms_),
      prepared_(other.prepared_),
      applied_(other.applied_),
      checkpoint_(other.checkpoint_),
      last_time_(other.last_time_),
      regrouped_(other.regrouped_) {
  tail_->shared = true;
  if (frozen_) frozen_->tail->shared = true;
}

Result<void> Materializer::load(const storage::ReadTxn& txn, Lsn applied, TimeUs last_time) {
  return load_past(storage::NewestRows(txn), txn, applied, last_time);
}

Result<void> Materializer::load_past(const storage::RowSource& rows, const storage::ReadTxn& txn,
                                     Lsn applied, TimeUs last_time) {
  CAIRN_TRY(storage::load_state(rows, state_));
  state_.clear_dirty();
  CAIRN_TRY(
      rows.scan(storage::Table::Alerts, [&](std::string_view key, auto value) -> Result<void> {
        const auto row = storage::unsealed(value, key);
        if (row) return alerts_.restore(key, *row);
        return make_error(ErrorCode::Corruption,
                          "the index has a damaged row of alerts: run 'cairn rebuild'");
      }));
  CAIRN_TRY(alerts_.restored());
  CAIRN_TRY(dictionary_.load(txn));
  CAIRN_TRY(dictionary_.attach(&txn));
  applied_ = applied;
  checkpoint_ = applied;
  last_time_ = last_time;
  return {};
}

void Materializer::begin(model::State&& state, alert::AlertState&& alerts, Lsn applied,
                         TimeUs last_time, const std::vector<Hash128>& keys,
                         std::vector<std::pair<GroupId, Lsn>>&& activity) {
  state_ = std::move(state);
  alerts_ = std::move(alerts);
  for (const Hash128& key : keys) tail_->keys.emplace(key, applied);
  tail_->activity = std::move(activity);
  applied_ = applied;
  checkpoint_ = applied;
  last_time_ = last_time;
}

void Materializer::begin_batch(const model::TermBatch& terms, std::vector<uint64_t> id_hashes) {
  batch_ = &terms;
  id_hashes_ = std::move(id_hashes);
  tag_fields_.clear();
  hinted_ = texts_hinted_ = found_ = postings_hinted_ = ends_hinted_ = foreseen_ = 0;
}

void Materializer::look_ahead(size_t index) {
  // Far enough apart for a step's memory to be there when the next one reads it.
  constexpr size_t kHintsAhead = 24, kTextsAhead = 18, kPostingsAhead = 6, kEndsAhead = 2;
  const auto through = [&](size_t& done, size_t ahead, auto&& step) {
    for (const size_t end = std::min(index + ahead + 1, batch_->size()); done < end; ++done) {
      step(done);
    }
  };
  through(hinted_, kHintsAhead, [&](size_t i) {
    tail_->head.prefetch_id(id_hashes_[i]);
    if (frozen_) frozen_->tail->head.prefetch_id(id_hashes_[i]);
    dictionary_.prefetch(*batch_, i, tag_fields_);
  });
  through(texts_hinted_, kTextsAhead,
          [&](size_t i) { dictionary_.prefetch_texts(*batch_, i, tag_fields_); });
  through(found_, kFoundAhead, [&](size_t i) {
    dictionary_.find(*batch_, i, tag_fields_, terms_of(i));
    tail_->head.prefetch(terms_of(i));
  });
  through(postings_hinted_, kPostingsAhead,
          [&](size_t i) { tail_->head.prefetch_postings(terms_of(i)); });
  through(ends_hinted_, kEndsAhead, [&](size_t i) { tail_->head.prefetch_ends(terms_of(i)); });
}

Result<void> Materializer::prepare(size_t index) {
  prepared_ = index;
  return dictionary_.intern(*batch_, index, tag_fields_, terms_of(index));
}

Result<model::Applied> Materializer::fold(const model::Record& record, Lsn lsn) {
  CAIRN_ASSERT(lsn == next(applied_));
  CAIRN_TRY_ASSIGN(model::Applied applied, state_.apply(record, lsn));
  CAIRN_TRY(alerts_.apply(record, lsn));
  regrouped_.insert(regrouped_.end(), applied.regrouped.begin(), applied.regrouped.end());
  if (!std::holds_alternative<model::StoreCreated>(record.body)) {
    last_time_ = std::max(last_time_, record.time);
  }
  applied_ = lsn;
  return applied;
}

Result<void> Materializer::follow(const model::Record& record, Lsn lsn) {
  CAIRN_TRY(fold(record, lsn));
  return {};
}

Result<model::Applied> Materializer::apply(const model::Record& record, Lsn lsn) {
  CAIRN_TRY_ASSIGN(model::Applied applied, fold(record, lsn));
  if (const auto* occurrence = std::get_if<model::Occurrence>(&record.body)) {
    const auto& event_id = occurrence->event_id;
    tail_->head.add({lsn, occurrence->time(), occurrence->project, applied.decided_by,
                     id_hashes_[prepared_], terms_of(prepared_),
                     event_id ? storage::event_hash(*event_id) : 0});
    tail_->ids.push_back(occurrence->id);
  }
  if (record.key != Hash128{}) tail_->keys.emplace(record.key, lsn);
  for (const GroupId group : applied.touched) tail_->activity.emplace_back(group, lsn);
  return applied;
}

bool Materializer::tail_has(ProjectId project, const Uuid& id) const {
  return tail_has_hash(storage::id_hash(id, project), project, id);
}

bool Materializer::tail_has(size_t index, ProjectId project, const Uuid& id) const {
  return tail_has_hash(id_hashes_[index], project, id);
}

bool Materializer::tail_has_hash(uint64_t hash, ProjectId project, const Uuid& id) const {
  return has(*tail_, hash, project, id) || (frozen_ && has(*frozen_->tail, hash, project, id));
}

bool Materializer::tail_has(const Hash128& key) const {
  return tail_->keys.contains(key) || (frozen_ && frozen_->tail->keys.contains(key));
}

void Tail::clear() {
  head.clear();
  ids.clear();
  keys.clear();
  activity.clear();
}

std::shared_ptr<const FrozenTail> Materializer::freeze(std::shared_ptr<Tail> empty) {
  CAIRN_ASSERT(!frozen_);
  auto frozen = std::make_shared<FrozenTail>();
  frozen->rows = storage::dirty_rows(state_);
  add_rows(frozen->rows, alerts_.dirty_rows());
  dictionary_.freeze();
  state_.clear_dirty();
  alerts_.clear_dirty();
  frozen->tail = std::exchange(tail_, std::move(empty));
  frozen->applied = applied_;
  frozen->last_time = last_time_;
  frozen_ = std::move(frozen);
  return frozen_;
}

Result<std::shared_ptr<Tail>> Materializer::checkpointed(const storage::ReadTxn* txn) {
  CAIRN_ASSERT(frozen_);
  checkpoint_ = frozen_->applied;
  std::shared_ptr<Tail> written = frozen_->tail->shared ? nullptr : std::move(frozen_->tail);
  frozen_.reset();
  CAIRN_TRY(dictionary_.checkpointed(txn));
  return written;
}

}  // namespace cairn::engine
