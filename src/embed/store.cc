#include "base/clock.h"
#include "base/version.h"
#include "embed/commands.h"
#include "embed/convert.h"
#include "embed/run_verb.h"
#include "embed/submission.h"

namespace cairn::v1 {

using embed::guard;
using embed::StoreCore;
using embed::with_store;

const char* version() noexcept { return kVersion.data(); }  // ends in zero

const char* error_code_name(ErrorCode code) noexcept {
  const auto inner = static_cast<cairn::ErrorCode>(static_cast<uint8_t>(code) - 1);
  return cairn::error_code_name(inner).data();  // of a literal, so it ends in zero
}

namespace {

engine::StoreOptions to_inner(const OpenOptions& options) {
  engine::StoreOptions inner;
  inner.read_only = options.read_only;
  inner.create = options.create && !options.read_only;
  if (options.head_limit != 0) inner.head_limit = options.head_limit;
  if (options.log_file_bytes != 0) inner.log_file_bytes = options.log_file_bytes;
  if (options.index_map_bytes != 0) inner.index_map_bytes = options.index_map_bytes;
  return inner;
}

OpenReport to_public(const engine::OpenReport& report) {
  return {report.created, report.replayed_records, report.torn_bytes, report.torn_file,
          report.index_rebuilt};
}

}  // namespace

Store::Store(std::shared_ptr<StoreCore> core) noexcept : core_(std::move(core)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open(const std::string& directory, const OpenOptions& options,
                          OpenReport* report) noexcept {
  auto core = guard(nullptr, [&]() -> cairn::Result<std::shared_ptr<StoreCore>> {
    auto opened = std::make_shared<StoreCore>();
    opened->directory = directory;
    opened->options = to_inner(options);
    engine::OpenReport inner;
    CAIRN_TRY_ASSIGN(opened->store, engine::Store::open(directory, opened->options, &inner));
    if (report != nullptr) *report = to_public(inner);
    return opened;
  });
  if (!core) return core.error();
  return Store(std::move(core).value());
}

// --- writing ------------------------------------------------------------------------------------

Result<Submitted> Store::submit_json(std::string_view lines,
                                     const SubmitOptions& options) noexcept {
  return with_store(core_, [&](engine::Store& store) -> cairn::Result<Submitted> {
    CAIRN_TRY(core_->check_may_write());
    return embed::submit_lines(store, lines, options);
  });
}

Result<Submitted> Store::submit(const std::vector<Occurrence>& occurrences,
                                const SubmitOptions& options) noexcept {
  return with_store(core_, [&](engine::Store& store) -> cairn::Result<Submitted> {
    CAIRN_TRY(core_->check_may_write());
    return embed::submit_occurrences(store, occurrences, options);
  });
}

Result<Executed> Store::execute(const Command& command, const WriteOptions& options) noexcept {
  return with_store(core_, [&](engine::Store& store) -> cairn::Result<Executed> {
    CAIRN_TRY(core_->check_may_write());
    return embed::execute(store, command, options);
  });
}

Result<Answer> Store::run(const std::vector<std::string>& words,
                          const RunOptions& options) noexcept {
  return with_store(core_, [&](engine::Store& store) -> cairn::Result<Answer> {
    CAIRN_TRY(core_->check_may_write());
    return embed::run_verb(store, words, options);
  });
}

Result<Executed> Store::tick() noexcept {
  return with_store(core_, [&](engine::Store& store) -> cairn::Result<Executed> {
    CAIRN_TRY(core_->check_may_write());
    CAIRN_TRY_ASSIGN(const auto result, store.tick());
    Executed done;
    done.lsn = raw(result.lsn);
    done.outcome = embed::to_public(result.outcome);
    return done;
  });
}

// --- asking -------------------------------------------------------------------------------------

Result<Snapshot> Store::snapshot(const SnapshotOptions& options) const noexcept {
  auto taken =
      with_store(core_, [&](engine::Store&) { return embed::take_snapshot(core_, options, {}); });
  if (!taken) return taken.error();
  return Snapshot(std::move(taken).value());
}

// Who closes the store waits for these two.

Result<IssuePage> Store::search(std::string_view query, const QueryOptions& options,
                                const SnapshotOptions& at) const noexcept {
  return with_store(core_, [&](engine::Store&) -> cairn::Result<IssuePage> {
    CAIRN_TRY_ASSIGN(const auto taken, embed::take_snapshot(core_, at, options.cursor));
    return embed::search(*taken, query, options);
  });
}

Result<Table> Store::aggregate(std::string_view query, const QueryOptions& options,
                               const SnapshotOptions& at) const noexcept {
  return with_store(core_, [&](engine::Store&) -> cairn::Result<Table> {
    CAIRN_TRY_ASSIGN(const auto taken, embed::take_snapshot(core_, at, options.cursor));
    return embed::aggregate(*taken, query, options);
  });
}

// --- upkeep -------------------------------------------------------------------------------------

Result<void> Store::refresh() noexcept {
  return guard(core_.get(), [&]() -> cairn::Result<void> {
    if (!core_) return make_error(cairn::ErrorCode::Closed, "the store was moved from");
    const auto alone = core_->take_alone();
    CAIRN_TRY(core_->open_store());
    if (!core_->options.read_only) return {};
    CAIRN_TRY(core_->check_unused());
    // The directory is opened once in a process: the old one goes first.
    core_->store.reset();
    CAIRN_TRY_ASSIGN(core_->store, engine::Store::open(core_->directory, core_->options));
    return {};
  });
}

Result<Stats> Store::stats() const noexcept {
  return with_store(core_, [&](engine::Store& store) -> cairn::Result<Stats> {
    CAIRN_TRY_ASSIGN(const auto stats, store.stats());
    return embed::to_public(stats);
  });
}

Result<void> Store::checkpoint() noexcept {
  return with_store(core_, [&](engine::Store& store) -> cairn::Result<void> {
    CAIRN_TRY(core_->check_may_write());
    return store.checkpoint();
  });
}

Result<void> Store::backup(const std::string& destination) const noexcept {
  return with_store(core_, [&](engine::Store& store) -> cairn::Result<void> {
    CAIRN_TRY(core_->check_may_write());
    CAIRN_TRY(store.backup(destination));
    return {};
  });
}

Result<void> Store::close() noexcept {
  return guard(core_.get(), [&]() -> cairn::Result<void> {
    if (!core_) return {};
    const auto alone = core_->take_alone();
    if (!core_->store) return {};
    CAIRN_TRY(core_->check_unused());
    auto closed = core_->store->close();
    core_->store.reset();
    return closed;
  });
}

}  // namespace cairn::v1
