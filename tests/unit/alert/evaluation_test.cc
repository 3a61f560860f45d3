#include "alert/evaluation.h"

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <random>

#include "alert/rule_state.h"
#include "base/time_format.h"
#include "model/command.h"
#include "query/ast_print.h"
#include "storage/coding.h"
#include "support/alert_queries.h"
#include "support/query_world.h"
#include "support/random_occurrences.h"
#include "support/random_query.h"
#include "support/soak.h"

namespace cairn::testing {
namespace {

using alert::Evaluation;
using alert::KeyUpdate;
using alert::MetricCondition;
using alert::Rule;
using alert::RuleId;
using alert::Side;

constexpr int64_t kMinute = 60 * kMicrosPerSecond;

// Everything an engine will do with rules, over the store that queries are asked of.
class Alerts {
 public:
  explicit Alerts(QueryWorld& world) : world_(world) {}

  // False: the rule asks for something that rules cannot have.
  bool add(const Rule& rule) {
    auto bound = alert::bind_rule(rule, world_.state(), TimeUs{});
    if (!bound) return false;
    const RuleId id{static_cast<uint32_t>(rules.size())};
    const auto subscribed = shared.subscribe(id, rule, *bound);
    if (subscribed.made) evaluations.emplace(subscribed.evaluation, Evaluation(*bound, options));
    rules.push_back(rule);
    return true;
  }

  void see(const QueryWorld::Stored& one) {
    now = std::max(now, one.occurrence.time());
    const auto& terms = extractor_.extract(one.occurrence);
    shared.for_each_match(
        {one.occurrence, terms, world_.state(), world_.roots()[raw(one.fingerprint)]},
        [&](alert::EvaluationId id, Side side) {
          Evaluation& evaluation = evaluations.at(id);
          if (evaluation.counts_alone() && ++alone % 2 == 0) {
            const int64_t minute = alert::floor_to(raw(one.occurrence.time()), kMinute);
            return evaluation.add_counts(TimeUs{minute}, 1);  // which must be the same
          }
          evaluation.add(side, one.occurrence, terms, one.fingerprint, now);
        });
  }

  // The newest tick of the rule.
  TimeUs tick_of(const Rule& rule) const {
    const int64_t resolution = alert::resolution_of(*rule.metric()) * kMinute;
    return TimeUs{raw(now) - raw(now) % resolution};
  }

  std::vector<KeyUpdate> evaluate(RuleId id, TimeUs tick, std::span<const std::string> open = {}) {
    const Rule& rule = rules[raw(id)];
    const auto bound = must(alert::bind_rule(rule, world_.state(), tick));
    const auto counted = alert::split(bound.filter.expr).group;
    std::vector<query::Expr> whole;
    if (bound.percent_of) whole = alert::split(bound.percent_of->expr).group;
    Evaluation& evaluation = evaluations.at(*shared.evaluation_of(id));
    return evaluation.at(tick, {world_.state(), world_.roots(), counted, whole}, open);
  }

  QueryWorld& world() { return world_; }
  alert::SharedQueries shared;
  std::map<alert::EvaluationId, Evaluation> evaluations;
  std::vector<Rule> rules;
  alert::EvaluationOptions options;
  TimeUs now{};
  uint64_t alone = 0;  // seen by evaluations that count alone

 private:
  QueryWorld& world_;
  model::TermExtractor extractor_;
};

// --- the same through the query engine ----------------------------------------------------------

bool near(const ByKey& a, const ByKey& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && near_value(x.second, y.second);
  });
}

std::string show(const ByKey& values) {
  std::string text;
  for (const auto& [key, value] : values) {
    text += "'" + key + "' " + (value ? std::to_string(*value) : "-") + "; ";
  }
  return text;
}

// How many keys had a value.
size_t check(Alerts& alerts, RuleId id) {
  const Rule& rule = alerts.rules[raw(id)];
  const MetricCondition& metric = *rule.metric();
  const TimeUs tick = alerts.tick_of(rule);
  INFO(alert::to_json(rule) << " at " << format_time(tick));
  std::string sharing;
  for (uint32_t other = 0; other < alerts.rules.size(); ++other) {
    if (alerts.shared.evaluation_of(RuleId{other}) != alerts.shared.evaluation_of(id)) continue;
    sharing += " and " + alert::to_json(alerts.rules[other]);
  }
  INFO("shared:" << sharing);
  const auto updates = alerts.evaluate(id, tick);
  if (metric.group_by.empty()) REQUIRE(updates.size() == 1);
  const auto nothing =
      metric.percent_of.empty() ? value_of_nothing(metric.aggregate) : std::nullopt;
  const auto compare = [&](int64_t back_us, auto value_of) {
    const TimeUs end{raw(tick) - back_us};
    const TimeUs begin{raw(end) - metric.time_window_min * kMinute};
    const ByKey wanted = must(ask_rule(alerts.world().view(), rule, metric, {begin, end, tick}));
    ByKey found;
    for (const KeyUpdate& one : updates) {
      REQUIRE(one.update.time == tick);
      REQUIRE_FALSE(one.update.incomplete);
      if (value_of(one.update) != nothing) found[one.key] = value_of(one.update);
    }
    INFO("found " << show(found));
    INFO("wanted " << show(wanted));
    REQUIRE(near(found, wanted));
    return found.size();
  };
  if (metric.comparison_delta_min) {
    compare(*metric.comparison_delta_min * kMinute,
            [](const alert::Update& update) { return update.base; });
  }
  return compare(0, [](const alert::Update& update) { return update.value; });
}

// --- random worlds ------------------------------------------------------------------------------

Rule random_rule(std::mt19937_64& random, RandomQuery& queries) {
  const auto below = [&](uint64_t n) { return static_cast<uint32_t>(random() % n); };
  const auto filter = [&]() -> std::string {
    query::Query tree;
    if (below(6) != 0) tree.filter = queries.node(static_cast<int>(below(3)));
    std::string text = query::print(tree);
    static constexpr const char* kGroup[] = {"is:unresolved", "!is:assigned", "times_seen:>3",
                                             "issue.priority:[high, medium]"};
    if (below(4) == 0)
      text = (text.empty() ? "" : "(" + text + ") ") + std::string(kGroup[below(4)]);
    return text;
  };
  static constexpr const char* kAggregates[] = {
      "count()",    "count()",    "uniq(user)",    "uniq(issue)",   "issues()",
      "rate(1h)",   "sum(shard)", "avg(shard)",    "min(shard)",    "max(shard)",
      "p50(shard)", "p95(shard)", "uniq(release)", "uniq(project)", "percentile(shard, 0.3)"};
  static constexpr const char* kKeys[] = {"",        "",      "release",     "issue",
                                          "project", "shard", "fingerprint", "user"};
  static constexpr uint32_t kWindows[] = {5, 30, 60, 90, 240, 1440};
  Rule rule;
  rule.name = "A";
  rule.query = filter();
  if (below(4) == 0) rule.environment = below(2) == 0 ? "staging" : "production";
  for (uint64_t p = 1; p <= 3; ++p) {
    if (below(4) == 0) rule.projects.push_back(ProjectId{p});
  }
  MetricCondition metric;
  metric.aggregate = kAggregates[below(std::size(kAggregates))];
  metric.group_by = kKeys[below(std::size(kKeys))];
  metric.time_window_min = kWindows[below(std::size(kWindows))];
  if (below(5) == 0) metric.percent_of = filter();
  if (below(4) == 0) metric.comparison_delta_min = 30 + below(3) * 60;
  metric.critical = 5;
  rule.condition = metric;
  return rule;
}

void change_something(QueryWorld& world, std::mt19937_64& random, TimeUs now) {
  using namespace model;
  const auto group = [&] {
    return GroupId{static_cast<uint32_t>(1 + random() % world.state().group_count())};
  };
  Command command = MergeCommand{group(), {group()}};
  switch (random() % 4) {
    case 0:
      command = UnmergeCommand{group(), {}};
      break;
    case 1:
      command = SetStatusCommand{group(), static_cast<Status>(random() % 2), Substatus::None};
      break;
    case 2:
      command = AssignCommand{group(), random() % 2 == 0 ? "user:7" : ""};
      break;
    default:
      break;
  }
  auto decided = decide(world.state(), command);
  if (decided && decided->has_value()) world.apply(std::move(**decided), now);
}

}  // namespace

// CAIRN_SEED=N begins with that world, CAIRN_SOAK=N asks N times as many.
TEST_CASE("evaluations say what the query engine says of their windows") {
  const uint64_t first = first_seed();
  size_t rules = 0;
  size_t values = 0;
  uint64_t late = 0;
  for (int round = 0; round < soak_rounds(4); ++round) {
    const uint64_t seed = first + static_cast<uint64_t>(round);
    INFO("CAIRN_SEED=" << seed);
    std::mt19937_64 random(seed);
    QueryWorld world;
    for (uint64_t p = 1; p <= 3; ++p) {
      model::ProjectChanged change;
      change.project = ProjectId{p};
      change.slug = "p" + std::to_string(p);
      world.apply(std::move(change));
    }
    RandomOccurrences occurrences(seed);
    world.add(occurrences.next());  // something there is to ask about
    const TimeUs begin = world.stored().front().occurrence.time();
    RandomQuery queries(seed, begin, TimeUs{raw(begin) + 24 * 60 * kMinute});
    Alerts alerts(world);
    alerts.options.seed = random();
    for (int i = 0; i < 60; ++i) alerts.add(random_rule(random, queries));
    alerts.see(world.stored().front());
    rules += alerts.rules.size();
    std::map<alert::EvaluationId, TimeUs> done;
    for (int i = 0; i < 400; ++i) {
      world.add(occurrences.next());
      alerts.see(world.stored().back());
      if (random() % 12 == 0) change_something(world, random, alerts.now);
      if (random() % 40 != 0) continue;
      if (random() % 3 == 0) world.seal();
      std::map<alert::EvaluationId, TimeUs> ticks;
      for (size_t id = 0; id < alerts.rules.size(); ++id) {
        const RuleId rule{static_cast<uint32_t>(id)};
        const TimeUs tick = alerts.tick_of(alerts.rules[id]);
        const auto evaluation = *alerts.shared.evaluation_of(rule);
        if (const auto last = done.find(evaluation); last != done.end() && tick <= last->second) {
          continue;
        }
        values += check(alerts, rule);
        ticks[evaluation] = tick;
      }
      for (const auto& [evaluation, tick] : ticks) {
        alerts.evaluations.at(evaluation).advance(tick);
        done[evaluation] = tick;
      }
    }
    for (const auto& one : alerts.evaluations) late += one.second.figures().late;
  }
  CHECK(rules > 60);
  CHECK(values > 1000);
  CHECK(late > 0);
}

namespace {

struct Few {
  Few() {
    Rule rule;
    rule.name = "A";
    MetricCondition metric;
    metric.time_window_min = 5;
    metric.group_by = "tags[shard]";
    metric.critical = 5;
    rule.condition = metric;
    REQUIRE(alerts.add(rule));
  }
  void event(int64_t at_minute, const std::string& shard, const std::string& fingerprint = "a") {
    model::Occurrence occurrence;
    occurrence.id.bytes[0] = ++events;
    occurrence.project = ProjectId{1};
    occurrence.fingerprint = {fingerprint};
    occurrence.title = "Error";
    occurrence.detection_time = static_cast<double>(at_minute * 60);
    occurrence.event = shard.empty() ? "{}" : R"({"tags":{"shard":")" + shard + R"("}})";
    world.add(occurrence);
    alerts.see(world.stored().back());
  }
  std::vector<KeyUpdate> at(int64_t tick_minute, std::vector<std::string> open = {}) {
    return alerts.evaluate(RuleId{0}, TimeUs{tick_minute * kMinute}, open);
  }
  Evaluation& evaluation() { return alerts.evaluations.begin()->second; }
  static KeyUpdate value(std::string key, int64_t tick_minute, double number) {
    return {std::move(key), {TimeUs{tick_minute * kMinute}, number, {}}};
  }
  QueryWorld world;
  Alerts alerts{world};
  uint8_t events = 0;
};

}  // namespace

TEST_CASE("counts that are added together are as those added one by one") {
  std::mt19937_64 random(4);
  for (const uint32_t window : {1u, 7u, 60u}) {
    Rule rule;
    rule.name = "A";
    MetricCondition metric;
    metric.time_window_min = window;
    rule.condition = metric;
    const model::State state;
    const auto bound = alert::bind_rule(rule, state, TimeUs{});
    REQUIRE(bound.ok());
    const alert::EvaluationOptions options{TimeUs{100 * kMinute}, 1u << 20, 5};
    Evaluation one_by_one(*bound, options);
    Evaluation together(*bound, options);
    REQUIRE(together.counts_alone());
    for (int i = 0; i < 200; ++i) {
      const int64_t minute = 30 + static_cast<int64_t>(random() % 150);  // some are late
      const auto count = static_cast<uint32_t>(1 + random() % 9);
      for (uint32_t n = 0; n < count; ++n) {
        model::Occurrence occurrence;
        occurrence.detection_time = static_cast<double>(minute * 60 + n);
        one_by_one.add(Side::Counted, occurrence, {}, FingerprintId{0}, occurrence.time());
      }
      together.add_counts(TimeUs{minute * kMinute}, count);
    }
    storage::RowWriter one;
    storage::RowWriter other;
    one_by_one.save(one);
    together.save(other);
    CHECK(one.bytes() == other.bytes());
    CHECK(one_by_one.figures().counted == together.figures().counted);
    CHECK(one_by_one.figures().late == together.figures().late);
    CHECK(together.figures().late > 0);
  }
}

TEST_CASE_METHOD(Few, "each value is a key, no value is one, and open ones are told of nothing") {
  event(1, "x");
  event(2, "x");
  event(3, "");
  CHECK(at(4) == std::vector{value("", 4, 1), value("x", 4, 2)});
  CHECK(at(4, {"gone", "x"}) ==
        std::vector{value("", 4, 1), value("gone", 4, 0), value("x", 4, 2)});
  evaluation().advance(TimeUs{19 * kMinute});
  CHECK(at(20).empty());
  CHECK(at(20, {"x"}) == std::vector{value("x", 20, 0)});
  event(1, "y");
  CHECK(evaluation().figures().late == 1);
  CHECK(evaluation().figures().counted == 3);
}

TEST_CASE("a different rule takes less than 1 KiB beside its buckets") {
  constexpr size_t kRules = 4000;
  QueryWorld world;
  Alerts alerts(world);
  for (size_t i = 0; i < kRules; ++i) {
    Rule rule;
    rule.name = "A";
    rule.query = "level:error release:r" + std::to_string(i % 50);
    rule.environment = "production";
    rule.projects = {ProjectId{1 + i / 20}};
    MetricCondition metric;
    metric.time_window_min = 60;
    metric.critical = 5;
    rule.condition = metric;
    REQUIRE(alerts.add(rule));
  }
  REQUIRE(alerts.evaluations.size() == kRules);
  size_t bytes = alerts.shared.memory_bytes();
  model::Occurrence occurrence;
  occurrence.fingerprint = {"a"};
  for (auto& one : alerts.evaluations) {
    one.second.add(Side::Counted, occurrence, {}, FingerprintId{1}, TimeUs{0});
    bytes += one.second.memory_bytes();
  }
  CHECK(bytes / kRules <= 1024);
}

namespace {

Rule rule_of(const std::string& aggregate, const std::string& group_by,
             const std::string& filter = "") {
  Rule rule;
  rule.name = "A";
  rule.query = filter;
  MetricCondition metric;
  metric.aggregate = aggregate;
  metric.time_window_min = 5;
  metric.group_by = group_by;
  metric.critical = 5;
  rule.condition = metric;
  return rule;
}

// One rule, and occurrences with what it asks for.
struct One {
  explicit One(const Rule& rule, const alert::EvaluationOptions& options = {}) {
    alerts.options = options;
    REQUIRE(alerts.add(rule));
  }
  void add(int64_t at_minute, const std::string& user, FingerprintId fingerprint = {},
           const std::string& shard = "1") {
    occurrence.project = ProjectId{1};
    occurrence.detection_time = static_cast<double>(at_minute * 60);
    const std::vector<model::Term> terms = {{FieldId{0}, "who", user},
                                            {FieldId{0}, "shard", shard}};
    evaluation().add(Side::Counted, occurrence, terms, fingerprint, TimeUs{at_minute * kMinute});
  }
  std::map<std::string, alert::Update> at(int64_t tick_minute,
                                          const std::vector<std::string>& open = {}) {
    std::map<std::string, alert::Update> found;
    for (const auto& one : alerts.evaluate(RuleId{0}, TimeUs{tick_minute * kMinute}, open)) {
      found[one.key] = one.update;
    }
    return found;
  }
  Evaluation& evaluation() { return alerts.evaluations.begin()->second; }
  QueryWorld world;
  Alerts alerts{world};
  model::Occurrence occurrence;
};

}  // namespace

TEST_CASE("sums too large for a number are not known, rather than nothing") {
  for (const char* const aggregate : {"sum(tags[shard])", "avg(tags[shard])"}) {
    One one(rule_of(aggregate, ""));
    one.add(1, "ann", {}, "5000");
    CHECK(one.at(2).at("").value.has_value());
    one.add(2, "bob", {}, "1.7e308");
    one.add(2, "bob", {}, "1.7e308");
    CHECK(one.at(3).at("").incomplete);
    CHECK_FALSE(one.at(3).at("").value.has_value());
  }
}

TEST_CASE("a thousand quiet keys do not hide the one in trouble") {
  One one(rule_of("count()", "tags[who]"));
  for (int i = 0; i < 5000; ++i) one.add(1, "quiet " + std::to_string(i));
  for (int i = 0; i < 5000; ++i) one.add(2, "zed");
  CHECK(one.at(3).at("zed").value == 5000);
  CHECK_FALSE(one.evaluation().keys_missing(TimeUs{3 * kMinute}));
  CHECK(one.evaluation().figures().refused == 0);
  CHECK(one.evaluation().memory_bytes() < 5001 * 500);
  one.at(20);
  one.evaluation().advance(TimeUs{20 * kMinute});
  CHECK(one.evaluation().memory_bytes() < 2000);
}

TEST_CASE("keys for which there is no room are known to be missing, and not taken for quiet") {
  One one(rule_of("count()", "tags[who]"), {{}, 100'000, 0});
  for (int i = 0; i < 1000; ++i) one.add(1, "user " + std::to_string(i));
  CHECK(one.evaluation().figures().refused > 100);
  CHECK(one.evaluation().memory_bytes() < 110'000);
  const auto updates = one.at(2, {"user 999", "user 0"});
  CHECK(updates.at("user 0").value == 1);
  CHECK_FALSE(updates.at("user 0").incomplete);
  CHECK(updates.at("user 999").incomplete);  // it is open, and came
  CHECK(one.evaluation().keys_missing(TimeUs{6 * kMinute}));
  CHECK_FALSE(one.evaluation().keys_missing(TimeUs{7 * kMinute}));
  one.evaluation().advance(TimeUs{6 * kMinute});
  one.evaluation().advance(TimeUs{7 * kMinute});
  one.add(7, "user 999");
  CHECK(one.at(8).at("user 999").value == 1);
}

TEST_CASE("a value that lacks fingerprints is not known") {
  for (const auto& [aggregate, group_by] : {std::pair("count()", ""), std::pair("uniq(issue)", ""),
                                            std::pair("count()", "tags[who]")}) {
    INFO(aggregate << " by " << group_by);
    One one(rule_of(aggregate, group_by, "is:unresolved"), {{}, 20'000, 0});
    model::Occurrence occurrence;
    occurrence.project = ProjectId{1};
    occurrence.title = "Error";
    occurrence.event = "{}";
    std::vector<FingerprintId> fingerprints;
    for (int i = 0; i < 200; ++i) {
      occurrence.id.bytes[0] = static_cast<uint8_t>(i);
      occurrence.fingerprint = {"f" + std::to_string(i)};
      one.world.add(occurrence);
      fingerprints.push_back(one.world.stored().back().fingerprint);
    }
    const std::string key = std::string_view(group_by).empty() ? "" : "ann";
    for (int i = 0; i < 20; ++i) one.add(1, "ann", fingerprints[size_t(i)]);
    CHECK(one.at(2).at(key).value == 20);
    for (const FingerprintId fingerprint : fingerprints) one.add(3, "ann", fingerprint);
    CHECK(one.at(3).at(key).value == 20);
    CHECK(one.at(4).at(key).incomplete);
    CHECK_FALSE(one.at(4).at(key).value.has_value());
    CHECK(one.at(8).at(key).incomplete);
    CHECK_FALSE(one.at(9, {key}).at(key).incomplete);
  }
}

TEST_CASE("numbers by key, and old times, take no more than there is room for") {
  One one(rule_of("p95(tags[shard])", "tags[who]"), {{}, 1u << 20, 0});
  for (int i = 0; i < 100'000; ++i) one.add(1, "user " + std::to_string(i % 10), {}, "7");
  CHECK(one.evaluation().memory_bytes() < (1u << 20) + 1024);
  CHECK(one.evaluation().figures().not_kept > 1000);
  CHECK(one.at(2).at("user 1").incomplete);

  One old(rule_of("count()", ""), {{}, 1u << 20, 0});
  for (int i = 0; i < 100'000; ++i) old.add(-i, "ann");
  CHECK(old.evaluation().memory_bytes() < (1u << 20) + 1024);
  One begun(rule_of("count()", ""), {TimeUs{0}, 1u << 20, 0});
  for (int i = 0; i < 100'000; ++i) begun.add(-i, "ann");
  CHECK(begun.evaluation().figures().late == 100'000 - 6);  // minutes 0 to -5
  CHECK(begun.at(0).at("").value == 5);
  CHECK(begun.evaluation().memory_bytes() < 2000);
}

TEST_CASE("a key that falls silent is told of once more, and can alert of that") {
  One one(rule_of("count()", "tags[who]"));
  MetricCondition metric = *one.alerts.rules[0].metric();
  metric.threshold_type = alert::Direction::Below;
  metric.critical = 2;
  metric.threshold_period = 2;
  alert::RuleState state;
  for (int i = 0; i < 3; ++i) one.add(1, "ann");
  std::string told;
  for (int64_t tick = 2; tick < 12; ++tick) {
    const TimeUs time{tick * kMinute};
    const auto updates = one.alerts.evaluate(RuleId{0}, time, alert::known_keys(state));
    for (const auto& transition : alert::apply_tick(metric, state, time, updates).transitions) {
      told += std::to_string(tick) + " " + transition.key + ";";
    }
    one.evaluation().advance(time);
  }
  CHECK(told == "8 ann;");  // nothing is left at 7, and again at 8
  for (int i = 0; i < 2; ++i) one.add(12, "ann");
  const TimeUs again{13 * kMinute};
  const auto updates = one.alerts.evaluate(RuleId{0}, again, alert::known_keys(state));
  CHECK(updates.size() == 1);
  CHECK(updates[0].update.value == 2);
}

TEST_CASE("with a seed nobody can choose users that are taken for one") {
  // These have the same hash without one.
  for (const uint64_t seed : {0, 1, 2}) {
    INFO(seed);
    One by_user(rule_of("count()", "tags[who]"), {{}, 1u << 20, seed});
    One users(rule_of("uniq(tags[who])", ""), {{}, 1u << 20, seed});
    for (const char* name : {"user49688", "r0VQkTEx"}) {
      by_user.add(1, name);
      users.add(1, name);
    }
    CHECK(by_user.at(2).size() == (seed == 0 ? 1 : 2));
    CHECK(users.at(2).at("").value == (seed == 0 ? 1 : 2));
  }
}

}  // namespace cairn::testing
