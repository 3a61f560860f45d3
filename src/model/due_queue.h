// For which groups something may be due, the soonest first. An index over the state: what it says
// of a group may be early, so that who takes it asks the state again; it is never late.
#pragma once

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <vector>

#include "base/ids.h"

namespace cairn::model {

struct Due {
  TimeUs at{};
  GroupId group{};
  auto operator<=>(const Due&) const = default;
};

// Gives one moment a group: the soonest that was pushed since it was last popped. What a sooner one
// made stale is forgotten when it comes first.
class DueQueue {
 public:
  void push(Due due) {
    const auto [known, fresh] = soonest_.try_emplace(due.group, due.at);
    if (!fresh && known->second <= due.at) return;
    known->second = due.at;
    heap_.push_back(due);
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  }
  bool due_by(TimeUs time) const { return !heap_.empty() && heap_.front().at <= time; }
  // Precondition: something is in it.
  const Due& first() const { return heap_.front(); }
  void pop() {
    soonest_.erase(heap_.front().group);
    do {
      std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
      heap_.pop_back();
    } while (!heap_.empty() && !counts(heap_.front()));
  }
  size_t size() const { return soonest_.size(); }
  void clear() {
    heap_.clear();
    soonest_.clear();
  }

 private:
  // Not what a sooner push of the same group left behind.
  bool counts(const Due& due) const {
    const auto known = soonest_.find(due.group);
    return known != soonest_.end() && known->second == due.at;
  }

  std::vector<Due> heap_;
  std::unordered_map<GroupId, TimeUs> soonest_;
};

}  // namespace cairn::model
