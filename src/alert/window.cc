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

int64_t floor_div(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

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

int64_t Window::index_of(TimeUs time) const { return floor_div(raw(time), shape_.bucket_us); }

// Most come in order: at the end.
template <class Bucket>
Bucket& Window::bucket_at(Ring<Bucket>& ring, int64_t index) {
  if (!ring.empty() && ring.back().index == index) return ring.back();
  auto at = ring.end();
  if (!ring.empty() && index < ring.back().index) {
    at = ring.begin() + (first_from(ring.data(), ring.data() + ring.size(), index) - ring.data());
    if (at->index == index) return *at;
  }
  Bucket bucket{};
  bucket.index = index;
  return *ring.insert(at, std::move(bucket));
}

template <class Bucket>
std::span<const Bucket> Window::part(const Ring<Bucket>& ring, Range range) {
  const Bucket* const end = ring.data() + ring.size();
  const Bucket* const first = first_from(ring.data(), end, range.begin);
  return {first, first_from(first, end, range.end)};
}

bool Window::put(Ring<Counts>& ring, int64_t index, const Observation&) {
  ++bucket_at(ring, index).count;
  return true;
}

bool Window::put(Ring<Sums>& ring, int64_t index, const Observation& observation) {
  if (observation.numbers.empty()) return true;
  Sums& bucket = bucket_at(ring, index);
  for (const double number : observation.numbers) {
    bucket.min = bucket.count == 0 ? number : std::min(bucket.min, number);
    bucket.max = bucket.count == 0 ? number : std::max(bucket.max, number);
    bucket.sum += number;
    ++bucket.count;
  }
  return true;
}

bool Window::put(Ring<Values>& ring, int64_t index, const Observation& observation) {
  if (observation.values.empty()) return true;
  Values& bucket = bucket_at(ring, index);
  bool all = true;
  for (const uint64_t value : observation.values) all = put_value(bucket, value, 1) && all;
  return all;
}

bool Window::put(Ring<Numbers>& ring, int64_t index, const Observation& observation) {
  if (observation.numbers.empty()) return true;
  Numbers& bucket = bucket_at(ring, index);
  bool all = true;
  for (const double number : observation.numbers) all = put_number(bucket, number) && all;
  return all;
}

bool Window::put_value(Values& bucket, uint64_t value, uint32_t times) {
  if (kept_ >= kMaxKept && bucket.tally.count(value) == 0) {
    bucket.cut = true;
    return false;
  }
  if (bucket.tally.add(value, times) > 0) return true;
  ++kept_;
  for (Roll& roll : rolls_) {
    if (bucket.index >= roll.begin && bucket.index < roll.end) roll.tally.add(value);
  }
  return true;
}

bool Window::put_number(Numbers& bucket, double number) {
  if (kept_ >= kMaxKept) {
    bucket.cut = true;
    return false;
  }
  bucket.numbers.push_back(number);
  ++kept_;
  return true;
}

Added Window::add(TimeUs time, TimeUs now, const Observation& observation) {
  if (raw(time) - raw(now) > kMaxAheadUs) return Added::Early;
  const int64_t index = index_of(time);
  if (index < floor_) {
    ++late_;
    return Added::Late;
  }
  const bool kept = std::visit([&](auto& ring) { return put(ring, index, observation); }, rings_);
  return kept ? Added::Counted : Added::NotKept;
}

// What goes with a bucket that no window needs any more.
template <class Bucket>
void Window::forget(const Bucket& bucket) {
  if constexpr (std::is_same_v<Bucket, Numbers>) kept_ -= bucket.numbers.size();
  if constexpr (std::is_same_v<Bucket, Values>) {
    kept_ -= bucket.tally.size();
    for (Roll& roll : rolls_) {
      if (bucket.index < roll.begin || bucket.index >= roll.end) continue;
      bucket.tally.for_each([&](uint64_t value, uint32_t) { roll.tally.take(value); });
    }
  }
}

void Window::advance(TimeUs tick) {
  const int64_t floor = index_of(tick) - static_cast<int64_t>(shape_.reach());
  if (floor <= floor_) return;
  floor_ = floor;
  std::visit(
      [&](auto& ring) {
        const auto end = std::find_if(ring.begin(), ring.end(),
                                      [&](const auto& bucket) { return bucket.index >= floor; });
        std::for_each(ring.begin(), end, [&](const auto& bucket) { forget(bucket); });
        ring.erase(ring.begin(), end);
        if (ring.empty()) ring.shrink_to_fit();
      },
      rings_);
  for (Roll& roll : rolls_) {
    roll.begin = std::max(roll.begin, floor);
    roll.end = std::max(roll.end, roll.begin);
  }
}

void Window::join(Ring<Counts>& ring, const Ring<Counts>& other) {
  for (const Counts& bucket : other) bucket_at(ring, bucket.index).count += bucket.count;
}

void Window::join(Ring<Sums>& ring, const Ring<Sums>& other) {
  for (const Sums& from : other) {
    Sums& to = bucket_at(ring, from.index);
    to.min = to.count == 0 ? from.min : std::min(to.min, from.min);
    to.max = to.count == 0 ? from.max : std::max(to.max, from.max);
    to.sum += from.sum;
    to.count += from.count;
  }
}

void Window::join(Ring<Values>& ring, const Ring<Values>& other) {
  for (const Values& from : other) {
    Values& to = bucket_at(ring, from.index);
    to.cut = to.cut || from.cut;
    from.tally.for_each([&](uint64_t value, uint32_t times) { put_value(to, value, times); });
  }
}

void Window::join(Ring<Numbers>& ring, const Ring<Numbers>& other) {
  for (const Numbers& from : other) {
    Numbers& to = bucket_at(ring, from.index);
    to.cut = to.cut || from.cut;
    for (const double number : from.numbers) put_number(to, number);
  }
}

void Window::absorb(const Window& other) {
  CAIRN_ASSERT(shape_ == other.shape_ && rings_.index() == other.rings_.index());
  std::visit([&](auto& ring) { join(ring, std::get<std::decay_t<decltype(ring)>>(other.rings_)); },
             rings_);
  late_ += other.late_;
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
}

namespace {

template <class Bucket>
uint64_t count_of(std::span<const Bucket> buckets) {
  return std::accumulate(buckets.begin(), buckets.end(), uint64_t{0},
                         [](uint64_t sum, const Bucket& bucket) { return sum + bucket.count; });
}

template <class Bucket>
bool any_cut(std::span<const Bucket> buckets) {
  return std::any_of(buckets.begin(), buckets.end(), [](const Bucket& b) { return b.cut; });
}

template <class Bucket>
WindowValue summed(std::span<const Bucket> buckets, Function function) {
  double sum = 0;
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  for (const Bucket& bucket : buckets) {
    sum += bucket.sum;
    least = std::min(least, bucket.min);
    most = std::max(most, bucket.max);
  }
  if (function == Function::Sum) return {sum};
  if (buckets.empty()) return {};
  if (function == Function::Min) return {least};
  if (function == Function::Max) return {most};
  return {sum / static_cast<double>(count_of(buckets))};
}

// The smallest number that at least such a fraction of all is not above, as in the query language.
template <class Bucket>
WindowValue ranked(std::span<const Bucket> buckets, uint32_t per_million) {
  if (any_cut(buckets)) return {std::nullopt, true};
  std::vector<double> all;
  for (const Bucket& bucket : buckets) {
    all.insert(all.end(), bucket.numbers.begin(), bucket.numbers.end());
  }
  if (all.empty()) return {};
  constexpr uint64_t kWhole = 1'000'000;
  const uint64_t rank = (all.size() * uint64_t{per_million} + kWhole - 1) / kWhole;
  const auto at = all.begin() + static_cast<ptrdiff_t>(std::max<uint64_t>(rank, 1) - 1);
  std::nth_element(all.begin(), at, all.end());
  return {*at};
}

}  // namespace

WindowValue Window::value(const query::BoundCall& call, TimeUs tick, bool earlier) {
  CAIRN_ASSERT(raw(tick) % shape_.bucket_us == 0);
  const int64_t end = index_of(tick) - (earlier ? shape_.buckets_before : 0);
  const Range range{end - shape_.buckets, end};
  CAIRN_ASSERT(range.begin >= floor_);
  if (const auto* counts = std::get_if<Ring<Counts>>(&rings_)) {
    const double count = static_cast<double>(count_of(part(*counts, range)));
    if (call.function == Function::Count) return {count};
    const double window_us = static_cast<double>(shape_.buckets) * double(shape_.bucket_us);
    return {count * static_cast<double>(call.period_us) / window_us};
  }
  if (const auto* sums = std::get_if<Ring<Sums>>(&rings_)) {
    return summed(part(*sums, range), call.function);
  }
  if (const auto* numbers = std::get_if<Ring<Numbers>>(&rings_)) {
    return ranked(part(*numbers, range), call.per_million);
  }
  const auto& values = std::get<Ring<Values>>(rings_);
  if (any_cut(part(values, range))) return {std::nullopt, true};
  Roll& roll = rolls_[earlier ? 1 : 0];
  move(values, roll, range);
  return {static_cast<double>(roll.tally.size())};
}

bool Window::empty() const {
  return std::visit([](const auto& ring) { return ring.empty(); }, rings_);
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

Ticks ticks_due(std::optional<TimeUs> last, TimeUs now, int64_t resolution_us, uint32_t at_most) {
  CAIRN_ASSERT(resolution_us > 0);
  const int64_t newest = floor_div(raw(now), resolution_us);
  const int64_t before = last ? floor_div(raw(*last), resolution_us) : newest - 1;
  Ticks ticks;
  if (newest <= before) return ticks;
  const int64_t count = std::min<int64_t>(newest - before, at_most);
  ticks.skipped = static_cast<uint64_t>(newest - before - count);
  for (int64_t at = newest - count + 1; at <= newest; ++at) {
    ticks.due.push_back(TimeUs{at * resolution_us});
  }
  return ticks;
}

}  // namespace cairn::alert
