#include "alert/canonical.h"

#include <catch2/catch.hpp>

#include "query/ast_print.h"
#include "support/random_occurrences.h"
#include "support/random_query.h"
#include "support/shop.h"

namespace cairn::testing {
namespace {

class Canonical : public Shop {
 public:
  Canonical() {
    event({"a", "2026-11-21T11:00:00Z", "Cannot pay"});
    event({"b", "2026-11-21T11:00:00Z", "Cannot ship"});
  }

  std::string of(const std::string& text) const {
    const query::Query tree = parsed(text);
    return alert::canonical(tree, must(query::bind_filter(tree, state(), options().now)));
  }
};

TEST_CASE_METHOD(Canonical, "spellings of one filter") {
  const std::vector<std::vector<std::string>> groups = {
      {"", "level:a OR !level:a", "!(level:a !level:a)", "a:1 OR (level:b OR !level:b)"},
      {"level:a !level:a", "a:1 (level:b !level:b)", "!(a:1 OR level:b OR !level:b)"},
      {"a:1", "a:1 (b:2 OR !b:2)", "a:1 OR (b:2 !b:2)"},
      {"level:error env:prod", "env:prod level:error", "environment:prod AND level:error",
       "level:error env:prod level:error", "!(!level:error OR !env:\"prod\")",
       "(level:error) (env:prod)", "NOT !(env:prod level:error)", "level:[error] env:prod"},
      {"level:[error, fatal]", "level:fatal OR level:error", "level:[fatal,\"error\", fatal]",
       "!(!level:error !level:fatal)", "!(!level:[error, fatal])"},
      {"!level:[error, fatal]", "!level:error !level:fatal", "!(level:error OR level:fatal)",
       "NOT level:[fatal, error]"},
      {"a:1 (b:2 (c:3 d:4))", "d:4 c:3 b:2 a:1"},
      {"a:1 OR (b:2 OR (c:3 d:4))", "(d:4 c:3) OR b:2 OR a:1"},
      {"!has:release", "release:\"\"", "!(has:release)", "NOT has:release"},
      {"has:release", "!release:\"\""},
      {"release:[\"\", 1]", "release:1 OR !has:release"},
      {"user.id:1", "user:id:1"},
      {"tags[level]:x"},
      {"level:x", "\"level\":x"},
      {"a:starts_with:b", "a:b*"},
      {"a:contains:b", "a:*b*"},
      {"a:*b"},
      {"time out", "\"time out\""},
      {"time  out"},
      {"tags[n,number]:>1k", "tags[n,number]:>1000"},
      {"tags[n,number]:>=1k"},
      {"!tags[n,number]:1k", "tags[n,number]:!=1000", "NOT tags[n,number]:=1k"},
      {"n:>1000"},
      {"n://^a//"},
      {"n://^b//"},
      {"n:\"//^a//\""},
      {"is:unresolved", "status:unresolved", "is:unresolved status:[unresolved]"},
      {"is:ignored", "is:archived", "is:muted", "status:archived"},
      {"assigned:7", "assignee:user:7", "assigned_to:7"},
      {"is:linked", "!is:unlinked", "!(!is:linked)"},
      {"times_seen:>1k", "timesSeen:>1000"},
      {"issue:SHOP-1", "issue:\"SHOP-1\"", "issue.id:SHOP-1"},
      {"issue:1"},  // the same now; another store's numbers and merges may differ
      {"issue:[SHOP-1, SHOP-2]", "issue:SHOP-2 OR issue:SHOP-1"},
      {"!issue:SHOP-1", "issue:!=SHOP-1", "NOT issue:SHOP-1"},
      {"age:-24h", "firstSeen:-24h"},
      {"age:-48h"},
      {"last_seen:-24h"},
      {"project:shop", "project.id:shop"},
  };
  for (size_t i = 0; i < groups.size(); ++i) {
    const std::string first = of(groups[i].front());
    for (const std::string& text : groups[i]) {
      INFO(text);
      CHECK(of(text) == first);
    }
    for (size_t j = 0; j < i; ++j) {
      INFO(groups[i].front() << " and " << groups[j].front());
      CHECK(of(groups[j].front()) != first);
    }
  }
}

TEST_CASE_METHOD(Canonical, "merged issues are not the same filter for ever") {
  command(model::MergeCommand{GroupId{1}, {GroupId{2}}});
  CHECK(of("issue:SHOP-1") != of("issue:SHOP-2"));
}

TEST_CASE_METHOD(Canonical, "what decides the values, and what does not") {
  alert::Rule rule;
  rule.name = "A";
  rule.query = "level:error";
  alert::MetricCondition metric;
  metric.time_window_min = 60;
  metric.critical = 5;
  const auto identity = [&](const alert::MetricCondition& condition) {
    rule.condition = condition;
    return alert::evaluation_identity(rule, must(alert::bind_rule(rule, state(), options().now)));
  };
  const Hash128 first = identity(metric);
  alert::MetricCondition other = metric;
  other.critical = 7;
  other.warning = 6;
  other.threshold_period = 3;
  other.resolution_min = 3;  // what it is anyway
  CHECK(identity(other) == first);
  other.aggregate = " count( )";
  CHECK(identity(other) == first);

  const std::vector<std::function<void(alert::MetricCondition&)>> changes = {
      [](auto& m) { m.aggregate = "rate(1h)"; },
      [](auto& m) { m.aggregate = "rate(2h)"; },
      [](auto& m) { m.aggregate = "uniq(user)"; },
      [](auto& m) { m.aggregate = "uniq(release)"; },
      [](auto& m) { m.aggregate = "p95(tags[took])"; },
      [](auto& m) { m.aggregate = "p99(tags[took])"; },
      [](auto& m) { m.aggregate = "max(tags[took])"; },
      [](auto& m) { m.percent_of = "has:user"; },
      [](auto& m) { m.percent_of = "has:release"; },
      [](auto& m) { m.group_by = "release"; },
      [](auto& m) { m.group_by = "issue"; },
      [](auto& m) { m.time_window_min = 120; },
      [](auto& m) { m.resolution_min = 5; },
      [](auto& m) { m.comparison_delta_min = 60; },
  };
  std::vector<Hash128> seen = {first};
  for (const auto& change : changes) {
    alert::MetricCondition changed = metric;
    change(changed);
    const Hash128 one = identity(changed);
    CHECK(std::find(seen.begin(), seen.end(), one) == seen.end());
    seen.push_back(one);
  }
  alert::MetricCondition same = metric;
  same.aggregate = "percentile(tags[took], 0.95)";
  CHECK(identity(same) == seen[5]);
  same.aggregate = "count_unique(user)";
  CHECK(identity(same) == seen[3]);
  rule.environment = "production";
  CHECK(identity(metric) != first);
  rule.environment = "";
  rule.projects = {ProjectId{1}};
  CHECK(identity(metric) != first);
}

query::Node copy(const query::Node& node) {
  query::Node out;
  out.at = node.at;
  if (const auto* filter = std::get_if<query::Filter>(&node.what)) {
    out.what = *filter;
  } else if (const auto* text = std::get_if<query::FreeText>(&node.what)) {
    out.what = *text;
  } else if (const auto* negation = std::get_if<query::Not>(&node.what)) {
    out.what = query::Not{std::make_unique<query::Node>(copy(*negation->term))};
  } else if (const auto* all = std::get_if<query::And>(&node.what)) {
    query::And terms;
    for (const auto& term : all->terms) terms.terms.push_back(copy(term));
    out.what = std::move(terms);
  } else {
    query::Or terms;
    for (const auto& term : std::get<query::Or>(node.what).terms) terms.terms.push_back(copy(term));
    out.what = std::move(terms);
  }
  return out;
}

query::Node negation(query::Node node) {
  query::Node out;
  out.what = query::Not{std::make_unique<query::Node>(std::move(node))};
  return out;
}

// The same written in another way.
class Rewriter {
 public:
  explicit Rewriter(uint64_t seed) : random_(seed) {}

  query::Node rewrite(const query::Node& node) {
    query::Node out = copy(node);
    if (auto* all = std::get_if<query::And>(&out.what)) {
      return below(4) == 0 ? de_morgan<query::Or>(all->terms) : shuffled(std::move(*all));
    }
    if (auto* any = std::get_if<query::Or>(&out.what)) {
      return below(4) == 0 ? de_morgan<query::And>(any->terms) : shuffled(std::move(*any));
    }
    if (auto* inner = std::get_if<query::Not>(&out.what)) return negation(rewrite(*inner->term));
    if (auto* filter = std::get_if<query::Filter>(&out.what)) rewrite(*filter);
    return below(4) == 0 ? negation(negation(std::move(out))) : std::move(out);
  }

 private:
  uint64_t below(uint64_t n) { return random_() % n; }

  template <class Terms>
  query::Node shuffled(Terms terms) {
    for (auto& term : terms.terms) term = rewrite(term);
    if (below(3) == 0) terms.terms.push_back(rewrite(terms.terms[below(terms.terms.size())]));
    std::shuffle(terms.terms.begin(), terms.terms.end(), random_);
    query::Node out;
    out.what = std::move(terms);
    return out;
  }

  template <class Terms>
  query::Node de_morgan(const std::vector<query::Node>& terms) {
    Terms negated;
    for (const auto& term : terms) negated.terms.push_back(negation(copy(term)));
    return negation(shuffled(std::move(negated)));
  }

  void rewrite(query::Filter& filter) {
    std::shuffle(filter.values.begin(), filter.values.end(), random_);
    if (filter.list) filter.values.push_back(filter.values[below(filter.values.size())]);
  }

  std::mt19937_64 random_;
};

TEST_CASE("however a filter is written, its canonical text is one, and means one thing") {
  QueryWorld world;
  RandomOccurrences occurrences(7);
  for (const auto& occurrence : occurrences.take(60)) world.add(occurrence);
  const TimeUs now{1'700'010'000 * kMicrosPerSecond};
  std::map<std::string, std::pair<std::string, std::vector<bool>>> meant;
  int asked = 0;
  for (uint64_t seed = 1; seed <= 600; ++seed) {
    RandomQuery random(seed, TimeUs{1'700'000'000 * kMicrosPerSecond}, now);
    Rewriter rewriter(seed);
    query::Query first;
    first.filter = random.node(seed % 4 == 0 ? 0 : 3);
    query::Query second;
    second.filter = rewriter.rewrite(*first.filter);
    std::string texts[2] = {query::print(first), query::print(second)};
    std::string canonicals[2];
    INFO("seed " << seed << ": " << texts[0] << "   and   " << texts[1]);
    bool bound = true;
    for (int i = 0; i < 2; ++i) {
      const query::Query tree = must(query::parse(texts[i]));
      auto expr = query::bind_filter(tree, world.state(), now);
      bound = bound && expr.ok();
      if (!expr.ok()) continue;
      canonicals[i] = alert::canonical(tree, *expr);
      // What has the same text finds the same.
      auto predicate = must(query::Predicate::bind(tree, world.state(), now));
      std::vector<bool> found;
      for (const auto& one : world.stored()) {
        found.push_back(predicate.matches(one.occurrence, world.roots()[raw(one.fingerprint)]));
      }
      const auto [known, fresh] = meant.try_emplace(canonicals[i], texts[i], found);
      INFO("as " << known->second.first);
      REQUIRE(known->second.second == found);
    }
    if (!bound) continue;
    ++asked;
    REQUIRE(canonicals[0] == canonicals[1]);
  }
  CHECK(asked > 400);
}

}  // namespace
}  // namespace cairn::testing
