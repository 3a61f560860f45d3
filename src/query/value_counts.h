// How often each value of a field is among matches: by postings, or by columns where that is
// cheaper. Exact.
//
// Thread: any; borrows its arguments for the call.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"
#include "query/part_match.h"

namespace cairn::query {

// Index = raw(ValueId); 0 counts the occurrences without a value. An occurrence with several values
// counts for each. `bound`: above every value of the field in the dictionary; the caller holds the
// memory of so many counts.
std::vector<uint64_t> count_values(FieldId field, uint64_t bound,
                                   const std::vector<PartMatch>& parts);

struct TimeSpan {
  TimeUs first{};
  TimeUs last{};
};
// Of the matches with each of the values, in their order. Precondition: each has a match.
std::vector<TimeSpan> times_of_values(FieldId field, std::span<const ValueId> values,
                                      const std::vector<PartMatch>& parts);

}  // namespace cairn::query
