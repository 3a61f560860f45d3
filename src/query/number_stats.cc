#include "query/number_stats.h"

#include <algorithm>
#include <cmath>

namespace cairn::query {

double NumberStats::answer(const BoundCall& call) {
  using Function = BoundCall::Function;
  if (call.function == Function::Sum) return sum_;
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  switch (call.function) {
    case Function::Avg:
      return sum_ / static_cast<double>(count_);
    case Function::Min:
      return min_;
    case Function::Max:
      return max_;
    default:
      return percentile(call.per_million);
  }
}

double NumberStats::percentile(uint64_t per_million) {
  constexpr uint64_t kMillion = 1'000'000;  // whole numbers, as 0.07 of 100 is a little above 7
  const uint64_t rank = (per_million * numbers_.size() + kMillion - 1) / kMillion;
  const auto nth = numbers_.begin() + static_cast<ptrdiff_t>(std::max<uint64_t>(rank, 1)) - 1;
  std::nth_element(numbers_.begin(), nth, numbers_.end());
  return *nth;
}

}  // namespace cairn::query
