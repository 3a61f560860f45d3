#include "query/partition_metrics.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/assert.h"

namespace cairn::query {
namespace {

double pairs(uint64_t count) {
  return static_cast<double>(count) * (static_cast<double>(count) - 1) / 2;
}

// Sizes of the runs of equal numbers in a sorted list.
std::vector<uint64_t> run_sizes(const std::vector<uint64_t>& sorted) {
  std::vector<uint64_t> sizes;
  for (size_t i = 0; i < sorted.size();) {
    const size_t end = static_cast<size_t>(
        std::upper_bound(sorted.begin() + static_cast<ptrdiff_t>(i), sorted.end(), sorted[i]) -
        sorted.begin());
    sizes.push_back(end - i);
    i = end;
  }
  return sizes;
}

std::vector<uint64_t> sizes_of(std::span<const uint32_t> labels) {
  std::vector<uint64_t> sorted(labels.begin(), labels.end());
  std::sort(sorted.begin(), sorted.end());
  return run_sizes(sorted);
}

double pairs_within(const std::vector<uint64_t>& sizes) {
  double sum = 0;
  for (const uint64_t size : sizes) sum += pairs(size);
  return sum;
}

// In nats.
double entropy(const std::vector<uint64_t>& sizes, uint64_t items) {
  double sum = 0;
  for (const uint64_t size : sizes) {
    const double share = static_cast<double>(size) / static_cast<double>(items);
    sum -= share * std::log(share);
  }
  return sum;
}

// The share of `whole` that knowing the other side explains; all of nothing is explained.
double explained(double whole, double left) {
  if (whole <= 0) return 1;
  return std::clamp(1 - left / whole, 0.0, 1.0);
}

double harmonic_mean(double a, double b) { return a + b == 0 ? 0 : 2 * a * b / (a + b); }

}  // namespace

PartitionMetrics measure_partition(std::span<const uint32_t> clusters,
                                   std::span<const uint32_t> classes) {
  CAIRN_ASSERT(clusters.size() == classes.size());
  PartitionMetrics out;
  out.items = clusters.size();
  std::vector<uint64_t> both;
  both.reserve(clusters.size());
  for (size_t i = 0; i < clusters.size(); ++i) {
    both.push_back(uint64_t{clusters[i]} << 32 | classes[i]);
  }
  std::sort(both.begin(), both.end());
  const std::vector<uint64_t> joint = run_sizes(both);
  const std::vector<uint64_t> cluster_sizes = sizes_of(clusters);
  const std::vector<uint64_t> class_sizes = sizes_of(classes);
  out.clusters = cluster_sizes.size();
  out.classes = class_sizes.size();
  if (out.items == 0) return out;

  const double together = pairs_within(joint);
  const double in_clusters = pairs_within(cluster_sizes);
  const double in_classes = pairs_within(class_sizes);
  if (in_clusters > 0) out.precision = together / in_clusters;
  if (in_classes > 0) out.recall = together / in_classes;
  if (out.precision && out.recall) out.f1 = harmonic_mean(*out.precision, *out.recall);

  const double joint_entropy = entropy(joint, out.items);
  const double cluster_entropy = entropy(cluster_sizes, out.items);
  const double class_entropy = entropy(class_sizes, out.items);
  out.homogeneity = explained(class_entropy, joint_entropy - cluster_entropy);
  out.completeness = explained(cluster_entropy, joint_entropy - class_entropy);
  out.v_measure = harmonic_mean(out.homogeneity, out.completeness);

  const double all = pairs(out.items);
  const double by_chance = all == 0 ? 0 : in_clusters * in_classes / all;
  const double most = (in_clusters + in_classes) / 2;
  out.adjusted_rand = most == by_chance ? 1 : (together - by_chance) / (most - by_chance);
  return out;
}

}  // namespace cairn::query
