// What calls such as sum(FIELD) and p95(FIELD) say of the numbers under one row of a table. Values;
// not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "query/binder.h"

namespace cairn::query {

class NumberStats {
 public:
  // `keep`: percentiles will be asked for, which takes 8 bytes a number.
  void add(double number, bool keep) {
    ++count_;
    sum_ += number;
    min_ = std::min(min_, number);
    max_ = std::max(max_, number);
    if (keep) numbers_.push_back(number);
  }

  // NaN without numbers, but for the sum, which is 0. Percentiles are exact: the smallest number
  // that at least such a fraction of all is not above (nearest rank).
  double answer(const BoundCall& call);

 private:
  double percentile(uint64_t per_million);

  uint64_t count_ = 0;
  double sum_ = 0;
  double min_ = std::numeric_limits<double>::infinity();
  double max_ = -std::numeric_limits<double>::infinity();
  std::vector<double> numbers_;
};

}  // namespace cairn::query
