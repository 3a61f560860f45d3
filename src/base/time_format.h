// Times as text: RFC 3339 out, ISO 8601 in.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace cairn {

// "2026-11-21T05:27:44.123456Z"; the fraction is left out when zero, else 3 or 6 digits.
std::string format_time(TimeUs time);

// YYYY-MM-DD, or YYYY-MM-DD(T| )hh:mm[:ss[.f1-9]][Z|+hh:mm|-hh:mm]; UTC when no zone is given.
// nullopt when it is not a date of this form or the date does not exist.
std::optional<TimeUs> parse_time(std::string_view text);

// Rounds to the nearest microsecond. nullopt outside years 1 to 9999 or NaN.
std::optional<TimeUs> time_from_seconds(double epoch_seconds);

}  // namespace cairn
