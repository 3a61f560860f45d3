#include "query/value_counts.h"

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>

namespace cairn::query {
namespace {

// What a posting of the part costs, more or less, in occurrences read from a column.
uint64_t cost_of_posting(const PartMatch& match) {
  constexpr uint64_t kOpening = 100;
  constexpr uint64_t kOccurrencesPerStep = 128;  // when it is intersected
  return match.whole() ? kOpening : kOpening + match.part->size() / kOccurrencesPerStep;
}

void count_column(FieldId field, const PartMatch& match, std::vector<uint64_t>& counts) {
  std::array<ValueId, Block::kSize> values;
  match.for_each_block([&](const Block& block) {
    block.column(field, values.data());
    for (size_t i = 0; i < block.size(); ++i) ++counts[raw(values[i])];
  });
}

// Posting by posting: no occurrence is looked at.
void count_postings(FieldId field, const PartMatch& match, std::vector<uint64_t>& counts) {
  const storage::Bitmap any = match.part->any(field);
  std::optional<storage::Bitmap> of_ranges;
  if (!match.bitmap && !match.whole()) of_ranges = bitmap_of(match.ranges);
  const storage::Bitmap* matches = match.bitmap ? &*match.bitmap
                                   : of_ranges  ? &*of_ranges
                                                : nullptr;
  const auto common = [&](const storage::Bitmap& posting) {
    return matches != nullptr ? posting.and_cardinality(*matches) : posting.cardinality();
  };
  const uint64_t with_value = common(any);
  counts[0] += match.count() - with_value;
  if (with_value == 0) return;
  match.part->for_each_value(field, [&](ValueId value, const storage::Bitmap& posting) {
    counts[raw(value)] += common(posting);
    return go_on(match.meter);
  });
}

void widen(TimeSpan& span, const TimeUs* begin, const TimeUs* end) {
  const auto [first, last] = std::minmax_element(begin, end);
  span.first = std::min(span.first, *first);
  span.last = std::max(span.last, *last);
}

void widen_by_column(FieldId field, const std::unordered_map<ValueId, size_t>& slots,
                     const PartMatch& match, std::vector<TimeSpan>& spans) {
  std::array<ValueId, Block::kSize> values;
  std::array<TimeUs, Block::kSize> times;
  match.for_each_block([&](const Block& block) {
    block.column(field, values.data());
    block.times(times.data());
    for (size_t i = 0; i < block.size(); ++i) {
      const auto slot = slots.find(values[i]);
      if (slot != slots.end()) widen(spans[slot->second], &times[i], &times[i] + 1);
    }
  });
}

void widen_by_postings(FieldId field, std::span<const ValueId> values, const PartMatch& match,
                       std::vector<TimeSpan>& spans) {
  const storage::Bitmap matches = match.bitmap ? match.bitmap->clone() : bitmap_of(match.ranges);
  std::array<TimeUs, Block::kSize> times;
  for (size_t i = 0; i < values.size(); ++i) {
    storage::Bitmap posting = match.part->posting(field, values[i]);
    posting.and_with(matches);
    const PartMatch having{match.part, std::move(posting), {}, match.meter};
    having.for_each_block([&](const Block& block) {
      block.times(times.data());
      widen(spans[i], times.data(), times.data() + block.size());
    });
  }
}

}  // namespace

std::vector<uint64_t> count_values(FieldId field, uint64_t bound,
                                   const std::vector<PartMatch>& parts) {
  std::vector<uint64_t> counts(bound, 0);
  for (const PartMatch& match : parts) {
    const bool by_column = match.part->has_column(field) &&
                           match.count() < match.part->value_count(field) * cost_of_posting(match);
    if (by_column) {
      count_column(field, match, counts);
    } else {
      count_postings(field, match, counts);
    }
  }
  return counts;
}

std::vector<TimeSpan> times_of_values(FieldId field, std::span<const ValueId> values,
                                      const std::vector<PartMatch>& parts) {
  constexpr TimeSpan kNothing{TimeUs{std::numeric_limits<int64_t>::max()},
                              TimeUs{std::numeric_limits<int64_t>::min()}};
  std::vector<TimeSpan> spans(values.size(), kNothing);
  std::unordered_map<ValueId, size_t> slots;
  for (size_t i = 0; i < values.size(); ++i) slots.emplace(values[i], i);
  for (const PartMatch& match : parts) {
    if (match.part->has_column(field)) {
      widen_by_column(field, slots, match, spans);
    } else {
      widen_by_postings(field, values, match, spans);
    }
  }
  return spans;
}

}  // namespace cairn::query
