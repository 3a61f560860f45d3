// alert incidents, incident, ack, comment, close, tick, stats; and who does what.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "alert/bound_rule.h"
#include "alert/shared_queries.h"
#include "base/time_format.h"
#include "verbs/alert_actions.h"
#include "verbs/alert_answer.h"
#include "verbs/alert_seen.h"
#include "verbs/alert_text.h"
#include "verbs/command_answer.h"
#include "verbs/output.h"

namespace cairn::verbs {
namespace {

using Action = AlertArguments::Action;

constexpr uint64_t kShown = 100;      // incidents of a list
constexpr size_t kMostTold = 10'000;  // notifications of one tick, in JSON
constexpr size_t kToldToPeople = 20;

struct IncidentList {
  std::vector<const alert::IncidentEntry*> incidents;  // newest first
  uint64_t total = 0;                                  // over all pages
  std::optional<uint32_t> next{};
};

// Also of one that was removed, for who sees everything. 0 = of all.
Result<uint32_t> rule_of(const std::string& word, const SeenAlerts& seen) {
  if (word.empty()) return uint32_t{0};
  const auto entry = seen.rule(word);
  if (entry.ok()) return (*entry)->number;
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  const bool was = error == std::errc{} && end == word.data() + word.size() && number != 0 &&
                   number <= seen.all().last_rule();
  if (was && !seen.limited()) return number;
  return entry.error();
}

Result<IncidentList> collect(const AlertArguments& arguments, const SeenAlerts& seen) {
  CAIRN_TRY_ASSIGN(const uint32_t rule, rule_of(arguments.rule, seen));
  IncidentList list;
  const uint64_t limit = arguments.limit == 0 ? kShown : arguments.limit;
  const auto& all = seen.all().incidents();
  for (auto one = all.rbegin(); one != all.rend(); ++one) {
    const alert::IncidentEntry& incident = *one->second;
    if (rule != 0 && incident.rule != rule) continue;
    if (arguments.open && incident.incident.closed) continue;
    if (!seen.sees(incident)) continue;
    ++list.total;
    if (arguments.before != 0 && incident.number >= arguments.before) continue;
    if (list.incidents.size() < limit) {
      list.incidents.push_back(&incident);
    } else if (!list.next) {
      list.next = list.incidents.back()->number;
    }
  }
  return list;
}

void print_incident(const alert::IncidentEntry& incident, const Reading& reading,
                    Console& console) {
  const alert::AlertState& alerts = reading.snapshot->alerts();
  const model::State& state = reading.snapshot->state();
  const alert::RuleEntry* rule = alerts.rule(incident.rule);
  const alert::Incident& what = incident.incident;
  const auto say = [&](std::string_view name, const std::string& text) {
    console.out.line(printable(fmt::format("  {:<13} {}", name, text), console.terminal.utf8));
  };
  const std::string key = incident_key_text(incident, rule, state);
  console.out.line(printable(fmt::format("incident {}: {}{}{}", incident.number, incident.rule_name,
                                         key.empty() ? "" : ": ", key),
                             console.terminal.utf8));
  say("rule", fmt::format("{}{}", incident.rule, rule == nullptr ? ", which was removed" : ""));
  if (rule != nullptr) say("means", describe(rule->rule));
  say("now", std::string(what.closed ? "closed" : alert::severity_name(what.severity)));
  say("worst", std::string(alert::severity_name(what.worst)));
  say("started", format_time(what.started));
  say("detected", format_time(what.detected));
  if (what.closed) {
    say("ended", fmt::format("{} ({})", format_time(*what.closed),
                             what.method ? alert::close_method_name(*what.method) : ""));
  }
  if (what.acknowledged) {
    say("acknowledged",
        fmt::format("{} by {}", format_time(what.acknowledged->at), what.acknowledged->who));
  }
  console.out.line("");
  console.out.write(steps_table(incident, console));
  if (what.comments.empty()) return;
  console.out.line("");
  for (const alert::Comment& comment : what.comments) {
    console.out.line(printable(
        fmt::format("{} {}: {}", format_time(comment.by.at), comment.by.who, comment.text),
        console.terminal.utf8));
  }
}

// --- tick ---------------------------------------------------------------------------------------

std::string told_text(const alert::Notification& one) {
  if (one.kind == alert::Notification::Kind::Firing) {
    return fmt::format("{}  rule {} ({}): {}, project {} issue {}", format_time(one.at), one.rule,
                       one.rule_name, alert::issue_event_name(one.event), raw(one.project),
                       one.number);
  }
  return fmt::format("{}  incident {} of rule {} ({}{}{}): {}, value {}", format_time(one.at),
                     one.incident, one.rule, one.rule_name, one.key.empty() ? "" : ", ", one.key,
                     what_text(one.from, one.to), number_text(one.value));
}

void write_told(JsonWriter& json, const alert::Notification& one) {
  json.begin_object().key("rule").unsigned_integer(one.rule);
  json.key("rule_name").string(one.rule_name);
  write_time(json, "at", one.at);
  if (one.kind == alert::Notification::Kind::Firing) {
    json.key("event").string(alert::issue_event_name(one.event));
    json.key("project_id").unsigned_integer(raw(one.project));
    json.key("issue_number").unsigned_integer(one.number);
  } else {
    json.key("incident").unsigned_integer(one.incident);
    json.key("step").unsigned_integer(one.step);
    json.key("key").string(one.key);
    json.key("what").string(what_text(one.from, one.to));
    json.key("from").string(alert::severity_name(one.from));
    json.key("to").string(alert::severity_name(one.to));
    write_number(json, "value", one.value);
  }
  json.end_object();
}

// Who only reads has no rules at work: what they would share.
void count_sharing(engine::AlertFigures& figures, const Reading& reading) {
  alert::SharedQueries queries;
  reading.snapshot->alerts().for_each_rule([&](const alert::RuleEntry& entry) {
    if (entry.rule.status == alert::RuleStatus::Disabled) return;
    const auto bound = alert::bind_rule(entry.rule, reading.snapshot->forest(), reading.now);
    if (!bound.ok()) {
      ++figures.troubled;
    } else if (bound->call) {
      queries.subscribe(alert::RuleId{entry.number}, entry.rule, *bound);
    } else {
      ++figures.watchers;
    }
  });
  const auto shared = queries.figures();
  figures.subscriptions = shared.subscriptions;
  figures.evaluations = shared.evaluations;
  figures.filters = shared.filters;
  figures.scanned = queries.index().figures().scanned;
  figures.memory_bytes = queries.memory_bytes();
}

struct Ticked {
  engine::ExecuteResult result;
  uint64_t ticks = 0;
  std::optional<TimeUs> last{};
  std::vector<alert::Notification> told;
};

Result<Ticked> tick(const AlertWriting& store) {
  Ticked out;
  CAIRN_TRY(store->fill_alerts());
  const uint64_t before = store->alert_figures(false).ticks;
  Lsn from{};
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store->snapshot());
    from = snapshot->lsn();
  }
  CAIRN_TRY_ASSIGN(out.result, store->tick());
  out.ticks = store->alert_figures(false).ticks - before;
  CAIRN_TRY_ASSIGN(const auto snapshot, store->snapshot());
  out.last = snapshot->alerts().last_tick();
  // Those of the records behind `from`.
  out.told = snapshot->alerts().notifications_after({from, UINT32_MAX}, kMostTold);
  return out;
}

}  // namespace

// --- incidents ----------------------------------------------------------------------------------

VerbResult list_incidents(const AlertArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, arguments.moment));
  const SeenAlerts seen(reading.snapshot->alerts(), context.rights);
  CAIRN_TRY_ASSIGN(const IncidentList list, collect(arguments, seen));
  if (console.json) {
    JsonWriter json;
    json.begin_object().key("lsn").unsigned_integer(raw(reading.snapshot->lsn()));
    json.key("total").unsigned_integer(list.total).key("next");
    if (list.next) {
      json.unsigned_integer(*list.next);
    } else {
      json.null();
    }
    json.key("incidents").begin_array();
    for (const alert::IncidentEntry* one : list.incidents) {
      json.begin_object();
      write_incident(json, *one, seen.all().rule(one->rule), reading.snapshot->state(), false);
      json.end_object();
    }
    console.out.line(json.end_array().end_object().str());
    return ExitCode::Ok;
  }
  if (list.incidents.empty()) {
    console.out.line(arguments.open ? "no open incident" : "no incident");
    return ExitCode::Ok;
  }
  console.out.write(
      incidents_table(list.incidents, seen.all(), reading.snapshot->state(), console));
  if (list.next) {
    console.note(fmt::format("{} of {} incidents; --before {} has the next", list.incidents.size(),
                             format_count(list.total), *list.next));
  }
  return ExitCode::Ok;
}

VerbResult show_incident(const AlertArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, arguments.moment));
  const SeenAlerts seen(reading.snapshot->alerts(), context.rights);
  CAIRN_TRY_ASSIGN(const alert::IncidentEntry* incident, seen.incident(arguments.incident));
  if (!console.json) {
    print_incident(*incident, reading, console);
    return ExitCode::Ok;
  }
  JsonWriter json;
  json.begin_object().key("lsn").unsigned_integer(raw(reading.snapshot->lsn()));
  write_incident(json, *incident, seen.all().rule(incident->rule), reading.snapshot->state(), true);
  console.out.line(json.end_object().str());
  return ExitCode::Ok;
}

VerbResult change_incident(const AlertArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const auto store, AlertWriting::open(arguments, context));
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, (*store)->snapshot());
    CAIRN_TRY(SeenAlerts(snapshot->alerts(), context.rights).incident(arguments.incident));
  }
  alert::AlertCommand command = alert::CloseIncident{arguments.incident};
  std::string_view what = "is closed";
  if (arguments.action == Action::Acknowledge) {
    command = alert::AcknowledgeIncident{arguments.incident};
    what = "is acknowledged";
  } else if (arguments.action == Action::Comment) {
    command = alert::CommentIncident{arguments.incident, arguments.text};
    what = "has a comment more";
  }
  CAIRN_TRY_ASSIGN(const auto done, store->execute(command, arguments.writer));
  CAIRN_TRY(store->finish());
  if (console.json) {
    JsonWriter json;
    begin_answer(json, done.result).key("incident").unsigned_integer(arguments.incident);
    console.out.line(json.end_object().str());
  } else if (done.result.outcome == engine::Outcome::Stored) {
    console.out.line(
        fmt::format("incident {} {} ({})", arguments.incident, what, lsn_note(done.result)));
  } else {
    console.out.line(lsn_note(done.result));
  }
  return ExitCode::Ok;
}

// --- tick and stats -----------------------------------------------------------------------------

VerbResult tick_alerts(const AlertArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const auto store, AlertWriting::open(arguments, context));
  CAIRN_TRY_ASSIGN(const Ticked ticked, tick(*store));
  CAIRN_TRY(store->finish());
  if (console.json) {
    JsonWriter json;
    begin_answer(json, ticked.result).key("ticks").unsigned_integer(ticked.ticks);
    write_time(json, "last_tick", ticked.last);
    json.key("told").begin_array();
    for (const auto& one : ticked.told) write_told(json, one);
    console.out.line(json.end_array().end_object().str());
    return ExitCode::Ok;
  }
  for (size_t i = 0; i < std::min(ticked.told.size(), kToldToPeople); ++i) {
    console.out.line(printable(told_text(ticked.told[i]), console.terminal.utf8));
  }
  if (ticked.told.size() > kToldToPeople) {
    console.out.line(fmt::format("and {} more; `alert STORE incidents` has them",
                                 format_count(ticked.told.size() - kToldToPeople)));
  }
  console.out.line(ticked.last
                       ? fmt::format("{} tick{} evaluated, the last is that of {}",
                                     format_count(ticked.ticks), ticked.ticks == 1 ? "" : "s",
                                     format_time(*ticked.last))
                       : "no tick was ever evaluated");
  return ExitCode::Ok;
}

VerbResult alert_stats(const AlertArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, {}));
  const bool just_opened = context.stores.has_files();
  engine::AlertFigures figures = reading.store->alert_figures();
  if (just_opened) count_sharing(figures, reading);
  const alert::AlertState& alerts = reading.snapshot->alerts();
  const auto open = static_cast<uint64_t>(
      std::count_if(alerts.incidents().begin(), alerts.incidents().end(),
                    [](const auto& one) { return !one.second->incident.closed; }));
  const double ratio = figures.evaluations == 0 ? 0
                                                : static_cast<double>(figures.subscriptions) /
                                                      static_cast<double>(figures.evaluations);
  struct Row {
    std::string_view key;
    uint64_t value;
    std::string_view text;
  };
  const std::vector<Row> rows = {
      {"rules", figures.rules, "rules"},
      {"subscriptions", figures.subscriptions, "of them count something"},
      {"evaluations", figures.evaluations, "different evaluations these share"},
      {"filters", figures.filters, "different filters these share"},
      {"scanned", figures.scanned, "filters that every occurrence is held against"},
      {"watchers", figures.watchers, "rules about what happens to issues"},
      {"unfilled", figures.unfilled, "evaluations whose windows are being filled"},
      {"troubled", figures.troubled, "rules that cannot be evaluated"},
      {"open_incidents", open, "open incidents"},
      {"incidents", alerts.last_incident(), "incidents ever"},
      {"memory_bytes", figures.memory_bytes,
       just_opened ? "bytes of filters" : "bytes of filters and windows"},
      {"bucket_bytes", figures.bucket_bytes, "of them for what was counted"},
      {"occurrences", figures.occurrences, "occurrences held against filters"},
      {"asked", figures.asked, "filters asked for them"},
      {"matched", figures.matched, "filters that matched"},
      {"late", figures.late, "too late for any window to come"},
      {"early", figures.early, "too far ahead of their record"},
      {"not_kept", figures.not_kept, "for which there was no room"},
      {"ticks", figures.ticks, "ticks evaluated"},
      {"logged_values", figures.logged_values, "values logged by ticks"}};
  constexpr std::string_view kFirstSinceOpening = "occurrences";
  if (console.json) {
    JsonWriter json;
    json.begin_object().key("lsn").unsigned_integer(raw(reading.snapshot->lsn()));
    for (const Row& row : rows) json.key(row.key).unsigned_integer(row.value);
    json.key("ratio").number(ratio);
    write_time(json, "last_tick", alerts.last_tick());
    console.out.line(json.key("just_opened").boolean(just_opened).end_object().str());
    return ExitCode::Ok;
  }
  for (const Row& row : rows) {
    if (row.key == kFirstSinceOpening) {
      console.out.line(just_opened ? "since opening, which was for this answer:"
                                   : "since opening:");
    }
    console.out.line(fmt::format("{:>16}  {}", format_count(row.value), row.text));
    if (row.key == "evaluations") {
      console.out.line(fmt::format("{:>16.2f}  rules for each evaluation", ratio));
    }
  }
  if (alerts.last_tick()) {
    console.out.line(fmt::format("the last tick is that of {}", format_time(*alerts.last_tick())));
  }
  return ExitCode::Ok;
}

// --- all of them --------------------------------------------------------------------------------

Result<std::unique_ptr<AlertWriting>> AlertWriting::open(const AlertArguments& arguments,
                                                         Context& context) {
  auto out = std::make_unique<AlertWriting>();
  WritingOptions options;
  if (arguments.moment.now) options.clock = &out->clock_.emplace(*arguments.moment.now);
  CAIRN_TRY_ASSIGN(out->writing_, open_writing(context, arguments.store, options));
  return out;
}

Result<AlertWriting::Done> AlertWriting::execute(const alert::AlertCommand& command,
                                                 const WriterArguments& writer) {
  CAIRN_TRY_ASSIGN(engine::SubmitResult result,
                   (**writing_).execute(std::span(&command, 1), options_of(writer)));
  engine::ItemResult& item = result.items.front();
  if (item.error) return *std::move(item.error);
  const bool stored = item.outcome == engine::Outcome::Stored;
  return Done{{stored ? item.lsn : result.lsn, item.outcome}, item.alert_rule};
}

VerbResult run_verb(const AlertArguments& arguments, Context& context) {
  switch (arguments.action) {
    case Action::Add:
      return add_rules(arguments, context);
    case Action::List:
      return list_rules(arguments, context);
    case Action::Show:
      return show_rule(arguments, context);
    case Action::Change:
      return change_rule(arguments, context);
    case Action::Pause:
    case Action::Resume:
      return pause_rule(arguments, context);
    case Action::Remove:
      return remove_rule(arguments, context);
    case Action::Incidents:
      return list_incidents(arguments, context);
    case Action::Incident:
      return show_incident(arguments, context);
    case Action::Acknowledge:
    case Action::Comment:
    case Action::Close:
      return change_incident(arguments, context);
    case Action::Tick:
      return tick_alerts(arguments, context);
    case Action::Stats:
      return alert_stats(arguments, context);
    case Action::Explain:
      break;
  }
  return explain_rule(arguments, context);
}

}  // namespace cairn::verbs
