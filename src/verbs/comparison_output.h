// What `experiment compare` found, for people and for scripts.
#pragma once

#include <optional>
#include <string>

#include "engine/store.h"
#include "query/comparison.h"
#include "query/partition_metrics.h"
#include "verbs/console.h"

namespace cairn::verbs {

// Both groupings against labels.
struct LabelReport {
  uint64_t labels = 0;
  uint64_t missing = 0;  // occurrences that are not in the store
  query::PartitionMetrics before;
  query::PartitionMetrics after;
};

struct ComparisonReport {
  std::string experiment;
  std::string other;  // "" = the base
  query::Comparison comparison;
  std::optional<LabelReport> labels;
};

std::string comparison_json(const engine::Snapshot& snapshot, const ComparisonReport& report);
void print_comparison(const engine::Snapshot& snapshot, const ComparisonReport& report,
                      Console& console);

}  // namespace cairn::verbs
