// alert explain.
#include <fmt/format.h>

#include <algorithm>

#include "alert/bound_rule.h"
#include "base/time_format.h"
#include "verbs/alert_actions.h"
#include "verbs/alert_answer.h"
#include "verbs/alert_seen.h"
#include "verbs/alert_story.h"
#include "verbs/alert_text.h"
#include "verbs/output.h"

namespace cairn::verbs {
namespace {

constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;
// Ticks are recorded before anything of so much later is.
constexpr int64_t kLongestDelayUs = 60 * kMinuteUs;
constexpr size_t kKeysShown = 10;
constexpr size_t kTransitionsShown = 10;
constexpr size_t kFiringsShown = 10;

// --- which moment -------------------------------------------------------------------------------

struct TickRecord {
  Lsn lsn{};
  TimeUs recorded{};
  bool found = false;
  bool skipped = false;  // a later one came first
};

Result<TickRecord> find_tick(const engine::Store& store, Lsn from, TimeUs tick,
                             const std::atomic<bool>& cancelled) {
  TickRecord out;
  bool ended = false;
  const auto look = [&](Lsn lsn, const model::Record& record) -> Result<void> {
    if (cancelled) return make_error(ErrorCode::Closed, "cancelled");
    const auto* ticked = std::get_if<model::AlertsTicked>(&record.body);
    if (ticked != nullptr && ticked->tick >= tick && !ticked->more) {
      out = {lsn, record.time, ticked->tick == tick, ticked->tick > tick};
      ended = true;
    }
    if (raw(record.time) - raw(tick) > kLongestDelayUs) ended = true;
    return ended ? Result<void>(make_error(ErrorCode::Closed, "found")) : Result<void>();
  };
  const auto done = store.for_each_record(from, look);
  if (!done.ok() && !ended) return done.error();
  return out;
}

// Whether there can have been a tick of the rule then.
Result<void> check_time(TimeUs at, const std::string& rule, const Reading& present,
                        const Context& context) {
  if (at > present.now) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("--at {}: it is {} now; the ticks of a rule are in the past",
                                  format_time(at), format_time(present.now)));
  }
  const SeenAlerts seen(present.snapshot->alerts(), context.rights);
  const auto entry = seen.rule(rule);
  if (!entry.ok() || at >= (*entry)->made) return {};  // it may have been there then
  return make_error(ErrorCode::InvalidArgument,
                    fmt::format("--at {}: alert rule {} is of {}", format_time(at),
                                (*entry)->number, format_time((*entry)->made)));
}

Result<TickMoment> moment_of(const AlertArguments& arguments, Context& context) {
  TickMoment out;
  CAIRN_TRY_ASSIGN(Reading present, open_reading(context, arguments.store, arguments.moment));
  if (!arguments.at) {
    const SeenAlerts seen(present.snapshot->alerts(), context.rights);
    CAIRN_TRY_ASSIGN(const alert::RuleEntry* entry, seen.rule(arguments.rule));
    out.rule = entry->number;
    out.tick = last_tick_of(*entry, seen.all());
    out.reading = std::move(present);
    return out;
  }
  CAIRN_TRY(check_time(*arguments.at, arguments.rule, present, context));
  present.snapshot.reset();  // writers need not wait for it
  MomentArguments then;
  then.as_of = engine::AsOf{std::nullopt, *arguments.at};
  CAIRN_TRY_ASSIGN(out.reading, open_reading(context, arguments.store, then, present.store.get()));
  int64_t step_us = 0;
  {
    const SeenAlerts seen(out.reading.snapshot->alerts(), context.rights);
    CAIRN_TRY_ASSIGN(const alert::RuleEntry* entry, seen.rule(arguments.rule));
    out.rule = entry->number;
    const auto metric = entry->counts();
    if (!metric) return out;
    step_us = alert::resolution_of(*metric) * kMinuteUs;
    const int64_t at = raw(*arguments.at);
    out.tick = TimeUs{at - ((at % step_us) + step_us) % step_us};
    if (*out.tick <= entry->made) {
      out.tick = std::nullopt;
      return out;
    }
    if (seen.all().last_tick() && *seen.all().last_tick() >= *out.tick) return out;
  }
  CAIRN_TRY_ASSIGN(const TickRecord record,
                   find_tick(*present.store, Lsn{raw(out.reading.snapshot->lsn()) + 1}, *out.tick,
                             context.cancelled));
  out.skipped = record.skipped;
  if (!record.found) return out;
  out.decided = record.recorded;
  then.as_of = engine::AsOf{record.lsn, std::nullopt};
  out.reading = Reading();
  CAIRN_TRY_ASSIGN(out.reading, open_reading(context, arguments.store, then, present.store.get()));
  return out;
}

// --- what happened ------------------------------------------------------------------------------

struct PastStep {
  const alert::IncidentEntry* incident;
  const alert::IncidentStep* step;
};

// The newest first; of one key, or of all.
std::vector<PastStep> last_steps(uint32_t rule, const std::string* key,
                                 const alert::AlertState& alerts) {
  std::vector<PastStep> found;
  const auto& all = alerts.incidents();
  for (auto one = all.rbegin(); one != all.rend() && found.size() < kTransitionsShown; ++one) {
    const alert::IncidentEntry& incident = *one->second;
    if (incident.rule != rule || (key != nullptr && incident.key != *key)) continue;
    for (auto step = incident.steps.rbegin(); step != incident.steps.rend(); ++step) {
      if (found.size() < kTransitionsShown) found.push_back({&incident, &*step});
    }
  }
  return found;
}

struct Report {
  const alert::RuleEntry& entry;
  const TickMoment& moment;
  std::string trouble;
  std::string reason;
  std::vector<std::string> suppressed{};
  // Of rules with a number
  std::optional<MetricStory> story{};
  const KeyStory* key = nullptr;
  std::optional<alert::Explanation> explanation{};
  size_t limit = kKeysShown;
  // Of rules about issues
  std::string issue{};

  const alert::AlertState& alerts() const { return moment.reading.snapshot->alerts(); }
  const model::State& state() const { return moment.reading.snapshot->state(); }
};

// The key that was asked for, by its value or, of issues, its short id.
const KeyStory* find_key(const Report& report, const AlertArguments& arguments) {
  const std::vector<KeyStory>& keys = report.story->keys;
  const std::string wanted = arguments.key.value_or(arguments.issue);
  if (!arguments.key && arguments.issue.empty()) return keys.empty() ? nullptr : &keys.front();
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const KeyStory& one) {
    return one.key == wanted || key_text(report.entry.rule, report.state(), one.key) == wanted;
  });
  return found == keys.end() ? nullptr : &*found;
}

std::string reason_without_key(const AlertArguments& arguments) {
  const std::string wanted = arguments.key.value_or(arguments.issue);
  if (wanted.empty()) return "Nothing was counted in the window, so that there is no value.";
  return fmt::format("Nothing of {} was counted in the window.", wanted);
}

Result<void> explain_metric(Report& report, const alert::BoundRule& bound,
                            const AlertArguments& arguments, const query::Control& control) {
  const alert::RuleStatus status = report.entry.rule.status;
  if (!report.moment.tick) {
    report.reason = status == alert::RuleStatus::Active
                        ? fmt::format("Nothing has been evaluated yet: the rule is of {}.",
                                      format_time(report.entry.made))
                        : alert::explain(*bound.metric, status, {}).reason;
    return {};
  }
  CAIRN_TRY_ASSIGN(report.story, story_of(*report.moment.reading.snapshot, report.entry, bound,
                                          *report.moment.tick, control));
  report.key = find_key(report, arguments);
  if (report.key == nullptr) {
    report.reason = status == alert::RuleStatus::Active
                        ? reason_without_key(arguments)
                        : alert::explain(*bound.metric, status, {}).reason;
    return {};
  }
  report.explanation = alert::explain(*bound.metric, status, report.key->state);
  report.reason = report.explanation->reason;
  report.suppressed = suppressions(report.entry, report.moment, *bound.metric, *report.key);
  return {};
}

Result<void> explain_issue(Report& report, const AlertArguments& arguments,
                           const query::Control& control) {
  report.issue = arguments.issue;
  if (arguments.issue.empty()) {
    if (report.entry.rule.status != alert::RuleStatus::Active) {
      report.reason =
          fmt::format("The rule is {}.", alert::rule_status_name(report.entry.rule.status));
    } else {
      report.reason =
          report.entry.fired == 0
              ? "The rule has not alerted yet; --issue says why not about one."
              : fmt::format("The rule has alerted {} time{}.", format_count(report.entry.fired),
                            report.entry.fired == 1 ? "" : "s");
    }
    return {};
  }
  CAIRN_TRY_ASSIGN(auto sentences,
                   issue_story(*report.moment.reading.snapshot, report.entry, arguments.issue,
                               report.moment.reading.now, control));
  report.reason = std::move(sentences.front());
  report.suppressed.assign(std::make_move_iterator(sentences.begin() + 1),
                           std::make_move_iterator(sentences.end()));
  return {};
}

// --- for people ---------------------------------------------------------------------------------

std::string side_text(const alert::MetricCondition& metric, bool beyond) {
  return (metric.threshold_type == alert::Direction::Above) == beyond ? "above" : "below";
}

void print_triggers(const Report& report, Console& console) {
  const alert::MetricCondition& metric = report.story->metric;
  TextTable table({{.header = "TRIGGER"},
                   {.header = "THRESHOLD"},
                   {.header = "RESOLVED"},
                   {.header = "NOW"},
                   {.header = "IN A ROW", .right = true},
                   {.header = "HELD UNTIL"}});
  for (const auto& one : report.explanation->triggers) {
    table.add(
        {std::string(alert::severity_name(one.which)),
         fmt::format("{} {}", side_text(metric, true), number_text(one.threshold)),
         fmt::format("{} {}{}", side_text(metric, false), one.at_threshold ? "or at " : "",
                     number_text(one.resolve)),
         {one.active ? "fired" : "quiet", one.active ? Style::Red : Style::Plain},
         fmt::format("{} of {} {}", one.counted, one.needed, one.active ? "healthy" : "beyond"),
         one.held_until ? format_time(*one.held_until) : "-"});
  }
  console.out.line("");
  console.out.write(table.render(console.terminal));
}

void print_keys(const Report& report, Console& console) {
  const auto& keys = report.story->keys;
  if (keys.size() < 2) return;
  TextTable table({{.header = "VALUE", .right = true},
                   {.header = "NOW"},
                   {.header = "OUTCOME", .drop_order = 1},
                   {.header = "KEY", .flexible = true}});
  for (size_t i = 0; i < std::min(keys.size(), report.limit); ++i) {
    const alert::Severity severity = keys[i].state.severity();
    table.add({number_text(keys[i].value),
               {std::string(alert::severity_name(severity)), style_of(severity)},
               std::string(alert::outcome_name(keys[i].outcome)),
               key_text(report.entry.rule, report.state(), keys[i].key)});
  }
  console.out.line("");
  console.out.write(table.render(console.terminal));
  if (keys.size() > report.limit) {
    console.out.line(
        fmt::format("and {} more; see --limit", format_count(keys.size() - report.limit)));
  }
}

void print_steps(const Report& report, Console& console) {
  const auto steps =
      last_steps(report.entry.number, report.key ? &report.key->key : nullptr, report.alerts());
  if (steps.empty()) return;
  TextTable table({{.header = "TIME"},
                   {.header = "INCIDENT", .right = true},
                   {.header = "WHAT"},
                   {.header = "VALUE", .right = true},
                   {.header = "WHO", .flexible = true}});
  for (const PastStep& one : steps) {
    table.add({format_time(one.step->at), std::to_string(one.incident->number),
               what_text(one.step->from, one.step->to), number_text(one.step->value),
               one.step->who});
  }
  console.out.line("");
  console.out.write(table.render(console.terminal));
}

std::vector<const alert::Firing*> last_firings(const Report& report) {
  std::vector<const alert::Firing*> found;
  const auto& all = report.alerts().firings();
  for (auto one = all.rbegin(); one != all.rend() && found.size() < kFiringsShown; ++one) {
    if (one->rule == report.entry.number) found.push_back(&*one);
  }
  return found;
}

std::string firing_issue(const alert::Firing& firing, const model::State& state) {
  const model::Group* group = state.find_group(firing.issue.project, firing.issue.number);
  return group == nullptr ? "" : state.short_id(group->id);
}

void print_firings(const Report& report, Console& console) {
  const auto firings = last_firings(report);
  if (firings.empty()) return;
  TextTable table({{.header = "TIME"},
                   {.header = "LSN", .right = true},
                   {.header = "ISSUE"},
                   {.header = "OCCURRENCE", .flexible = true}});
  for (const alert::Firing* one : firings) {
    table.add({format_time(one->at), std::to_string(raw(one->lsn)),
               firing_issue(*one, report.state()), one->occurrence});
  }
  console.out.line("");
  console.out.write(table.render(console.terminal));
}

void print_report(const Report& report, Console& console) {
  const auto say = [&](std::string_view name, const std::string& text) {
    console.out.line(printable(fmt::format("  {:<8} {}", name, text), console.terminal.utf8));
  };
  console.out.line(printable(
      fmt::format("rule {} ({}): {}", report.entry.number, report.entry.rule.name, report.reason),
      console.terminal.utf8));
  for (const std::string& one : report.suppressed) say("also", one);
  say("means", describe(report.entry.rule));
  if (report.story && report.explanation) {
    const auto minutes = int64_t{report.story->metric.time_window_min};
    say("window",
        fmt::format("{} to {}", format_time(TimeUs{raw(*report.moment.tick) - minutes * kMinuteUs}),
                    format_time(*report.moment.tick)));
    const std::string key = key_text(report.entry.rule, report.state(), report.key->key);
    if (!key.empty()) say("of", key);
    say("value",
        fmt::format("{}{}", number_text(report.key->value),
                    report.key->logged && report.key->logged != report.key->value
                        ? fmt::format(", and {} at the tick", number_text(*report.key->logged))
                        : ""));
    say("now", std::string(alert::severity_name(report.explanation->severity)));
    print_triggers(report, console);
  }
  if (report.story) {
    print_keys(report, console);
    print_steps(report, console);
  } else {
    print_steps(report, console);
    print_firings(report, console);
  }
}

// --- JSON ---------------------------------------------------------------------------------------

void write_triggers(JsonWriter& json, const Report& report) {
  json.key("triggers").begin_array();
  if (report.explanation) {
    for (const auto& one : report.explanation->triggers) {
      json.begin_object().key("which").string(alert::severity_name(one.which));
      json.key("threshold").number(one.threshold).key("resolve").number(one.resolve);
      json.key("resolves_at_threshold").boolean(one.at_threshold);
      json.key("fired").boolean(one.active);
      json.key("counted").unsigned_integer(one.counted);
      json.key("needed").unsigned_integer(one.needed);
      write_time(json, "held_until", one.held_until);
      json.end_object();
    }
  }
  json.end_array();
}

void write_keys(JsonWriter& json, const Report& report) {
  json.key("keys").begin_array();
  const size_t total = report.story ? report.story->keys.size() : 0;
  for (size_t i = 0; i < std::min(total, report.limit); ++i) {
    const KeyStory& one = report.story->keys[i];
    json.begin_object();
    write_key(json, report.entry.rule, report.state(), one.key);
    write_number(json, "value", one.value);
    write_number(json, "logged", one.logged);
    json.key("outcome").string(alert::outcome_name(one.outcome));
    json.key("severity").string(alert::severity_name(one.state.severity())).end_object();
  }
  json.end_array().key("keys_total").unsigned_integer(total);
}

void write_steps(JsonWriter& json, const Report& report) {
  json.key("transitions").begin_array();
  for (const PastStep& one :
       last_steps(report.entry.number, report.key ? &report.key->key : nullptr, report.alerts())) {
    json.begin_object();
    write_time(json, "at", one.step->at);
    json.key("incident").unsigned_integer(one.incident->number);
    json.key("key").string(one.incident->key);
    json.key("what").string(what_text(one.step->from, one.step->to));
    json.key("from").string(alert::severity_name(one.step->from));
    json.key("to").string(alert::severity_name(one.step->to));
    write_number(json, "value", one.step->value);
    write_text_or_null(json, "who", one.step->who);
    json.end_object();
  }
  json.end_array().key("firings").begin_array();
  for (const alert::Firing* one : last_firings(report)) {
    json.begin_object();
    write_time(json, "at", one->at);
    json.key("lsn").unsigned_integer(raw(one->lsn));
    json.key("event").string(alert::issue_event_name(one->event));
    json.key("project_id").unsigned_integer(raw(one->issue.project));
    write_text_or_null(json, "issue", firing_issue(*one, report.state()));
    write_text_or_null(json, "occurrence", one->occurrence);
    json.end_object();
  }
  json.end_array();
}

std::string report_json(const Report& report) {
  JsonWriter json;
  json.begin_object().key("lsn").unsigned_integer(raw(report.moment.reading.snapshot->lsn()));
  json.key("rule").unsigned_integer(report.entry.number);
  json.key("name").string(report.entry.rule.name);
  json.key("status").string(alert::rule_status_name(report.entry.rule.status));
  write_text_or_null(json, "trouble", report.trouble);
  json.key("reason").string(report.reason).key("suppressed").begin_array();
  for (const std::string& one : report.suppressed) json.string(one);
  json.end_array();
  write_time(json, "tick", report.moment.tick);
  write_time(json, "decided", report.moment.decided);
  json.key("window");
  if (report.story) {
    const auto minutes = int64_t{report.story->metric.time_window_min};
    json.begin_object();
    write_time(json, "begin", TimeUs{raw(*report.moment.tick) - minutes * kMinuteUs});
    write_time(json, "end", report.moment.tick);
    json.end_object();
  } else {
    json.null();
  }
  if (report.key != nullptr) {
    write_key(json, report.entry.rule, report.state(), report.key->key);
    write_number(json, "value", report.key->value);
    write_number(json, "logged", report.key->logged);
    json.key("outcome").string(alert::outcome_name(report.key->outcome));
    json.key("severity").string(alert::severity_name(report.key->state.severity()));
  }
  write_triggers(json, report);
  write_keys(json, report);
  write_steps(json, report);
  return json.end_object().take();
}

}  // namespace

VerbResult explain_rule(const AlertArguments& arguments, Context& context) {
  Console& console = context.console;
  context.end_in_order();
  CAIRN_TRY_ASSIGN(const TickMoment moment, moment_of(arguments, context));
  const engine::Snapshot& snapshot = *moment.reading.snapshot;
  const alert::RuleEntry* entry = snapshot.alerts().rule(moment.rule);
  if (entry == nullptr) {
    return make_error(
        ErrorCode::NotFound,
        fmt::format("alert rule {} was not there when the tick was evaluated", moment.rule));
  }
  const bool about_issues = entry->rule.issue() != nullptr && !entry->counts();
  if (about_issues && arguments.key) {
    return make_error(ErrorCode::InvalidArgument,
                      "--of: a rule about what happens to issues has no values; use --issue");
  }
  query::Control control;
  control.budget.memory_bytes = kDefaultBudget.memory_bytes;
  control.cancelled = &context.cancelled;
  Report report{.entry = *entry,
                .moment = moment,
                .trouble = trouble_of(*moment.reading.store, snapshot, *entry, moment.reading.now),
                .reason = ""};
  if (arguments.limit > 0) report.limit = arguments.limit;
  const auto bound =
      alert::bind_rule(entry->rule, snapshot.forest(), moment.tick.value_or(moment.reading.now));
  if (!bound.ok()) {
    report.trouble = bind_error_text(entry->rule, bound.error());
  } else if (about_issues) {
    CAIRN_TRY(explain_issue(report, arguments, control));
  } else {
    CAIRN_TRY(explain_metric(report, *bound, arguments, control));
  }
  if (!report.trouble.empty()) {
    report.reason = fmt::format("The rule cannot be evaluated: {}", report.trouble);
  }
  if (console.json) {
    console.out.line(report_json(report));
  } else {
    print_report(report, console);
  }
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
