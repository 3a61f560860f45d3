#include "engine/store.h"

#include <fmt/format.h>

#include <future>
#include <system_error>

#include "engine/store_impl.h"
#include "storage/segment_format.h"

namespace cairn::engine {

using storage::SegmentId;

Store::Impl::Impl(std::string directory, const StoreOptions& store_options)
    : layout(std::move(directory)), options(store_options) {
  files = options.files;
  if (files == nullptr) {
    own_files = make_posix_file_system();
    files = own_files.get();
  }
  clock = options.clock != nullptr ? options.clock : &own_clock;
}

storage::IndexOptions options_of_index(const StoreOptions& options, bool read_only) {
  storage::IndexOptions how;
  how.map_bytes = options.index_map_bytes;
  how.staged_bytes = options.index_staged_bytes;
  how.read_only = read_only;
  return how;
}

Result<std::shared_ptr<SealedIndex>> open_sealed(storage::LmdbEnv& env, bool verify_checksums,
                                                 Lsn base) {
  auto sealed = std::make_shared<SealedIndex>();
  CAIRN_TRY_ASSIGN(sealed->txn, storage::ReadTxn::begin(env));
  CAIRN_TRY_ASSIGN(const auto ids, storage::checkpointed_segments(*sealed->txn));
  for (const storage::SegmentId id : ids) {
    if (base > Lsn{0}) {
      CAIRN_TRY_ASSIGN(const auto info, storage::segment_info(*sealed->txn, id));
      if (info.max_lsn <= base) continue;
    }
    CAIRN_TRY_ASSIGN(auto part, storage::open_segment(*sealed->txn, id, verify_checksums));
    sealed->parts.push_back(std::move(part));
  }
  return sealed;
}

Result<Lsn> indexed_by(const storage::ReadTxn* txn) {
  if (txn == nullptr) return Lsn{};
  CAIRN_TRY_ASSIGN(const auto found, storage::read_meta(*txn));
  return found ? found->applied : Lsn{};
}

// Reads the newest checkpoint; `fresh`: the index has none yet.
Result<void> Store::Impl::load_checkpoint(bool* fresh) {
  CAIRN_TRY_ASSIGN(sealed, open_sealed(*env, false, base_lsn()));
  CAIRN_TRY_ASSIGN(const auto found, storage::read_meta(*sealed->txn));
  *fresh = !found.has_value();
  if (*fresh) return {};
  return read_with_checksums([&] { return load_state(*found); });
}

Result<void> Store::Impl::read_with_checksums(const std::function<Result<void>()>& read) {
  // In a transaction of its own, as one is for one thread at a time.
  auto checksums = std::async(std::launch::async, [this]() -> Result<std::vector<SegmentId>> {
    CAIRN_TRY_ASSIGN(const auto verified, open_sealed(*env, true, base_lsn()));
    return storage::checkpointed_segments(*verified->txn);
  });
  auto done = read();
  CAIRN_TRY_ASSIGN(const auto checked, checksums.get());
  CAIRN_TRY(done);
  // Another process may have made a checkpoint between the two transactions.
  CAIRN_TRY_ASSIGN(const auto used, storage::checkpointed_segments(*sealed->txn));
  if (used == checked) return {};
  for (const SegmentId id : used) {
    CAIRN_TRY(storage::open_segment(*sealed->txn, id, true));
  }
  return {};
}

Result<void> Store::Impl::load_state(const storage::CheckpointMeta& found) {
  if (found.store_id != meta.store_id) {
    return make_error(ErrorCode::Corruption,
                      fmt::format("{} is the index of another store: run 'cairn rebuild {}'",
                                  layout.index(), layout.root));
  }
  meta = found;
  return fold().load(*sealed->txn, meta.applied, meta.last_time);
}

Result<void> Store::Impl::open_for_writing(OpenReport& report) {
  const auto identity = read_identity(*files, layout);
  if (!identity.ok() && identity.error().code != ErrorCode::NotFound) return identity.error();
  if (!identity.ok() && !options.create) return identity.error();
  CAIRN_TRY(files->make_directory(layout.root));
  CAIRN_TRY_ASSIGN(lock, files->lock(layout.lock()));
  if (identity.ok()) {
    meta.store_id = *identity;
  } else {
    CAIRN_TRY_ASSIGN(meta.store_id, create_identity(*files, layout));
    report.created = true;
  }
  cursor_key = find_or_make_cursor_key(*files, layout);
  CAIRN_TRY(files->make_directory(layout.log()));
  CAIRN_TRY(remove_directory(layout.new_index()));
  CAIRN_TRY_ASSIGN(const bool indexed, files->exists(layout.index()));
  CAIRN_TRY_ASSIGN(const bool set_aside, files->exists(layout.old_index()));
  if (!indexed && set_aside) CAIRN_TRY(files->rename(layout.old_index(), layout.index()));
  CAIRN_TRY(remove_directory(layout.old_index()));

  CAIRN_TRY_ASSIGN(env, storage::LmdbEnv::open(layout.index(), options_of_index(options, false)));
  CAIRN_TRY(env->clear_stale_readers());
  // Before a snapshot keeps its pages from being used. Where there is no room even for that, what
  // is there can be read, and the next segment tries again.
  auto dropped = storage::drop_unfinished(*env);
  if (!dropped.ok() && dropped.error().code != ErrorCode::Exhausted) return dropped;
  bool fresh = false;
  CAIRN_TRY(read_base());
  CAIRN_TRY(load_checkpoint(&fresh));
  if (fresh && base) CAIRN_TRY(begin_index_with_base());
  CAIRN_TRY(finish_retention());

  log::LogOptions log_options;
  log_options.file_bytes = options.log_file_bytes;
  log::RecoveryReport recovery;
  CAIRN_TRY_ASSIGN(auto writer, log::LogWriter::open(*files, layout.log(), meta.store_id,
                                                     log_options, meta.acknowledged, &recovery,
                                                     {Lsn{meta.resume.file}, meta.resume.offset}));
  report.torn_bytes = recovery.torn_bytes;
  report.torn_file = recovery.torn_file;
  report.torn_offset = recovery.torn_at.offset;
  const Lsn end = writer->last_lsn();
  log = std::make_unique<RecordLog>(*files, layout.log(), meta.store_id, std::move(writer));
  log->set_resume(meta.resume);
  if (raw(end) == 0) {
    model::Record created;
    created.time = clock->now();
    created.body = model::StoreCreated{meta.store_id};
    CAIRN_TRY(log->append_now({&created, 1}));
    CAIRN_TRY(log->sync());
  }
  report.index_rebuilt = fresh && raw(end) > 1;
  // A log that is folded from its beginning need not be counted on the way.
  if (!fresh) CAIRN_TRY(load_alerts());
  CAIRN_TRY_ASSIGN(report.replayed_records, replay_tail(true, AsOf{}, nullptr));
  if (fold().applied() != log->last_lsn()) {
    return make_error(ErrorCode::Internal,
                      fmt::format("replay ended at record {}, the log at {}", raw(fold().applied()),
                                  raw(log->last_lsn())));
  }
  if (fresh) CAIRN_TRY(make_checkpoint());
  if (fresh) CAIRN_TRY(load_alerts());
  CAIRN_TRY(start_threads());
  replayed = true;
  if (!alerting.idle()) fill_alerts_later();
  return {};
}

// Now and not when they are needed: who writes must not fail for want of a thread.
Result<void> Store::Impl::start_threads() {
  try {
    log->start([this] { note_failed_log(); });
    sealer.start();
    write_worker.start();
    filler.start();
  } catch (const std::system_error& error) {
    return make_error(ErrorCode::Exhausted,
                      fmt::format("no thread can be started ({}); raise the limit of threads "
                                  "(ulimit -u)",
                                  error.what()));
  }
  return {};
}

Result<void> Store::Impl::open_for_reading(OpenReport& report) {
  CAIRN_TRY_ASSIGN(meta.store_id, read_identity(*files, layout));
  cursor_key = find_cursor_key(*files, layout);
  auto opened = storage::LmdbEnv::open(layout.index(), options_of_index(options, true));
  if (!opened.ok()) {
    Error error = std::move(opened).error();
    if (error.code == ErrorCode::NotFound) {
      error.message += fmt::format("; make it from the log with 'cairn rebuild {}'", layout.root);
    }
    return error;
  }
  env = std::move(opened).value();
  bool fresh = false;
  CAIRN_TRY(read_base());
  CAIRN_TRY(load_checkpoint(&fresh));
  if (fresh) {
    return make_error(
        ErrorCode::NotFound,
        fmt::format("the index in {} has no checkpoint yet; wait for the process that "
                    "makes it, or make it with 'cairn rebuild {}'",
                    layout.index(), layout.root));
  }
  if (meta.base > base_lsn()) CAIRN_TRY(read_base());  // retention came in between
  CAIRN_TRY(finish_retention());
  log = std::make_unique<RecordLog>(*files, layout.log(), meta.store_id, nullptr);
  CAIRN_TRY_ASSIGN(report.replayed_records, replay_tail(false, AsOf{}, nullptr));
  return check_log_is_whole();
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() {
  // Nothing acknowledged depends on it: an error here only means a longer replay next time.
  if (impl_) [[maybe_unused]]
    const auto ignored = close();
}

Result<std::unique_ptr<Store>> Store::open(const std::string& directory,
                                           const StoreOptions& options, OpenReport* report) {
  auto impl = std::make_unique<Impl>(directory, options);
  OpenReport local;
  OpenReport& told = report != nullptr ? *report : local;
  told = {};
  // A head may grow to twice the limit while the one before it is sealed.
  constexpr uint32_t kMaxHead = storage::kMaxSegmentRows / 2;
  if (options.head_limit == 0 || options.head_limit > kMaxHead) {
    return make_error(ErrorCode::InvalidArgument, fmt::format("head_limit is {}; it may be 1 to {}",
                                                              options.head_limit, kMaxHead));
  }
  constexpr int64_t kMostDelayUs = 3600 * kMicrosPerSecond;
  if (options.alert_delay_us < 0 || options.alert_delay_us > kMostDelayUs) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("alert_delay_us is {}; it may be 0 to {}", options.alert_delay_us,
                                  kMostDelayUs));
  }
  if (options.read_only) {
    CAIRN_TRY(impl->open_for_reading(told));
  } else {
    CAIRN_TRY(impl->open_for_writing(told));
  }
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Result<SubmitResult> Store::submit(std::vector<model::Message> messages,
                                   const SubmitOptions& options) {
  thread_local model::TermExtractor extractor;
  PreparedMessages prepared;
  for (const model::Message& message : messages) {
    if (const auto* occurrence = std::get_if<model::Occurrence>(&message)) {
      extractor.extract(*occurrence, prepared.terms);
    } else {
      prepared.terms.end();
    }
  }
  prepared.messages = std::move(messages);
  return submit(std::move(prepared), options);
}

namespace {

Result<void> check_terms(const PreparedMessages& prepared) {
  if (prepared.terms.size() == prepared.messages.size()) return {};
  return make_error(ErrorCode::InvalidArgument,
                    fmt::format("{} messages come with terms of {}", prepared.messages.size(),
                                prepared.terms.size()));
}

}  // namespace

Result<SubmitResult> Store::submit(PreparedMessages prepared, const SubmitOptions& options) {
  CAIRN_TRY(check_terms(prepared));
  WriteRequest request;
  request.prepared = &prepared;
  request.submit = &options;
  request.items.reserve(prepared.messages.size());
  impl_->write(request);
  return request.result();
}

std::future<Result<SubmitResult>> Store::submit_later(PreparedMessages prepared,
                                                      const SubmitOptions& options) {
  if (auto fit = check_terms(prepared); !fit.ok()) {
    std::promise<Result<SubmitResult>> refused;
    refused.set_value(fit.error());
    return refused.get_future();
  }
  auto request = std::make_unique<WriteRequest>();
  request->own_messages = std::move(prepared);
  request->own_options = options;
  request->prepared = &request->own_messages;
  request->submit = &request->own_options;
  request->items.reserve(request->own_messages.messages.size());
  return impl_->write_later(std::move(request));
}

Result<ExecuteResult> Store::execute(const model::Command& command, const ExecuteOptions& options) {
  WriteRequest request;
  request.command = &command;
  request.execute = &options;
  impl_->write(request);
  if (request.error) return *std::move(request.error);
  ItemResult& item = request.items.front();
  if (item.error) return *std::move(item.error);
  return ExecuteResult{item.outcome == Outcome::Stored ? item.lsn : request.lsn, item.outcome};
}

Result<ExecuteResult> Store::tick() { return impl_->write_tick(TickWish::All); }
Result<ExecuteResult> Store::tick_if_due() { return impl_->write_tick(TickWish::IfDue); }

Result<ExecuteResult> Store::Impl::write_tick(TickWish wish) {
  WriteRequest request;
  request.tick = wish;
  write(request);
  if (request.error) return *std::move(request.error);
  return ExecuteResult{request.items.front().lsn, request.items.front().outcome};
}

Result<bool> Store::has_occurrence(ProjectId project, const Uuid& id) const {
  const auto lock = impl_->lock_for_reading();
  CAIRN_TRY(impl_->check_readable());
  CAIRN_TRY_ASSIGN(const TxnLease lease, impl_->lease_txn());
  return impl_->knows_occurrence(project, id, lease.txn);
}

Result<void> Store::checkpoint() {
  const auto lock = impl_->lock_alone();
  CAIRN_TRY(impl_->check_writable());
  CAIRN_TRY(impl_->finish_checkpoint());
  if (impl_->fold().tail_records() == 0) return {};
  return impl_->make_checkpoint();
}

Result<void> Store::close() {
  if (impl_->options.read_only) return {};
  impl_->filling_cancelled = true;
  impl_->filler.wait_idle();
  impl_->write_worker.wait_idle();  // batches whose future nobody waits for
  {
    const auto reading = impl_->lock_for_reading();
    if (impl_->closed) return {};
  }
  const auto lock = impl_->lock_alone();
  impl_->closed = true;
  if (impl_->poisoned) return *impl_->poisoned;
  CAIRN_TRY(impl_->finish_checkpoint());
  if (impl_->fold().tail_records() > impl_->options.close_limit)
    CAIRN_TRY(impl_->make_checkpoint());
  CAIRN_TRY(impl_->log->close());
  impl_->meta.acknowledged = impl_->fold().applied();
  return storage::write_meta(*impl_->env, impl_->meta);
}

}  // namespace cairn::engine
