// diff.
#include <fmt/format.h>

#include "base/time_format.h"
#include "model/state_diff.h"
#include "verbs/context.h"
#include "verbs/output.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

void write_pair(JsonWriter& json, std::string_view key, uint64_t before, uint64_t after) {
  json.key(key).begin_object();
  json.key("before").unsigned_integer(before).key("after").unsigned_integer(after).end_object();
}

// How many there are of each kind, in the order of the list.
std::vector<std::pair<model::DiffKind, uint64_t>> count_kinds(const model::StateDiff& diff) {
  std::vector<std::pair<model::DiffKind, uint64_t>> counts;
  for (const model::Difference& one : diff.differences) {
    if (counts.empty() || counts.back().first != one.kind) counts.emplace_back(one.kind, 0);
    counts.back().second += 1;
  }
  return counts;
}

std::string diff_json(const Reading& from, const Reading& to, const model::StateDiff& diff,
                      size_t limit) {
  const model::State& state = to.snapshot->state();
  JsonWriter json;
  json.begin_object();
  json.key("from").unsigned_integer(raw(from.snapshot->lsn()));
  json.key("to").unsigned_integer(raw(to.snapshot->lsn()));
  write_pair(json, "issues", diff.issues_before, diff.issues_after);
  write_pair(json, "occurrences", diff.occurrences_before, diff.occurrences_after);
  json.key("kinds").begin_object();
  for (const auto& [kind, number] : count_kinds(diff)) {
    json.key(model::diff_kind_name(kind)).unsigned_integer(number);
  }
  json.end_object().key("differences").begin_array();
  size_t of_kind = 0;
  for (size_t i = 0; i < diff.differences.size(); ++i) {
    const model::Difference& one = diff.differences[i];
    of_kind = i > 0 && diff.differences[i - 1].kind == one.kind ? of_kind + 1 : 1;
    if (of_kind > limit) continue;
    json.begin_object();
    json.key("issue").string(state.short_id(one.group));
    json.key("title").string(state.group(one.group).title);
    json.key("what").string(model::diff_kind_name(one.kind));
    write_text_or_null(json, "before", one.before);
    write_text_or_null(json, "after", one.after);
    json.key("count").unsigned_integer(one.weight).end_object();
  }
  return json.end_array().end_object().take();
}

void print_diff(const Reading& from, const Reading& to, const model::StateDiff& diff, size_t limit,
                Console& console) {
  const model::State& state = to.snapshot->state();
  console.out.line(fmt::format(
      "records {} to {}: {} issues, now {}; {} occurrences, now {}", raw(from.snapshot->lsn()),
      raw(to.snapshot->lsn()), format_count(diff.issues_before), format_count(diff.issues_after),
      format_count(diff.occurrences_before), format_count(diff.occurrences_after)));
  if (diff.differences.empty()) return;
  TextTable table({{.header = "WHAT"},
                   {.header = "ISSUE"},
                   {.header = "BEFORE"},
                   {.header = "AFTER"},
                   {.header = "EVENTS", .right = true, .drop_order = 1},
                   {.header = "TITLE", .flexible = true}});
  size_t at = 0;
  std::string left_out;
  for (const auto& [kind, number] : count_kinds(diff)) {
    const size_t shown = std::min<size_t>(number, limit);
    for (size_t i = at; i < at + shown; ++i) {
      const model::Difference& one = diff.differences[i];
      // The title has a column of its own.
      const bool titled = kind == model::DiffKind::New || kind == model::DiffKind::Gone;
      table.add({std::string(model::diff_kind_name(kind)), state.short_id(one.group),
                 one.before.empty() || titled ? "-" : one.before,
                 one.after.empty() || titled ? "-" : one.after, std::to_string(one.weight),
                 std::string(state.group(one.group).title)});
    }
    if (number > shown) {
      left_out += fmt::format("{}{} more {}", left_out.empty() ? "" : ", ",
                              format_count(number - shown), model::diff_kind_name(kind));
    }
    at += number;
  }
  console.out.write(table.render(console.terminal));
  if (!left_out.empty()) console.out.line(left_out + "; see --limit");
}

}  // namespace

VerbResult run_verb(const DiffArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading to, open_reading(context, arguments.store, arguments.to));
  CAIRN_TRY_ASSIGN(const Reading from,
                   open_reading(context, arguments.store, arguments.from, to.store.get()));
  if (from.snapshot->lsn() > to.snapshot->lsn()) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("the first moment (record {}) is after the second (record {}): "
                                  "give the earlier one first",
                                  raw(from.snapshot->lsn()), raw(to.snapshot->lsn())));
  }
  const model::StateDiff found = model::diff(from.snapshot->state(), to.snapshot->state());
  if (console.json) {
    console.out.line(diff_json(from, to, found, arguments.limit));
  } else {
    print_diff(from, to, found, arguments.limit, console);
  }
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
