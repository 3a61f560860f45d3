// The alert rules of a store at work: what they count as occurrences are folded, what they say at a
// tick, and which of them have something to say about an issue.
//
// Derived: rules and incidents are AlertState's; the windows here are made of the log's newest
// occurrences as they come, and of the index for those from before (alert_history.h). What a tick
// found is logged as values, so nothing here has to be the same when it is made again.
//
// Thread: any; one lock inside, which the writer holds for an occurrence, and who fills windows for
// some hundred of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "alert/alert_state.h"
#include "alert/bound_rule.h"
#include "alert/evaluation.h"
#include "alert/shared_queries.h"
#include "base/block_vector.h"
#include "base/result.h"
#include "engine/stats.h"
#include "model/record.h"
#include "model/state.h"
#include "query/predicate.h"
#include "storage/checkpoint.h"
#include "storage/lmdb_env.h"

namespace cairn::engine {

// What folded the rules: of one moment.
struct AlertFold {
  const alert::AlertState& alerts;
  const model::State& state;
};

class Alerting {
 public:
  // Begins with the rules of a checkpoint and, of `windows`, what was saved of theirs; what is
  // damaged of it is filled anew. Without any tick in the log, those up to `looked` are over.
  Result<void> load(const AlertFold& fold, Lsn applied, TimeUs looked, uint64_t seed,
                    const storage::ReadTxn& windows);

  // No rule counts or watches anything. For the writer.
  bool idle() const { return idle_; }

  // The record was folded: rules come, change and go.
  void follow(const model::Record& record, Lsn lsn, const AlertFold& fold);
  // An occurrence was folded, and its issue is shown.
  void add(const query::Subject& subject, FingerprintId decided_by, TimeUs recorded);
  // What rules say about what the record, which was folded, did to issues. `subject`: of its
  // occurrence; nullptr: it is none.
  std::vector<model::AlertFired> watch(const model::Record& record, Lsn lsn,
                                       const model::Applied& applied, const query::Subject* subject,
                                       const AlertFold& fold);

  // Which ticks rules are evaluated at.
  struct Ticks {
    TimeUs newest{};
    bool all = false;  // else of each rule the newest threshold_period
  };
  // No rule will be evaluated at one before.
  TimeUs first_tick() const;
  // The values that matter at a tick; nullopt: no rule is evaluated then. `roots`:
  // State::roots_by_fingerprint(). Precondition: later than those of advance().
  std::optional<std::vector<model::AlertsTicked::Value>> evaluate(TimeUs tick, const Ticks& ticks,
                                                                  const AlertFold& fold,
                                                                  std::span<const GroupId> roots);
  // This tick and those before it will not be asked for any more.
  void advance(TimeUs tick);

  // A window that lacks what was recorded before it was made.
  struct Unfilled {
    alert::EvaluationId id{};
    Hash128 identity;
    std::shared_ptr<alert::Evaluation> evaluation;
    alert::Rule rule;  // one that asks for it
    Lsn up_to{};       // what was recorded later it counts by itself
    TimeUs from{};     // what happened earlier no window to come holds
  };
  std::optional<Unfilled> next_unfilled(const alert::AlertState& alerts);
  std::mutex& turn() { return mutex_; }  // to be held while an evaluation is added to
  void filled(const Unfilled& done);
  // `why`: it cannot be, and is tried again when the store is opened again.
  void not_filled(const Unfilled& failed, const std::string& why);
  // Rules that wait for their windows and need not any more.
  std::vector<uint32_t> ready(const alert::AlertState& alerts) const;

  // Changes of what was saved since the last call.
  storage::RowBuffer dirty_windows();

  // `with_memory`: asks every window what it takes. Safe to call concurrently.
  AlertFigures figures(bool with_memory);
  // Why a rule cannot be evaluated; "" = it can.
  std::string trouble(uint32_t rule) const;

 private:
  // Conditions on the issue, and whether they mean something else from moment to moment.
  struct IssueConditions {
    explicit IssueConditions(const alert::BoundRule& bound);
    bool any() const { return !counted.empty() || !whole.empty(); }

    std::vector<query::Expr> counted;
    std::vector<query::Expr> whole;
    bool of_moment = false;
  };
  // What rules that ask for the same share.
  struct Live {
    std::shared_ptr<alert::Evaluation> evaluation;  // nullptr: the place is free
    bool dirty = false;                             // since it was saved
    Hash128 identity;
    Hash128 written;  // of the rule it was made for
    std::vector<uint32_t> rules;
    uint32_t resolution_min = 1;
    std::unique_ptr<IssueConditions> on_issue;  // nullptr: none
    TimeUs first_tick{};
    TimeUs fill_from{};
    Lsn up_to{};
    bool filled = false;
    bool given_up = false;  // filling failed
  };
  // What matched an evaluation in the newest minute and is not in its window yet. Most evaluations
  // count alone, and what counting costs is waiting for memory: this is a few bytes of each, close
  // together. Whoever reads a window settles it first.
  struct Pending {
    static constexpr uint32_t kNever = UINT32_MAX;
    uint32_t minute = kNever;  // since 1970; kNever: not Evaluation::counts_alone()
    uint32_t occurrences = 0;
  };
  // A rule about what happens to issues.
  struct Watcher {
    uint32_t rule = 0;
    alert::IssueEvent event{};
    alert::BoundFilter filter;
    bool of_moment = false;
    std::vector<ProjectId> projects;  // none: all
  };

  void take(const alert::RuleEntry& entry, Lsn lsn, TimeUs now, const AlertFold& fold);
  void take_counting(const alert::RuleEntry& entry, const alert::BoundRule& bound, Lsn lsn,
                     TimeUs now, const AlertFold& fold);
  // A rule that is written as another one need not be bound. False: there is none.
  bool join(const alert::RuleEntry& entry);
  void drop(uint32_t rule);
  void drop_counting(uint32_t rule);
  void settle(size_t place);  // of lives_
  Live& live(alert::EvaluationId id) { return lives_[raw(id)]; }
  bool bind_again(Live& live, TimeUs tick, const AlertFold& fold);
  void evaluate(Live& live, TimeUs tick, const Ticks& ticks, const AlertFold& fold,
                std::span<const GroupId> roots, std::vector<model::AlertsTicked::Value>& values,
                bool& any);
  Result<void> load_windows(Live& live, const storage::ReadTxn& windows, const AlertFold& fold);
  std::vector<uint32_t> watchers_about(ProjectId project) const;
  bool fires(Watcher& watcher, const query::Subject& subject, const alert::RuleEntry& entry,
             TimeUs now);
  void settle_idle();

  mutable std::mutex mutex_;
  std::atomic<bool> idle_ = true;
  uint64_t seed_ = 0;
  alert::SharedQueries queries_;
  BlockVector<Live> lives_;       // by EvaluationId
  std::vector<Pending> pending_;  // the same
  size_t first_unfilled_ = 0;     // none of them before this place lacks anything
  struct HashOfHash {
    size_t operator()(const Hash128& hash) const { return hash.low; }
  };
  std::unordered_map<Hash128, alert::EvaluationId, HashOfHash> written_;  // of lives_
  std::map<uint32_t, Watcher> watchers_;
  std::set<uint32_t> watchers_of_all_;
  std::map<ProjectId, std::set<uint32_t>> watchers_of_project_;
  std::map<uint32_t, std::string> troubles_;
  std::set<Hash128> gone_;  // identities whose saved windows are to be erased
  uint64_t ticks_ = 0;
  uint64_t values_ = 0;
};

}  // namespace cairn::engine
