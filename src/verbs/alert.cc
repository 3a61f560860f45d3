// alert check, alert test.
#include <fmt/format.h>

#include <algorithm>

#include "model/state.h"
#include "verbs/alert_file.h"
#include "verbs/alert_output.h"
#include "verbs/alert_seen.h"
#include "verbs/alert_text.h"
#include "verbs/context.h"
#include "verbs/output.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

struct Checked {
  const std::string* file = nullptr;
  FilePlace place;
  std::string name{};
  std::optional<alert::Rule> rule{};  // that could be read
  std::optional<Error> error{};
  std::vector<std::string> notes{};
};

// Issues, projects and types that filters name are known to a store only. Without one, all else is
// checked.
std::optional<Error> check_meaning(alert::Rule rule, TimeUs now, std::vector<std::string>& notes) {
  const model::State nothing;
  for (;;) {
    auto bound = alert::bind_rule(rule, nothing, now);
    if (bound.ok()) return std::nullopt;
    auto* metric = std::get_if<alert::MetricCondition>(&rule.condition);
    if (bound.error().code != ErrorCode::NotFound) return bound.error();
    notes.push_back(
        fmt::format("{} Whether a store has it, `alert test` tells.", bound.error().message));
    const std::string* text = member_text(rule, bound.error());
    if (text == &rule.query) {
      rule.query.clear();
    } else if (metric != nullptr && text == &metric->percent_of) {
      metric->percent_of.clear();
    } else {
      return bound.error();
    }
  }
}

Checked check(const std::string& file, RuleText&& text, TimeUs now) {
  Checked out{.file = &file, .place = text.place};
  if (!text.rule.ok()) {
    out.error = text.rule.error();
    return out;
  }
  out.name = text.rule->name;
  out.error = check_meaning(*text.rule, now, out.notes);
  out.rule = *std::move(text.rule);
  return out;
}

std::string check_json(const std::vector<Checked>& all, size_t refused) {
  JsonWriter json;
  json.begin_object().key("rules").begin_array();
  for (const Checked& one : all) {
    json.begin_object().key("file").string(*one.file);
    json.key("line").unsigned_integer(one.place.line);
    json.key("column").unsigned_integer(one.place.column);
    json.key("ok").boolean(!one.error);
    if (one.error) {
      write_error(json, *one.error);
    } else {
      json.key("understood").string(describe(*one.rule)).key("rule");
      alert::write_json(json, *one.rule);
    }
    json.key("notes").begin_array();
    for (const std::string& note : one.notes) json.string(note);
    json.end_array().end_object();
  }
  json.end_array().key("checked").unsigned_integer(all.size());
  return json.key("refused").unsigned_integer(refused).end_object().take();
}

void print_check(const std::vector<Checked>& all, size_t refused, Console& console) {
  for (const Checked& one : all) {
    std::string place = fmt::format("{}:{}", *one.file, one.place.line);
    if (!one.error) {
      console.out.line(printable(fmt::format("{}: {}: {}", place, one.name, describe(*one.rule)),
                                 console.terminal.utf8));
    } else if (one.rule) {
      console.note(
          fmt::format("{}: {}: {}", place, one.name, bind_error_text(*one.rule, *one.error)));
    } else {
      console.note(fmt::format("{}:{}: {}", place, one.place.column, one.error->message));
    }
    for (const std::string& note : one.notes)
      console.note(fmt::format("{}: note: {}", place, note));
  }
  console.out.line(fmt::format("{} rule{}, {} refused", format_count(all.size()),
                               all.size() == 1 ? "" : "s", format_count(refused)));
}

// A rule of the store, or the one rule of a file.
Result<alert::Rule> find_rule(const std::string& word, const Reading& reading, Context& context) {
  const SeenAlerts seen(reading.snapshot->alerts(), context.rights);
  const auto stored = seen.rule(word);
  if (!is_rule_number(word)) {
    const auto readable = context.files.check_readable(word);
    if (readable.ok()) return read_one_rule(context.files, word, {&context.cancelled, {}});
    if (!stored.ok()) {
      return make_error(readable.error().code, fmt::format("{}, and {}", readable.error().message,
                                                           stored.error().message));
    }
  }
  if (!stored.ok()) return stored.error();
  return (*stored)->rule;
}

Result<alert::BoundRule> bind(const alert::Rule& rule, const Reading& reading) {
  auto bound = alert::bind_rule(rule, reading.snapshot->forest(), reading.now);
  if (!bound.ok()) {
    return make_error(bound.error().code, bind_error_text(rule, bound.error()));
  }
  if (bound->metric) return bound;
  return make_error(ErrorCode::Unsupported,
                    fmt::format("a rule about \"{}\" has no number to replay: test rules with an "
                                "aggregate, event_frequency or event_unique_user_frequency",
                                alert::issue_event_name(rule.issue()->event)));
}

bool minds_issues(const alert::BoundRule& bound) {
  using Kind = query::RowKey::Kind;
  return bound.call->counts_issues() || (bound.group_by && bound.group_by->kind == Kind::Issue) ||
         !alert::split(bound.filter.expr).group.empty() ||
         (bound.percent_of && !alert::split(bound.percent_of->expr).group.empty());
}

std::vector<std::string> notes_of(const alert::Rule& rule, const alert::BoundRule& bound,
                                  const AlertReplay& replay) {
  std::vector<std::string> notes;
  if (minds_issues(bound)) {
    notes.emplace_back(
        "Issues are asked as they are now, merges and states alike, and not as they were at each "
        "tick.");
  }
  if (replay.late > 0) {
    notes.push_back(fmt::format(
        "{} occurrences were recorded after the first tick that counts them here; a rule at work "
        "would have seen less at those ticks.",
        format_count(replay.late)));
  }
  if (rule.issue() != nullptr) {
    notes.push_back(
        fmt::format("The rule alerts of one issue at most once in {} minutes; incidents "
                    "are all listed.",
                    rule.issue()->quiet_min));
  }
  if (replay.figures.refused > 0) {
    notes.push_back(fmt::format(
        "There was no room for more keys: {} occurrences of others were not counted, and "
        "values that lack them are left out.",
        format_count(replay.figures.refused)));
  }
  if (replay.state.refused > 0) {
    notes.push_back(fmt::format("A rule follows at most {} keys in trouble; {} more were not.",
                                alert::kMaxKeys, format_count(replay.state.refused)));
  }
  if (replay.figures.not_kept > 0) {
    notes.push_back(
        fmt::format("{} occurrences brought more than there is room for in a window; "
                    "windows with them have no value.",
                    format_count(replay.figures.not_kept)));
  }
  return notes;
}

}  // namespace

VerbResult run_verb(const AlertCheckArguments& arguments, Context& context) {
  context.end_in_order();
  std::vector<Checked> all;
  for (const std::string& file : arguments.files) {
    CAIRN_TRY_ASSIGN(auto rules,
                     read_rules(context.files, file, {.stop = &context.cancelled, .on_idle = {}}));
    for (RuleText& text : rules) {
      all.push_back(check(file, std::move(text), context.clock.now()));
    }
  }
  const auto refused = static_cast<size_t>(std::count_if(
      all.begin(), all.end(), [](const Checked& one) { return one.error.has_value(); }));
  if (context.console.json) {
    context.console.out.line(check_json(all, refused));
  } else {
    print_check(all, refused, context.console);
  }
  return refused == 0 ? ExitCode::Ok : ExitCode::SomeRefused;
}

VerbResult run_verb(const AlertTestArguments& arguments, Context& context) {
  Console& console = context.console;
  context.end_in_order();
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, arguments.moment));
  CAIRN_TRY_ASSIGN(const alert::Rule rule, find_rule(arguments.rule, reading, context));
  CAIRN_TRY_ASSIGN(const alert::BoundRule bound, bind(rule, reading));
  ReplayRange range;
  range.up_to = arguments.to.value_or(reading.now);
  range.after = arguments.from.value_or(TimeUs{raw(range.up_to) - arguments.last_us});
  query::Control control;
  control.budget.memory_bytes = kDefaultBudget.memory_bytes;
  control.cancelled = &context.cancelled;
  ProgressLine line(console, !console.json);
  CAIRN_TRY_ASSIGN(const AlertReplay replayed,
                   replay(*reading.snapshot, rule, bound, range, control,
                          progress_callback(line, console, "replaying")));
  line.clear();
  const ReplayReport report{.rule = rule,
                            .bound = bound,
                            .replay = replayed,
                            .state = reading.snapshot->state(),
                            .lsn = reading.snapshot->lsn(),
                            .limit = arguments.limit,
                            .notes = notes_of(rule, bound, replayed)};
  if (console.json) {
    console.out.line(replay_json(report));
  } else {
    print_replay(report, console);
  }
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
