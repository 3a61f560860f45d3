#include "query/earlier_window.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace cairn::query {
namespace {

TimeUs earlier(TimeUs time, int64_t by_us) {
  constexpr int64_t kEarliest = std::numeric_limits<int64_t>::min();
  if (raw(time) < kEarliest + by_us) return TimeUs{kEarliest};
  return TimeUs{raw(time) - by_us};
}

// Rows by bucket and keys, so that two tables can be laid side by side.
class Ordered {
 public:
  explicit Ordered(const RowSet& rows) : rows_(rows), order_(rows.size()) {
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::sort(order_.begin(), order_.end(),
              [&](size_t a, size_t b) { return compare(rows_, a, rows_, b) < 0; });
  }

  bool done() const { return next_ == order_.size(); }
  size_t row() const { return order_[next_]; }
  void advance() { ++next_; }

  // Whose row comes first: negative this one's, 0 they are the same.
  int compare_to(const Ordered& other) const {
    if (done() || other.done()) return done() ? 1 : -1;
    return compare(rows_, row(), other.rows_, other.row());
  }

 private:
  static int compare(const RowSet& a, size_t row_a, const RowSet& b, size_t row_b) {
    if (!a.buckets.empty() && a.buckets[row_a] != b.buckets[row_b]) {
      return a.buckets[row_a] < b.buckets[row_b] ? -1 : 1;
    }
    for (size_t key = 0; key < a.key_count; ++key) {
      const uint32_t left = a.keys[row_a * a.key_count + key];
      const uint32_t right = b.keys[row_b * b.key_count + key];
      if (left != right) return left < right ? -1 : 1;
    }
    return 0;
  }

  const RowSet& rows_;
  std::vector<size_t> order_;
  size_t next_ = 0;
};

// Of a row without occurrences.
double nothing(const BoundCall& call) {
  switch (call.function) {
    case BoundCall::Function::Count:
    case BoundCall::Function::Uniq:
    case BoundCall::Function::Sum:
    case BoundCall::Function::Rate:
      return 0;
    default:
      return std::numeric_limits<double>::quiet_NaN();
  }
}

double change_percent(double value, double before) {
  if (before == 0) return std::numeric_limits<double>::quiet_NaN();
  return (value - before) / std::abs(before) * 100;
}

}  // namespace

void move_back(Expr& expr, int64_t vs_us) {
  if (auto* time = std::get_if<TimeTest>(&expr.test)) {
    const TimeRange open;
    if (time->range.begin != open.begin) time->range.begin = earlier(time->range.begin, vs_us);
    if (time->range.end != open.end) time->range.end = earlier(time->range.end, vs_us);
  }
  for (Expr& child : expr.children) move_back(child, vs_us);
}

Result<TimeUs> earlier_end(const TimeRange& window, const BoundTable& table, TimeUs now) {
  const TimeRange open;
  if (window.begin == open.begin) {
    return invalid_at(table.vs_at,
                      "vs compares with an earlier window, so the query has to say where its own "
                      "begins: put timestamp:-24h in front of the |, for example.");
  }
  return earlier(std::min(window.end, now), *table.vs_us);
}

RowSet compared(const BoundTable& table, const RowSet& rows, const RowSet& earlier) {
  const size_t calls = table.calls.size();
  RowSet out;
  out.key_count = rows.key_count;
  out.value_count = 3 * calls;
  Ordered now(rows);
  Ordered before(earlier);
  while (!now.done() || !before.done()) {
    const int order = now.compare_to(before);
    const RowSet& named = order <= 0 ? rows : earlier;
    const size_t row = order <= 0 ? now.row() : before.row();
    if (table.every_us) out.buckets.push_back(named.buckets[row]);
    const auto keys = named.keys.begin() + static_cast<ptrdiff_t>(row * named.key_count);
    out.keys.insert(out.keys.end(), keys, keys + static_cast<ptrdiff_t>(named.key_count));
    for (size_t i = 0; i < calls; ++i) {
      const double none = nothing(table.calls[i]);
      const double value = order <= 0 ? rows.values[now.row() * calls + i] : none;
      const double old = order >= 0 ? earlier.values[before.row() * calls + i] : none;
      out.values.insert(out.values.end(), {value, old, change_percent(value, old)});
    }
    if (order <= 0) now.advance();
    if (order >= 0) before.advance();
  }
  return out;
}

}  // namespace cairn::query
