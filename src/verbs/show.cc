// show.
#include <fmt/format.h>

#include <unordered_set>

#include <array>

#include "base/time_format.h"
#include "verbs/context.h"
#include "verbs/issue_reference.h"
#include "verbs/issue_table.h"
#include "verbs/output.h"
#include "verbs/record_text.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

constexpr size_t kHistoryRecords = 20;
constexpr size_t kShownFingerprints = 10;
constexpr std::array<std::string_view, 6> kTopFields = {"level", "release", "environment",
                                                        "user",  "url",     "server_name"};
constexpr uint32_t kTopValues = 3;

struct TopValue {
  std::string value;
  uint64_t count = 0;
};
struct TopField {
  std::string_view name;
  std::vector<TopValue> values;
};

// Everything show tells, gathered from one snapshot.
struct IssueReport {
  GroupId id{};
  GroupId shown_in{};  // 0 = visible
  std::optional<TimeUs> shown_since;
  bool alone = false;  // without what is merged below it
  uint64_t count = 0;  // occurrences, of everything merged below it too
  uint64_t users = 0;
  std::vector<uint64_t> trend;
  int64_t trend_us = 0;  // over all buckets
  std::vector<TopField> top;
  std::vector<std::pair<Lsn, model::Record>> history;
};

Result<std::vector<TopValue>> top_values(const Reading& reading, const std::string& issue,
                                         std::string_view field) {
  query::SearchOptions options;
  options.now = reading.now;
  const std::string text = fmt::format("issue:{} | top {} {}", issue, kTopValues, field);
  CAIRN_TRY_ASSIGN(const query::Table table, reading.snapshot->aggregate(text, options));
  std::vector<TopValue> values;
  for (const auto& row : table.rows) {
    TopValue value;
    for (const auto& cell : row) {
      if (const auto* count = std::get_if<int64_t>(&cell.value)) {
        value.count = static_cast<uint64_t>(*count);
      } else if (const auto* name = std::get_if<std::string>(&cell.value)) {
        value.value = *name;
      }
    }
    if (!value.value.empty()) values.push_back(std::move(value));
  }
  return values;
}

// What the occurrences of a visible issue say.
Result<void> read_occurrences(const Reading& reading, const Terminal& terminal,
                              IssueReport& report) {
  const std::string issue = reading.snapshot->state().short_id(report.id);
  query::SearchOptions options;
  options.now = reading.now;
  options.limit = 1;
  CAIRN_TRY_ASSIGN(const auto page,
                   search_with_trend(*reading.snapshot, "issue:" + issue, terminal, options));
  for (const auto& row : page.issues) {
    report.count = row.count;
    report.users = row.users;
    report.trend = row.trend;
    report.trend_us = options.trend_bucket_us * options.trend_buckets;
  }
  for (const std::string_view field : kTopFields) {
    CAIRN_TRY_ASSIGN(auto values, top_values(reading, issue, field));
    if (!values.empty()) report.top.push_back({field, std::move(values)});
  }
  return {};
}

// Of a hidden issue, or of one alone, by its members: queries know visible issues only.
uint64_t distinct_users(const query::View& view, const std::vector<GroupId>& members) {
  std::unordered_set<ValueId> users;
  for (const GroupId member : members) {
    for (const FingerprintId fingerprint : view.state->group(member).fingerprints) {
      for (const storage::Part* part : view.parts) {
        part->for_each_of(fingerprint, nullptr,
                          [&](Ordinal ordinal) { users.insert(part->user(ordinal)); });
      }
    }
  }
  users.erase(ValueId{});
  return users.size();
}

uint64_t kept_occurrences(const query::View& view, const std::vector<GroupId>& members) {
  uint64_t count = 0;
  for (const GroupId member : members) {
    for (const FingerprintId fingerprint : view.state->group(member).fingerprints) {
      for (const storage::Part* part : view.parts) {
        part->for_each_of(fingerprint, nullptr, [&](Ordinal) { ++count; });
      }
    }
  }
  return count;
}

// When the newest of the merges happened that hide a group within its visible issue. None: in an
// experiment, where no merge is.
Result<std::optional<TimeUs>> shown_since(const Reading& reading, GroupId id) {
  const model::Forest forest = reading.snapshot->forest();
  Lsn newest{};
  for (; forest.parent(id) != GroupId{}; id = forest.parent(id)) {
    if (forest.parent(id) != forest.group(id).parent) return std::optional<TimeUs>();
    newest = std::max(newest, forest.group(id).merged_at);
  }
  CAIRN_TRY_ASSIGN(const model::Record merge, reading.snapshot->record(newest));
  return std::optional(merge.time);
}

Result<IssueReport> gather(const Reading& reading, const Terminal& terminal,
                           const std::string& reference, bool alone) {
  const model::State& state = reading.snapshot->state();
  IssueReport report;
  report.alone = alone;
  CAIRN_TRY_ASSIGN(report.id, state.find_issue(reference));
  const model::Forest forest = reading.snapshot->forest();
  const GroupId root = forest.root_of(report.id);
  if (root != report.id) {
    report.shown_in = root;
    CAIRN_TRY_ASSIGN(report.shown_since, shown_since(reading, report.id));
  }
  if (alone || root != report.id) {
    const query::View& view = reading.snapshot->view();
    const std::vector<GroupId> members =
        alone ? std::vector<GroupId>{report.id} : forest.members(report.id);
    report.count = kept_occurrences(view, members);
    report.users = distinct_users(view, members);
  } else {
    CAIRN_TRY(read_occurrences(reading, terminal, report));
  }
  CAIRN_TRY_ASSIGN(report.history, reading.snapshot->history(report.id, kHistoryRecords));
  return report;
}

void write_top(JsonWriter& json, const std::vector<TopField>& top) {
  json.begin_object();
  for (const TopField& field : top) {
    json.key(field.name).begin_array();
    for (const TopValue& value : field.values) {
      json.begin_object().key("value").string(value.value);
      json.key("count").unsigned_integer(value.count).end_object();
    }
    json.end_array();
  }
  json.end_object();
}

void write_texts(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.key(key).begin_array();
  for (const std::string& text : texts) json.string(text);
  json.end_array();
}

// What the issue waits for, and what people keep with it.
void write_care(JsonWriter& json, const model::State& state, GroupId id) {
  const model::Care& care = state.care(id);
  json.key("standing").string(model::standing_name(state.group(id).standing));
  json.key("for_review").boolean(state.for_review(id));
  if (care.snooze) write_snooze(json, care.snooze->terms);
  if (care.resolution) write_resolution(json, *care.resolution);
  json.key("notes").begin_array();
  for (const model::Note& note : care.notes) {
    json.begin_object().key("note").unsigned_integer(note.number);
    write_text_or_null(json, "author", note.author);
    json.key("time").string(format_time(note.time));
    write_text_or_null(json, "edited", note.edited == TimeUs{} ? "" : format_time(note.edited));
    json.key("text").string(note.text).end_object();
  }
  json.end_array();
  write_texts(json, "bookmarked_by", care.bookmarked_by);
  write_texts(json, "subscribed_by", care.subscribed_by);
  json.key("seen_by").begin_array();
  for (const auto& [who, time] : care.seen) {
    json.begin_object().key("who").string(who).key("time").string(format_time(time)).end_object();
  }
  json.end_array().key("links").begin_array();
  for (const model::ExternalLink& link : care.links) {
    json.begin_object().key("url").string(link.url);
    write_text_or_null(json, "title", link.title);
    json.end_object();
  }
  json.end_array();
}

std::string report_json(const Reading& reading, const IssueReport& report) {
  const model::State& state = reading.snapshot->state();
  const model::Group& group = state.group(report.id);
  JsonWriter json;
  json.begin_object();
  json.key("lsn").unsigned_integer(raw(reading.snapshot->lsn()));
  // Occurrences recorded until then were removed by retention; times_seen counts them, count not.
  const engine::Removed& removed = reading.snapshot->removed();
  write_text_or_null(json, "removed_until",
                     removed.runs > 0 ? format_time(removed.recorded_until) : "");
  json.key("issue").begin_object();
  write_issue(json, reading.snapshot->forest(), report.id, report.count, report.users,
              report.alone);
  json.end_object();
  const bool hidden = raw(report.shown_in) != 0;
  write_text_or_null(json, "shown_in", hidden ? state.short_id(report.shown_in) : "");
  write_text_or_null(json, "shown_in_since",
                     report.shown_since ? format_time(*report.shown_since) : "");
  const bool split = raw(group.split_from) != 0;
  write_text_or_null(json, "split_from", split ? state.short_id(group.split_from) : "");
  json.key("own").begin_object();
  write_seen(json, group.own());
  json.end_object();
  json.key("children").begin_array();
  for (const GroupId child : reading.snapshot->forest().children(report.id)) {
    json.string(state.short_id(child));
  }
  json.end_array().key("fingerprints").begin_array();
  for (const FingerprintId id : group.fingerprints) json.string(state.fingerprint(id).value);
  json.end_array().key("top");
  if (hidden || report.alone) {
    json.null();  // queries know visible issues only
  } else {
    write_top(json, report.top);
  }
  write_care(json, state, report.id);
  json.key("history").begin_array();
  for (const auto& [lsn, record] : report.history) json.raw(record_json(lsn, record, state));
  json.end_array();
  return json.end_object().take();
}

model::ShownStatus own_status(const model::Group& group) {
  return {group.status, group.substatus, group.status_since};
}

void print_head(const Reading& reading, const IssueReport& report, Console& console) {
  const model::State& state = reading.snapshot->state();
  const model::Forest forest = reading.snapshot->forest();
  const model::Group& group = state.group(report.id);
  const model::Totals totals = report.alone ? group.own() : forest.totals(report.id);
  const Terminal& terminal = console.terminal;
  const auto text = [&](std::string_view value) { return printable(value, terminal.utf8); };
  const auto row = [&](std::string_view name, const std::string& value) {
    console.out.line(fmt::format("  {:<12} {}", name, value));
  };
  console.out.line(fmt::format("{}  {}", styled(terminal, Style::Bold, state.short_id(report.id)),
                               text(group.title)));
  if (raw(report.shown_in) != 0) {
    row("shown within",
        fmt::format("{}{} (what follows is its own state)", state.short_id(report.shown_in),
                    report.shown_since ? " since " + format_time(*report.shown_since) : ""));
  }
  row("status", status_text(report.alone ? own_status(group) : forest.shown_status(report.id)));
  if (raw(group.split_from) != 0) {
    row("split from", fmt::format("{}{}", state.short_id(group.split_from),
                                  group.fingerprints.empty() ? ", and is back there" : ""));
  }
  const model::Group& face = report.alone ? group : forest.face_of(report.id);
  if (totals.times_seen > 0) row("level", std::string(model::level_name(face.level)));
  row("priority", model::priority_name(group.priority));
  row("type", fmt::format("{} ({})", group.type, state.type(group.type).slug));
  if (!face.culprit.empty()) row("culprit", text(face.culprit));
  if (!group.assignee.empty()) row("assignee", text(group.assignee));
  const auto seen = [&](TimeUs time) {
    return fmt::format("{} ({} ago)", format_time(time), format_age(reading.now, time));
  };
  if (totals.times_seen > 0) {
    row("first seen", seen(totals.first_seen));
    row("last seen", seen(totals.last_seen));
  }
  row("events", format_count(totals.times_seen));
  if (const engine::Removed& removed = reading.snapshot->removed(); removed.runs > 0) {
    row("kept", fmt::format("{} of them; those recorded until {} were removed by retention",
                            format_count(report.count), format_time(removed.recorded_until)));
  }
  row("users", format_count(report.users));
  if (!report.trend.empty()) {
    row("trend", fmt::format("|{}| last {}", trend_bar(report.trend, terminal.utf8),
                             span_text(report.trend_us)));
  }
}

std::string snooze_text(const model::SnoozeTerms& terms) {
  std::string out;
  const auto add = [&](std::string text) { out += (out.empty() ? "" : ", or ") + text; };
  const auto within = [](uint32_t minutes) {
    return minutes == 0 ? std::string() : fmt::format(" within {} minutes", minutes);
  };
  if (terms.until != TimeUs{}) add("until " + format_time(terms.until));
  if (terms.count > 0)
    add(fmt::format("until {} events{}", terms.count, within(terms.window_minutes)));
  if (terms.users > 0) {
    add(fmt::format("until {} users{}", terms.users, within(terms.user_window_minutes)));
  }
  return out;
}

std::string join_texts(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, ", "));
}

void print_care(const model::State& state, GroupId id, Console& console) {
  const model::Care& care = state.care(id);
  const auto row = [&](std::string_view name, const std::string& value) {
    console.out.line(fmt::format("  {:<12} {}", name, printable(value, console.terminal.utf8)));
  };
  if (const auto standing = state.group(id).standing; standing != model::Standing::Kept) {
    row("standing", std::string(model::standing_name(standing)));
  }
  if (state.for_review(id)) row("review", "not looked at yet");
  if (care.snooze) row("archived", snooze_text(care.snooze->terms));
  if (care.resolution) {
    const std::string& version = care.resolution->version;
    row("resolved", fmt::format("{} {}", model::resolution_name(care.resolution->kind), version));
  }
  if (!care.bookmarked_by.empty()) row("bookmarked", join_texts(care.bookmarked_by));
  if (!care.subscribed_by.empty()) row("subscribed", join_texts(care.subscribed_by));
  for (const model::ExternalLink& link : care.links) {
    row("link", link.title.empty() ? link.url : fmt::format("{} ({})", link.url, link.title));
  }
  if (care.notes.empty()) return;
  console.out.line("\nNotes");
  for (const model::Note& note : care.notes) {
    console.out.line(fmt::format("  {}. {} {}: {}", note.number, format_time(note.time),
                                 note.author.empty() ? "-" : note.author,
                                 printable(note.text, console.terminal.utf8)));
  }
}

void print_merged(const model::Forest& forest, GroupId id, Console& console) {
  const model::State& state = forest.state();
  const auto members = forest.members(id);
  if (members.size() < 2) return;
  console.out.line("\nMerged into it");
  TextTable table({{.header = "ISSUE"},
                   {.header = "TITLE", .flexible = true},
                   {.header = "EVENTS", .right = true},
                   {.header = "STATUS"},
                   {.header = "WITHIN", .drop_order = 1}});
  for (const GroupId member : members) {
    if (member == id) continue;
    const model::Group& group = state.group(member);
    table.add({state.short_id(member), std::string(group.title), std::to_string(group.times_seen),
               status_text(own_status(group)), state.short_id(forest.parent(member))});
  }
  console.out.write(table.render(console.terminal));
}

void print_fingerprints(const model::State& state, const model::Group& group, Console& console) {
  if (group.fingerprints.empty()) return;
  console.out.line("\nFingerprints");
  for (size_t i = 0; i < group.fingerprints.size() && i < kShownFingerprints; ++i) {
    const model::Fingerprint& fingerprint = state.fingerprint(group.fingerprints[i]);
    console.out.line(fmt::format("  {}  {} events",
                                 printable(fingerprint.value, console.terminal.utf8),
                                 format_count(fingerprint.occurrences)));
  }
  if (group.fingerprints.size() > kShownFingerprints) {
    console.out.line(fmt::format("  and {} more", group.fingerprints.size() - kShownFingerprints));
  }
}

void print_top(const IssueReport& report, Console& console) {
  if (report.top.empty()) return;
  console.out.line("\nMost frequent values");
  TextTable table({{.header = "FIELD"},
                   {.header = "EVENTS", .right = true},
                   {.header = "SHARE", .right = true},
                   {.header = "VALUE", .flexible = true}});
  for (const TopField& field : report.top) {
    std::string name(field.name);
    for (const TopValue& value : field.values) {
      const uint64_t share = report.count == 0 ? 0 : value.count * 100 / report.count;
      table.add({name, std::to_string(value.count), fmt::format("{}%", share), value.value});
      name.clear();
    }
  }
  console.out.write(table.render(console.terminal));
}

void print_history(const Reading& reading, const IssueReport& report, Console& console) {
  if (report.history.empty()) return;
  console.out.line("\nHistory");
  TextTable table({{.header = "LSN", .right = true},
                   {.header = "TIME"},
                   {.header = "WHO", .drop_order = 1},
                   {.header = "WHAT", .flexible = true}});
  for (const auto& [lsn, record] : report.history) {
    table.add({std::to_string(raw(lsn)), format_time(record.time),
               record.actor.empty() ? "-" : record.actor,
               record_summary(record, reading.snapshot->state())});
  }
  console.out.write(table.render(console.terminal));
}

}  // namespace

VerbResult run_verb(const ShowArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, arguments.moment));
  CAIRN_TRY_ASSIGN(const IssueReport report,
                   gather(reading, console.terminal, arguments.issue, arguments.alone));
  if (console.json) {
    console.out.line(report_json(reading, report));
    return ExitCode::Ok;
  }
  const model::State& state = reading.snapshot->state();
  print_head(reading, report, console);
  print_care(state, report.id, console);
  if (!report.alone) print_merged(reading.snapshot->forest(), report.id, console);
  print_fingerprints(state, state.group(report.id), console);
  print_top(report, console);
  print_history(reading, report, console);
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
