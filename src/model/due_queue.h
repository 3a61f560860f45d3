// For which groups something may be due, the soonest first. An index over the state: an entry may
// be early or stale, so that who takes it asks the state again; it is never late.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "base/ids.h"

namespace cairn::model {

struct Due {
  TimeUs at{};
  GroupId group{};
  auto operator<=>(const Due&) const = default;
};

class DueQueue {
 public:
  void push(Due due) {
    heap_.push_back(due);
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  }
  bool due_by(TimeUs time) const { return !heap_.empty() && heap_.front().at <= time; }
  // Precondition: something is in it.
  const Due& first() const { return heap_.front(); }
  void pop() {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    heap_.pop_back();
  }
  bool empty() const { return heap_.empty(); }
  void clear() { heap_.clear(); }

 private:
  std::vector<Due> heap_;
};

}  // namespace cairn::model
