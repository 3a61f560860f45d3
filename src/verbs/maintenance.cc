// verify, rebuild, compact, backup, restore, retain.
#include <fmt/format.h>

#include <chrono>

#include "base/time_format.h"
#include "verbs/context.h"
#include "verbs/operations_output.h"
#include "verbs/output.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void print_retention(const engine::RetentionReport& report, Console& console) {
  if (report.segments == 0) {
    console.out.line(fmt::format("nothing to remove; {} occurrences are kept",
                                 format_count(report.kept_occurrences)));
    return;
  }
  print_row(
      console, report.dry_run ? "would remove" : "removed",
      fmt::format("{} occurrences in {} segments (records up to {})",
                  format_count(report.occurrences), report.segments, raw(report.after.last_lsn)));
  print_row(console, "log",
            fmt::format("{} files, {}", report.log_files, format_bytes(report.log_bytes)));
  print_row(console, "index",
            fmt::format("{}, to be used again by later writes", format_bytes(report.index_bytes)));
  if (!report.dry_run) {
    print_row(console, "log base",
              fmt::format("{}: totals, states and history of what went",
                          format_bytes(report.base_bytes)));
  }
  print_row(console, "kept", fmt::format("{} occurrences", format_count(report.kept_occurrences)));
}

// Gives free pages back. A store that stays open keeps them, to use them again.
Result<engine::ShrinkReport> shrink(const std::string& store, Context& context) {
  if (context.stores.has_files()) {
    engine::StoreOptions options;
    options.create = false;
    return engine::Store::shrink(store, options);
  }
  CAIRN_TRY_ASSIGN(const auto opened, context.stores.open(store));
  CAIRN_TRY_ASSIGN(const engine::Stats stats, opened->stats());
  context.console.note(
      "cairn: the index keeps its free pages for later writes while the store is open; to give "
      "them "
      "back stop the server and compact the directory");
  return engine::ShrinkReport{stats.index_file_bytes, stats.index_file_bytes};
}

}  // namespace

VerbResult run_verb(const VerifyArguments& arguments, Context& context) {
  Console& console = context.console;
  ProgressLine line(console);
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

VerbResult run_verb(const RebuildArguments& arguments, Context& context) {
  Console& console = context.console;
  engine::StoreOptions options;
  options.create = false;
  ProgressLine line(console);
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
    print_digests(console, report.digests);
  }
  return ExitCode::Ok;
}

VerbResult run_verb(const CompactArguments& arguments, Context& context) {
  Console& console = context.console;
  engine::CompactReport merged;
  {
    CAIRN_TRY_ASSIGN(auto store, open_writing(context, arguments.store));
    CAIRN_TRY_ASSIGN(merged, store->compact());
    CAIRN_TRY(store.finish());
  }
  CAIRN_TRY_ASSIGN(const engine::ShrinkReport shrunk, shrink(arguments.store, context));
  if (console.json) {
    JsonWriter json;
    json.begin_object().key("segments_before").unsigned_integer(merged.segments_before);
    json.key("segments_after").unsigned_integer(merged.segments_after);
    json.key("merged_occurrences").unsigned_integer(merged.merged_occurrences);
    json.key("index_file_bytes_before").unsigned_integer(shrunk.file_bytes_before);
    json.key("index_file_bytes_after").unsigned_integer(shrunk.file_bytes_after);
    console.out.line(json.end_object().str());
    return ExitCode::Ok;
  }
  print_row(console, "segments",
            fmt::format("{} before, {} after", merged.segments_before, merged.segments_after));
  print_row(console, "index file",
            fmt::format("{} before, {} after", format_bytes(shrunk.file_bytes_before),
                        format_bytes(shrunk.file_bytes_after)));
  return ExitCode::Ok;
}

VerbResult run_verb(const BackupArguments& arguments, Context& context) {
  Console& console = context.console;
  ProgressLine line(console);
  const auto start = Clock::now();
  CAIRN_TRY_ASSIGN(const engine::BackupReport report,
                   engine::Store::backup(arguments.store, arguments.destination, reading_options(),
                                         progress_callback(line, console, "copying")));
  line.clear();
  if (console.json) {
    JsonWriter json;
    json.begin_object().key("store_id").string(report.store_id.dashed());
    json.key("lsn").unsigned_integer(raw(report.lsn));
    json.key("files").unsigned_integer(report.files);
    json.key("bytes").unsigned_integer(report.bytes);
    json.key("copied_files").unsigned_integer(report.copied_files);
    json.key("copied_bytes").unsigned_integer(report.copied_bytes);
    json.key("removed_files").unsigned_integer(report.removed_files);
    json.key("seconds").number(seconds_since(start));
    console.out.line(json.end_object().str());
    return ExitCode::Ok;
  }
  console.out.line(fmt::format("backed up records 1 to {}: {} files, {}; copied {} of them, {}",
                               raw(report.lsn), report.files, format_bytes(report.bytes),
                               report.copied_files, format_bytes(report.copied_bytes)));
  return ExitCode::Ok;
}

VerbResult run_verb(const RestoreArguments& arguments, Context& context) {
  Console& console = context.console;
  ProgressLine line(console);
  const auto start = Clock::now();
  CAIRN_TRY_ASSIGN(const engine::RestoreReport report,
                   engine::Store::restore(arguments.source, arguments.store, {},
                                          progress_callback(line, console, "restoring")));
  line.clear();
  if (console.json) {
    JsonWriter json;
    json.begin_object().key("store_id").string(report.store_id.dashed());
    json.key("lsn").unsigned_integer(raw(report.lsn));
    json.key("made").string(format_time(report.made));
    json.key("files").unsigned_integer(report.files);
    json.key("bytes").unsigned_integer(report.bytes);
    json.key("records").unsigned_integer(report.records);
    write_digests(json, report.digests);
    json.key("seconds").number(seconds_since(start));
    console.out.line(json.end_object().str());
    return ExitCode::Ok;
  }
  console.out.line(fmt::format("restored records 1 to {} of the backup of {} into {}",
                               raw(report.lsn), format_time(report.made), arguments.store));
  print_digests(console, report.digests);
  return ExitCode::Ok;
}

VerbResult run_verb(const RetainArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(auto store, open_writing(context, arguments.store));
  engine::RetentionPolicy policy = arguments.policy;
  policy.now = arguments.now;
  ProgressLine line(console);
  CAIRN_TRY_ASSIGN(const engine::RetentionReport report,
                   store->retain(policy, progress_callback(line, console, "folding")));
  line.clear();
  CAIRN_TRY(store.finish());
  if (!console.json) {
    print_retention(report, console);
    return ExitCode::Ok;
  }
  JsonWriter json;
  json.begin_object().key("dry_run").boolean(report.dry_run);
  json.key("occurrences").unsigned_integer(report.occurrences);
  json.key("segments").unsigned_integer(report.segments);
  json.key("log_files").unsigned_integer(report.log_files);
  json.key("log_bytes").unsigned_integer(report.log_bytes);
  json.key("index_bytes").unsigned_integer(report.index_bytes);
  json.key("base_bytes").unsigned_integer(report.base_bytes);
  json.key("kept_occurrences").unsigned_integer(report.kept_occurrences);
  json.key("removed").begin_object();
  write_removed(json, report.after);
  json.end_object();
  console.out.line(json.end_object().str());
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
