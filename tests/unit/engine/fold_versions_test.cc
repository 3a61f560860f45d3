// Snapshots that stay while everything goes on: what they say never changes, and nobody waits for
// their end.
#include "engine/fold_versions.h"

#include <fmt/format.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <deque>
#include <iostream>
#include <random>
#include <thread>

#include "engine/issue_events.h"
#include "engine/store.h"
#include "support/must.h"
#include "support/random_commands.h"
#include "support/random_occurrences.h"
#include "support/soak.h"
#include "support/store_queries.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::engine;

namespace {

using testing::must;

constexpr TimeUs kNow{1'700'100'000'000'000};
constexpr uint64_t kProjects = 3;

using testing::RandomOccurrences;

std::vector<model::Message> take(RandomOccurrences& occurrences, uint64_t count) {
  std::vector<model::Message> batch;
  for (; count > 0; --count) batch.emplace_back(occurrences.next());
  return batch;
}

std::unique_ptr<Store> open_small(const std::string& path) {
  StoreOptions options;
  options.index_map_bytes = 256u << 20;
  return must(Store::open(path, options));
}

// Snapshots of as many moments as may be read beside the newest, three occurrences apart.
std::deque<std::unique_ptr<Snapshot>> keep_older(Store& store, RandomOccurrences& occurrences) {
  std::deque<std::unique_ptr<Snapshot>> kept;
  must(store.submit(take(occurrences, 3), {}));
  for (size_t i = 0; i < FoldVersions::kMostOlder; ++i) {
    kept.push_back(must(store.snapshot()));
    must(store.submit(take(occurrences, 3), {}));
  }
  return kept;
}

// Everything there is to ask, as text: state, issues, tables, values, bodies, histories.
std::string everything(const Snapshot& snapshot, const std::vector<std::string>& queries) {
  std::string out =
      fmt::format("LSN {} state {}\n", raw(snapshot.lsn()), snapshot.state().replay_digest().hex());
  query::SearchOptions options;
  options.now = kNow;
  for (const std::string& query : queries) {
    const auto page = must(snapshot.search(query, options));
    out += fmt::format("{}: {}", query, page.total);
    for (const auto& row : page.issues) {
      out += fmt::format(" {} x{} u{}", raw(row.id), row.count, row.users);
    }
    const auto table = must(snapshot.aggregate(query + " | count() uniq(user) by title", options));
    for (const auto& row : table.rows) {
      for (const query::Cell& cell : row) {
        const auto* text = std::get_if<std::string>(&cell.value);
        const auto* number = std::get_if<int64_t>(&cell.value);
        out += text != nullptr ? " " + *text : fmt::format(" {}", number != nullptr ? *number : -1);
      }
    }
    out += "\n";
  }
  for (const auto& [name, experiment] : snapshot.state().experiments()) {
    const query::View view = must(snapshot.view_in(name));
    for (const GroupId root : view.root_of_fingerprint) out += fmt::format(" {}", raw(root));
  }
  must(snapshot.for_each_event("", kNow, [&](Snapshot::Event&& event) -> Result<void> {
    out +=
        fmt::format(" {} {} in {}", raw(event.lsn), event.occurrence.id.dashed(), raw(event.issue));
    return {};
  }));
  for (uint32_t id = 1; id <= snapshot.state().group_count(); ++id) {
    out += fmt::format(" {}:", id);
    for (const auto& [lsn, record] : must(snapshot.history(GroupId{id}, 5))) {
      out += fmt::format(" {}", raw(lsn));
    }
  }
  return out;
}

struct Kept {
  std::unique_ptr<Snapshot> snapshot;
  std::vector<std::string> queries;
  std::string said;
};

class Life {
 public:
  explicit Life(uint64_t seed)
      : random_(seed),
        occurrences_(seed ^ 0x5eed),
        commands_(seed ^ 0xc0de, kProjects),
        queries_(seed ^ 0xa5c) {
    options_.clock = &clock_;
    options_.head_limit = 50 + static_cast<uint32_t>(below(300));
    options_.tail_limit = 1000;
    options_.index_map_bytes = 256u << 20;
    store_ = must(Store::open(path_, options_));
    must(store_->submit(take(occurrences_, 100), {}));
  }

  // All of it on one thread: were a write to wait for a snapshot, it would for ever.
  void step() {
    clock_.set(TimeUs{raw(clock_.now()) + static_cast<int64_t>(below(2'000'000))});
    if (kept_.size() == FoldVersions::kMostOlder || (below(3) == 0 && !kept_.empty())) let_go();
    if (below(2) == 0) keep();
    switch (below(12)) {
      case 0:
        must(store_->checkpoint());
        break;
      case 1:
        must(store_->compact());
        break;
      case 2:
        must(store_->tick());
        break;
      case 3:
      case 4:
      case 5:
      case 6:
        execute();
        break;
      default:
        must(store_->submit(take(occurrences_, 1 + below(150)), {}));
    }
    for (const Kept& one : kept_) REQUIRE(everything(*one.snapshot, one.queries) == one.said);
  }

  // The store is what it would be without its readers.
  uint64_t finish() {
    kept_.clear();
    const Stats stats = must(store_->stats(true));
    CHECK(stats.older_states == 0);
    must(store_->close());
    store_.reset();
    const VerifyReport report = must(Store::verify(path_, true, options_));
    for (const std::string& problem : report.problems) FAIL(problem);
    CHECK(report.replay.full == stats.digests->full);
    return stats.state_copies;
  }

 private:
  uint64_t below(uint64_t n) { return random_() % n; }

  void keep() {
    Kept one;
    one.snapshot = must(store_->snapshot());
    for (int i = 0; i < 2; ++i) one.queries.push_back(queries_.next(1));
    one.said = everything(*one.snapshot, one.queries);
    kept_.push_back(std::move(one));
  }

  void let_go() { kept_.erase(kept_.begin() + static_cast<ptrdiff_t>(below(kept_.size()))); }

  void execute() {
    std::optional<model::Command> command;
    {
      const auto snapshot = must(store_->snapshot());
      command = commands_.next(snapshot->state(), clock_.now());
    }
    const auto done = store_->execute(*command, {"tester", ""});
    if (!done.ok()) REQUIRE(done.error().code != ErrorCode::Internal);
  }

  std::mt19937_64 random_;
  RandomOccurrences occurrences_;
  testing::RandomCommands commands_;
  testing::RandomStoreQuery queries_;
  testing::TempDir dir_;
  std::string path_ = dir_ / "store";
  ManualClock clock_{kNow};
  StoreOptions options_;
  std::unique_ptr<Store> store_;
  std::vector<Kept> kept_;
};

}  // namespace

TEST_CASE("snapshots say the same for as long as they live, whatever is written meanwhile") {
  const int rounds = testing::soak_rounds(3);
  const uint64_t base = testing::first_seed();
  std::cout << "kept snapshots: seeds " << base << " to "
            << base + static_cast<uint64_t>(rounds) - 1 << "\n";
  uint64_t copies = 0;
  for (int round = 0; round < rounds; ++round) {
    const uint64_t seed = base + static_cast<uint64_t>(round);
    CAPTURE(seed);
    Life life(seed);
    for (int i = 0; i < 40; ++i) life.step();
    copies += life.finish();
  }
  CHECK(copies > 0);
}

TEST_CASE("long readers beside a writer: each sees one moment, and nothing is lost") {
  constexpr size_t kReaders = 4;
  constexpr size_t kBatches = 60;
  constexpr uint64_t kBatch = 200;
  const testing::TempDir dir;
  StoreOptions options;
  options.head_limit = 1000;
  options.index_map_bytes = 256u << 20;
  auto store = must(Store::open(dir / "store", options));
  RandomOccurrences occurrences(testing::first_seed());
  must(store->submit(take(occurrences, kBatch), {}));
  std::atomic<bool> ended = false;
  std::atomic<uint64_t> torn = 0;
  std::vector<std::thread> readers;
  for (size_t i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      const auto look = [&](const Snapshot& snapshot) {
        uint64_t events = 0;
        const auto count = [&](Snapshot::Event&&) -> Result<void> {
          ++events;
          return {};
        };
        if (!snapshot.for_each_event("", kNow, count).ok()) ++torn;
        return std::pair(events, snapshot.state().replay_digest());
      };
      do {
        const auto snapshot = store->snapshot();
        if (!snapshot.ok()) {
          ++torn;
          continue;
        }
        const auto first = look(**snapshot);
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        if (look(**snapshot) != first) ++torn;
      } while (!ended);
    });
  }
  for (size_t i = 1; i < kBatches; ++i) must(store->submit(take(occurrences, kBatch), {}));
  ended = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(torn == 0);
  CHECK(must(store->stats()).occurrences == kBatches * kBatch);
}

TEST_CASE("a writer waits when too many states are read, and goes on when one is let go") {
  const testing::TempDir dir;
  auto store = open_small(dir / "store");
  RandomOccurrences occurrences(5);
  auto kept = keep_older(*store, occurrences);
  kept.push_back(must(store->snapshot()));
  CHECK(must(store->stats()).older_states == FoldVersions::kMostOlder);
  std::atomic<bool> done = false;
  std::thread writer([&] {
    CHECK(store->submit(take(occurrences, 3), {}).ok());
    done = true;
  });
  // Reading goes on while it waits, of the state that was there.
  for (int i = 0; i < 20; ++i) {
    CHECK(must(store->snapshot())->lsn() == kept.back()->lsn());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK_FALSE(done);
  kept.pop_front();
  writer.join();
  CHECK(must(store->snapshot())->lsn() > kept.back()->lsn());
}

TEST_CASE("a writer comes to its turn beside many that read in turns, and three that stay") {
  const testing::TempDir dir;
  auto store = open_small(dir / "store");
  RandomOccurrences occurrences(6);
  const auto kept = keep_older(*store, occurrences);
  std::atomic<bool> ended = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!ended) {
        const auto snapshot = store->snapshot();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    });
  }
  for (int i = 0; i < 3; ++i) must(store->submit(take(occurrences, 3), {}));
  ended = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(must(store->stats()).occurrences == 21);
}

TEST_CASE(
    "a snapshot kept beyond checkpoints finds its bodies, and after retention says which are "
    "gone") {
  const testing::TempDir dir;
  ManualClock clock(kNow);
  StoreOptions options;
  options.clock = &clock;
  options.head_limit = 100;
  options.index_map_bytes = 256u << 20;
  auto store = must(Store::open(dir / "store", options));
  RandomOccurrences occurrences(7);
  must(store->submit(take(occurrences, 1000), {}));
  const auto kept = must(store->snapshot());
  const std::string said = everything(*kept, {""});
  for (int i = 0; i < 3; ++i) {
    must(store->submit(take(occurrences, 300), {}));
    must(store->checkpoint());
  }
  CHECK(everything(*kept, {""}) == said);
  RetentionPolicy policy;
  policy.max_occurrences = 100;
  REQUIRE(must(store->retain(policy)).occurrences > 0);
  // What the index says stays; what is gone is named.
  CHECK(must(kept->search("", {})).total > 0);
  std::optional<ErrorCode> gone;
  for (uint64_t lsn = 1; lsn <= raw(kept->lsn()) && !gone; ++lsn) {
    const auto record = kept->record(Lsn{lsn});
    if (!record.ok()) gone = record.error().code;
  }
  CHECK(gone == ErrorCode::NotFound);
}
