#include "server/issue_calls.h"

#include <fmt/format.h>

#include "embed/commands.h"
#include "server/limited_rights.h"

namespace cairn::server {
namespace {

constexpr uint32_t kHistoryShown = 100;  // entries, unless said otherwise
constexpr uint32_t kMostHistory = 10'000;
constexpr uint32_t kMostEvents = 1'000;  // of a page: each may have megabytes
constexpr uint32_t kMostChanges = 10'000;
constexpr size_t kMostBytes = 16u << 20;  // of texts in one answer

Error too_many(uint32_t most, std::string_view what) {
  return make_error(ErrorCode::InvalidArgument,
                    fmt::format("a limit is at most {} {}", most, what));
}

Refusal too_large() {
  return make_error(ErrorCode::Exhausted,
                    fmt::format("the answer has more than {} MiB; ask for fewer, or by run() with "
                                "an output, which takes it piece by piece",
                                kMostBytes >> 20));
}

std::optional<Refusal> refuse_all_projects(std::string_view what, const verbs::Rights& rights) {
  if (rights.projects.empty()) return std::nullopt;
  return Refusal::deny(fmt::format("{} cannot be limited to projects, and this token is", what));
}

// The issue, where `rights` allow it.
std::variant<GroupId, Refusal> find(const std::string& issue, const verbs::Rights& rights,
                                    const model::State& state) {
  if (auto refusal = refuse_issues({issue}, rights, state)) return *refusal;
  const auto group = embed::find_group(state, issue);
  if (!group) return Refusal(group.error());
  return *group;
}

void write_sizes(schema::Comparison::Sizes::Builder out, const query::GroupSizes& sizes) {
  out.setIssues(sizes.issues);
  out.setSingletons(sizes.singletons);
  out.setMean(sizes.mean);
  out.setP50(sizes.p50);
  out.setP95(sizes.p95);
  out.setLargest(sizes.largest);
}

kj::StringPtr text_ptr(const std::string& text) { return {text.c_str(), text.size()}; }

int64_t micros(v1::Time time) { return raw(embed::to_inner(time)); }

}  // namespace

// --- history ----------------------------------------------------------------------------------

Result<HistoryQuestion> read_history(std::string issue, uint32_t limit) {
  if (limit > kMostHistory) return too_many(kMostHistory, "entries");
  return HistoryQuestion{std::move(issue), limit == 0 ? kHistoryShown : limit};
}

Answer<HistoryValue> answer_history(Host& host, const HistoryQuestion& question,
                                    const verbs::Rights& rights) {
  const auto snapshot = host.store.snapshot();
  if (!snapshot) return Refusal(snapshot.error());
  const model::State& state = (*snapshot)->state();
  auto found = find(question.issue, rights, state);
  if (auto* refusal = std::get_if<Refusal>(&found)) return std::move(*refusal);
  const GroupId group = std::get<GroupId>(found);
  const auto all = engine::group_history(**snapshot, group);
  if (!all) return Refusal(all.error());
  HistoryValue value;
  value.lsn = (*snapshot)->lsn();
  value.issue = state.short_id(group);
  value.total = all->size();
  size_t bytes = 0;
  for (size_t i = all->size() - std::min<size_t>(all->size(), question.limit); i < all->size();
       ++i) {
    bytes += (*all)[i].before.size() + (*all)[i].after.size();
    if (bytes > kMostBytes) return too_large();
    value.entries.push_back(embed::to_public(state, (*all)[i]));
  }
  return value;
}

void write_history(schema::History::Builder out, const HistoryValue& history) {
  out.setLsn(raw(history.lsn));
  out.setIssue(text_ptr(history.issue));
  out.setTotal(history.total);
  auto list = out.initEntries(static_cast<kj::uint>(history.entries.size()));
  for (kj::uint i = 0; i < history.entries.size(); ++i) {
    const v1::HistoryEntry& entry = history.entries[i];
    list[i].setLsn(entry.lsn);
    list[i].setTimeUs(micros(entry.time));
    list[i].setActor(text_ptr(entry.actor));
    list[i].setIssue(text_ptr(entry.issue));
    list[i].setWhat(text_ptr(entry.what));
    list[i].setBefore(text_ptr(entry.before));
    list[i].setAfter(text_ptr(entry.after));
  }
}

// --- events -----------------------------------------------------------------------------------

Result<EventsQuestion> read_events(schema::EventsRequest::Reader in, const SessionLimits& limits) {
  if (in.getLimit() > kMostEvents) return too_many(kMostEvents, "occurrences");
  EventsQuestion out;
  out.issue = text_of(in.getIssue());
  out.filter = text_of(in.getFilter());
  out.alone = in.getAlone();
  out.moment = {text_of(in.getCursor()), text_of(in.getExperiment()), Lsn{in.getAtLeast()}};
  if (in.getLimit() > 0) out.options.limit = in.getLimit();
  out.options.cursor = out.moment.cursor;
  out.options.now = in.getNowUs() == 0 ? SystemClock().now() : TimeUs{in.getNowUs()};
  out.options.control.budget = budget_of(limits, in.getTimeMs());
  return out;
}

Answer<v1::EventPage> answer_events(Host& host, const EventsQuestion& question,
                                    const verbs::Rights& rights,
                                    const std::atomic<bool>& cancelled) {
  const auto snapshot = take_snapshot(host, question.moment, rights);
  if (!snapshot) return for_limited(snapshot.error(), rights);
  const model::State& state = (*snapshot)->state();
  auto found = find(question.issue, rights, state);
  if (auto* refusal = std::get_if<Refusal>(&found)) return std::move(*refusal);
  query::EventOptions options = question.options;
  options.control.clock = &host.steady;
  options.control.cancelled = &cancelled;
  const auto events = engine::issue_events(**snapshot, {std::get<GroupId>(found), question.alone},
                                           question.filter, options);
  if (!events) return for_limited(events.error(), rights);
  v1::EventPage page;
  page.lsn = raw((*snapshot)->lsn());
  page.total = events->total;
  size_t bytes = 0;
  for (const auto& event : events->events) {
    page.events.push_back(embed::to_public(state, event));
    bytes += page.events.back().json.size();
    if (bytes > kMostBytes) return too_large();
  }
  page.next = events->next.value_or("");
  page.prev = events->prev.value_or("");
  if (rights.projects.empty()) page.warnings = events->warnings;
  return page;
}

void write_events(schema::EventPage::Builder out, const v1::EventPage& page) {
  out.setLsn(page.lsn);
  out.setTotal(page.total);
  auto list = out.initEvents(static_cast<kj::uint>(page.events.size()));
  for (kj::uint i = 0; i < page.events.size(); ++i) {
    const v1::Event& event = page.events[i];
    list[i].setLsn(event.lsn);
    list[i].setTimeUs(micros(event.time));
    list[i].setId(text_ptr(event.id));
    list[i].setIssue(text_ptr(event.issue));
    list[i].setLeaf(text_ptr(event.leaf));
    list[i].setJson(text_ptr(event.json));
  }
  out.setNext(text_ptr(page.next));
  out.setPrev(text_ptr(page.prev));
  auto warnings = out.initWarnings(static_cast<kj::uint>(page.warnings.size()));
  for (kj::uint i = 0; i < page.warnings.size(); ++i) warnings.set(i, text_ptr(page.warnings[i]));
}

// --- experiments ------------------------------------------------------------------------------

Answer<ExperimentsValue> answer_experiments(Host& host, const verbs::Rights& rights) {
  if (auto refusal = refuse_all_projects("the list of experiments", rights)) return *refusal;
  const auto snapshot = host.store.snapshot();
  if (!snapshot) return Refusal(snapshot.error());
  ExperimentsValue value;
  value.lsn = (*snapshot)->lsn();
  size_t bytes = 0;
  for (const auto& [name, experiment] : (*snapshot)->state().experiments()) {
    for (const auto& step : experiment.steps) bytes += step.rule.size();
    if (bytes > kMostBytes) return too_large();
    value.experiments.push_back(embed::to_public(name, experiment));
  }
  return value;
}

void write_experiments(capnp::List<schema::Experiment>::Builder out,
                       const std::vector<v1::Experiment>& experiments) {
  for (kj::uint i = 0; i < experiments.size(); ++i) {
    const v1::Experiment& experiment = experiments[i];
    out[i].setName(text_ptr(experiment.name));
    out[i].setAt(experiment.at);
    out[i].setCreated(experiment.created);
    out[i].setPromoted(experiment.promoted);
    auto steps = out[i].initSteps(static_cast<kj::uint>(experiment.steps.size()));
    for (kj::uint j = 0; j < experiment.steps.size(); ++j) {
      const v1::ExperimentStep& step = experiment.steps[j];
      steps[j].setRule(text_ptr(step.rule));
      steps[j].setLsn(step.lsn);
      steps[j].setMerged(step.merged);
      steps[j].setTakenOut(step.taken_out);
    }
  }
}

Result<ComparisonQuestion> read_comparison(std::string before, std::string after, uint32_t limit) {
  if (limit > kMostChanges) return too_many(kMostChanges, "issues");
  return ComparisonQuestion{std::move(before), std::move(after), limit};
}

Answer<ComparisonValue> answer_comparison(Host& host, const ComparisonQuestion& question,
                                          const verbs::Rights& rights) {
  if (auto refusal = refuse_all_projects("a comparison", rights)) return *refusal;
  const auto snapshot = host.store.snapshot();
  if (!snapshot) return Refusal(snapshot.error());
  const auto before = (*snapshot)->view_in(question.before);
  if (!before) return Refusal(before.error());
  const auto after = (*snapshot)->view_in(question.after);
  if (!after) return Refusal(after.error());
  ComparisonValue value;
  value.lsn = (*snapshot)->lsn();
  value.comparison = query::compare_groupings(*before, *after, question.limit);
  for (const auto& change : value.comparison.changes) {
    value.changed.push_back((*snapshot)->state().short_id(change.issue));
  }
  return value;
}

void write_comparison(schema::Comparison::Builder out, const ComparisonValue& value) {
  const query::Comparison& comparison = value.comparison;
  out.setLsn(raw(value.lsn));
  out.setOccurrences(comparison.occurrences);
  out.setMoved(comparison.moved);
  out.setChanged(comparison.changed);
  write_sizes(out.initBefore(), comparison.before);
  write_sizes(out.initAfter(), comparison.after);
  auto list = out.initChanges(static_cast<kj::uint>(comparison.changes.size()));
  for (kj::uint i = 0; i < comparison.changes.size(); ++i) {
    const query::GroupingChange& change = comparison.changes[i];
    list[i].setIssue(text_ptr(value.changed[i]));
    list[i].setBefore(change.before);
    list[i].setAfter(change.after);
    list[i].setMoved(change.moved);
    list[i].setParts(change.parts);
  }
}

}  // namespace cairn::server
