#include "verbs/alert_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "alert/bound_rule.h"
#include "alert/evaluation.h"
#include "alert/window.h"
#include "base/time_format.h"
#include "engine/alert_history.h"
#include "engine/group_history.h"
#include "verbs/alert_text.h"

namespace cairn::verbs {
namespace {

using alert::Outcome;
using alert::Severity;

constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;

// How near a key is to an alert, or how far within one.
std::tuple<Severity, uint32_t, bool, double> rank(const alert::MetricCondition& metric,
                                                  const KeyStory& one) {
  const bool above = metric.threshold_type == alert::Direction::Above;
  const double value = one.value.value_or(0);
  return {one.state.severity(), std::max(one.state.critical.beyond, one.state.warning.beyond),
          one.value.has_value(), above ? value : -value};
}

std::string outcome_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::NoValue:
      return "There was nothing to compute a value of, and then nothing changes (no_data: hold).";
    case Outcome::NoBase:
      return "There was nothing, or zero, in the earlier window to compare with.";
    case Outcome::Incomplete:
      return "There was no room for all that was in the window, so that it has no value.";
    default:
      return "";
  }
}

}  // namespace

Result<MetricStory> story_of(const engine::Snapshot& snapshot, const alert::RuleEntry& entry,
                             const alert::BoundRule& bound, TimeUs tick,
                             const query::Control& control) {
  MetricStory story;
  story.metric = *bound.metric;
  query::Meter meter(control);
  const query::View view = query::watched(snapshot.view(), meter);
  alert::Evaluation evaluation(bound);
  engine::AlertHistory history(snapshot, view, entry.rule, bound, evaluation);
  const alert::WindowShape shape = alert::shape_of(story.metric);
  const int64_t reach_us = static_cast<int64_t>(shape.reach()) * shape.bucket_us;
  CAIRN_TRY(history.feed(TimeUs{raw(tick) - reach_us}, tick));
  const alert::Issues issues{view.forest(), view.root_of_fingerprint};
  const auto known = alert::known_keys(entry.state);
  for (const alert::KeyUpdate& update : evaluation.at(tick, issues, known)) {
    // What the value is and whether it counts does not depend on what was before.
    const alert::Step alone = alert::step(story.metric, {}, update.update);
    KeyStory& one = story.keys.emplace_back();
    one.key = update.key;
    one.value = alone.value;
    one.outcome = alone.outcome;
    const auto remembered = entry.state.keys.find(update.key);
    if (remembered == entry.state.keys.end()) {
      one.state.last_update = tick;
      one.state.last_value = alone.value;
      continue;
    }
    one.state = remembered->second;
    if (one.state.last_update == tick) one.logged = one.state.last_value;
  }
  std::stable_sort(story.keys.begin(), story.keys.end(), [&](const KeyStory& a, const KeyStory& b) {
    return rank(story.metric, a) > rank(story.metric, b);
  });
  return story;
}

std::vector<std::string> suppressions(const alert::RuleEntry& entry, const TickMoment& moment,
                                      const alert::MetricCondition& metric, const KeyStory& key) {
  std::vector<std::string> all;
  if (moment.skipped) {
    all.emplace_back(
        "The store did not evaluate this tick: after a stop it evaluates the newest ones.");
  }
  if (std::string text = outcome_text(key.outcome); !text.empty()) all.push_back(std::move(text));
  for (const auto& trigger : alert::explain(metric, entry.rule.status, key.state).triggers) {
    if (trigger.active || !key.value || !alert::is_beyond(metric, trigger.which, *key.value)) {
      continue;
    }
    const std::string_view name = alert::severity_name(trigger.which);
    if (trigger.counted > 0 && trigger.counted < trigger.needed) {
      all.push_back(
          fmt::format("{}: {} of {} evaluations in a row.", name, trigger.counted, trigger.needed));
    }
    if (trigger.held_until && moment.tick && *moment.tick <= *trigger.held_until) {
      all.push_back(
          fmt::format("{}: held until {}, as an incident was detected less than {} "
                      "minutes before.",
                      name, format_time(*trigger.held_until), alert::kHoldUs / kMinuteUs));
    }
    if (trigger.counted == 0 && entry.rule.status == alert::RuleStatus::Active) {
      all.push_back(fmt::format(
          "{}: the value here is beyond the threshold, and was not at the tick: occurrences that "
          "were recorded later are counted here.",
          name));
    }
  }
  if (moment.decided && moment.tick &&
      raw(*moment.decided) - raw(*moment.tick) > kMinuteUs * alert::resolution_of(metric)) {
    all.push_back(fmt::format("The tick was evaluated late, at {}.", format_time(*moment.decided)));
  }
  if (entry.state.refused > 0) {
    all.push_back(fmt::format("{} values of {} in trouble were not followed: {} are at most.",
                              entry.state.refused, metric.group_by, alert::kMaxKeys));
  }
  return all;
}

// --- rules about issues -------------------------------------------------------------------------

namespace {

class IssueStory {
 public:
  IssueStory(const engine::Snapshot& snapshot, const alert::RuleEntry& entry, TimeUs now,
             const query::Control& control)
      : snapshot_(snapshot),
        state_(snapshot.state()),
        entry_(entry),
        issue_rule_(*entry.rule.issue()),
        now_(now),
        control_(control) {}

  Result<std::vector<std::string>> tell(const std::string& word) {
    CAIRN_TRY_ASSIGN(group_, state_.find_issue(word));
    name_ = state_.short_id(group_);
    const model::Group& group = state_.group(group_);
    if (entry_.rule.status != alert::RuleStatus::Active) {
      say(fmt::format("The rule is {}.", alert::rule_status_name(entry_.rule.status)));
    }
    const auto& projects = entry_.rule.projects;
    if (!projects.empty() &&
        std::find(projects.begin(), projects.end(), group.project) == projects.end()) {
      say(fmt::format("The rule is about other projects than {}.", raw(group.project)));
    }
    if (const GroupId shown = state_.issue_of(group_); shown == GroupId{}) {
      say(fmt::format("{} is deleted or discarded.", name_));
    } else if (shown != group_) {
      say(fmt::format("{0} is merged into {1}: rules are about {1}.", name_,
                      state_.short_id(shown)));
    }
    CAIRN_TRY(tell_event());
    CAIRN_TRY(tell_filter());
    if (all_.empty()) say("Nothing that is known here speaks against an alert.");
    return std::move(all_);
  }

 private:
  void say(std::string text) { all_.push_back(std::move(text)); }

  std::string_view wanted() const {
    switch (issue_rule_.event) {
      case alert::IssueEvent::Regression:
        return "regressed";
      case alert::IssueEvent::Escalating:
        return "escalating";
      default:
        return "created";
    }
  }
  std::string happened() const {
    switch (issue_rule_.event) {
      case alert::IssueEvent::Regression:
        return "came back after it was resolved";
      case alert::IssueEvent::Escalating:
        return "was seen more often than forecast";
      default:
        return "was first seen";
    }
  }

  Result<void> tell_event() {
    CAIRN_TRY_ASSIGN(const auto history, engine::group_history(snapshot_, group_));
    const engine::HistoryEntry* last = nullptr;
    for (const auto& one : history) {
      if (one.group == group_ && one.what == wanted()) last = &one;
    }
    const auto& firings = snapshot_.alerts().firings();
    const model::Group& group = state_.group(group_);
    const alert::IssueName name{group.project, group.number};
    const auto fired = std::find_if(firings.rbegin(), firings.rend(), [&](const auto& one) {
      return one.rule == entry_.number && one.issue == name;
    });
    if (last == nullptr) {
      say(fmt::format("{} never {}.", name_, happened()));
      return {};
    }
    const TimeUs at = last->record.time;
    if (fired != firings.rend() && fired->at >= at) {
      all_.insert(all_.begin(), fmt::format("The rule did alert about {}, at {} (record {}).",
                                            name_, format_time(fired->at), raw(fired->lsn)));
      return {};
    }
    if (last->lsn <= entry_.counted_from) {
      say(fmt::format("{} {} at {}, before the rule was there or enabled.", name_, happened(),
                      format_time(at)));
      return {};
    }
    if (fired != firings.rend() && !alert::alerts_again(issue_rule_, fired->at, at)) {
      say(fmt::format("{} {} at {}; the rule had alerted about it at {}, and does so once in {}.",
                      name_, happened(), format_time(at), format_time(fired->at),
                      minutes_text(issue_rule_.quiet_min)));
      return {};
    }
    say(fmt::format("{} {} at {}, and the rule did not alert.", name_, happened(),
                    format_time(at)));
    return {};
  }

  // How many of its occurrences match; the one that brought the event about has to.
  Result<void> tell_filter() {
    if (entry_.rule.query.empty() && entry_.rule.environment.empty()) return {};
    CAIRN_TRY_ASSIGN(const uint64_t all, count(""));
    std::string filter = entry_.rule.query.empty() ? "" : fmt::format("({})", entry_.rule.query);
    if (!entry_.rule.environment.empty()) {
      filter += fmt::format(" environment:\"{}\"", entry_.rule.environment);
    }
    CAIRN_TRY_ASSIGN(const uint64_t matching, count(filter));
    say(fmt::format("{} of its {} occurrences match the rule now{}.", matching, all,
                    matching == all ? "" : "; the one that it happened with has to"));
    return {};
  }

  Result<uint64_t> count(const std::string& filter) {
    query::SearchOptions options;
    options.now = now_;
    options.control = control_;
    CAIRN_TRY_ASSIGN(
        const query::Table table,
        snapshot_.aggregate(fmt::format("issue:{} {} | count()", name_, filter), options));
    if (table.rows.empty()) return uint64_t{0};
    const auto* number = std::get_if<int64_t>(&table.rows.front().front().value);
    return number == nullptr ? uint64_t{0} : static_cast<uint64_t>(*number);
  }

  const engine::Snapshot& snapshot_;
  const model::State& state_;
  const alert::RuleEntry& entry_;
  const alert::IssueCondition& issue_rule_;
  const TimeUs now_;
  const query::Control& control_;
  GroupId group_{};
  std::string name_;
  std::vector<std::string> all_;
};

}  // namespace

Result<std::vector<std::string>> issue_story(const engine::Snapshot& snapshot,
                                             const alert::RuleEntry& entry,
                                             const std::string& issue, TimeUs now,
                                             const query::Control& control) {
  return IssueStory(snapshot, entry, now, control).tell(issue);
}

}  // namespace cairn::verbs
