#include "query/part_evaluator.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/assert.h"
#include "query/part_match.h"

namespace cairn::query {
namespace {

using storage::Bitmap;
using storage::FieldStats;
using storage::Part;
using Kind = PlanNode::Kind;

// Estimates look at no more postings than this.
constexpr size_t kEstimatedValues = 16;
// So many are joined as bitmaps.
constexpr size_t kFewPostings = 32;
// Opening and joining a posting costs as much as reading so many values of a column.
constexpr uint64_t kValuesPerPosting = 250;

// The head keeps no statistics of its fields: what it can tell without a walk over them.
FieldStats stats_of(FieldId field, const Part& part) {
  if (part.sorted()) return part.field_stats(field);
  FieldStats stats;
  stats.values = part.value_count(field);
  stats.occurrences = stats.terms = part.any(field).cardinality();
  stats.min_value = ValueId{1};
  stats.max_value = ValueId{static_cast<uint32_t>(stats.values)};
  return stats;
}

// Of a field's occurrences in the part, as if its values were spread evenly over their ids.
uint64_t estimate_many(const PlanNode& node, const Part& part) {
  const FieldStats stats = stats_of(node.field, part);
  if (stats.values == 0) return 0;
  const auto begin = std::lower_bound(node.values().begin(), node.values().end(), stats.min_value);
  const auto end = std::upper_bound(begin, node.values().end(), stats.max_value);
  const auto wanted = static_cast<double>(end - begin);
  const double ids = static_cast<double>(raw(stats.max_value)) - raw(stats.min_value) + 1;
  return static_cast<uint64_t>(std::ceil(static_cast<double>(stats.terms) * wanted / ids));
}

uint64_t estimate_time(const TimeRange& range, const Part& part) {
  const double first = static_cast<double>(raw(part.min_time()));
  const double last = static_cast<double>(raw(part.max_time()));
  const double begin = std::max(first, static_cast<double>(raw(range.begin)));
  const double end = std::min(last + 1, static_cast<double>(raw(range.end)));
  if (begin >= end) return 0;
  return static_cast<uint64_t>(std::ceil(part.size() * (end - begin) / (last + 1 - first)));
}

// As if conditions had nothing to do with one another.
uint64_t estimate_all(const PlanNode& node, const Part& part) {
  const auto size = static_cast<double>(part.size());
  double share = 1;
  for (const PlanNode& child : node.children) {
    share *= static_cast<double>(estimate(child, part)) / size;
  }
  return static_cast<uint64_t>(std::ceil(size * share));
}

// Values as bits, for who asks for more of them than there are.
class ValueSet {
 public:
  explicit ValueSet(const std::vector<ValueId>& ascending)
      : bits_(ascending.empty() ? 0 : raw(ascending.back()) / 64 + size_t{1}, 0) {
    for (const ValueId value : ascending) {
      bits_[raw(value) / 64] |= uint64_t{1} << raw(value) % 64;
    }
  }
  bool contains(ValueId value) const {
    const size_t word = raw(value) / 64;
    return word < bits_.size() && (bits_[word] >> raw(value) % 64 & 1) != 0;
  }

 private:
  std::vector<uint64_t> bits_;
};

// Whether one pass over the column of a part costs less than so many postings.
bool column_is_cheaper(const PlanNode& node, const Part& part) {
  if (!part.has_column(node.field)) return false;
  // In parts of the time it takes to read a value of a column.
  constexpr uint64_t kStep = 3;     // from one posting to the next
  constexpr uint64_t kOrdinal = 2;  // out of a posting
  const uint64_t postings = part.value_count(node.field) * kStep;
  return part.size() < postings + estimate(node, part) * kOrdinal;
}

// They ascend in each part.
std::vector<Ordinal> rows_in(const PlanNode& node, const Part& part) {
  std::vector<Ordinal> ordinals;
  for (const PlanNode::Row& row : node.rows) {
    if (row.part == &part) ordinals.push_back(row.ordinal);
  }
  return ordinals;
}

}  // namespace

uint64_t estimate(const PlanNode& node, const Part& part) {
  const uint64_t size = part.size();
  if (size == 0) return 0;
  switch (node.kind) {
    case Kind::None:
      return 0;
    case Kind::Values: {
      if (node.values().size() > kEstimatedValues) return std::min(estimate_many(node, part), size);
      uint64_t sum = 0;
      for (ValueId value : node.values()) sum += part.posting_cardinality(node.field, value);
      return std::min(sum, size);
    }
    case Kind::Present:
      return std::min(stats_of(node.field, part).occurrences, size);
    case Kind::Rows:
      return rows_in(node, part).size();
    case Kind::Time:
      return estimate_time(node.range, part);
    case Kind::Fingerprints:
      return static_cast<uint64_t>(std::ceil(static_cast<double>(size) * node.share));
    case Kind::And:
      return estimate_all(node, part);
    case Kind::Or: {
      uint64_t sum = 0;
      for (const PlanNode& child : node.children) sum += estimate(child, part);
      return std::min(sum, size);
    }
    case Kind::Not:
      return size - estimate(node.children.front(), part);
    case Kind::All:
      break;
  }
  return size;
}

PartEvaluator::PartEvaluator(const View& view, const Plan& plan, const Part& part, uint32_t number)
    : view_(view),
      plan_(plan),
      part_(part),
      number_(number),
      meter_(view.meter),
      profile_(plan.told ? profile_of(view) : nullptr) {}

void PartEvaluator::record(const PlanNode& node, uint64_t found, TimeUs begin, Way way) {
  if (profile_ == nullptr) return;
  profile_->work_by_node[node.id].push_back(
      {number_, estimate(node, part_), found, raw(meter_->now()) - raw(begin), way});
}

const Bitmap& PartEvaluator::lend(const PlanNode& node, Answer& room) {
  if (!node.shared) {
    room = evaluate(node);
    return room.bitmap;
  }
  const auto known = answers_.find(node.id);
  if (known != answers_.end()) {
    const Bitmap& answer = known->second.bitmap;
    if (profile_ != nullptr) record(node, answer.cardinality(), meter_->now(), Way::Again);
    return answer;
  }
  return answers_.emplace(node.id, evaluate(node)).first->second.bitmap;
}

PartEvaluator::Answer PartEvaluator::evaluate(const PlanNode& node) {
  Answer answer = no_answer();
  if (!go_on(meter_)) return answer;
  const TimeUs begin = now();
  Way way = Way::Combined;
  answer.bitmap = compute(node, way);
  if (profile_ != nullptr) record(node, answer.bitmap.cardinality(), begin, way);
  const bool mapped = way == Way::Posting || way == Way::Present;
  if (meter_ != nullptr && !mapped) answer.held.set(answer.bitmap.frozen_bytes());
  return answer;
}

Bitmap PartEvaluator::compute(const PlanNode& node, Way& way) {
  switch (node.kind) {
    case Kind::All:
      way = Way::All;
      return Bitmap::range(0, part_.size());
    case Kind::None:
      way = Way::None;
      return Bitmap();
    case Kind::Values:
      return compute_values(node, way);
    case Kind::Present:
      way = Way::Present;
      return part_.any(node.field);
    case Kind::Rows:
      way = Way::Ids;
      return Bitmap::from_sorted(rows_in(node, part_));
    case Kind::Time:
      way = Way::Times;
      return part_.in_time(node.range.begin, node.range.end);
    case Kind::Fingerprints:
      way = Way::Fingerprints;
      return part_.of_fingerprints(node.wanted);
    case Kind::And:
      return compute_and(node);
    case Kind::Or:
      return compute_or(node);
    case Kind::Not: {
      Answer room = no_answer();
      Bitmap result = lend(node.children.front(), room).clone();
      result.flip(part_.size());
      return result;
    }
  }
  CAIRN_ASSERT(false);
}

Bitmap PartEvaluator::compute_values(const PlanNode& node, Way& way) {
  way = Way::Posting;
  if (node.values().size() == 1) return part_.posting(node.field, node.values().front());
  if (node.values().size() > kFewPostings && column_is_cheaper(node, part_)) {
    way = Way::Column;
    return read_column(node);
  }
  // Many postings, most of them short: their ordinals one by one into an array of bits.
  if (node.values().size() > kFewPostings) {
    way = Way::Walk;
    std::vector<uint64_t> bits((size_t{part_.size()} + 63) / 64, 0);
    part_.for_each_posting_of(node.field, node.values(), [&](std::span<const Ordinal> ordinals) {
      for (const Ordinal ordinal : ordinals) bits[ordinal / 64] |= uint64_t{1} << ordinal % 64;
      return go_on(meter_);
    });
    return Bitmap::from_bits(bits);
  }
  way = Way::Union;
  std::vector<Bitmap> postings;
  std::vector<const Bitmap*> pointers;
  for (ValueId value : node.values()) {
    Bitmap posting = part_.posting(node.field, value);
    if (!posting.empty()) postings.push_back(std::move(posting));
    if (!go_on(meter_)) break;
  }
  for (const Bitmap& posting : postings) pointers.push_back(&posting);
  return Bitmap::or_many(pointers);
}

Bitmap PartEvaluator::read_column(const PlanNode& node) const {
  const ValueSet wanted(node.values());
  std::vector<uint64_t> bits((size_t{part_.size()} + 63) / 64, 0);
  std::array<ValueId, Block::kSize> values;
  for_each_block(part_, {0, part_.size()}, meter_, [&](const Block& block) {
    block.column(node.field, values.data());
    Ordinal ordinal = block.first();
    for (size_t i = 0; i < block.size(); ++i, ++ordinal) {
      bits[ordinal / 64] |= uint64_t{wanted.contains(values[i])} << ordinal % 64;
    }
  });
  return Bitmap::from_bits(bits);
}

bool PartEvaluator::by_column(const PlanNode& node, uint64_t left) const {
  if (node.kind != Kind::Values || node.values().size() < 2 || node.shared) return false;
  const uint64_t postings = std::min<uint64_t>(node.values().size(), part_.value_count(node.field));
  return left < postings * kValuesPerPosting && part_.has_column(node.field);
}

// Keeps what has one of the values, or, negative, what has none of them.
void PartEvaluator::filter_by_column(const PlanNode& node, bool negative, Bitmap& left) {
  const TimeUs begin = now();
  std::vector<Ordinal> kept;
  std::array<ValueId, Bitmap::kBlock> values;
  uint64_t having = 0;
  // A search in a list costs some steps for each occurrence, making the set one for each value.
  constexpr uint64_t kStepsOfSearch = 8;
  std::optional<ValueSet> set;
  if (left.cardinality() * kStepsOfSearch > node.values().size()) set.emplace(node.values());
  auto filter = [&](std::span<const Ordinal> ordinals) {
    if (meter_ != nullptr && !meter_->spend(ordinals.size())) return false;
    part_.gather_column(node.field, ordinals, values.data());
    for (size_t i = 0; i < ordinals.size(); ++i) {
      const bool has =
          set ? set->contains(values[i])
              : std::binary_search(node.values().begin(), node.values().end(), values[i]);
      having += has ? 1 : 0;
      if (has != negative) kept.push_back(ordinals[i]);
    }
    return true;
  };
  left.for_each_block(filter);
  left = Bitmap::from_sorted(kept);
  record(node, having, begin, Way::Column);
}

// The rarest condition first, each further one only cuts down; negations last.
Bitmap PartEvaluator::compute_and(const PlanNode& node) {
  struct Step {
    const PlanNode* node;
    bool negative;
    uint64_t estimated;
  };
  std::vector<Step> steps;
  for (const PlanNode& child : node.children) {
    const bool negative = child.kind == Kind::Not;
    const PlanNode& positive = negative ? child.children.front() : child;
    steps.push_back({&positive, negative, negative ? 0 : estimate(positive, part_)});
  }
  std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
    return a.negative != b.negative ? b.negative : a.estimated < b.estimated;
  });
  Answer left = no_answer();
  Bitmap& result = left.bitmap;
  size_t next = 0;
  if (steps.front().negative) {
    result = Bitmap::range(0, part_.size());
  } else {
    const Bitmap& rarest = lend(*steps.front().node, left);
    if (&rarest != &result) {
      result = rarest.clone();
      if (meter_ != nullptr) left.held.set(result.frozen_bytes());
    }
    next = 1;
  }
  for (; next < steps.size() && !result.empty(); ++next) {
    const Step& step = steps[next];
    if (by_column(*step.node, result.cardinality())) {
      filter_by_column(*step.node, step.negative, result);
      continue;
    }
    Answer room = no_answer();
    const Bitmap& other = lend(*step.node, room);
    if (step.negative) {
      result.and_not(other);
    } else {
      result.and_with(other);
    }
  }
  for (; next < steps.size(); ++next) record(*steps[next].node, 0, now(), Way::Skipped);
  return std::move(result);
}

Bitmap PartEvaluator::compute_or(const PlanNode& node) {
  std::vector<Answer> answers;
  answers.reserve(node.children.size());  // the pointers are to what lies in it
  std::vector<const Bitmap*> pointers;
  for (const PlanNode& child : node.children) {
    if (stopped(meter_)) break;
    answers.push_back(no_answer());
    pointers.push_back(&lend(child, answers.back()));
  }
  return Bitmap::or_many(pointers);
}

}  // namespace cairn::query
