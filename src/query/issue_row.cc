#include "query/issue_row.h"

#include <algorithm>
#include <array>
#include <string>

#include "model/field.h"
#include "query/divider.h"
#include "query/issue_occurrences.h"

namespace cairn::query {
namespace {

// Counts by bucket. The last one holds (now - width, now], the others lie before it.
class Trend {
 public:
  // Precondition: no buckets, or a width above zero.
  Trend(TimeUs now, const TrendShape& shape)
      : now_(raw(now)),
        width_(static_cast<uint64_t>(std::max<int64_t>(shape.width_us, 1))),
        counts_(shape.buckets) {}

  bool wanted() const { return !counts_.empty(); }

  void add(std::span<const TimeUs> times) {
    for (const TimeUs time : times) {
      if (raw(time) > now_) continue;
      const uint64_t back = buckets_back(time);
      if (back < counts_.size()) ++counts_[counts_.size() - 1 - back];
    }
  }

  // Times ascend in the range: only where buckets begin has to be found.
  void add(const storage::Part& part, storage::OrdinalRange range) {
    const TimeUs last = part.time(range.end - 1);
    while (!range.empty()) {
      const TimeUs time = part.time(range.begin);
      if (raw(time) > now_) return;
      const uint64_t back = std::min<uint64_t>(buckets_back(time), counts_.size());
      const int64_t latest = end_of(back);
      const Ordinal end =
          raw(last) <= latest ? range.end : part.first_not_before(range, TimeUs{latest + 1});
      if (back < counts_.size()) counts_[counts_.size() - 1 - back] += end - range.begin;
      range.begin = end;
    }
  }

  std::vector<uint64_t> take() { return std::move(counts_); }

 private:
  // Precondition: time <= now.
  uint64_t buckets_back(TimeUs time) const {
    return width_(static_cast<uint64_t>(now_) - static_cast<uint64_t>(raw(time)));
  }
  // The latest time of the bucket that is `back` before the last. Precondition: some time at or
  // before now is so far back, so that nothing overflows.
  int64_t end_of(uint64_t back) const {
    return static_cast<int64_t>(static_cast<uint64_t>(now_) - back * width_.divisor());
  }

  int64_t now_;
  Divider width_;
  std::vector<uint64_t> counts_;
};

}  // namespace

IssueRow make_issue_row(const View& view, const std::vector<PartMatch>& parts,
                        const SearchOptions& options, const IssueTotals& totals,
                        ScratchBits& scratch) {
  using model::field::kUser;
  DistinctSet users(uint64_t{view.dictionary->value_count(kUser)} + 1);
  Trend trend(options.now, {options.trend_buckets, options.trend_bucket_us});
  const IssueOccurrences occurrences(view, totals.id);
  std::array<ValueId, Block::kSize> values;
  std::array<TimeUs, Block::kSize> times;
  for (const PartMatch& match : parts) {
    const bool by_range = trend.wanted() && occurrences.in_ranges(match);
    if (by_range) {
      occurrences.for_each_range(
          match, [&](storage::OrdinalRange range) { trend.add(*match.part, range); });
    }
    occurrences.for_each_block(match, [&](const Block& block) {
      block.column(kUser, values.data());
      users.add({values.data(), block.size()});
      if (!trend.wanted() || by_range) return;
      block.times(times.data());
      trend.add({times.data(), block.size()});
    });
  }
  IssueRow row;
  row.id = totals.id;
  row.count = totals.count;
  row.first = totals.first;
  row.last = totals.last;
  row.users = users.count(scratch);
  row.trend = trend.take();
  return row;
}

Result<void> hold_trends(Meter* meter, Holding& held, uint64_t rows, uint64_t buckets) {
  if (rows * buckets > kMaxTrendCounts) {
    return make_error(ErrorCode::Exhausted,
                      "The trends have more than " + std::to_string(kMaxTrendCounts) +
                          " buckets together; ask for fewer rows, or for shorter trends.");
  }
  held.add(rows * buckets * sizeof(uint64_t));
  return check(meter);
}

std::vector<uint64_t> issue_trend(const View& view, const std::vector<PartMatch>& parts,
                                  GroupId issue, TimeUs now, const TrendShape& shape) {
  Trend trend(now, shape);
  const IssueOccurrences occurrences(view, issue);
  std::array<TimeUs, Block::kSize> times;
  for (const PartMatch& match : parts) {
    if (occurrences.in_ranges(match)) {
      occurrences.for_each_range(
          match, [&](storage::OrdinalRange range) { trend.add(*match.part, range); });
      continue;
    }
    occurrences.for_each_block(match, [&](const Block& block) {
      block.times(times.data());
      trend.add({times.data(), block.size()});
    });
  }
  return trend.take();
}

}  // namespace cairn::query
