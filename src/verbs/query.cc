// query, explain, export, parse.
#include <fmt/format.h>

#include "base/clock.h"
#include "query/ast_dump.h"
#include "query/parser.h"
#include "query/token.h"
#include "query/value_parser.h"
#include "verbs/context.h"
#include "verbs/issue_table.h"
#include "verbs/output.h"
#include "verbs/profile_output.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

// Ends a walk whose reader went away (`cairn export S | head`); no failure.
Error reader_left() { return make_error(ErrorCode::Closed, "nobody reads the answer any more"); }

void print_page(const engine::Snapshot& snapshot, const query::SearchPage& page,
                const query::SearchOptions& options, Console& console) {
  if (page.issues.empty()) {
    console.out.line(page.total == 0 ? "no issues match" : "no more issues");
    return;
  }
  console.out.write(issue_table(snapshot.forest(), page, options, console.terminal));
  const bool whole = page.issues.size() == page.total;
  console.out.line(
      whole ? fmt::format("{} issue{}", format_count(page.total), page.total == 1 ? "" : "s")
            : fmt::format("{} of {} issues", page.issues.size(), format_count(page.total)));
  note_pages(page.prev, page.next, console);
}

void print_table(const query::Table& table, Console& console) {
  std::vector<TableColumn> columns;
  bool flexible = false;
  for (const auto& column : table.columns) {
    const bool number = column.type == "integer" || column.type == "number";
    const bool text = column.type == "string" && !flexible;
    flexible = flexible || text;
    columns.push_back({.header = column.name, .right = number, .flexible = text});
  }
  TextTable text(std::move(columns));
  for (const auto& row : table.rows) {
    std::vector<TableCell> cells;
    for (const auto& cell : row) {
      const auto* trend = std::get_if<std::vector<uint64_t>>(&cell.value);
      if (trend == nullptr) {
        cells.emplace_back(cell_text(cell));
      } else {
        cells.emplace_back(trend_bar(*trend, console.terminal.utf8), Style::Cyan);
      }
    }
    text.add(std::move(cells));
  }
  if (text.empty()) {
    console.out.line("no rows");
  } else {
    console.out.write(text.render(console.terminal));
  }
  if (table.rows.size() < table.total) {
    console.out.line(
        fmt::format("{} of {} rows", format_count(table.rows.size()), format_count(table.total)));
  }
}

}  // namespace

namespace {

// The answer that is printed with its profile keeps it for the end.
struct Answer {
  std::optional<query::Table> table;
  query::SearchPage page;
};

query::SearchOptions options_of(const QueryArguments& arguments, const Reading& reading,
                                Clock& clock, query::Profile* profile, Context& context) {
  query::SearchOptions options;
  options.now = reading.now;
  options.sort = arguments.sort;
  options.limit = arguments.limit;
  options.cursor = arguments.cursor;
  options.viewer = arguments.viewer;
  options.control = {arguments.budget, &clock, &context.cancelled, profile};
  return options;
}

Result<Answer> ask(const QueryArguments& arguments, const engine::Snapshot& snapshot,
                   query::SearchOptions& options, const Terminal* trend) {
  CAIRN_TRY_ASSIGN(const query::Query parsed, query::parse(arguments.query));
  Answer answer;
  if (query::is_aggregate(parsed)) {
    CAIRN_TRY_ASSIGN(answer.table, snapshot.aggregate(arguments.query, options));
  } else if (trend == nullptr) {
    CAIRN_TRY_ASSIGN(answer.page, snapshot.search(arguments.query, options));
  } else {
    CAIRN_TRY_ASSIGN(answer.page, search_with_trend(snapshot, arguments.query, *trend, options));
  }
  return answer;
}

}  // namespace

VerbResult run_verb(const QueryArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY(query::parse(arguments.query));
  CAIRN_TRY_ASSIGN(const Reading reading,
                   open_reading_page(context, arguments.store, arguments.moment, arguments.cursor));
  context.end_in_order();
  const engine::Snapshot& snapshot = *reading.snapshot;
  SteadyClock clock;
  query::Profile profile;
  query::SearchOptions options =
      options_of(arguments, reading, clock, arguments.profile ? &profile : nullptr, context);
  const Terminal* trend = console.json ? nullptr : &console.terminal;
  const auto asked = ask(arguments, snapshot, options, trend);
  if (!asked.ok()) {
    // What was done until then says why a budget was not enough.
    if (arguments.profile && !console.json) console.tell(profile_text(profile, console.terminal));
    return asked.error();
  }
  const Answer& answer = *asked;
  if (console.json) {
    std::string json =
        answer.table ? table_json(*answer.table) : page_json(snapshot.forest(), answer.page);
    if (arguments.profile) json = with_member(std::move(json), "profile", profile_json(profile));
    console.out.line(json);
    return ExitCode::Ok;
  }
  const auto& warnings = answer.table ? answer.table->warnings : answer.page.warnings;
  for (const std::string& warning : warnings) console.note(warning);
  if (answer.table) {
    print_table(*answer.table, console);
  } else {
    print_page(snapshot, answer.page, options, console);
  }
  if (arguments.profile) console.tell(profile_text(profile, console.terminal));
  return ExitCode::Ok;
}

VerbResult run_verb(const ExplainArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY(query::parse(arguments.query.query));
  CAIRN_TRY_ASSIGN(const Reading reading,
                   open_reading_page(context, arguments.query.store, arguments.query.moment,
                                     arguments.query.cursor));
  context.end_in_order();
  SteadyClock clock;
  query::Profile profile;
  query::SearchOptions options = options_of(arguments.query, reading, clock, &profile, context);
  const auto asked = ask(arguments.query, *reading.snapshot, options, nullptr);
  if (!asked.ok()) {
    if (!console.json) console.out.write(profile_text(profile, console.terminal));
    return asked.error();
  }
  const Answer& answer = *asked;
  if (!console.json) {
    const auto& warnings = answer.table ? answer.table->warnings : answer.page.warnings;
    for (const std::string& warning : warnings) console.note(warning);
    console.out.write(profile_text(profile, console.terminal));
    return ExitCode::Ok;
  }
  JsonWriter json;
  json.begin_object().key("lsn").unsigned_integer(raw(reading.snapshot->lsn()));
  json.key("query").string(arguments.query.query);
  json.raw_members(profile_members(profile));
  console.out.line(json.end_object().str());
  return ExitCode::Ok;
}

VerbResult run_verb(const ExportArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const query::Query parsed, query::parse(arguments.query));
  if (!parsed.stages.empty()) {
    const auto at = std::visit([](const auto& stage) { return stage.at; }, parsed.stages.front());
    return query::invalid_at(at,
                             "export writes occurrences: leave the part after | out, or use query");
  }
  CAIRN_TRY_ASSIGN(const Reading reading,
                   open_reading_for_long(context, arguments.store, arguments.moment));
  context.end_in_order();
  const model::State& state = reading.snapshot->state();
  JsonWriter json;
  auto walked =
      reading.snapshot->for_each_event(arguments.query, reading.now,
                                       [&](engine::Snapshot::Event&& event) -> Result<void> {
                                         json.clear();
                                         write_event(json, state, event);
                                         console.out.line(json.str());
                                         if (console.out.closed()) return reader_left();
                                         return {};
                                       },
                                       {.cancelled = &context.cancelled});
  if (!walked && !console.out.closed()) return walked.error();
  return ExitCode::Ok;
}

VerbResult run_verb(const ParseArguments& arguments, Context& context) {
  Console& console = context.console;
  if (console.json) {
    CAIRN_TRY_ASSIGN(const std::string tokens, query::tokens_json(arguments.query));
    console.out.line(tokens);
    return ExitCode::Ok;
  }
  CAIRN_TRY_ASSIGN(const query::Query parsed, query::parse(arguments.query));
  console.out.line(query::dump(parsed));
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
