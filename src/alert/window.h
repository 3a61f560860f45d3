// What is counted for a rule: buckets in event time, of which a window at a tick is a row.
//
//   time   ──┬────┬────┬────┬────┬────┬────►     window at tick T: [T - window, T)
//  buckets   │ 3  │    │ 1  │ 7  │ 2  │           earlier one:     [T - delta - window, T - delta)
//            └────┴────┴────┴────┴────┘
// Only buckets with something in them are kept. One is as wide as every tick, window and delta of
// the rule allow (shape_of), so that windows have their exact borders.
//
// *Lateness.* An occurrence counts in every window that is evaluated after it came. So what comes
// at most L late is in all its windows if ticks are evaluated L after their time; what comes later
// is missing in those evaluated before, which stay as they were logged; and what comes when no
// window to come can hold it is not counted and reported (Added::Late).
//
// *Merges.* A rule whose windows depend on issues keeps one window a fingerprint and asks those it
// wants together at the tick (value_of), as a query does; so nothing moves when issues are merged.
//
// *What there was no room for* is remembered as a range of buckets, from the first to the last of
// them; a window that reaches into it has no value: rather none than a wrong one.
//
// Memory: a window 104 bytes; a bucket of counts 16 bytes, of sums 40, of values 48 and 22 to 43 a
// different value, of percentiles 32 and 8 to 16 a number. Values that were asked for are kept once
// more for the window, and for the earlier one. All of it is at most what charge() says.
// Values; not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <variant>
#include <vector>

#include "alert/rule.h"
#include "alert/value_tally.h"
#include "base/ids.h"
#include "query/binder.h"

namespace cairn::storage {
class RowReader;
class RowWriter;
}  // namespace cairn::storage

namespace cairn::alert {

// Occurrences so far ahead of their record's time are clocks gone wrong; they are not counted.
inline constexpr int64_t kMaxAheadUs = int64_t{24} * 3600 * kMicrosPerSecond;
// Different values a bucket, or numbers, that one window keeps in all its buckets.
inline constexpr size_t kMaxKept = 1u << 20;

struct WindowShape {
  int64_t bucket_us = 0;
  uint32_t buckets = 0;         // of the window
  uint32_t buckets_before = 0;  // from the earlier window's beginning to this one's; 0 = none
  bool operator==(const WindowShape&) const = default;
  uint64_t reach() const { return uint64_t{buckets} + buckets_before; }
};
WindowShape shape_of(const MetricCondition& metric);

// What an occurrence that matches brings along.
struct Observation {
  std::span<const uint64_t> values = {};  // for uniq: equal ones have equal numbers
  std::span<const double> numbers = {};   // for sum, avg, min, max and percentiles
  uint32_t occurrences = 1;               // more than one: without values and numbers
};

enum class Added : uint8_t {
  Counted,
  Late,     // no window to come can hold it
  Early,    // kMaxAheadUs
  NotKept,  // kMaxKept, or no room
};

struct WindowValue {
  std::optional<double> number;  // nullopt: of nothing, or incomplete
  bool incomplete = false;       // not all of it was kept
};

class Window {
 public:
  // Keeps what the function needs.
  Window(const WindowShape& shape, query::BoundCall::Function function);

  // `now` is the time of the record. What brings no value or number along, where these are kept,
  // counts and leaves nothing. `room`: charge() grows by so many bytes at most.
  Added add(TimeUs time, TimeUs now, const Observation& observation, size_t room = SIZE_MAX);
  // One of that time is known not to be in it. Of times no window to come can hold: nothing.
  void lose(TimeUs time);
  // Windows before `tick` will not be asked for any more.
  void advance(TimeUs tick);

  // Of the window that ends at the tick, which lies between two buckets and was not passed by
  // advance(). `earlier`: of the one it is compared with. Precondition: the call's function is this
  // window's.
  WindowValue value(const query::BoundCall& call, TimeUs tick, bool earlier = false);
  // The same of all that these counted. Costs their buckets in the window; percentiles, and values
  // of more than one window, cost what is kept in these. Preconditions: at least one, of the same
  // shape and function.
  static WindowValue value_of(std::span<Window* const> windows, const query::BoundCall& call,
                              TimeUs tick, bool earlier = false);

  // All that was counted, but for floor(), which windows that are kept together share; in
  // window_rows.cc. Whatever else it is asked for is found anew.
  void save(storage::RowWriter& out) const;
  // What it has goes. False: these bytes are no such window, or it needs more room than that. Then
  // it is to be thrown away.
  bool load(storage::RowReader& in, std::optional<int64_t> floor, size_t room);
  // The first bucket that a window to come can need; nullopt: any can.
  std::optional<int64_t> floor() const;
  // What floor() is at least after advance(tick).
  int64_t floor_at(TimeUs tick) const;
  const WindowShape& shape() const { return shape_; }

  bool empty() const;  // nothing is kept
  bool is_blank() const { return empty() && lost_.empty(); }
  // Nothing is kept, and nothing lost but what `none` lost, too.
  bool is_as(const Window& none) const;
  uint64_t late() const { return late_; }
  // Bytes beside itself that it can come to need for what it keeps, the same for the same
  // observations wherever it runs. After an advance() memory_bytes() is at most that and its size.
  size_t charge() const;
  size_t memory_bytes() const;
  // What was counted, and not how it was asked for.
  bool operator==(const Window& other) const {
    return shape_ == other.shape_ && floor_ == other.floor_ && late_ == other.late_ &&
           lost_ == other.lost_ && rings_ == other.rings_;
  }

 private:
  using Function = query::BoundCall::Function;
  struct Counts {
    int64_t index = 0;
    uint64_t count = 0;
    bool operator==(const Counts&) const = default;
  };
  struct Sums {
    int64_t index = 0;
    uint64_t count = 0;
    double sum = 0;
    double min = 0;
    double max = 0;
    bool operator==(const Sums&) const = default;
  };
  struct Values {
    int64_t index = 0;
    ValueTally tally;
    bool operator==(const Values&) const = default;
  };
  struct Numbers {
    int64_t index = 0;
    std::vector<double> numbers;
    bool operator==(const Numbers&) const = default;
  };
  template <class Bucket>
  using Ring = std::vector<Bucket>;  // ascending by index
  using Rings = std::variant<Ring<Counts>, Ring<Sums>, Ring<Values>, Ring<Numbers>>;
  struct Rows;  // buckets as bytes
  // What charge() takes for a bucket: a vector is at most half empty (advance).
  template <class Bucket>
  static constexpr size_t kBucketBytes = 2 * sizeof(Bucket) +
                                         (std::is_same_v<Bucket, Values> ? ValueTally::kLeast : 0);
  static constexpr size_t kNumberBytes = 2 * sizeof(double);

  // The values in a row of buckets, each with the number of buckets that have it: moved along with
  // the ticks, so that one costs what comes in and goes out.
  struct Roll {
    int64_t begin = 0;
    int64_t end = 0;
    ValueTally tally;
  };
  static constexpr size_t kRollBytes = sizeof(Roll) + ValueTally::kLeast;
  // Indexes of buckets: [begin, end).
  struct Range {
    int64_t begin = 0;
    int64_t end = 0;
    bool operator==(const Range&) const = default;
    bool empty() const { return begin >= end; }
    bool meets(const Range& other) const {
      return std::max(begin, other.begin) < std::min(end, other.end);
    }
  };

  static Rings rings_for(Function function);
  int64_t index_of(TimeUs time) const;
  // nullptr: there is no room for another one.
  template <class Bucket>
  Bucket* bucket_at(Ring<Bucket>& ring, int64_t index, size_t& room);
  template <class Bucket>
  static std::span<const Bucket> part(const Ring<Bucket>& ring, Range range);
  template <class Bucket>
  std::span<const Bucket> part(Range range) const {
    return part(std::get<Ring<Bucket>>(rings_), range);
  }
  // False: not all of it could be kept.
  bool put(Ring<Counts>& ring, int64_t index, const Observation& observation, size_t room);
  bool put(Ring<Sums>& ring, int64_t index, const Observation& observation, size_t room);
  bool put(Ring<Values>& ring, int64_t index, const Observation& observation, size_t room);
  bool put(Ring<Numbers>& ring, int64_t index, const Observation& observation, size_t room);
  bool put_value(Values& bucket, uint64_t value, size_t& room);
  size_t value_bytes() const;
  void lose(int64_t index);
  static WindowValue counted(std::span<Window* const> windows, const query::BoundCall& call,
                             Range range);
  static WindowValue summed(std::span<Window* const> windows, Function function, Range range);
  static WindowValue ranked(std::span<Window* const> windows, uint32_t per_million, Range range);
  static WindowValue different(std::span<Window* const> windows, Range range, bool earlier);
  template <class Bucket>
  void forget(const Bucket& bucket);
  static void move(const Ring<Values>& ring, Roll& roll, Range range);

  WindowShape shape_;
  int64_t floor_;  // buckets below are gone
  uint32_t late_ = 0;
  uint32_t kept_ = 0;  // values and numbers in all buckets
  Range lost_;         // not all in it was kept
  Rings rings_;
  std::vector<Roll> rolls_;  // of values: the window's and the earlier one's
};

// How many percent; nullopt when there is nothing, or zero, to be a part of.
std::optional<double> percent_of(const WindowValue& part, const WindowValue& whole);

// The multiple of `step` at or below, as ticks and buckets are aligned to. Precondition: step > 0.
constexpr int64_t floor_to(int64_t value, int64_t step) {
  const int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

}  // namespace cairn::alert
