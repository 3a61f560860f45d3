#include "storage/segment_runs.h"

#include <catch2/catch.hpp>
#include <random>

namespace cairn::storage {
namespace {

std::vector<Run> random_runs(uint32_t count, std::mt19937_64& rng) {
  std::vector<Run> runs;
  Ordinal next = 0;
  uint64_t project = 5;
  for (uint32_t i = 0; i < count; ++i) {
    if (rng() % 4 == 0) project += 1 + rng() % 1'000'000'000'000;
    // Ascending within a project, but not over projects.
    const auto fingerprint = static_cast<uint32_t>(project % 7 * 100'000 + 1 + 3 * i);
    const auto rows = static_cast<uint32_t>(1 + rng() % 50);
    runs.push_back({ProjectId{project}, FingerprintId{fingerprint}, next, rows});
    next += rows;
  }
  return runs;
}

TEST_CASE("runs are found by number, ordinal and fingerprint") {
  const uint64_t seed = 8;
  INFO("seed " << seed);
  std::mt19937_64 rng(seed);
  for (const uint32_t count : {1u, 2u, 3u, 64u, 65u, 1000u}) {
    const std::vector<Run> runs = random_runs(count, rng);
    const uint32_t rows = runs.back().begin + runs.back().count;
    const std::vector<std::byte> payload = SegmentRuns::build(runs);
    const auto parsed = SegmentRuns::parse(payload, rows);
    REQUIRE(parsed);
    REQUIRE(parsed->size() == count);
    const std::vector<Run> all = parsed->read_all();
    uint32_t from = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const Run& run = runs[i];
      REQUIRE(parsed->id(i) == run.fingerprint);
      REQUIRE(parsed->begin(i) == run.begin);
      REQUIRE(parsed->end(i) == run.begin + run.count);
      REQUIRE(parsed->find(run.fingerprint) == i);
      REQUIRE(parsed->holding(run.begin) == i);
      from = parsed->holding(run.begin + run.count - 1, from);
      REQUIRE(from == i);
      REQUIRE(all[i].project == run.project);
      REQUIRE(all[i].count == run.count);
    }
    CHECK_FALSE(parsed->find(FingerprintId{0}));
    CHECK_FALSE(parsed->find(FingerprintId{UINT32_MAX}));
    for (size_t size = 0; size < payload.size(); ++size) {
      REQUIRE_FALSE(SegmentRuns::parse(std::span(payload).first(size), rows));
    }
    for (int round = 0; round < 200; ++round) {
      std::vector<std::byte> damaged = payload;
      damaged[rng() % damaged.size()] = static_cast<std::byte>(rng());
      const auto other = SegmentRuns::parse(damaged, rows);
      if (!other) continue;
      for (const Run& run : other->read_all()) REQUIRE(run.begin + run.count <= rows);
      if (const auto run = other->find(runs[0].fingerprint)) REQUIRE(*run < count);
    }
  }
}

}  // namespace
}  // namespace cairn::storage
