#include "query/executor.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/assert.h"

namespace cairn::query {
namespace {

using storage::Bitmap;
using storage::OrdinalRange;
using storage::Part;
using Kind = PlanNode::Kind;

// A bitmap this many times smaller than its part is filtered by time or issue one by one: cheaper
// than a pass over the part.
constexpr uint64_t kFewOfPart = 4;
// Finding where projects begin costs as much as decoding so many matches.
constexpr uint64_t kMatchesPerSearch = 4096;
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

// Where the occurrences of a project, and of those after it, begin. Precondition: sorted.
Ordinal begin_of(ProjectId project, const View& view, const Part& part) {
  Ordinal low = 0;
  for (Ordinal high = part.size(); low < high;) {
    const Ordinal middle = low + (high - low) / 2;
    if (view.state->fingerprint(part.fingerprint(middle)).project < project) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::vector<OrdinalRange> ranges_of(const std::vector<ProjectId>& projects, const View& view,
                                    const Part& part) {
  std::vector<OrdinalRange> ranges;
  for (const ProjectId project : projects) {
    const Ordinal end = raw(project) == UINT64_MAX
                            ? part.size()
                            : begin_of(ProjectId{raw(project) + 1}, view, part);
    const OrdinalRange range{begin_of(project, view, part), end};
    if (!range.empty()) ranges.push_back(range);
  }
  return ranges;
}

// Keeps matches that pass(values of a block, i), the values being read by read(block, out).
template <class Value, class Read, class Pass>
void filter_one_by_one(PartMatch& match, Read&& read, Pass&& pass) {
  std::vector<Ordinal> kept;
  std::array<Ordinal, Block::kSize> ordinals;
  std::array<Value, Block::kSize> values;
  match.for_each_block([&](const Block& block) {
    block.ordinals(ordinals.data());
    read(block, values.data());
    for (size_t i = 0; i < block.size(); ++i) {
      if (pass(values[i])) kept.push_back(ordinals[i]);
    }
  });
  match.bitmap = Bitmap::from_sorted(kept);
}

// One part after the other: PartMatch by PartMatch the plan's conditions cut down what matches.
class Matcher {
 public:
  Matcher(const View& view, const Plan& plan, GroupFilter& filter, GroupFilterIn where)
      : view_(view), plan_(plan), filter_(filter), where_(where) {
    if (!plan.issues) return;
    for (const GroupId issue : *plan.issues) {
      if (!filter.passes(issue)) continue;
      const auto shown = view.forest().fingerprints_of(issue);
      named_.insert(named_.end(), shown.begin(), shown.end());
    }
  }

  // nullopt: nothing matches in this part.
  std::optional<PartMatch> match(const Part& part) {
    if (part.size() == 0 || plan_.events.kind == Kind::None) return std::nullopt;
    if (part.max_time() < plan_.time.begin || part.min_time() >= plan_.time.end) {
      return std::nullopt;
    }
    PartMatch match{&part, std::nullopt, {{0, part.size()}}};
    bool in_time = plan_.time.contains(part.min_time()) && plan_.time.contains(part.max_time());
    bool filtered = filter_.empty();
    if (plan_.issues && part.sorted() && !are_many(view_, named_.size())) {
      match.ranges = ranges_of_named(part, in_time);
      in_time = filtered = true;
    }
    if (match.ranges.empty()) return std::nullopt;
    if (plan_.events.kind != Kind::All) keep(match, evaluate(plan_.events, part));
    if (part.only() != nullptr) keep(match, part.only()->clone());
    if (!filtered && worth_confining(match)) {
      confine(match, ranges_of(*plan_.projects, view_, part));
      filtered = plan_.only_projects;
    }
    if (!in_time && !is_empty(match)) keep_time(match);
    if (!filtered && where_ == GroupFilterIn::Matches && !is_empty(match)) keep_issues(match);
    if (is_empty(match)) return std::nullopt;
    return match;
  }

 private:
  static bool is_empty(const PartMatch& match) {
    return match.bitmap ? match.bitmap->empty() : match.ranges.empty();
  }
  static bool is_few(const PartMatch& match) {
    return match.count() < match.part->size() / kFewOfPart;
  }

  static void keep(PartMatch& match, Bitmap bitmap) {
    if (match.bitmap) {
      match.bitmap->and_with(bitmap);
      return;
    }
    if (!match.whole()) {
      Bitmap inside = bitmap_of(match.ranges);
      inside.and_with(bitmap);
      bitmap = std::move(inside);
    }
    match.bitmap = std::move(bitmap);
  }
  static void confine(PartMatch& match, std::vector<OrdinalRange> ranges) {
    if (match.bitmap) {
      keep(match, bitmap_of(ranges));
    } else {
      match.ranges = std::move(ranges);
    }
  }

  // Times ascend in the range of a fingerprint, so that a limit of time only shortens it.
  std::vector<OrdinalRange> ranges_of_named(const Part& part, bool in_time) const {
    std::vector<OrdinalRange> ranges;
    for (const FingerprintId fingerprint : named_) {
      OrdinalRange range = part.range_of(fingerprint);
      if (!in_time && !range.empty()) {
        const Ordinal begin = part.first_not_before(range, plan_.time.begin);
        range = {begin, part.first_not_before({begin, range.end}, plan_.time.end)};
      }
      if (!range.empty()) ranges.push_back(range);
    }
    std::sort(ranges.begin(), ranges.end(),
              [](const OrdinalRange& a, const OrdinalRange& b) { return a.begin < b.begin; });
    return ranges;
  }

  bool worth_confining(const PartMatch& match) const {
    // Fingerprints of a later time, which the state does not know, may lie between.
    if (match.part->only() != nullptr) return false;
    return plan_.projects && match.part->sorted() && match.count() > kMatchesPerSearch;
  }

  void keep_time(PartMatch& match) const {
    if (!is_few(match)) {
      keep(match, match.part->in_time(plan_.time.begin, plan_.time.end));
      return;
    }
    filter_one_by_one<TimeUs>(
        match, [](const Block& block, TimeUs* out) { block.times(out); },
        [&](TimeUs time) { return plan_.time.contains(time); });
  }
  void keep_issues(PartMatch& match) {
    if (!is_few(match)) {
      keep(match, match.part->of_fingerprints(filter_.fingerprints()));
      return;
    }
    filter_one_by_one<FingerprintId>(
        match, [](const Block& block, FingerprintId* out) { block.fingerprints(out); },
        [&](FingerprintId fingerprint) { return filter_.passes(fingerprint); });
  }

  const View& view_;
  const Plan& plan_;
  GroupFilter& filter_;
  const GroupFilterIn where_;
  std::vector<FingerprintId> named_;  // shown by the issues the plan names
};

}  // namespace

std::vector<PartMatch> match_parts(const View& view, const Plan& plan, GroupFilter& filter,
                                   GroupFilterIn where) {
  Matcher matcher(view, plan, filter, where);
  std::vector<PartMatch> matches;
  for (const Part* part : view.parts) {
    auto match = matcher.match(*part);
    if (match) matches.push_back(std::move(*match));
  }
  return matches;
}

}  // namespace cairn::query
