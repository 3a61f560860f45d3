// From meaning to index: values become dictionary ids, and the conjuncts are split by what they
// need. Conditions on the visible issue alone filter groups while they are rolled up and cost
// nothing per occurrence; the rest become bitmaps, part by part (executor.h).
// Values; thread: any.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "query/bound.h"
#include "query/view.h"

namespace cairn::query {

// A condition that every part of the index can answer with a bitmap.
struct PlanNode {
  enum class Kind : uint8_t { All, None, Values, Present, Time, Fingerprints, And, Or, Not };
  Kind kind = Kind::All;
  FieldId field{};              // Values, Present
  std::vector<ValueId> values;  // Values: any of them, ascending
  TimeRange range;              // Time
  std::vector<bool> wanted;     // Fingerprints, as Part::of_fingerprints takes it
  std::vector<PlanNode> children;
};

struct Plan {
  std::vector<Expr> group_filter;  // conjuncts about the visible issue alone
  // Whether the group filter names projects or issues: then few fingerprints are left, and asking
  // the parts for them first saves more than it costs.
  bool narrow = false;
  PlanNode events;  // everything else but
  TimeRange time;   // the time the whole query is limited to
};

// Errors: Corruption, Io (of the dictionary).
Result<Plan> make_plan(const View& view, Expr filter);

// Whether the plan's group filter leaves the issue.
bool passes_group_filter(const Plan& plan, const model::State& state, GroupId issue);
// Fingerprints of the issues the group filter leaves.
std::vector<bool> fingerprints_of_group_filter(const View& view, const Plan& plan);

}  // namespace cairn::query
