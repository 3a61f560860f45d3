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
      return percentile(call.fraction);
  }
}

double NumberStats::percentile(double fraction) {
  const double rank = std::ceil(fraction * static_cast<double>(numbers_.size()));
  const auto nth = numbers_.begin() + static_cast<ptrdiff_t>(std::max(rank, 1.0)) - 1;
  std::nth_element(numbers_.begin(), nth, numbers_.end());
  return *nth;
}

}  // namespace cairn::query
