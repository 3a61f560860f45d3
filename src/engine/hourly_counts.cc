#include "engine/hourly_counts.h"

#include <algorithm>
#include <array>

#include "model/forecast.h"

namespace cairn::engine {
namespace {

constexpr int64_t kHourUs = 3'600'000'000;

// Counts times within [begin, end) by the hour before `end`.
class HourCounts {
 public:
  HourCounts(TimeUs end, size_t hours) : end_(end), counts_(hours) {}

  TimeUs begin() const {
    return TimeUs{raw(end_) - static_cast<int64_t>(counts_.size()) * kHourUs};
  }
  void add(TimeUs time) {
    if (time < begin() || time >= end_) return;
    const auto hours_ago = static_cast<size_t>((raw(end_) - 1 - raw(time)) / kHourUs);
    counts_[counts_.size() - 1 - hours_ago] += 1;
  }
  void add_all(const storage::Part& part, storage::OrdinalRange range) {
    range.begin = part.first_not_before(range, begin());
    range.end = part.first_not_before(range, end_);
    std::array<TimeUs, 1024> times;
    while (!range.empty()) {
      const auto count = std::min<uint32_t>(range.size(), times.size());
      part.read_times({range.begin, range.begin + count}, times.data());
      for (uint32_t i = 0; i < count; ++i) add(times[i]);
      range.begin += count;
    }
  }
  std::vector<uint32_t> take() { return std::move(counts_); }

 private:
  TimeUs end_;
  std::vector<uint32_t> counts_;
};

}  // namespace

std::vector<uint32_t> hourly_counts(const model::State& state,
                                    std::span<const storage::Part* const> parts, GroupId group,
                                    TimeUs now) {
  const model::Group& counted = state.group(group);
  const int64_t age = raw(now) - raw(counted.first_seen);
  if (counted.times_seen == 0 || age < 0) return {};
  const auto hours = static_cast<size_t>(
      std::min<int64_t>(age / kHourUs + 1, static_cast<int64_t>(model::kForecastHours)));
  // What was seen at `now` itself counts too.
  HourCounts counts(TimeUs{raw(now) + 1}, hours);
  for (const storage::Part* part : parts) {
    CAIRN_ASSERT(part->only() == nullptr);  // asked by who writes: of now
    if (part->size() == 0 || part->max_time() < counts.begin() || part->min_time() > now) continue;
    for (const FingerprintId fingerprint : counted.fingerprints) {
      if (part->sorted()) {
        counts.add_all(*part, part->range_of(fingerprint));
      } else {
        part->for_each_of(fingerprint, nullptr,
                          [&](Ordinal ordinal) { counts.add(part->time(ordinal)); });
      }
    }
  }
  return counts.take();
}

}  // namespace cairn::engine
