#include "query/recent_counts.h"

#include <algorithm>
#include <array>
#include <limits>

#include "query/score.h"

namespace cairn::query {
namespace {

using storage::OrdinalRange;
using storage::Part;

// The first time that is less old than `width`.
TimeUs begin_of(TimeUs now, uint64_t width) {
  constexpr int64_t kEarliest = std::numeric_limits<int64_t>::min();
  const uint64_t past = static_cast<uint64_t>(raw(now)) - static_cast<uint64_t>(kEarliest);
  if (width > past) return TimeUs{kEarliest};
  return TimeUs{static_cast<int64_t>(static_cast<uint64_t>(raw(now)) - width + 1)};
}

// Finding where a minute ends costs as much as looking up the weights of so many occurrences.
constexpr uint64_t kTimesPerSearch = 32;
// Of more matches than this share of a part, those of a time are found together.
constexpr uint64_t kFewOfPart = 4;

}  // namespace

RecentCounter::RecentCounter(const View& view, const IssueSlots& slots, TimeUs now,
                             const RecentWindows& windows)
    : view_(view),
      slots_(slots),
      now_(now),
      short_begin_(begin_of(now, windows.short_us)),
      long_begin_(begin_of(now, windows.long_us)),
      weights_(windows.weighted ? trend_weights() : std::span<const uint64_t>()),
      minute_(kMinuteUs),
      counts_(slots.size()) {}

void RecentCounter::add(const PartMatch& match) {
  const Part& part = *match.part;
  if (part.max_time() < long_begin_) return;
  if (!match.bitmap && part.sorted()) {
    add_ranges(match);
    return;
  }
  const auto add = [&](const Block& block) { add_block(block); };
  if (!match.bitmap || part.min_time() >= long_begin_ ||
      match.bitmap->cardinality() < part.size() / kFewOfPart) {
    match.for_each_block(add);
    return;
  }
  constexpr TimeUs kLatest{std::numeric_limits<int64_t>::max()};
  PartMatch recent{&part, part.in_time(long_begin_, kLatest), {}, match.meter};
  recent.bitmap->and_with(*match.bitmap);
  // The end of a span of time is no part of it.
  if (part.max_time() == kLatest) recent.bitmap = match.bitmap->clone();
  recent.for_each_block(add);
}

void RecentCounter::add_ranges(const PartMatch& match) {
  const Part& part = *match.part;
  part.roll_up(nullptr, [&](const storage::FingerprintRollup& rollup) {
    if (rollup.last < long_begin_) return;
    const uint32_t slot = slots_.of(rollup.fingerprint);
    if (slot == IssueSlots::kOther) return;
    OrdinalRange range = part.range_of(rollup.fingerprint);
    range.begin = part.first_not_before(range, long_begin_);
    match.for_each_range_in(range,
                            [&](OrdinalRange matched) { add_range(part, matched, counts_[slot]); });
  });
}

void RecentCounter::add_range(const Part& part, OrdinalRange range, RecentCount& count) {
  count.lately += range.size();
  count.shortly += range.end - part.first_not_before(range, short_begin_);
  if (!weights_.empty()) add_weights(part, range, count);
}

void RecentCounter::add_weights(const Part& part, OrdinalRange range, RecentCount& count) {
  const auto minutes_of = [&](Ordinal at) { return minute_(age_us(now_, part.time(at))); };
  const uint64_t span = minutes_of(range.begin) - minutes_of(range.end - 1) + 1;
  if (range.size() / kTimesPerSearch < span) {
    std::array<TimeUs, Block::kSize> times;
    for_each_block(part, range, view_.meter, [&](const Block& block) {
      block.times(times.data());
      for (size_t i = 0; i < block.size(); ++i) count.weight += weight_of(times[i]);
    });
    return;
  }
  while (!range.empty()) {
    const uint64_t minutes = minutes_of(range.begin);
    const Ordinal end = minutes == 0
                            ? range.end
                            : part.first_not_before(range, begin_of(now_, minutes * kMinuteUs));
    if (minutes < weights_.size()) count.weight += (end - range.begin) * weights_[minutes];
    range.begin = end;
  }
}

void RecentCounter::add_block(const Block& block) {
  std::array<TimeUs, Block::kSize> times;
  block.times(times.data());
  const std::span<const TimeUs> read(times.data(), block.size());
  if (std::none_of(read.begin(), read.end(), [&](TimeUs t) { return t >= long_begin_; })) return;
  std::array<FingerprintId, Block::kSize> fingerprints;
  block.fingerprints(fingerprints.data());
  for (size_t i = 0; i < block.size(); ++i) {
    if (times[i] < long_begin_) continue;
    const uint32_t slot = slots_.of(fingerprints[i]);
    if (slot == IssueSlots::kOther) continue;
    RecentCount& count = counts_[slot];
    ++count.lately;
    if (times[i] >= short_begin_) ++count.shortly;
    if (!weights_.empty()) count.weight += weight_of(times[i]);
  }
}

uint64_t RecentCounter::weight_of(TimeUs time) const {
  const uint64_t minutes = minute_(age_us(now_, time));
  return minutes < weights_.size() ? weights_[minutes] : 0;
}

}  // namespace cairn::query
