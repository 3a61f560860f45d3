#include "engine/materializer.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/checkpoint.h"
#include "storage/segment.h"

namespace cairn::engine {

Result<void> Materializer::load(const storage::ReadTxn& txn, Lsn applied, TimeUs last_time) {
  CAIRN_TRY(storage::load_state(txn, state_));
  state_.clear_dirty();
  CAIRN_TRY(dictionary_.load(txn));
  applied_ = applied;
  checkpoint_ = applied;
  last_time_ = last_time;
  return {};
}

Result<void> Materializer::prepare(const model::Occurrence& occurrence,
                                   const storage::ReadTxn* txn) {
  terms_.clear();
  const std::vector<model::Term>& found = extractor_.extract(occurrence);
  // All names are known to fit before any is added: a refused occurrence leaves no trace, so that a
  // rebuild, which never sees it, gives the same ids.
  CAIRN_TRY(check_tags_fit(found));
  for (const model::Term& term : found) {
    FieldId field = term.id;
    if (field == FieldId{}) {
      CAIRN_TRY_ASSIGN(field, dictionary_.intern_tag(term.tag));
    }
    CAIRN_TRY_ASSIGN(const ValueId value, dictionary_.intern(field, term.value, txn));
    terms_.emplace_back(field, value);
  }
  return {};
}

Result<void> Materializer::check_tags_fit(const std::vector<model::Term>& terms) const {
  size_t fresh = 0;
  for (const model::Term& term : terms) {
    if (term.id == FieldId{} && !dictionary_.find_tag(term.tag)) ++fresh;
  }
  if (fresh == 0) return {};
  const size_t known = dictionary_.tag_fields().size();
  if (known + fresh <= storage::kMaxTagFields) return {};
  return make_error(ErrorCode::Exhausted,
                    fmt::format("event.tags: the store has {} different tag keys and takes at most "
                                "{}; this event brings {} more",
                                known, storage::kMaxTagFields, fresh));
}

Result<void> Materializer::apply(const model::Record& record, Lsn lsn) {
  CAIRN_ASSERT(lsn == next(applied_));
  CAIRN_TRY_ASSIGN(const model::Applied applied, state_.apply(record, lsn));
  if (const auto* occurrence = std::get_if<model::Occurrence>(&record.body)) {
    head_.add({lsn, occurrence->time(), occurrence->project, applied.decided_by,
               storage::id_hash(occurrence->id, occurrence->project), terms_});
    head_ids_.push_back(occurrence->id);
  } else if (std::holds_alternative<model::Merged>(record.body) ||
             std::holds_alternative<model::Unmerged>(record.body)) {
    ++forest_version_;
  }
  if (record.key != Hash128{}) keys_.insert(record.key);
  for (const GroupId group : applied.touched) activity_.emplace_back(group, lsn);
  if (!std::holds_alternative<model::StoreCreated>(record.body)) {
    last_time_ = std::max(last_time_, record.time);
  }
  applied_ = lsn;
  return {};
}

bool Materializer::head_has(ProjectId project, const Uuid& id) const {
  for (const Ordinal ordinal : head_.find_id(storage::id_hash(id, project))) {
    if (head_ids_[ordinal] == id && head_.project(ordinal) == project) return true;
  }
  return false;
}

void Materializer::checkpointed() {
  state_.clear_dirty();
  dictionary_.checkpointed();
  head_.clear();
  head_ids_.clear();
  keys_.clear();
  activity_.clear();
  checkpoint_ = applied_;
}

}  // namespace cairn::engine
