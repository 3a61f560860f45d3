// The rows of one page out of all that are offered, in whatever order: those nearest to its edge, a
// row of the page before or behind it. Memory: the rows of the page. Thread: that of the caller.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace cairn::query {

// Before{}(a, b): whether row a stands before row b of the list.
template <class Row, class Before>
class PageRows {
 public:
  // Without an edge the page is the first one.
  PageRows(size_t room, std::optional<Row> edge, bool backward)
      : room_(room), nearer_{backward}, edge_(std::move(edge)) {}

  void offer(const Row& row) {
    if (edge_ && !nearer_(*edge_, row)) return;
    if (rows_.size() < room_) {
      rows_.push_back(row);
      std::push_heap(rows_.begin(), rows_.end(), nearer_);
    } else if (room_ > 0 && nearer_(row, rows_.front())) {
      std::pop_heap(rows_.begin(), rows_.end(), nearer_);
      rows_.back() = row;
      std::push_heap(rows_.begin(), rows_.end(), nearer_);
    }
  }
  const std::optional<Row>& edge() const { return edge_; }
  // The row that the next nearer one would push out; nullptr while there is room.
  const Row* farthest() const {
    return rows_.size() < room_ || room_ == 0 ? nullptr : &rows_.front();
  }
  // In the order of the list.
  std::vector<Row> take() {
    std::sort_heap(rows_.begin(), rows_.end(), nearer_);
    if (nearer_.backward) std::reverse(rows_.begin(), rows_.end());
    return std::move(rows_);
  }

 private:
  struct Nearer {
    bool backward;
    bool operator()(const Row& a, const Row& b) const {
      return backward ? Before{}(b, a) : Before{}(a, b);
    }
  };

  const size_t room_;
  const Nearer nearer_;
  const std::optional<Row> edge_;
  std::vector<Row> rows_;  // a heap, the farthest in front
};

}  // namespace cairn::query
