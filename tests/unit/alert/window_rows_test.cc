#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "alert/keyed_windows.h"
#include "alert/window.h"
#include "storage/coding.h"

using namespace cairn;
using namespace cairn::alert;
using storage::RowReader;
using storage::RowWriter;
using Function = query::BoundCall::Function;

namespace {

constexpr int64_t kMinute = 60 * kMicrosPerSecond;
constexpr WindowShape kFive{kMinute, 5, 0};
constexpr size_t kRoom = 1u << 20;
TimeUs minute(int64_t n) { return TimeUs{n * kMinute}; }

using Write = std::function<void(RowWriter&)>;

// Whether a window can be so.
bool loads(Function function, const Write& write, std::optional<int64_t> floor = 100,
           size_t room = kRoom) {
  RowWriter out;
  write(out);
  Window window(kFive, function);
  RowReader in(storage::as_byte_span(out.bytes()));
  if (!window.load(in, floor, room)) return false;
  RowWriter again;
  window.save(again);
  CHECK(in.done());
  CHECK(again.bytes() == out.bytes());
  CHECK(window.charge() <= room);
  return true;
}

void number(RowWriter& out, double value) { out.append({reinterpret_cast<char*>(&value), 8}); }

constexpr uint64_t buckets(uint64_t n) { return n << 2; }

}  // namespace

TEST_CASE("windows come back as they were") {
  for (const Function function :
       {Function::Count, Function::Uniq, Function::Avg, Function::Percentile}) {
    for (const bool moved : {false, true}) {
      Window window(kFive, function);
      if (moved) window.advance(minute(-2));
      const uint64_t values[] = {7, UINT64_MAX, 7, 0};
      const double numbers[] = {2.5, -0.0, std::numeric_limits<double>::infinity(), 1e-300};
      for (const int64_t at : {3, -4, 3, -40})
        window.add(minute(at), minute(at), {values, numbers});
      window.add(minute(5), minute(5), {values, numbers}, /*room=*/0);
      RowWriter out;
      window.save(out);
      Window loaded(kFive, function);
      RowReader in(storage::as_byte_span(out.bytes()));
      REQUIRE(loaded.load(in, window.floor(), kRoom));
      CHECK(in.done());
      CHECK(loaded == window);
      CHECK(loaded.charge() == window.charge());
      CHECK(loaded.late() == (moved ? 1 : 0));
      CHECK(loaded.floor() == (moved ? std::optional<int64_t>(-7) : std::nullopt));
      // What was in it goes.
      RowReader twice(storage::as_byte_span(out.bytes()));
      REQUIRE(loaded.load(twice, window.floor(), kRoom));
      CHECK(loaded == window);
      CHECK(loaded.charge() == window.charge());
    }
  }
}

TEST_CASE("no window has counts of nothing, or buckets out of order or reach") {
  const auto one = [](int64_t step, uint64_t count) {
    return [=](RowWriter& out) { out.varint(buckets(1)).zigzag(step).varint(count); };
  };
  const auto two = [](uint64_t step) {
    return
        [=](RowWriter& out) { out.varint(buckets(2)).zigzag(3).varint(1).varint(step).varint(1); };
  };
  CHECK(loads(Function::Count, [](RowWriter& out) { out.varint(0); }));
  CHECK(loads(Function::Count, one(0, 1)));
  CHECK_FALSE(loads(Function::Count, one(0, 0)));
  CHECK_FALSE(loads(Function::Count, one(-1, 1)));  // below the floor
  CHECK(loads(Function::Count, one(-1, 1), std::nullopt));
  CHECK(loads(Function::Count, two(1)));
  CHECK_FALSE(loads(Function::Count, two(0)));
  CHECK_FALSE(loads(Function::Count, two(static_cast<uint64_t>(-1))));
  // No time is there.
  constexpr int64_t kLast = std::numeric_limits<int64_t>::max() / kMinute;
  CHECK(loads(Function::Count, one(kLast, 1), std::nullopt));
  CHECK_FALSE(loads(Function::Count, one(kLast + 1, 1), std::nullopt));
  CHECK_FALSE(loads(Function::Count, two(kLast), std::nullopt));
  CHECK_FALSE(loads(Function::Count, one(-kLast - 2, 1), std::nullopt));
  CHECK_FALSE(loads(Function::Count, one(0, 1), kLast));
  CHECK_FALSE(loads(Function::Count, one(0, 1), std::numeric_limits<int64_t>::min()));
  // More than there are bytes for.
  CHECK_FALSE(loads(Function::Count, [](RowWriter& out) { out.varint(buckets(1000)).zigzag(0); }));
}

TEST_CASE("no window was late or lacks something for nothing") {
  const auto late = [](uint64_t times) {
    return [=](RowWriter& out) { out.varint(2).varint(times); };
  };
  const auto lost = [](int64_t begin, uint64_t length) {
    return [=](RowWriter& out) { out.varint(1).zigzag(begin).varint(length); };
  };
  CHECK(loads(Function::Count, late(UINT32_MAX)));
  CHECK_FALSE(loads(Function::Count, late(0)));
  CHECK_FALSE(loads(Function::Count, late(uint64_t{UINT32_MAX} + 1)));
  CHECK(loads(Function::Count, lost(0, 1)));
  CHECK_FALSE(loads(Function::Count, lost(0, 0)));
  CHECK_FALSE(loads(Function::Count, lost(-1, 2)));
  CHECK_FALSE(loads(Function::Count, lost(0, UINT64_MAX)));
  CHECK_FALSE(loads(Function::Count, lost(0, uint64_t{1} << 62)));
}

TEST_CASE("no window has numbers that are none, or a least above the most") {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const auto sums = [](uint64_t count, double least, double most) {
    return [=](RowWriter& out) {
      out.varint(buckets(1)).zigzag(0).varint(count);
      for (const double value : {3.0, least, most}) number(out, value);
    };
  };
  CHECK(loads(Function::Sum, sums(2, 1, 2)));
  CHECK_FALSE(loads(Function::Sum, sums(0, 1, 2)));
  CHECK_FALSE(loads(Function::Sum, sums(2, 2, 1)));
  CHECK_FALSE(loads(Function::Sum, sums(2, kNan, 2)));
  CHECK_FALSE(loads(Function::Sum, sums(2, 1, kNan)));
  const auto numbers = [](double value) {
    return [=](RowWriter& out) {
      out.varint(buckets(1)).zigzag(0).varint(1);
      number(out, value);
    };
  };
  CHECK(loads(Function::Percentile, numbers(std::numeric_limits<double>::infinity())));
  CHECK_FALSE(loads(Function::Percentile, numbers(kNan)));
}

TEST_CASE("values are told in order, each as often as it was met") {
  const auto values = [](std::vector<std::pair<uint64_t, uint64_t>> steps) {
    return [=](RowWriter& out) {
      out.varint(buckets(1)).zigzag(0).varint(steps.size());
      for (const auto& [step, count] : steps) out.varint(step).varint(count);
    };
  };
  CHECK(loads(Function::Uniq, values({})));  // for all there was no room
  CHECK(loads(Function::Uniq, values({{0, 1}, {5, UINT32_MAX}, {UINT64_MAX - 5, 1}})));
  CHECK_FALSE(loads(Function::Uniq, values({{0, 1}, {0, 1}})));
  CHECK_FALSE(loads(Function::Uniq, values({{5, 1}, {UINT64_MAX, 1}})));
  CHECK_FALSE(loads(Function::Uniq, values({{0, 0}})));
  CHECK_FALSE(loads(Function::Uniq, values({{0, uint64_t{UINT32_MAX} + 1}})));
}

TEST_CASE("a window that needs more room than there is is not loaded") {
  for (const Function function :
       {Function::Count, Function::Uniq, Function::Avg, Function::Percentile}) {
    Window window(kFive, function);
    const uint64_t values[] = {1, 2, 3};
    const double numbers[] = {1, 2, 3};
    for (int64_t at = 0; at < 4; ++at) window.add(minute(at), minute(at), {values, numbers});
    RowWriter out;
    window.save(out);
    for (const size_t less : {0, 1}) {
      Window loaded(kFive, function);
      RowReader in(storage::as_byte_span(out.bytes()));
      CHECK(loaded.load(in, std::nullopt, window.charge() - less) == (less == 0));
    }
  }
}

TEST_CASE("a window of values needs room for what it is asked, too") {
  const Write empty = [](RowWriter& out) { out.varint(0); };
  const size_t least = Window(kFive, Function::Uniq).charge();
  CHECK(loads(Function::Uniq, empty, 100, least));
  CHECK_FALSE(loads(Function::Uniq, empty, 100, least - 1));
  CHECK(loads(Function::Count, empty, 100, 0));
}

TEST_CASE("a window keeps no more values and numbers than kMaxKept, also when it is loaded") {
  for (const Function function : {Function::Uniq, Function::Percentile}) {
    for (const size_t more : {0, 1}) {
      INFO(more);
      const Write write = [&](RowWriter& out) {
        out.varint(buckets(2)).zigzag(0);
        for (const size_t size : {kMaxKept - 1, 1 + more}) {
          if (size != kMaxKept - 1) out.varint(1);
          out.varint(size);
          for (size_t i = 0; i < size; ++i) {
            if (function == Function::Uniq) out.varint(1).varint(1);
            if (function == Function::Percentile) number(out, 1);
          }
        }
      };
      CHECK(loads(function, write, 100, SIZE_MAX / 2) == (more == 0));
    }
  }
}

TEST_CASE("keys come in order, each with something to tell, and within what there is room for") {
  RowWriter none;
  none.varint(0);
  RowWriter one;
  one.varint(buckets(1)).zigzag(0).varint(1);
  const auto reader = [](const RowWriter& row) {
    return RowReader(storage::as_byte_span(row.bytes()));
  };
  KeyedWindows windows(kFive, Function::Count, 1000);
  {
    RowReader in = reader(one);
    CHECK_FALSE(KeyedWindows(windows).load_none(in, {}, 0));  // an absent key counted nothing
  }
  RowWriter late;
  late.varint(2).varint(1);
  {
    RowReader in = reader(late);
    CHECK_FALSE(KeyedWindows(windows).load_none(in, {}, 0));  // and was given nothing
  }
  {
    RowReader in = reader(none);
    REQUIRE(windows.load_none(in, 7, 3));
  }
  CHECK(windows.refused() == 3);
  CHECK(windows.none().floor() == 7);
  const auto load = [&](const RowWriter& row, uint64_t label, uint32_t fingerprint,
                        size_t key_bytes = 0) {
    RowReader in = reader(row);
    return windows.load_key(in, {label, FingerprintId{fingerprint}}, key_bytes);
  };
  CHECK_FALSE(load(none, 1, 1));
  CHECK(load(one, 1, 2));
  CHECK_FALSE(load(one, 1, 2));
  CHECK_FALSE(load(one, 1, 1));
  CHECK_FALSE(load(one, 0, 3));
  CHECK_FALSE(load(one, 2, 0, 900));
  CHECK(load(one, 2, 0));
  CHECK(windows.size() == 2);
  CHECK(windows.charged_bytes() <= 1000);
}
