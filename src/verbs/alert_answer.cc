#include "verbs/alert_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "alert/bound_rule.h"
#include "base/time_format.h"
#include "verbs/alert_text.h"
#include "verbs/output.h"

namespace cairn::verbs {
namespace {

using alert::Severity;

constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;

std::string time_text(std::optional<TimeUs> time) { return time ? format_time(*time) : "-"; }

std::string status_text(const RuleFacts& facts) {
  if (!facts.trouble.empty()) return "trouble";
  return std::string(alert::rule_status_name(facts.entry->rule.status));
}

void write_mark(JsonWriter& json, std::string_view key, const std::optional<alert::Mark>& mark) {
  json.key(key);
  if (!mark) {
    json.null();
    return;
  }
  json.begin_object().key("at").string(format_time(mark->at));
  json.key("who").string(mark->who).end_object();
}

void write_steps(JsonWriter& json, const alert::IncidentEntry& incident) {
  json.key("earlier_steps").unsigned_integer(incident.earlier_steps());
  json.key("steps").begin_array();
  for (const alert::IncidentStep& step : incident.steps) {
    json.begin_object().key("lsn").unsigned_integer(raw(step.lsn));
    write_time(json, "at", step.at);
    json.key("what").string(what_text(step.from, step.to));
    json.key("from").string(alert::severity_name(step.from));
    json.key("to").string(alert::severity_name(step.to));
    write_number(json, "value", step.value);
    write_text_or_null(json, "who", step.who);
    json.end_object();
  }
  json.end_array().key("comments").begin_array();
  for (const alert::Comment& comment : incident.incident.comments) {
    json.begin_object().key("at").string(format_time(comment.by.at));
    json.key("who").string(comment.by.who);
    json.key("text").string(comment.text).end_object();
  }
  json.end_array();
}

}  // namespace

Style style_of(Severity severity) {
  if (severity == Severity::Critical) return Style::Red;
  return severity == Severity::Warning ? Style::Yellow : Style::Plain;
}

std::vector<const std::string*> worst_keys(const alert::RuleEntry& entry) {
  struct Ranked {
    const std::string* key;
    std::tuple<Severity, uint32_t, double> rank;
  };
  const auto metric = entry.counts();
  const bool above = metric && metric->threshold_type == alert::Direction::Above;
  std::vector<Ranked> ranked;
  for (const auto& [key, state] : entry.state.keys) {
    const double value = state.last_value.value_or(0);
    ranked.push_back({&key,
                      {state.severity(), std::max(state.critical.beyond, state.warning.beyond),
                       above ? value : -value}});
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Ranked& a, const Ranked& b) { return a.rank > b.rank; });
  std::vector<const std::string*> keys;
  for (const Ranked& one : ranked) keys.push_back(one.key);
  return keys;
}

std::optional<TimeUs> last_tick_of(const alert::RuleEntry& entry, const alert::AlertState& alerts) {
  const auto metric = entry.counts();
  if (!metric || !alerts.last_tick()) return std::nullopt;
  if (entry.rule.status != alert::RuleStatus::Active) return entry.state.last_tick;
  const int64_t step = int64_t{alert::resolution_of(*metric)} * kMinuteUs;
  const int64_t last = raw(*alerts.last_tick());
  const TimeUs due{last - ((last % step) + step) % step};
  if (due <= entry.changed) return entry.state.last_tick;
  return std::max(due, entry.state.last_tick.value_or(due));
}

std::string trouble_of(const engine::Store& store, const engine::Snapshot& snapshot,
                       const alert::RuleEntry& entry, TimeUs now) {
  std::string known = store.alert_trouble(entry.number);
  if (!known.empty() || entry.rule.status == alert::RuleStatus::Disabled) return known;
  // Who only reads has no rules at work.
  const auto bound = alert::bind_rule(entry.rule, snapshot.forest(), now);
  return bound.ok() ? std::string() : bound.error().message;
}

RuleFacts facts_of(const alert::RuleEntry& entry, const alert::AlertState& alerts,
                   std::string trouble) {
  RuleFacts facts;
  facts.entry = &entry;
  facts.trouble = std::move(trouble);
  facts.last_tick = last_tick_of(entry, alerts);
  if (const auto worst = worst_keys(entry); !worst.empty()) {
    facts.key = worst.front();
    const alert::KeyState& state = entry.state.keys.at(*facts.key);
    facts.severity = state.severity();
    facts.value = state.last_value;
  }
  return facts;
}

void write_rule(JsonWriter& json, const RuleFacts& facts, const model::State& state) {
  const alert::RuleEntry& entry = *facts.entry;
  json.key("number").unsigned_integer(entry.number);
  json.key("name").string(entry.rule.name);
  json.key("status").string(alert::rule_status_name(entry.rule.status));
  write_text_or_null(json, "trouble", facts.trouble);
  json.key("severity").string(alert::severity_name(facts.severity));
  json.key("open_incidents").unsigned_integer(entry.open.size());
  write_number(json, "value", facts.value);
  json.key("worst");
  if (facts.key == nullptr) {
    json.null();
  } else {
    json.begin_object();
    write_key(json, entry.rule, state, *facts.key);
    json.end_object();
  }
  write_time(json, "last_tick", facts.last_tick);
  json.key("fired").unsigned_integer(entry.fired);
  write_time(json, "made", entry.made);
  write_time(json, "changed", entry.changed);
  write_text_or_null(json, "changed_by", entry.changed_by);
  json.key("understood").string(describe(entry.rule)).key("rule");
  alert::write_json(json, entry.rule);
}

void write_incident(JsonWriter& json, const alert::IncidentEntry& incident,
                    const alert::RuleEntry* rule, const model::State& state, bool whole) {
  const alert::Incident& what = incident.incident;
  json.key("number").unsigned_integer(incident.number);
  json.key("rule").unsigned_integer(incident.rule);
  json.key("rule_name").string(incident.rule_name);
  if (rule != nullptr) {
    write_key(json, rule->rule, state, incident.key);
  } else {
    json.key("key").string(incident.key);
  }
  json.key("open").boolean(!what.closed);
  json.key("severity").string(alert::severity_name(what.severity));
  json.key("worst").string(alert::severity_name(what.worst));
  write_time(json, "started", what.started);
  write_time(json, "detected", what.detected);
  write_time(json, "ended", what.closed);
  write_text_or_null(json, "method", what.method ? alert::close_method_name(*what.method) : "");
  write_mark(json, "acknowledged", what.acknowledged);
  if (whole) return write_steps(json, incident);
  json.key("steps").unsigned_integer(what.steps);
  json.key("comments").unsigned_integer(what.comments.size());
}

std::string rules_table(const std::vector<RuleFacts>& rules, const Console& console) {
  TextTable table({{.header = "RULE", .right = true},
                   {.header = "STATUS"},
                   {.header = "NOW"},
                   {.header = "OPEN", .right = true},
                   {.header = "VALUE", .right = true, .drop_order = 1},
                   {.header = "LAST TICK", .drop_order = 2},
                   {.header = "WHAT", .flexible = true}});
  for (const RuleFacts& one : rules) {
    const alert::Rule& rule = one.entry->rule;
    const bool trouble = !one.trouble.empty();
    table.add({{std::to_string(one.entry->number), Style::Bold},
               {status_text(one), trouble ? Style::Red : Style::Plain},
               {std::string(alert::severity_name(one.severity)), style_of(one.severity)},
               std::to_string(one.entry->open.size()),
               number_text(one.value),
               time_text(one.last_tick),
               fmt::format("{}: {}", rule.name, trouble ? one.trouble : describe(rule))});
  }
  return table.render(console.terminal);
}

std::string incident_key_text(const alert::IncidentEntry& incident, const alert::RuleEntry* rule,
                              const model::State& state) {
  return rule == nullptr ? incident.key : key_text(rule->rule, state, incident.key);
}

std::string incidents_table(const std::vector<const alert::IncidentEntry*>& incidents,
                            const alert::AlertState& alerts, const model::State& state,
                            const Console& console) {
  TextTable table({{.header = "INCIDENT", .right = true},
                   {.header = "NOW"},
                   {.header = "WORST", .drop_order = 3},
                   {.header = "STARTED"},
                   {.header = "DETECTED", .drop_order = 2},
                   {.header = "ENDED"},
                   {.header = "BY", .drop_order = 1},
                   {.header = "RULE", .flexible = true}});
  for (const alert::IncidentEntry* one : incidents) {
    const alert::Incident& what = one->incident;
    const std::string key = incident_key_text(*one, alerts.rule(one->rule), state);
    const std::string_view acknowledged = what.acknowledged ? " (acknowledged)" : "";
    table.add({{std::to_string(one->number), Style::Bold},
               {std::string(what.closed ? "closed" : alert::severity_name(what.severity)),
                style_of(what.severity)},
               {std::string(alert::severity_name(what.worst)), style_of(what.worst)},
               format_time(what.started),
               format_time(what.detected),
               time_text(what.closed),
               std::string(what.method ? alert::close_method_name(*what.method) : ""),
               fmt::format("{} {}{}{}{}", one->rule, one->rule_name, key.empty() ? "" : ": ", key,
                           acknowledged)});
  }
  return table.render(console.terminal);
}

std::string steps_table(const alert::IncidentEntry& incident, const Console& console) {
  TextTable table({{.header = "TIME"},
                   {.header = "LSN", .right = true, .drop_order = 1},
                   {.header = "WHAT"},
                   {.header = "VALUE", .right = true},
                   {.header = "WHO", .flexible = true}});
  for (const alert::IncidentStep& step : incident.steps) {
    table.add({format_time(step.at), std::to_string(raw(step.lsn)),
               TableCell(what_text(step.from, step.to),
                         step.to == Severity::Ok ? Style::Green : style_of(step.to)),
               number_text(step.value), step.who});
  }
  std::string out = table.render(console.terminal);
  if (const uint32_t earlier = incident.earlier_steps(); earlier > 0) {
    out = fmt::format("{} earlier steps are not kept.\n", earlier) + out;
  }
  return out;
}

}  // namespace cairn::verbs
