// The store's inside, shared by the files that implement it. Not part of the embedding API.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/alerting.h"
#include "engine/cursor_key.h"
#include "engine/fold_versions.h"
#include "engine/log_base.h"
#include "engine/merge_policy.h"
#include "engine/overlay_cache.h"
#include "engine/past_cache.h"
#include "engine/record_log.h"
#include "engine/root_cache.h"
#include "engine/store.h"
#include "engine/store_layout.h"
#include "engine/worker.h"
#include "query/cursor.h"
#include "storage/checkpoint.h"
#include "storage/lmdb_env.h"
#include "storage/segment.h"
#include "storage/undo.h"

namespace cairn::engine {

// The sealed segments of one checkpoint. Shared by the snapshots taken until the next one.
struct SealedIndex {
  std::unique_ptr<storage::ReadTxn> txn;  // the parts lie in its map
  std::vector<std::unique_ptr<storage::Part>> parts;
};
// Without segments of records up to `base`: retention removed them, even if the index does not
// know.
Result<std::shared_ptr<SealedIndex>> open_sealed(storage::LmdbEnv& env,
                                                 bool verify_checksums = false, Lsn base = {});
storage::IndexOptions options_of_index(const StoreOptions& options, bool read_only);
// How much of the log the index holds as a transaction sees it; 0 without one.
Result<Lsn> indexed_by(const storage::ReadTxn* txn);

// A transaction to read with, at the same LSN as the state. A writing store begins one for each
// answer; a reading one has to keep to that of its checkpoint, because the writing process may have
// made others since, and lends it to one thread at a time.
struct TxnLease {
  std::unique_ptr<storage::ReadTxn> own;
  std::unique_lock<std::recursive_mutex> turn;
  const storage::ReadTxn* txn = nullptr;  // nullptr: all in memory
};

enum class TickWish : uint8_t {
  None,
  All,
  IfDue,  // as a write does it
};

// One caller's write, waiting to be served.
//
// Ownership: its caller waits for it, or, with a promise, the queue owns it.
struct WriteRequest {
  PreparedMessages own_messages;  // of one with a promise
  SubmitOptions own_options;
  std::optional<std::promise<Result<SubmitResult>>> promise;

  PreparedMessages* prepared = nullptr;  // either these
  const SubmitOptions* submit = nullptr;
  const model::Command* command = nullptr;              // or this
  std::span<const alert::AlertCommand> alert_commands;  // or these
  const ExecuteOptions* execute = nullptr;
  TickWish tick = TickWish::None;  // or what is due

  std::vector<ItemResult> items;
  std::optional<Error> error;  // the whole request failed
  Lsn lsn{};
  std::condition_variable answered;
  bool done = false;

  Result<SubmitResult> result() {
    if (error) return *std::move(error);
    return SubmitResult{lsn, std::move(items)};
  }
};

struct RetentionChoice;  // retention.cc

// Whether the record was made after the moment (replay.cc).
bool is_after(const AsOf& moment, Lsn lsn, const model::Record& record);

struct Store::Impl {
  Impl(std::string directory, const StoreOptions& store_options);

  StoreLayout layout;
  StoreOptions options;
  std::unique_ptr<FileSystem> own_files;
  SystemClock own_clock;
  FileSystem* files = nullptr;
  Clock* clock = nullptr;

  std::unique_ptr<FileLock> lock;
  // Shared with the stores as of a moment that this one made. nullptr: all in memory (as of a
  // moment without an index).
  std::shared_ptr<storage::LmdbEnv> env;
  std::unique_ptr<RecordLog> log;
  storage::CheckpointMeta meta;
  CursorKey cursor_key;

  // What who changes anything of the store's state holds: nobody else changes it, and nobody reads
  // it but of an older version (FoldVersions).
  class StateLock {
   public:
    explicit StateLock(Impl& impl) : impl_(impl) { lock(); }
    void lock();
    void unlock();

   private:
    Impl& impl_;
    std::unique_lock<std::mutex> turn_;  // released last
    std::unique_lock<std::shared_mutex> state_;
  };
  // Guards everything below: shared for reading, exclusive for writing (StateLock). Held through
  // the sync, so that nothing is visible before it is durable. Snapshots take it only to begin
  // with: what they read then is a version of the fold that they hold.
  mutable std::shared_mutex state_mutex;
  std::mutex state_turn;  // taken first by who changes something: a copy takes a while
  // Who is not writing takes the lock here, so that writers make room (write_queue.cc).
  std::shared_lock<std::shared_mutex> lock_for_reading() const;
  StateLock lock_alone();
  mutable std::atomic<int> others_waiting = 0;
  FoldVersions folds;
  Materializer& fold() { return folds.newest(); }
  const Materializer& fold() const { return folds.newest(); }
  // The tail of the last checkpoint. Emptying it takes a while: the sealer does it, without the
  // lock, and the next but one checkpoint uses its memory again.
  std::shared_ptr<Tail> retired;
  std::shared_ptr<SealedIndex> sealed;
  std::shared_ptr<const LogBase> base;  // nullptr: the log begins with record 1
  std::optional<Error> poisoned;
  bool closed = false;
  bool past = false;                   // as of a moment: nothing changes any more
  bool log_ended = false;              // replay came to the end of the log
  std::vector<model::Record> pending;  // applied, not yet appended
  size_t pending_bytes = 0;
  // Records that may hold an occurrence of the running batch already, by message index, and the
  // index they were found in.
  std::vector<std::pair<uint32_t, Lsn>> known_candidates;
  std::shared_ptr<const SealedIndex> looked_up_in;

  mutable std::recursive_mutex txn_turn;  // see TxnLease
  std::mutex retention_turn;              // one retention at a time

  // --- alerts: all but `alerting` itself the writer's own, but for those of filling ---
  Alerting alerting;
  bool alerts_at_work = false;           // not in a past, or while what is old is folded again
  bool replayed = false;                 // what was folded may be looked at from other threads
  TimeUs next_alert_look{};              // no tick is due before
  std::vector<model::Term> alert_terms;  // of the occurrence at hand
  const model::TermBatch* batch_terms = nullptr;  // where the terms of `pending`'s last are
  size_t batch_index = 0;
  std::mutex fill_turn;  // one fills at a time
  std::atomic<bool> filling_posted = false;
  std::atomic<bool> filling_cancelled = false;

  mutable RootCache roots;
  mutable OverlayCache overlays;
  mutable PastCache pasts{options.clock};  // by default it measures ages by a steady clock

  // Of (project, release), by hash: those whose occurrences were seen here. The writer's own.
  std::unordered_set<uint64_t> releases_met;

  std::mutex queue_mutex;                 // guards what follows, but for `taken`
  std::deque<WriteRequest*> queue;        // whose callers wait: served first
  std::deque<WriteRequest*> queue_later;  // with a promise
  std::condition_variable queue_changed;  // there is more to serve, or to answer
  size_t queued_messages = 0;             // of those with a promise
  std::condition_variable queue_taken;
  std::deque<WriteRequest*> unanswered;  // taken from the queue, in its order
  bool serving = false;                  // a thread does, or the writer will
  bool log_failed = false;               // what is unanswered, it will not answer
  std::vector<WriteRequest*> taken;      // those applied together; of who serves

  // What the sealer left: the index as its newest transaction made it, or why there is none.
  struct Sealed {
    storage::CheckpointMeta meta;
    std::shared_ptr<SealedIndex> index;
  };
  std::mutex outcome_mutex;
  std::optional<Result<Sealed>> outcome;
  std::shared_ptr<Tail> spare;  // empty; under outcome_mutex
  bool merging_failed = false;  // the sealer's own: what failed once is left until reopened
  // Last, so that they end before what they use; who writes uses the sealer.
  Worker sealer{"cairn-seal", 1};
  Worker write_worker{"cairn-write", 1};
  Worker filler{"cairn-alerts", 1};

  // --- opening (store.cc) ---
  Result<void> open_for_writing(OpenReport& report);
  Result<void> start_threads();
  Result<void> open_for_reading(OpenReport& report);
  Result<void> load_checkpoint(bool* fresh);
  // Runs `read`, and beside it looks at the checksums of all segments: once per opening, so that no
  // query ever reads damage.
  Result<void> read_with_checksums(const std::function<Result<void>()>& read);
  Result<void> load_state(const storage::CheckpointMeta& found);
  // --- replay (replay.cc) ---
  // Folds the log after the checkpoint, sealing on the way when `seal`. Stops after `until`.
  Result<uint64_t> replay_tail(bool seal, const AsOf& until, const Progress& progress);
  Result<bool> fold_frame(const DecodedFrame& frame, const AsOf& until);
  // Corruption: the log leaves records out; or it ends before what had been acknowledged.
  Result<void> check_is_next(Lsn lsn) const;
  Result<void> check_log_is_whole() const;
  // --- as of a moment (past.cc) ---
  // `make`: with the key for cursors; `index`: nullptr = without.
  static Result<std::unique_ptr<Store>> open_past(
      const std::function<std::unique_ptr<Impl>()>& make, std::shared_ptr<storage::LmdbEnv> index,
      const AsOf& moment, const Progress& progress);
  // False: the index does not know of it; nothing was read then.
  Result<bool> begin_with_index(const AsOf& moment, const Progress& progress);
  Result<void> begin_with_past(const storage::PastCheckpoint& from, const AsOf& moment,
                               const Progress& progress);
  Result<void> follow_until(const AsOf& moment, const Progress& progress);
  Result<void> cut_segments();
  // The moment of a list that was begun before this store moved on. Errors: as snapshot_for.
  Result<std::shared_ptr<const Store>> past_of(const Store& store,
                                               const query::CursorPin& pin) const;
  // --- writing (write_queue.cc) ---
  void write(WriteRequest& request);
  std::future<Result<SubmitResult>> write_later(std::unique_ptr<WriteRequest> request);
  void go_on_serving();
  void serve(bool all);
  bool take_requests();
  Result<void> run_in_sequence(WriteRequest& request, StateLock& state_lock);
  void serve_taken(StateLock& state_lock, bool all);
  Result<void> wait_for_room(StateLock& state_lock);
  void note_failed_log();
  void answer_oldest(size_t count);
  void answer_all(const Result<void>& shared);
  static void answer(WriteRequest* request, const Result<void>& shared);
  Result<void> let_others_in(StateLock& state_lock);
  Result<void> run(WriteRequest& request, StateLock& state_lock);
  Result<void> complete(const model::Command& command,
                        Result<std::optional<model::RecordBody>>& decided);
  Result<void> run_messages(WriteRequest& request, StateLock& state_lock);
  Result<ItemResult> run_message(PreparedMessages& prepared, size_t index,
                                 const SubmitOptions& how);
  Result<ItemResult> run_operation(const model::WorkflowOp& op, TimeUs time,
                                   const SubmitOptions& how);
  Result<ItemResult> store_occurrence(PreparedMessages& prepared, size_t index, TimeUs time,
                                      const std::string& actor);
  Result<ItemResult> store_fact(Result<std::optional<model::RecordBody>>&& decided, TimeUs time,
                                const std::string& actor, const Hash128& key);
  Result<Lsn> apply_pending();
  Result<std::vector<model::AlertFired>> apply_last();
  void hand_over_pending();
  Result<void> sync_pending();
  void give_up();
  Result<void> check_writable() const;
  Result<void> check_readable() const;
  void poison(const Error& error);
  TimeUs record_time(std::optional<double> input_seconds, bool input_time) const;
  // The checkpoint's transaction, for the writer alone (exclusive lock held).
  const storage::ReadTxn* write_txn() const { return sealed ? sealed->txn.get() : nullptr; }
  Result<bool> knows_occurrence(ProjectId project, const Uuid& id,
                                const storage::ReadTxn* txn) const;
  Result<bool> is_occurrence(Lsn lsn, ProjectId project, const Uuid& id,
                             const storage::ReadTxn* txn) const;
  // The same as knows_occurrence for the batch's message `index`, after look_up_ids().
  Result<bool> batch_knows(size_t index, const model::Occurrence& occurrence) const;
  std::vector<uint64_t> look_up_ids(const std::vector<model::Message>& messages);
  Result<bool> knows_key(const Hash128& key) const;
  // --- alerts (alert_ticking.cc) ---
  AlertFold alert_fold() { return {fold().alerts(), fold().state()}; }
  // Rules begin to work with what was folded so far.
  Result<void> load_alerts();
  std::span<const model::Term> terms_of(const model::TermBatch& batch, size_t index);
  // The record was folded. Returns what is to be logged about it. `batch`: where the terms of its
  // occurrence are.
  std::vector<model::AlertFired> note_for_alerts(const model::Record& record, Lsn lsn,
                                                 const model::Applied& applied,
                                                 const model::TermBatch* batch, size_t index);
  Result<void> tick_alerts_if_due(TimeUs time, bool all);
  Result<void> tick_alerts(TimeUs tick, const Alerting::Ticks& ticks, TimeUs time);
  Result<void> run_alert_commands(WriteRequest& request, StateLock& state_lock);
  void fill_alerts_later();
  Result<void> fill_alerts(const Progress& progress = nullptr);
  Result<bool> fill_one();
  Result<std::unique_ptr<Snapshot>> snapshot_of_now() const;
  // --- facts of the store itself (ticking.cc) ---
  // `all`: as tick_alerts_if_due.
  Result<void> tick_if_due(TimeUs time, bool all);
  Result<void> tick(TimeUs time);
  Result<void> run_tick(WriteRequest& request);
  Result<ExecuteResult> write_tick(TickWish wish);
  std::vector<uint32_t> ceilings_of(GroupId group, TimeUs time) const;
  // Of an issue that is archived until it escalates.
  void add_forecast(model::RecordBody& body, TimeUs time) const;
  Result<void> register_release(const PreparedMessages& prepared, size_t index, ProjectId project,
                                TimeUs time);
  // --- checkpoints (sealing.cc) ---
  // Whether the head or the tail of the log is long enough for a checkpoint, `times` over.
  bool checkpoint_due(uint32_t times = 1) const;
  // Begins a checkpoint in the background. Precondition: everything applied is durable in the log,
  // and none is under way.
  void start_checkpoint();
  Result<Sealed> seal(const FrozenTail& frozen, const storage::RowBuffer& windows,
                      const storage::Dictionary& dictionary, const storage::CheckpointMeta& next,
                      const std::vector<storage::FrameMark>& frames);
  // Merges the segments that `choose` names among all; nullopt: none.
  using ChooseSegments =
      std::function<std::vector<storage::SegmentId>(std::span<const storage::SegmentInfo>)>;
  Result<std::optional<Sealed>> merge_some(const ChooseSegments& choose);
  void merge_in_background();
  void clear_after_failed_merge();
  Result<uint64_t> merge_fully();  // returns how many occurrences were rewritten
  void leave(Result<Sealed> result);
  void empty_and_keep(const std::shared_ptr<Tail>& used);
  // Takes over what the sealer did meanwhile. Nothing to do is success.
  Result<void> adopt_checkpoint();
  // Waits for the one under way and takes it over.
  Result<void> finish_checkpoint();
  // Everything applied is in the index afterwards. Precondition: it is durable in the log.
  Result<void> make_checkpoint();
  // --- retention (retention.cc) ---
  Lsn base_lsn() const;
  Result<RetentionChoice> choose_removal(const RetentionPolicy& policy, uint64_t& kept) const;
  // Takes the newest base of the log, if it has one.
  Result<void> read_base();
  // What is folded begins with the base: in an index without a checkpoint, or in memory alone.
  Result<void> begin_index_with_base();
  Result<void> begin_memory_with_base();
  // NotFound: the moment lies before the base.
  Result<void> check_is_kept(const AsOf& moment) const;
  Result<void> finish_retention();
  Result<void> drop_behind_base();
  Result<void> install_base(LogBaseWriter& writer, Lsn last);
  // --- maintenance (store_maintenance.cc) ---
  Result<RebuildReport> fold_all(const std::string& directory, const AsOf& until,
                                 const Progress& progress);
  static Result<Digests> digests_of(const Snapshot::Impl& snapshot);
  Result<Digests> digests_of_now() const;  // while nobody folds
  // --- reading (snapshot.cc) ---
  // Precondition: state_mutex is held. Exhausted: no reader slot is free.
  Result<std::unique_ptr<Snapshot>> take_snapshot() const;
  std::vector<const storage::Part*> parts() const;
  // Precondition: state_mutex is held. Exhausted: no reader slot is free.
  Result<TxnLease> lease_txn() const;
};

struct Snapshot::Impl : query::IdReader {
  ~Impl() override;
  Result<bool> has_id(Lsn lsn, const Uuid& id) const override;

  // Of a list that was begun in the past: what the rest is of. First, so that it goes last.
  std::shared_ptr<const Store> store;
  FoldVersions::Hold hold;
  RecordLog* log = nullptr;
  RootCache* root_cache = nullptr;
  OverlayCache* overlays = nullptr;
  Removed removed;
  std::shared_ptr<SealedIndex> sealed;
  TxnLease lease;
  std::vector<const storage::Part*> parts;
  std::shared_ptr<const RootCache::Roots> roots;
  std::vector<OverlayCache::Grouping> groupings;  // what views of experiments point into
  query::CursorSeal seal;
  query::View base;
  query::View view;
  std::vector<ProjectId> only;  // of limit_to(): what `view` points into then
};

}  // namespace cairn::engine
