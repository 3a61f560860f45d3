// Folding the log: the tail after a checkpoint, or all of it.
#include <fmt/format.h>

#include "engine/store_impl.h"

namespace cairn::engine {

bool is_after(const AsOf& moment, Lsn lsn, const model::Record& record) {
  if (moment.lsn && lsn > *moment.lsn) return true;
  return moment.time && !std::holds_alternative<model::StoreCreated>(record.body) &&
         record.time > *moment.time;
}

Result<uint64_t> Store::Impl::replay_tail(bool seal, const AsOf& until, const Progress& progress) {
  const Lsn begin = fold().applied();
  CAIRN_TRY_ASSIGN(const auto frames, log->feed(next(begin), meta.resume, true));
  const auto done = [&] { return raw(fold().applied()) - raw(begin); };
  while (true) {
    CAIRN_TRY_ASSIGN(const DecodedFrame* frame, frames->next());
    if (frame == nullptr) {
      log_ended = true;
      return done();
    }
    log->note_frame(frame->first_lsn, frame->position);
    CAIRN_TRY_ASSIGN(const bool more, fold_frame(*frame, until));
    if (!more) return done();
    if (progress) progress(done(), 0);
    if (!seal && fold().head().size() > options.memory_limit) {
      return make_error(ErrorCode::Exhausted,
                        fmt::format("the moment lies behind more than {} occurrences, which do not "
                                    "fit into memory at once; ask about an earlier one",
                                    options.memory_limit));
    }
    if (!seal) continue;
    // Segments may be merged meanwhile, which takes longer than a head takes to fill.
    CAIRN_TRY(adopt_checkpoint());
    if (fold().frozen() != nullptr && checkpoint_due(2)) CAIRN_TRY(finish_checkpoint());
    if (fold().frozen() == nullptr && checkpoint_due()) start_checkpoint();
  }
}

Result<void> Store::Impl::check_is_next(Lsn lsn) const {
  if (lsn == next(fold().applied())) return {};
  return make_error(
      ErrorCode::Corruption,
      fmt::format("the log in {} goes from record {} to record {}: run 'cairn verify {}'",
                  layout.log(), raw(fold().applied()), raw(lsn), layout.root));
}

Result<void> Store::Impl::check_log_is_whole() const {
  if (fold().applied() >= meta.acknowledged) return {};
  return make_error(
      ErrorCode::Corruption,
      fmt::format("the log in {} ends at record {}, but records up to {} had been acknowledged: "
                  "run 'cairn verify {}', and restore the log files from a backup",
                  layout.log(), raw(fold().applied()), raw(meta.acknowledged), layout.root));
}

// False: the rest is after the moment.
Result<bool> Store::Impl::fold_frame(const DecodedFrame& frame, const AsOf& until) {
  fold().begin_batch(frame.terms, frame.id_hashes);
  const auto occurrence = [&](size_t i) {
    return std::get_if<model::Occurrence>(&frame.records[i].body);
  };
  Lsn lsn = frame.first_lsn;
  for (size_t i = 0; i < frame.records.size(); ++i, lsn = next(lsn)) {
    const model::Record& record = frame.records[i];
    if (lsn <= fold().applied()) continue;
    if (is_after(until, lsn, record)) return false;
    CAIRN_TRY(check_is_next(lsn));
    if (std::holds_alternative<model::Occurrence>(record.body)) {
      fold().look_ahead(i, occurrence);
      CAIRN_TRY(fold().prepare(i));
    }
    CAIRN_TRY_ASSIGN(const model::Applied applied, fold().apply(record, lsn));
    // What rules had to say about it is in the log.
    [[maybe_unused]] const auto said = note_for_alerts(record, lsn, applied, &frame.terms, i);
  }
  return true;
}

}  // namespace cairn::engine
