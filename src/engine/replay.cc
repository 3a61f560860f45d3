// Folding the log: the tail after a checkpoint, or all of it.
#include <fmt/format.h>

#include "engine/store_impl.h"

namespace cairn::engine {
namespace {

constexpr uint64_t kProgressEvery = 4096;

// Ends a replay early; never seen by a caller.
Error stop_here() { return make_error(ErrorCode::Closed, "stop"); }

bool is_after(const AsOf& moment, Lsn lsn, const model::Record& record) {
  if (moment.lsn && lsn > *moment.lsn) return true;
  return moment.time && !std::holds_alternative<model::StoreCreated>(record.body) &&
         record.time > *moment.time;
}

}  // namespace

Result<uint64_t> Store::Impl::replay_tail(bool seal, const AsOf& until, const Progress& progress) {
  uint64_t done = 0;
  bool stopped = false;
  const auto fold_one = [&](Lsn lsn, model::Record&& record) -> Result<void> {
    if (is_after(until, lsn, record)) {
      stopped = true;
      return stop_here();
    }
    if (lsn != next(fold.applied())) {
      return make_error(ErrorCode::Corruption,
                        fmt::format("the log in {} goes from record {} to record {}: run 'cairn "
                                    "verify {}'",
                                    layout.log(), raw(fold.applied()), raw(lsn), layout.root));
    }
    if (const auto* occurrence = std::get_if<model::Occurrence>(&record.body)) {
      CAIRN_TRY(fold.prepare(*occurrence, sealed ? sealed->txn.get() : nullptr));
    }
    CAIRN_TRY(fold.apply(record, lsn));
    if (!seal && fold.head().size() > options.memory_limit) {
      return make_error(ErrorCode::Exhausted,
                        fmt::format("the moment lies behind more than {} occurrences, which do not "
                                    "fit into memory at once; ask about an earlier one",
                                    options.memory_limit));
    }
    if (++done % kProgressEvery == 0 && progress) progress(done, 0);
    if (seal &&
        (fold.head().size() >= options.head_limit || fold.tail_records() >= options.tail_limit)) {
      return make_checkpoint();
    }
    return {};
  };
  const auto result = log->replay(next(fold.applied()), meta.resume, fold_one);
  if (!result.ok() && !stopped) return result.error();
  return done;
}

}  // namespace cairn::engine
