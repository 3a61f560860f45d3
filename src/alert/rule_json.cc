// JSON of rules. Members have the field's names:
//   {"name":..,"status":..,"owner":..,"projects":[..],"environment":..,"query":..,
//    metric: "aggregate":..,"percent_of":..,"group_by":..,"time_window":min,"resolution":min,
//            "comparison_delta":min,"threshold_type":"above"|"below","threshold_period":n,
//            "triggers":[{"label":"critical"|"warning","alert_threshold":x}],
//            "resolve_threshold":x,"no_data":"zero"|"hold"
//    issue:  "when":{"event":..,"value":n,"interval":min},"frequency":min}
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "alert/rule.h"
#include "model/field_reader.h"
#include "model/json_scalar.h"

namespace cairn::alert {
namespace {

using model::FieldReader;
using model::find_member;
using model::is_absent;
using model::JsonKind;
using model::JsonValue;

constexpr int kKeepDepth = 4;  // rule, triggers, one of them, its members
constexpr int kMaxDepth = 8;
constexpr size_t kMaxTextBytes = 64u << 10;  // of a filter, as the query language has it

constexpr std::array<std::string_view, 6> kCommonMembers = {"name",     "status", "owner",
                                                            "projects", "query",  "environment"};
constexpr std::array<std::string_view, 11> kMetricMembers = {
    "aggregate",        "percent_of",        "group_by", "time_window",
    "resolution",       "comparison_delta",  "triggers", "threshold_type",
    "threshold_period", "resolve_threshold", "no_data"};
constexpr std::array<std::string_view, 2> kIssueMembers = {"when", "frequency"};

template <class List>
bool contains(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

class RuleReader {
 public:
  Result<Rule> read(JsonValue object) {
    Rule rule;
    if (!rule_members(object, rule)) return fields_.take_error();
    CAIRN_TRY(check_limits(rule));
    return rule;
  }

 private:
  bool rule_members(JsonValue object, Rule& rule) {
    if (!fields_.kind("rule", object, JsonKind::Object, "an object")) return false;
    const bool issue = static_cast<bool>(find_member(object, "when"));
    return known_members(object, issue) && common(object, rule) &&
           (issue ? issue_members(object, rule.condition.emplace<IssueCondition>())
                  : metric_members(object, rule.condition.emplace<MetricCondition>()));
  }

  bool known_members(JsonValue object, bool issue) {
    model::NameSet names;
    for (JsonValue name = object.first(); name; name = name.next().next()) {
      const std::string_view text = name.content();
      names.add(text);
      if (contains(kCommonMembers, text)) continue;
      if (issue ? contains(kIssueMembers, text) : contains(kMetricMembers, text)) continue;
      const bool other = issue ? contains(kMetricMembers, text) : contains(kIssueMembers, text);
      if (!other) return fields_.fail(text, "no member of a rule", name);
      return fields_.fail(text,
                          issue ? "does not go together with \"when\", which makes it a rule about "
                                  "what happens to one issue"
                                : "goes together with \"when\" only, which the rule lacks",
                          name);
    }
    const auto twice = names.duplicate();
    return !twice || fields_.fail(*twice, "given twice");
  }

  bool common(JsonValue object, Rule& rule) {
    if (is_absent(find_member(object, "name"))) return fields_.missing("name", "a string");
    return text(object, "name", 4 * kMaxNameLetters, rule.name) &&
           text(object, "owner", kMaxTextBytes, rule.owner) &&
           text(object, "environment", kMaxTextBytes, rule.environment) &&
           text(object, "query", kMaxTextBytes, rule.query) &&
           projects(find_member(object, "projects"), rule.projects) &&
           choice(object, "status", rule.status, rule_status_name, 5);
  }

  bool metric_members(JsonValue object, MetricCondition& metric) {
    uint32_t delta = 0;
    const JsonValue window = find_member(object, "time_window");
    if (is_absent(window)) return fields_.missing("time_window", "minutes");
    if (!(text(object, "aggregate", kMaxTextBytes, metric.aggregate) &&
          text(object, "percent_of", kMaxTextBytes, metric.percent_of) &&
          text(object, "group_by", kMaxTextBytes, metric.group_by) &&
          number(object, "time_window", metric.time_window_min) &&
          number(object, "resolution", metric.resolution_min) &&
          number(object, "comparison_delta", delta) &&
          number(object, "threshold_period", metric.threshold_period) &&
          choice(object, "threshold_type", metric.threshold_type, direction_name, 2) &&
          choice(object, "no_data", metric.no_data, no_data_name, 2) &&
          threshold("resolve_threshold", find_member(object, "resolve_threshold"),
                    metric.resolve_threshold))) {
      return false;
    }
    if (!is_absent(find_member(object, "comparison_delta"))) metric.comparison_delta_min = delta;
    return triggers(find_member(object, "triggers"), metric);
  }

  bool issue_members(JsonValue object, IssueCondition& issue) {
    const JsonValue when = find_member(object, "when");
    if (!fields_.kind("when", when, JsonKind::Object, "an object")) return false;
    static constexpr std::array<std::string_view, 3> kMembers = {"event", "value", "interval"};
    model::NameSet names;
    for (JsonValue name = when.first(); name; name = name.next().next()) {
      if (!contains(kMembers, name.content())) {
        return fields_.fail(fmt::format("when.{}", name.content()),
                            "unknown; known are event, value and interval", name);
      }
      names.add(name.content());
    }
    if (const auto twice = names.duplicate()) {
      return fields_.fail(fmt::format("when.{}", *twice), "given twice", when);
    }
    if (is_absent(find_member(when, "event"))) return fields_.missing("when.event", "a string");
    return choice(when, "event", issue.event, issue_event_name, 5) &&
           number(when, "value", issue.value) && number(when, "interval", issue.interval_min) &&
           number(object, "frequency", issue.quiet_min);
  }

  bool text(JsonValue object, std::string_view name, size_t max_bytes, std::string& out) {
    std::optional<std::string> found;
    if (!fields_.text(name, find_member(object, name), max_bytes, found)) return false;
    if (found) out = std::move(*found);
    return true;
  }

  bool number(JsonValue object, std::string_view name, uint32_t& out) {
    const JsonValue value = find_member(object, name);
    if (is_absent(value)) return true;
    int64_t found = 0;
    if (!fields_.integer(name, value, 0, 1'000'000'000, found)) return false;
    out = static_cast<uint32_t>(found);
    return true;
  }

  bool threshold(std::string_view name, JsonValue value, std::optional<double>& out) {
    if (is_absent(value)) return true;
    if (value.kind() != JsonKind::Number) return fields_.expected(name, "a number", value);
    out = model::json_double(value.raw());
    return out.has_value() || fields_.fail(name, "too large a number", value);
  }

  // A name, or the number the field has for it.
  template <class Choice>
  bool choice(JsonValue object, std::string_view name, Choice& out,
              std::string_view (*name_of)(Choice), size_t count) {
    const JsonValue value = find_member(object, name);
    if (is_absent(value)) return true;
    std::string known;
    for (size_t i = 0; i < count; ++i) {
      const auto one = static_cast<Choice>(i);
      const bool by_number = value.kind() == JsonKind::Number && value.raw() == std::to_string(i);
      const bool by_name = value.kind() == JsonKind::String && value.content() == name_of(one);
      if (by_number || by_name) {
        out = one;
        return true;
      }
      known += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", name_of(one));
    }
    return fields_.fail(name, fmt::format("expected one of {}, got {}", known, model::show(value)),
                        value);
  }

  bool projects(JsonValue list, std::vector<ProjectId>& out) {
    if (is_absent(list)) return true;
    if (list.kind() != JsonKind::Array) return fields_.expected("projects", "an array", list);
    for (JsonValue one = list.first(); one; one = one.next()) {
      if (!fields_.project("projects", one, out.emplace_back())) return false;
    }
    std::sort(out.begin(), out.end());
    if (std::adjacent_find(out.begin(), out.end()) == out.end()) return true;
    return fields_.fail("projects", "one of them is named twice", list);
  }

  bool triggers(JsonValue list, MetricCondition& metric) {
    if (is_absent(list)) return fields_.missing("triggers", "an array with a critical one");
    if (list.kind() != JsonKind::Array) return fields_.expected("triggers", "an array", list);
    std::optional<double> critical;
    for (JsonValue one = list.first(); one; one = one.next()) {
      if (!trigger(one, critical, metric.warning)) return false;
    }
    if (!critical) {
      return fields_.fail("triggers",
                          "expected one with the label \"critical\"; only the one "
                          "labelled \"warning\" may be left out",
                          list);
    }
    metric.critical = *critical;
    return true;
  }

  bool trigger(JsonValue object, std::optional<double>& critical, std::optional<double>& warning) {
    if (object.kind() != JsonKind::Object) return fields_.expected("triggers", "objects", object);
    std::string label;
    model::NameSet names;
    for (JsonValue name = object.first(); name; name = name.next().next()) {
      if (name.content() != "label" && name.content() != "alert_threshold") {
        return fields_.fail(fmt::format("triggers.{}", name.content()),
                            "unknown; known are label and alert_threshold", name);
      }
      names.add(name.content());
    }
    if (const auto twice = names.duplicate()) {
      return fields_.fail(fmt::format("triggers.{}", *twice), "given twice", object);
    }
    if (!fields_.string("triggers.label", find_member(object, "label"), label)) return false;
    if (label != "critical" && label != "warning") {
      return fields_.fail("triggers.label", "expected \"critical\" or \"warning\"", object);
    }
    std::optional<double>& out = label == "critical" ? critical : warning;
    if (out) return fields_.fail("triggers", fmt::format("two of them are {}", label), object);
    const JsonValue value = find_member(object, "alert_threshold");
    if (is_absent(value)) return fields_.missing("triggers.alert_threshold", "a number");
    return threshold("triggers.alert_threshold", value, out);
  }

  static std::string_view direction_name(Direction direction) {
    return direction == Direction::Above ? "above" : "below";
  }
  static std::string_view no_data_name(NoData no_data) {
    return no_data == NoData::Zero ? "zero" : "hold";
  }

  FieldReader fields_;
};

void write_trigger(JsonWriter& out, std::string_view label, double threshold) {
  out.begin_object().key("label").string(label).key("alert_threshold").number(threshold);
  out.end_object();
}

void write_metric(JsonWriter& out, const MetricCondition& metric) {
  out.key("aggregate").string(metric.aggregate);
  if (!metric.percent_of.empty()) out.key("percent_of").string(metric.percent_of);
  if (!metric.group_by.empty()) out.key("group_by").string(metric.group_by);
  out.key("time_window").unsigned_integer(metric.time_window_min);
  if (metric.resolution_min > 0) out.key("resolution").unsigned_integer(metric.resolution_min);
  if (metric.comparison_delta_min) {
    out.key("comparison_delta").unsigned_integer(*metric.comparison_delta_min);
  }
  out.key("threshold_type").string(metric.threshold_type == Direction::Above ? "above" : "below");
  out.key("threshold_period").unsigned_integer(metric.threshold_period);
  out.key("triggers").begin_array();
  write_trigger(out, "critical", metric.critical);
  if (metric.warning) write_trigger(out, "warning", *metric.warning);
  out.end_array();
  if (metric.resolve_threshold) out.key("resolve_threshold").number(*metric.resolve_threshold);
  out.key("no_data").string(metric.no_data == NoData::Zero ? "zero" : "hold");
}

void write_issue(JsonWriter& out, const IssueCondition& issue) {
  out.key("when").begin_object().key("event").string(issue_event_name(issue.event));
  if (is_counted(issue.event)) {
    out.key("value").unsigned_integer(issue.value);
    out.key("interval").unsigned_integer(issue.interval_min);
  }
  out.end_object().key("frequency").unsigned_integer(issue.quiet_min);
}

}  // namespace

void write_json(JsonWriter& out, const Rule& rule) {
  out.begin_object().key("name").string(rule.name);
  out.key("status").string(rule_status_name(rule.status));
  if (!rule.owner.empty()) out.key("owner").string(rule.owner);
  if (!rule.projects.empty()) {
    out.key("projects").begin_array();
    for (const ProjectId project : rule.projects) out.unsigned_integer(raw(project));
    out.end_array();
  }
  if (!rule.environment.empty()) out.key("environment").string(rule.environment);
  out.key("query").string(rule.query);
  if (const MetricCondition* metric = rule.metric()) {
    write_metric(out, *metric);
  } else {
    write_issue(out, *rule.issue());
  }
  out.end_object();
}

std::string to_json(const Rule& rule) {
  JsonWriter out;
  write_json(out, rule);
  return out.take();
}

Result<Rule> read_rule(JsonValue object) { return RuleReader().read(object); }

Result<Rule> parse_rule(std::string_view json) {
  model::JsonTree tree;
  CAIRN_TRY(tree.parse(json, kKeepDepth, kMaxDepth));
  return read_rule(tree.root());
}

}  // namespace cairn::alert
