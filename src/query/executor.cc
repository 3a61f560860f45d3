#include "query/executor.h"

#include <algorithm>

#include "base/assert.h"

namespace cairn::query {
namespace {

using storage::Bitmap;
using storage::Part;
using Kind = PlanNode::Kind;

// A bitmap this many times smaller than its part is filtered by time one by one: cheaper than a
// pass over the time column.
constexpr uint64_t kFewOfPart = 8;
// Estimates look at no more postings than this.
constexpr size_t kEstimatedValues = 16;

Bitmap evaluate(const PlanNode& node, const Part& part);

uint64_t estimate(const PlanNode& node, const Part& part) {
  const uint64_t size = part.size();
  switch (node.kind) {
    case Kind::None:
      return 0;
    case Kind::Values: {
      if (node.values.size() > kEstimatedValues) return size / 2;
      uint64_t sum = 0;
      for (ValueId value : node.values) sum += part.posting_cardinality(node.field, value);
      return std::min(sum, size);
    }
    case Kind::Time:
    case Kind::Fingerprints:
      return size / 2;
    case Kind::And: {
      uint64_t least = size;
      for (const PlanNode& child : node.children) least = std::min(least, estimate(child, part));
      return least;
    }
    case Kind::Or: {
      uint64_t sum = 0;
      for (const PlanNode& child : node.children) sum += estimate(child, part);
      return std::min(sum, size);
    }
    case Kind::Not:
      return size - estimate(node.children.front(), part);
    case Kind::All:
    case Kind::Present:
      break;
  }
  return size;
}

Bitmap evaluate_values(const PlanNode& node, const Part& part) {
  if (node.values.size() == 1) return part.posting(node.field, node.values.front());
  // Most values of the part wanted: one walk over them instead of a search for each.
  if (node.values.size() > part.value_count(node.field) / 4) {
    Bitmap result;
    part.for_each_value(node.field, [&](ValueId value, const Bitmap& posting) {
      if (std::binary_search(node.values.begin(), node.values.end(), value)) {
        result.or_with(posting);
      }
      return true;
    });
    return result;
  }
  std::vector<Bitmap> postings;
  std::vector<const Bitmap*> pointers;
  postings.reserve(node.values.size());
  for (ValueId value : node.values) {
    Bitmap posting = part.posting(node.field, value);
    if (!posting.empty()) postings.push_back(std::move(posting));
  }
  for (const Bitmap& posting : postings) pointers.push_back(&posting);
  return Bitmap::or_many(pointers);
}

// The rarest condition first, each further one only cuts down; negations last.
Bitmap evaluate_and(const PlanNode& node, const Part& part) {
  struct Step {
    const PlanNode* node;
    bool negative;
    uint64_t estimated;
  };
  std::vector<Step> steps;
  for (const PlanNode& child : node.children) {
    const bool negative = child.kind == Kind::Not;
    const PlanNode& positive = negative ? child.children.front() : child;
    steps.push_back({&positive, negative, negative ? 0 : estimate(positive, part)});
  }
  std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
    return a.negative != b.negative ? b.negative : a.estimated < b.estimated;
  });
  Bitmap result;
  size_t next = 0;
  if (steps.front().negative) {
    result = Bitmap::range(0, part.size());
  } else {
    result = evaluate(*steps.front().node, part);
    next = 1;
  }
  for (; next < steps.size() && !result.empty(); ++next) {
    const Bitmap other = evaluate(*steps[next].node, part);
    if (steps[next].negative) {
      result.and_not(other);
    } else {
      result.and_with(other);
    }
  }
  return result;
}

Bitmap evaluate_or(const PlanNode& node, const Part& part) {
  std::vector<Bitmap> bitmaps;
  std::vector<const Bitmap*> pointers;
  bitmaps.reserve(node.children.size());
  for (const PlanNode& child : node.children) bitmaps.push_back(evaluate(child, part));
  for (const Bitmap& bitmap : bitmaps) pointers.push_back(&bitmap);
  return Bitmap::or_many(pointers);
}

Bitmap evaluate(const PlanNode& node, const Part& part) {
  switch (node.kind) {
    case Kind::All:
      return Bitmap::range(0, part.size());
    case Kind::None:
      return Bitmap();
    case Kind::Values:
      return evaluate_values(node, part);
    case Kind::Present:
      return part.any(node.field);
    case Kind::Time:
      return part.in_time(node.range.begin, node.range.end);
    case Kind::Fingerprints:
      return part.of_fingerprints(node.wanted);
    case Kind::And:
      return evaluate_and(node, part);
    case Kind::Or:
      return evaluate_or(node, part);
    case Kind::Not: {
      Bitmap result = evaluate(node.children.front(), part);
      result.flip(part.size());
      return result;
    }
  }
  CAIRN_ASSERT(false);
}

void keep(std::optional<Bitmap>& bitmap, Bitmap other) {
  if (bitmap) {
    bitmap->and_with(other);
  } else {
    bitmap = std::move(other);
  }
}

void keep_time(std::optional<Bitmap>& bitmap, const TimeRange& range, const Part& part) {
  if (!bitmap || bitmap->cardinality() > part.size() / kFewOfPart) {
    keep(bitmap, part.in_time(range.begin, range.end));
    return;
  }
  std::vector<Ordinal> kept;
  bitmap->for_each([&](Ordinal ordinal) {
    if (range.contains(part.time(ordinal))) kept.push_back(ordinal);
  });
  bitmap = Bitmap::from_sorted(kept);
}

// nullopt: nothing matches in this part.
std::optional<PartMatch> match_part(const Plan& plan, const std::vector<bool>* wanted,
                                    const Part& part) {
  if (part.size() == 0 || plan.events.kind == Kind::None) return std::nullopt;
  if (part.max_time() < plan.time.begin || part.min_time() >= plan.time.end) return std::nullopt;
  const bool all_in_time =
      plan.time.contains(part.min_time()) && plan.time.contains(part.max_time());
  PartMatch match{&part, std::nullopt};
  if (plan.events.kind != Kind::All) match.bitmap = evaluate(plan.events, part);
  const auto nothing_left = [&] { return match.bitmap && match.bitmap->empty(); };
  if (nothing_left()) return std::nullopt;
  if (wanted != nullptr) keep(match.bitmap, part.of_fingerprints(*wanted));
  if (!all_in_time && !nothing_left()) keep_time(match.bitmap, plan.time, part);
  if (nothing_left()) return std::nullopt;
  return match;
}

}  // namespace

std::vector<PartMatch> match_parts(const View& view, const Plan& plan, GroupFilterIn where) {
  std::optional<std::vector<bool>> wanted;
  if (plan.narrow || (where == GroupFilterIn::Bitmaps && !plan.group_filter.empty())) {
    wanted = fingerprints_of_group_filter(view, plan);
  }
  std::vector<PartMatch> matches;
  for (const Part* part : view.parts) {
    auto match = match_part(plan, wanted ? &*wanted : nullptr, *part);
    if (match) matches.push_back(std::move(*match));
  }
  return matches;
}

}  // namespace cairn::query
