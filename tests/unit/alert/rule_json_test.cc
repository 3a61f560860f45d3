#include <catch2/catch.hpp>
#include <random>

#include "alert/rule.h"

using namespace cairn;
using namespace cairn::alert;

namespace {

Rule read(std::string_view json) {
  auto rule = parse_rule(json);
  if (!rule) FAIL(rule.error().message);
  return *std::move(rule);
}

std::string refusal(std::string_view json) {
  const auto rule = parse_rule(json);
  if (rule) FAIL("taken: " << json);
  CHECK(rule.error().code == ErrorCode::InvalidArgument);
  return rule.error().message;
}

constexpr std::string_view kLeast =
    R"({"name":"A","time_window":60,"triggers":[{"label":"critical","alert_threshold":5}]})";

std::string with(std::string_view members) {
  std::string json(kLeast);
  json.insert(1, std::string(members) + ",");
  return json;
}

// Any rule that is within the limits.
Rule random_rule(std::mt19937_64& random) {
  const auto below = [&](uint64_t n) { return random() % n; };
  const auto minutes = [&](uint64_t n) { return static_cast<uint32_t>(1 + below(n)); };
  Rule rule;
  rule.name = below(2) == 0 ? "a \"b\"\n\xC3\xA4 \\ c" : std::string(1 + below(256), 'n');
  if (below(2) == 0) rule.owner = "user:" + std::to_string(below(100));
  for (uint64_t i = below(4), id = 0; i > 0; --i)
    rule.projects.push_back(ProjectId{id += minutes(9)});
  if (below(2) == 0) rule.environment = "prod \xE2\x82\xAC";
  if (below(2) == 0) rule.query = "level:[error, fatal] \"a b\"";
  rule.status = static_cast<RuleStatus>(below(5));
  if (below(3) == 0) {
    IssueCondition issue{static_cast<IssueEvent>(below(5)), 0, 0, 5 + minutes(40'000)};
    if (is_counted(issue.event)) {
      issue.value = static_cast<uint32_t>(below(1000));
      issue.interval_min = minutes(1440);
    }
    rule.condition = issue;
    return rule;
  }
  MetricCondition metric;
  if (below(2) == 0) metric.aggregate = "percentile(tags[took], 0.95)";
  if (below(3) == 0) metric.percent_of = "has:user";
  if (below(3) == 0) metric.group_by = "tags[\"my key\"]";
  metric.time_window_min = minutes(1440);
  if (below(2) == 0) metric.resolution_min = 1;
  if (below(2) == 0) metric.comparison_delta_min = minutes(kMaxComparisonMin);
  metric.threshold_type = static_cast<Direction>(below(2));
  metric.threshold_period = minutes(20);
  metric.critical = static_cast<double>(below(1'000'000)) / 7;
  // Higher is further where values above alert and where percentages say how much less.
  const bool up = metric.threshold_type == Direction::Above || metric.comparison_delta_min;
  const double towards = up ? -1 : 1;
  if (below(2) == 0) metric.warning = metric.critical + towards * 0.1;
  if (below(2) == 0) metric.resolve_threshold = metric.critical + towards * 0.3;
  metric.no_data = static_cast<NoData>(below(2));
  rule.condition = metric;
  return rule;
}

}  // namespace

TEST_CASE("the least a rule says") {
  const Rule rule = read(kLeast);
  CHECK(rule.name == "A");
  CHECK(rule.status == RuleStatus::Creating);
  REQUIRE(rule.metric() != nullptr);
  CHECK(rule.metric()->aggregate == "count()");
  CHECK(rule.metric()->time_window_min == 60);
  CHECK(rule.metric()->threshold_period == 1);
  CHECK(rule.metric()->critical == 5);
  CHECK_FALSE(rule.metric()->warning.has_value());
  CHECK(to_json(rule) ==
        R"x({"name":"A","status":"creating","query":"","aggregate":"count()","time_window":60,)x"
        R"("threshold_type":"above","threshold_period":1,)"
        R"("triggers":[{"label":"critical","alert_threshold":5}],"no_data":"zero"})");
}

TEST_CASE("everything a rule can say") {
  const Rule rule = read(
      R"({"name":"B","status":"disabled","owner":"team:3","projects":[9,2],"environment":"prod",)"
      R"x("query":"level:error","aggregate":"uniq(user)","percent_of":"","group_by":"release",)x"
      R"("time_window":30,"resolution":5,"comparison_delta":10080,"threshold_type":1,)"
      R"("threshold_period":3,"triggers":[{"alert_threshold":20.5,"label":"warning"},)"
      R"({"label":"critical","alert_threshold":50}],"resolve_threshold":10,"no_data":"hold"})");
  CHECK(rule.projects == std::vector{ProjectId{2}, ProjectId{9}});
  CHECK(rule.status == RuleStatus::Disabled);
  const MetricCondition& metric = *rule.metric();
  CHECK(metric.comparison_delta_min == 10'080);
  CHECK(metric.threshold_type == Direction::Below);
  CHECK(metric.warning == 20.5);
  CHECK(metric.critical == 50);
  CHECK(metric.resolve_threshold == 10);
  CHECK(metric.no_data == NoData::Hold);
  CHECK(read(to_json(rule)) == rule);
}

TEST_CASE("issue rules as JSON") {
  const Rule rule =
      read(R"({"name":"N","query":"","when":{"event":"event_frequency","value":100,"interval":60},)"
           R"("frequency":1440})");
  REQUIRE(rule.issue() != nullptr);
  CHECK(*rule.issue() == IssueCondition{IssueEvent::SeenTimes, 100, 60, 1440});
  CHECK(read(to_json(rule)) == rule);
  CHECK(read(R"({"name":"N","when":{"event":"regression"}})").issue()->quiet_min == 30);
}

TEST_CASE("what is no rule is refused by member") {
  const std::pair<std::string, const char*> cases[] = {
      {R"({"time_window":60})", "name: missing"},
      {R"({"name":"A"})", "time_window: missing"},
      {R"({"name":"A","time_window":60})", "triggers: missing"},
      {R"({"name":"A","time_window":60,"triggers":[{"label":"warning","alert_threshold":1}]})",
       "triggers: expected one with the label \"critical\""},
      {R"({"name":"A","time_window":60,"triggers":[{"label":"critical"}]})",
       "triggers.alert_threshold: missing"},
      {R"({"name":"A","time_window":60,"triggers":[{"label":"fatal","alert_threshold":1}]})",
       "triggers.label: expected"},
      {R"({"name":"A","time_window":60,"triggers":[{"label":"critical","alert_threshold":1},)"
       R"({"label":"critical","alert_threshold":2}]})",
       "triggers: two of them are critical"},
      {R"({"name":"A","time_window":60,"triggers":[{"label":"critical","threshold":1}]})",
       "triggers.threshold: unknown"},
      {R"({"name":"A","time_window":60,"triggers":[5]})", "triggers: expected objects"},
      {with(R"("windows":5)"), "windows: no member of a rule"},
      {with(R"("frequency":5)"), "frequency: goes together with \"when\" only"},
      {with(R"("query":"a","query":"b")"), "query: given twice"},
      {R"({"name":"A","time_window":60,"triggers":[
          {"label":"critical","alert_threshold":1,"alert_threshold":1000}]})",
       "triggers.alert_threshold: given twice"},
      {R"({"name":"A","time_window":60,"triggers":[
          {"label":"critical","label":"warning","alert_threshold":1}]})",
       "triggers.label: given twice"},
      {R"({"name":"A","when":{"event":"first_seen","event":"regression"}})",
       "when.event: given twice"},
      {with(R"("status":"on")"), "status: expected one of \"active\", "},
      {with(R"("threshold_type":2)"),
       "threshold_type: expected one of \"above\", \"below\", got 2"},
      {with(R"("projects":7)"), "projects: expected an array"},
      {with(R"("projects":[1,1])"), "projects: one of them is named twice"},
      {with(R"("resolution":1.5)"), "resolution: expected an integer"},
      {with(R"("threshold_period":21)"), "threshold_period: expected 1 to 20"},
      {with(R"("resolve_threshold":"5")"), "resolve_threshold: expected a number"},
      {with(R"("owner":"x")"), "owner: 'x' is nobody"},
      {R"({"name":"A","when":{"event":"gone"}})", "event: expected one of \"first_seen\""},
      {R"({"name":"A","when":{"value":5}})", "when.event: missing"},
      {R"({"name":"A","when":{"event":"regression","n":5}})", "when.n: unknown"},
      {R"({"name":"A","when":{"event":"regression"},"time_window":5})",
       "time_window: does not go together with \"when\""},
      {R"({"name":"A","when":{"event":"event_frequency","value":5}})", "interval: expected 1 to"},
      {R"([1])", ""},
      {R"({"name":)", ""},
  };
  for (const auto& [json, message] : cases) {
    INFO(json);
    const std::string got = refusal(json);
    INFO(got);
    CHECK(got.starts_with(message));
  }
  CHECK(parse_rule(with(R"("windows":5)")).error().position == 1);
}

TEST_CASE("a rule as JSON is the same rule") {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    const Rule rule = random_rule(random);
    const auto checked = check_limits(rule);
    if (!checked.ok()) FAIL(checked.error().message);
    const std::string json = to_json(rule);
    INFO(json);
    CHECK(read(json) == rule);
    CHECK(to_json(read(json)) == json);
  }
}
