// How many of each issue's matching occurrences are recent, and what they weigh by their age.
// Ranges in which times ascend are counted by where the windows begin in them; what lies before
// the longer window is not looked at.
//
// Borrows its arguments. Thread: that of the caller.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/divider.h"
#include "query/issue_slots.h"
#include "query/part_match.h"
#include "query/view.h"

namespace cairn::query {

struct RecentCount {
  uint64_t shortly = 0;  // within the short window
  uint64_t lately = 0;   // within the long one
  uint64_t weight = 0;   // sum of trend_weights(), if asked for
};

struct RecentWindows {
  uint64_t short_us = 0;
  uint64_t long_us = 0;   // not below short_us
  bool weighted = false;  // occurrences beyond the long window weigh nothing then
};

class RecentCounter {
 public:
  RecentCounter(const View& view, const IssueSlots& slots, TimeUs now,
                const RecentWindows& windows);

  void add(const PartMatch& match);
  std::vector<RecentCount> take() { return std::move(counts_); }  // by slot

 private:
  void add_ranges(const PartMatch& match);
  void add_range(const storage::Part& part, storage::OrdinalRange range, RecentCount& count);
  void add_weights(const storage::Part& part, storage::OrdinalRange range, RecentCount& count);
  void add_block(const Block& block);
  uint64_t weight_of(TimeUs time) const;

  const View& view_;
  const IssueSlots& slots_;
  const TimeUs now_;
  const TimeUs short_begin_;  // the first time of each window
  const TimeUs long_begin_;
  const std::span<const uint64_t> weights_;  // empty: not asked for
  const Divider minute_;
  std::vector<RecentCount> counts_;
};

}  // namespace cairn::query
