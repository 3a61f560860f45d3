// The store's inside, shared by the files that implement it. Not part of the embedding API.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "engine/materializer.h"
#include "engine/record_log.h"
#include "engine/store.h"
#include "engine/store_layout.h"
#include "storage/checkpoint.h"
#include "storage/lmdb_env.h"
#include "storage/segment.h"

namespace cairn::engine {

// The sealed segments of one checkpoint. Shared by the snapshots taken until the next one.
struct SealedIndex {
  std::unique_ptr<storage::ReadTxn> txn;  // the parts lie in its map
  std::vector<std::unique_ptr<storage::Part>> parts;
};
Result<std::shared_ptr<SealedIndex>> open_sealed(storage::LmdbEnv& env,
                                                 bool verify_checksums = false);

// A transaction to read with, at the same LSN as the state. A writing store begins one for each
// answer; a reading one has to keep to that of its checkpoint, because the writing process may have
// made others since, and lends it to one thread at a time.
struct TxnLease {
  std::unique_ptr<storage::ReadTxn> own;
  std::unique_lock<std::recursive_mutex> turn;
  const storage::ReadTxn* txn = nullptr;  // nullptr: all in memory
};

// One caller's write, waiting for the leader to do it.
struct WriteRequest {
  std::vector<model::Message>* messages = nullptr;  // either these
  const SubmitOptions* submit = nullptr;
  const model::Command* command = nullptr;  // or this
  const ExecuteOptions* execute = nullptr;

  std::vector<ItemResult> items;
  std::optional<Error> error;  // the whole request failed
  Lsn lsn{};
  bool done = false;
};

struct Store::Impl {
  Impl(std::string directory, const StoreOptions& store_options);

  StoreLayout layout;
  StoreOptions options;
  std::unique_ptr<FileSystem> own_files;
  SystemClock own_clock;
  FileSystem* files = nullptr;
  Clock* clock = nullptr;

  std::unique_ptr<FileLock> lock;
  std::unique_ptr<storage::LmdbEnv> env;  // nullptr: in memory (as of a moment)
  std::unique_ptr<RecordLog> log;
  storage::CheckpointMeta meta;

  // Guards everything below: shared for reading, exclusive for writing. Held through the sync, so
  // that nothing is visible before it is durable.
  mutable std::shared_mutex state_mutex;
  Materializer fold;
  std::shared_ptr<SealedIndex> sealed;
  std::optional<Error> poisoned;
  bool closed = false;
  std::vector<model::Record> pending;  // applied, not yet appended
  size_t pending_bytes = 0;

  mutable std::recursive_mutex txn_turn;  // see TxnLease

  // The small array that merges change, made when first asked for after a change.
  mutable std::mutex roots_mutex;
  mutable std::shared_ptr<const std::vector<GroupId>> roots;
  mutable uint64_t roots_version = 0;

  std::mutex queue_mutex;
  std::condition_variable queue_changed;
  std::deque<WriteRequest*> queue;
  bool leading = false;

  // --- opening (store.cc) ---
  Result<void> open_for_writing(OpenReport& report);
  Result<void> open_for_reading(OpenReport& report);
  Result<void> load_checkpoint(bool* fresh);
  // --- replay (replay.cc) ---
  // Folds the log after the checkpoint, sealing on the way when `seal`. Stops after `until`.
  Result<uint64_t> replay_tail(bool seal, const AsOf& until, const Progress& progress);
  // --- writing (write_queue.cc) ---
  void write(WriteRequest& request);
  void lead(std::deque<WriteRequest*>& batch);
  Result<void> run(WriteRequest& request);
  Result<void> run_message(model::Message& message, WriteRequest& request);
  Result<ItemResult> store_occurrence(model::Occurrence&& occurrence, TimeUs time,
                                      const std::string& actor);
  Result<ItemResult> store_fact(Result<std::optional<model::RecordBody>>&& decided, TimeUs time,
                                const std::string& actor, const Hash128& key);
  Result<Lsn> add_record(model::Record&& record);
  Result<void> flush_pending();
  Result<void> sync_pending();
  Result<void> make_checkpoint();
  Result<void> check_writable() const;
  Result<void> check_readable() const;
  void poison(const Error& error);
  TimeUs record_time(std::optional<double> input_seconds, bool input_time) const;
  // The checkpoint's transaction, for the writer alone (exclusive lock held).
  const storage::ReadTxn* write_txn() const { return sealed ? sealed->txn.get() : nullptr; }
  Result<bool> knows_occurrence(ProjectId project, const Uuid& id,
                                const storage::ReadTxn* txn) const;
  Result<bool> knows_key(const Hash128& key) const;
  // --- maintenance (store_maintenance.cc) ---
  Result<RebuildReport> fold_all(const std::string& directory, const AsOf& until,
                                 const Progress& progress);
  Result<Digests> digests_with(const storage::ReadTxn* txn) const;
  // --- reading (snapshot.cc) ---
  std::shared_ptr<const std::vector<GroupId>> current_roots() const;
  std::vector<const storage::Part*> parts() const;
  // Precondition: state_mutex is held. Exhausted: no reader slot is free.
  Result<TxnLease> lease_txn() const;
};

}  // namespace cairn::engine
