#include "verbs/operations_output.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/time_format.h"
#include "verbs/output.h"
#include "verbs/table.h"

namespace cairn::verbs {

void print_row(Console& console, std::string_view name, std::string_view value) {
  console.out.line(fmt::format("{:<16} {}", name, value));
}

void write_digests(JsonWriter& json, const engine::Digests& digests) {
  json.key("state_digest").string(digests.state.hex());
  json.key("full_digest").string(digests.full.hex());
}

void print_digests(Console& console, const engine::Digests& digests) {
  print_row(console, "state digest", digests.state.hex());
  print_row(console, "full digest", digests.full.hex());
}

void write_removed(JsonWriter& json, const engine::Removed& removed) {
  json.key("occurrences").unsigned_integer(removed.occurrences);
  json.key("log_bytes").unsigned_integer(removed.log_bytes);
  json.key("last_lsn").unsigned_integer(raw(removed.last_lsn));
  json.key("runs").unsigned_integer(removed.runs);
  const std::pair<std::string_view, TimeUs> times[] = {
      {"min_time", removed.min_time},
      {"max_time", removed.max_time},
      {"recorded_until", removed.recorded_until},
  };
  for (const auto& [name, time] : times) {
    if (removed.runs == 0) {
      json.key(name).null();
    } else {
      json.key(name).string(format_time(time));
    }
  }
}

// --- stats -------------------------------------------------------------------------------------

namespace {

using Number = std::pair<std::string_view, uint64_t>;

void write_numbers(JsonWriter& json, const std::vector<Number>& numbers) {
  for (const auto& [name, value] : numbers) json.key(name).unsigned_integer(value);
}

double ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::vector<Number> index_parts(const engine::IndexSizes& sizes) {
  return {{"dictionary", sizes.dictionary},
          {"postings", sizes.postings},
          {"columns", sizes.columns},
          {"ids", sizes.ids},
          {"state", sizes.state},
          {"past", sizes.past},
          {"log_positions", sizes.log_positions},
          {"other", sizes.other}};
}

void write_sizes(JsonWriter& json, const engine::Stats& stats) {
  json.key("index").begin_object();
  write_numbers(json, index_parts(stats.index));
  json.key("free").unsigned_integer(stats.index_free_bytes);
  json.end_object();
  json.key("tables").begin_array();
  for (const auto& table : stats.tables) {
    json.begin_object().key("name").string(table.name);
    write_numbers(json, {{"entries", table.entries}, {"bytes", table.bytes}});
    json.end_object();
  }
  json.end_array();
  json.key("log_bytes_per_occurrence").number(ratio(stats.log_bytes, stats.kept_occurrences));
  json.key("index_bytes_per_occurrence").number(ratio(stats.index_bytes, stats.kept_occurrences));
  json.key("write_amplification").number(ratio(stats.index_bytes_written, stats.index_bytes));
}

void write_segments(JsonWriter& json, const engine::Stats& stats) {
  json.key("segments").begin_array();
  for (const auto& segment : stats.segments) {
    json.begin_object();
    write_numbers(json, {{"id", segment.id},
                         {"occurrences", segment.occurrences},
                         {"bytes", segment.bytes},
                         {"min_lsn", raw(segment.min_lsn)},
                         {"max_lsn", raw(segment.max_lsn)}});
    json.key("min_time").string(format_time(segment.min_time));
    json.key("max_time").string(format_time(segment.max_time));
    json.end_object();
  }
  json.end_array();
}

void print_segments(const engine::Stats& stats, Console& console) {
  if (stats.segments.empty()) return;
  console.out.line("\nSegments");
  TextTable table({{.header = "ID", .right = true},
                   {.header = "OCCURRENCES", .right = true},
                   {.header = "SIZE", .right = true},
                   {.header = "B EACH", .right = true},
                   {.header = "RECORDS", .drop_order = 2},
                   {.header = "TIMES", .drop_order = 1}});
  for (const auto& segment : stats.segments) {
    table.add(
        {std::to_string(segment.id), format_count(segment.occurrences), format_bytes(segment.bytes),
         fmt::format("{:.1f}", ratio(segment.bytes, segment.occurrences)),
         fmt::format("{} to {}", raw(segment.min_lsn), raw(segment.max_lsn)),
         fmt::format("{} to {}", format_time(segment.min_time), format_time(segment.max_time))});
  }
  console.out.write(table.render(console.terminal));
}

void print_removed(const engine::Stats& stats, Console& console) {
  const engine::Removed& removed = stats.removed;
  if (removed.runs == 0) return;
  print_row(console, "removed",
            fmt::format("{} occurrences of {} to {} (records up to {}, {} of log) by retention",
                        format_count(removed.occurrences), format_time(removed.min_time),
                        format_time(removed.max_time), raw(removed.last_lsn),
                        format_bytes(removed.log_bytes)));
  print_row(console, "kept",
            fmt::format("{} occurrences can be found; totals count all",
                        format_count(stats.kept_occurrences)));
}

void print_sizes(const engine::Stats& stats, Console& console) {
  const auto per_occurrence = [&](uint64_t bytes) {
    if (stats.kept_occurrences == 0) return format_bytes(bytes);
    return fmt::format("{} ({:.1f} B per occurrence)", format_bytes(bytes),
                       ratio(bytes, stats.kept_occurrences));
  };
  print_row(console, "log",
            fmt::format("{} in {} file{}", per_occurrence(stats.log_bytes), stats.log_files,
                        stats.log_files == 1 ? "" : "s"));
  if (stats.base_bytes > 0) print_row(console, "log base", format_bytes(stats.base_bytes));
  print_row(
      console, "index",
      fmt::format("{}, {} segments", per_occurrence(stats.index_bytes), stats.segments.size()));
  for (const auto& [name, bytes] : index_parts(stats.index)) {
    print_row(console, fmt::format("  {}", name), per_occurrence(bytes));
  }
  print_row(console, "  free pages",
            fmt::format("{} (used again by later writes)", format_bytes(stats.index_free_bytes)));
  print_row(console, "index written",
            fmt::format("{} over its life, {:.1f} times its size",
                        format_bytes(stats.index_bytes_written),
                        ratio(stats.index_bytes_written, stats.index_bytes)));
  print_row(console, "in memory",
            fmt::format("{} occurrences, {}", format_count(stats.head_occurrences),
                        format_bytes(stats.head_bytes)));
}

}  // namespace

std::string stats_json(const engine::Stats& stats) {
  JsonWriter json;
  json.begin_object();
  json.key("store_id").string(stats.store_id.dashed());
  write_numbers(json, {{"lsn", raw(stats.last_lsn)},
                       {"checkpoint_lsn", raw(stats.checkpoint_lsn)},
                       {"base_lsn", raw(stats.base_lsn)},
                       {"occurrences", stats.occurrences},
                       {"kept_occurrences", stats.kept_occurrences},
                       {"groups", stats.groups},
                       {"issues", stats.issues},
                       {"hidden", stats.hidden},
                       {"out_of_sight", stats.out_of_sight},
                       {"held_back", stats.held_back},
                       {"fingerprints", stats.fingerprints},
                       {"projects", stats.projects},
                       {"log_files", stats.log_files},
                       {"log_bytes", stats.log_bytes},
                       {"base_bytes", stats.base_bytes},
                       {"index_bytes", stats.index_bytes},
                       {"index_file_bytes", stats.index_file_bytes},
                       {"index_bytes_written", stats.index_bytes_written},
                       {"head_occurrences", stats.head_occurrences},
                       {"head_bytes", stats.head_bytes},
                       {"readers", stats.readers},
                       {"max_readers", stats.max_readers}});
  write_sizes(json, stats);
  json.key("removed").begin_object();
  write_removed(json, stats.removed);
  json.end_object();
  write_segments(json, stats);
  if (stats.digests) write_digests(json, *stats.digests);
  return json.end_object().take();
}

void print_stats(const engine::Stats& stats, Console& console) {
  print_row(console, "store", stats.store_id.dashed());
  print_row(console, "LSN",
            fmt::format("{} (index: {})", raw(stats.last_lsn), raw(stats.checkpoint_lsn)));
  print_row(console, "occurrences", format_count(stats.occurrences));
  print_removed(stats, console);
  print_row(console, "issues",
            fmt::format("{} ({} groups, {} of them merged into others)", format_count(stats.issues),
                        format_count(stats.groups), format_count(stats.hidden)));
  if (stats.out_of_sight > 0) {
    print_row(console, "out of sight",
              fmt::format("{} groups, deleted or discarded", format_count(stats.out_of_sight)));
  }
  if (stats.held_back > 0) {
    print_row(console, "held back",
              fmt::format("{} occurrences without an issue yet", format_count(stats.held_back)));
  }
  print_row(console, "fingerprints", format_count(stats.fingerprints));
  print_row(console, "projects", format_count(stats.projects));
  print_sizes(stats, console);
  print_row(console, "readers", fmt::format("{} of {}", stats.readers, stats.max_readers));
  if (stats.digests) print_digests(console, *stats.digests);
  print_segments(stats, console);
}

// --- verify ------------------------------------------------------------------------------------

std::string verify_json(const engine::VerifyReport& report) {
  JsonWriter json;
  json.begin_object();
  json.key("ok").boolean(report.problems.empty());
  json.key("kind").string(report.backup ? "backup" : "store");
  if (report.backup) {
    json.key("store_id").string(report.backup->store_id.dashed());
    json.key("lsn").unsigned_integer(raw(report.backup->lsn));
    json.key("made").string(format_time(report.backup->made));
  }
  json.key("deep").boolean(report.deep);
  json.key("log_files").unsigned_integer(report.log_files);
  json.key("frames").unsigned_integer(report.frames);
  json.key("records").unsigned_integer(report.records);
  json.key("log_bytes").unsigned_integer(report.log_bytes);
  json.key("torn_bytes").unsigned_integer(report.torn_bytes);
  json.key("segments").unsigned_integer(report.segments);
  json.key("base_lsn").unsigned_integer(raw(report.base));
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

namespace {

void print_backup(const engine::VerifyReport& report, Console& console) {
  print_row(console, "backup", fmt::format("of store {}", report.backup->store_id.dashed()));
  print_row(console, "LSN",
            fmt::format("{} ({})", raw(report.backup->lsn), format_time(report.backup->made)));
  print_row(console, "files",
            fmt::format("{}, {}", report.log_files, format_bytes(report.log_bytes)));
}

void print_checked(const engine::VerifyReport& report, Console& console) {
  print_row(
      console, "log",
      fmt::format("{} records in {} frames, {} files, {}", format_count(report.records),
                  format_count(report.frames), report.log_files, format_bytes(report.log_bytes)));
  if (report.base > Lsn{0}) {
    print_row(console, "base", fmt::format("stands for records 1 to {}", raw(report.base)));
  }
  if (report.torn_bytes > 0) {
    print_row(console, "torn tail",
              fmt::format("{} of an unfinished write (no damage; cut off at the "
                          "next open)",
                          format_bytes(report.torn_bytes)));
  }
  print_row(console, "index", fmt::format("{} segments", report.segments));
  print_row(console, "state digest", report.index.state.hex());
  if (report.deep) {
    const bool equal =
        report.index.state == report.replay.state && report.index.full == report.replay.full;
    print_row(console, "replay", equal ? "equal digests" : "DIFFERENT digests");
  }
}

}  // namespace

void print_verify(const engine::VerifyReport& report, Console& console) {
  if (report.backup) {
    print_backup(report, console);
  } else {
    print_checked(report, console);
  }
  for (const auto& problem : report.problems) {
    console.out.line(styled(console.terminal, Style::Red, "problem: ") + problem);
  }
  if (report.problems.empty()) console.out.line(styled(console.terminal, Style::Green, "sound"));
}

}  // namespace cairn::verbs
