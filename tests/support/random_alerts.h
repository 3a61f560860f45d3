// Random alert rules over small occurrences of few fields, so that thresholds are met often.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "alert/rule.h"
#include "model/occurrence.h"
#include "model/state.h"
#include "support/fold.h"

namespace cairn::testing {

inline constexpr uint64_t kAlertProjects = 3;  // 1 to 3

class RandomAlerts {
 public:
  explicit RandomAlerts(uint64_t seed) : random_(seed) {}

  uint64_t below(uint64_t n) { return random_() % n; }
  bool one_in(uint64_t n) { return below(n) == 0; }

  model::Occurrence occurrence(uint64_t id, double second) {
    model::Occurrence one = testing::occurrence(ProjectId{1 + below(kAlertProjects)},
                                                {fmt::format("f{}", below(1 + below(9)))}, 0, id);
    one.detection_time = second;
    one.level_text = one_in(3) ? "warning" : "error";
    std::string tags = fmt::format(R"("took":"{}")", 1 + below(9));
    if (!one_in(4)) tags += fmt::format(R"(,"zone":"{}")", zone());
    const std::string user =
        one_in(5) ? "" : fmt::format(R"(,"user":{{"id":"u{}"}})", below(1 + below(8)));
    one.event = fmt::format(R"({{"environment":"{}"{},"tags":{{{}}}}})", one_in(3) ? "dev" : "prod",
                            user, tags);
    return one;
  }

  // `minding_issues`: every one that holds a number has a condition on the issue, so that what is
  // deleted stops to count.
  alert::Rule rule(const model::State& state, bool minding_issues) {
    alert::Rule one;
    one.name = fmt::format("rule {}", below(1000));
    one.query = filter(state);
    if (one_in(5)) one.environment = one_in(2) ? "prod" : "dev";
    for (uint64_t p = 1; p <= kAlertProjects; ++p) {
      if (one_in(5)) one.projects.push_back(ProjectId{p});
    }
    if (one_in(4)) {
      one.condition = about_issue();
    } else {
      one.condition = about_number(state);
    }
    if (minding_issues) {
      one.query = with(one.query, "times_seen:>0");
      auto* metric = std::get_if<alert::MetricCondition>(&one.condition);
      if (metric != nullptr && !metric->percent_of.empty()) {
        metric->percent_of = with(metric->percent_of, "times_seen:>0");
      }
    }
    return one;
  }

 private:
  std::string zone() { return std::string(1, static_cast<char>('a' + below(3))); }

  static std::string with(const std::string& filter, const std::string& condition) {
    return filter.empty() ? condition : "(" + filter + ") " + condition;
  }

  std::string of_event() {
    switch (below(6)) {
      case 0:
        return "level:error";
      case 1:
        return "!level:error";
      case 2:
        return "zone:" + zone();
      case 3:
        return "!zone:[a, b]";
      case 4:
        return "has:user";
      default:
        return "level:warning OR zone:" + zone();
    }
  }

  std::string of_issue(const model::State& state) {
    static constexpr const char* kConditions[] = {"is:unresolved", "is:unresolved",  "!is:resolved",
                                                  "times_seen:>4", "last_seen:-20m", "age:+30m",
                                                  "is:assigned"};
    if (one_in(8) && state.group_count() > 0) {
      const GroupId id{static_cast<uint32_t>(1 + below(state.group_count()))};
      if (state.issue_of(id) != GroupId{}) return "issue:" + state.short_id(id);
    }
    return kConditions[below(std::size(kConditions))];
  }

  std::string filter(const model::State& state) {
    std::string text = one_in(3) ? "" : of_event();
    if (one_in(4)) text = with(text, of_event());
    if (one_in(3)) text = with(text, of_issue(state));
    return text;
  }

  alert::IssueCondition about_issue() {
    alert::IssueCondition one;
    one.event = static_cast<alert::IssueEvent>(below(5));
    if (one.event == alert::IssueEvent::Escalating) one.event = alert::IssueEvent::Regression;
    one.quiet_min = static_cast<uint32_t>(5 + below(20));
    if (is_counted(one.event)) {
      one.value = static_cast<uint32_t>(1 + below(4));
      one.interval_min = one_in(2) ? 5 : 20;
    }
    return one;
  }

  // With half a number as the threshold of whole ones: nothing depends on how a sum is rounded.
  alert::MetricCondition about_number(const model::State& state) {
    static constexpr const char* kAggregates[] = {"count()",   "count()",   "uniq(user)",
                                                  "sum(took)", "avg(took)", "p50(took)",
                                                  "max(took)", "rate(1h)",  "uniq(issue)"};
    static constexpr const char* kKeys[] = {"",      "",        "zone", "environment",
                                            "issue", "project", "user"};
    static constexpr uint32_t kWindows[] = {1, 2, 5, 5, 10, 31, 60, 120};
    alert::MetricCondition one;
    one.aggregate = kAggregates[below(std::size(kAggregates))];
    one.group_by = kKeys[below(std::size(kKeys))];
    one.time_window_min = kWindows[below(std::size(kWindows))];
    one.threshold_period = static_cast<uint32_t>(1 + below(3));
    one.no_data = static_cast<alert::NoData>(below(2));
    if (one_in(5)) one.percent_of = filter(state);
    if (one_in(5)) one.comparison_delta_min = one_in(2) ? 7 : 30;
    set_thresholds(one);
    return one;
  }

  void set_thresholds(alert::MetricCondition& one) {
    const bool percent = !one.percent_of.empty();
    const bool compares = one.comparison_delta_min.has_value();
    // Below nothing there is no end of keys.
    if (one_in(4) && ((one.group_by.empty() && !percent) || compares)) {
      one.threshold_type = alert::Direction::Below;
    }
    const bool above = one.threshold_type == alert::Direction::Above;
    const double unit = percent || compares ? 10 : 1;
    one.critical = unit * (1.5 + static_cast<double>(below(6)));
    // Towards the healthy side; of comparisons thresholds are distances.
    const double ease = (above || compares ? -0.5 : 0.5) * unit;
    double last = one.critical;
    if (one_in(2)) one.warning = last += ease;
    if (one_in(2)) one.resolve_threshold = last + ease;
  }

  std::mt19937_64 random_;
};

}  // namespace cairn::testing
