// Values of typed fields: dates and numbers as people write them. Pure; thread: any.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "query/ast.h"

namespace cairn::query {

// Half open: [begin, end).
struct TimeRange {
  TimeUs begin{std::numeric_limits<int64_t>::min()};
  TimeUs end{std::numeric_limits<int64_t>::max()};

  bool contains(TimeUs time) const { return time >= begin && time < end; }
  bool unbounded() const {
    return raw(begin) == std::numeric_limits<int64_t>::min() &&
           raw(end) == std::numeric_limits<int64_t>::max();
  }
  bool operator==(const TimeRange&) const = default;
};
TimeRange intersect(const TimeRange& a, const TimeRange& b);

// 12, 1.5, 10k, 2M, 1b; letters in any case. nullopt: no such number.
std::optional<double> parse_number(std::string_view text);
// A number as above, or with a unit: a duration in milliseconds (ms s min hr h day d wk w), a size
// in bytes (bit nibble byte kb mb gb tb pb eb zb yb, kib ... yib), a percentage as a fraction
// (12%). Units in any case; m and b are million and billion. nullopt: none of them.
std::optional<double> parse_quantity(std::string_view text);
bool compare(double left, Op op, double right);

// What `op text` allows as a time. A day means the whole UTC day; a date with a time of day means
// from 5 minutes before to 6 after (as in the field); with > >= < <= both mean their instant;
// -24h is at or after `now` - 24 h, +3d at or before `now` - 3 d (units m h d w).
// Errors: InvalidArgument with the value's position.
Result<TimeRange> parse_time_test(const Value& value, Op op, TimeUs now);

// 30s, 5m, 1h, 7d, 2w in microseconds; nullopt: none of it, nothing, or more than 100 years.
std::optional<int64_t> parse_period(std::string_view text);
// Digits and a unit, whatever their number.
bool has_form_of_period(std::string_view text);

// InvalidArgument at the beginning of a span.
Error invalid_at(Span at, std::string message);
Error not_a_number(const Value& value);    // where parse_number() reads
Error not_a_quantity(const Value& value);  // where parse_quantity() does

}  // namespace cairn::query
