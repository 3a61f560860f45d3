#include <algorithm>

#include "query/binder.h"
#include "query/cursor.h"
#include "query/distinct.h"
#include "query/executor.h"
#include "query/issue_row.h"
#include "query/likely_slips.h"
#include "query/page_rows.h"
#include "query/plan.h"
#include "query/profile.h"
#include "query/rollup.h"
#include "query/search.h"
#include "query/sort_key.h"

namespace cairn::query {
namespace {

// An issue with the key it is sorted by: pages run from the largest (key, id) down.
struct Ranked {
  int64_t key = 0;
  IssueTotals totals;

  RowPlace place() const { return {key, raw(totals.id)}; }
};

struct RankedBefore {
  bool operator()(const Ranked& a, const Ranked& b) const {
    return a.key != b.key ? a.key > b.key : raw(a.totals.id) > raw(b.totals.id);
  }
};
using IssuePage = PageRows<Ranked, RankedBefore>;

std::optional<Ranked> edge_of(const std::optional<Cursor>& cursor) {
  if (!cursor) return std::nullopt;
  const GroupId id{static_cast<uint32_t>(cursor->id)};
  return Ranked{cursor->key, IssueTotals{id, 0, {}, {}}};
}

// The issues with a match, and the matches they were found by.
struct Found {
  Plan plan;
  std::vector<PartMatch> parts;
  std::vector<IssueTotals> issues;
  Holding held{nullptr};  // of the issues
};

Result<std::vector<IssueTotals>> count_issues(const View& view, const Plan& plan,
                                              GroupFilter& filter,
                                              const std::vector<PartMatch>& parts) {
  std::vector<IssueTotals> issues;
  if (!plan.issues && totals_from_state(view, plan, filter, issues)) {
    tell_counting(view, "totals of the state, no occurrence read");
  } else {
    tell_counting(view, plan.issues ? "matches of the issues named" : "matches by fingerprint");
    issues = roll_up(view, plan, filter, parts);
  }
  note_issues(view, plan, filter);
  CAIRN_TRY(check(view.meter));
  return issues;
}

Result<Found> find_issues(const View& view, const Query& query, TimeUs now, const Viewer& viewer,
                          StageTimer& timer) {
  CAIRN_TRY_ASSIGN(Expr bound, bind_filter(query, view.forest(), now, viewer));
  timer.next("plan");
  Found found;
  CAIRN_TRY_ASSIGN(found.plan, make_plan(view, std::move(bound)));
  found.plan.told = true;
  timer.next("match");
  GroupFilter filter(view, found.plan.group_filter);
  found.parts = match_parts(view, found.plan, filter, GroupFilterIn::Caller);
  CAIRN_TRY(check(view.meter));
  timer.next("roll-up");
  CAIRN_TRY_ASSIGN(found.issues, count_issues(view, found.plan, filter, found.parts));
  found.held = Holding(view.meter);
  found.held.set(found.issues.capacity() * sizeof(IssueTotals));
  return found;
}

Result<void> check_trend(const SearchOptions& options) {
  if (options.trend_buckets == 0) return {};
  if (options.trend_bucket_us > 0 && options.trend_buckets <= kMaxTrendBuckets) return {};
  return make_error(ErrorCode::InvalidArgument, "A trend has at most " +
                                                    std::to_string(kMaxTrendBuckets) +
                                                    " buckets of a width above zero.");
}

}  // namespace

Result<SearchPage> search(const View& given, const Query& query, const SearchOptions& asked) {
  Meter own(asked.control);
  const View view = watched(given, own);
  StageTimer timer(view.meter, "bind");
  CAIRN_TRY_ASSIGN(const Pipeline pipeline, bind_pipeline(query));
  SearchOptions options = asked;
  if (pipeline.trend) {
    options.trend_buckets = pipeline.trend->buckets;
    options.trend_bucket_us = pipeline.trend->width_us;
  }
  if (pipeline.table) {
    return make_error(ErrorCode::InvalidArgument, "The query makes a table, not a list of issues.");
  }
  CAIRN_TRY(check_trend(options));
  const Sort sort = options.sort.value_or(pipeline.sort.value_or(Sort::Date));
  const CursorScope scope = cursor_scope(view, query.source, sort, &options.viewer);
  std::optional<Cursor> cursor;
  if (!options.cursor.empty()) {
    CAIRN_TRY_ASSIGN(cursor, cursor_for(view, options.cursor, scope));
    options.now = cursor->pin.now;
    if (!options.limit) options.limit = cursor->size;
  }
  CAIRN_TRY_ASSIGN(const uint32_t size, choose_limit(options, pipeline, kDefaultLimit));
  CAIRN_TRY_ASSIGN(const Found found, find_issues(view, query, options.now, options.viewer, timer));
  CAIRN_TRY_ASSIGN(const std::vector<int64_t> keys,
                   sort_keys(view, found.parts, found.issues, sort, options.now));
  timer.next("rows");

  // A limit in the query bounds the listing as a whole, however it is cut into pages.
  const uint64_t end = std::min<uint64_t>(found.issues.size(), pipeline.limit.value_or(UINT32_MAX));
  const PageSpan span = page_span(cursor, size, end);
  IssuePage ranked(span.room, edge_of(cursor), cursor && cursor->backward);
  for (size_t i = 0; i < keys.size(); ++i) ranked.offer({keys[i], found.issues[i]});
  const std::vector<Ranked> rows = ranked.take();

  SearchPage page;
  page.lsn = view.lsn;
  page.now = options.now;
  page.total = found.issues.size();
  page.trend_bucket_us = options.trend_bucket_us;
  page.warnings = warn_of_unseen(view, found.plan.unseen_tags);
  warn_of_likely_slips(query, page.warnings);
  Holding trends(view.meter);
  CAIRN_TRY(hold_trends(view.meter, trends, rows.size(), options.trend_buckets));
  ScratchBits scratch;
  for (const Ranked& issue : rows) {
    if (!go_on(view.meter)) break;
    page.issues.push_back(make_issue_row(view, found.parts, options, issue.totals, scratch));
  }
  if (!pipeline.fields) view.meter->returned(page.issues.size());
  CAIRN_TRY(check(view.meter));
  describe_plan(view, query.source, found.plan, page.total);
  if (view.seal == nullptr && rows.size() < end) page.warnings.push_back(why_no_cursors(view));
  if (view.seal == nullptr || rows.empty()) return page;
  PageLinks links = page_links(view, scope, cursor ? cursor->pin : pin_here(view, options.now),
                               span, end, size, rows.front().place(), rows.back().place());
  page.next = std::move(links.next);
  page.prev = std::move(links.prev);
  return page;
}

Result<std::vector<GroupId>> matching_issues(const View& given, const Query& query, TimeUs now) {
  Meter own{Control{}};
  const View view = watched(given, own);
  StageTimer timer(view.meter, "bind");
  CAIRN_TRY_ASSIGN(const Found found, find_issues(view, query, now, {}, timer));
  std::vector<GroupId> ids;
  ids.reserve(found.issues.size());
  for (const IssueTotals& issue : found.issues) ids.push_back(issue.id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace cairn::query
