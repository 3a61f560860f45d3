#include <algorithm>
#include <limits>

#include "query/binder.h"
#include "query/cursor.h"
#include "query/distinct.h"
#include "query/executor.h"
#include "query/plan.h"
#include "query/rollup.h"
#include "query/search.h"

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

std::vector<FingerprintId> fingerprints_of(const model::State& state, GroupId issue) {
  std::vector<FingerprintId> fingerprints;
  for (GroupId member : state.members(issue)) {
    const auto& owned = state.group(member).fingerprints;
    fingerprints.insert(fingerprints.end(), owned.begin(), owned.end());
  }
  return fingerprints;
}

// Calls fn(Part, Ordinal) for every match shown by the issue.
template <class F>
void for_each_of_issue(const View& view, const std::vector<PartMatch>& parts, GroupId issue,
                       F&& fn) {
  const auto fingerprints = fingerprints_of(*view.state, issue);
  for (const PartMatch& match : parts) {
    for (FingerprintId fingerprint : fingerprints) {
      match.part->for_each_of(fingerprint, match.matches(),
                              [&](Ordinal ordinal) { fn(*match.part, ordinal); });
    }
  }
}

class Trend {
 public:
  explicit Trend(const SearchOptions& options)
      : now_(raw(options.now)), width_(options.trend_bucket_us), counts_(options.trend_buckets) {}

  // The last bucket holds (now - width, now].
  void add(TimeUs time) {
    if (counts_.empty() || raw(time) > now_) return;
    const uint64_t back = (static_cast<uint64_t>(now_) - static_cast<uint64_t>(raw(time))) /
                          static_cast<uint64_t>(width_);
    if (back < counts_.size()) ++counts_[counts_.size() - 1 - back];
  }
  std::vector<uint64_t> take() { return std::move(counts_); }

 private:
  int64_t now_;
  int64_t width_;
  std::vector<uint64_t> counts_;
};

// Users of all issues in one pass over the matches; by group id.
std::vector<DistinctSet> users_by_issue(const View& view, const std::vector<PartMatch>& parts) {
  std::vector<DistinctSet> users(view.state->group_count() + size_t{1});
  for (const PartMatch& match : parts) {
    match.for_each([&](Ordinal ordinal) {
      const ValueId user = match.part->user(ordinal);
      if (user == ValueId{0}) return;
      const GroupId root = view.root_of_fingerprint[raw(match.part->fingerprint(ordinal))];
      users[raw(root)].add(raw(user));
    });
  }
  return users;
}

std::vector<Ranked> rank(const View& view, const std::vector<PartMatch>& parts, Sort sort,
                         std::vector<IssueTotals> issues) {
  std::vector<DistinctSet> users;
  if (sort == Sort::User) users = users_by_issue(view, parts);
  std::vector<Ranked> ranked;
  ranked.reserve(issues.size());
  for (const IssueTotals& issue : issues) {
    int64_t key = 0;
    switch (sort) {
      case Sort::Date:
        key = raw(issue.last);
        break;
      case Sort::New:
        key = raw(issue.first);
        break;
      case Sort::Freq:
        key = static_cast<int64_t>(issue.count);
        break;
      case Sort::User:
        key = static_cast<int64_t>(users[raw(issue.id)].count());
        break;
    }
    ranked.push_back({key, issue});
  }
  return ranked;
}

IssueRow make_row(const View& view, const std::vector<PartMatch>& parts,
                  const SearchOptions& options, const IssueTotals& totals) {
  IssueRow row;
  row.id = totals.id;
  row.count = totals.count;
  row.first = totals.first;
  row.last = totals.last;
  DistinctSet users;
  Trend trend(options);
  for_each_of_issue(view, parts, totals.id, [&](const storage::Part& part, Ordinal ordinal) {
    if (const ValueId user = part.user(ordinal); user != ValueId{0}) users.add(raw(user));
    if (options.trend_buckets > 0) trend.add(part.time(ordinal));
  });
  row.users = users.count();
  row.trend = trend.take();
  return row;
}

Result<uint32_t> choose_limit(const SearchOptions& options, const Pipeline& pipeline) {
  const uint32_t limit = options.limit.value_or(pipeline.limit.value_or(kDefaultLimit));
  if (limit >= 1 && limit <= kMaxLimit) return limit;
  return make_error(ErrorCode::InvalidArgument, "The limit is " + std::to_string(limit) +
                                                    "; it has to be between 1 and " +
                                                    std::to_string(kMaxLimit) + ".");
}

Result<void> check_trend(const SearchOptions& options) {
  if (options.trend_buckets == 0) return {};
  if (options.trend_bucket_us > 0 && options.trend_buckets <= kMaxTrendBuckets) return {};
  return make_error(ErrorCode::InvalidArgument, "A trend has at most " +
                                                    std::to_string(kMaxTrendBuckets) +
                                                    " buckets of a width above zero.");
}

}  // namespace

Result<SearchPage> search(const View& view, const Query& query, const SearchOptions& options) {
  CAIRN_TRY_ASSIGN(const Pipeline pipeline, bind_pipeline(query));
  if (pipeline.table) {
    return make_error(ErrorCode::InvalidArgument, "The query makes a table, not a list of issues.");
  }
  CAIRN_TRY_ASSIGN(const uint32_t limit, choose_limit(options, pipeline));
  CAIRN_TRY(check_trend(options));
  const Sort sort = options.sort.value_or(pipeline.sort.value_or(Sort::Date));
  std::optional<Cursor> cursor;
  if (!options.cursor.empty()) {
    CAIRN_TRY_ASSIGN(cursor, decode_cursor(options.cursor, query.source, sort));
  }
  CAIRN_TRY_ASSIGN(Expr filter, bind_filter(query, *view.state, options.now));
  CAIRN_TRY_ASSIGN(const Plan plan, make_plan(view, std::move(filter)));

  const auto parts = match_parts(view, plan, GroupFilterIn::Caller);
  std::vector<IssueTotals> issues;
  if (!totals_from_state(view, plan, issues)) issues = roll_up(view, plan, parts);
  SearchPage page;
  page.lsn = view.lsn;
  page.total = issues.size();

  std::vector<Ranked> ranked = rank(view, parts, sort, std::move(issues));
  if (cursor) {
    const Ranked last{cursor->key, IssueTotals{cursor->id, 0, {}, {}}};
    std::erase_if(ranked, [&](const Ranked& issue) { return !before(last, issue); });
  }
  const size_t rows = std::min<size_t>(limit, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<ptrdiff_t>(rows), ranked.end(),
                    before);
  for (size_t i = 0; i < rows; ++i) {
    page.issues.push_back(make_row(view, parts, options, ranked[i].totals));
  }
  if (rows > 0 && rows < ranked.size()) {
    const Ranked& last = ranked[rows - 1];
    page.next = encode_cursor({last.key, last.totals.id}, query.source, sort);
  }
  return page;
}

}  // namespace cairn::query
