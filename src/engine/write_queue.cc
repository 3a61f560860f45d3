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
  const std::unique_lock state_lock(state_mutex);
  // A request that fails on its own leaves the others alone; what poisons the store fails all.
  Result<void> shared = check_writable();
  for (WriteRequest* request : batch) {
    if (!shared.ok()) break;
    if (auto done = run(*request); !done.ok()) request->error = done.error();
    if (poisoned) shared = *poisoned;
  }
  if (shared.ok()) shared = sync_pending();
  for (WriteRequest* request : batch) {
    request->lsn = fold.applied();
    if (!shared.ok()) request->error = shared.error();
  }
}

Result<void> Store::Impl::run(WriteRequest& request) {
  if (request.command != nullptr) {
    const ExecuteOptions& how = *request.execute;
    const Hash128 key = how.key.empty() ? Hash128{} : hash128("command:" + how.key);
    CAIRN_TRY_ASSIGN(ItemResult item, store_fact(model::decide(fold.state(), *request.command),
                                                 record_time(std::nullopt, false), how.actor, key));
    request.items.push_back(std::move(item));
    return {};
  }
  for (model::Message& message : *request.messages) CAIRN_TRY(run_message(message, request));
  return {};
}

Result<void> Store::Impl::run_message(model::Message& message, WriteRequest& request) {
  const SubmitOptions& how = *request.submit;
  const TimeUs time = record_time(model::message_time(message), how.input_time);
  if (auto* occurrence = std::get_if<model::Occurrence>(&message)) {
    CAIRN_TRY_ASSIGN(ItemResult item, store_occurrence(std::move(*occurrence), time, how.actor));
    request.items.push_back(std::move(item));
  } else if (const auto* change = std::get_if<model::StatusChangeMessage>(&message)) {
    CAIRN_TRY_ASSIGN(ItemResult item, store_fact(model::decide(fold.state(), *change), time,
                                                 how.actor, key_of(*change)));
    request.items.push_back(std::move(item));
  } else {
    const auto& op = std::get<model::WorkflowOp>(message);
    if (op.op == "occurrence") {
      CAIRN_TRY_ASSIGN(const bool known, knows_occurrence(op.project, *op.occurrence, write_txn()));
      request.items.push_back(
          known ? ItemResult{Outcome::Reference, {}, std::nullopt}
                : refused(make_error(
                      ErrorCode::NotFound,
                      fmt::format("project {} has no occurrence {}: import the file that holds it "
                                  "along with this one",
                                  raw(op.project), op.occurrence->dashed()))));
      return {};
    }
    const std::string& actor = op.actor.empty() ? how.actor : op.actor;
    CAIRN_TRY_ASSIGN(ItemResult item,
                     store_fact(model::decide(fold.state(), op), time, actor, key_of(op)));
    request.items.push_back(std::move(item));
  }
  return {};
}

Result<ItemResult> Store::Impl::store_occurrence(model::Occurrence&& occurrence, TimeUs time,
                                                 const std::string& actor) {
  CAIRN_TRY_ASSIGN(const bool known,
                   knows_occurrence(occurrence.project, occurrence.id, write_txn()));
  if (known) return ItemResult{Outcome::Duplicate, {}, std::nullopt};
  if (auto admitted = model::admit(fold.state(), occurrence); !admitted.ok()) {
    return refused(std::move(admitted).error());
  }
  if (auto prepared = fold.prepare(occurrence, write_txn()); !prepared.ok()) {
    // A full dictionary refuses the one occurrence; a failing disk is everybody's trouble.
    if (prepared.error().code != ErrorCode::Exhausted) return prepared.error();
    return refused(std::move(prepared).error());
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
  if (pending_bytes >= kFrameBytes) CAIRN_TRY(flush_pending());
  if (fold.head().size() >= options.head_limit || fold.tail_records() >= options.tail_limit) {
    CAIRN_TRY(sync_pending());
    CAIRN_TRY(make_checkpoint());
  }
  return lsn;
}

Result<void> Store::Impl::flush_pending() {
  if (pending.empty()) return {};
  auto appended = log->append(pending);
  pending.clear();
  pending_bytes = 0;
  if (!appended.ok()) poison(appended.error());
  return appended;
}

Result<void> Store::Impl::sync_pending() {
  CAIRN_TRY(flush_pending());
  auto synced = log->sync();
  if (!synced.ok()) poison(synced.error());
  return synced;
}

// Precondition: everything applied is durable in the log.
Result<void> Store::Impl::make_checkpoint() {
  storage::CheckpointInput input;
  input.meta = meta;
  input.meta.fold_version = model::kFoldVersion;
  input.meta.terms_version = model::kTermsVersion;
  input.meta.applied = fold.applied();
  input.meta.acknowledged = std::max(fold.applied(), meta.acknowledged);
  input.meta.last_time = fold.last_time();
  input.meta.resume = log->resume();
  const std::vector<Hash128> keys(fold.new_keys().begin(), fold.new_keys().end());
  input.head = &fold.head();
  input.state = &fold.state();
  input.dictionary = &fold.dictionary();
  input.keys = keys;
  input.activity = fold.new_activity();
  input.frames = log->marks();
  auto written = storage::write_checkpoint(*env, input);
  if (written.ok()) {
    meta = *written;
    fold.checkpointed();
    log->forget_marks();
    if (auto reopened = open_sealed(*env); reopened.ok()) {
      sealed = std::move(reopened).value();
      return {};
    } else {
      poison(reopened.error());
      return reopened.error();
    }
  }
  poison(written.error());
  return written.error();
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
  if (fold.head_has(project, id)) return true;
  if (!sealed) return false;
  const uint64_t hash = storage::id_hash(id, project);
  for (const auto& part : sealed->parts) {
    for (const Ordinal ordinal : part->find_id(hash)) {
      CAIRN_TRY_ASSIGN(const model::Record record, log->read(part->lsn(ordinal), txn));
      const auto* occurrence = std::get_if<model::Occurrence>(&record.body);
      if (occurrence != nullptr && occurrence->id == id && occurrence->project == project) {
        return true;
      }
    }
  }
  return false;
}

Result<bool> Store::Impl::knows_key(const Hash128& key) const {
  if (key == Hash128{}) return false;
  if (fold.has_new_key(key)) return true;
  if (!sealed) return false;
  return storage::has_key(*sealed->txn, key);
}

}  // namespace cairn::engine
