// The store: what a program embeds, and what the command line and the server call.
//
// One process writes at a time (a lock file says who); any number of processes read beside it.
// A write is acknowledged when it is durable in the log. A snapshot sees one LSN of everything.
//
// Thread: all functions of Store may be called from any thread, except close() and the destructor,
// which must be alone. Writers that wait together share one fdatasync. A Snapshot belongs to the
// thread that took it; beyond some 20 ms it costs those who write a copy of the state, and beside
// four different ones they wait (fold_versions.h): take it for one answer and let it go.
//
// Errors: Io, Exhausted (disk, map, reader slots), Corruption, Unsupported, Closed (a failed write
// poisons the store: later calls return that error until it is opened again), and those named
// beside a function.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alert/alert_command.h"
#include "alert/alert_state.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "base/result.h"
#include "engine/backup.h"
#include "engine/merge_policy.h"
#include "engine/retention.h"
#include "engine/stats.h"
#include "model/command.h"
#include "model/message.h"
#include "model/state.h"
#include "model/term_batch.h"
#include "query/rule.h"
#include "query/search.h"
#include "query/view.h"

namespace cairn::engine {

struct StoreOptions {
  bool read_only = false;
  bool create = true;              // make the store when the directory holds none
  uint32_t head_limit = 1u << 18;  // occurrences in memory before a segment is sealed
  uint32_t tail_limit = 1u << 18;  // log records after the last checkpoint before a new one
  // Occurrences that a store as of a moment may hold in memory (about 350 bytes each) when the
  // index cannot serve it; beyond it Exhausted.
  uint32_t memory_limit = 1u << 24;
  // Alert rules are evaluated so long after the time of a tick, an hour at most: what comes so
  // late is counted.
  int64_t alert_delay_us = 10 * kMicrosPerSecond;
  uint32_t close_limit = 1u << 10;  // close() makes a checkpoint if the tail is longer
  MergePolicy merging;              // of sealed segments, in the background
  uint64_t log_file_bytes = 256ull << 20;
  uint64_t index_map_bytes = 1ull << 40;
  uint64_t index_staged_bytes = 2u << 20;  // storage/lmdb_env.h, IndexOptions
  FileSystem* files = nullptr;             // nullptr: the real one; borrowed
  Clock* clock = nullptr;                  // nullptr: the system's; borrowed
};

// A moment of the past: a record number, or a time (everything recorded until then, inclusive).
struct AsOf {
  std::optional<Lsn> lsn;
  std::optional<TimeUs> time;
};

enum class Outcome : uint8_t {
  Stored,     // a record was written
  Duplicate,  // known by its id or key: nothing changed
  NoChange,   // understood, but the state already was as wished
  Reference,  // names an occurrence that is in the store: nothing to do
  Refused,    // `error` says why
};

struct ItemResult {
  Outcome outcome = Outcome::Stored;
  Lsn lsn{};                   // of the record written (Stored)
  std::optional<Error> error;  // Refused
  uint32_t alert_rule = 0;     // that an alert command made or changed (Stored)
};

struct SubmitOptions {
  std::string actor;        // "" = the system
  bool input_time = false;  // record time follows the messages' own times
  // Batches that share one are a sequence, each meant to follow those before it: once one fails as
  // a whole, later ones fail (Conflict) without being applied. nullptr: each for itself.
  std::shared_ptr<std::atomic<bool>> sequence_failed = nullptr;
};

// Messages with the terms of their occurrences, which are best found where the messages are made:
// before the store's one writer is busy with them.
struct PreparedMessages {
  std::vector<model::Message> messages;
  model::TermBatch terms;  // a span for each message, empty for those that are no occurrence
};

struct SubmitResult {
  Lsn lsn{};                      // everything up to here is durable
  std::vector<ItemResult> items;  // one for each message, same order
};

struct ExecuteOptions {
  std::string actor;
  std::string key;  // idempotency key; "" = none
};

struct ExecuteResult {
  Lsn lsn{};
  Outcome outcome = Outcome::Stored;  // Stored, Duplicate or NoChange
};

// What opening found and did; print it when it is worth telling.
struct OpenReport {
  bool created = false;
  uint64_t replayed_records = 0;  // from the log tail
  uint64_t torn_bytes = 0;        // unacknowledged tail cut off after a crash
  std::string torn_file;
  uint64_t torn_offset = 0;
  bool index_rebuilt = false;  // there was no index: all of the log was replayed
};

struct CompactReport {
  uint64_t segments_before = 0;
  uint64_t segments_after = 0;
  uint64_t merged_occurrences = 0;  // rewritten
};

struct ShrinkReport {
  uint64_t file_bytes_before = 0;
  uint64_t file_bytes_after = 0;  // equal: too little of it was free
};

class Store;
// One LSN of everything. Must not outlive the store.
class Snapshot {
 public:
  ~Snapshot();
  Lsn lsn() const;
  const model::State& state() const;
  const alert::AlertState& alerts() const;
  const query::View& view() const;
  model::Forest forest() const { return view().forest(); }
  // The same moment as an experiment groups it; "" = the base. Lives as long as the snapshot.
  // NotFound: no such experiment.
  Result<query::View> view_in(std::string_view experiment) const;
  const Removed& removed() const;                      // what retention took away from it
  void limit_to(std::span<const ProjectId> projects);  // view() finds nothing of others any more

  // See query/search.h.
  Result<query::SearchPage> search(std::string_view text,
                                   const query::SearchOptions& options) const;
  Result<query::Table> aggregate(std::string_view text, const query::SearchOptions& options) const;

  // Matching occurrences in LSN order with their bodies, until fn returns an error.
  struct Event {
    Lsn lsn{};
    model::Occurrence occurrence;
    GroupId issue{};  // visible
    GroupId leaf{};   // own group
  };
  Result<void> for_each_event(std::string_view query, TimeUs now,
                              const std::function<Result<void>(Event&&)>& fn,
                              const query::Control& control = {}) const;

  // The same with an experiment of another moment of the store, as far as its groups are there.
  query::View view_with(const model::Experiment& experiment) const;
  // What a rule finds here, see query/rule.h: in the experiment, when the snapshot is of one.
  Result<query::RuleFindings> evaluate(std::string_view rule, TimeUs now,
                                       const query::Control& control = {}) const;
  // What takes back of a regrouping (a sweep, a promotion, an undo) whatever of it still stands.
  // InvalidArgument: the record is something else.
  Result<model::Regrouping> undo_of(Lsn lsn) const;
  // The fingerprints that decided these occurrences of any project; 0 = no such occurrence here.
  Result<std::vector<FingerprintId>> fingerprints_of(std::span<const Uuid> occurrences) const;

  // NotFound past the end.
  Result<model::Record> record(Lsn lsn) const;
  // Records that belong to a group's own history, oldest first.
  Result<std::vector<std::pair<Lsn, model::Record>>> history(GroupId group, size_t limit) const;

 private:
  friend class Store;
  struct Impl;
  Result<void> look_at(std::string_view experiment);
  explicit Snapshot(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Now and then; total 0 = not known.
using Progress = std::function<void(uint64_t done, uint64_t total)>;

struct RebuildReport {
  uint64_t records = 0;
  Digests digests;
};

struct RestoreReport {
  Uuid store_id;
  Lsn lsn{};      // everything up to here is in the store
  TimeUs made{};  // when the backup was
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t records = 0;
  Digests digests;
};

// What the manifest of a backup says.
struct BackupSummary {
  Uuid store_id;
  Lsn lsn{};
  TimeUs made{};
};

struct VerifyReport {
  std::optional<BackupSummary> backup;  // the directory is one: the log's files alone are checked
  uint64_t log_files = 0;
  uint64_t frames = 0;
  uint64_t records = 0;
  uint64_t log_bytes = 0;
  uint64_t torn_bytes = 0;  // unacknowledged tail; no damage
  uint64_t segments = 0;
  Lsn base{};  // the log begins behind it; 0 = with record 1
  bool deep = false;
  Digests index;                      // of what the index says
  Digests replay;                     // of a replay of the whole log (deep)
  std::vector<std::string> problems;  // empty = sound; each with file and offset or table
};

// What may be queued by submit_later() and not yet be applied.
inline constexpr size_t kMaxQueuedMessages = 1u << 16;

class Store {
 public:
  // Errors: NotFound (no store and create is false, or read_only), Conflict (another process
  // writes: names it; or the directory holds something else), Unsupported (newer format).
  static Result<std::unique_ptr<Store>> open(const std::string& directory,
                                             const StoreOptions& options,
                                             OpenReport* report = nullptr);
  // Read-only, as of a moment, and never changing: from the index, or, where there is none that can
  // be read and reaches back so far, folded in memory from the log. It keeps the index's pages of
  // now from being used again while it lives, and its snapshots take turns. InvalidArgument: an LSN
  // that is not there yet. NotFound: retention removed that past. Conflict: the store is open in
  // this process; ask it by as_of().
  static Result<std::unique_ptr<Store>> open_as_of(const std::string& directory, const AsOf& moment,
                                                   const StoreOptions& options,
                                                   const Progress& progress = nullptr);
  // The same beside an open store, which it may outlive: until then no other of this process can
  // open the directory.
  Result<std::unique_ptr<Store>> as_of(const AsOf& moment,
                                       const Progress& progress = nullptr) const;
  ~Store();  // closes
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Validated messages in order; each is stored, known already or refused on its own. Returns when
  // all that was stored is durable.
  Result<SubmitResult> submit(std::vector<model::Message> messages, const SubmitOptions& options);
  // InvalidArgument: terms do not go with messages.
  Result<SubmitResult> submit(PreparedMessages prepared, const SubmitOptions& options);
  // The same without waiting for the answer, for who has the next batch to make meanwhile. Batches
  // are applied in the order of these calls; writes that somebody waits for go before those that
  // are queued. close() answers all. Waits while many are queued (kMaxQueuedMessages). Who holds
  // many Snapshots must not wait: the writer may be waiting for these.
  std::future<Result<SubmitResult>> submit_later(PreparedMessages prepared,
                                                 const SubmitOptions& options);
  // InvalidArgument, NotFound, Conflict: from decide(). A split without faces gets them here.
  Result<ExecuteResult> execute(const model::Command& command, const ExecuteOptions& options);

  // Of alert rules and incidents, one after the other: each is done, changes nothing or is refused
  // for itself, as messages of submit(). New rules are evaluated once their windows are filled,
  // which happens in the background, see fill_alerts().
  Result<SubmitResult> execute(std::span<const alert::AlertCommand> commands,
                               const ExecuteOptions& options);
  // Returns when no alert rule waits for its windows any more. `progress`: of different
  // evaluations.
  Result<void> fill_alerts(const Progress& progress = nullptr);
  // `with_memory`: also that, which takes a while with many rules.
  AlertFigures alert_figures(bool with_memory = true) const;
  // Why an alert rule cannot be evaluated; "" = it can, or need not be.
  std::string alert_trouble(uint32_t rule) const;

  // Lets everything happen that time alone brings by now (docs/semantics.md, "Ticks"): a write does
  // so too, once a minute at most; who only reads sees what the last one left. NoChange: none due.
  Result<ExecuteResult> tick();
  // The same as a write does it: rules are evaluated, the rest happens once a minute at most. For
  // who looks every few seconds.
  Result<ExecuteResult> tick_if_due();

  // Of an experiment: what its forest shows. NotFound: no such.
  Result<std::unique_ptr<Snapshot>> snapshot(std::string_view experiment = {}) const;
  // The moment a cursor of search() or issue_events() is of; "" = now. Snapshots of a past take
  // turns: two of them in one thread, beside another such thread, may wait for each other.
  // Errors: of query::decode_pin; Unsupported: no key for cursors; Conflict: a later LSN than this.
  Result<std::unique_ptr<Snapshot>> snapshot_for(std::string_view cursor,
                                                 std::string_view experiment = {}) const;
  Result<bool> has_occurrence(ProjectId project, const Uuid& id) const;

  // Seals the head and writes everything applied so far to the index.
  Result<void> checkpoint();
  // The same, then merges neighbours as far as MergePolicy::max_rows lets them. Writers go on.
  Result<CompactReport> compact();
  // Makes the log end in order; checkpoints when worth it. The store accepts nothing afterwards.
  Result<void> close();

  // Copies the log up to its present end into `destination`, another directory, which grows from
  // one backup to the next: what is there is not copied again. Writers go on. A backup that was cut
  // short leaves the one before valid. Conflict: it holds other things, or bytes lost here since.
  Result<BackupReport> backup(const std::string& destination,
                              const Progress& progress = nullptr) const;
  // The same without opening the store: needs no index and no lock.
  static Result<BackupReport> backup(const std::string& directory, const std::string& destination,
                                     const StoreOptions& options,
                                     const Progress& progress = nullptr);
  // Makes a store in a new or empty directory of a backup, checking every byte: the same store,
  // with the same id. Conflict: the directory is not empty. Corruption: names the file of the
  // backup.
  static Result<RestoreReport> restore(const std::string& source, const std::string& directory,
                                       const StoreOptions& options,
                                       const Progress& progress = nullptr);

  // Removes what the policy lets go: whole segments and log files, the oldest first. Writes go on
  // meanwhile; what stands for the removed records is made by folding the log up to them.
  Result<RetentionReport> retain(const RetentionPolicy& policy, const Progress& progress = nullptr);

  Result<Digests> digests() const;
  // `with_digests`: reads every posting and dictionary value, which takes its time.
  Result<Stats> stats(bool with_digests = false) const;

  // Every record from `from` on, in order, until fn returns an error.
  Result<void> for_each_record(
      Lsn from, const std::function<Result<void>(Lsn, const model::Record&)>& fn) const;

  // The same without opening the store, up to a damaged place.
  static Result<void> read_log(const std::string& directory, const StoreOptions& options, Lsn from,
                               const std::function<Result<void>(Lsn, const model::Record&)>& fn);

  // Folds the log into a new index beside the old one, damaged or none; then swaps, under the lock.
  static Result<RebuildReport> rebuild(const std::string& directory, const StoreOptions& options,
                                       const Progress& progress = nullptr);
  // Copies the index without its free pages, beside the old one, then swaps, when at least a
  // quarter of it is free. Takes the writer's lock; readers keep what they have open.
  static Result<ShrinkReport> shrink(const std::string& directory, const StoreOptions& options);
  // Reads every byte of the log and checks every checksum of the index; deep: also replays the log
  // and compares digests. Takes no lock; run it beside a quiet store.
  static Result<VerifyReport> verify(const std::string& directory, bool deep,
                                     const StoreOptions& options,
                                     const Progress& progress = nullptr);

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::engine
