#include "query/histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/assert.h"
#include "query/value_counts.h"
#include "query/value_parser.h"

namespace cairn::query {
namespace {

// Below it every bucket has edges of its own.
constexpr double kMaxBucketNumber = 1e15;

double power_of_ten(int exponent) {
  double power = 1;  // exact up to 10^22
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

int64_t floor_divide(int64_t value, int64_t divisor) {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

RowSet empty_rows() {
  RowSet rows;
  rows.value_count = 3;
  return rows;
}

void add_row(RowSet& rows, double from, double to, uint64_t count) {
  rows.values.insert(rows.values.end(), {from, to, static_cast<double>(count)});
}

struct Counted {
  double number;
  uint64_t count;
};

// The numbers among the values of a field, each with how often it is there.
Result<std::vector<Counted>> numbers_of(const View& view, const RowKey& field,
                                        const std::vector<PartMatch>& parts, Holding& held) {
  std::vector<Counted> numbers;
  const KeySpace space(view, field);
  if (!space.field()) return numbers;
  held.add(space.bound() * sizeof(uint64_t));
  CAIRN_TRY(check(view.meter));
  const auto counts = count_values(*space.field(), space.bound(), parts);
  const auto none = static_cast<uint64_t>(std::count(counts.begin(), counts.end(), uint64_t{0}));
  held.add((counts.size() - none) * sizeof(Counted));
  CAIRN_TRY(check(view.meter));
  const auto take = [&](ValueId id, std::string_view text) {
    if (raw(id) % 256 == 0 && !go_on(view.meter)) return false;
    if (raw(id) >= counts.size() || counts[raw(id)] == 0) return true;
    const auto number = parse_quantity(text);
    if (number && std::isfinite(*number)) numbers.push_back({*number, counts[raw(id)]});
    return true;
  };
  CAIRN_TRY(view.dictionary->scan(*space.field(), view.txn, take));
  CAIRN_TRY(check(view.meter));
  return numbers;
}

RowSet rows_of_numbers(const std::vector<Counted>& numbers, uint32_t buckets) {
  RowSet rows = empty_rows();
  if (numbers.empty()) return rows;
  const auto less = [](const Counted& a, const Counted& b) { return a.number < b.number; };
  const auto [min, max] = std::minmax_element(numbers.begin(), numbers.end(), less);
  const bool whole = std::all_of(numbers.begin(), numbers.end(), [](const Counted& each) {
    return std::floor(each.number) == each.number;
  });
  const NumberScale scale(min->number, max->number, whole, buckets);
  const int64_t first = scale.bucket_of(min->number);
  std::vector<uint64_t> counts(static_cast<size_t>(scale.bucket_of(max->number) - first) + 1);
  for (const Counted& each : numbers) {
    counts[static_cast<size_t>(scale.bucket_of(each.number) - first)] += each.count;
  }
  for (size_t i = 0; i < counts.size(); ++i) {
    const int64_t bucket = first + static_cast<int64_t>(i);
    add_row(rows, scale.edge(bucket), scale.edge(bucket + 1), counts[i]);
  }
  return rows;
}

// Calls fn(times of a block) for all matches.
template <class F>
void for_each_times(const std::vector<PartMatch>& parts, F&& fn) {
  std::array<TimeUs, Block::kSize> times;
  for (const PartMatch& match : parts) {
    match.for_each_block([&](const Block& block) {
      block.times(times.data());
      fn(std::span<const TimeUs>(times.data(), block.size()));
    });
  }
}

RowSet rows_of_times(const std::vector<PartMatch>& parts, uint32_t buckets) {
  RowSet rows = empty_rows();
  TimeUs min{std::numeric_limits<int64_t>::max()};
  TimeUs max{std::numeric_limits<int64_t>::min()};
  for_each_times(parts, [&](std::span<const TimeUs> times) {
    const auto [low, high] = std::minmax_element(times.begin(), times.end());
    min = std::min(min, *low);
    max = std::max(max, *high);
  });
  if (min > max) return rows;
  const int64_t width = time_bucket_us(min, max, buckets);
  const int64_t first = floor_divide(raw(min), width);
  std::vector<uint64_t> counts(static_cast<size_t>(floor_divide(raw(max), width) - first) + 1);
  for_each_times(parts, [&](std::span<const TimeUs> times) {
    for (const TimeUs time : times) {
      ++counts[static_cast<size_t>(floor_divide(raw(time), width) - first)];
    }
  });
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto from = static_cast<double>((first + static_cast<int64_t>(i)) * width);
    add_row(rows, from, from + static_cast<double>(width), counts[i]);
  }
  return rows;
}

}  // namespace

NumberScale::NumberScale(double min, double max, bool whole, uint32_t buckets) {
  const double span = max / buckets - min / buckets;  // apart, as the difference may be too large
  int exponent = span > 0 ? static_cast<int>(std::floor(std::log10(span))) - 1 : 0;
  if (whole) exponent = std::max(exponent, 0);
  for (;; ++exponent) {
    fraction_ = exponent < 0;
    power_ = power_of_ten(std::abs(exponent));
    for (const int64_t digit : {1, 2, 5}) {
      digit_ = digit;
      if (fits(min, max, buckets)) return;
    }
  }
}

bool NumberScale::fits(double min, double max, uint32_t buckets) const {
  const double width =
      fraction_ ? static_cast<double>(digit_) / power_ : static_cast<double>(digit_) * power_;
  if (std::max(std::abs(min), std::abs(max)) / width > kMaxBucketNumber) return false;
  return bucket_of(max) - bucket_of(min) < int64_t{buckets};
}

double NumberScale::edge(int64_t bucket) const {
  const auto digits = static_cast<double>(bucket * digit_);
  return fraction_ ? digits / power_ : digits * power_;
}

int64_t NumberScale::bucket_of(double number) const {
  const double in_widths = fraction_ ? number * power_ / static_cast<double>(digit_)
                                     : number / power_ / static_cast<double>(digit_);
  auto bucket = static_cast<int64_t>(std::floor(in_widths));
  while (edge(bucket) > number) --bucket;
  while (edge(bucket + 1) <= number) ++bucket;
  return bucket;
}

int64_t time_bucket_us(TimeUs min, TimeUs max, uint32_t buckets) {
  constexpr int64_t kMinute = 60;
  constexpr int64_t kHour = 60 * kMinute;
  constexpr int64_t kDay = 24 * kHour;
  constexpr std::array<int64_t, 20> kSeconds = {
      1,           2,           5,     10,   15,       30,      kMinute,
      2 * kMinute, 5 * kMinute, 600,   900,  1800,     kHour,   2 * kHour,
      3 * kHour,   6 * kHour,   43200, kDay, 2 * kDay, 7 * kDay};
  const auto fits = [&](int64_t width) {
    const int64_t more = floor_divide(raw(max), width) - floor_divide(raw(min), width);
    return more < int64_t{buckets};
  };
  for (const int64_t seconds : kSeconds) {
    if (fits(seconds * kMicrosPerSecond)) return seconds * kMicrosPerSecond;
  }
  int64_t width = kSeconds.back() * kMicrosPerSecond;
  while (!fits(width) && width < std::numeric_limits<int64_t>::max() / 4) width *= 2;
  return width;
}

Result<RowSet> histogram_rows(const View& view, const BoundHistogram& histogram,
                              const std::vector<PartMatch>& parts) {
  if (histogram.field.kind == RowKey::Kind::Time) return rows_of_times(parts, histogram.buckets);
  Holding held(view.meter);
  CAIRN_TRY_ASSIGN(const auto numbers, numbers_of(view, histogram.field, parts, held));
  return rows_of_numbers(numbers, histogram.buckets);
}

}  // namespace cairn::query
