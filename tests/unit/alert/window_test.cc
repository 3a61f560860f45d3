#include "alert/window.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "alert/keyed_windows.h"
#include "alert/value_tally.h"

using namespace cairn;
using namespace cairn::alert;
using query::BoundCall;
using Function = BoundCall::Function;

namespace {

constexpr int64_t kMinute = 60 * kMicrosPerSecond;
TimeUs minute(int64_t n) { return TimeUs{n * kMinute}; }

BoundCall call_of(Function function, uint32_t per_million = 0) {
  BoundCall call;
  call.function = function;
  call.per_million = per_million;
  call.period_us = 60 * kMinute;
  return call;
}

// Five buckets of a minute.
constexpr WindowShape kFive{kMinute, 5, 0};

Added add(Window& window, TimeUs time, std::vector<uint64_t> values = {},
          std::vector<double> numbers = {}) {
  return window.add(time, time, {values, numbers});
}

}  // namespace

TEST_CASE("buckets are as wide as windows, ticks and comparisons allow") {
  const auto shape = [](uint32_t window, uint32_t resolution, std::optional<uint32_t> delta = {}) {
    MetricCondition metric;
    metric.time_window_min = window;
    metric.resolution_min = resolution;
    metric.comparison_delta_min = delta;
    return shape_of(metric);
  };
  CHECK(shape(60, 3) == WindowShape{3 * kMinute, 20, 0});
  CHECK(shape(1440, 15) == WindowShape{15 * kMinute, 96, 0});
  CHECK(shape(61, 3) == WindowShape{kMinute, 61, 0});
  CHECK(shape(60, 6, 10'080) == WindowShape{6 * kMinute, 10, 1680});
  CHECK(shape(60, 6, 10'081) == WindowShape{kMinute, 60, 10'081});
  CHECK(shape(60, 0) == WindowShape{3 * kMinute, 20, 0});
}

TEST_CASE("a window begins with its first moment and ends before its tick") {
  const BoundCall count = call_of(Function::Count);
  Window window(kFive, count.function);
  CHECK(add(window, minute(10)) == Added::Counted);
  CHECK(add(window, TimeUs{raw(minute(15)) - 1}) == Added::Counted);
  CHECK(window.value(count, minute(15)).number == 2);
  CHECK(window.value(count, minute(16)).number == 1);
  CHECK(window.value(count, minute(20)).number == 0);
  CHECK(window.value(count, minute(14)).number == 1);
  CHECK(window.value(call_of(Function::Rate), minute(15)).number == 24);
}

TEST_CASE("what comes late counts where a window to come can hold it, and is told otherwise") {
  const BoundCall count = call_of(Function::Count);
  Window window(kFive, count.function);
  window.advance(minute(20));  // which may still be asked
  CHECK(add(window, TimeUs{raw(minute(15)) - 1}) == Added::Late);
  CHECK(add(window, minute(15)) == Added::Counted);
  CHECK(window.value(count, minute(20)).number == 1);
  CHECK(window.late() == 1);
  window.advance(minute(21));
  CHECK(window.empty());
  CHECK(add(window, minute(15)) == Added::Late);
  window.advance(minute(3));  // never back
  CHECK(add(window, minute(15)) == Added::Late);
  CHECK(window.late() == 3);
}

TEST_CASE("a clock that is a day ahead does not count") {
  Window window(kFive, Function::Count);
  const TimeUs now = minute(1000);
  CHECK(window.add(TimeUs{raw(now) + kMaxAheadUs}, now, {}) == Added::Counted);
  CHECK(window.add(TimeUs{raw(now) + kMaxAheadUs + 1}, now, {}) == Added::Early);
  CHECK(window.value(call_of(Function::Count), minute(1000 + 1441)).number == 1);
}

TEST_CASE("times before 1970 are buckets, too") {
  const BoundCall count = call_of(Function::Count);
  Window window(kFive, count.function);
  CHECK(add(window, TimeUs{-1}) == Added::Counted);
  CHECK(window.value(count, minute(0)).number == 1);
  CHECK(window.value(count, minute(5)).number == 0);
}

TEST_CASE("numbers of nothing are nothing, sums and counts are zero") {
  for (const Function function :
       {Function::Avg, Function::Min, Function::Max, Function::Percentile}) {
    Window window(kFive, function);
    CHECK(add(window, minute(1)) == Added::Counted);  // without a number
    CHECK_FALSE(window.value(call_of(function), minute(2)).number.has_value());
    CHECK(window.empty());
  }
  for (const Function function : {Function::Count, Function::Sum, Function::Uniq, Function::Rate}) {
    Window window(kFive, function);
    CHECK(window.value(call_of(function), minute(2)).number == 0);
  }
}

TEST_CASE("a window that could not keep everything has no value while that is in it") {
  const BoundCall uniq = call_of(Function::Uniq);
  Window window(kFive, uniq.function);
  for (uint64_t value = 0; value < kMaxKept; ++value) add(window, minute(1), {value});
  CHECK(window.value(uniq, minute(2)).number == kMaxKept);
  CHECK(add(window, minute(2), {7}) == Added::NotKept);
  CHECK(add(window, minute(1), {7}) == Added::Counted);  // known there
  CHECK(window.value(uniq, minute(2)).number == kMaxKept);
  CHECK(window.value(uniq, minute(3)).incomplete);
  CHECK_FALSE(window.value(uniq, minute(3)).number.has_value());
  window.advance(minute(8));
  CHECK(window.value(uniq, minute(8)).number == 0);
  CHECK(add(window, minute(7), {7}) == Added::Counted);

  const BoundCall p50 = call_of(Function::Percentile, 500'000);
  Window numbers(kFive, p50.function);
  const std::vector<double> many(kMaxKept, 1.0);
  CHECK(add(numbers, minute(1), {}, many) == Added::Counted);
  CHECK(add(numbers, minute(1), {}, {1.0}) == Added::NotKept);
  CHECK(numbers.value(p50, minute(2)).incomplete);
}

TEST_CASE("percentages of another window") {
  CHECK(percent_of({1}, {4}) == 25);
  CHECK(percent_of({0}, {4}) == 0);
  CHECK_FALSE(percent_of({1}, {0}).has_value());
  CHECK_FALSE(percent_of({}, {4}).has_value());
  CHECK_FALSE(percent_of({1}, {}).has_value());
}

TEST_CASE("memory is what the header says") {
  CHECK(sizeof(Window) <= 104);
  Window counts(kFive, Function::Count);
  for (int64_t i = 0; i < 1024; ++i) add(counts, minute(i));
  CHECK(counts.memory_bytes() == sizeof(Window) + 1024 * 16);
  Window sums(kFive, Function::Sum);
  for (int64_t i = 0; i < 1024; ++i) add(sums, minute(i), {}, {1});
  CHECK(sums.memory_bytes() == sizeof(Window) + 1024 * 40);
  Window values(kFive, Function::Uniq);
  for (uint64_t i = 0; i < 1000; ++i) add(values, minute(0), {i});
  CHECK(values.memory_bytes() <= sizeof(Window) + 2 * 48 + 48 + 1000 * 43);
  Window numbers(kFive, Function::Percentile);
  for (int i = 0; i < 1000; ++i) add(numbers, minute(0), {}, {1});
  CHECK(numbers.memory_bytes() <= sizeof(Window) + 32 + 1000 * 16);
}

TEST_CASE("times are aligned downwards, those before 1970 too") {
  STATIC_REQUIRE(floor_to(9, 3) == 9);
  STATIC_REQUIRE(floor_to(11, 3) == 9);
  STATIC_REQUIRE(floor_to(2, 3) == 0);
  STATIC_REQUIRE(floor_to(0, 3) == 0);
  STATIC_REQUIRE(floor_to(-1, 3) == -3);
  STATIC_REQUIRE(floor_to(-3, 3) == -3);
}

TEST_CASE("a tally is a map of counts") {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    ValueTally tally;
    std::map<uint64_t, uint32_t> model;
    // Values that share their home, and any others.
    const auto value = [&] { return random() % 2 == 0 ? random() % 40 : (random() % 40) << 32; };
    for (int i = 0; i < 2000; ++i) {
      const uint64_t one = value();
      if (random() % 2 == 0) {
        CHECK(tally.add(one) == model[one]++);
      } else if (tally.count(one) > 0) {
        tally.take(one);
        if (--model[one] == 0) model.erase(one);
      }
      if (model.contains(one) && model[one] == 0) model.erase(one);
      REQUIRE(tally.size() == model.size());
      REQUIRE(tally.count(one) == (model.contains(one) ? model[one] : 0));
    }
    std::map<uint64_t, uint32_t> all;
    tally.for_each([&](uint64_t v, uint32_t count) { all[v] = count; });
    CHECK(all == model);
    ValueTally same;
    for (auto at = model.rbegin(); at != model.rend(); ++at) same.add(at->first, at->second);
    CHECK(tally == same);
    same.add(1'000'000);
    CHECK_FALSE(tally == same);
  }
}

namespace {

struct Seen {
  TimeUs time;
  std::vector<uint64_t> values;
  std::vector<double> numbers;
};

// The language's definition over a list of everything that was seen.
std::optional<double> naive(const BoundCall& call, const std::vector<Seen>& seen, TimeUs begin,
                            TimeUs end) {
  double count = 0;
  std::set<uint64_t> values;
  std::vector<double> numbers;
  for (const Seen& one : seen) {
    if (one.time < begin || one.time >= end) continue;
    ++count;
    values.insert(one.values.begin(), one.values.end());
    numbers.insert(numbers.end(), one.numbers.begin(), one.numbers.end());
  }
  double sum = 0;
  for (const double number : numbers) sum += number;
  std::sort(numbers.begin(), numbers.end());
  switch (call.function) {
    case Function::Count:
      return count;
    case Function::Rate:
      return count * double(call.period_us) / double(raw(end) - raw(begin));
    case Function::Uniq:
      return double(values.size());
    case Function::Sum:
      return sum;
    default:
      break;
  }
  if (numbers.empty()) return std::nullopt;
  switch (call.function) {
    case Function::Avg:
      return sum / double(numbers.size());
    case Function::Min:
      return numbers.front();
    case Function::Max:
      return numbers.back();
    default: {
      size_t rank = 0;  // the first that enough are not above
      while (double(rank + 1) * 1e6 < double(numbers.size()) * call.per_million) ++rank;
      return numbers[rank];
    }
  }
}

BoundCall random_call(std::mt19937_64& random) {
  static constexpr Function kFunctions[] = {Function::Count, Function::Uniq, Function::Sum,
                                            Function::Avg,   Function::Min,  Function::Max,
                                            Function::Rate,  Function::Uniq, Function::Percentile};
  return call_of(kFunctions[random() % 9], static_cast<uint32_t>(random() % 5) * 250'000);
}

Seen random_seen(std::mt19937_64& random, TimeUs around) {
  Seen seen;
  const int64_t spread = random() % 4 == 0 ? 40 * kMinute : 2 * kMinute;
  seen.time = TimeUs{raw(around) + kMinute - static_cast<int64_t>(random() % uint64_t(spread))};
  for (uint64_t i = random() % 3; i > 0; --i) seen.values.push_back(random() % 12);
  // Whole numbers, whose sums are exact in any order.
  for (uint64_t i = random() % 3; i > 0; --i) seen.numbers.push_back(double(random() % 20) - 5);
  return seen;
}

}  // namespace

TEST_CASE("windows are what a look over all observations says") {
  size_t late = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t n) { return static_cast<uint32_t>(random() % n); };
    const WindowShape shape{(1 + below(3)) * kMinute, 1 + below(8),
                            below(3) == 0 ? 1 + below(9) : 0};
    const int64_t window_us = shape.buckets * shape.bucket_us;
    const int64_t delta_us = shape.buckets_before * shape.bucket_us;
    const BoundCall call = random_call(random);
    // Two that share the observations, and what they make together.
    Window one(shape, call.function);
    Window other(shape, call.function);
    std::vector<Seen> seen_by_one;
    std::vector<Seen> seen;
    int64_t tick = 1000;
    for (int round = 0; round < 40; ++round) {
      tick += below(4);
      const TimeUs at{tick * shape.bucket_us};
      for (uint32_t i = below(8); i > 0; --i) {
        const Seen next = random_seen(random, at);
        const bool first = below(2) == 0;
        const Added added = add(first ? one : other, next.time, next.values, next.numbers);
        if (added == Added::Late) {
          ++late;
          continue;
        }
        seen.push_back(next);
        if (first) seen_by_one.push_back(next);
      }
      for (Window* window : {&one, &other}) window->advance(at);
      Window* const both[] = {&one, &other};
      // Also a few ticks ahead and back again.
      for (const int64_t ahead : {int64_t{0}, int64_t{below(4)}, int64_t{0}}) {
        const TimeUs end{raw(at) + ahead * shape.bucket_us};
        const TimeUs begin{raw(end) - window_us};
        const TimeUs before_end{raw(end) - delta_us};
        const TimeUs before{raw(begin) - delta_us};
        REQUIRE(one.value(call, end).number == naive(call, seen_by_one, begin, end));
        REQUIRE(Window::value_of(both, call, end).number == naive(call, seen, begin, end));
        REQUIRE(one.value(call, end, true).number == naive(call, seen_by_one, before, before_end));
        REQUIRE(Window::value_of(both, call, end, true).number ==
                naive(call, seen, before, before_end));
      }
    }
    // The same observations in another order are the same window.
    Window again(shape, call.function);
    std::shuffle(seen_by_one.begin(), seen_by_one.end(), random);
    for (const Seen& next : seen_by_one) add(again, next.time, next.values, next.numbers);
    again.advance(TimeUs{tick * shape.bucket_us});
    if (call.function != Function::Percentile && one.late() == 0) CHECK(again == one);
  }
  CHECK(late > 100);
}

TEST_CASE(
    "windows that are asked together cost what is in the window, not what is in all of them") {
  // Two fingerprints, each with every other minute of 89 days, and a window of an hour.
  const BoundCall count = call_of(Function::Count);
  constexpr int64_t kBefore = 89 * 24 * 60;
  const WindowShape shape{kMinute, 60, static_cast<uint32_t>(kBefore)};
  std::vector<Window> windows(2, Window(shape, count.function));
  for (int64_t at = 0; at < kBefore + 60; ++at) {
    add(windows[static_cast<size_t>(at % 2)], minute(at));
  }
  Window* const both[] = {&windows[0], &windows[1]};
  for (int64_t tick = 0; tick < 1000; ++tick) {  // a join of all buckets: 0.3 s each
    const TimeUs end = minute(kBefore + tick % 60);
    REQUIRE(Window::value_of(both, count, end).number == 60);
    REQUIRE(Window::value_of(both, count, end, true).number == double(tick % 60));
  }
}

TEST_CASE("a window takes no more than its room, and says which times it does not know") {
  const BoundCall count = call_of(Function::Count);
  Window window(kFive, count.function);
  CHECK(window.add(minute(1), minute(1), {}, 32) == Added::Counted);
  CHECK(window.add(minute(1), minute(1), {}, 0) == Added::Counted);  // in the bucket that is there
  CHECK(window.add(minute(4), minute(4), {}, 31) == Added::NotKept);
  CHECK(window.add(minute(6), minute(6), {}, 31) == Added::NotKept);
  CHECK(window.charge() == 32);
  CHECK(window.value(count, minute(4)).number == 2);
  for (int64_t tick = 5; tick <= 11; ++tick) {  // 4 to 6, all of them
    CHECK(window.value(count, minute(tick)).incomplete);
    CHECK_FALSE(window.value(count, minute(tick)).number.has_value());
  }
  CHECK(window.value(count, minute(12)).number == 0);
  window.advance(minute(12));
  CHECK(window.is_as(Window(kFive, count.function)));
}

namespace {

// Of counts with one bucket.
size_t key_charge() {
  KeyedWindows one(kFive, Function::Count, UINT32_MAX);
  one.add({1, FingerprintId{0}}, minute(1), minute(1), {});
  return one.charged_bytes();
}

}  // namespace

TEST_CASE("there is a window for each key, as long as there is room") {
  const BoundCall count = call_of(Function::Count);
  KeyedWindows windows(kFive, count.function, static_cast<uint32_t>(2 * key_charge()));
  const auto at = [&](uint64_t label, int64_t time) {
    return windows.add({label, FingerprintId{0}}, minute(time), minute(7), {});
  };
  const auto value = [&](uint64_t label, int64_t tick) {
    Window* found = &windows.none();
    windows.for_each([&](const WindowKey& key, Window& window) {
      if (key.label == label) found = &window;
    });
    return found->value(count, minute(tick));
  };
  CHECK(at(1, 1) == Added::Counted);
  CHECK(at(2, 3) == Added::Counted);
  CHECK_FALSE(windows.none().value(count, minute(4)).incomplete);
  CHECK_FALSE(at(3, 3).has_value());
  CHECK(windows.refused() == 1);
  CHECK(value(1, 4).number == 1);  // those that are there are exact
  CHECK(value(2, 4).number == 1);
  CHECK(value(3, 4).incomplete);
  windows.advance(minute(7));  // the first one's only bucket goes
  CHECK(windows.size() == 1);
  CHECK_FALSE(windows.has(1));
  CHECK(at(3, 1) == Added::Late);
  CHECK(windows.size() == 1);  // a key of which nothing is counted takes no place
  CHECK(at(3, 7) == Added::Counted);
  CHECK(windows.has(3));
  CHECK(value(3, 8).incomplete);  // one of minute 3 is missing
  CHECK(value(3, 9).number == 1);
  CHECK(value(4, 8).incomplete);
  CHECK(value(4, 9).number == 0);
  CHECK(at(2, 8) == Added::NotKept);  // another bucket
  CHECK(value(2, 8).number == 1);
  CHECK(value(2, 9).incomplete);
  windows.advance(minute(20));
  CHECK(windows.size() == 0);
  CHECK(windows.charged_bytes() == 0);
}

TEST_CASE("keys take no more than they are charged, and are charged no more than there is") {
  size_t refused = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    const BoundCall call = random_call(random);
    const WindowShape shape{kMinute, 5, random() % 2 == 0 ? 20u : 0u};
    constexpr uint32_t kMost = 40'000;
    KeyedWindows windows(shape, call.function, kMost);
    for (int64_t tick = 100; tick < 160; ++tick) {
      for (uint64_t i = random() % 200; i > 0; --i) {
        const WindowKey key{random() % 60, FingerprintId{0}};
        std::vector<uint64_t> values(random() % 4);
        for (uint64_t& value : values) value = random() % 500;
        const std::vector<double> numbers(random() % 4, 1.0);
        const TimeUs time = minute(tick - static_cast<int64_t>(random() % 20));
        windows.add(key, time, minute(tick), {values, numbers});
        REQUIRE(windows.charged_bytes() <= kMost);
      }
      windows.for_each([&](const WindowKey&, Window& window) {
        window.value(call, minute(tick));
        window.value(call, minute(tick), true);
      });
      windows.advance(minute(tick));
      REQUIRE(windows.memory_bytes() <=
              sizeof(windows) + windows.none().charge() + windows.charged_bytes());
    }
    refused += windows.refused();
  }
  CHECK(refused > 1000);
}
