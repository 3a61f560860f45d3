#include "server/question.h"

#include <fmt/format.h>

#include "query/parser.h"

namespace cairn::server {

Result<std::unique_ptr<engine::Snapshot>> take_snapshot(Host& host, const Moment& moment,
                                                        const verbs::Rights& rights) {
  CAIRN_TRY_ASSIGN(auto snapshot, host.store.snapshot_for(moment.cursor, moment.experiment));
  if (moment.at_least > snapshot->lsn()) {
    // A cursor's list is of an earlier moment; what has to have come that far is the store.
    CAIRN_TRY_ASSIGN(const auto present, moment.cursor.empty()
                                             ? Result<std::unique_ptr<engine::Snapshot>>(
                                                   std::unique_ptr<engine::Snapshot>())
                                             : host.store.snapshot());
    const Lsn reached = present ? present->lsn() : snapshot->lsn();
    if (moment.at_least > reached) {
      return make_error(ErrorCode::Conflict,
                        fmt::format("the store has reached LSN {}, not yet {}; try again later",
                                    raw(reached), raw(moment.at_least)));
    }
  }
  if (!rights.projects.empty()) snapshot->limit_to(rights.projects);
  return snapshot;
}

Refusal for_limited(const Error& error, const verbs::Rights& rights) {
  if (rights.projects.empty() || error.code != ErrorCode::NotFound) return error;
  Error out = make_error(ErrorCode::NotFound,
                         "the query names an issue, project or page that is not there for this "
                         "token");
  out.position = error.position;
  return out;
}

namespace {

query::SearchOptions with_control(Host& host, const Question& question,
                                  const std::atomic<bool>& cancelled) {
  query::SearchOptions options = question.options;
  options.control.clock = &host.steady;
  options.control.cancelled = &cancelled;
  return options;
}

}  // namespace

Result<Question> read_question(schema::SearchRequest::Reader in, const SessionLimits& limits,
                               const verbs::Rights& rights) {
  Question out;
  out.query = text_of(in.getQuery());
  out.moment = {text_of(in.getCursor()), text_of(in.getExperiment()), Lsn{in.getAtLeast()}};
  out.rights = rights;
  if (in.getSort().size() > 0) {
    out.options.sort = query::parse_sort(text_of(in.getSort()));
    if (!out.options.sort) {
      return make_error(ErrorCode::InvalidArgument,
                        "no such sort; use date, new, freq, user, trends, recommended or priority");
    }
  }
  if (in.getLimit() > query::kMaxLimit) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("a limit is at most {} rows", query::kMaxLimit));
  }
  if (in.getLimit() > 0) out.options.limit = in.getLimit();
  out.options.cursor = out.moment.cursor;
  out.options.now = in.getNowUs() == 0 ? SystemClock().now() : TimeUs{in.getNowUs()};
  out.options.viewer.user = text_of(in.getViewer());
  for (const auto team : in.getTeams()) out.options.viewer.teams.push_back(text_of(team));
  out.options.control.budget = budget_of(limits, in.getTimeMs());
  return out;
}

Answer<PageValue> answer_page(Host& host, const Question& question,
                              const std::atomic<bool>& cancelled) {
  const auto snapshot = take_snapshot(host, question.moment, question.rights);
  if (!snapshot) return for_limited(snapshot.error(), question.rights);
  auto page = (*snapshot)->search(question.query, with_control(host, question, cancelled));
  if (!page) return for_limited(page.error(), question.rights);
  PageValue value = page_value((*snapshot)->forest(), std::move(*page));
  if (!question.rights.projects.empty()) value.warnings.clear();
  return value;
}

Answer<query::Table> answer_table(Host& host, const Question& question,
                                  const std::atomic<bool>& cancelled) {
  const auto parsed = query::parse(question.query);
  if (!parsed) return Refusal(parsed.error());
  if (!query::is_aggregate(*parsed)) {
    return Refusal(make_error(ErrorCode::InvalidArgument,
                              "the query ends in a page of issues, not in a table: ask with "
                              "search()"));
  }
  const auto snapshot = take_snapshot(host, question.moment, question.rights);
  if (!snapshot) return for_limited(snapshot.error(), question.rights);
  auto table = (*snapshot)->aggregate(question.query, with_control(host, question, cancelled));
  if (!table) return for_limited(table.error(), question.rights);
  if (!question.rights.projects.empty()) table->warnings.clear();
  return std::move(*table);
}

}  // namespace cairn::server
