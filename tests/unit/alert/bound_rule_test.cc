#include "alert/bound_rule.h"

#include <catch2/catch.hpp>

#include "query/plan.h"
#include "support/shop.h"

namespace cairn::testing {
namespace {

using alert::BoundRule;
using alert::MetricCondition;
using alert::Rule;

class Bound : public Shop {
 public:
  Bound() { event({"a", "2026-11-21T11:00:00Z", "Cannot pay", "error", R"("release":"1.0")"}); }

  static Rule counting(std::string query, std::string aggregate = "count()") {
    Rule rule;
    rule.name = "A";
    rule.query = std::move(query);
    MetricCondition metric;
    metric.aggregate = std::move(aggregate);
    metric.time_window_min = 60;
    metric.critical = 5;
    rule.condition = metric;
    return rule;
  }

  BoundRule bound(const Rule& rule) const {
    auto result = alert::bind_rule(rule, state(), options().now);
    if (!result) FAIL(result.error().message);
    return *std::move(result);
  }
  Error refusal(const Rule& rule) const {
    auto result = alert::bind_rule(rule, state(), options().now);
    REQUIRE_FALSE(result.ok());
    return std::move(result).error();
  }
  void refused(const Rule& rule, std::string_view message, std::optional<uint32_t> at) const {
    const Error error = refusal(rule);
    INFO(error.message);
    CHECK(error.message.starts_with(message));
    CHECK(error.position == at);
  }
};

TEST_CASE_METHOD(Bound, "a metric rule is bound") {
  Rule rule = counting("level:error is:unresolved", "p95(tags[took])");
  rule.environment = "production";
  auto& metric = std::get<MetricCondition>(rule.condition);
  metric.group_by = "tags[region]";
  metric.percent_of = "has:user";
  const BoundRule one = bound(rule);
  CHECK(one.call->function == query::BoundCall::Function::Percentile);
  CHECK(one.call->per_million == 950'000);
  CHECK(one.group_by->field.tag == "region");
  REQUIRE(one.percent_of.has_value());
  CHECK(one.percent_of->expr.kind == query::Expr::Kind::And);

  const alert::SplitFilter parts = alert::split(one.filter.expr);
  CHECK(parts.group.size() == 1);
  REQUIRE(parts.events.kind == query::Expr::Kind::And);
  CHECK(parts.events.children.size() == 2);
}

TEST_CASE_METHOD(Bound, "everything is a filter, too") {
  const alert::SplitFilter parts = alert::split(bound(counting("")).filter.expr);
  CHECK(parts.group.empty());
  CHECK(parts.events.kind == query::Expr::Kind::True);
}

TEST_CASE_METHOD(Bound, "what a rule cannot ask is refused where it stands") {
  refused(counting("is:unresolvd"), "query: \"unresolvd\" is no value of is:", 3);
  refused(counting("level:"), "query: ", 6);
  refused(counting("level:error | count()"), "query: A rule takes a filter", 0);
  refused(counting("level:error timestamp:-24h"), "query: A rule is about the time its window", 12);
  refused(counting("a:1 OR !(b:2 release:latest)"), "query: A rule cannot follow the newest", 21);
  refused(counting("first_release:latest"), "query: A rule cannot follow", 14);
  refused(counting("level:info (is:resolved OR level:error)"),
          "query: In a rule with a number, conditions on the issue", 12);
  refused(counting("project:nowhere"), "query: ", 8);
  CHECK(bound(counting("release:\"latest\" latest age:-24h")).call.has_value());
  CHECK(bound(counting("(is:resolved OR !is:new) (level:info OR x:1)")).call.has_value());
}

// Its windows could never be filled.
TEST_CASE_METHOD(Bound, "a rule with more patterns than a query may have is refused") {
  const auto patterns = [](size_t count) {
    std::string query = "title:*p0*";
    for (size_t i = 1; i < count; ++i) query += " OR title:*p" + std::to_string(i) + "*";
    return query;
  };
  bound(counting(patterns(query::kMaxScans), "count()"));
  const Error query = refusal(counting(patterns(query::kMaxScans + 1), "count()"));
  CHECK(query.code == ErrorCode::InvalidArgument);
  CHECK(query.message.starts_with("query: more than 256 conditions"));
  Rule rule = counting("", "count()");
  std::get<MetricCondition>(rule.condition).percent_of = patterns(query::kMaxScans + 1);
  CHECK(refusal(rule).message.starts_with("percent_of: more than 256 conditions"));
}

TEST_CASE_METHOD(Bound, "what is no aggregate or key is refused") {
  refused(counting("", "cuont()"), "aggregate: There is no function \"cuont\"", 0);
  refused(counting("", "count() uniq(user)"), "aggregate: Expected one call and nothing else", 0);
  refused(counting("", "count() by release"), "aggregate: Expected one call and nothing else", 0);
  refused(counting("", "count() | sort count()"), "aggregate: Expected one call", 0);
  refused(counting("", "limit 5"), "aggregate: Expected one call", 0);
  refused(counting("", "max(timestamp)"), "aggregate: A time has no threshold", 0);
  refused(counting("", "uniq(status)"), "aggregate: \"status\" changes while nothing", 0);
  refused(counting("", "uniq()"), "aggregate: ", 0);
  Rule rule = counting("");
  auto& metric = std::get<MetricCondition>(rule.condition);
  metric.group_by = "priority";
  refused(rule, "group_by: \"priority\" changes while nothing", 0);
  metric.group_by = "release, level";
  refused(rule, "group_by: Expected one field", 0);
  metric.group_by = "level by";
  CHECK(refusal(rule).message.starts_with("group_by: "));
  metric.group_by = "issue";
  CHECK(bound(rule).group_by->kind == query::RowKey::Kind::Issue);
  metric.percent_of = "is:";
  refused(rule, "percent_of: ", 3);
}

TEST_CASE_METHOD(Bound, "a rule that can never alert is refused") {
  Rule rule = counting("");
  auto& metric = std::get<MetricCondition>(rule.condition);
  metric.threshold_type = alert::Direction::Below;
  metric.critical = 0;
  refused(rule, "triggers: count() is never below 0", std::nullopt);
  metric.comparison_delta_min = 60;
  metric.critical = 100;
  refused(rule, "triggers: count() is never below 0", std::nullopt);
  metric.critical = 99;
  CHECK(bound(rule).call.has_value());
  metric.comparison_delta_min.reset();
  metric.critical = -5;
  metric.aggregate = "min(tags[free])";
  CHECK(bound(rule).call.has_value());
}

TEST_CASE_METHOD(Bound, "issue rules that count are metric rules by issue") {
  Rule rule;
  rule.name = "Seen";
  rule.query = "level:error";
  rule.condition = alert::IssueCondition{alert::IssueEvent::SeenByUsers, 10, 90, 30};
  const BoundRule one = bound(rule);
  REQUIRE(one.metric.has_value());
  CHECK(one.metric->critical == 10);
  CHECK(one.metric->time_window_min == 90);
  CHECK(one.call->name == "uniq(user)");
  CHECK(one.group_by->kind == query::RowKey::Kind::Issue);

  // What happens to one issue is asked once, so that conditions may be mixed.
  rule.condition = alert::IssueCondition{alert::IssueEvent::FirstSeen, 0, 0, 30};
  rule.query = "is:unresolved OR level:error";
  CHECK_FALSE(bound(rule).call.has_value());
}

}  // namespace
}  // namespace cairn::testing
