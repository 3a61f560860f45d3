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
bool compare(double left, Op op, double right);

// What `op text` allows as a time. A day means the whole UTC day; a date with a time of day means
// from 5 minutes before to 6 after (as in the field); with > >= < <= both mean their instant;
// -24h is at or after `now` - 24 h, +3d at or before `now` - 3 d (units m h d w).
// Errors: InvalidArgument with the value's position.
Result<TimeRange> parse_time_test(const Value& value, Op op, TimeUs now);

// InvalidArgument at the beginning of a span.
Error invalid_at(Span at, std::string message);

}  // namespace cairn::query
