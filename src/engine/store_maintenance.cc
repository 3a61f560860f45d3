// Operations: digests, stats, rebuild, verify, reading the log.
#include <fmt/format.h>
#include <unistd.h>

#include "engine/content_digest.h"
#include "engine/store_impl.h"
#include "log/log_reader.h"

namespace cairn::engine {
namespace {

void append_hash(std::string& out, const Hash128& hash) { out += hash.hex(); }

}  // namespace

Result<Digests> Store::Impl::digests_of(const Snapshot::Impl& snapshot) {
  const Materializer& fold = snapshot.hold.fold();
  const storage::ReadTxn* const txn = snapshot.lease.txn;
  Digests digests;
  digests.state = fold.state().state_digest();
  CAIRN_TRY_ASSIGN(const Hash128 content,
                   content_digest(fold.state(), fold.dictionary(), txn, snapshot.parts));
  Hash128 history;
  // As of a moment, the index knows of later ones.
  const auto add_activity = [&](GroupId group, Lsn lsn) {
    if (lsn > fold.applied()) return;
    history.add(hash128(fmt::format("activity {} {}", raw(group), raw(lsn))));
  };
  Hash128 keys;
  const auto add_key = [&](const Hash128& key, Lsn lsn) {
    if (lsn <= fold.applied()) keys.add(hash128(key.hex()));
  };
  if (txn != nullptr) {
    CAIRN_TRY(storage::for_each_activity(*txn, add_activity));
    CAIRN_TRY(storage::for_each_key(*txn, add_key));
  }
  CAIRN_TRY_ASSIGN(const Lsn indexed, indexed_by(txn));
  fold.for_each_tail(indexed, [&](const Tail& tail) {
    for (const auto& [group, lsn] : tail.activity) add_activity(group, lsn);
    for (const auto& [key, lsn] : tail.keys) add_key(key, lsn);
  });
  std::string all = fmt::format("lsn {}\n", raw(fold.applied()));
  append_hash(all, fold.state().replay_digest());
  append_hash(all, content);
  append_hash(all, history);
  append_hash(all, keys);
  append_hash(all, fold.alerts().digest());
  digests.full = hash128(all);
  return digests;
}

Result<Digests> Store::Impl::digests_of_now() const {
  CAIRN_TRY_ASSIGN(const auto now, take_snapshot());
  return digests_of(*now->impl_);
}

Result<Digests> Store::digests() const {
  CAIRN_TRY_ASSIGN(const auto now, snapshot());
  return Impl::digests_of(*now->impl_);
}

Result<void> Store::for_each_record(
    Lsn from, const std::function<Result<void>(Lsn, const model::Record&)>& fn) const {
  if (!impl_->past) return read_log(impl_->layout.root, impl_->options, from, fn);
  const auto until_then = [&](Lsn lsn, const model::Record& record) -> Result<void> {
    return lsn > impl_->fold().applied() ? Result<void>() : fn(lsn, record);
  };
  return read_log(impl_->layout.root, impl_->options, from, until_then);
}

Result<void> Store::read_log(const std::string& directory, const StoreOptions& options, Lsn from,
                             const std::function<Result<void>(Lsn, const model::Record&)>& fn) {
  const Impl impl(directory, options);
  CAIRN_TRY_ASSIGN(const Uuid store_id, read_identity(*impl.files, impl.layout));
  RecordLog reader(*impl.files, impl.layout.log(), store_id, nullptr);
  CAIRN_TRY_ASSIGN(const auto base, LogBase::open(*impl.files, impl.layout.log(), store_id));
  if (base) {
    CAIRN_TRY(base->for_each_record(
        from, [&](Lsn lsn, model::Record&& record) { return fn(lsn, record); }));
    from = std::max(from, next(base->lsn()));
  }
  return reader.replay(from, std::nullopt,
                       [&](Lsn lsn, model::Record&& record) { return fn(lsn, record); });
}

// Folds all of the log into a new index in `directory` and tells its digests.
Result<RebuildReport> Store::Impl::fold_all(const std::string& directory, const AsOf& until,
                                            const Progress& progress) {
  CAIRN_TRY(remove_directory(directory));
  CAIRN_TRY_ASSIGN(env, storage::LmdbEnv::open(directory, options_of_index(options, false)));
  CAIRN_TRY_ASSIGN(sealed, open_sealed(*env));
  log = std::make_unique<RecordLog>(*files, layout.log(), meta.store_id, nullptr);
  CAIRN_TRY(read_base());
  if (base) CAIRN_TRY(begin_index_with_base());
  RebuildReport report;
  CAIRN_TRY_ASSIGN(report.records, replay_tail(true, until, progress));
  CAIRN_TRY(make_checkpoint());
  CAIRN_TRY_ASSIGN(report.digests, digests_of_now());
  sealed.reset();
  env.reset();
  return report;
}

namespace {

// How far the log must reach, if the old index can still say; 0 otherwise. Conflict: it is in use.
Result<Lsn> acknowledged_by(const std::string& index_directory) {
  storage::IndexOptions index_options;
  index_options.read_only = true;
  const auto env = storage::LmdbEnv::open(index_directory, index_options);
  if (!env.ok()) return env.error().code == ErrorCode::Conflict ? env.error() : Result<Lsn>(Lsn{});
  const auto txn = storage::ReadTxn::begin(**env);
  if (!txn.ok()) return Lsn{};
  const auto meta = storage::read_meta(**txn);
  return meta.ok() && meta->has_value() ? (*meta)->acknowledged : Lsn{};
}

}  // namespace

Result<RebuildReport> Store::rebuild(const std::string& directory, const StoreOptions& options,
                                     const Progress& progress) {
  Impl impl(directory, options);
  CAIRN_TRY_ASSIGN(impl.meta.store_id, read_identity(*impl.files, impl.layout));
  CAIRN_TRY_ASSIGN(impl.lock, impl.files->lock(impl.layout.lock()));
  {
    // Opening the log for writing cuts a torn tail, makes the rest durable (the index will say that
    // it is) and refuses a log that ends before what had been acknowledged.
    log::LogOptions log_options;
    log_options.file_bytes = options.log_file_bytes;
    log::RecoveryReport recovery;
    CAIRN_TRY_ASSIGN(const Lsn acknowledged, acknowledged_by(impl.layout.index()));
    CAIRN_TRY(log::LogWriter::open(*impl.files, impl.layout.log(), impl.meta.store_id, log_options,
                                   acknowledged, &recovery));
  }
  CAIRN_TRY_ASSIGN(RebuildReport report, impl.fold_all(impl.layout.new_index(), AsOf{}, progress));
  CAIRN_TRY(swap_index(*impl.files, impl.layout));
  return report;
}

Result<VerifyReport> Store::verify(const std::string& directory, bool deep,
                                   const StoreOptions& options, const Progress& progress) {
  StoreOptions reading = options;
  reading.read_only = true;
  Impl impl(directory, reading);
  CAIRN_TRY_ASSIGN(const bool backup, is_backup(*impl.files, directory));
  if (backup) return verify_backup(*impl.files, directory, progress);
  CAIRN_TRY_ASSIGN(impl.meta.store_id, read_identity(*impl.files, impl.layout));
  VerifyReport report;
  report.deep = deep;
  CAIRN_TRY_ASSIGN(log::LogCheck check,
                   log::check_log(*impl.files, impl.layout.log(), impl.meta.store_id));
  report.log_files = check.files;
  report.frames = check.frames;
  report.records = check.records;
  report.log_bytes = check.bytes;
  report.torn_bytes = check.torn_bytes;
  report.base = check.base;
  report.problems = std::move(check.problems);

  OpenReport opened;
  if (auto reading_opened = impl.open_for_reading(opened); !reading_opened.ok()) {
    report.problems.push_back(reading_opened.error().message);
    return report;
  }
  report.segments = impl.sealed->parts.size();
  if (auto names = impl.fold().dictionary().check(*impl.sealed->txn); !names.ok()) {
    report.problems.push_back(names.error().message);
    return report;
  }
  if (auto digests = impl.digests_of_now(); digests.ok()) {
    report.index = *digests;
  } else {
    report.problems.push_back(digests.error().message);
    return report;
  }
  if (!deep || !report.problems.empty()) return report;

  Impl replay(directory, options);
  replay.meta.store_id = impl.meta.store_id;
  // Up to what was read above: a writer may be at work. The name is this process's own.
  AsOf same_moment;
  same_moment.lsn = impl.fold().applied();
  const std::string scratch = fmt::format("{}/index.verify-{}", replay.layout.root, ::getpid());
  auto replayed = replay.fold_all(scratch, same_moment, progress);
  CAIRN_TRY(remove_directory(scratch));
  if (!replayed.ok()) {
    if (replayed.error().code != ErrorCode::Corruption) return replayed.error();
    report.problems.push_back(replayed.error().message);
    return report;
  }
  report.replay = replayed->digests;
  if (report.replay.state != report.index.state || report.replay.full != report.index.full) {
    report.problems.push_back(
        fmt::format("the index in {} differs from a replay of the log (state {} against {}, full "
                    "{} against {}): run 'cairn rebuild {}'",
                    impl.layout.index(), report.index.state.hex(), report.replay.state.hex(),
                    report.index.full.hex(), report.replay.full.hex(), impl.layout.root));
  }
  return report;
}

}  // namespace cairn::engine
