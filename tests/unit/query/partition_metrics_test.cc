#include "query/partition_metrics.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <iostream>
#include <map>
#include <random>
#include <vector>

using namespace cairn;
using query::measure_partition;

namespace {

// Every pair of items, one by one.
struct Naive {
  double both = 0, in_clusters = 0, in_classes = 0, all = 0;

  Naive(const std::vector<uint32_t>& clusters, const std::vector<uint32_t>& classes) {
    for (size_t i = 0; i < clusters.size(); ++i) {
      for (size_t j = i + 1; j < clusters.size(); ++j) {
        const bool cluster = clusters[i] == clusters[j];
        const bool one_class = classes[i] == classes[j];
        both += cluster && one_class;
        in_clusters += cluster;
        in_classes += one_class;
        all += 1;
      }
    }
  }
};

// H(of | given), by definition.
double conditional_entropy(const std::vector<uint32_t>& of, const std::vector<uint32_t>& given) {
  std::map<uint32_t, std::map<uint32_t, double>> joint;
  std::map<uint32_t, double> sizes;
  for (size_t i = 0; i < of.size(); ++i) {
    joint[given[i]][of[i]] += 1;
    sizes[given[i]] += 1;
  }
  double sum = 0;
  for (const auto& [cluster, counts] : joint) {
    for (const auto& [label, count] : counts) {
      sum -= count / static_cast<double>(of.size()) * std::log(count / sizes[cluster]);
    }
  }
  return sum;
}

double entropy(const std::vector<uint32_t>& of) {
  return conditional_entropy(of, std::vector<uint32_t>(of.size(), 0));
}

}  // namespace

TEST_CASE("a grouping that is the truth") {
  const std::vector<uint32_t> truth = {1, 1, 2, 2, 2, 3};
  const std::vector<uint32_t> renamed = {7, 7, 4, 4, 4, 9};
  const auto metrics = measure_partition(renamed, truth);
  CHECK(metrics.items == 6);
  CHECK(metrics.clusters == 3);
  CHECK(metrics.classes == 3);
  CHECK(*metrics.precision == 1);
  CHECK(*metrics.recall == 1);
  CHECK(*metrics.f1 == 1);
  CHECK(metrics.homogeneity == Approx(1));
  CHECK(metrics.completeness == Approx(1));
  CHECK(metrics.v_measure == Approx(1));
  CHECK(metrics.adjusted_rand == Approx(1));
}

TEST_CASE("each item alone, all in one, and nothing at all") {
  const std::vector<uint32_t> truth = {1, 1, 2, 2};
  const auto alone = measure_partition(std::vector<uint32_t>{1, 2, 3, 4}, truth);
  CHECK_FALSE(alone.precision);
  CHECK(*alone.recall == 0);
  CHECK_FALSE(alone.f1);
  CHECK(alone.homogeneity == Approx(1));
  CHECK(alone.completeness == Approx(0.5));
  CHECK(alone.adjusted_rand == Approx(0));
  const auto together = measure_partition(std::vector<uint32_t>{5, 5, 5, 5}, truth);
  CHECK(*together.precision == Approx(1.0 / 3));
  CHECK(*together.recall == 1);
  CHECK(together.homogeneity == Approx(0).margin(1e-12));
  CHECK(together.completeness == Approx(1));
  CHECK(together.v_measure == Approx(0).margin(1e-12));
  const auto nothing = measure_partition({}, {});
  CHECK(nothing.items == 0);
  CHECK_FALSE(nothing.precision);
  CHECK(nothing.adjusted_rand == 1);
}

TEST_CASE("metrics agree with all pairs and with the definitions") {
  const uint64_t seed = std::random_device{}();
  std::cout << "partition metrics seed " << seed << "\n";
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    CAPTURE(seed, round);
    const size_t items = 1 + random() % 60;
    const uint64_t clusters_most = 1 + random() % 12, classes_most = 1 + random() % 12;
    std::vector<uint32_t> clusters, classes;
    for (size_t i = 0; i < items; ++i) {
      clusters.push_back(static_cast<uint32_t>(random() % clusters_most));
      classes.push_back(static_cast<uint32_t>(random() % classes_most));
    }
    const auto metrics = measure_partition(clusters, classes);
    const Naive naive(clusters, classes);
    REQUIRE(metrics.precision.has_value() == (naive.in_clusters > 0));
    REQUIRE(metrics.recall.has_value() == (naive.in_classes > 0));
    if (metrics.precision) CHECK(*metrics.precision == Approx(naive.both / naive.in_clusters));
    if (metrics.recall) CHECK(*metrics.recall == Approx(naive.both / naive.in_classes));
    if (naive.all > 0) {
      const double expected = naive.in_clusters * naive.in_classes / naive.all;
      const double most = (naive.in_clusters + naive.in_classes) / 2;
      const double rand = most == expected ? 1 : (naive.both - expected) / (most - expected);
      CHECK(metrics.adjusted_rand == Approx(rand).margin(1e-9));
    }
    const double of_classes = entropy(classes), of_clusters = entropy(clusters);
    const double h =
        of_classes <= 1e-12 ? 1 : 1 - conditional_entropy(classes, clusters) / of_classes;
    const double c =
        of_clusters <= 1e-12 ? 1 : 1 - conditional_entropy(clusters, classes) / of_clusters;
    CHECK(metrics.homogeneity == Approx(h).margin(1e-9));
    CHECK(metrics.completeness == Approx(c).margin(1e-9));
    CHECK(metrics.v_measure == Approx(h + c == 0 ? 0 : 2 * h * c / (h + c)).margin(1e-9));
  }
}
