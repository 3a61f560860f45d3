// Occurrences of the past for an alert rule: what a rule would have counted, out of the index.
//
// Fields that the index keeps in columns are read from there; of others every matching occurrence
// is read from the log.
//
// Ownership: borrows all it is given. Thread: that of the snapshot.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "alert/bound_rule.h"
#include "alert/evaluation.h"
#include "base/result.h"
#include "engine/store.h"
#include "model/occurrence.h"
#include "query/executor.h"
#include "query/view.h"

namespace cairn::engine {

class AlertHistory {
 public:
  // An occurrence as the columns of the index have it.
  struct Seen {
    Lsn lsn{};
    TimeUs time{};
    FingerprintId fingerprint{};
  };
  struct Options {
    Lsn up_to{UINT64_MAX};       // those recorded later are left out
    std::mutex* turn = nullptr;  // held while the evaluation is added to, some of them at a time
  };

  // Precondition: `bound` is the rule, bound to the snapshot, and has a number. `view`: of the
  // snapshot, perhaps watched.
  AlertHistory(const Snapshot& snapshot, const query::View& view, const alert::Rule& rule,
               const alert::BoundRule& bound, alert::Evaluation& evaluation,
               const Options& options);
  AlertHistory(const Snapshot& snapshot, const query::View& view, const alert::Rule& rule,
               const alert::BoundRule& bound, alert::Evaluation& evaluation)
      : AlertHistory(snapshot, view, rule, bound, evaluation, Options()) {}

  // Every occurrence of the time into the evaluation; those that are counted also to `counted`.
  // Errors: Exhausted (the budget), Closed (cancelled), Corruption, Io.
  Result<void> feed(TimeUs begin, TimeUs end, std::vector<Seen>* counted = nullptr);

 private:
  // A field of the occurrence that the rule needs a value of.
  struct NeededField {
    const query::RowKey* key = nullptr;
    std::optional<FieldId> column;  // nullopt: no occurrence has it
  };

  void need(const std::optional<query::RowKey>& key);
  Result<void> feed_part(alert::Side side, const query::PartMatch& match,
                         std::vector<Seen>* counted);
  void read(const query::Block& block);
  Result<void> feed_columns(alert::Side side, const query::Block& block);
  Result<std::string_view> value(FieldId field, ValueId id);
  Result<void> feed_bodies(alert::Side side, std::vector<Seen>& bodies);
  std::unique_lock<std::mutex> take_turn() const;

  const Snapshot& snapshot_;
  const query::View& view_;
  alert::Evaluation& evaluation_;
  const Options options_;
  std::vector<std::pair<alert::Side, query::Expr>> filters_;
  std::vector<NeededField> needed_;
  std::vector<Seen> seen_;   // of a block
  model::Occurrence light_;  // what an evaluation wants of one without its body
  std::unordered_map<uint64_t, std::string> values_;  // by field and value
  model::TermExtractor extractor_;
};

}  // namespace cairn::engine
