// init, stats, verify, rebuild, log, generate.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/time_format.h"
#include "client/generate.h"
#include "client/output.h"
#include "client/record_text.h"
#include "client/store_access.h"
#include "client/table.h"
#include "client/verbs.h"

namespace cairn::client {
namespace {

engine::StoreOptions reading_options() {
  engine::StoreOptions options;
  options.read_only = true;
  options.create = false;
  return options;
}

void write_digests(JsonWriter& json, const engine::Digests& digests) {
  json.key("state_digest").string(digests.state.hex());
  json.key("full_digest").string(digests.full.hex());
}

void row(Console& console, std::string_view name, std::string_view value) {
  console.out.line(fmt::format("{:<16} {}", name, value));
}

std::string stats_json(const engine::Stats& stats) {
  JsonWriter json;
  json.begin_object();
  json.key("store_id").string(stats.store_id.dashed());
  json.key("lsn").unsigned_integer(raw(stats.last_lsn));
  json.key("checkpoint_lsn").unsigned_integer(raw(stats.checkpoint_lsn));
  const std::pair<std::string_view, uint64_t> numbers[] = {
      {"occurrences", stats.occurrences},
      {"groups", stats.groups},
      {"issues", stats.issues},
      {"hidden", stats.hidden},
      {"fingerprints", stats.fingerprints},
      {"projects", stats.projects},
      {"log_files", stats.log_files},
      {"log_bytes", stats.log_bytes},
      {"index_bytes", stats.index_bytes},
      {"index_file_bytes", stats.index_file_bytes},
      {"index_bytes_written", stats.index_bytes_written},
      {"head_occurrences", stats.head_occurrences},
      {"head_bytes", stats.head_bytes},
      {"readers", stats.readers},
      {"max_readers", stats.max_readers},
  };
  for (const auto& [name, value] : numbers) json.key(name).unsigned_integer(value);
  json.key("segments").begin_array();
  for (const auto& segment : stats.segments) {
    json.begin_object();
    json.key("id").unsigned_integer(segment.id);
    json.key("occurrences").unsigned_integer(segment.occurrences);
    json.key("bytes").unsigned_integer(segment.bytes);
    json.key("min_time").string(format_time(segment.min_time));
    json.key("max_time").string(format_time(segment.max_time));
    json.end_object();
  }
  json.end_array();
  write_digests(json, stats.digests);
  return json.end_object().take();
}

void print_stats(const engine::Stats& stats, Console& console) {
  const auto per_occurrence = [&](uint64_t bytes) {
    if (stats.occurrences == 0) return format_bytes(bytes);
    return fmt::format("{} ({:.1f} B per occurrence)", format_bytes(bytes),
                       static_cast<double>(bytes) / static_cast<double>(stats.occurrences));
  };
  row(console, "store", stats.store_id.dashed());
  row(console, "LSN",
      fmt::format("{} (index: {})", raw(stats.last_lsn), raw(stats.checkpoint_lsn)));
  row(console, "occurrences", format_count(stats.occurrences));
  row(console, "issues",
      fmt::format("{} ({} groups, {} of them merged into others)", format_count(stats.issues),
                  format_count(stats.groups), format_count(stats.hidden)));
  row(console, "fingerprints", format_count(stats.fingerprints));
  row(console, "projects", format_count(stats.projects));
  row(console, "log",
      fmt::format("{} in {} file{}", per_occurrence(stats.log_bytes), stats.log_files,
                  stats.log_files == 1 ? "" : "s"));
  row(console, "index",
      fmt::format("{}, {} segments", per_occurrence(stats.index_bytes), stats.segments.size()));
  row(console, "in memory",
      fmt::format("{} occurrences, {}", format_count(stats.head_occurrences),
                  format_bytes(stats.head_bytes)));
  row(console, "readers", fmt::format("{} of {}", stats.readers, stats.max_readers));
  row(console, "state digest", stats.digests.state.hex());
  row(console, "full digest", stats.digests.full.hex());
}

std::string verify_json(const engine::VerifyReport& report) {
  JsonWriter json;
  json.begin_object();
  json.key("ok").boolean(report.problems.empty());
  json.key("deep").boolean(report.deep);
  json.key("log_files").unsigned_integer(report.log_files);
  json.key("frames").unsigned_integer(report.frames);
  json.key("records").unsigned_integer(report.records);
  json.key("log_bytes").unsigned_integer(report.log_bytes);
  json.key("torn_bytes").unsigned_integer(report.torn_bytes);
  json.key("segments").unsigned_integer(report.segments);
  json.key("index").begin_object();
  write_digests(json, report.index);
  json.end_object().key("replay");
  if (report.deep) {
    json.begin_object();
    write_digests(json, report.replay);
    json.end_object();
  } else {
    json.null();
  }
  json.key("problems").begin_array();
  for (const auto& problem : report.problems) json.string(problem);
  json.end_array();
  if (!report.problems.empty()) {
    write_error(json, make_error(ErrorCode::Corruption, report.problems.front()));
  }
  return json.end_object().take();
}

void print_verify(const engine::VerifyReport& report, Console& console) {
  row(console, "log",
      fmt::format("{} records in {} frames, {} files, {}", format_count(report.records),
                  format_count(report.frames), report.log_files, format_bytes(report.log_bytes)));
  if (report.torn_bytes > 0) {
    row(console, "torn tail",
        fmt::format("{} of an unfinished write (no damage; cut off at the "
                    "next open)",
                    format_bytes(report.torn_bytes)));
  }
  row(console, "index", fmt::format("{} segments", report.segments));
  row(console, "state digest", report.index.state.hex());
  if (report.deep) {
    const bool equal =
        report.index.state == report.replay.state && report.index.full == report.replay.full;
    row(console, "replay", equal ? "equal digests" : "DIFFERENT digests");
  }
  for (const auto& problem : report.problems) {
    console.out.line(styled(console.terminal, Style::Red, "problem: ") + problem);
  }
  if (report.problems.empty()) console.out.line(styled(console.terminal, Style::Green, "sound"));
}

}  // namespace

VerbResult run_verb(const InitArguments& arguments, Console& console) {
  engine::OpenReport report;
  CAIRN_TRY_ASSIGN(const auto store, engine::Store::open(arguments.store, {}, &report));
  CAIRN_TRY_ASSIGN(const engine::Stats stats, store->stats());
  CAIRN_TRY(store->close());
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

VerbResult run_verb(const StatsArguments& arguments, Console& console) {
  CAIRN_TRY_ASSIGN(const auto store, engine::Store::open(arguments.store, reading_options()));
  CAIRN_TRY_ASSIGN(const engine::Stats stats, store->stats());
  if (console.json) {
    console.out.line(stats_json(stats));
  } else {
    print_stats(stats, console);
  }
  return ExitCode::Ok;
}

VerbResult run_verb(const VerifyArguments& arguments, Console& console) {
  ProgressLine line(console.terminal.err);
  CAIRN_TRY_ASSIGN(const engine::VerifyReport report,
                   engine::Store::verify(arguments.store, arguments.deep, reading_options(),
                                         progress_callback(line, console, "checking")));
  line.clear();
  if (console.json) {
    console.out.line(verify_json(report));
  } else {
    print_verify(report, console);
  }
  return report.problems.empty() ? ExitCode::Ok : ExitCode::Failed;
}

VerbResult run_verb(const RebuildArguments& arguments, Console& console) {
  engine::StoreOptions options;
  options.create = false;
  ProgressLine line(console.terminal.err);
  const auto start = std::chrono::steady_clock::now();
  CAIRN_TRY_ASSIGN(const engine::RebuildReport report,
                   engine::Store::rebuild(arguments.store, options,
                                          progress_callback(line, console, "rebuilding")));
  line.clear();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (console.json) {
    JsonWriter json;
    json.begin_object().key("records").unsigned_integer(report.records);
    write_digests(json, report.digests);
    json.key("seconds").number(seconds.count());
    console.out.line(json.end_object().str());
  } else {
    console.out.line(fmt::format("folded {} records in {}", format_count(report.records),
                                 format_seconds(seconds.count())));
    row(console, "state digest", report.digests.state.hex());
    row(console, "full digest", report.digests.full.hex());
  }
  return ExitCode::Ok;
}

VerbResult run_verb(const LogArguments& arguments, Console& console) {
  // The open store only lends the projects' names: a log is listed up to its damage, and without
  // an index too.
  const auto reading = open_reading(arguments.store, {}, console);
  const model::State nameless;
  const model::State& state = reading ? reading->snapshot->state() : nameless;
  uint64_t left = arguments.limit.value_or(UINT64_MAX);
  if (left == 0) return ExitCode::Ok;
  Lsn last{std::max<uint64_t>(raw(arguments.from), 1) - 1};
  bool ended = false;  // enough was printed, or nobody reads any more
  const auto print = [&](Lsn lsn, const model::Record& record) -> Result<void> {
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
  auto walked = engine::Store::read_log(arguments.store, reading_options(), arguments.from, print);
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

VerbResult run_verb(const GenerateArguments& arguments, Console& console) {
  auto generated = generate(arguments.options, [&](std::string_view block) -> Result<void> {
    console.out.write(block);
    if (console.out.closed()) return make_error(ErrorCode::Closed, "nobody reads any more");
    return {};
  });
  if (!generated && !console.out.closed()) return generated.error();
  return ExitCode::Ok;
}

}  // namespace cairn::client
