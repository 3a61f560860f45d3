#include "client/store_access.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "base/clock.h"
#include "client/table.h"

namespace cairn::client {
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
Result<TimeUs> present_of(const MomentArguments& moment, const engine::Snapshot& snapshot) {
  if (moment.now) return *moment.now;
  if (!moment.as_of) return SystemClock().now();
  if (moment.as_of->time) return *moment.as_of->time;
  const engine::Removed& removed = snapshot.removed();
  if (removed.last_lsn == snapshot.lsn()) return removed.recorded_until;
  CAIRN_TRY_ASSIGN(const model::Record record, snapshot.record(snapshot.lsn()));
  return record.time;
}

}  // namespace

namespace {

Result<std::unique_ptr<engine::Store>> open_moment(const std::string& directory,
                                                   const MomentArguments& moment,
                                                   const Console& console,
                                                   const engine::Store* beside) {
  engine::StoreOptions options;
  options.read_only = true;
  options.create = false;
  if (moment.as_of) {
    ProgressLine line(console.terminal.err && !console.json);
    const auto progress = progress_callback(line, console, "going back");
    return beside != nullptr
               ? beside->as_of(*moment.as_of, progress)
               : engine::Store::open_as_of(directory, *moment.as_of, options, progress);
  }
  return engine::Store::open(directory, options);
}

Result<void> check_reached(Lsn reached, const MomentArguments& moment) {
  if (moment.at_least && raw(reached) < raw(*moment.at_least)) {
    return make_error(ErrorCode::Conflict,
                      fmt::format("the store has reached LSN {}, not yet {}; try again later",
                                  raw(reached), raw(*moment.at_least)));
  }
  return {};
}

}  // namespace

Result<Reading> open_reading(const std::string& directory, const MomentArguments& moment,
                             const Console& console, const engine::Store* beside) {
  CAIRN_ASSERT(beside == nullptr || moment.as_of);
  Reading reading;
  CAIRN_TRY_ASSIGN(reading.store, open_moment(directory, moment, console, beside));
  CAIRN_TRY_ASSIGN(reading.snapshot, reading.store->snapshot(moment.experiment));
  CAIRN_TRY(check_reached(reading.snapshot->lsn(), moment));
  CAIRN_TRY_ASSIGN(reading.now, present_of(moment, *reading.snapshot));
  return reading;
}

Result<Reading> open_reading_page(const std::string& directory, const MomentArguments& moment,
                                  const std::string& cursor, const Console& console) {
  Reading reading;
  CAIRN_TRY_ASSIGN(reading.store, open_moment(directory, moment, console, nullptr));
  if (moment.at_least) {
    // Of the store: the list of a cursor is of the moment when it was begun.
    CAIRN_TRY_ASSIGN(const auto present, reading.store->snapshot());
    CAIRN_TRY(check_reached(present->lsn(), moment));
  }
  CAIRN_TRY_ASSIGN(reading.snapshot, reading.store->snapshot_for(cursor, moment.experiment));
  CAIRN_TRY_ASSIGN(reading.now, present_of(moment, *reading.snapshot));
  return reading;
}

Result<std::unique_ptr<engine::Store>> open_writing(const std::string& directory, bool create,
                                                    const Console& console) {
  engine::StoreOptions options;
  options.create = create;
  return open_writing(directory, options, console);
}

Result<std::unique_ptr<engine::Store>> open_writing(const std::string& directory,
                                                    const engine::StoreOptions& options,
                                                    const Console& console) {
  engine::OpenReport report;
  CAIRN_TRY_ASSIGN(auto store, engine::Store::open(directory, options, &report));
  tell(report, console);
  return store;
}

engine::Progress progress_callback(ProgressLine& line, const Console& console, std::string what) {
  return [&line, &console, what = std::move(what)](uint64_t done, uint64_t total) {
    if (!line.due()) return;
    const std::string amount = total == 0
                                   ? format_count(done)
                                   : progress_bar(done, total, kBarWidth, console.terminal.utf8);
    line.update(fmt::format("{}  {}", what, amount), console.terminal.width);
  };
}

}  // namespace cairn::client
