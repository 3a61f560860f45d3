// Writing: callers queue up, one of them leads and does everybody's work with one fdatasync.
#include <fmt/format.h>

#include <algorithm>

#include "base/time_format.h"
#include "engine/store_impl.h"

namespace cairn::engine {
namespace {

// Records of one frame, before compression. Small enough that reading one occurrence back
// decompresses little, large enough to compress well (docs/benchmarks.md).
constexpr size_t kFrameBytes = 128u << 10;

// How often a batch looks whether somebody waits to read: every 0.1 ms or so.
constexpr size_t kMessagesBetweenLooks = 64;

size_t estimated_bytes(const model::Record& record) {
  size_t bytes = 256;
  if (const auto* occurrence = std::get_if<model::Occurrence>(&record.body)) {
    bytes += occurrence->event.size() + occurrence->evidence_data.size() +
             occurrence->evidence_display.size() + occurrence->extra.size();
    if (occurrence->title) bytes += occurrence->title->size();
    if (occurrence->subtitle) bytes += occurrence->subtitle->size();
  } else if (const auto* activity = std::get_if<model::ActivityAdded>(&record.body)) {
    bytes += activity->data.size();
  }
  return bytes;
}

// Idempotency keys. Prefixes keep the kinds apart.
Hash128 key_of(const model::WorkflowOp& op) { return hash128("op:" + op.line); }

Hash128 key_of(const model::StatusChangeMessage& message) {
  const std::string project = std::to_string(raw(message.project));
  if (message.id) return hash128("status:" + project + ":" + *message.id);
  // Without an id only a time tells a repeated message from a repeated change.
  if (!message.update_time) return {};
  std::string text =
      fmt::format("status-at:{}:{}:{}:{}", project, *message.update_time,
                  static_cast<int>(message.status), static_cast<int>(message.substatus));
  for (const auto& fingerprint : message.fingerprint) text += ":" + fingerprint;
  return hash128(text);
}

ItemResult refused(Error error) { return {Outcome::Refused, {}, std::move(error)}; }

}  // namespace

void Store::Impl::write(WriteRequest& request) {
  std::unique_lock queue_lock(queue_mutex);
  queue.push_back(&request);
  queue_changed.wait(queue_lock, [&] { return request.done || !leading; });
  if (request.done) return;
  leading = true;
  std::deque<WriteRequest*> batch;
  batch.swap(queue);
  queue_lock.unlock();
  const auto finish = [&] {
    queue_lock.lock();
    for (WriteRequest* served : batch) served->done = true;
    leading = false;
    queue_changed.notify_all();
  };
  try {
    lead(batch);
  } catch (...) {  // out of memory: what was applied may be half done, and others wait
    const Error broken = make_error(ErrorCode::Internal, "a write ended in an exception");
    {
      const std::unique_lock state_lock(state_mutex);
      poison(broken);
    }
    for (WriteRequest* served : batch) served->error = broken;
    finish();
    throw;
  }
  finish();
}

void Store::Impl::lead(std::deque<WriteRequest*>& batch) {
  std::unique_lock state_lock(state_mutex);
  Result<void> shared = adopt_checkpoint();
  // Back-pressure: while the head before this one is still being sealed, this one may grow to
  // twice its size and no further. Readers go on meanwhile.
  while (shared.ok() && fold.frozen() != nullptr && checkpoint_due(2)) {
    state_lock.unlock();
    sealer.wait_idle();
    state_lock.lock();
    shared = adopt_checkpoint();
  }
  // A request that fails on its own leaves the others alone; what poisons the store fails all.
  if (shared.ok()) shared = check_writable();
  for (WriteRequest* request : batch) {
    if (!shared.ok()) break;
    if (auto done = run(*request, state_lock); !done.ok()) request->error = done.error();
    if (poisoned) shared = *poisoned;
  }
  if (shared.ok()) {
    shared = sync_pending();
  } else {
    // Nothing may be under way once the state is unlocked.
    [[maybe_unused]] const auto ignored = log ? log->settle() : Result<void>();
  }
  if (shared.ok() && fold.frozen() == nullptr && checkpoint_due()) start_checkpoint();
  for (WriteRequest* request : batch) {
    request->lsn = fold.applied();
    if (!shared.ok()) request->error = shared.error();
  }
}

// A batch may be thousands of messages long, and who asks a question in the middle of it shall not
// wait for its end: what was done so far becomes durable and visible, then the rest goes on.
Result<void> Store::Impl::let_readers_in(std::unique_lock<std::shared_mutex>& state_lock) {
  if (waiting_readers.load(std::memory_order_relaxed) == 0) return {};
  CAIRN_TRY(sync_pending());
  state_lock.unlock();
  state_lock.lock();
  return check_writable();
}

std::shared_lock<std::shared_mutex> Store::Impl::lock_for_reading() const {
  ++waiting_readers;
  std::shared_lock reading(state_mutex);
  --waiting_readers;
  return reading;
}

Result<void> Store::Impl::run(WriteRequest& request,
                              std::unique_lock<std::shared_mutex>& state_lock) {
  if (request.command != nullptr) {
    const ExecuteOptions& how = *request.execute;
    const Hash128 key = how.key.empty() ? Hash128{} : hash128("command:" + how.key);
    CAIRN_TRY_ASSIGN(ItemResult item, store_fact(model::decide(fold.state(), *request.command),
                                                 record_time(std::nullopt, false), how.actor, key));
    request.items.push_back(std::move(item));
    return {};
  }
  return run_messages(request, state_lock);
}

Result<void> Store::Impl::run_messages(WriteRequest& request,
                                       std::unique_lock<std::shared_mutex>& state_lock) {
  fold.begin_batch();
  look_up_ids(request.prepared->messages);
  for (size_t i = 0; i < request.prepared->messages.size(); ++i) {
    CAIRN_TRY_ASSIGN(ItemResult item, run_message(*request.prepared, i, *request.submit));
    request.items.push_back(std::move(item));
    if (i % kMessagesBetweenLooks == 0) CAIRN_TRY(let_readers_in(state_lock));
  }
  return {};
}

Result<ItemResult> Store::Impl::run_message(PreparedMessages& prepared, size_t index,
                                            const SubmitOptions& how) {
  const model::Message& message = prepared.messages[index];
  const TimeUs time = record_time(model::message_time(message), how.input_time);
  if (std::holds_alternative<model::Occurrence>(message)) {
    return store_occurrence(prepared, index, time, how.actor);
  }
  if (const auto* change = std::get_if<model::StatusChangeMessage>(&message)) {
    return store_fact(model::decide(fold.state(), *change), time, how.actor, key_of(*change));
  }
  return run_operation(std::get<model::WorkflowOp>(message), time, how);
}

Result<ItemResult> Store::Impl::run_operation(const model::WorkflowOp& op, TimeUs time,
                                              const SubmitOptions& how) {
  if (op.op != "occurrence") {
    const std::string& actor = op.actor.empty() ? how.actor : op.actor;
    return store_fact(model::decide(fold.state(), op), time, actor, key_of(op));
  }
  CAIRN_TRY_ASSIGN(const bool known, knows_occurrence(op.project, *op.occurrence, write_txn()));
  if (known) return ItemResult{Outcome::Reference, {}, std::nullopt};
  return refused(make_error(ErrorCode::NotFound,
                            fmt::format("project {} has no occurrence {}: import the file that "
                                        "holds it along with this one",
                                        raw(op.project), op.occurrence->dashed())));
}

Result<ItemResult> Store::Impl::store_occurrence(PreparedMessages& prepared, size_t index,
                                                 TimeUs time, const std::string& actor) {
  auto& occurrence = std::get<model::Occurrence>(prepared.messages[index]);
  CAIRN_TRY_ASSIGN(const bool known, batch_knows(index, occurrence));
  if (known) return ItemResult{Outcome::Duplicate, {}, std::nullopt};
  if (auto admitted = model::admit(fold.state(), occurrence); !admitted.ok()) {
    return refused(std::move(admitted).error());
  }
  if (auto interned = fold.prepare(prepared.terms, index); !interned.ok()) {
    // A full dictionary refuses the one occurrence; a failing disk is everybody's trouble.
    if (interned.error().code != ErrorCode::Exhausted) return interned.error();
    return refused(std::move(interned).error());
  }
  model::Record record;
  record.time = time;
  record.actor = actor;
  record.body = std::move(occurrence);
  CAIRN_TRY_ASSIGN(const Lsn lsn, add_record(std::move(record)));
  return ItemResult{Outcome::Stored, lsn, std::nullopt};
}

Result<ItemResult> Store::Impl::store_fact(Result<std::optional<model::RecordBody>>&& decided,
                                           TimeUs time, const std::string& actor,
                                           const Hash128& key) {
  CAIRN_TRY_ASSIGN(const bool known, knows_key(key));
  if (known) return ItemResult{Outcome::Duplicate, {}, std::nullopt};
  if (!decided.ok()) return refused(std::move(decided).error());
  const bool changes = decided->has_value();
  if (!changes && key == Hash128{}) return ItemResult{Outcome::NoChange, {}, std::nullopt};
  model::Record record;
  record.time = time;
  record.actor = actor;
  record.key = key;
  record.body = changes ? *std::move(*decided) : model::NothingChanged{};
  CAIRN_TRY_ASSIGN(const Lsn lsn, add_record(std::move(record)));
  return ItemResult{changes ? Outcome::Stored : Outcome::NoChange, lsn, std::nullopt};
}

Result<Lsn> Store::Impl::add_record(model::Record&& record) {
  const Lsn lsn = next(fold.applied());
  if (auto applied = fold.apply(record, lsn); !applied.ok()) {
    // It was decided against this very state: the bug is ours, nothing on disk is damaged.
    poison(make_error(ErrorCode::Internal,
                      "a decided record does not fit the state: " + applied.error().message));
    return *poisoned;
  }
  pending_bytes += estimated_bytes(record);
  pending.push_back(std::move(record));
  if (pending_bytes >= kFrameBytes) hand_over_pending();
  // Usually a checkpoint begins between batches; one batch may be longer than the head, though.
  if (checkpoint_due(2)) {
    CAIRN_TRY(finish_checkpoint());
    CAIRN_TRY(sync_pending());
    start_checkpoint();
  }
  return lsn;
}

// A whole frame: another thread writes it while this one makes the next.
void Store::Impl::hand_over_pending() {
  const size_t count = pending.size();
  log->append(std::exchange(pending, {}));
  pending.reserve(count);
  pending_bytes = 0;
}

Result<void> Store::Impl::sync_pending() {
  Result<void> synced;
  if (!pending.empty()) synced = log->append_now(pending);
  pending.clear();
  pending_bytes = 0;
  if (synced.ok()) synced = log->sync();
  if (!synced.ok()) poison(synced.error());
  return synced;
}

// What a failed write left in memory may never have reached the log: nobody may see it.
Result<void> Store::Impl::check_readable() const {
  if (!poisoned) return {};
  return make_error(
      ErrorCode::Closed,
      fmt::format("the store stopped after a failed write ({}); open it again", poisoned->message));
}

Result<void> Store::Impl::check_writable() const {
  if (options.read_only) {
    return make_error(ErrorCode::InvalidArgument, "the store was opened for reading only");
  }
  CAIRN_TRY(check_readable());
  if (closed) return make_error(ErrorCode::Closed, "the store is closed");
  return {};
}

void Store::Impl::poison(const Error& error) {
  if (!poisoned) poisoned = error;
}

TimeUs Store::Impl::record_time(std::optional<double> input_seconds, bool input_time) const {
  // A time in the future would pin every later record to it: times never go back.
  TimeUs time = clock->now();
  if (input_time && input_seconds) {
    time = std::min(time, time_from_seconds(*input_seconds).value_or(time));
  }
  return std::max(time, fold.last_time());
}

Result<bool> Store::Impl::knows_occurrence(ProjectId project, const Uuid& id,
                                           const storage::ReadTxn* txn) const {
  if (fold.tail_has(project, id)) return true;
  if (!sealed) return false;
  const uint64_t hash = storage::id_hash(id, project);
  for (const auto& part : sealed->parts) {
    for (const Ordinal ordinal : part->find_id(hash)) {
      CAIRN_TRY_ASSIGN(const bool same, is_occurrence(part->lsn(ordinal), project, id, txn));
      if (same) return true;
    }
  }
  return false;
}

Result<bool> Store::Impl::is_occurrence(Lsn lsn, ProjectId project, const Uuid& id,
                                        const storage::ReadTxn* txn) const {
  CAIRN_TRY_ASSIGN(const model::Record record, log->read(lsn, txn));
  const auto* occurrence = std::get_if<model::Occurrence>(&record.body);
  return occurrence != nullptr && occurrence->id == id && occurrence->project == project;
}

// A whole batch at once, so that the misses of its ids in the processor's cache overlap.
void Store::Impl::look_up_ids(const std::vector<model::Message>& messages) {
  known_candidates.clear();
  looked_up_in = sealed;
  if (!sealed || sealed->parts.empty()) return;
  std::vector<uint64_t> hashes(messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    const auto* occurrence = std::get_if<model::Occurrence>(&messages[i]);
    if (occurrence != nullptr) hashes[i] = storage::id_hash(occurrence->id, occurrence->project);
  }
  std::vector<storage::IdCandidate> found;
  for (const auto& part : sealed->parts) {
    found.clear();
    part->find_ids(hashes, found);
    for (const auto& [index, ordinal] : found) {
      known_candidates.emplace_back(index, part->lsn(ordinal));
    }
  }
  std::sort(known_candidates.begin(), known_candidates.end());
}

Result<bool> Store::Impl::batch_knows(size_t index, const model::Occurrence& occurrence) const {
  // A checkpoint in the middle of a long batch moves occurrences from the tail to the index.
  if (looked_up_in != sealed) {
    return knows_occurrence(occurrence.project, occurrence.id, write_txn());
  }
  if (fold.tail_has(occurrence.project, occurrence.id)) return true;
  const std::pair<uint32_t, Lsn> first(static_cast<uint32_t>(index), Lsn{});
  auto it = std::lower_bound(known_candidates.begin(), known_candidates.end(), first);
  for (; it != known_candidates.end() && it->first == index; ++it) {
    CAIRN_TRY_ASSIGN(const bool same,
                     is_occurrence(it->second, occurrence.project, occurrence.id, write_txn()));
    if (same) return true;
  }
  return false;
}

Result<bool> Store::Impl::knows_key(const Hash128& key) const {
  if (key == Hash128{}) return false;
  if (fold.tail_has(key)) return true;
  if (!sealed) return false;
  return storage::has_key(*sealed->txn, key);
}

}  // namespace cairn::engine
