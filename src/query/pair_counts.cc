#include "query/pair_counts.h"

namespace cairn::query {
namespace {

// So many combinations cost next to nothing, and a match as much as so many of them.
constexpr uint64_t kPairsOfFewMatches = 4096;
constexpr uint64_t kPairsPerMatch = 4;

// The further numbers of an occurrence, out of a reader's list for the block.
class Further {
 public:
  explicit Further(const KeyReader& key) : next_(key.more().begin()), end_(key.more().end()) {}
  // Calls fn(number) for those of the position. Positions come ascending.
  template <class F>
  void for_each(uint32_t position, F&& fn) {
    while (next_ != end_ && next_->first < position) ++next_;
    for (auto at = next_; at != end_ && at->first == position; ++at) fn(at->second);
  }

 private:
  std::span<const std::pair<uint32_t, uint32_t>>::iterator next_, end_;
};

class PairCounter {
 public:
  PairCounter(uint64_t first_bound, uint64_t second_bound)
      : width_(second_bound), counts_(first_bound * second_bound, 0) {}

  void add(const KeyReader& first, const KeyReader& second, size_t size) {
    const uint32_t* const a = first.numbers();
    const uint32_t* const b = second.numbers();
    for (size_t i = 0; i < size; ++i) ++counts_[a[i] * width_ + b[i]];
    if (first.more().empty() && second.more().empty()) return;
    Further more_first(first), more_second(second);
    for (uint32_t i = 0; i < size; ++i) {
      more_second.for_each(i, [&](uint32_t number) { ++counts_[a[i] * width_ + number]; });
      more_first.for_each(i, [&](uint32_t number) {
        ++counts_[number * width_ + b[i]];
        more_second.for_each(i, [&](uint32_t other) { ++counts_[number * width_ + other]; });
      });
    }
  }
  std::vector<PairCount> take() const {
    std::vector<PairCount> pairs;
    for (size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] == 0) continue;
      pairs.push_back(
          {static_cast<uint32_t>(i / width_), static_cast<uint32_t>(i % width_), counts_[i]});
    }
    return pairs;
  }

 private:
  uint64_t width_;
  std::vector<uint64_t> counts_;
};

// Whether the array is worth it: clearing and reading it costs for each combination that could be,
// rows that are found by hash for each match.
bool is_worth_it(uint64_t first_bound, uint64_t second_bound, const std::vector<PartMatch>& parts) {
  if (first_bound > kMaxCountedPairs / second_bound) return false;
  uint64_t matches = 0;
  for (const PartMatch& match : parts) matches += match.count();
  return first_bound * second_bound <= kPairsOfFewMatches + matches * kPairsPerMatch;
}

}  // namespace

std::optional<std::vector<PairCount>> count_pairs(const View& view, const BoundTable& table,
                                                  const std::vector<PartMatch>& parts) {
  const KeySpace first(view, table.by[0]);
  const KeySpace second(view, table.by[1]);
  if (!is_worth_it(first.bound(), second.bound(), parts)) return std::nullopt;
  Holding held(view.meter);
  held.set(first.bound() * second.bound() * sizeof(uint64_t));
  if (stopped(view.meter)) return std::vector<PairCount>();
  PairCounter counter(first.bound(), second.bound());
  for (const PartMatch& match : parts) {
    if (stopped(view.meter)) break;
    KeyReader a(view, first, match);
    KeyReader b(view, second, match);
    match.for_each_block([&](const Block& block) {
      a.read(block);
      b.read(block);
      counter.add(a, b, block.size());
    });
  }
  return counter.take();
}

}  // namespace cairn::query
