// alert add, list, show, change, pause, resume, remove.
#include <fmt/format.h>

#include <algorithm>

#include "base/time_format.h"
#include "verbs/alert_actions.h"
#include "verbs/alert_answer.h"
#include "verbs/alert_file.h"
#include "verbs/alert_seen.h"
#include "verbs/alert_text.h"
#include "verbs/command_answer.h"
#include "verbs/output.h"

namespace cairn::verbs {
namespace {

constexpr size_t kCommandsAtOnce = 1000;  // of one call to the store
constexpr size_t kTold = 20;              // new rules and refusals told one by one, for people
constexpr uint64_t kShown = 100;          // rules of a list
constexpr size_t kKeysShown = 10;
constexpr size_t kIncidentsShown = 10;

Error beyond_projects() {
  return make_error(ErrorCode::Denied,
                    "this token is limited to projects: name some of these in \"projects\"");
}

// --- add ----------------------------------------------------------------------------------------

struct Added {
  const std::string* file = nullptr;
  FilePlace place;
  std::optional<alert::Rule> rule{};  // nullopt: it could not be read
  std::optional<Error> error{};
  engine::Outcome outcome{};
  uint32_t number = 0;
};

std::string place_text(const Added& one) { return fmt::format("{}:{}", *one.file, one.place.line); }

Result<std::vector<Added>> read_all(const AlertArguments& arguments, Context& context) {
  std::vector<Added> all;
  for (const std::string& file : arguments.files) {
    CAIRN_TRY_ASSIGN(auto rules, read_rules(context.files, file, {&context.cancelled, {}}));
    for (RuleText& text : rules) {
      Added& one = all.emplace_back();
      one.file = &file;
      one.place = text.place;
      if (!text.rule.ok()) {
        one.error = std::move(text.rule).error();
      } else if (!sees(context.rights, *text.rule)) {
        one.rule = *std::move(text.rule);
        one.error = beyond_projects();
      } else {
        one.rule = *std::move(text.rule);
      }
    }
  }
  return all;
}

// So many of them to the store, from `begin` on; the place behind them.
Result<size_t> add_some(std::vector<Added>& all, size_t begin, const WriterArguments& writer,
                        engine::Store& store, Lsn& lsn) {
  std::vector<alert::AlertCommand> commands;
  std::vector<Added*> wanted;
  size_t at = begin;
  for (; at < all.size() && commands.size() < kCommandsAtOnce; ++at) {
    if (all[at].error) continue;
    commands.emplace_back(alert::AddRule{*all[at].rule});
    wanted.push_back(&all[at]);
  }
  if (commands.empty()) return at;
  // Each batch has its own key, by where it begins.
  engine::ExecuteOptions options = options_of(writer);
  if (!options.key.empty() && begin > 0) options.key += fmt::format("/{}", begin);
  CAIRN_TRY_ASSIGN(auto done, store.execute(commands, options));
  lsn = done.lsn;
  for (size_t i = 0; i < wanted.size(); ++i) {
    engine::ItemResult& item = done.items[i];
    wanted[i]->outcome = item.outcome;
    wanted[i]->number = item.alert_rule;
    wanted[i]->error = std::move(item.error);
  }
  return at;
}

struct AddedCounts {
  size_t added = 0;
  size_t refused = 0;
  size_t duplicates = 0;
};

std::string added_json(const std::vector<Added>& all, const AddedCounts& counts, Lsn lsn) {
  JsonWriter json;
  json.begin_object().key("lsn").unsigned_integer(raw(lsn)).key("rules").begin_array();
  for (const Added& one : all) {
    json.begin_object().key("file").string(*one.file);
    json.key("line").unsigned_integer(one.place.line);
    json.key("column").unsigned_integer(one.place.column);
    json.key("ok").boolean(!one.error);
    if (one.error) {
      write_error(json, *one.error);
    } else {
      json.key("outcome").string(outcome_name(one.outcome));
      json.key("number");
      if (one.number == 0) {
        json.null();
      } else {
        json.unsigned_integer(one.number);
      }
    }
    if (one.rule) json.key("name").string(one.rule->name);
    json.end_object();
  }
  json.end_array().key("added").unsigned_integer(counts.added);
  json.key("duplicates").unsigned_integer(counts.duplicates);
  return json.key("refused").unsigned_integer(counts.refused).end_object().take();
}

std::string refusal_text(const Added& one) {
  if (!one.rule)
    return fmt::format("{}:{}: {}", place_text(one), one.place.column, one.error->message);
  return fmt::format("{}: {}: {}", place_text(one), one.rule->name,
                     bind_error_text(*one.rule, *one.error));
}

void print_added(const std::vector<Added>& all, const AddedCounts& counts, Console& console) {
  size_t told = 0;
  size_t refusals = 0;
  uint32_t first = UINT32_MAX;
  uint32_t last = 0;
  for (const Added& one : all) {
    if (one.error) {
      if (++refusals <= kTold) console.note(refusal_text(one));
      continue;
    }
    if (one.number == 0) continue;
    first = std::min(first, one.number);
    last = std::max(last, one.number);
    if (++told > kTold) continue;
    console.out.line(
        printable(fmt::format("rule {}: {}: {}", one.number, one.rule->name, describe(*one.rule)),
                  console.terminal.utf8));
  }
  if (refusals > kTold) {
    console.note(fmt::format("and {} more; --json has all", format_count(refusals - kTold)));
  }
  std::string text =
      fmt::format("{} rule{} added", format_count(counts.added), counts.added == 1 ? "" : "s");
  if (told > kTold) text += fmt::format(", {} to {}", first, last);
  if (counts.duplicates > 0) {
    text += fmt::format(", {} not, as this key was used before", format_count(counts.duplicates));
  }
  console.out.line(fmt::format("{}, {} refused", text, format_count(counts.refused)));
}

// --- changes of one rule ------------------------------------------------------------------------

struct Chosen {
  uint32_t number = 0;
  std::string name;
};

Result<Chosen> choose(const AlertArguments& arguments, const engine::Store& store,
                      const Context& context) {
  CAIRN_TRY_ASSIGN(const auto snapshot, store.snapshot());
  const SeenAlerts seen(snapshot->alerts(), context.rights);
  CAIRN_TRY_ASSIGN(const alert::RuleEntry* entry, seen.rule(arguments.rule));
  return Chosen{entry->number, entry->rule.name};
}

// Then says of which rules windows could not be filled.
Result<void> fill(engine::Store& store, std::span<const uint32_t> rules, Console& console) {
  {
    ProgressLine line(console, !console.json);
    CAIRN_TRY(store.fill_alerts(progress_callback(line, console, "filling windows")));
  }
  size_t troubled = 0;
  for (const uint32_t rule : rules) {
    const std::string trouble = store.alert_trouble(rule);
    if (trouble.empty() || ++troubled > kTold) continue;
    console.note(fmt::format("rule {} cannot be evaluated: {}", rule, trouble));
  }
  if (troubled > kTold) {
    console.note(fmt::format("and {} more; 'list' has all", format_count(troubled - kTold)));
  }
  return {};
}

VerbResult answer(const Chosen& rule, const engine::ExecuteResult& result, std::string_view what,
                  Console& console) {
  if (console.json) {
    JsonWriter json;
    begin_answer(json, result).key("rule").unsigned_integer(rule.number);
    console.out.line(json.key("name").string(rule.name).end_object().str());
  } else if (result.outcome == engine::Outcome::Stored) {
    console.out.line(printable(
        fmt::format("rule {} ({}) {} ({})", rule.number, rule.name, what, lsn_note(result)),
        console.terminal.utf8));
  } else {
    console.out.line(lsn_note(result));
  }
  return ExitCode::Ok;
}

// --- list and show ------------------------------------------------------------------------------

struct RuleList {
  std::vector<RuleFacts> rules;
  uint64_t total = 0;  // over all pages
  std::optional<uint32_t> next{};
};

RuleList collect(const AlertArguments& arguments, const Reading& reading, const Context& context) {
  const SeenAlerts seen(reading.snapshot->alerts(), context.rights);
  const uint64_t limit = arguments.limit == 0 ? kShown : arguments.limit;
  RuleList list;
  seen.all().for_each_rule([&](const alert::RuleEntry& one) {
    if (!seen.sees(one) || (arguments.open && one.open.empty())) return;
    ++list.total;
    if (one.number <= arguments.after) return;
    if (list.rules.size() < limit) {
      list.rules.push_back(facts_of(
          one, seen.all(), trouble_of(*reading.store, *reading.snapshot, one, reading.now)));
    } else if (!list.next) {
      list.next = list.rules.back().entry->number;
    }
  });
  return list;
}

void write_keys(JsonWriter& json, const alert::RuleEntry& entry, const model::State& state,
                size_t limit) {
  json.key("keys").begin_array();
  size_t shown = 0;
  for (const std::string* key : worst_keys(entry)) {
    if (++shown > limit) break;
    const alert::KeyState& one = entry.state.keys.at(*key);
    json.begin_object();
    write_key(json, entry.rule, state, *key);
    json.key("severity").string(alert::severity_name(one.severity()));
    write_number(json, "value", one.last_value);
    write_time(json, "last_tick", one.last_update);
    json.key("incident");
    const auto open = entry.open.find(*key);
    if (open == entry.open.end()) {
      json.null();
    } else {
      json.unsigned_integer(open->second);
    }
    json.end_object();
  }
  json.end_array().key("keys_total").unsigned_integer(entry.state.keys.size());
  json.key("keys_refused").unsigned_integer(entry.state.refused);
}

std::vector<const alert::IncidentEntry*> last_incidents(uint32_t rule,
                                                        const alert::AlertState& alerts) {
  std::vector<const alert::IncidentEntry*> found;
  const auto& all = alerts.incidents();
  for (auto one = all.rbegin(); one != all.rend() && found.size() < kIncidentsShown; ++one) {
    if (one->second->rule == rule) found.push_back(one->second.get());
  }
  return found;
}

std::string show_json(const RuleFacts& facts, const Reading& reading, size_t limit) {
  const alert::AlertState& alerts = reading.snapshot->alerts();
  const model::State& state = reading.snapshot->state();
  JsonWriter json;
  json.begin_object().key("lsn").unsigned_integer(raw(reading.snapshot->lsn()));
  write_rule(json, facts, state);
  write_keys(json, *facts.entry, state, limit);
  json.key("incidents").begin_array();
  for (const auto* incident : last_incidents(facts.entry->number, alerts)) {
    json.begin_object();
    write_incident(json, *incident, facts.entry, state, false);
    json.end_object();
  }
  return json.end_array().end_object().take();
}

void print_keys(const alert::RuleEntry& entry, const model::State& state, size_t limit,
                Console& console) {
  if (entry.rule.metric() != nullptr && entry.rule.metric()->group_by.empty()) return;
  if (entry.state.keys.empty()) return;
  TextTable table({{.header = "NOW"},
                   {.header = "VALUE", .right = true},
                   {.header = "INCIDENT", .right = true},
                   {.header = "KEY", .flexible = true}});
  const auto keys = worst_keys(entry);
  for (size_t i = 0; i < std::min(keys.size(), limit); ++i) {
    const alert::KeyState& one = entry.state.keys.at(*keys[i]);
    const auto open = entry.open.find(*keys[i]);
    table.add({{std::string(alert::severity_name(one.severity())), style_of(one.severity())},
               number_text(one.last_value),
               open == entry.open.end() ? "-" : std::to_string(open->second),
               key_text(entry.rule, state, *keys[i])});
  }
  console.out.line("");
  console.out.write(table.render(console.terminal));
  if (keys.size() > limit) {
    console.out.line(fmt::format("and {} more; see --limit", format_count(keys.size() - limit)));
  }
}

void print_rule(const RuleFacts& facts, const Reading& reading, size_t limit, Console& console) {
  const alert::RuleEntry& entry = *facts.entry;
  const alert::AlertState& alerts = reading.snapshot->alerts();
  const auto say = [&](std::string_view name, const std::string& text) {
    console.out.line(printable(fmt::format("  {:<10} {}", name, text), console.terminal.utf8));
  };
  console.out.line(
      printable(fmt::format("rule {}: {}", entry.number, entry.rule.name), console.terminal.utf8));
  say("means", describe(entry.rule));
  say("status", std::string(alert::rule_status_name(entry.rule.status)));
  if (!facts.trouble.empty()) say("trouble", facts.trouble);
  say("now", std::string(alert::severity_name(facts.severity)));
  if (facts.value) say("value", number_text(facts.value));
  if (facts.last_tick) say("last tick", format_time(*facts.last_tick));
  if (entry.fired > 0) say("fired", format_count(entry.fired));
  if (!entry.rule.owner.empty()) say("owner", entry.rule.owner);
  say("made", format_time(entry.made));
  say("changed", fmt::format("{}{}{}", format_time(entry.changed),
                             entry.changed_by.empty() ? "" : " by ", entry.changed_by));
  if (entry.state.refused > 0) {
    say("refused", fmt::format("{} values of group_by in trouble beyond the {} that are followed",
                               format_count(entry.state.refused), alert::kMaxKeys));
  }
  print_keys(entry, reading.snapshot->state(), limit, console);
  const auto incidents = last_incidents(entry.number, alerts);
  if (incidents.empty()) return;
  console.out.line("");
  console.out.write(incidents_table(incidents, alerts, reading.snapshot->state(), console));
}

}  // namespace

VerbResult add_rules(const AlertArguments& arguments, Context& context) {
  Console& console = context.console;
  context.end_in_order();
  CAIRN_TRY_ASSIGN(std::vector<Added> all, read_all(arguments, context));
  CAIRN_TRY_ASSIGN(const auto store, AlertWriting::open(arguments, context));
  Lsn lsn{};
  {
    ProgressLine line(console, !console.json);
    const auto progress = progress_callback(line, console, "adding rules");
    for (size_t at = 0; at < all.size() && !context.cancelled.load();) {
      CAIRN_TRY_ASSIGN(at, add_some(all, at, arguments.writer, **store, lsn));
      progress(at, all.size());
    }
  }
  std::vector<uint32_t> numbers;
  for (const Added& one : all) {
    if (one.number != 0) numbers.push_back(one.number);
  }
  CAIRN_TRY(fill(**store, numbers, console));
  CAIRN_TRY(store->finish());
  AddedCounts counts;
  for (const Added& one : all) {
    counts.refused += one.error ? 1 : 0;
    counts.added += !one.error && one.outcome == engine::Outcome::Stored ? 1 : 0;
    counts.duplicates += !one.error && one.outcome == engine::Outcome::Duplicate ? 1 : 0;
  }
  if (console.json) {
    console.out.line(added_json(all, counts, lsn));
  } else {
    print_added(all, counts, console);
  }
  return counts.refused == 0 ? ExitCode::Ok : ExitCode::SomeRefused;
}

VerbResult list_rules(const AlertArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, arguments.moment));
  const RuleList list = collect(arguments, reading, context);
  if (console.json) {
    JsonWriter json;
    json.begin_object().key("lsn").unsigned_integer(raw(reading.snapshot->lsn()));
    json.key("total").unsigned_integer(list.total).key("next");
    if (list.next) {
      json.unsigned_integer(*list.next);
    } else {
      json.null();
    }
    json.key("rules").begin_array();
    for (const RuleFacts& one : list.rules) {
      json.begin_object();
      write_rule(json, one, reading.snapshot->state());
      json.end_object();
    }
    console.out.line(json.end_array().end_object().str());
    return ExitCode::Ok;
  }
  if (list.rules.empty()) {
    console.out.line(arguments.open ? "no rule with an open incident" : "no rules");
    return ExitCode::Ok;
  }
  console.out.write(rules_table(list.rules, console));
  if (list.next) {
    console.note(fmt::format("{} of {} rules; --after {} has the next", list.rules.size(),
                             format_count(list.total), *list.next));
  }
  return ExitCode::Ok;
}

VerbResult show_rule(const AlertArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, arguments.moment));
  const SeenAlerts seen(reading.snapshot->alerts(), context.rights);
  CAIRN_TRY_ASSIGN(const alert::RuleEntry* entry, seen.rule(arguments.rule));
  const RuleFacts facts = facts_of(
      *entry, seen.all(), trouble_of(*reading.store, *reading.snapshot, *entry, reading.now));
  const size_t limit = arguments.limit == 0 ? kKeysShown : arguments.limit;
  if (console.json) {
    console.out.line(show_json(facts, reading, limit));
  } else {
    print_rule(facts, reading, limit, console);
  }
  return ExitCode::Ok;
}

VerbResult change_rule(const AlertArguments& arguments, Context& context) {
  CAIRN_TRY_ASSIGN(const alert::Rule rule,
                   read_one_rule(context.files, arguments.files.front(), {&context.cancelled, {}}));
  if (!sees(context.rights, rule)) return beyond_projects();
  CAIRN_TRY_ASSIGN(const auto store, AlertWriting::open(arguments, context));
  CAIRN_TRY_ASSIGN(Chosen chosen, choose(arguments, **store, context));
  const auto done = store->execute(alert::ChangeRule{chosen.number, rule}, arguments.writer);
  if (!done.ok()) return make_error(done.error().code, bind_error_text(rule, done.error()));
  CAIRN_TRY(fill(**store, {&chosen.number, 1}, context.console));
  CAIRN_TRY(store->finish());
  chosen.name = rule.name;
  return answer(chosen, done->result, "is changed", context.console);
}

VerbResult pause_rule(const AlertArguments& arguments, Context& context) {
  const bool paused = arguments.action == AlertArguments::Action::Pause;
  CAIRN_TRY_ASSIGN(const auto store, AlertWriting::open(arguments, context));
  CAIRN_TRY_ASSIGN(const Chosen chosen, choose(arguments, **store, context));
  CAIRN_TRY_ASSIGN(const auto done,
                   store->execute(alert::PauseRule{chosen.number, paused}, arguments.writer));
  if (!paused) CAIRN_TRY(fill(**store, {&chosen.number, 1}, context.console));
  CAIRN_TRY(store->finish());
  return answer(chosen, done.result, paused ? "is paused" : "is resumed", context.console);
}

VerbResult remove_rule(const AlertArguments& arguments, Context& context) {
  CAIRN_TRY_ASSIGN(const auto store, AlertWriting::open(arguments, context));
  CAIRN_TRY_ASSIGN(const Chosen chosen, choose(arguments, **store, context));
  CAIRN_TRY_ASSIGN(const auto done,
                   store->execute(alert::RemoveRule{chosen.number}, arguments.writer));
  CAIRN_TRY(store->finish());
  return answer(chosen, done.result, "is removed", context.console);
}

}  // namespace cairn::verbs
