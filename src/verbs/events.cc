// events, tags: what the occurrences of one issue say.
#include <fmt/format.h>

#include "base/time_format.h"
#include "engine/issue_events.h"
#include "model/field.h"
#include "query/group_tags.h"
#include "query/parser.h"
#include "verbs/context.h"
#include "verbs/output.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

// The issue asked for, and what of it.
Result<query::GroupScope> find_scope(const Reading& reading, const std::string& issue, bool alone) {
  CAIRN_TRY_ASSIGN(const GroupId group, reading.snapshot->state().find_issue(issue));
  return query::GroupScope{group, alone};
}

std::string events_json(const Reading& reading, const engine::IssueEvents& page) {
  JsonWriter json;
  json.begin_object();
  json.key("lsn").unsigned_integer(raw(reading.snapshot->lsn()));
  json.key("total").unsigned_integer(page.total);
  write_text_or_null(json, "next", page.next.value_or(""));
  write_text_or_null(json, "prev", page.prev.value_or(""));
  json.key("events").begin_array();
  for (const auto& event : page.events) write_event(json, reading.snapshot->state(), event);
  json.end_array();
  write_warnings(json, page.warnings);
  return json.end_object().take();
}

// What of an occurrence is found under a field; the first one of several.
std::string_view term_of(const std::vector<model::Term>& terms, FieldId field) {
  for (const model::Term& term : terms) {
    if (term.id == field) return term.value;
  }
  return "-";
}

std::string events_table(const engine::IssueEvents& page, const Terminal& terminal) {
  TextTable table({{.header = "TIME"},
                   {.header = "ID", .drop_order = 4},
                   {.header = "LEVEL"},
                   {.header = "TITLE", .flexible = true},
                   {.header = "RELEASE", .drop_order = 1},
                   {.header = "ENVIRONMENT", .drop_order = 2},
                   {.header = "USER", .drop_order = 3}});
  model::TermExtractor extractor;
  for (const auto& event : page.events) {
    const auto& terms = extractor.extract(event.occurrence);
    const auto cell = [&](FieldId field) { return std::string(term_of(terms, field)); };
    namespace field = model::field;
    table.add({format_time(event.occurrence.time()), event.occurrence.id.hex(), cell(field::kLevel),
               cell(field::kTitle), cell(field::kRelease), cell(field::kEnvironment),
               cell(field::kUser)});
  }
  return table.render(terminal);
}

// What a person may not expect of the issue asked for.
void note_scope(const Reading& reading, const query::GroupScope& scope, Console& console) {
  const model::State& state = reading.snapshot->state();
  const model::Standing standing = state.group(scope.group).standing;
  if (standing != model::Standing::Kept) {
    console.note(fmt::format("{} is {}: its events are shown nowhere", state.short_id(scope.group),
                             model::standing_name(standing)));
  }
  const GroupId root = reading.snapshot->forest().root_of(scope.group);
  if (root == scope.group) return;
  console.note(fmt::format("{} is shown within {}; these are its own", state.short_id(scope.group),
                           state.short_id(root)));
}

void note_removed(const Reading& reading, Console& console) {
  const engine::Removed& removed = reading.snapshot->removed();
  if (removed.runs == 0) return;
  console.note(fmt::format("occurrences recorded until {} were removed by retention",
                           format_time(removed.recorded_until)));
}

std::string plural(uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", format_count(count), what, count == 1 ? "" : "s");
}

double share_of(uint64_t count, uint64_t total) {
  return total == 0 ? 0 : static_cast<double>(count) / static_cast<double>(total);
}

std::string share_text(uint64_t count, uint64_t total) {
  return fmt::format("{:.0f}%", 100 * share_of(count, total));
}

void write_key(JsonWriter& json, const query::TagKey& key, uint64_t total, bool times) {
  json.key("key").string(key.key);
  json.key("values").unsigned_integer(key.values);
  json.key("count").unsigned_integer(key.count);
  json.key("top").begin_array();
  for (const query::TagValue& value : key.top) {
    json.begin_object();
    json.key("value").string(value.text);
    json.key("count").unsigned_integer(value.count);
    json.key("share").number(share_of(value.count, total));
    if (times) {
      json.key("first_seen").string(format_time(value.first));
      json.key("last_seen").string(format_time(value.last));
    }
    json.end_object();
  }
  json.end_array();
}

std::string tags_json(const Reading& reading, const query::GroupScope& scope,
                      const query::TagList& list, bool one_key) {
  JsonWriter json;
  json.begin_object();
  json.key("lsn").unsigned_integer(raw(list.lsn));
  json.key("issue").string(reading.snapshot->state().short_id(scope.group));
  json.key("total").unsigned_integer(list.total);
  if (one_key) {
    write_key(json, list.keys.front(), list.total, true);
    return json.end_object().take();
  }
  json.key("tags").begin_array();
  for (const query::TagKey& key : list.keys) {
    json.begin_object();
    write_key(json, key, list.total, false);
    json.end_object();
  }
  return json.end_array().end_object().take();
}

void print_tags(const query::TagList& list, Console& console) {
  TextTable table({{.header = "TAG"},
                   {.header = "VALUES", .right = true, .drop_order = 1},
                   {.header = "EVENTS", .right = true},
                   {.header = "SHARE", .right = true},
                   {.header = "VALUE", .flexible = true}});
  for (const query::TagKey& key : list.keys) {
    std::string name = key.key;
    std::string values = format_count(key.values);
    for (const query::TagValue& value : key.top) {
      table.add({name, values, std::to_string(value.count), share_text(value.count, list.total),
                 value.text});
      name.clear();
      values.clear();
    }
  }
  if (table.empty()) {
    console.out.line("no tags");
  } else {
    console.out.write(table.render(console.terminal));
  }
  console.out.line(
      fmt::format("{} of {}", plural(list.keys.size(), "tag"), plural(list.total, "event")));
}

void print_values(const query::TagList& list, TimeUs now, Console& console) {
  const query::TagKey& key = list.keys.front();
  TextTable table({{.header = "VALUE", .flexible = true},
                   {.header = "EVENTS", .right = true},
                   {.header = "SHARE", .right = true},
                   {.header = "FIRST", .right = true, .drop_order = 2},
                   {.header = "SEEN", .right = true, .drop_order = 1}});
  for (const query::TagValue& value : key.top) {
    table.add({value.text, std::to_string(value.count), share_text(value.count, list.total),
               format_age(now, value.first), format_age(now, value.last)});
  }
  if (!table.empty()) console.out.write(table.render(console.terminal));
  const std::string shown =
      key.top.size() == key.values
          ? plural(key.values, "value")
          : fmt::format("{} of {}", format_count(key.top.size()), plural(key.values, "value"));
  console.out.line(fmt::format("{} of {} in {} of {}", shown, key.key, format_count(key.count),
                               plural(list.total, "event")));
}

}  // namespace

VerbResult run_verb(const EventsArguments& arguments, Context& context) {
  Console& console = context.console;
  // What is wrong with the filter is told before the store is opened.
  CAIRN_TRY(query::parse(arguments.query));
  CAIRN_TRY_ASSIGN(const Reading reading,
                   open_reading_page(context, arguments.store, arguments.moment, arguments.cursor));
  CAIRN_TRY_ASSIGN(const auto scope, find_scope(reading, arguments.issue, arguments.alone));
  query::EventOptions options;
  options.now = reading.now;
  options.limit = arguments.limit;
  options.cursor = arguments.cursor;
  options.control.cancelled = &context.cancelled;
  context.end_in_order();
  CAIRN_TRY_ASSIGN(const engine::IssueEvents page,
                   engine::issue_events(*reading.snapshot, scope, arguments.query, options));
  if (console.json) {
    console.out.line(events_json(reading, page));
    return ExitCode::Ok;
  }
  for (const std::string& warning : page.warnings) console.note(warning);
  if (page.events.empty()) {
    console.out.line(page.total == 0 ? "no events match" : "no more events");
  } else {
    console.out.write(events_table(page, console.terminal));
    const bool whole = page.events.size() == page.total;
    console.out.line(
        whole ? plural(page.total, "event")
              : fmt::format("{} of {}", page.events.size(), plural(page.total, "event")));
  }
  note_scope(reading, scope, console);
  note_removed(reading, console);
  note_pages(page.prev, page.next, console);
  return ExitCode::Ok;
}

VerbResult run_verb(const TagsArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const query::Query filter, query::parse(arguments.query));
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, arguments.moment));
  CAIRN_TRY_ASSIGN(const auto scope, find_scope(reading, arguments.issue, arguments.alone));
  const query::View& view = reading.snapshot->view();
  const bool one_key = !arguments.key.empty();
  query::TagOptions options;
  options.now = reading.now;
  options.limit =
      arguments.limit.value_or(one_key ? query::kDefaultLimit : query::kDefaultTopValues);
  options.control.cancelled = &context.cancelled;
  context.end_in_order();
  CAIRN_TRY_ASSIGN(const query::TagList list,
                   one_key ? query::list_values(view, scope, filter, arguments.key, options)
                           : query::list_tags(view, scope, filter, options));
  if (console.json) {
    console.out.line(tags_json(reading, scope, list, one_key));
    return ExitCode::Ok;
  }
  if (one_key) {
    print_values(list, reading.now, console);
  } else {
    print_tags(list, console);
  }
  note_scope(reading, scope, console);
  note_removed(reading, console);
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
