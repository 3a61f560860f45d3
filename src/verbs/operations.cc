// init, stats, log.
#include <fmt/format.h>

#include <algorithm>

#include "base/time_format.h"
#include "verbs/context.h"
#include "verbs/operations_output.h"
#include "verbs/output.h"
#include "verbs/record_text.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
VerbResult run_verb(const InitArguments& arguments, Context& context) {
  Console& console = context.console;
  engine::OpenReport report;
  CAIRN_TRY_ASSIGN(auto store,
                   context.stores.open_writing(arguments.store, {.create = true}, report));
  CAIRN_TRY_ASSIGN(const engine::Stats stats, store->stats());
  CAIRN_TRY(store.finish());
  if (console.json) {
    JsonWriter json;
    json.begin_object().key("store_id").string(stats.store_id.dashed());
    json.key("created").boolean(report.created);
    json.key("lsn").unsigned_integer(raw(stats.last_lsn));
    console.out.line(json.end_object().str());
  } else {
    console.out.line(fmt::format("{} {} (store {})",
                                 report.created ? "made" : "there is already a store in",
                                 arguments.store, stats.store_id.dashed()));
  }
  return ExitCode::Ok;
}

VerbResult run_verb(const StatsArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const auto store, context.stores.open(arguments.store));
  CAIRN_TRY_ASSIGN(const engine::Stats stats, store->stats(console.json || arguments.digests));
  if (console.json) {
    console.out.line(stats_json(stats));
  } else {
    print_stats(stats, console);
  }
  return ExitCode::Ok;
}

VerbResult run_verb(const LogArguments& arguments, Context& context) {
  Console& console = context.console;
  // The open store only lends the projects' names: a log is listed up to its damage, and without
  // an index too.
  const auto reading = open_reading_for_long(context, arguments.store, {});
  const model::State nameless;
  const model::State& state = reading ? reading->snapshot->state() : nameless;
  if (reading && arguments.from <= reading->snapshot->removed().last_lsn) {
    const engine::Removed& removed = reading->snapshot->removed();
    console.note(fmt::format("cairn: retention removed {} occurrences of the records up to {}",
                             removed.occurrences, raw(removed.last_lsn)));
  }
  uint64_t left = arguments.limit.value_or(UINT64_MAX);
  if (left == 0) return ExitCode::Ok;
  Lsn last{std::max<uint64_t>(raw(arguments.from), 1) - 1};
  bool ended = false;  // enough was printed, or nobody reads any more
  context.end_in_order();
  const auto print = [&](Lsn lsn, const model::Record& record) -> Result<void> {
    if (context.cancelled) return make_error(ErrorCode::Closed, "The listing was cancelled.");
    last = lsn;
    if (console.json) {
      console.out.line(record_json(lsn, record, state));
    } else {
      console.out.line(printable(
          fmt::format("{:>8}  {:<27}  {:<14}  {:<10}  {}", raw(lsn), format_time(record.time),
                      record_kind(record), record.actor.empty() ? "-" : record.actor,
                      record_summary(record, state)),
          true));
    }
    ended = --left == 0 || console.out.closed();
    if (ended) return make_error(ErrorCode::Closed, "enough");
    return {};
  };
  auto walked = context.stores.read_log(arguments.store, arguments.from, print);
  if (ended) return ExitCode::Ok;
  if (!walked) return walked.error();
  // Damage at the log's end looks like a write that was cut short; the index knows better.
  if (!reading && reading.error().code == ErrorCode::Corruption) return reading.error();
  if (reading && raw(last) < raw(reading->snapshot->lsn())) {
    return make_error(ErrorCode::Corruption,
                      fmt::format("the log ends at record {}, but records up to {} had been "
                                  "acknowledged: run 'cairn verify {}', and restore the log files "
                                  "from a backup",
                                  raw(last), raw(reading->snapshot->lsn()), arguments.store));
  }
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
