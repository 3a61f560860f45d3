#include "query/meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace cairn::query {
namespace {

constexpr const char* kNarrow =
    " Narrow it (a shorter time, one project, a rarer value), or raise the limit with ";

}  // namespace

Meter::Meter(const Control& control)
    : control_(control),
      cancelled_(control.cancelled),
      begin_(now()),
      rows_left_(control.budget.rows_examined == 0 ? std::numeric_limits<uint64_t>::max()
                                                   : control.budget.rows_examined),
      next_look_(control.steps_per_look) {}

void Meter::look_at_time() {
  next_look_ = steps_ + control_.steps_per_look;
  if (control_.budget.time_us == 0 || control_.clock == nullptr) return;
  if (raw(control_.clock->now()) - raw(begin_) > control_.budget.time_us) stop(Stop::Time);
}

void Meter::hold(uint64_t bytes) {
  held_ += bytes;
  most_held_ = std::max(most_held_, held_);
  const uint64_t most = control_.budget.memory_bytes;
  if (most != 0 && held_ > most) stop(Stop::Memory);
}

void Meter::returned(uint64_t rows) {
  const uint64_t most = control_.budget.rows_returned;
  if (most != 0 && rows > most) stop(Stop::Returned);
}

Result<void> Meter::check() {
  if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) stop(Stop::Cancelled);
  look_at_time();
  const Budget& budget = control_.budget;
  switch (stopped_) {
    case Stop::None:
      return {};
    case Stop::Cancelled:
      return make_error(ErrorCode::Closed, "The query was cancelled.");
    case Stop::Time:
      return make_error(ErrorCode::Exhausted,
                        fmt::format("The query took longer than its limit of {}.{}--timeout.",
                                    format_limit_time(budget.time_us), kNarrow));
    case Stop::Memory:
      return make_error(ErrorCode::Exhausted,
                        fmt::format("The query needs more memory than its limit of {}.{}"
                                    "--max-memory.",
                                    format_limit_bytes(budget.memory_bytes), kNarrow));
    case Stop::Rows:
      return make_error(ErrorCode::Exhausted,
                        fmt::format("The query has to read more than its limit of {} occurrences."
                                    "{}--max-examined.",
                                    budget.rows_examined, kNarrow));
    case Stop::Returned:
      break;
  }
  return make_error(ErrorCode::Exhausted,
                    fmt::format("The answer has more than its limit of {} rows.{}--max-rows.",
                                budget.rows_returned, kNarrow));
}

std::string format_limit_bytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  while (unit + 1 < std::size(kUnits) && bytes >= 1024 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{} {}", bytes, kUnits[unit]);
}

std::string format_limit_time(int64_t us) {
  if (us % 1'000'000 == 0) return fmt::format("{} s", us / 1'000'000);
  if (us % 1000 == 0) return fmt::format("{} ms", us / 1000);
  return fmt::format("{} us", us);
}

}  // namespace cairn::query
