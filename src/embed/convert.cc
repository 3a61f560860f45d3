#include "embed/convert.h"

#include "model/group_type.h"
#include "model/message.h"

namespace cairn::embed {

query::Control to_control(const v1::Limits& limits, const v1::Cancellation* cancel, Clock& clock) {
  query::Control control;
  control.budget.time_us = std::chrono::microseconds(limits.time).count();
  control.budget.memory_bytes = limits.memory_bytes;
  control.budget.rows_examined = limits.rows_examined;
  control.budget.rows_returned = limits.rows_returned;
  control.clock = &clock;
  control.cancelled = cancel == nullptr ? nullptr : &cancel->flag();
  return control;
}

Result<query::SearchOptions> to_inner(const v1::QueryOptions& options, TimeUs now, Clock& clock) {
  query::SearchOptions inner;
  inner.now = options.now ? to_inner(*options.now) : now;
  if (!options.sort.empty()) {
    inner.sort = query::parse_sort(options.sort);
    if (!inner.sort) {
      return make_error(ErrorCode::InvalidArgument,
                        "no sort '" + options.sort +
                            "': date, new, freq, user, trends, recommended and priority are known");
    }
  }
  inner.limit = options.limit;
  inner.cursor = options.cursor;
  inner.trend_buckets = options.trend_buckets;
  inner.trend_bucket_us = std::chrono::microseconds(options.trend_bucket).count();
  if (inner.trend_buckets > 0 && inner.trend_bucket_us <= 0) {
    return make_error(ErrorCode::InvalidArgument,
                      "trend_buckets: trend_bucket says how long one is; it must be above 0");
  }
  inner.viewer = {options.user, options.teams};
  inner.control = to_control(options.limits, options.cancel, clock);
  return inner;
}

v1::Issue to_public(const model::Forest& forest, const query::IssueRow& row) {
  const model::State& state = forest.state();
  const model::Group& group = state.group(row.id);
  const model::Totals totals = forest.totals(row.id);
  const model::ShownStatus shown = forest.shown_status(row.id);
  v1::Issue issue;
  issue.id = raw(row.id);
  issue.short_id = state.short_id(row.id);
  issue.project = raw(group.project);
  issue.title = group.title;
  issue.status = model::status_name(shown.status);
  issue.substatus = model::substatus_name(shown.substatus);
  issue.priority = model::priority_name(group.priority);
  issue.assignee = group.assignee;
  issue.type = group.type;
  issue.times_seen = totals.times_seen;
  if (totals.times_seen > 0) {
    issue.level = model::level_name(forest.face_of(row.id).level);
    issue.first_seen = to_public(totals.first_seen);
    issue.last_seen = to_public(totals.last_seen);
  }
  issue.count = row.count;
  issue.users = row.users;
  issue.trend = row.trend;
  for (const GroupId member : forest.members(row.id)) {
    if (member != row.id) issue.merged.push_back(state.short_id(member));
  }
  return issue;
}

v1::IssuePage to_public(const model::Forest& forest, const query::SearchPage& page) {
  v1::IssuePage out;
  out.lsn = raw(page.lsn);
  out.total = page.total;
  for (const query::IssueRow& row : page.issues) out.issues.push_back(to_public(forest, row));
  out.trend_bucket = std::chrono::seconds(page.trend_bucket_us / kMicrosPerSecond);
  out.next = page.next.value_or("");
  out.prev = page.prev.value_or("");
  out.warnings = page.warnings;
  return out;
}

namespace {

v1::Cell to_public(query::Cell&& cell) {
  struct Visitor {
    v1::Cell operator()(std::monostate) const { return {}; }
    v1::Cell operator()(int64_t value) const { return value; }
    v1::Cell operator()(double value) const { return value; }
    v1::Cell operator()(std::string& value) const { return std::move(value); }
    v1::Cell operator()(TimeUs value) const { return embed::to_public(value); }
    v1::Cell operator()(std::vector<uint64_t>& counts) const { return std::move(counts); }
  };
  return std::visit(Visitor{}, cell.value);
}

v1::GroupSizes to_public(const query::GroupSizes& sizes) {
  return {sizes.issues, sizes.singletons, sizes.mean, sizes.p50, sizes.p95, sizes.largest};
}

}  // namespace

v1::Table to_public(query::Table&& table) {
  v1::Table out;
  out.lsn = raw(table.lsn);
  out.total = table.total;
  for (query::Column& column : table.columns) {
    out.columns.push_back({std::move(column.name), std::move(column.type)});
  }
  for (auto& row : table.rows) {
    auto& cells = out.rows.emplace_back();
    for (query::Cell& cell : row) cells.push_back(to_public(std::move(cell)));
  }
  out.warnings = std::move(table.warnings);
  return out;
}

v1::Event to_public(const model::State& state, const engine::Snapshot::Event& event) {
  v1::Event out;
  out.lsn = raw(event.lsn);
  out.time = to_public(event.occurrence.time());
  out.id = event.occurrence.id.hex();
  out.issue = state.short_id(event.issue);
  out.leaf = state.short_id(event.leaf);
  out.json = model::to_json(event.occurrence);
  return out;
}

v1::HistoryEntry to_public(const model::State& state, const engine::HistoryEntry& entry) {
  v1::HistoryEntry out;
  out.lsn = raw(entry.lsn);
  out.time = to_public(entry.record.time);
  out.actor = entry.record.actor;
  out.issue = state.short_id(entry.group);
  out.what = entry.what;
  out.before = entry.before;
  out.after = entry.after;
  return out;
}

v1::Experiment to_public(const std::string& name, const model::Experiment& experiment) {
  v1::Experiment out;
  out.name = name;
  out.at = raw(experiment.at);
  out.created = raw(experiment.created);
  out.promoted = raw(experiment.promoted);
  for (const model::ExperimentStep& step : experiment.steps) {
    out.steps.push_back(
        {step.rule, raw(step.added), step.facts.merges.children(), step.facts.cuts.children()});
  }
  return out;
}

v1::Comparison to_public(const query::Comparison& comparison) {
  v1::Comparison out;
  out.occurrences = comparison.occurrences;
  out.moved = comparison.moved;
  out.changed = comparison.changed;
  out.before = to_public(comparison.before);
  out.after = to_public(comparison.after);
  return out;
}

v1::Stats to_public(const engine::Stats& stats) {
  v1::Stats out;
  out.last_lsn = raw(stats.last_lsn);
  out.checkpoint_lsn = raw(stats.checkpoint_lsn);
  out.occurrences = stats.occurrences;
  out.issues = stats.issues;
  out.hidden = stats.hidden;
  out.projects = stats.projects;
  out.log_bytes = stats.log_bytes;
  out.index_bytes = stats.index_bytes;
  out.segments = stats.segments.size();
  return out;
}

v1::Outcome to_public(engine::Outcome outcome) {
  switch (outcome) {
    case engine::Outcome::Stored:
      return v1::Outcome::Stored;
    case engine::Outcome::Duplicate:
      return v1::Outcome::Duplicate;
    case engine::Outcome::NoChange:
      return v1::Outcome::NoChange;
    case engine::Outcome::Reference:
      return v1::Outcome::Reference;
    case engine::Outcome::Refused:
      break;
  }
  return v1::Outcome::Refused;
}

}  // namespace cairn::embed
