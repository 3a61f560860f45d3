#include "alert/window.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>

#include "base/assert.h"

namespace cairn::alert {
namespace {

using Function = query::BoundCall::Function;

constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;

template <class Bucket>
auto first_from(Bucket* begin, Bucket* end, int64_t index) {
  return std::lower_bound(begin, end, index,
                          [](const Bucket& bucket, int64_t at) { return bucket.index < at; });
}

}  // namespace

WindowShape shape_of(const MetricCondition& metric) {
  const uint32_t delta = metric.comparison_delta_min.value_or(0);
  const uint32_t width = std::gcd(std::gcd(metric.time_window_min, resolution_of(metric)), delta);
  CAIRN_ASSERT(width > 0);
  return {int64_t{width} * kMinuteUs, metric.time_window_min / width, delta / width};
}

Window::Rings Window::rings_for(Function function) {
  switch (function) {
    case Function::Count:
    case Function::Rate:
      return Ring<Counts>();
    case Function::Uniq:
      return Ring<Values>();
    case Function::Percentile:
      return Ring<Numbers>();
    default:
      return Ring<Sums>();
  }
}

Window::Window(const WindowShape& shape, Function function)
    : shape_(shape),
      floor_(std::numeric_limits<int64_t>::min()),
      rings_(rings_for(function)),
      rolls_(function == Function::Uniq ? 2 : 0) {
  CAIRN_ASSERT(shape.bucket_us > 0 && shape.buckets > 0);
}

int64_t Window::index_of(TimeUs time) const {
  const int64_t at = raw(time);  // of the least one floor_to() would be out of range
  return at / shape_.bucket_us - (at % shape_.bucket_us < 0 ? 1 : 0);
}

// Most come in order: at the end.
template <class Bucket>
Bucket* Window::bucket_at(Ring<Bucket>& ring, int64_t index, size_t& room) {
  if (!ring.empty() && ring.back().index == index) return &ring.back();
  auto at = ring.end();
  if (!ring.empty() && index < ring.back().index) {
    at = ring.begin() + (first_from(ring.data(), ring.data() + ring.size(), index) - ring.data());
    if (at->index == index) return &*at;
  }
  if (kBucketBytes < Bucket >> room) return nullptr;
  room -= kBucketBytes<Bucket>;
  Bucket bucket{};
  bucket.index = index;
  return &*ring.insert(at, std::move(bucket));
}

template <class Bucket>
std::span<const Bucket> Window::part(const Ring<Bucket>& ring, Range range) {
  const Bucket* const end = ring.data() + ring.size();
  const Bucket* const first = first_from(ring.data(), end, range.begin);
  return {first, first_from(first, end, range.end)};
}

bool Window::put(Ring<Counts>& ring, int64_t index, const Observation& observation, size_t room) {
  Counts* const bucket = bucket_at(ring, index, room);
  if (bucket != nullptr) bucket->count += observation.occurrences;
  return bucket != nullptr;
}

bool Window::put(Ring<Sums>& ring, int64_t index, const Observation& observation, size_t room) {
  if (observation.numbers.empty()) return true;
  Sums* const bucket = bucket_at(ring, index, room);
  if (bucket == nullptr) return false;
  for (const double number : observation.numbers) {
    bucket->min = bucket->count == 0 ? number : std::min(bucket->min, number);
    bucket->max = bucket->count == 0 ? number : std::max(bucket->max, number);
    bucket->sum += number;
    ++bucket->count;
  }
  return true;
}

bool Window::put(Ring<Values>& ring, int64_t index, const Observation& observation, size_t room) {
  if (observation.values.empty()) return true;
  Values* const bucket = bucket_at(ring, index, room);
  if (bucket == nullptr) return false;
  bool all = true;
  for (const uint64_t value : observation.values) all = put_value(*bucket, value, room) && all;
  return all;
}

bool Window::put(Ring<Numbers>& ring, int64_t index, const Observation& observation, size_t room) {
  if (observation.numbers.empty()) return true;
  Numbers* const bucket = bucket_at(ring, index, room);
  if (bucket == nullptr) return false;
  const size_t fit = std::min(room / kNumberBytes, kMaxKept - kept_);
  const auto kept = observation.numbers.first(std::min(fit, observation.numbers.size()));
  bucket->numbers.insert(bucket->numbers.end(), kept.begin(), kept.end());
  kept_ += static_cast<uint32_t>(kept.size());
  return kept.size() == observation.numbers.size();
}

bool Window::put_value(Values& bucket, uint64_t value, size_t& room) {
  if (bucket.tally.count(value) == 0) {
    const size_t bytes = value_bytes();
    if (kept_ >= kMaxKept || bytes > room) return false;
    room -= bytes;
    ++kept_;
    for (Roll& roll : rolls_) {
      if (bucket.index >= roll.begin && bucket.index < roll.end) roll.tally.add(value);
    }
  }
  bucket.tally.add(value);
  return true;
}

Added Window::add(TimeUs time, TimeUs now, const Observation& observation, size_t room) {
  if (raw(time) - raw(now) > kMaxAheadUs) return Added::Early;
  const int64_t index = index_of(time);
  if (index < floor_) {
    late_ += observation.occurrences;
    return Added::Late;
  }
  const bool kept =
      std::visit([&](auto& ring) { return put(ring, index, observation, room); }, rings_);
  if (!kept) lose(index);
  return kept ? Added::Counted : Added::NotKept;
}

void Window::lose(int64_t index) {
  if (index < floor_) return;
  lost_ = lost_.empty() ? Range{index, index + 1}
                        : Range{std::min(lost_.begin, index), std::max(lost_.end, index + 1)};
}

void Window::lose(TimeUs time) { lose(index_of(time)); }

// What goes with a bucket that no window needs any more.
template <class Bucket>
void Window::forget(const Bucket& bucket) {
  if constexpr (std::is_same_v<Bucket, Numbers>)
    kept_ -= static_cast<uint32_t>(bucket.numbers.size());
  if constexpr (std::is_same_v<Bucket, Values>) {
    kept_ -= static_cast<uint32_t>(bucket.tally.size());
    for (Roll& roll : rolls_) {
      if (bucket.index < roll.begin || bucket.index >= roll.end) continue;
      bucket.tally.for_each([&](uint64_t value, uint32_t) { roll.tally.take(value); });
    }
  }
}

int64_t Window::floor_at(TimeUs tick) const {
  return index_of(tick) - static_cast<int64_t>(shape_.reach());
}

void Window::advance(TimeUs tick) {
  const int64_t floor = floor_at(tick);
  if (floor <= floor_) return;
  floor_ = floor;
  std::visit(
      [&](auto& ring) {
        const auto end = std::find_if(ring.begin(), ring.end(),
                                      [&](const auto& bucket) { return bucket.index >= floor; });
        std::for_each(ring.begin(), end, [&](const auto& bucket) { forget(bucket); });
        ring.erase(ring.begin(), end);
        if (ring.capacity() > 2 * ring.size()) ring.shrink_to_fit();
      },
      rings_);
  for (Roll& roll : rolls_) {
    roll.begin = std::max(roll.begin, floor);
    roll.end = std::max(roll.end, roll.begin);
    roll.tally.shrink();
  }
  lost_.begin = std::max(lost_.begin, floor);
  if (lost_.empty()) lost_ = {};
}

void Window::move(const Ring<Values>& ring, Roll& roll, Range range) {
  const bool forward = range.begin >= roll.begin && range.end >= roll.end;
  if (!forward || range.begin >= roll.end) roll = Roll{range.begin, range.begin, {}};
  for (const Values& bucket : part(ring, {roll.begin, range.begin})) {
    bucket.tally.for_each([&](uint64_t value, uint32_t) { roll.tally.take(value); });
  }
  for (const Values& bucket : part(ring, {roll.end, range.end})) {
    bucket.tally.for_each([&](uint64_t value, uint32_t) { roll.tally.add(value); });
  }
  roll.begin = range.begin;
  roll.end = range.end;
  roll.tally.shrink();
}

WindowValue Window::counted(std::span<Window* const> windows, const query::BoundCall& call,
                            Range range) {
  uint64_t sum = 0;
  for (const Window* window : windows) {
    for (const Counts& bucket : window->part<Counts>(range)) sum += bucket.count;
  }
  const double count = static_cast<double>(sum);
  if (call.function != Function::Rate) return {count};
  const double window_us =
      static_cast<double>(range.end - range.begin) * double(windows.front()->shape_.bucket_us);
  return {count * static_cast<double>(call.period_us) / window_us};
}

WindowValue Window::summed(std::span<Window* const> windows, Function function, Range range) {
  uint64_t count = 0;
  double sum = 0;
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  for (const Window* window : windows) {
    for (const Sums& bucket : window->part<Sums>(range)) {
      count += bucket.count;
      sum += bucket.sum;
      least = std::min(least, bucket.min);
      most = std::max(most, bucket.max);
    }
  }
  if (function == Function::Sum) return {sum};
  if (count == 0) return {};
  if (function == Function::Min) return {least};
  if (function == Function::Max) return {most};
  return {sum / static_cast<double>(count)};
}

// The smallest number that at least such a fraction of all is not above, as in the query language.
WindowValue Window::ranked(std::span<Window* const> windows, uint32_t per_million, Range range) {
  std::vector<double> all;
  for (const Window* window : windows) {
    for (const Numbers& bucket : window->part<Numbers>(range)) {
      all.insert(all.end(), bucket.numbers.begin(), bucket.numbers.end());
    }
  }
  if (all.empty()) return {};
  constexpr uint64_t kWhole = 1'000'000;
  const uint64_t rank = (all.size() * uint64_t{per_million} + kWhole - 1) / kWhole;
  const auto at = all.begin() + static_cast<ptrdiff_t>(std::max<uint64_t>(rank, 1) - 1);
  std::nth_element(all.begin(), at, all.end());
  return {*at};
}

WindowValue Window::different(std::span<Window* const> windows, Range range, bool earlier) {
  std::vector<const ValueTally*> tallies;
  for (Window* window : windows) {
    Roll& roll = window->rolls_[earlier ? 1 : 0];
    move(std::get<Ring<Values>>(window->rings_), roll, range);
    if (roll.tally.size() > 0) tallies.push_back(&roll.tally);
  }
  if (tallies.empty()) return {0.0};
  if (tallies.size() == 1) return {static_cast<double>(tallies.front()->size())};
  ValueTally all;
  for (const ValueTally* tally : tallies) {
    tally->for_each([&](uint64_t value, uint32_t) { all.add(value); });
  }
  return {static_cast<double>(all.size())};
}

WindowValue Window::value(const query::BoundCall& call, TimeUs tick, bool earlier) {
  Window* const self = this;
  return value_of({&self, 1}, call, tick, earlier);
}

WindowValue Window::value_of(std::span<Window* const> windows, const query::BoundCall& call,
                             TimeUs tick, bool earlier) {
  CAIRN_ASSERT(!windows.empty());
  const Window& first = *windows.front();
  CAIRN_ASSERT(raw(tick) % first.shape_.bucket_us == 0);
  const int64_t end = first.index_of(tick) - (earlier ? first.shape_.buckets_before : 0);
  const Range range{end - first.shape_.buckets, end};
  bool lost = false;
  for (const Window* window : windows) {
    CAIRN_ASSERT(window->shape_ == first.shape_ && window->rings_.index() == first.rings_.index());
    CAIRN_ASSERT(range.begin >= window->floor_);
    lost = lost || window->lost_.meets(range);
  }
  if (lost) return {std::nullopt, true};
  if (std::holds_alternative<Ring<Counts>>(first.rings_)) return counted(windows, call, range);
  if (std::holds_alternative<Ring<Sums>>(first.rings_)) {
    return summed(windows, call.function, range);
  }
  if (std::holds_alternative<Ring<Numbers>>(first.rings_)) {
    return ranked(windows, call.per_million, range);
  }
  return different(windows, range, earlier);
}

bool Window::empty() const {
  return std::visit([](const auto& ring) { return ring.empty(); }, rings_);
}

bool Window::is_as(const Window& none) const {
  return empty() &&
         (lost_.empty() || (lost_.begin >= none.lost_.begin && lost_.end <= none.lost_.end));
}

// In its bucket, and in the tally of each window that is asked for.
size_t Window::value_bytes() const {
  return ValueTally::kEach + ValueTally::kEachShrunk * (shape_.buckets_before > 0 ? 2 : 1);
}

size_t Window::charge() const {
  return std::visit(
      [&](const auto& ring) {
        using Bucket = typename std::decay_t<decltype(ring)>::value_type;
        if constexpr (std::is_same_v<Bucket, Values>) {
          return rolls_.size() * kRollBytes + ring.size() * kBucketBytes<Bucket> +
                 kept_ * value_bytes();
        }
        const size_t numbers = std::is_same_v<Bucket, Numbers> ? kept_ * kNumberBytes : 0;
        return ring.size() * kBucketBytes<Bucket> + numbers;
      },
      rings_);
}

size_t Window::memory_bytes() const {
  size_t rolls = rolls_.capacity() * sizeof(Roll);
  for (const Roll& roll : rolls_) rolls += roll.tally.memory_bytes();
  return sizeof(*this) + rolls +
         std::visit(
             [](const auto& ring) {
               size_t bytes = ring.capacity() * sizeof(ring[0]);
               using Bucket = typename std::decay_t<decltype(ring)>::value_type;
               for (const Bucket& bucket : ring) {
                 if constexpr (std::is_same_v<Bucket, Values>) bytes += bucket.tally.memory_bytes();
                 if constexpr (std::is_same_v<Bucket, Numbers>) {
                   bytes += bucket.numbers.capacity() * sizeof(double);
                 }
               }
               return bytes;
             },
             rings_);
}

std::optional<double> percent_of(const WindowValue& part, const WindowValue& whole) {
  if (!part.number || !whole.number || *whole.number == 0) return std::nullopt;
  return *part.number / *whole.number * 100;
}

}  // namespace cairn::alert
