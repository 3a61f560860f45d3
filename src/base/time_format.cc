#include "base/time_format.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

namespace cairn {
namespace {

constexpr int64_t kSecondsPerDay = 86'400;

constexpr int64_t days_from_civil(int year, unsigned month, unsigned day) {
  namespace chr = std::chrono;
  const chr::year_month_day date{chr::year{year}, chr::month{month}, chr::day{day}};
  return chr::sys_days{date}.time_since_epoch().count();
}

constexpr int64_t kFirstSecond = days_from_civil(1, 1, 1) * kSecondsPerDay;
constexpr int64_t kEndSecond = days_from_civil(10'000, 1, 1) * kSecondsPerDay;

// Cursor over the text; every step consumes input or fails without consuming.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }

  bool take(char expected) {
    if (text_.empty() || text_.front() != expected) return false;
    text_.remove_prefix(1);
    return true;
  }

  // Exactly `count` decimal digits.
  std::optional<int> digits(int count) {
    if (text_.size() < static_cast<size_t>(count)) return std::nullopt;
    int value = 0;
    for (int i = 0; i < count; ++i) {
      const char c = text_[static_cast<size_t>(i)];
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    text_.remove_prefix(static_cast<size_t>(count));
    return value;
  }

  // 1 to 9 digits of a fraction as microseconds; what is below one microsecond is dropped, so
  // that 23:59:59.9999999 stays in its day.
  std::optional<int> fraction_us() {
    int value = 0;
    size_t n = 0;
    for (; n < text_.size() && text_[n] >= '0' && text_[n] <= '9'; ++n) {
      if (n < 6) value = value * 10 + (text_[n] - '0');
    }
    if (n == 0 || n > 9) return std::nullopt;
    text_.remove_prefix(n);
    for (; n < 6; ++n) value *= 10;
    return value;
  }

 private:
  std::string_view text_;
};

std::optional<int64_t> parse_days(Scanner& in) {
  const auto year = in.digits(4);
  if (!year || !in.take('-')) return std::nullopt;
  const auto month = in.digits(2);
  if (!month || !in.take('-')) return std::nullopt;
  const auto day = in.digits(2);
  if (!day || *year < 1) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date}.time_since_epoch().count();
}

// hh:mm[:ss[.fraction]] as microseconds since midnight.
std::optional<int64_t> parse_time_of_day(Scanner& in) {
  const auto hour = in.digits(2);
  if (!hour || *hour > 23 || !in.take(':')) return std::nullopt;
  const auto minute = in.digits(2);
  if (!minute || *minute > 59) return std::nullopt;
  int second = 0;
  int fraction = 0;
  if (in.take(':')) {
    const auto seconds = in.digits(2);
    if (!seconds || *seconds > 59) return std::nullopt;
    second = *seconds;
    if (in.take('.')) {
      const auto micros = in.fraction_us();
      if (!micros) return std::nullopt;
      fraction = *micros;
    }
  }
  return (*hour * 3600 + *minute * 60 + second) * kMicrosPerSecond + fraction;
}

// Seconds east of UTC; no zone means UTC.
std::optional<int64_t> parse_zone(Scanner& in) {
  if (in.done() || in.take('Z')) return 0;
  const bool east = in.take('+');
  if (!east && !in.take('-')) return std::nullopt;
  const auto hours = in.digits(2);
  if (!hours || *hours > 23 || !in.take(':')) return std::nullopt;
  const auto minutes = in.digits(2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const int64_t offset = *hours * 3600 + *minutes * 60;
  return east ? offset : -offset;
}

bool in_range(int64_t time_us) {
  return time_us >= kFirstSecond * kMicrosPerSecond && time_us < kEndSecond * kMicrosPerSecond;
}

}  // namespace

std::string format_time(TimeUs time) {
  namespace chr = std::chrono;
  const chr::sys_time<chr::microseconds> point{chr::microseconds{raw(time)}};
  const auto day = chr::floor<chr::days>(point);
  const chr::year_month_day date{day};
  const chr::hh_mm_ss clock{point - day};
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  const int64_t fraction = clock.subseconds().count();
  if (fraction % 1000 != 0) {
    out += fmt::format(".{:06}", fraction);
  } else if (fraction != 0) {
    out += fmt::format(".{:03}", fraction / 1000);
  }
  out += 'Z';
  return out;
}

std::optional<TimeUs> parse_time(std::string_view text) {
  Scanner in(text);
  const auto days = parse_days(in);
  if (!days) return std::nullopt;
  int64_t time_us = *days * kSecondsPerDay * kMicrosPerSecond;
  if (!in.done()) {
    if (!in.take('T') && !in.take(' ')) return std::nullopt;
    const auto time_of_day = parse_time_of_day(in);
    if (!time_of_day) return std::nullopt;
    const auto zone = parse_zone(in);
    if (!zone || !in.done()) return std::nullopt;
    time_us += *time_of_day - *zone * kMicrosPerSecond;
  }
  if (!in_range(time_us)) return std::nullopt;
  return TimeUs{time_us};
}

std::optional<TimeUs> time_from_seconds(double epoch_seconds) {
  // Written so that NaN fails.
  if (!(epoch_seconds >= static_cast<double>(kFirstSecond) &&
        epoch_seconds < static_cast<double>(kEndSecond))) {
    return std::nullopt;
  }
  // Whole seconds apart from the fraction: the product of the two would lose the last digit.
  const double whole = std::floor(epoch_seconds);
  const int64_t time_us =
      static_cast<int64_t>(whole) * kMicrosPerSecond + std::llround((epoch_seconds - whole) * 1e6);
  if (!in_range(time_us)) return std::nullopt;
  return TimeUs{time_us};
}

}  // namespace cairn
