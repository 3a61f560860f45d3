// How well one way to part items agrees with another one, the truth. Pure functions; thread: any.
//
// Pairs: of all pairs of items, precision is the share of those together in a cluster that are
// together in a class, recall the reverse. Homogeneity, completeness and their harmonic mean are
// Rosenberg and Hirschberg's (2007), the adjusted Rand index is Hubert and Arabie's (1985).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace cairn::query {

struct PartitionMetrics {
  uint64_t items = 0;
  uint64_t clusters = 0;
  uint64_t classes = 0;
  std::optional<double> precision;  // nullopt: no two items are together in a cluster
  std::optional<double> recall;     // nullopt: no two are together in a class
  std::optional<double> f1;         // nullopt: one of them is
  double homogeneity = 1;
  double completeness = 1;
  double v_measure = 1;
  double adjusted_rand = 1;
};

// Item i is in clusters[i] and in classes[i]. Precondition: both have the same size.
PartitionMetrics measure_partition(std::span<const uint32_t> clusters,
                                   std::span<const uint32_t> classes);

}  // namespace cairn::query
