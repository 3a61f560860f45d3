#include "storage/value_runs.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>
#include <random>

#include "storage/coding.h"
#include "storage/lmdb_env.h"
#include "storage_fixture.h"

namespace cairn::storage {
namespace {

using testing::code_of;
using testing::IndexFixture;
using testing::must;

std::vector<RunEntry> random_entries(std::mt19937_64& random, size_t count, uint32_t first_id) {
  std::vector<RunEntry> entries;
  for (size_t i = 0; i < count; ++i) {
    entries.push_back({random(), ValueId{first_id + static_cast<uint32_t>(i)}});
  }
  return entries;
}

std::vector<ValueId> found(const ValueRun& run, uint64_t key) {
  std::vector<ValueId> ids;
  run.find(key, [&](ValueId id) {
    ids.push_back(id);
    return true;
  });
  return ids;
}

void sort(std::vector<RunEntry>& entries) {
  std::sort(entries.begin(), entries.end(),
            [](const RunEntry& a, const RunEntry& b) { return a.key < b.key; });
}

}  // namespace

TEST_CASE("a run finds its entries and hardly any other") {
  const uint64_t seed = 5;
  std::cout << "value_runs_test: seed " << seed << '\n';
  std::mt19937_64 random(seed);
  for (const size_t count : {1u, 2u, 3u, 100u, 5000u, 100'000u}) {
    auto entries = random_entries(random, count, 1);
    if (count > 2) entries[1].key = entries[0].key;  // two values of one key
    entries[0].key |= ~uint64_t{0} << 30;            // at the end
    if (count > 2) entries[2].key = 0;
    sort(entries);
    const auto bytes = ValueRun::build(entries);
    const auto run = ValueRun::open(bytes);
    REQUIRE(run);
    CHECK(run->size() == count);
    CHECK(run->checksum_fits());
    for (const RunEntry& entry : entries) {
      const auto ids = found(*run, entry.key);
      REQUIRE(std::find(ids.begin(), ids.end(), entry.id) != ids.end());
    }
    size_t strangers = 0;
    for (int i = 0; i < 10'000; ++i) strangers += found(*run, random()).size();
    CHECK(strangers <= 1);
    for (uint32_t i = 0; i < run->size(); ++i) {
      REQUIRE(run->entry(i).key >> 24 == entries[i].key >> 24);
      REQUIRE(run->entry(i).id == entries[i].id);
    }
  }
}

TEST_CASE("keys that crowd together are found too") {
  std::vector<RunEntry> entries;
  for (uint32_t i = 0; i < 20'000; ++i) entries.push_back({uint64_t{i} << 24, ValueId{i + 1}});
  const auto bytes = ValueRun::build(entries);
  const auto run = ValueRun::open(bytes);
  REQUIRE(run);
  for (uint32_t i = 0; i < 20'000; ++i) {
    REQUIRE(found(*run, uint64_t{i} << 24) == std::vector{ValueId{i + 1}});
  }
}

TEST_CASE("runs are merged, so that they stay few, and written seldom") {
  const uint64_t seed = 6;
  std::cout << "value_runs_test: seed " << seed << '\n';
  std::mt19937_64 random(seed);
  IndexFixture index;
  std::vector<RunEntry> all;
  size_t most = 0;
  uint64_t written = 0;
  for (int round = 0; round < 120; ++round) {
    const size_t count = round % 7 == 0 ? 0 : 1 + random() % 3000;
    const auto entries = random_entries(random, count, static_cast<uint32_t>(all.size() + 1));
    all.insert(all.end(), entries.begin(), entries.end());
    auto txn = index.write();
    must(add_run(*txn, entries));
    written += txn->bytes_written();
    must(txn->commit());
    if (round % 10 != 9) continue;
    const auto read = index.read();
    const auto runs = must(open_runs(*read));
    most = std::max(most, runs.size());
    size_t size = 0;
    for (const ValueRun& run : runs) size += run.size();
    REQUIRE(size == all.size());
    for (size_t i = 0; i < all.size(); i += 97) {
      size_t hits = 0;
      for (const ValueRun& run : runs) {
        const auto ids = found(run, all[i].key);
        hits += std::count(ids.begin(), ids.end(), all[i].id);
      }
      REQUIRE(hits == 1);
    }
  }
  CHECK(most <= 9);
  CHECK(written < all.size() * 11 * 4);
}

TEST_CASE("a run with a wrong length or header is none") {
  std::vector<RunEntry> entries = {{1ull << 40, ValueId{1}}, {2ull << 40, ValueId{2}}};
  const auto bytes = ValueRun::build(entries);
  for (size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE_FALSE(ValueRun::open(std::span(bytes).first(size)));
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    auto damaged = bytes;
    damaged[at] ^= std::byte{0x10};
    const auto run = ValueRun::open(damaged);
    // The byte after the version and the padding of the header belong to no field.
    if (run && at != 3 && at != 12 && at != 13 && at != 14 && at != 15) {
      REQUIRE_FALSE(run->checksum_fits());
    }
  }
}

TEST_CASE("a damaged list of runs is Corruption, and so is a run that is not there") {
  IndexFixture index;
  auto txn = index.write();
  must(add_run(*txn, {{1, ValueId{1}}}));
  must(txn->commit());
  SECTION("the list") {
    txn = index.write();
    must(txn->put(Table::ValueIds, Key().u32(0).view(), std::string(20, 'x')));
    must(txn->commit());
  }
  SECTION("the run") {
    txn = index.write();
    must(txn->erase(Table::ValueIds, Key().u32(1).view()));
    must(txn->commit());
  }
  CHECK(code_of(open_runs(*index.read())) == ErrorCode::Corruption);
}

}  // namespace cairn::storage
