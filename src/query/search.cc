#include <algorithm>

#include "query/binder.h"
#include "query/cursor.h"
#include "query/distinct.h"
#include "query/executor.h"
#include "query/issue_row.h"
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
};

bool before(const Ranked& a, const Ranked& b) {
  return a.key != b.key ? a.key > b.key : raw(a.totals.id) > raw(b.totals.id);
}

// The first `room` issues of those offered.
class Page {
 public:
  // `after`: the last issue of the page before this one.
  Page(size_t room, const std::optional<Cursor>& after) : room_(room) {
    if (after) after_ = Ranked{after->key, IssueTotals{after->id, 0, {}, {}}};
  }
  void offer(const Ranked& issue) {
    if (after_ && !before(*after_, issue)) return;
    ++offered_;
    if (issues_.size() < room_) {
      issues_.push_back(issue);
      std::push_heap(issues_.begin(), issues_.end(), before);
    } else if (before(issue, issues_.front())) {
      std::pop_heap(issues_.begin(), issues_.end(), before);
      issues_.back() = issue;
      std::push_heap(issues_.begin(), issues_.end(), before);
    }
  }
  bool more() const { return offered_ > room_; }
  std::vector<Ranked> take() {
    std::sort_heap(issues_.begin(), issues_.end(), before);
    return std::move(issues_);
  }

 private:
  size_t room_;
  std::optional<Ranked> after_;
  uint64_t offered_ = 0;
  std::vector<Ranked> issues_;  // a heap, its last issue in front
};

Result<std::vector<IssueTotals>> find_issues(const View& view, const Plan& plan,
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
  CAIRN_TRY_ASSIGN(const uint32_t limit, choose_limit(options, pipeline, kDefaultLimit));
  CAIRN_TRY(check_trend(options));
  const Sort sort = options.sort.value_or(pipeline.sort.value_or(Sort::Date));
  const CursorScope scope{view.state->store_id(), query.source, sort, view.experiment()};
  std::optional<Cursor> cursor;
  if (!options.cursor.empty()) {
    CAIRN_TRY_ASSIGN(cursor, decode_cursor(options.cursor, scope));
  }
  CAIRN_TRY_ASSIGN(Expr bound, bind_filter(query, view.forest(), options.now, options.viewer));
  timer.next("plan");
  CAIRN_TRY_ASSIGN(Plan plan, make_plan(view, std::move(bound)));
  plan.told = true;

  timer.next("match");
  GroupFilter filter(view, plan.group_filter);
  const auto parts = match_parts(view, plan, filter, GroupFilterIn::Caller);
  CAIRN_TRY(check(view.meter));
  timer.next("roll-up");
  CAIRN_TRY_ASSIGN(const auto issues, find_issues(view, plan, filter, parts));
  CAIRN_TRY_ASSIGN(const std::vector<int64_t> keys,
                   sort_keys(view, parts, issues, sort, options.now));
  timer.next("rows");

  // A limit in the query bounds the listing as a whole, however it is cut into pages.
  const uint64_t shown_before = cursor ? cursor->shown : 0;
  const uint64_t left =
      pipeline.limit ? *pipeline.limit - std::min<uint64_t>(*pipeline.limit, shown_before) : limit;
  const uint64_t room = std::min<uint64_t>(limit, left);
  Page ranked(room, cursor);
  for (size_t i = 0; i < issues.size(); ++i) ranked.offer({keys[i], issues[i]});
  SearchPage page;
  page.lsn = view.lsn;
  page.total = issues.size();
  page.trend_bucket_us = options.trend_bucket_us;
  page.warnings = warn_of_unseen(view, plan.unseen_tags);
  const bool more = ranked.more() && (!pipeline.limit || left > room);
  ScratchBits scratch;
  for (const Ranked& issue : ranked.take()) {
    if (!go_on(view.meter)) break;
    page.issues.push_back(make_issue_row(view, parts, options, issue.totals, scratch));
    if (more && page.issues.size() == room) {
      page.next = encode_cursor({issue.key, issue.totals.id, shown_before + room}, scope);
    }
  }
  if (!pipeline.fields) view.meter->returned(page.issues.size());
  CAIRN_TRY(check(view.meter));
  describe_plan(view, query.source, plan, page.total);
  return page;
}

}  // namespace cairn::query
