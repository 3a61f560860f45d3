#include "verbs/store_access.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/time_format.h"
#include "query/cursor.h"
#include "verbs/context.h"
#include "verbs/table.h"

namespace cairn::verbs {
namespace {

constexpr size_t kBarWidth = 24;

void tell(const engine::OpenReport& report, const Console& console) {
  if (report.torn_bytes > 0) {
    console.note(fmt::format("cairn: cut {} of an unfinished write off {} at offset {} ({})",
                             format_bytes(report.torn_bytes), report.torn_file, report.torn_offset,
                             report.index_rebuilt
                                 ? "there was no index to tell whether it had been acknowledged"
                                 : "a crash; nothing acknowledged is lost"));
  }
  if (report.index_rebuilt) {
    console.note(fmt::format("cairn: there was no index; made a new one from {} records of the log",
                             report.replayed_records));
  }
}

// The past is asked as of its own present: relative dates go back from there.
Result<TimeUs> present_of(const MomentArguments& moment, const engine::Snapshot& snapshot,
                          Clock& clock) {
  if (moment.now) return *moment.now;
  if (!moment.as_of) return clock.now();
  if (moment.as_of->time) return *moment.as_of->time;
  const engine::Removed& removed = snapshot.removed();
  if (removed.last_lsn == snapshot.lsn()) return removed.recorded_until;
  CAIRN_TRY_ASSIGN(const model::Record record, snapshot.record(snapshot.lsn()));
  return record.time;
}

Result<std::shared_ptr<const engine::Store>> open_moment(Context& context, const std::string& store,
                                                         const MomentArguments& moment,
                                                         const engine::Store* beside) {
  if (!moment.as_of) return context.stores.open(store);
  const Console& console = context.console;
  ProgressLine line(console, !console.json);
  const auto progress = progress_callback(line, console, "going back");
  if (beside == nullptr) return context.stores.open_as_of(store, *moment.as_of, progress);
  CAIRN_TRY_ASSIGN(auto past, beside->as_of(*moment.as_of, progress));
  return std::shared_ptr<const engine::Store>(std::move(past));
}

Result<void> check_reached(Lsn reached, const MomentArguments& moment) {
  if (moment.at_least && raw(reached) < raw(*moment.at_least)) {
    return make_error(ErrorCode::Conflict,
                      fmt::format("the store has reached LSN {}, not yet {}; try again later",
                                  raw(reached), raw(*moment.at_least)));
  }
  return {};
}

// Who may see some projects only finds nothing of others.
void limit(const Context& context, engine::Snapshot& snapshot) {
  if (!context.rights.projects.empty()) snapshot.limit_to(context.rights.projects);
}

Result<Reading> read_at(Context& context, std::shared_ptr<const engine::Store> store,
                        const MomentArguments& moment) {
  Reading reading;
  reading.store = std::move(store);
  CAIRN_TRY_ASSIGN(reading.snapshot, reading.store->snapshot(moment.experiment));
  limit(context, *reading.snapshot);
  CAIRN_TRY(check_reached(reading.snapshot->lsn(), moment));
  CAIRN_TRY_ASSIGN(reading.now, present_of(moment, *reading.snapshot, context.clock));
  return reading;
}

Result<std::shared_ptr<const engine::Store>> shared(Result<std::unique_ptr<engine::Store>> store) {
  if (!store.ok()) return std::move(store).error();
  return std::shared_ptr<const engine::Store>(std::move(store).value());
}

}  // namespace

engine::StoreOptions reading_options() {
  engine::StoreOptions options;
  options.read_only = true;
  options.create = false;
  return options;
}

Result<Reading> open_reading(Context& context, const std::string& store,
                             const MomentArguments& moment, const engine::Store* beside) {
  CAIRN_ASSERT(beside == nullptr || moment.as_of);
  CAIRN_TRY_ASSIGN(auto opened, open_moment(context, store, moment, beside));
  return read_at(context, std::move(opened), moment);
}

Result<Reading> open_reading_for_long(Context& context, const std::string& store,
                                      const MomentArguments& moment) {
  if (moment.as_of) return open_reading(context, store, moment);
  CAIRN_TRY_ASSIGN(auto opened, context.stores.open_for_long(store));
  return read_at(context, std::move(opened), moment);
}

namespace {

// A list keeps the `now` it was begun at; another one asked for beside its cursor would be ignored.
Result<void> check_same_now(const engine::Snapshot& snapshot, const MomentArguments& moment,
                            const std::string& cursor) {
  const query::CursorSeal* seal = snapshot.view().seal;
  if (cursor.empty() || !moment.now || seal == nullptr) return {};
  CAIRN_TRY_ASSIGN(const query::CursorPin pin, query::decode_pin(cursor, *seal));
  if (pin.now == *moment.now) return {};
  return make_error(ErrorCode::InvalidArgument,
                    fmt::format("the list of this cursor was begun with --now {}, and is read on "
                                "with it: leave --now out, or begin the list anew",
                                format_time(pin.now)));
}

}  // namespace

Result<Reading> open_reading_page(Context& context, const std::string& store,
                                  const MomentArguments& moment, const std::string& cursor) {
  Reading reading;
  CAIRN_TRY_ASSIGN(reading.store, open_moment(context, store, moment, nullptr));
  if (moment.at_least) {
    // Of the store: the list of a cursor is of the moment when it was begun.
    CAIRN_TRY_ASSIGN(const auto present, reading.store->snapshot());
    CAIRN_TRY(check_reached(present->lsn(), moment));
  }
  CAIRN_TRY_ASSIGN(reading.snapshot, reading.store->snapshot_for(cursor, moment.experiment));
  limit(context, *reading.snapshot);
  CAIRN_TRY_ASSIGN(reading.now, present_of(moment, *reading.snapshot, context.clock));
  CAIRN_TRY(check_same_now(*reading.snapshot, moment, cursor));
  return reading;
}

Result<Writing> open_writing(Context& context, const std::string& store,
                             const WritingOptions& options) {
  engine::OpenReport report;
  CAIRN_TRY_ASSIGN(auto writing, context.stores.open_writing(store, options, report));
  tell(report, context.console);
  return writing;
}

engine::Progress progress_callback(ProgressLine& line, const Console& console, std::string what) {
  return [&line, &console, what = std::move(what)](uint64_t done, uint64_t total) {
    if (!line.due()) return;
    const std::string amount = total == 0
                                   ? format_count(done)
                                   : progress_bar(done, total, kBarWidth, console.terminal.utf8);
    line.update(fmt::format("{}  {}", what, amount));
  };
}

// --- a directory --------------------------------------------------------------------------------

Result<std::shared_ptr<const engine::Store>> DirectoryAccess::open(const std::string& store) {
  return shared(engine::Store::open(store, reading_options()));
}

Result<std::shared_ptr<const engine::Store>> DirectoryAccess::open_as_of(
    const std::string& store, const engine::AsOf& moment, const engine::Progress& progress) {
  return shared(engine::Store::open_as_of(store, moment, reading_options(), progress));
}

Result<Writing> DirectoryAccess::open_writing(const std::string& store, const WritingOptions& how,
                                              engine::OpenReport& report) {
  engine::StoreOptions options;
  options.create = how.create;
  options.clock = how.clock;
  CAIRN_TRY_ASSIGN(auto opened, engine::Store::open(store, options, &report));
  // Who writes lets ticks of alerts pass, and rules that are not filled by then miss them.
  CAIRN_TRY(opened->fill_alerts());
  return Writing(std::move(opened));
}

Result<void> DirectoryAccess::read_log(
    const std::string& store, Lsn from,
    const std::function<Result<void>(Lsn, const model::Record&)>& fn) {
  return engine::Store::read_log(store, reading_options(), from, fn);
}

// --- a store that is lent -----------------------------------------------------------------------

Result<std::shared_ptr<const engine::Store>> LentAccess::open(const std::string&) {
  return std::shared_ptr<const engine::Store>(std::shared_ptr<void>(), &store_);
}

Result<std::shared_ptr<const engine::Store>> LentAccess::open_as_of(
    const std::string&, const engine::AsOf& moment, const engine::Progress& progress) {
  return shared(store_.as_of(moment, progress));
}

Result<Writing> LentAccess::open_writing(const std::string&, const WritingOptions& options,
                                         engine::OpenReport&) {
  if (options.clock != nullptr) {
    return make_error(ErrorCode::Unsupported,
                      "--now: a store that is served goes by the time it is; leave --now out, or "
                      "name the directory while nobody serves it");
  }
  return Writing(store_);
}

Result<std::shared_ptr<const engine::Store>> LentAccess::open_for_long(const std::string& store) {
  Lsn now{};
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store_.snapshot());
    now = snapshot->lsn();
  }
  if (now == Lsn{}) return open(store);  // nothing there to be long about
  return open_as_of(store, {now, std::nullopt}, nullptr);
}

Result<void> LentAccess::read_log(
    const std::string&, Lsn from,
    const std::function<Result<void>(Lsn, const model::Record&)>& fn) {
  return store_.for_each_record(from, fn);
}

}  // namespace cairn::verbs
