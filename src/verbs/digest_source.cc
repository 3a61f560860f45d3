#include "verbs/digest_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/time_format.h"
#include "base/uuid.h"
#include "verbs/issue_reference.h"

namespace cairn::verbs {
namespace {

constexpr size_t kAskedAtOnce = 1000;  // issues or ids in the list of one query

// Whether keys of the rule's incidents are issues.
bool by_issue(const alert::Rule& rule) {
  const alert::MetricCondition* metric = rule.metric();
  return metric == nullptr || metric->group_by == "issue";
}

// "PROJECT/NUMBER"
std::optional<std::pair<ProjectId, uint32_t>> issue_of_key(std::string_view key) {
  const size_t slash = key.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  uint64_t project = 0;
  uint32_t number = 0;
  const char* middle = key.data() + slash;
  const char* end = key.data() + key.size();
  const auto first = std::from_chars(key.data(), middle, project);
  const auto second = std::from_chars(middle + 1, end, number);
  const bool fine = first.ec == std::errc() && first.ptr == middle && second.ec == std::errc() &&
                    second.ptr == end;
  if (!fine) return std::nullopt;
  return std::pair{ProjectId{project}, number};
}

}  // namespace

DigestPicker::DigestPicker(const model::State& state, const DigestSelection& selection,
                           const Rights& rights, RuleFinder find_rule)
    : rights_(rights),
      any_project_(selection.projects.empty()),
      rules_(selection.rules),
      find_rule_(std::move(find_rule)) {
  for (const std::string& name : selection.projects) {
    if (const auto project = find_project(state, name); project.ok()) projects_.push_back(*project);
  }
}

bool DigestPicker::wants(ProjectId project) const {
  if (!rights_.allow(project)) return false;
  return any_project_ || std::find(projects_.begin(), projects_.end(), project) != projects_.end();
}

bool DigestPicker::wants(const alert::Notification& notification) const {
  if (rules_.empty()) return true;
  const alert::Rule* now = find_rule_(notification.rule);
  return std::any_of(rules_.begin(), rules_.end(), [&](const std::string& name) {
    return name == notification.rule_name || name == std::to_string(notification.rule) ||
           (now != nullptr && name == now->name);
  });
}

std::optional<alert::DigestRecord> DigestPicker::pick(
    const alert::Notification& notification) const {
  if (!wants(notification)) return std::nullopt;
  alert::DigestRecord record;
  record.rule = notification.rule;
  record.rule_name = notification.rule_name;
  record.end = notification.at;
  if (notification.kind == alert::Notification::Kind::Firing) {
    record.project = notification.project;
    record.number = notification.number;
    record.begin = notification.at;
  } else {
    const alert::Rule* rule = find_rule_(notification.rule);
    // Of a rule that is gone nobody knows what its keys were.
    if (notification.from != alert::Severity::Ok || rule == nullptr || !by_issue(*rule)) {
      return std::nullopt;
    }
    const auto issue = issue_of_key(notification.key);
    if (!issue) return std::nullopt;
    std::tie(record.project, record.number) = *issue;
    record.begin = std::min(notification.started, notification.at);
  }
  if (!wants(record.project)) return std::nullopt;
  return record;
}

Result<std::vector<alert::DigestRecord>> tell_times(const engine::Snapshot& snapshot,
                                                    std::vector<PickedRecord> picked,
                                                    const query::Control& control) {
  std::vector<alert::DigestRecord> out;
  std::multimap<Uuid, size_t> wanted;  // by occurrence: places in `out`
  for (PickedRecord& one : picked) {
    if (const auto id = parse_uuid(one.occurrence)) wanted.emplace(*id, out.size());
    out.push_back(std::move(one.record));
  }
  for (auto next = wanted.begin(); next != wanted.end();) {
    std::string query = "id:[";
    for (size_t i = 0; i < kAskedAtOnce && next != wanted.end(); ++i) {
      query += (i == 0 ? "" : ", ") + next->first.hex();
      next = wanted.upper_bound(next->first);
    }
    query += "]";
    const auto take = [&](engine::Snapshot::Event&& event) -> Result<void> {
      const auto [begin, end] = wanted.equal_range(event.occurrence.id);
      for (auto place = begin; place != end; ++place) {
        alert::DigestRecord& record = out[place->second];
        if (record.project != event.occurrence.project) continue;
        record.begin = event.occurrence.time();
        record.end = record.begin;
      }
      return {};
    };
    CAIRN_TRY(snapshot.for_each_event(query, TimeUs{}, take, control));
  }
  return out;
}

GroupId SnapshotDigestSource::visible(ProjectId project, uint32_t number) {
  const model::Group* group = forest_.state().find_group(project, number);
  return group == nullptr ? GroupId{} : forest_.issue_of(group->id);
}

bool SnapshotDigestSource::unresolved(GroupId issue) {
  return forest_.shown_status(issue).status == model::Status::Unresolved;
}

alert::DigestIssue SnapshotDigestSource::describe(GroupId issue) {
  const model::State& state = forest_.state();
  const model::Group& group = forest_.group(issue);
  const model::Group& face = forest_.face_of(issue);
  const model::Project* project = state.project(group.project);
  alert::DigestIssue out;
  out.id = issue;
  out.short_id = state.short_id(issue);
  out.title = group.title;
  out.culprit = face.culprit;
  out.level = face.level;
  out.project_id = group.project;
  if (project != nullptr) out.project = project->slug;
  return out;
}

Result<void> SnapshotDigestSource::ask(
    std::span<const GroupId> issues, const std::string& condition, query::SearchOptions options,
    const std::function<void(size_t, query::IssueRow&)>& fn) const {
  options.limit = query::kMaxLimit;
  options.control = control_;
  for (size_t begin = 0; begin < issues.size(); begin += kAskedAtOnce) {
    const auto chunk = issues.subspan(begin, std::min(kAskedAtOnce, issues.size() - begin));
    std::map<GroupId, size_t> places;
    std::string list;
    for (size_t i = 0; i < chunk.size(); ++i) {
      places.emplace(chunk[i], begin + i);
      list += fmt::format("{}{}", i == 0 ? "" : ", ", raw(chunk[i]));
    }
    CAIRN_TRY_ASSIGN(query::SearchPage page,
                     snapshot_.search(fmt::format("issue:[{}] {}", list, condition), options));
    for (query::IssueRow& row : page.issues) fn(places.at(row.id), row);
  }
  return {};
}

Result<std::vector<alert::DigestCounts>> SnapshotDigestSource::counts(
    std::span<const GroupId> issues, TimeUs first, TimeUs last) {
  std::vector<alert::DigestCounts> out(issues.size());
  query::SearchOptions options;
  options.now = last;
  CAIRN_TRY(ask(issues,
                fmt::format("timestamp:>={} timestamp:<={}", format_time(first), format_time(last)),
                options, [&](size_t place, query::IssueRow& row) {
                  out[place] = {row.count, row.users};
                }));
  return out;
}

Result<std::vector<std::vector<uint64_t>>> SnapshotDigestSource::trends(
    std::span<const GroupId> issues, const alert::DigestChart& chart) {
  std::vector<std::vector<uint64_t>> out(issues.size(), std::vector<uint64_t>(chart.count));
  query::SearchOptions options;
  options.now = chart.end();
  options.trend_buckets = chart.count;
  options.trend_bucket_us = chart.width_us;
  const std::string condition = fmt::format("timestamp:>={} timestamp:<{}",
                                            format_time(chart.begin), format_time(chart.end()));
  CAIRN_TRY(ask(issues, condition, options,
                [&](size_t place, query::IssueRow& row) { out[place] = std::move(row.trend); }));
  return out;
}

Result<alert::Digest> digest_of(const engine::Snapshot& snapshot,
                                std::span<const alert::Notification> notifications,
                                const DigestQuestion& question, const RuleFinder& find_rule,
                                const query::Control& control) {
  const DigestPicker picker(snapshot.state(), question.selection, question.rights, find_rule);
  std::vector<PickedRecord> picked;
  for (const alert::Notification& one : notifications) {
    if (auto record = picker.pick(one)) picked.push_back({*std::move(record), one.occurrence});
  }
  CAIRN_TRY_ASSIGN(const auto records, tell_times(snapshot, std::move(picked), control));
  SnapshotDigestSource source(snapshot, control);
  return alert::build_digest(records, question.range, source);
}

RuleFinder rules_of(const engine::Snapshot& snapshot) {
  return [&snapshot](uint32_t number) -> const alert::Rule* {
    const alert::RuleEntry* entry = snapshot.alerts().rule(number);
    return entry == nullptr ? nullptr : &entry->rule;
  };
}

}  // namespace cairn::verbs
