#include "verbs/alert_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "alert/rehearsal.h"
#include "base/time_format.h"
#include "verbs/alert_text.h"
#include "verbs/output.h"
#include "verbs/table.h"

namespace cairn::verbs {
namespace {

using alert::Direction;
using alert::Severity;
using Key = std::pair<const std::string, std::vector<AlertReplay::Point>>;

constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;
constexpr size_t kLeastBars = 16;
constexpr size_t kBarFrame = 6;       // blanks and bars around it
constexpr uint64_t kBarScale = 1000;  // the top of a bar
constexpr size_t kShownRows = 50;     // of transitions and of incidents, for people

// --- what both forms of a report tell -----------------------------------------------------------

// That which the value passed.
double threshold_of(const alert::MetricCondition& metric, const alert::Transition& transition) {
  const auto triggers = alert::explain(metric, alert::RuleStatus::Active, {}).triggers;
  const bool worse = transition.to > transition.from;
  const Severity which = worse ? transition.to : transition.from;
  // The warning's, where there is one, resolves the incident.
  const alert::TriggerExplanation* found = &triggers.back();
  for (const auto& trigger : triggers) {
    if (trigger.which == which) found = &trigger;
  }
  if (transition.closes()) found = &triggers.back();
  return worse ? found->threshold : found->resolve;
}

struct Told {
  const std::string* key = nullptr;
  const alert::Incident* incident = nullptr;  // as it was at last
};
// Incidents by number.
std::vector<Told> incidents_of(const AlertReplay& replay) {
  std::map<uint32_t, Told> found;
  for (const alert::KeyTransition& one : replay.transitions) {
    found[one.transition.incident.number] = {&one.key, &one.transition.incident};
  }
  std::vector<Told> all;
  for (const auto& [number, told] : found) all.push_back(told);
  return all;
}

// Those with the most transitions first, then those that came nearest to the threshold.
std::vector<const Key*> keys_shown(const ReplayReport& report) {
  const bool above = report.bound.metric->threshold_type == Direction::Above;
  std::map<std::string, size_t> transitions;
  for (const auto& one : report.replay.transitions) ++transitions[one.key];
  struct Ranked {
    const Key* key;
    size_t transitions;
    double worst;
  };
  std::vector<Ranked> ranked;
  for (const Key& key : report.replay.keys) {
    std::optional<double> worst;
    for (const auto& point : key.second) {
      if (!point.value) continue;
      const double value = above ? *point.value : -*point.value;
      worst = worst ? std::max(*worst, value) : value;
    }
    const auto counted = transitions.find(key.first);
    ranked.push_back({&key, counted == transitions.end() ? 0 : counted->second,
                      worst.value_or(-std::numeric_limits<double>::infinity())});
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    return a.transitions != b.transitions ? a.transitions > b.transitions : a.worst > b.worst;
  });
  std::vector<const Key*> shown;
  for (const Ranked& one : ranked) {
    if (shown.size() < report.limit) shown.push_back(one.key);
  }
  return shown;
}

// --- for people ---------------------------------------------------------------------------------

// A chart as wide as the terminal: of the ticks in one column the value that is worst.
struct Chart {
  std::vector<std::optional<double>> values;
  std::vector<Severity> severities;  // the worst
  double low = 0;
  double high = 0;
};

Chart chart_of(const ReplayReport& report, const Key& key, size_t width) {
  const bool above = report.bound.metric->threshold_type == Direction::Above;
  const uint64_t ticks = report.replay.ticks;
  const uint64_t columns = std::min<uint64_t>(ticks, width);
  Chart chart{std::vector<std::optional<double>>(columns), std::vector<Severity>(columns)};
  bool any = false;
  for (const auto& point : key.second) {
    const size_t at = point.tick * columns / ticks;
    chart.severities[at] = std::max(chart.severities[at], point.severity);
    if (!point.value) continue;
    std::optional<double>& value = chart.values[at];
    const bool worse = !value || (above ? *point.value > *value : *point.value < *value);
    if (worse) value = point.value;
    chart.low = any ? std::min(chart.low, *point.value) : *point.value;
    chart.high = any ? std::max(chart.high, *point.value) : *point.value;
    any = true;
  }
  return chart;
}

// Values and thresholds on one scale that begins at 0, or at the least of them.
class Scale {
 public:
  Scale(const Chart& chart, const std::vector<alert::TriggerExplanation>& triggers)
      : low_(std::min(0.0, chart.low)), high_(chart.high) {
    for (const auto& trigger : triggers) {
      low_ = std::min(low_, trigger.threshold);
      high_ = std::max(high_, trigger.threshold);
    }
  }
  uint64_t of(double value) const {
    if (!(high_ > low_) || value <= low_) return 0;
    const double share = (value - low_) / (high_ - low_);
    return std::max<uint64_t>(1, static_cast<uint64_t>(share * double{kBarScale} + 0.5));
  }
  // The character that stands for the value.
  std::string mark(double value, bool utf8) const {
    const std::string both = trend_bar({kBarScale, of(value)}, utf8);
    const std::string top = trend_bar({kBarScale}, utf8);
    return both.substr(top.size());
  }

 private:
  double low_;
  double high_;
};

void print_chart(const ReplayReport& report, const Key& key, Console& console) {
  const Terminal& terminal = console.terminal;
  const auto room = static_cast<size_t>(std::max(terminal.width, 0));
  const Chart chart =
      chart_of(report, key, std::max(kLeastBars, room > kBarFrame ? room - kBarFrame : 0));
  const auto triggers =
      alert::explain(*report.bound.metric, alert::RuleStatus::Active, {}).triggers;
  const Scale scale(chart, triggers);
  std::vector<uint64_t> bars;
  std::string marks;
  for (size_t i = 0; i < chart.values.size(); ++i) {
    bars.push_back(chart.values[i] ? scale.of(*chart.values[i]) : 0);
    const Severity severity = chart.severities[i];
    marks += severity == Severity::Critical ? 'C' : severity == Severity::Warning ? 'w' : ' ';
  }
  // The last bar sets the scale and is not shown.
  bars.push_back(kBarScale);
  std::string bar = trend_bar(bars, terminal.utf8);
  bar.resize(bar.size() - trend_bar({kBarScale}, terminal.utf8).size());
  const std::string name = key_text(report.rule, report.state, key.first);
  if (!name.empty())
    console.out.line(styled(terminal, Style::Bold, printable(name, terminal.utf8)));
  console.out.line("  |" + styled(terminal, Style::Cyan, bar) + "|");
  if (marks.find_first_not_of(' ') != std::string::npos) {
    console.out.line("  |" + styled(terminal, Style::Red, marks) + "|");
  }
  std::string legend = fmt::format("  {} to {}", number_text(chart.low), number_text(chart.high));
  for (const auto& trigger : triggers) {
    const bool above = report.bound.metric->threshold_type == Direction::Above;
    legend += fmt::format("; {} {} {} = {}", alert::severity_name(trigger.which),
                          above ? "above" : "below", number_text(trigger.threshold),
                          scale.mark(trigger.threshold, terminal.utf8));
  }
  console.out.line(legend);
}

void print_transitions(const ReplayReport& report, Console& console) {
  const bool grouped = !report.bound.metric->group_by.empty();
  std::vector<TableColumn> columns = {{.header = "TIME"},
                                      {.header = "INCIDENT", .right = true},
                                      {.header = "WHAT"},
                                      {.header = "VALUE", .right = true},
                                      {.header = "THRESHOLD", .right = true}};
  if (grouped) columns.push_back({.header = "KEY", .flexible = true});
  TextTable table(std::move(columns));
  const auto& all = report.replay.transitions;
  for (size_t i = 0; i < std::min(all.size(), kShownRows); ++i) {
    const alert::Transition& one = all[i].transition;
    const Style style = one.closes()                   ? Style::Green
                        : one.to == Severity::Critical ? Style::Red
                                                       : Style::Yellow;
    std::vector<TableCell> row = {format_time(one.at), std::to_string(one.incident.number),
                                  TableCell(what_text(one.from, one.to), style),
                                  number_text(one.value),
                                  number_text(threshold_of(*report.bound.metric, one))};
    if (grouped) row.emplace_back(key_text(report.rule, report.state, all[i].key));
    table.add(std::move(row));
  }
  console.out.write(table.render(console.terminal));
  if (all.size() > kShownRows) {
    console.out.line(fmt::format("and {} more; --json has all", all.size() - kShownRows));
  }
}

void print_incidents(const ReplayReport& report, Console& console) {
  const bool grouped = !report.bound.metric->group_by.empty();
  std::vector<TableColumn> columns = {{.header = "INCIDENT", .right = true},
                                      {.header = "STARTED"},
                                      {.header = "DETECTED"},
                                      {.header = "ENDED"},
                                      {.header = "WORST"}};
  if (grouped) columns.push_back({.header = "KEY", .flexible = true});
  TextTable table(std::move(columns));
  const auto all = incidents_of(report.replay);
  for (size_t i = 0; i < std::min(all.size(), kShownRows); ++i) {
    const alert::Incident& one = *all[i].incident;
    std::vector<TableCell> row = {std::to_string(one.number), format_time(one.started),
                                  format_time(one.detected),
                                  one.closed ? format_time(*one.closed) : "still open",
                                  std::string(alert::severity_name(one.worst))};
    if (grouped) row.emplace_back(key_text(report.rule, report.state, *all[i].key));
    table.add(std::move(row));
  }
  console.out.write(table.render(console.terminal));
  if (all.size() > kShownRows) {
    console.out.line(fmt::format("and {} more; --json has all", all.size() - kShownRows));
  }
}

}  // namespace

void print_replay(const ReplayReport& report, Console& console) {
  const AlertReplay& replay = report.replay;
  console.out.line(printable(fmt::format("{}: {}", report.rule.name, describe(report.rule)),
                             console.terminal.utf8));
  console.out.line(fmt::format("{} ticks from {} to {}; {} occurrences, {} of them late",
                               format_count(replay.ticks), format_time(replay.first),
                               format_time(replay.time_of(replay.ticks - 1)),
                               format_count(replay.matched), format_count(replay.late)));
  const auto shown = keys_shown(report);
  for (const Key* key : shown) {
    console.out.line("");
    print_chart(report, *key, console);
  }
  if (shown.size() < replay.keys.size()) {
    console.out.line(fmt::format("\n{} of {} keys, the most eventful first; see --limit",
                                 shown.size(), format_count(replay.keys.size())));
  }
  console.out.line("");
  if (replay.transitions.empty()) {
    console.out.line("no incident");
  } else {
    print_transitions(report, console);
    console.out.line("");
    print_incidents(report, console);
  }
  for (const std::string& note : report.notes) console.note("note: " + note);
}

// --- JSON ---------------------------------------------------------------------------------------

namespace {

void write_thresholds(JsonWriter& json, const alert::MetricCondition& metric) {
  json.key("thresholds").begin_object();
  for (const auto& one : alert::explain(metric, alert::RuleStatus::Active, {}).triggers) {
    json.key(alert::severity_name(one.which)).begin_object();
    json.key("threshold").number(one.threshold).key("resolve").number(one.resolve).end_object();
  }
  json.end_object();
}

void write_keys(JsonWriter& json, const ReplayReport& report) {
  json.key("keys").begin_array();
  for (const Key* key : keys_shown(report)) {
    json.begin_object();
    write_key(json, report.rule, report.state, key->first);
    json.key("points").begin_array();
    for (const auto& point : key->second) {
      json.begin_object();
      json.key("time").string(format_time(report.replay.time_of(point.tick)));
      write_number(json, "value", point.value);
      json.key("outcome").string(alert::outcome_name(point.outcome));
      json.key("severity").string(alert::severity_name(point.severity)).end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().key("keys_total").unsigned_integer(report.replay.keys.size());
}

void write_transitions(JsonWriter& json, const ReplayReport& report) {
  json.key("transitions").begin_array();
  for (const auto& [key, one] : report.replay.transitions) {
    json.begin_object();
    write_time(json, "time", one.at);
    write_key(json, report.rule, report.state, key);
    json.key("incident").unsigned_integer(one.incident.number);
    json.key("what").string(what_text(one.from, one.to));
    json.key("from").string(alert::severity_name(one.from));
    json.key("to").string(alert::severity_name(one.to));
    write_number(json, "value", one.value);
    json.key("threshold").number(threshold_of(*report.bound.metric, one)).end_object();
  }
  json.end_array().key("incidents").begin_array();
  for (const auto& [key, incident] : incidents_of(report.replay)) {
    json.begin_object().key("incident").unsigned_integer(incident->number);
    write_key(json, report.rule, report.state, *key);
    write_time(json, "started", incident->started);
    write_time(json, "detected", incident->detected);
    write_time(json, "ended", incident->closed);
    json.key("worst").string(alert::severity_name(incident->worst)).end_object();
  }
  json.end_array();
}

}  // namespace

std::string replay_json(const ReplayReport& report) {
  const AlertReplay& replay = report.replay;
  JsonWriter json;
  json.begin_object().key("lsn").unsigned_integer(raw(report.lsn)).key("rule");
  alert::write_json(json, report.rule);
  json.key("understood").string(describe(report.rule));
  write_time(json, "from", replay.first);
  write_time(json, "to", replay.time_of(replay.ticks - 1));
  json.key("resolution").integer(replay.resolution_us / kMinuteUs);
  json.key("ticks").unsigned_integer(replay.ticks);
  json.key("occurrences").unsigned_integer(replay.matched);
  json.key("late").unsigned_integer(replay.late);
  json.key("held").unsigned_integer(replay.held);
  json.key("not_kept").unsigned_integer(replay.figures.not_kept);
  json.key("refused").unsigned_integer(replay.figures.refused + replay.state.refused);
  write_thresholds(json, *report.bound.metric);
  write_keys(json, report);
  write_transitions(json, report);
  json.key("notes").begin_array();
  for (const std::string& note : report.notes) json.string(note);
  return json.end_array().end_object().take();
}

}  // namespace cairn::verbs
