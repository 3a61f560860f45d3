// Numbers and times in buckets of one width, every bucket from the first number to the last.
// Thread: any; borrows its arguments for the call.
#pragma once

#include <cstdint>
#include <vector>

#include "query/binder.h"
#include "query/part_match.h"
#include "query/table_builder.h"
#include "query/view.h"

namespace cairn::query {

// Buckets of the width 1, 2 or 5 times a power of ten, the narrowest that needs no more than
// `buckets` of them, and 1 at least when all numbers are whole. Bucket i begins at edge(i), which
// is the number next to its decimal form, and ends before edge(i + 1).
class NumberScale {
 public:
  // Precondition: min <= max, both finite; buckets >= 2.
  NumberScale(double min, double max, bool whole, uint32_t buckets);

  double edge(int64_t bucket) const;
  int64_t bucket_of(double number) const;

 private:
  bool fits(double min, double max, uint32_t buckets) const;

  int64_t digit_ = 1;      // 1, 2 or 5
  bool fraction_ = false;  // the width is digit / power instead of digit * power
  double power_ = 1;
};

// The same of times: 1, 2, 5, 10, 15 or 30 seconds or minutes, 1, 2, 3, 6 or 12 hours, 1 or 2
// days, weeks, and twice as many again and again. Buckets begin at multiples since 1970, UTC.
int64_t time_bucket_us(TimeUs min, TimeUs max, uint32_t buckets);

// Rows of from, to and count. An occurrence with several numbers counts for each; what is no number
// does not count. Errors: Corruption, Io (of the dictionary); Closed, Exhausted (of the meter).
Result<RowSet> histogram_rows(const View& view, const BoundHistogram& histogram,
                              const std::vector<PartMatch>& parts);

}  // namespace cairn::query
