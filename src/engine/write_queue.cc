// Writing: requests queue up; one thread at a time applies what is queued: first those whose
// callers wait, then, some at a time, those with a promise, each kind in order.
//
// A caller that finds nobody writing serves itself, and whoever came meanwhile is served by the
// store's writing thread. While that one applies, the log's thread makes the requests before
// durable, one fdatasync for all that were applied while the last one ran, and answers them. The
// state stays locked until everything applied is durable: nobody sees what could still be lost.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/caught.h"
#include "base/time_format.h"
#include "engine/split_faces.h"
#include "engine/store_impl.h"

namespace cairn::engine {
namespace {

// Records of one frame, before compression. Small enough that reading one occurrence back
// decompresses little, large enough to compress well (docs/benchmarks.md).
constexpr size_t kFrameBytes = 128u << 10;
// However many rules alert about one occurrence, which is in one frame with what they say: the log
// takes no frame of more than 64 MiB.
constexpr size_t kMostFrameBytes = 16u << 20;

// How often a batch looks whether somebody waits to read: every 0.1 ms or so.
constexpr size_t kMessagesBetweenLooks = 64;

// Messages of batches that nobody waits beside, applied together: who does wait is served between.
constexpr size_t kMessagesAtOnce = 1000;

// For how long nobody new may begin to read while those who read shall come to an end: at first,
// and, where nothing else helps, in the end.
constexpr std::chrono::microseconds kShutOut{5'000};
constexpr std::chrono::microseconds kLongestShutOut{1'000'000};

// How often the lock is offered to those who wait for it.
constexpr int kYieldsToOthers = 1000;

// At most five bytes a number.
template <class Body>
size_t link_bytes(const Body& body) {
  size_t numbers = 0;
  for (const auto& link : body.unmerges) numbers += 4 + link.children.size();
  for (const auto& link : body.merges) numbers += 4 + link.children.size();
  return numbers * 5;
}

size_t estimated_bytes(const model::Record& record) {
  size_t bytes = 256;
  if (const auto* occurrence = std::get_if<model::Occurrence>(&record.body)) {
    bytes += occurrence->event.size() + occurrence->evidence_data.size() +
             occurrence->evidence_display.size() + occurrence->extra.size();
    if (occurrence->title) bytes += occurrence->title->size();
    if (occurrence->subtitle) bytes += occurrence->subtitle->size();
  } else if (const auto* activity = std::get_if<model::ActivityAdded>(&record.body)) {
    bytes += activity->data.size();
  } else if (const auto* note = std::get_if<model::NoteChanged>(&record.body)) {
    bytes += note->text.size();
  } else if (const auto* regrouped = std::get_if<model::Regrouped>(&record.body)) {
    bytes += link_bytes(*regrouped);
  } else if (const auto* added = std::get_if<model::ExperimentAdded>(&record.body)) {
    bytes += added->rule.size() + link_bytes(*added);
  } else if (const auto* rule = std::get_if<model::AlertRuleChanged>(&record.body)) {
    bytes += rule->text.size();
  } else if (const auto* tick = std::get_if<model::AlertsTicked>(&record.body)) {
    for (const auto& value : tick->values) bytes += 64 + value.key.size();
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
  queue_changed.notify_one();
  if (!serving) {
    // Nobody else writes: done on this thread it costs no change of threads.
    serving = true;
    queue_lock.unlock();
    serve(false);
    queue_lock.lock();
    go_on_serving();
  }
  request.answered.wait(queue_lock, [&] { return request.done; });
}

std::future<Result<SubmitResult>> Store::Impl::write_later(std::unique_ptr<WriteRequest> request) {
  auto answer = request->promise.emplace().get_future();
  const size_t messages = request->own_messages.messages.size();
  std::unique_lock queue_lock(queue_mutex);
  queue_taken.wait(queue_lock, [&] {
    return queued_messages == 0 || queued_messages + messages <= kMaxQueuedMessages;
  });
  queue_later.push_back(request.get());
  request.release();
  queued_messages += messages;
  queue_changed.notify_one();
  if (!serving) go_on_serving();
  return answer;
}

// Precondition: queue_mutex is held, and nobody serves any more.
void Store::Impl::go_on_serving() {
  serving = !queue.empty() || !queue_later.empty();
  if (!serving) return;
  write_worker.post([this] {
    serve(true);
    const std::lock_guard queue_lock(queue_mutex);
    go_on_serving();
  });
}

// Serves what was queued: once, on the thread of a caller, or, with `all`, until nothing is left.
void Store::Impl::serve(bool all) {
  StateLock state_lock(*this);
  try {
    while (take_requests()) {
      serve_taken(state_lock, all);
      if (!all) return;
      if (auto sound = let_others_in(state_lock); !sound.ok()) answer_all(sound);
    }
  } catch (...) {  // what was applied may be half done, and others wait
    poison(caught_error());
    give_up();
  }
}

// After an error: nothing is under way any more when the state is unlocked, nothing of what was not
// handed over will ever be written, and everybody knows.
void Store::Impl::give_up() {
  pending.clear();
  pending_bytes = 0;
  log->wait();
  answer_all(*poisoned);
}

// While the log's thread makes durable what was applied, more may come to be applied: the state
// stays locked until both is done.
bool Store::Impl::take_requests() {
  std::unique_lock queue_lock(queue_mutex);
  queue_changed.wait(queue_lock, [&] {
    return !queue.empty() || !queue_later.empty() || unanswered.empty() || log_failed;
  });
  // Out of memory, a request stays in one of the lists: somebody waits for its answer.
  const auto take = [&](std::deque<WriteRequest*>& from) {
    taken.push_back(from.front());
    unanswered.push_back(from.front());
    from.pop_front();
  };
  taken.clear();
  while (!queue.empty()) take(queue);
  for (size_t messages = 0; !queue_later.empty() && messages < kMessagesAtOnce;) {
    take(queue_later);
    const size_t more = taken.back()->own_messages.messages.size();
    messages += more;
    queued_messages -= more;
  }
  queue_taken.notify_all();
  return !unanswered.empty();
}

// What was taken. A request that fails on its own leaves the others alone; what poisons the store
// fails all. The writing thread (`all`) leaves it to the log's to make this durable and to answer.
void Store::Impl::serve_taken(StateLock& state_lock, bool all) {
  Result<void> shared = wait_for_room(state_lock);
  for (WriteRequest* request : taken) {
    if (!shared.ok()) break;
    if (auto done = run_in_sequence(*request, state_lock); !done.ok()) {
      request->error = done.error();
    }
    if (poisoned) shared = *poisoned;
    request->lsn = fold().applied();
  }
  const bool seal = shared.ok() && fold().frozen() == nullptr && checkpoint_due();
  if (shared.ok() && all && !seal && others_waiting == 0) {
    if (!pending.empty()) hand_over_pending();
    log->sync_later([this, count = taken.size()] { answer_oldest(count); });
    return;
  }
  if (shared.ok()) {
    shared = sync_pending();
  } else {
    log->wait();
  }
  if (poisoned) return give_up();
  if (seal && shared.ok()) start_checkpoint();
  answer_all(shared);
}

Result<void> Store::Impl::run_in_sequence(WriteRequest& request, StateLock& state_lock) {
  std::atomic<bool>* const failed =
      request.submit != nullptr ? request.submit->sequence_failed.get() : nullptr;
  if (failed == nullptr) return run(request, state_lock);
  if (*failed) {
    return make_error(ErrorCode::Conflict, "a batch before this one of its sequence failed");
  }
  auto done = run(request, state_lock);
  if (!done.ok()) *failed = true;
  return done;
}

// Back-pressure: while the head before this one is still being sealed, this one may grow to twice
// its size and no further. Readers go on meanwhile.
Result<void> Store::Impl::wait_for_room(StateLock& state_lock) {
  if (auto written = log->written(); !written.ok()) {
    poison(written.error());
    return written;
  }
  CAIRN_TRY(adopt_checkpoint());
  while (fold().frozen() != nullptr && checkpoint_due(2)) {
    CAIRN_TRY(sync_pending());
    state_lock.unlock();
    sealer.wait_idle();
    state_lock.lock();
    CAIRN_TRY(adopt_checkpoint());
  }
  return check_writable();
}

// The writer may be waiting for more; it will answer.
void Store::Impl::note_failed_log() {
  const std::lock_guard queue_lock(queue_mutex);
  log_failed = true;
  queue_changed.notify_one();
}

void Store::Impl::answer_oldest(size_t count) {
  const std::lock_guard queue_lock(queue_mutex);
  for (; count > 0; --count) {
    answer(unanswered.front(), {});
    unanswered.pop_front();
  }
  queue_changed.notify_one();
}

void Store::Impl::answer_all(const Result<void>& shared) {
  const std::lock_guard queue_lock(queue_mutex);
  for (WriteRequest* request : unanswered) answer(request, shared);
  unanswered.clear();
}

// Precondition: queue_mutex is held, so that who waits cannot take the request away under this.
void Store::Impl::answer(WriteRequest* request, const Result<void>& shared) {
  if (!shared.ok()) request->error = shared.error();
  if (!request->promise) {
    request->done = true;
    request->answered.notify_one();
    return;
  }
  const std::unique_ptr<WriteRequest> own(request);
  own->promise->set_value(own->result());
}

// Writing may go on for as long as there is something to write, and who asks a question or takes
// the lock for something else shall not wait for its end: what was done so far becomes durable
// and visible, then the rest goes on.
Result<void> Store::Impl::let_others_in(StateLock& state_lock) {
  if (others_waiting.load(std::memory_order_relaxed) == 0) return {};
  CAIRN_TRY(sync_pending());
  state_lock.unlock();
  // A mutex may be taken again before those it was released for have woken up.
  for (int i = 0; i < kYieldsToOthers && others_waiting > 0; ++i) std::this_thread::yield();
  state_lock.lock();
  return check_writable();
}

std::shared_lock<std::shared_mutex> Store::Impl::lock_for_reading() const {
  ++others_waiting;
  std::shared_lock reading(state_mutex);
  --others_waiting;
  return reading;
}

Store::Impl::StateLock Store::Impl::lock_alone() {
  ++others_waiting;
  StateLock alone(*this);
  --others_waiting;
  return alone;
}

void Store::Impl::StateLock::unlock() {
  state_.unlock();
  turn_.unlock();
}

void Store::Impl::StateLock::lock() {
  turn_ = std::unique_lock(impl_.state_turn);
  state_ = std::unique_lock(impl_.state_mutex);
  FoldVersions& versions = impl_.folds;
  // Who does not end soon keeps what he reads. While he is waited for, and while that is copied,
  // others may begin to read; where no copy can be made, less and less.
  for (auto shut_out = kShutOut; !versions.wait_until_unread(shut_out);
       shut_out = std::min(2 * shut_out, kLongestShutOut)) {
    state_.unlock();
    const bool copied =
        !versions.wait_until_unread(versions.worth_waiting()) && versions.copy_newest();
    state_.lock();
    if (copied) return versions.go_on_in_copy();
  }
}

Result<void> Store::Impl::run(WriteRequest& request, StateLock& state_lock) {
  if (request.tick != TickWish::None) return run_tick(request);
  if (!request.alert_commands.empty()) return run_alert_commands(request, state_lock);
  if (request.command != nullptr) {
    const ExecuteOptions& how = *request.execute;
    CAIRN_TRY(tick_if_due(record_time(std::nullopt, false), false));
    const Hash128 key = how.key.empty() ? Hash128{} : hash128("command:" + how.key);
    auto decided = model::decide(fold().state(), *request.command);
    CAIRN_TRY(complete(*request.command, decided));
    CAIRN_TRY_ASSIGN(ItemResult item, store_fact(std::move(decided),
                                                 record_time(std::nullopt, false), how.actor, key));
    request.items.push_back(std::move(item));
    return {};
  }
  return run_messages(request, state_lock);
}

// What a fact needs to say that the state does not know.
Result<void> Store::Impl::complete(const model::Command& command,
                                   Result<std::optional<model::RecordBody>>& decided) {
  const auto* wish = std::get_if<model::SplitCommand>(&command);
  if (wish == nullptr || wish->part_face || wish->rest_face || !decided.ok()) return {};
  // The newest occurrences may not have been written yet.
  CAIRN_TRY(sync_pending());
  return add_faces(fold().state(), parts(), *log, write_txn(), std::get<model::Split>(**decided));
}

Result<void> Store::Impl::run_messages(WriteRequest& request, StateLock& state_lock) {
  fold().begin_batch(request.prepared->terms, look_up_ids(request.prepared->messages));
  const auto occurrence = [&](size_t i) {
    return std::get_if<model::Occurrence>(&request.prepared->messages[i]);
  };
  for (size_t i = 0; i < request.prepared->messages.size(); ++i) {
    fold().look_ahead(i, occurrence);
    CAIRN_TRY_ASSIGN(ItemResult item, run_message(*request.prepared, i, *request.submit));
    request.items.push_back(std::move(item));
    if (i % kMessagesBetweenLooks == 0) CAIRN_TRY(let_others_in(state_lock));
  }
  return {};
}

Result<ItemResult> Store::Impl::run_message(PreparedMessages& prepared, size_t index,
                                            const SubmitOptions& how) {
  const model::Message& message = prepared.messages[index];
  const TimeUs time = record_time(model::message_time(message), how.input_time);
  CAIRN_TRY(tick_if_due(time, how.input_time));
  if (std::holds_alternative<model::Occurrence>(message)) {
    return store_occurrence(prepared, index, time, how.actor);
  }
  if (const auto* change = std::get_if<model::StatusChangeMessage>(&message)) {
    return store_fact(model::decide(fold().state(), *change), time, how.actor, key_of(*change));
  }
  return run_operation(std::get<model::WorkflowOp>(message), time, how);
}

Result<ItemResult> Store::Impl::run_operation(const model::WorkflowOp& op, TimeUs time,
                                              const SubmitOptions& how) {
  if (op.op != "occurrence") {
    const std::string& actor = op.actor.empty() ? how.actor : op.actor;
    return store_fact(model::decide(fold().state(), op), time, actor, key_of(op));
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
  if (auto admitted = model::admit(fold().state(), occurrence); !admitted.ok()) {
    return refused(std::move(admitted).error());
  }
  if (auto interned = fold().prepare(index); !interned.ok()) {
    // A full dictionary refuses the one occurrence; a failing disk is everybody's trouble.
    if (interned.error().code != ErrorCode::Exhausted) return interned.error();
    return refused(std::move(interned).error());
  }
  CAIRN_TRY(register_release(prepared, index, occurrence.project, time));
  model::Record& record = pending.emplace_back();  // in place: an occurrence is large to move
  record.time = time;
  record.actor = actor;
  record.body = std::move(occurrence);
  batch_terms = &prepared.terms;
  batch_index = index;
  CAIRN_TRY_ASSIGN(const Lsn lsn, apply_pending());
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
  model::Record& record = pending.emplace_back();
  record.time = time;
  record.actor = actor;
  record.key = key;
  record.body = changes ? *std::move(*decided) : model::NothingChanged{};
  add_forecast(record.body, time);
  CAIRN_TRY_ASSIGN(const Lsn lsn, apply_pending());
  return ItemResult{changes ? Outcome::Stored : Outcome::NoChange, lsn, std::nullopt};
}

// The record that was put into `pending` last, and what rules have to say about it: in one frame,
// as a crash must not leave the one without the other.
Result<Lsn> Store::Impl::apply_pending() {
  CAIRN_TRY_ASSIGN(const std::vector<model::AlertFired> fired, apply_last());
  const Lsn lsn = fold().applied();
  const TimeUs time = pending.back().time;
  for (const model::AlertFired& one : fired) {
    model::Record& about = pending.emplace_back();
    about.time = time;
    about.body = one;
    CAIRN_TRY(apply_last());
    if (pending_bytes >= kMostFrameBytes) hand_over_pending();
  }
  if (pending_bytes >= kFrameBytes) hand_over_pending();
  // Usually a checkpoint begins between batches; one batch may be longer than the head, though.
  if (checkpoint_due(2)) {
    CAIRN_TRY(finish_checkpoint());
    CAIRN_TRY(sync_pending());
    start_checkpoint();
  }
  return lsn;
}

Result<std::vector<model::AlertFired>> Store::Impl::apply_last() {
  const model::Record& record = pending.back();
  const Lsn lsn = next(fold().applied());
  const model::TermBatch* terms = std::exchange(batch_terms, nullptr);
  auto applied = fold().apply(record, lsn);
  if (!applied.ok()) {
    // It was decided against this very state: the bug is ours, nothing on disk is damaged.
    poison(make_error(ErrorCode::Internal,
                      "a decided record does not fit the state: " + applied.error().message));
    pending.pop_back();
    return *poisoned;
  }
  pending_bytes += estimated_bytes(record);
  return note_for_alerts(record, lsn, *applied, terms, batch_index);
}

// A whole frame: another thread writes it while this one makes the next.
void Store::Impl::hand_over_pending() {
  const size_t count = pending.size();
  log->append(std::exchange(pending, {}));
  pending.reserve(count);
  pending_bytes = 0;
}

Result<void> Store::Impl::sync_pending() {
  if (poisoned) return *poisoned;
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
  return std::max(time, fold().last_time());
}

Result<bool> Store::Impl::knows_occurrence(ProjectId project, const Uuid& id,
                                           const storage::ReadTxn* txn) const {
  if (fold().tail_has(project, id)) return true;
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

// A whole batch at once, so that the misses of its ids in the processor's cache overlap. Returns
// their hashes.
std::vector<uint64_t> Store::Impl::look_up_ids(const std::vector<model::Message>& messages) {
  known_candidates.clear();
  looked_up_in = sealed;
  std::vector<uint64_t> hashes(messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    const auto* occurrence = std::get_if<model::Occurrence>(&messages[i]);
    if (occurrence != nullptr) hashes[i] = storage::id_hash(occurrence->id, occurrence->project);
  }
  if (!sealed) return hashes;
  std::vector<storage::IdCandidate> found;
  for (const auto& part : sealed->parts) {
    found.clear();
    part->find_ids(hashes, found);
    for (const auto& [index, ordinal] : found) {
      known_candidates.emplace_back(index, part->lsn(ordinal));
    }
  }
  std::sort(known_candidates.begin(), known_candidates.end());
  return hashes;
}

Result<bool> Store::Impl::batch_knows(size_t index, const model::Occurrence& occurrence) const {
  // A checkpoint in the middle of a long batch moves occurrences from the tail to the index.
  if (looked_up_in != sealed) {
    return knows_occurrence(occurrence.project, occurrence.id, write_txn());
  }
  if (fold().tail_has(index, occurrence.project, occurrence.id)) return true;
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
  if (fold().tail_has(key)) return true;
  if (!sealed) return false;
  return storage::has_key(*sealed->txn, key);
}

}  // namespace cairn::engine
