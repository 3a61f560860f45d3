#include "verbs/output.h"

#include <fmt/format.h>

#include <cmath>

#include "base/time_format.h"

namespace cairn::verbs {
namespace {

void write_counts(JsonWriter& json, const std::vector<uint64_t>& counts) {
  json.begin_array();
  for (const uint64_t count : counts) json.unsigned_integer(count);
  json.end_array();
}

void write_cell(JsonWriter& json, const query::Cell& cell) {
  struct Visitor {
    JsonWriter& json;
    void operator()(std::monostate) const { json.null(); }
    void operator()(int64_t value) const { json.integer(value); }
    void operator()(double value) const { json.number(value); }
    void operator()(const std::string& value) const { json.string(value); }
    void operator()(TimeUs value) const { json.string(format_time(value)); }
    void operator()(const std::vector<uint64_t>& counts) const { write_counts(json, counts); }
  };
  std::visit(Visitor{json}, cell.value);
}

}  // namespace

void write_text_or_null(JsonWriter& json, std::string_view key, std::string_view text) {
  json.key(key);
  if (text.empty()) {
    json.null();
  } else {
    json.string(text);
  }
}

void write_error(JsonWriter& json, const Error& error) {
  json.key("error").begin_object();
  json.key("code").string(error_code_name(error.code));
  json.key("message").string(error.message);
  json.key("position");
  if (error.position) {
    json.unsigned_integer(*error.position);
  } else {
    json.null();
  }
  json.end_object();
}

void write_warnings(JsonWriter& json, const std::vector<std::string>& warnings) {
  if (warnings.empty()) return;
  json.key("warnings").begin_array();
  for (const std::string& warning : warnings) json.string(warning);
  json.end_array();
}

void note_pages(const std::optional<std::string>& prev, const std::optional<std::string>& next,
                const Console& console) {
  if (prev) console.note(fmt::format("page before: --cursor {}", *prev));
  if (next) console.note(fmt::format("next page: --cursor {}", *next));
}

std::string error_json(const Error& error) {
  JsonWriter json;
  json.begin_object();
  write_error(json, error);
  json.end_object();
  return json.take();
}

void write_seen(JsonWriter& json, const model::Totals& seen) {
  const bool any = seen.times_seen > 0;
  write_text_or_null(json, "first_seen", any ? format_time(seen.first_seen) : "");
  write_text_or_null(json, "last_seen", any ? format_time(seen.last_seen) : "");
  json.key("times_seen").unsigned_integer(seen.times_seen);
}

void write_issue(JsonWriter& json, const model::Forest& forest, GroupId id, uint64_t count,
                 uint64_t users, bool alone) {
  const model::State& state = forest.state();
  const model::Group& group = state.group(id);
  const model::Totals totals = alone ? group.own() : forest.totals(id);
  const model::Group& face = alone ? group : forest.face_of(id);
  json.key("id").unsigned_integer(raw(id));
  json.key("short_id").string(state.short_id(id));
  json.key("project_id").unsigned_integer(raw(group.project));
  json.key("title").string(group.title);
  const model::ShownStatus shown =
      alone ? model::ShownStatus{group.status, group.substatus, group.status_since}
            : forest.shown_status(id);
  json.key("status").string(model::status_name(shown.status));
  write_text_or_null(json, "substatus", model::substatus_name(shown.substatus));
  write_text_or_null(json, "level", totals.times_seen > 0 ? model::level_name(face.level) : "");
  json.key("priority").string(model::priority_name(group.priority));
  json.key("type").unsigned_integer(group.type);
  write_text_or_null(json, "assignee", group.assignee);
  write_seen(json, totals);
  json.key("count").unsigned_integer(count);
  json.key("users").unsigned_integer(users);
  json.key("merged").begin_array();
  for (const GroupId member : forest.members(id)) {
    if (member != id && !alone) json.string(state.short_id(member));
  }
  json.end_array();
}

std::string page_json(const model::Forest& forest, const query::SearchPage& page) {
  JsonWriter json;
  json.begin_object();
  json.key("lsn").unsigned_integer(raw(page.lsn));
  json.key("total").unsigned_integer(page.total);
  write_text_or_null(json, "next", page.next.value_or(""));
  write_text_or_null(json, "prev", page.prev.value_or(""));
  json.key("issues").begin_array();
  for (const query::IssueRow& row : page.issues) {
    json.begin_object();
    write_issue(json, forest, row.id, row.count, row.users);
    if (!row.trend.empty()) {
      json.key("trend");
      write_counts(json, row.trend);
    }
    json.end_object();
  }
  json.end_array();
  if (!page.issues.empty() && !page.issues.front().trend.empty()) {
    json.key("trend_bucket_seconds").integer(page.trend_bucket_us / kMicrosPerSecond);
  }
  write_warnings(json, page.warnings);
  return json.end_object().take();
}

std::string table_json(const query::Table& table) {
  JsonWriter json;
  json.begin_object();
  json.key("lsn").unsigned_integer(raw(table.lsn));
  json.key("total").unsigned_integer(table.total);
  json.key("columns").begin_array();
  for (const query::Column& column : table.columns) {
    json.begin_object();
    json.key("name").string(column.name).key("type").string(column.type);
    json.end_object();
  }
  json.end_array().key("rows").begin_array();
  for (const auto& row : table.rows) {
    json.begin_array();
    for (const query::Cell& cell : row) write_cell(json, cell);
    json.end_array();
  }
  json.end_array();
  write_warnings(json, table.warnings);
  return json.end_object().take();
}

void write_event(JsonWriter& json, const model::State& state,
                 const engine::Snapshot::Event& event) {
  json.begin_object().raw_members(model::to_json_members(event.occurrence));
  json.key("_issue").string(state.short_id(event.issue));
  json.key("_leaf").string(state.short_id(event.leaf));
  json.key("_lsn").unsigned_integer(raw(event.lsn));
  json.end_object();
}

std::string status_text(const model::ShownStatus& shown) {
  if (shown.status == model::Status::Ignored) return "archived";
  const bool tells =
      shown.status == model::Status::Unresolved && shown.substatus != model::Substatus::None;
  return std::string(tells ? model::substatus_name(shown.substatus)
                           : model::status_name(shown.status));
}

void write_snooze(JsonWriter& json, const model::SnoozeTerms& terms) {
  json.key("snooze").begin_object();
  write_text_or_null(json, "until", terms.until == TimeUs{} ? "" : format_time(terms.until));
  json.key("count").unsigned_integer(terms.count);
  json.key("window_minutes").unsigned_integer(terms.window_minutes);
  json.key("users").unsigned_integer(terms.users);
  json.key("user_window_minutes").unsigned_integer(terms.user_window_minutes).end_object();
}

void write_resolution(JsonWriter& json, const model::Resolution& resolution) {
  json.key("resolution").begin_object();
  json.key("kind").string(model::resolution_name(resolution.kind));
  write_text_or_null(json, "version", resolution.version);
  json.end_object();
}

namespace {

// For people: whole numbers in full, others with six digits, of which two at least lie behind the
// point. JSON has all of them.
std::string number_text(double value) {
  constexpr double kWholeBelow = 0x1p53;  // beyond, not every whole number can be told
  constexpr double kSixDigitsBelow = 1e4;
  const double size = std::abs(value);
  if (size < kWholeBelow && std::trunc(value) == value) return fmt::format("{:.0f}", value);
  if (size >= kWholeBelow) return fmt::format("{}", value);
  return size < kSixDigitsBelow ? fmt::format("{:.6g}", value) : fmt::format("{:.2f}", value);
}

}  // namespace

std::string cell_text(const query::Cell& cell) {
  struct Visitor {
    std::string operator()(std::monostate) const { return "-"; }
    std::string operator()(int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return number_text(value); }
    std::string operator()(const std::string& value) const { return value; }
    std::string operator()(TimeUs value) const { return format_time(value); }
    std::string operator()(const std::vector<uint64_t>& counts) const {
      return fmt::format("{}", fmt::join(counts, " "));
    }
  };
  return std::visit(Visitor{}, cell.value);
}

std::string_view outcome_name(engine::Outcome outcome) {
  switch (outcome) {
    case engine::Outcome::Stored:
      return "stored";
    case engine::Outcome::Duplicate:
      return "duplicate";
    case engine::Outcome::NoChange:
      return "no_change";
    case engine::Outcome::Reference:
      return "reference";
    case engine::Outcome::Refused:
      return "refused";
  }
  return "unknown";
}

}  // namespace cairn::verbs
