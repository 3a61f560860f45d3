#include "alert/bound_rule.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "model/field.h"
#include "query/field_catalogue.h"
#include "query/parser.h"
#include "query/plan.h"

namespace cairn::alert {
namespace {

using query::Expr;
using query::Filter;
using query::GroupField;
using query::invalid_at;
using Function = query::BoundCall::Function;

Error in_member(std::string_view member, Error error) {
  error.message = fmt::format("{}: {}", member, error.message);
  return error;
}

bool names_releases(const query::FieldRef& ref) {
  if (ref.scope == query::Scope::Event) return ref.event.id == model::field::kRelease;
  return ref.scope == query::Scope::Group &&
         (ref.group == GroupField::FirstRelease || ref.group == GroupField::RegressedIn);
}

// What a rule cannot ask because its answer changes while nothing happens.
Result<void> check_filter(const Filter& filter) {
  const query::FieldRef ref = query::find_field(filter.key);
  if (ref.scope == query::Scope::Time) {
    return invalid_at(filter.key.at,
                      "A rule is about the time its window says; leave this condition out.");
  }
  if (!names_releases(ref)) return {};
  for (const query::Value& value : filter.values) {
    if (value.quoted || value.text != "latest") continue;
    return invalid_at(value.at,
                      "A rule cannot follow the newest release: name one, compare versions, as in "
                      "release.version:>=2.0, or group by release.");
  }
  return {};
}

Result<void> check_node(const query::Node& node) {
  if (const auto* filter = std::get_if<Filter>(&node.what)) return check_filter(*filter);
  if (const auto* negation = std::get_if<query::Not>(&node.what)) {
    return check_node(*negation->term);
  }
  const auto* all = std::get_if<query::And>(&node.what);
  const auto* any = std::get_if<query::Or>(&node.what);
  if (all == nullptr && any == nullptr) return {};
  for (const query::Node& term : all != nullptr ? all->terms : any->terms) {
    CAIRN_TRY(check_node(term));
  }
  return {};
}

bool is_event_only(const Expr& expr) {
  if (expr.kind == Expr::Kind::Test) return !std::holds_alternative<query::GroupTest>(expr.test);
  return std::all_of(expr.children.begin(), expr.children.end(), is_event_only);
}

// Where the first term in it stands.
query::Span place_of(const Expr& expr) {
  if (expr.at.end > expr.at.begin || expr.children.empty()) return expr.at;
  return place_of(expr.children.front());
}

// Calls fn(conjunct) until it returns an error.
template <class F>
Result<void> for_each_conjunct(const Expr& expr, const F& fn) {
  if (expr.kind != Expr::Kind::And) return fn(expr);
  for (const Expr& child : expr.children) CAIRN_TRY(for_each_conjunct(child, fn));
  return {};
}

// What an issue is changes when nothing is counted, so its conditions are asked at each
// evaluation; that works where they limit all of what is counted.
Result<void> check_separable(const Expr& filter) {
  return for_each_conjunct(filter, [](const Expr& conjunct) -> Result<void> {
    if (is_event_only(conjunct) || query::is_group_only(conjunct)) return {};
    return invalid_at(place_of(conjunct),
                      "In a rule with a number, conditions on the issue and on the occurrence are "
                      "joined by AND only; make two rules of this OR.");
  });
}

Expr in_environment(Expr filter, const std::string& environment) {
  if (environment.empty()) return filter;
  query::EventTest test;
  test.fields = {query::EventField{model::field::kEnvironment, "", "", {}}};
  test.matches = {query::TextMatch::equal(environment)};
  std::vector<Expr> both;
  if (filter.kind != Expr::Kind::True) both.push_back(std::move(filter));
  both.push_back(Expr::of(std::move(test)));
  return both.size() == 1 ? std::move(both.front()) : Expr::all_of(std::move(both));
}

Result<BoundFilter> bind_text(const std::string& text, const Rule& rule,
                              const model::Forest& forest, TimeUs now) {
  BoundFilter bound;
  CAIRN_TRY_ASSIGN(bound.tree, query::parse(text));
  if (!bound.tree.stages.empty()) {
    return invalid_at({},
                      "A rule takes a filter; what follows the | is said by aggregate and "
                      "group_by.");
  }
  if (bound.tree.filter) CAIRN_TRY(check_node(*bound.tree.filter));
  CAIRN_TRY_ASSIGN(Expr expr, query::bind_filter(bound.tree, forest, now));
  if (rule.metric() != nullptr || is_counted(rule.issue()->event)) {
    CAIRN_TRY(check_separable(expr));
  }
  bound.expr = in_environment(std::move(expr), rule.environment);
  return bound;
}

// `text` behind a |, which positions do not count.
Result<query::BoundTable> bind_table(const std::string& text) {
  static constexpr uint32_t kPipe = 2;
  const auto to_text = [](Error error) {
    if (error.position) error.position = *error.position - std::min(*error.position, kPipe);
    return error;
  };
  auto parsed = query::parse("| " + text);
  if (!parsed) return to_text(std::move(parsed).error());
  auto pipeline = query::bind_pipeline(*parsed);
  if (!pipeline) return to_text(std::move(pipeline).error());
  if (!pipeline->table || parsed->stages.size() != 1) {
    return invalid_at({}, "Expected one call, as in count() or p95(tags[duration]).");
  }
  return std::move(*pipeline->table);
}

Result<query::BoundCall> bind_aggregate(const std::string& text) {
  CAIRN_TRY_ASSIGN(query::BoundTable table, bind_table(text));
  const bool alone = table.calls.size() == 1 && table.by.empty() && !table.every_us &&
                     !table.vs_us && !table.histogram && !table.order && table.where.empty();
  if (!alone) {
    return invalid_at({},
                      "Expected one call and nothing else: group_by, time_window and "
                      "comparison_delta say the rest.");
  }
  query::BoundCall call = std::move(table.calls.front());
  if (call.gives_time()) return invalid_at({}, "A time has no threshold; aggregate numbers.");
  using Kind = query::RowKey::Kind;
  if (call.field && call.field->kind != Kind::Event && call.field->kind != Kind::Issue &&
      call.field->kind != Kind::Project) {
    return invalid_at({},
                      "\"" + call.field->name +
                          "\" changes while nothing is counted; take a field of the occurrence, "
                          "a tag or issue.");
  }
  return call;
}

Result<query::RowKey> bind_key(const std::string& text) {
  CAIRN_TRY_ASSIGN(query::BoundTable table, bind_table("count() by " + text));
  using Kind = query::RowKey::Kind;
  if (table.by.size() != 1 || table.every_us || table.vs_us) {
    return invalid_at({}, "Expected one field, as in release or tags[region].");
  }
  query::RowKey key = std::move(table.by.front());
  if (key.kind == Kind::Event || key.kind == Kind::Issue || key.kind == Kind::Project) return key;
  return invalid_at({}, "\"" + key.name +
                            "\" changes while nothing is counted; group by a field of the "
                            "occurrence, a tag, issue or project.");
}

// A rule below what its values can be never alerts.
Result<void> check_reachable(const MetricCondition& metric, const query::BoundCall& call) {
  if (metric.threshold_type == Direction::Above || call.computes()) return {};
  const double critical = effective_threshold(metric, metric.critical);
  if (critical > 0) return {};
  return make_error(ErrorCode::InvalidArgument,
                    fmt::format("triggers: {} is never below {}, so this rule would never alert; "
                                "choose a critical threshold {}",
                                call.name, critical,
                                metric.comparison_delta_min ? "below 100 percent" : "above 0"));
}

}  // namespace

std::optional<MetricCondition> counted_form(const IssueCondition& issue) {
  if (!is_counted(issue.event)) return std::nullopt;
  MetricCondition metric;
  metric.aggregate = issue.event == IssueEvent::SeenTimes ? "count()" : "uniq(user)";
  metric.group_by = "issue";
  metric.time_window_min = issue.interval_min;
  metric.critical = issue.value;
  return metric;
}

std::optional<Hash128> written_identity(const Rule& rule) {
  std::optional<MetricCondition> counted;
  const MetricCondition* metric = rule.metric();
  if (metric == nullptr) {
    counted = counted_form(*rule.issue());
    if (!counted) return std::nullopt;
    metric = &*counted;
  }
  std::string bytes;
  for (const std::string* text : {&rule.environment, &rule.query, &metric->aggregate,
                                  &metric->percent_of, &metric->group_by}) {
    bytes += std::to_string(text->size());
    bytes += ':';
    bytes += *text;
  }
  for (const ProjectId project : rule.projects) bytes += std::to_string(raw(project)) + ",";
  bytes += fmt::format("w{},{},{}", metric->time_window_min, resolution_of(*metric),
                       metric->comparison_delta_min.value_or(0));
  return hash128(bytes);
}

namespace {

// Conditions for which filling a window reads all values of a field, as a plan counts them.
size_t scans_of(const Expr& expr) {
  size_t scans = 0;
  if (const auto* event = std::get_if<query::EventTest>(&expr.test)) {
    for (const query::TextMatch& match : event->matches) {
      if (match.exact() == nullptr) scans += event->fields.size();
    }
  }
  if (std::holds_alternative<query::IdTest>(expr.test)) ++scans;
  for (const Expr& child : expr.children) scans += scans_of(child);
  return scans;
}

Result<void> check_scans(const Expr& filter) {
  if (scans_of(filter) <= query::kMaxScans) return {};
  return make_error(
      ErrorCode::InvalidArgument,
      fmt::format("more than {} conditions that read every value of a field (patterns, "
                  "text, comparisons); write fewer, or name the values",
                  query::kMaxScans));
}

}  // namespace

Result<BoundRule> bind_rule(const Rule& rule, const model::Forest& forest, TimeUs now) {
  CAIRN_TRY(check_limits(rule));
  BoundRule bound;
  auto filter = bind_text(rule.query, rule, forest, now);
  if (!filter) return in_member("query", std::move(filter).error());
  bound.filter = *std::move(filter);
  bound.metric = rule.metric() != nullptr ? *rule.metric() : counted_form(*rule.issue());
  if (!bound.metric) return bound;
  if (auto done = check_scans(split(bound.filter.expr).events); !done) {
    return in_member("query", std::move(done).error());
  }
  if (!bound.metric->percent_of.empty()) {
    auto whole = bind_text(bound.metric->percent_of, rule, forest, now);
    if (!whole) return in_member("percent_of", std::move(whole).error());
    bound.percent_of = *std::move(whole);
    if (auto done = check_scans(split(bound.percent_of->expr).events); !done) {
      return in_member("percent_of", std::move(done).error());
    }
  }
  auto call = bind_aggregate(bound.metric->aggregate);
  if (!call) return in_member("aggregate", std::move(call).error());
  bound.call = *std::move(call);
  if (!bound.metric->group_by.empty()) {
    auto key = bind_key(bound.metric->group_by);
    if (!key) {
      Error error = in_member("group_by", std::move(key).error());
      const uint32_t before = static_cast<uint32_t>(std::string_view("count() by ").size());
      if (error.position) error.position = *error.position - std::min(*error.position, before);
      return error;
    }
    bound.group_by = *std::move(key);
  }
  CAIRN_TRY(check_reachable(*bound.metric, *bound.call));
  return bound;
}

SplitFilter split(const Expr& filter) {
  SplitFilter out;
  std::vector<Expr> events;
  const auto sorted = for_each_conjunct(filter, [&](const Expr& conjunct) -> Result<void> {
    const bool group = query::is_group_only(conjunct) && conjunct.kind != Expr::Kind::True;
    CAIRN_ASSERT(group || is_event_only(conjunct));
    (group ? out.group : events).push_back(conjunct);
    return {};
  });
  CAIRN_ASSERT(sorted.ok());
  if (events.size() == 1) {
    out.events = std::move(events.front());
  } else if (!events.empty()) {
    out.events = Expr::all_of(std::move(events));
  }
  return out;
}

}  // namespace cairn::alert
