// query, export, parse.
#include <fmt/format.h>

#include "client/issue_table.h"
#include "client/output.h"
#include "client/store_access.h"
#include "client/table.h"
#include "client/verbs.h"
#include "query/ast_dump.h"
#include "query/parser.h"
#include "query/token.h"

namespace cairn::client {
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
  if (page.next) console.note(fmt::format("next page: --cursor {}", *page.next));
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
}

}  // namespace

VerbResult run_verb(const QueryArguments& arguments, Console& console) {
  CAIRN_TRY_ASSIGN(const query::Query parsed, query::parse(arguments.query));
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(arguments.store, arguments.moment, console));
  const engine::Snapshot& snapshot = *reading.snapshot;
  query::SearchOptions options;
  options.now = reading.now;
  options.sort = arguments.sort;
  options.limit = arguments.limit;
  options.cursor = arguments.cursor;
  options.viewer = arguments.viewer;
  if (query::is_aggregate(parsed)) {
    CAIRN_TRY_ASSIGN(const query::Table table, snapshot.aggregate(arguments.query, options));
    for (const std::string& warning : table.warnings) console.note(warning);
    if (console.json) {
      console.out.line(table_json(table));
    } else {
      print_table(table, console);
    }
    return ExitCode::Ok;
  }
  if (console.json) {
    CAIRN_TRY_ASSIGN(const auto page, snapshot.search(arguments.query, options));
    console.out.line(page_json(snapshot.forest(), page));
    return ExitCode::Ok;
  }
  CAIRN_TRY_ASSIGN(const auto page,
                   search_with_trend(snapshot, arguments.query, console.terminal, options));
  for (const std::string& warning : page.warnings) console.note(warning);
  print_page(snapshot, page, options, console);
  return ExitCode::Ok;
}

VerbResult run_verb(const ExportArguments& arguments, Console& console) {
  CAIRN_TRY_ASSIGN(const query::Query parsed, query::parse(arguments.query));
  if (query::is_aggregate(parsed)) {
    return make_error(ErrorCode::InvalidArgument,
                      "export writes occurrences: leave the part after | out, or use query");
  }
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(arguments.store, arguments.moment, console));
  const model::State& state = reading.snapshot->state();
  JsonWriter json;
  auto walked = reading.snapshot->for_each_event(
      arguments.query, reading.now, [&](engine::Snapshot::Event&& event) -> Result<void> {
        json.clear();
        write_event(json, state, event);
        console.out.line(json.str());
        if (console.out.closed()) return reader_left();
        return {};
      });
  if (!walked && !console.out.closed()) return walked.error();
  return ExitCode::Ok;
}

VerbResult run_verb(const ParseArguments& arguments, Console& console) {
  if (console.json) {
    CAIRN_TRY_ASSIGN(const std::string tokens, query::tokens_json(arguments.query));
    console.out.line(tokens);
    return ExitCode::Ok;
  }
  CAIRN_TRY_ASSIGN(const query::Query parsed, query::parse(arguments.query));
  console.out.line(query::dump(parsed));
  return ExitCode::Ok;
}

}  // namespace cairn::client
