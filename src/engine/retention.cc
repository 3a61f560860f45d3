// Retention, and beginning with what it left: the log's base.
//
// In this order, so that a crash anywhere leaves either what was there before or something the next
// opening finishes: the new base gets its name (from then on the records are gone); the index drops
// its segments; log files go.
#include "engine/retention.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/time_format.h"
#include "engine/log_base.h"
#include "engine/store_impl.h"
#include "log/base_file.h"
#include "log/log_files.h"

namespace cairn::engine {

// What may go: the segments of records up to `last_lsn`.
struct RetentionChoice {
  Lsn last_lsn{};
  TimeUs recorded_until{};
  uint64_t segments = 0;
  uint64_t occurrences = 0;
  uint64_t index_bytes = 0;
  TimeUs min_time{};
  TimeUs max_time{};

  void add(const storage::SegmentInfo& segment, TimeUs recorded) {
    min_time = segments == 0 ? segment.min_time : std::min(min_time, segment.min_time);
    max_time = segments == 0 ? segment.max_time : std::max(max_time, segment.max_time);
    last_lsn = segment.max_lsn;
    recorded_until = recorded;
    ++segments;
    occurrences += segment.occurrences;
    index_bytes += segment.bytes;
  }
};

namespace {

// How often the choice is made anew because segments were merged across it meanwhile.
constexpr int kAttempts = 3;
constexpr uint64_t kProgressEvery = 4096;

// Ends a replay early; never seen by a caller.
Error stop_here() { return make_error(ErrorCode::Closed, "stop"); }

// Segments with records behind `base`, in order of their records.
Result<std::vector<storage::SegmentInfo>> live_segments(const storage::ReadTxn& txn, Lsn base) {
  std::vector<storage::SegmentInfo> live;
  CAIRN_TRY_ASSIGN(const auto ids, storage::checkpointed_segments(txn));
  for (const storage::SegmentId id : ids) {
    CAIRN_TRY_ASSIGN(const auto info, storage::segment_info(txn, id));
    if (info.max_lsn > base) live.push_back(info);
  }
  std::sort(live.begin(), live.end(),
            [](const auto& a, const auto& b) { return a.min_lsn < b.min_lsn; });
  return live;
}

// The log files that nothing needs any more once `base` stands for everything up to it.
Result<std::vector<log::LogFile>> superseded_files(FileSystem& files, const std::string& directory,
                                                   Lsn base) {
  CAIRN_TRY_ASSIGN(log::LogDirectory found, log::list_log_directory(files, directory));
  found.bases.push_back(base);
  found.files.resize(found.first_live());
  for (log::LogFile& file : found.files) {
    CAIRN_TRY_ASSIGN(const auto handle, files.open(file.path, OpenMode::Read));
    CAIRN_TRY_ASSIGN(file.bytes, handle->size());
  }
  return found.files;
}

Removed sum_of(const Removed& before, const RetentionChoice& choice, uint64_t log_bytes) {
  Removed after = before;
  after.min_time = before.runs == 0 ? choice.min_time : std::min(before.min_time, choice.min_time);
  after.max_time = before.runs == 0 ? choice.max_time : std::max(before.max_time, choice.max_time);
  after.occurrences += choice.occurrences;
  after.log_bytes += log_bytes;
  after.last_lsn = choice.last_lsn;
  after.recorded_until = choice.recorded_until;
  ++after.runs;
  return after;
}

// Folds the log up to the writer's LSN: the state alone, no index.
Result<BaseState> fold_into(LogBaseWriter& writer, RecordLog& log, const LogBase* previous,
                            Lsn last, const Progress& progress) {
  BaseState base;
  Lsn done{};
  if (previous != nullptr) {
    CAIRN_TRY_ASSIGN(base, previous->load());
    done = previous->lsn();
  }
  const Lsn begin = done;
  const auto result =
      log.replay(next(done), std::nullopt, [&](Lsn lsn, model::Record&& record) -> Result<void> {
        if (lsn > last) return stop_here();
        CAIRN_TRY_ASSIGN(const model::Applied applied, base.state.apply(record, lsn));
        CAIRN_TRY(base.alerts.apply(record, lsn));
        for (const GroupId group : applied.touched) base.activity.emplace_back(group, lsn);
        if (record.key != Hash128{}) base.keys.push_back(record.key);
        if (!std::holds_alternative<model::StoreCreated>(record.body)) {
          base.last_time = std::max(base.last_time, record.time);
        }
        done = lsn;
        if (progress && raw(lsn) % kProgressEvery == 0) {
          progress(raw(lsn) - raw(begin), raw(last) - raw(begin));
        }
        const bool plain = std::holds_alternative<model::Occurrence>(record.body);
        if (plain && applied.touched.empty()) return {};
        return writer.add_record(lsn, std::move(record));
      });
  if (done != last) {
    if (!result.ok()) return result.error();
    return make_error(ErrorCode::Corruption,
                      fmt::format("the log ends at record {}, before record {} which the index "
                                  "holds: run 'cairn verify'",
                                  raw(done), raw(last)));
  }
  return base;
}

}  // namespace

Result<RetentionChoice> Store::Impl::choose_removal(const RetentionPolicy& policy,
                                                    uint64_t& kept) const {
  const auto reading = lock_for_reading();
  CAIRN_TRY(check_readable());
  CAIRN_TRY_ASSIGN(const TxnLease lease, lease_txn());
  CAIRN_TRY_ASSIGN(const auto segments, live_segments(*lease.txn, base_lsn()));
  kept = 0;
  for (const storage::Part* part : parts()) kept += part->occurrences();
  const TimeUs now = policy.now.value_or(clock->now());
  RetentionChoice choice;
  for (const storage::SegmentInfo& segment : segments) {
    // Ranges that overlap have no border to cut at.
    const bool apart = &segment == &segments.back() || segment.max_lsn < (&segment + 1)->min_lsn;
    if (!apart) break;
    CAIRN_TRY_ASSIGN(const model::Record newest, log->read(segment.max_lsn, lease.txn));
    const bool too_many =
        policy.max_occurrences && kept >= segment.occurrences + *policy.max_occurrences;
    const bool too_old = policy.max_age_us && raw(std::min(segment.max_time, newest.time)) <
                                                  raw(now) - *policy.max_age_us;
    if (!too_many && !too_old) break;
    kept -= segment.occurrences;
    choice.add(segment, newest.time);
  }
  return choice;
}

Lsn Store::Impl::base_lsn() const { return base ? base->lsn() : Lsn{0}; }

Result<void> Store::Impl::read_base() {
  CAIRN_TRY_ASSIGN(const bool there, files->exists(layout.log()));
  if (!there) return {};
  CAIRN_TRY_ASSIGN(base, LogBase::open(*files, layout.log(), meta.store_id));
  return {};
}

// An index without a checkpoint begins with the state of the base. Its dictionary begins empty: it
// knows what the kept occurrences say.
Result<void> Store::Impl::begin_index_with_base() {
  CAIRN_TRY_ASSIGN(const BaseState begin, base->load());
  storage::RowBuffer rows = storage::all_rows(begin.state);
  add_rows(rows, begin.alerts.all_rows());
  storage::CheckpointInput input;
  input.meta = meta;
  input.meta.fold_version = model::kFoldVersion;
  input.meta.terms_version = model::kTermsVersion;
  input.meta.applied = base->lsn();
  input.meta.acknowledged = std::max(base->lsn(), meta.acknowledged);
  input.meta.last_time = begin.last_time;
  input.meta.base = base->lsn();
  input.rows = &rows;
  std::vector<std::pair<Hash128, Lsn>> keys;
  for (const Hash128& key : begin.keys) keys.emplace_back(key, base->lsn());
  input.keys = keys;
  input.activity = begin.activity;
  CAIRN_TRY_ASSIGN(meta, storage::write_checkpoint(*env, input));
  CAIRN_TRY_ASSIGN(sealed, open_sealed(*env));
  return fold().load(*sealed->txn, meta.applied, meta.last_time);
}

Result<void> Store::Impl::check_is_kept(const AsOf& moment) const {
  if (!base) return {};
  const Removed& removed = base->removed();
  const bool too_early = (moment.lsn && *moment.lsn < removed.last_lsn) ||
                         (moment.time && *moment.time < removed.recorded_until);
  if (too_early) {
    return make_error(
        ErrorCode::NotFound,
        fmt::format("the store's past begins with record {} ({}): retention removed {} "
                    "occurrences of the records before; ask about a later moment, or a backup",
                    raw(removed.last_lsn), format_time(removed.recorded_until),
                    removed.occurrences));
  }
  return {};
}

Result<void> Store::Impl::begin_memory_with_base() {
  if (!base) return {};
  CAIRN_TRY_ASSIGN(BaseState begin, base->load());
  fold().begin(std::move(begin.state), std::move(begin.alerts), base->lsn(), begin.last_time,
               begin.keys, std::move(begin.activity));
  return {};
}

// Brings the index and the log's directory to where the base is, if a crash came in between.
Result<void> Store::Impl::finish_retention() {
  if (meta.base > base_lsn()) {
    return make_error(
        ErrorCode::Corruption,
        fmt::format("the index knows that {} stands for the records up to {}, but it is not there: "
                    "restore it from a backup",
                    layout.log() + "/" + log::base_file_name(meta.base), raw(meta.base)));
  }
  if (!base) return {};
  if (meta.applied < base->lsn()) {
    return make_error(
        ErrorCode::Corruption,
        fmt::format("the index in {} ends at record {}, the log begins behind record "
                    "{}: run 'cairn rebuild {}'",
                    layout.index(), raw(meta.applied), raw(base->lsn()), layout.root));
  }
  if (options.read_only) return {};
  if (meta.base < base->lsn()) CAIRN_TRY(drop_behind_base());
  CAIRN_TRY(log::remove_superseded(*files, layout.log()));
  return {};
}

Result<void> Store::Impl::drop_behind_base() {
  storage::CheckpointMeta next = meta;
  next.base = base->lsn();
  CAIRN_TRY(storage::drop_removed(*env, next));
  meta = next;
  CAIRN_TRY_ASSIGN(auto reopened, open_sealed(*env));
  CAIRN_TRY(fold().attach(reopened->txn.get()));
  sealed = std::move(reopened);
  return {};
}

// Precondition: the base is sealed. Conflict: segments were merged across its LSN meanwhile.
Result<void> Store::Impl::install_base(LogBaseWriter& writer, Lsn last) {
  sealer.wait_idle();                  // before writers have to wait for it
  std::list<PastCache::Entry> let_go;  // freed without the lock
  const auto alone = lock_alone();
  CAIRN_TRY(check_writable());
  CAIRN_TRY(finish_checkpoint());
  CAIRN_TRY_ASSIGN(const auto segments, live_segments(*sealed->txn, base_lsn()));
  for (const auto& segment : segments) {
    if (segment.min_lsn <= last && segment.max_lsn > last) {
      return make_error(ErrorCode::Conflict, "segments were merged meanwhile; run it again");
    }
  }
  // Half done it is finished by the next opening, but this store does not know where it is.
  auto installed = writer.install();
  if (installed.ok()) installed = read_base();
  log->base_changed();
  if (!installed.ok()) {
    poison(installed.error());
    return installed;
  }
  let_go = pasts.clear();
  auto dropped = drop_behind_base();
  if (!dropped.ok()) poison(dropped.error());
  return dropped;
}

Result<RetentionReport> Store::retain(const RetentionPolicy& policy, const Progress& progress) {
  Impl& impl = *impl_;
  {
    const auto lock = impl.lock_for_reading();
    CAIRN_TRY(impl.check_writable());
  }
  const std::lock_guard turn(impl.retention_turn);
  for (int attempt = 1;; ++attempt) {
    RetentionReport report;
    report.dry_run = policy.dry_run;
    const std::shared_ptr<const LogBase> previous = impl.base;
    if (previous) report.before = previous->removed();
    report.after = report.before;
    CAIRN_TRY_ASSIGN(const RetentionChoice choice,
                     impl.choose_removal(policy, report.kept_occurrences));
    if (choice.segments == 0) return report;
    CAIRN_TRY_ASSIGN(const auto files,
                     superseded_files(*impl.files, impl.layout.log(), choice.last_lsn));
    report.segments = choice.segments;
    report.occurrences = choice.occurrences;
    report.index_bytes = choice.index_bytes;
    report.log_files = files.size();
    for (const log::LogFile& file : files) report.log_bytes += file.bytes;
    report.after = sum_of(report.before, choice, report.log_bytes);
    if (policy.dry_run) return report;

    CAIRN_TRY_ASSIGN(const auto writer,
                     LogBaseWriter::create(*impl.files, impl.layout.log(), impl.meta.store_id,
                                           choice.last_lsn, previous.get()));
    RecordLog reading(*impl.files, impl.layout.log(), impl.meta.store_id, nullptr);
    CAIRN_TRY_ASSIGN(const BaseState state,
                     fold_into(*writer, reading, previous.get(), choice.last_lsn, progress));
    CAIRN_TRY(writer->seal(state, report.after));
    report.base_bytes = writer->bytes();
    auto installed = impl.install_base(*writer, choice.last_lsn);
    if (!installed.ok()) {
      if (installed.error().code == ErrorCode::Conflict && attempt < kAttempts) continue;
      return installed.error();
    }
    CAIRN_TRY(log::remove_superseded(*impl.files, impl.layout.log()));
    return report;
  }
}

}  // namespace cairn::engine
