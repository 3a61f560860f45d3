// Checkpoints in the background: writers and readers go on, nothing is seen twice or not at all.
#include <atomic>
#include <catch2/catch.hpp>
#include <iostream>
#include <random>
#include <thread>

#include "engine/store.h"
#include "support/random_occurrences.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::engine;
using testing::RandomOccurrences;
using testing::TempDir;

namespace {

StoreOptions small_heads() {
  StoreOptions options;
  options.head_limit = 64;
  options.tail_limit = 1000;
  options.index_map_bytes = 256u << 20;
  options.index_staged_bytes = 2u << 10;  // a segment takes several transactions
  return options;
}

template <class T>
T must(Result<T> result) {
  INFO((result.ok() ? std::string() : result.error().message));
  REQUIRE(result.ok());
  return std::move(result).value();
}

uint64_t releases(const Snapshot& snapshot) {
  uint64_t count = 0;
  for (const auto& [id, known] : snapshot.state().all_releases()) count += known.all().size();
  return count;
}

uint64_t counted(const Store& store) {
  const auto snapshot = must(store.snapshot());
  query::SearchOptions options;
  options.now = TimeUs{1'900'000'000'000'000};
  const query::Table table = must(snapshot->aggregate("| count()", options));
  const auto count = static_cast<uint64_t>(std::get<int64_t>(table.rows.at(0).at(0).value));
  // Record 1 made the store; every other one is an occurrence, or registers the release of one.
  REQUIRE(count + releases(*snapshot) == raw(snapshot->lsn()) - 1);
  return count;
}

}  // namespace

TEST_CASE("every snapshot counts exactly its own records while heads are sealed behind it") {
  const uint64_t seed = std::random_device{}();
  std::cout << "sealing seed " << seed << "\n";
  const TempDir dir;
  constexpr int kWriters = 3;
  constexpr int kBatches = 40;
  constexpr size_t kBatch = 25;
  {
    const auto store = must(Store::open(dir / "store", small_heads()));
    std::atomic<bool> done = false;
    std::atomic<uint64_t> failures = 0;
    std::vector<std::thread> writers;
    for (int w = 0; w < kWriters; ++w) {
      writers.emplace_back([&, w] {
        RandomOccurrences random(seed + static_cast<uint64_t>(w));
        for (int b = 0; b < kBatches; ++b) {
          std::vector<model::Message> batch;
          for (size_t i = 0; i < kBatch; ++i) batch.emplace_back(random.next());
          if (!store->submit(std::move(batch), {}).ok()) ++failures;
        }
      });
    }
    std::thread ender([&] {
      for (auto& writer : writers) writer.join();
      done = true;
    });
    uint64_t last = 0;
    while (!done) {
      const uint64_t now = counted(*store);
      CHECK(now >= last);
      last = now;
      const auto digests = store->digests();
      CHECK(digests.ok());
    }
    ender.join();
    CHECK(failures == 0);
    CHECK(counted(*store) > 0);
  }
  auto store = must(Store::open(dir / "store", small_heads()));
  const Digests before = must(store->digests());
  const uint64_t count = counted(*store);
  // Merging may have made one of them all; ids tell how many there have been.
  CHECK(must(store->stats()).segments.back().id > 3);
  store.reset();
  const RebuildReport rebuilt = must(Store::rebuild(dir / "store", small_heads()));
  CHECK(rebuilt.digests.state == before.state);
  CHECK(rebuilt.digests.full == before.full);
  const auto again = must(Store::open(dir / "store", small_heads()));
  CHECK(counted(*again) == count);
}

TEST_CASE("a batch far longer than the head is sealed on the way") {
  const TempDir dir;
  StoreOptions options = small_heads();
  options.merging.fan_in = 1000;
  const auto store = must(Store::open(dir / "store", options));
  RandomOccurrences random(7);
  std::vector<model::Message> batch;
  for (int i = 0; i < 1000; ++i) batch.emplace_back(random.next());
  const SubmitResult result = must(store->submit(std::move(batch), {}));
  CHECK(counted(*store) + releases(*must(store->snapshot())) == raw(result.lsn) - 1);
  REQUIRE(store->checkpoint().ok());
  for (const SegmentStats& segment : must(store->stats()).segments) {
    CHECK(segment.occurrences <= 2 * 64);
  }
}

TEST_CASE("what is being sealed is known: a second time it is a duplicate") {
  const TempDir dir;
  StoreOptions options = small_heads();
  options.head_limit = 16;
  const auto store = must(Store::open(dir / "store", options));
  RandomOccurrences random(11);
  std::vector<model::Occurrence> all;
  for (int i = 0; i < 300; ++i) all.push_back(random.next());
  for (size_t i = 0; i < all.size(); ++i) {
    std::vector<model::Message> both;
    both.emplace_back(all[i]);
    both.emplace_back(all[i / 2]);
    const SubmitResult result = must(store->submit(std::move(both), {}));
    CHECK(result.items[1].outcome == Outcome::Duplicate);
  }
}

TEST_CASE("a compacted store says the same") {
  const TempDir dir;
  StoreOptions options = small_heads();
  options.merging.fan_in = 1000;
  auto store = must(Store::open(dir / "store", options));
  RandomOccurrences random(13);
  for (int i = 0; i < 12; ++i) {
    std::vector<model::Message> batch;
    for (auto& occurrence : random.take(70)) batch.emplace_back(std::move(occurrence));
    must(store->submit(std::move(batch), {}));
    REQUIRE(store->checkpoint().ok());
  }
  const Digests before = must(store->digests());
  const CompactReport report = must(store->compact());
  CHECK(report.segments_before == 12);
  CHECK(report.segments_after == 1);
  CHECK(report.merged_occurrences == 12 * 70);
  CHECK(must(store->digests()).full == before.full);
  CHECK(counted(*store) == 12 * 70);
  const CompactReport again = must(store->compact());
  CHECK(again.merged_occurrences == 0);
  store.reset();
  CHECK(must(Store::verify(dir / "store", true, options)).problems.empty());
  store = must(Store::open(dir / "store", options));
  CHECK(must(store->digests()).full == before.full);
}
