#include "query/value_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/ascii.h"
#include "base/time_format.h"

namespace cairn::query {
namespace {

constexpr int64_t kMinute = 60 * kMicrosPerSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

TimeUs after(TimeUs time, int64_t us) { return TimeUs{raw(time) + us}; }

std::optional<int64_t> unit_us(char unit) {
  switch (unit) {
    case 'm':
      return kMinute;
    case 'h':
      return kHour;
    case 'd':
      return kDay;
    case 'w':
      return 7 * kDay;
    default:
      return std::nullopt;
  }
}

bool is_relative(std::string_view text) {
  return text.size() >= 3 && (text[0] == '-' || text[0] == '+') && text[1] >= '0' &&
         text[1] <= '9' && unit_us(text.back());
}

// "-24": of what?
bool lacks_unit(std::string_view text) {
  return text.size() >= 2 && (text[0] == '-' || text[0] == '+') &&
         text.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

// Distance back from now, or nullopt when it is no number or leads out of the range of times.
std::optional<TimeUs> relative_instant(std::string_view text, TimeUs now) {
  const std::string_view digits = text.substr(1, text.size() - 2);
  int64_t count = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  int64_t distance = 0;
  int64_t instant = 0;
  if (__builtin_mul_overflow(count, *unit_us(text.back()), &distance)) return std::nullopt;
  if (__builtin_sub_overflow(raw(now), distance, &instant)) return std::nullopt;
  return TimeUs{instant};
}

TimeRange exact_range(TimeUs time, bool whole_day) {
  if (whole_day) return {time, after(time, kDay)};
  return {after(time, -5 * kMinute), after(time, 6 * kMinute)};
}

}  // namespace

Error invalid_at(Span at, std::string message) {
  return Error{ErrorCode::InvalidArgument, std::move(message), at.begin};
}

Error not_a_number(const Value& value) {
  return invalid_at(
      value.at, "\"" + value.text + "\" is no number: expected one like 100, 1.5, 10k, 2m or 1b.");
}

Error not_a_quantity(const Value& value) {
  return invalid_at(value.at, "\"" + value.text +
                                  "\" is no number: expected one like 100, 1.5, 10k, 250ms, 2.5mb "
                                  "or 12%.");
}

std::optional<int64_t> parse_period(std::string_view text) {
  constexpr int64_t kMostUs = 100 * 366 * kDay;
  if (text.size() < 2) return std::nullopt;
  const std::optional<int64_t> unit =
      text.back() == 's' ? std::optional(kMicrosPerSecond) : unit_us(text.back());
  int64_t count = 0;
  const char* const end = text.data() + text.size() - 1;
  const auto parsed = std::from_chars(text.data(), end, count);
  if (!unit || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  if (count <= 0 || count > kMostUs / *unit) return std::nullopt;
  return count * *unit;
}

bool has_form_of_period(std::string_view text) {
  const size_t unit = text.find_first_not_of("0123456789");
  if (text.empty() || unit == 0 || unit + 1 != text.size()) return false;
  return text.back() == 's' || unit_us(text.back());
}

TimeRange intersect(const TimeRange& a, const TimeRange& b) {
  return {std::max(a.begin, b.begin), std::min(a.end, b.end)};
}

std::optional<double> parse_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double factor = 1;
  switch (text.back()) {
    case 'k':
    case 'K':
      factor = 1e3;
      break;
    case 'm':
    case 'M':
      factor = 1e6;
      break;
    case 'b':
    case 'B':
      factor = 1e9;
      break;
    default:
      break;
  }
  if (factor != 1) text.remove_suffix(1);
  if (text.empty()) return std::nullopt;
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(number)) return std::nullopt;
  return number * factor;
}

namespace {

struct Unit {
  std::string_view name;
  double factor;
};
constexpr std::array kUnits = {
    Unit{"ms", 1},       Unit{"s", 1e3},      Unit{"min", 6e4},    Unit{"hr", 3.6e6},
    Unit{"h", 3.6e6},    Unit{"day", 8.64e7}, Unit{"d", 8.64e7},   Unit{"wk", 6.048e8},
    Unit{"w", 6.048e8},  Unit{"bit", 0.125},  Unit{"nibble", 0.5}, Unit{"byte", 1},
    Unit{"kb", 1e3},     Unit{"mb", 1e6},     Unit{"gb", 1e9},     Unit{"tb", 1e12},
    Unit{"pb", 1e15},    Unit{"eb", 1e18},    Unit{"zb", 1e21},    Unit{"yb", 1e24},
    Unit{"kib", 0x1p10}, Unit{"mib", 0x1p20}, Unit{"gib", 0x1p30}, Unit{"tib", 0x1p40},
    Unit{"pib", 0x1p50}, Unit{"eib", 0x1p60}, Unit{"zib", 0x1p70}, Unit{"yib", 0x1p80},
    Unit{"%", 0.01}};

}  // namespace

std::optional<double> parse_quantity(std::string_view text) {
  if (const auto number = parse_number(text)) return number;
  const size_t digits = text.find_last_of("0123456789.");
  if (digits == std::string_view::npos) return std::nullopt;
  const std::string unit = lower_ascii(text.substr(digits + 1));
  const auto found =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& one) { return one.name == unit; });
  const auto number = parse_number(text.substr(0, digits + 1));
  if (found == kUnits.end() || !number) return std::nullopt;
  return *number * found->factor;
}

bool compare(double left, Op op, double right) {
  switch (op) {
    case Op::Greater:
      return left > right;
    case Op::GreaterEqual:
      return left >= right;
    case Op::Less:
      return left < right;
    case Op::LessEqual:
      return left <= right;
    case Op::NotEqual:
      return left != right;
    default:
      return left == right;
  }
}

namespace {

Error no_instant(const Value& value) {
  const std::string& text = value.text;
  const bool whole = text.find_first_not_of("0123456789", 1) == text.size() - 1;
  if (whole) return invalid_at(value.at, "The date \"" + text + "\" is too far away.");
  return invalid_at(value.at, "\"" + text +
                                  "\" is no date: relative dates take whole numbers, for instance "
                                  "-90m.");
}

}  // namespace

Result<TimeRange> parse_time_test(const Value& value, Op op, TimeUs now) {
  const std::string& text = value.text;
  if (is_relative(text)) {
    if (op != Op::Equal) {
      return invalid_at(value.at, "The relative date \"" + text +
                                      "\" takes no comparison: -24h means at or after 24 hours "
                                      "ago, +24h at or before 24 hours ago.");
    }
    const auto instant = relative_instant(text, now);
    if (!instant) return no_instant(value);
    TimeRange range;
    if (text[0] == '-') {
      range.begin = *instant;
    } else {
      range.end = after(*instant, 1);
    }
    return range;
  }
  const auto time = value.pattern.empty() ? parse_time(text) : std::nullopt;
  if (!time) {
    return invalid_at(value.at, "\"" + text +
                                    "\" is no date: expected one like 2026-11-21, "
                                    "2026-11-21T05:27:44Z, -24h or +3d." +
                                    (lacks_unit(text) ? " A unit is missing, as in " + text +
                                                            "h for hours: m, h, d or w."
                                                      : ""));
  }
  TimeRange range;
  switch (op) {
    case Op::Greater:
      range.begin = after(*time, 1);
      return range;
    case Op::GreaterEqual:
      range.begin = *time;
      return range;
    case Op::Less:
      range.end = *time;
      return range;
    case Op::LessEqual:
      range.end = after(*time, 1);
      return range;
    default:
      return exact_range(*time, text.size() == std::string_view("2026-11-21").size());
  }
}

}  // namespace cairn::query
