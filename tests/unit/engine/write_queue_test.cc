// Writers that do not wait for one another: order, durability of every answer, and room for others.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <deque>
#include <random>
#include <thread>

#include "engine/store.h"
#include "support/forgetful_file_system.h"
#include "support/random_occurrences.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::engine;
using testing::ForgetfulFileSystem;
using testing::RandomOccurrences;
using testing::TempDir;

namespace {

constexpr TimeUs kNow{1'800'000'000'000'000};

using Answer = std::future<Result<SubmitResult>>;

PreparedMessages prepared(RandomOccurrences& random, size_t count) {
  model::TermExtractor extractor;
  PreparedMessages batch;
  for (size_t i = 0; i < count; ++i) {
    auto occurrence = random.next();
    extractor.extract(occurrence, batch.terms);
    batch.messages.emplace_back(std::move(occurrence));
  }
  return batch;
}

std::unique_ptr<Store> open(const std::string& path, const StoreOptions& options) {
  auto store = Store::open(path, options);
  INFO((store.ok() ? std::string() : store.error().message));
  REQUIRE(store.ok());
  return std::move(store).value();
}

StoreOptions small(Clock& clock) {
  StoreOptions options;
  options.clock = &clock;
  options.head_limit = 200;
  options.index_map_bytes = 256u << 20;
  return options;
}

}  // namespace

TEST_CASE("batches that nobody waited for are the same store as batches one by one") {
  const TempDir dir;
  ManualClock clock(kNow);
  const auto patient = open(dir / "patient", small(clock));
  const auto hasty = open(dir / "hasty", small(clock));
  RandomOccurrences first(11);
  RandomOccurrences second(11);
  std::vector<Answer> answers;
  std::vector<Lsn> lsns;
  for (size_t size : {1, 70, 0, 300, 5, 700, 1, 1}) {
    const auto result = patient->submit(prepared(first, size), {});
    REQUIRE(result.ok());
    lsns.push_back(result->lsn);
    answers.push_back(hasty->submit_later(prepared(second, size), {}));
  }
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto result = answers[i].get();
    REQUIRE(result.ok());
    CHECK(result->lsn == lsns[i]);
  }
  CHECK(patient->digests()->state == hasty->digests()->state);
}

TEST_CASE("an answer nobody waits for is given before the store is closed") {
  const TempDir dir;
  ManualClock clock(kNow);
  RandomOccurrences random(5);
  std::vector<Answer> answers;
  {
    const auto store = open(dir / "store", small(clock));
    for (int i = 0; i < 20; ++i) answers.push_back(store->submit_later(prepared(random, 50), {}));
    store->submit_later(prepared(random, 50), {});
    REQUIRE(store->close().ok());
    auto late = store->submit_later(prepared(random, 1), {}).get();
    REQUIRE_FALSE(late.ok());
    CHECK(late.error().code == ErrorCode::Closed);
  }
  for (Answer& answer : answers) CHECK(answer.get().ok());
  CHECK(open(dir / "store", small(clock))->stats()->occurrences == 21 * 50);
}

TEST_CASE("terms that do not go with their messages are refused at once") {
  const TempDir dir;
  ManualClock clock(kNow);
  const auto store = open(dir / "store", small(clock));
  RandomOccurrences random(5);
  PreparedMessages batch = prepared(random, 3);
  batch.terms.clear();
  const auto refused = store->submit_later(std::move(batch), {}).get();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::InvalidArgument);
}

// Writers that never let the queue become empty must not keep others from the lock for good.
TEST_CASE("readers, checkpoints and compaction get their turn among writers without end") {
  const TempDir dir;
  ManualClock clock(kNow);
  const auto store = open(dir / "store", small(clock));
  std::atomic<bool> enough = false;
  std::atomic<int> failures = 0;
  std::atomic<uint64_t> written = 0;
  std::thread writer([&] {
    RandomOccurrences random(77);
    std::deque<Answer> under_way;
    const auto take = [&] {
      const auto result = under_way.front().get();
      under_way.pop_front();
      if (result.ok()) written += result->items.size();
      if (!result.ok()) ++failures;
    };
    while (!enough) {
      under_way.push_back(store->submit_later(prepared(random, 30), {}));
      if (under_way.size() > 4) take();
    }
    while (!under_way.empty()) take();
  });
  for (int i = 0; i < 20; ++i) {
    const uint64_t before = written;
    const auto snapshot = store->snapshot();
    REQUIRE(snapshot.ok());
    CHECK(raw((*snapshot)->lsn()) > before);
    const auto table = (*snapshot)->aggregate("| count()", {});
    REQUIRE(table.ok());
    CHECK((*snapshot)->lsn() >= Lsn{before});
  }
  for (int i = 0; i < 5; ++i) CHECK(store->checkpoint().ok());
  CHECK(store->compact().ok());
  enough = true;
  writer.join();
  CHECK(failures == 0);
  CHECK(store->stats()->occurrences == written);
}

// The log's thread answers while the next batch is applied: no answer may come before its sync.
TEST_CASE("whatever was answered is there after a power cut among batches under way") {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    const TempDir dir;
    ForgetfulFileSystem files;
    ManualClock clock(kNow);
    StoreOptions options = small(clock);
    options.files = &files;
    options.log_file_bytes = 64u << 10;
    std::vector<std::pair<ProjectId, Uuid>> acknowledged;
    uint64_t submitted = 0;
    {
      const auto store = open(dir / "store", options);
      files.cut_power_at(files.calls() + 1 + random() % 60);
      RandomOccurrences occurrences(seed);
      std::vector<std::pair<std::vector<std::pair<ProjectId, Uuid>>, Answer>> under_way;
      for (int i = 0; i < 30; ++i) {
        PreparedMessages batch = prepared(occurrences, 1 + random() % 60);
        std::vector<std::pair<ProjectId, Uuid>> ids;
        for (const auto& message : batch.messages) {
          const auto& one = std::get<model::Occurrence>(message);
          ids.emplace_back(one.project, one.id);
        }
        submitted += ids.size();
        under_way.emplace_back(std::move(ids), store->submit_later(std::move(batch), {}));
      }
      for (auto& [ids, answer] : under_way) {
        if (answer.get().ok()) acknowledged.insert(acknowledged.end(), ids.begin(), ids.end());
      }
      // A store that lost something shows nothing any more.
      CHECK((acknowledged.size() == submitted || !store->snapshot().ok()));
    }
    files.crash(&random);
    const auto store = open(dir / "store", options);
    for (const auto& [project, id] : acknowledged) {
      const auto there = store->has_occurrence(project, id);
      REQUIRE(there.ok());
      REQUIRE(*there);
    }
  }
}
