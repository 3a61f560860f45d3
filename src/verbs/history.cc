// history.
#include <fmt/format.h>

#include "base/time_format.h"
#include "engine/group_history.h"
#include "verbs/context.h"
#include "verbs/output.h"
#include "verbs/record_text.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

std::string history_json(const Reading& reading, GroupId issue,
                         const std::vector<engine::HistoryEntry>& entries) {
  const model::State& state = reading.snapshot->state();
  JsonWriter json;
  json.begin_object();
  json.key("lsn").unsigned_integer(raw(reading.snapshot->lsn()));
  json.key("issue").string(state.short_id(issue));
  json.key("history").begin_array();
  for (const engine::HistoryEntry& entry : entries) {
    json.begin_object();
    json.key("lsn").unsigned_integer(raw(entry.lsn));
    json.key("time").string(format_time(entry.record.time));
    write_text_or_null(json, "actor", entry.record.actor);
    json.key("issue").string(state.short_id(entry.group));
    json.key("what").string(entry.what);
    write_text_or_null(json, "before", entry.before);
    write_text_or_null(json, "after", entry.after);
    json.key("record").raw(record_json(entry.lsn, entry.record, state));
    json.end_object();
  }
  return json.end_array().end_object().take();
}

}  // namespace

VerbResult run_verb(const HistoryArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, arguments.moment));
  const model::State& state = reading.snapshot->state();
  CAIRN_TRY_ASSIGN(const GroupId issue, state.find_issue(arguments.issue));
  CAIRN_TRY_ASSIGN(auto entries, engine::group_history(*reading.snapshot, issue));
  if (arguments.limit && entries.size() > *arguments.limit) {
    entries.erase(entries.begin(), entries.end() - static_cast<ptrdiff_t>(*arguments.limit));
  }
  if (console.json) {
    console.out.line(history_json(reading, issue, entries));
    return ExitCode::Ok;
  }
  TextTable table({{.header = "LSN", .right = true},
                   {.header = "TIME"},
                   {.header = "WHO", .drop_order = 2},
                   {.header = "ISSUE", .drop_order = 1},
                   {.header = "WHAT"},
                   {.header = "BEFORE", .drop_order = 3},
                   {.header = "AFTER", .flexible = true}});
  for (const engine::HistoryEntry& entry : entries) {
    table.add({std::to_string(raw(entry.lsn)), format_time(entry.record.time),
               entry.record.actor.empty() ? "-" : entry.record.actor, state.short_id(entry.group),
               entry.what, entry.before.empty() ? "-" : entry.before,
               entry.after.empty() ? "-" : entry.after});
  }
  console.out.write(table.render(console.terminal));
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
