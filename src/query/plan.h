// From meaning to index: values become dictionary ids, and the conjuncts are split by what they
// need. Conditions on the visible issue alone filter groups while they are rolled up and cost
// nothing per occurrence; the rest become bitmaps, part by part (executor.h).
// Values; thread: any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "query/bound.h"
#include "query/view.h"

namespace cairn::query {

// A condition that every part of the index can answer with a bitmap.
struct PlanNode {
  enum class Kind : uint8_t { All, None, Values, Present, Rows, Time, Fingerprints, And, Or, Not };
  struct Row {
    const storage::Part* part = nullptr;
    Ordinal ordinal = 0;
    bool operator==(const Row&) const = default;
  };
  Kind kind = Kind::All;
  FieldId field{};  // Values, Present
  // Values: any of them, ascending; never nullptr then. Equal tests share them: there may be
  // millions.
  std::shared_ptr<const std::vector<ValueId>> listed;
  std::vector<Row> rows;     // Rows: found by id
  TimeRange range;           // Time
  std::vector<bool> wanted;  // Fingerprints, as Part::of_fingerprints takes it
  double share = 0;          // Fingerprints: of all occurrences that those wanted have
  std::vector<PlanNode> children;
  Span at;              // in the query; empty: of no term alone
  uint32_t id = 0;      // equal nodes have the same; below Plan::node_count
  bool shared = false;  // stands in several places: a part answers it once

  const std::vector<ValueId>& values() const { return *listed; }  // precondition: Values
};

// Conditions that are answered by reading every value of a field (patterns, text, comparisons) or
// every issue: more of them in one query are refused. Each costs a pass over the dictionary.
inline constexpr size_t kMaxScans = 256;

struct Plan {
  std::vector<Expr> group_filter;  // conjuncts about the visible issue alone
  // What the group filter names, if it does: no other issue, or none of another project, passes.
  std::optional<std::vector<GroupId>> issues;      // ascending, visible
  std::optional<std::vector<ProjectId>> projects;  // ascending
  bool only_projects = false;                      // they are all the group filter asks for
  PlanNode events;                                 // everything else but
  uint32_t node_count = 0;                         // different nodes in it
  bool told = false;                               // it is the one that a profile tells of
  TimeRange time;                                  // the time the whole query is limited to
  std::set<std::string> unseen_tags;               // named by the filter; no occurrence has one
  Holding held{nullptr};                           // of the values that were found by reading
};

// A sentence for each, with the nearest name that means something.
std::vector<std::string> warn_of_unseen(const View& view, const std::set<std::string>& tags);

// Numbers the nodes of a condition, drops what AND and OR hold twice and marks what stands in
// several places. Returns how many different nodes there are.
uint32_t share_nodes(PlanNode& root);

// Errors: Corruption, Io (of the dictionary); InvalidArgument (kMaxScans), with position; those of
// the view's meter.
Result<Plan> make_plan(const View& view, Expr filter);

}  // namespace cairn::query
