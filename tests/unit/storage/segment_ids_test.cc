#include "storage/segment_ids.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

namespace cairn::storage {
namespace {

struct Built {
  std::vector<uint64_t> hashes;  // by ordinal
  SegmentIds::Payloads payloads;
};

Built build(uint32_t rows, uint64_t seed) {
  std::mt19937_64 rng(seed);
  Built built;
  std::vector<IdEntry> entries;
  for (uint32_t o = 0; o < rows; ++o) {
    built.hashes.push_back(rng());
    entries.push_back(make_id_entry(id_prefix(built.hashes.back()), o));
  }
  built.payloads = SegmentIds::build(std::move(entries));
  return built;
}

TEST_CASE("every id is found, others hardly ever") {
  for (const uint32_t rows : {1u, 2u, 7u, 8u, 9u, 300u, 40'000u}) {
    INFO("rows " << rows);
    const Built built = build(rows, rows);
    const auto ids = SegmentIds::parse(built.payloads.filter, built.payloads.table, rows);
    REQUIRE(ids);
    std::vector<IdCandidate> found;
    ids->find(built.hashes, found);
    REQUIRE(found.size() == rows);
    for (uint32_t o = 0; o < rows; ++o) REQUIRE(found[o] == IdCandidate{o, o});
    std::vector<IdEntry> all;
    REQUIRE(ids->read_all(all));
    REQUIRE(all.size() == rows);
    std::vector<uint64_t> fresh(20'000);
    std::mt19937_64 rng(99);
    for (uint64_t& hash : fresh) hash = rng();
    found.clear();
    ids->find(fresh, found);
    CHECK(found.empty());
  }
}

TEST_CASE("equal prefixes are all candidates") {
  std::vector<IdEntry> entries;
  for (Ordinal o = 0; o < 50; ++o)
    entries.push_back(make_id_entry(id_prefix(uint64_t{7} << 40), o));
  const auto payloads = SegmentIds::build(entries);
  const auto ids = SegmentIds::parse(payloads.filter, payloads.table, 50);
  REQUIRE(ids);
  std::vector<IdCandidate> found;
  const uint64_t hashes[] = {5, uint64_t{7} << 40 | 9, uint64_t{8} << 40};
  ids->find(hashes, found);
  REQUIRE(found.size() == 50);
  CHECK(std::all_of(found.begin(), found.end(), [](const auto& c) { return c.index == 1; }));
}

TEST_CASE("an id takes less than six and a half bytes") {
  const Built built = build(262'144, 1);
  const size_t bytes = built.payloads.filter.size() + built.payloads.table.size();
  CHECK(bytes * 2 < 262'144 * 13);
}

TEST_CASE("wrong shapes are refused, damage is harmless") {
  const uint64_t seed = 4;
  INFO("seed " << seed);
  std::mt19937_64 rng(seed);
  const Built built = build(500, 3);
  const auto& [filter, table] = built.payloads;
  for (size_t size = 0; size < table.size(); ++size) {
    REQUIRE_FALSE(SegmentIds::parse(filter, std::span(table).first(size), 500));
  }
  CHECK_FALSE(SegmentIds::parse(std::span(filter).first(filter.size() - 1), table, 500));
  CHECK_FALSE(SegmentIds::parse(filter, table, 499));
  for (int round = 0; round < 500; ++round) {
    std::vector<std::byte> damaged = table;
    for (int i = 0; i < 3; ++i) damaged[rng() % damaged.size()] = static_cast<std::byte>(rng());
    const auto ids = SegmentIds::parse(filter, damaged, 500);
    if (!ids) continue;
    std::vector<IdCandidate> found;
    ids->find(built.hashes, found);
    for (const IdCandidate& candidate : found) REQUIRE(candidate.ordinal < 500);
    std::vector<IdEntry> all;
    ids->read_all(all);
    for (const IdEntry entry : all) REQUIRE((entry & (kMaxSegmentRows - 1)) < 500);
  }
}

}  // namespace
}  // namespace cairn::storage
