// A flat array that finds the place of an issue among those of an answer. Value; thread: any.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/rollup.h"
#include "query/view.h"

namespace cairn::query {

class IssueSlots {
 public:
  static constexpr uint32_t kOther = UINT32_MAX;  // not of the answer

  IssueSlots(const View& view, std::span<const IssueTotals> issues)
      : roots_(view.root_of_fingerprint),
        slots_(view.state->group_count() + size_t{1}, kOther),
        size_(issues.size()) {
    for (uint32_t i = 0; i < issues.size(); ++i) slots_[raw(issues[i].id)] = i;
  }

  size_t size() const { return size_; }
  uint64_t bytes() const { return slots_.size() * sizeof(uint32_t); }
  uint32_t of(FingerprintId fingerprint) const { return slots_[raw(roots_[raw(fingerprint)])]; }

 private:
  std::span<const GroupId> roots_;
  std::vector<uint32_t> slots_;
  size_t size_;
};

}  // namespace cairn::query
