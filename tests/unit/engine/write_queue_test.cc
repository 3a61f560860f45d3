// Writers that do not wait for one another: order, durability of every answer, and room for others.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
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

PreparedMessages prepared(const std::vector<model::Occurrence>& occurrences) {
  model::TermExtractor extractor;
  PreparedMessages batch;
  for (const model::Occurrence& occurrence : occurrences) {
    extractor.extract(occurrence, batch.terms);
    batch.messages.emplace_back(occurrence);
  }
  return batch;
}

PreparedMessages prepared(RandomOccurrences& random, size_t count) {
  return prepared(random.take(count));
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
  const StoreOptions options = small(clock);
  const auto patient = open(dir / "patient", options);
  auto hasty = open(dir / "hasty", options);
  RandomOccurrences random(11);
  std::vector<Answer> answers;
  std::vector<SubmitResult> results;
  // Every batch comes twice: the second time all of it is known.
  for (size_t size : {1, 70, 0, 300, 5, 700, 1, 1}) {
    const auto occurrences = random.take(size);
    for (int time = 0; time < 2; ++time) {
      auto result = patient->submit(prepared(occurrences), {});
      REQUIRE(result.ok());
      results.push_back(std::move(result).value());
      answers.push_back(hasty->submit_later(prepared(occurrences), {}));
    }
  }
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto result = answers[i].get();
    REQUIRE(result.ok());
    CHECK(result->lsn >= results[i].lsn);  // of all that was taken together
    REQUIRE(result->items.size() == results[i].items.size());
    for (size_t n = 0; n < result->items.size(); ++n) {
      CHECK(result->items[n].outcome == results[i].items[n].outcome);
      CHECK(result->items[n].lsn == results[i].items[n].lsn);
    }
  }
  const Digests digests = *hasty->digests();
  CHECK(patient->digests()->state == digests.state);
  hasty.reset();
  const auto rebuilt = Store::rebuild(dir / "hasty", options);
  REQUIRE(rebuilt.ok());
  CHECK(rebuilt->digests.full == digests.full);
}

TEST_CASE("a batch that fails takes those of its sequence along and no others") {
  const TempDir dir;
  ForgetfulFileSystem files;
  ManualClock clock(kNow);
  StoreOptions options = small(clock);
  options.files = &files;
  RandomOccurrences random(3);
  const auto known = random.take(250);
  {
    const auto store = open(dir / "store", options);
    REQUIRE(store->submit(prepared(known), {}).ok());
    REQUIRE(store->checkpoint().ok());
  }
  const auto store = open(dir / "store", options);
  // What is known by its id is looked up in the log, and that does not say it any more.
  const std::string log = dir / "store/log";
  const auto names = files.list(log);
  REQUIRE(names.ok());
  for (const std::string& name : *names) {
    auto bytes = files.read_file(log + "/" + name);
    for (size_t i = 200; i < bytes.size() && i < 8000; ++i) bytes[i] ^= std::byte{0x55};
    files.write_file(log + "/" + name, std::move(bytes));
  }
  SubmitOptions in_sequence;
  in_sequence.sequence_failed = std::make_shared<std::atomic<bool>>(false);
  auto failing = store->submit_later(prepared(known), in_sequence);
  auto behind = store->submit_later(prepared(random, 3), in_sequence);
  auto another = store->submit_later(prepared(random, 3), {});
  const auto failed = failing.get();
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().code == ErrorCode::Corruption);
  const auto not_applied = behind.get();
  REQUIRE_FALSE(not_applied.ok());
  CHECK(not_applied.error().code == ErrorCode::Conflict);
  CHECK(another.get().ok());
  CHECK(store->stats()->occurrences == 253);
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

// Who asks gets an answer before the queue is empty. That there is a queue when it asks is a
// matter of luck, but not five times in a row.
TEST_CASE("a reader gets its turn among batches that are queued") {
  const TempDir dir;
  ManualClock clock(kNow);
  const auto store = open(dir / "store", small(clock));
  RandomOccurrences random(77);
  bool before_the_end = false;
  for (int attempt = 0; attempt < 5 && !before_the_end; ++attempt) {
    std::vector<PreparedMessages> batches;
    for (int i = 0; i < 300; ++i) batches.push_back(prepared(random, 50));
    std::vector<Answer> answers;
    for (auto& batch : batches) answers.push_back(store->submit_later(std::move(batch), {}));
    {
      const auto snapshot = store->snapshot();
      REQUIRE(snapshot.ok());
      before_the_end =
          answers.back().wait_for(std::chrono::seconds(0)) != std::future_status::ready;
    }
    for (Answer& answer : answers) REQUIRE(answer.get().ok());
  }
  CHECK(before_the_end);
}

// Batches that were handed over without waiting give way to who waits, as they stay in their order.
// That some are left when the command comes is a matter of luck, but not five times in a row.
TEST_CASE("who waits for an answer goes before batches that are queued") {
  const TempDir dir;
  ManualClock clock(kNow);
  const auto store = open(dir / "store", small(clock));
  RandomOccurrences random(78);
  bool went_before = false;
  for (int attempt = 0; attempt < 5 && !went_before; ++attempt) {
    std::vector<PreparedMessages> batches;
    for (int i = 0; i < 300; ++i) batches.push_back(prepared(random, 50));
    std::vector<Answer> answers;
    for (auto& batch : batches) answers.push_back(store->submit_later(std::move(batch), {}));
    model::ChangeProjectCommand command;
    command.project = ProjectId{1};
    command.slug = "slug-" + std::to_string(attempt);
    const auto executed = store->execute(command, {});
    REQUIRE(executed.ok());
    Lsn last{};
    for (Answer& answer : answers) {
      const auto result = answer.get();
      REQUIRE(result.ok());
      CHECK(result->lsn > last);
      last = result->items.back().lsn;
    }
    went_before = executed->lsn < last;
  }
  CHECK(went_before);
}

TEST_CASE("checkpoints and compaction get their turn among writers without end") {
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
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    const uint64_t before = written;
    const auto snapshot = store->snapshot();
    if (!snapshot.ok() || raw((*snapshot)->lsn()) <= before) ++refused;
  }
  for (int i = 0; i < 5; ++i) refused += store->checkpoint().ok() ? 0 : 1;
  refused += store->compact().ok() ? 0 : 1;
  enough = true;
  writer.join();
  CHECK(refused == 0);
  CHECK(failures == 0);
  CHECK(store->stats()->occurrences == written);
}

TEST_CASE("more than may be queued waits, and all of it is stored") {
  const TempDir dir;
  ManualClock clock(kNow);
  StoreOptions options = small(clock);
  options.head_limit = 1u << 15;
  const auto store = open(dir / "store", options);
  RandomOccurrences random(9);
  std::vector<PreparedMessages> batches;
  for (int i = 0; i < 15; ++i) batches.push_back(prepared(random, kMaxQueuedMessages / 10));
  std::vector<Answer> answers;
  for (auto& batch : batches) answers.push_back(store->submit_later(std::move(batch), {}));
  for (Answer& answer : answers) REQUIRE(answer.get().ok());
  CHECK(store->stats()->occurrences == 15 * (kMaxQueuedMessages / 10));
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
    Lsn durable{};
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
      // Who looks meanwhile makes the writer let go of the lock; what it sees must be durable.
      Lsn seen{};
      std::thread reader([&] {
        for (auto snapshot = store->snapshot(); snapshot.ok(); snapshot = store->snapshot()) {
          seen = (*snapshot)->lsn();
          if (under_way.back().second.wait_for(std::chrono::seconds(0)) ==
              std::future_status::ready) {
            return;
          }
          snapshot->reset();
        }
      });
      reader.join();
      durable = seen;
      for (auto& [ids, answer] : under_way) {
        if (answer.get().ok()) acknowledged.insert(acknowledged.end(), ids.begin(), ids.end());
      }
      // A store that lost something shows nothing any more.
      CHECK((acknowledged.size() == submitted || !store->snapshot().ok()));
    }
    files.crash(&random);
    const auto store = open(dir / "store", options);
    CHECK((*store->snapshot())->lsn() >= durable);
    for (const auto& [project, id] : acknowledged) {
      const auto there = store->has_occurrence(project, id);
      REQUIRE(there.ok());
      REQUIRE(*there);
    }
  }
}
