// for_each_match: matching occurrences in the order of the log.
#include <algorithm>
#include <array>

#include "query/binder.h"
#include "query/executor.h"
#include "query/plan.h"
#include "query/search.h"

namespace cairn::query {
namespace {

struct LsnRange {
  const PartMatch* match;
  Lsn first;
  Lsn last;
};

LsnRange lsn_range(const PartMatch& match) {
  LsnRange range{&match, Lsn{UINT64_MAX}, Lsn{0}};
  std::array<Lsn, Block::kSize> lsns;
  match.for_each_block([&](const Block& block) {
    block.lsns(lsns.data());
    const auto [first, last] = std::minmax_element(lsns.data(), lsns.data() + block.size());
    range.first = std::min(range.first, *first);
    range.last = std::max(range.last, *last);
  });
  return range;
}

void append(const View& view, const PartMatch& match, std::vector<Match>& out) {
  std::array<Lsn, Block::kSize> lsns;
  std::array<FingerprintId, Block::kSize> fingerprints;
  match.for_each_block([&](const Block& block) {
    block.lsns(lsns.data());
    block.fingerprints(fingerprints.data());
    for (size_t i = 0; i < block.size(); ++i) {
      out.push_back({lsns[i], fingerprints[i], view.root_of_fingerprint[raw(fingerprints[i])]});
    }
  });
}

}  // namespace

Result<void> for_each_match(const View& view, const Query& query, TimeUs now,
                            const std::function<bool(const Match&)>& fn) {
  CAIRN_TRY_ASSIGN(Expr bound, bind_filter(query, view.forest(), now));
  CAIRN_TRY_ASSIGN(const Plan plan, make_plan(view, std::move(bound)));
  GroupFilter filter(view, plan.group_filter);
  const auto parts = match_parts(view, plan, filter, GroupFilterIn::Matches);
  std::vector<LsnRange> ranges;
  for (const PartMatch& match : parts) ranges.push_back(lsn_range(match));
  CAIRN_TRY(check(view.meter));
  std::sort(ranges.begin(), ranges.end(),
            [](const LsnRange& a, const LsnRange& b) { return a.first < b.first; });
  // Parts cover the log piece by piece, so memory follows the largest of them (or what overlaps),
  // not the answer.
  std::vector<Match> batch;
  Holding held(view.meter);
  for (size_t next = 0; next < ranges.size();) {
    Lsn end = ranges[next].last;
    batch.clear();
    for (; next < ranges.size() && ranges[next].first <= end; ++next) {
      end = std::max(end, ranges[next].last);
      append(view, *ranges[next].match, batch);
    }
    held.set(batch.capacity() * sizeof(Match));
    CAIRN_TRY(check(view.meter));
    std::sort(batch.begin(), batch.end(),
              [](const Match& a, const Match& b) { return a.lsn < b.lsn; });
    for (const Match& match : batch) {
      if (!fn(match)) return {};
      if (!go_on(view.meter)) return check(view.meter);
    }
  }
  return {};
}

}  // namespace cairn::query
