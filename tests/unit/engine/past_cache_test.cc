#include "engine/past_cache.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "engine/issue_events.h"
#include "engine/store.h"
#include "query/cursor.h"
#include "support/random_occurrences.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::engine;
using testing::RandomOccurrences;
using testing::TempDir;

namespace {

constexpr TimeUs kNow{1'700'100'000'000'000};
constexpr int64_t kHourUs = 3600 * kMicrosPerSecond;

template <class T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().message);
  return std::move(result).value();
}

class Paged {
 public:
  Paged() {
    options.clock = &clock;
    options.index_map_bytes = 256u << 20;
    store = must(Store::open(path, options));
    ingest(200);
  }

  void ingest(size_t count) {
    std::vector<model::Message> batch;
    for (auto& occurrence : occurrences.take(count)) batch.emplace_back(std::move(occurrence));
    must(store->submit(std::move(batch), {}));
  }
  void reopen() {
    store.reset();
    store = must(Store::open(path, options));
  }
  Result<query::SearchPage> page(const std::string& cursor, std::string_view text = "",
                                 std::string_view experiment = {}) {
    CAIRN_TRY_ASSIGN(const auto snapshot, store->snapshot_for(cursor, experiment));
    query::SearchOptions how;
    how.now = kNow;
    how.limit = 5;
    how.cursor = cursor;
    return snapshot->search(text, how);
  }
  std::string next_of(std::string_view text = "", std::string_view experiment = {}) {
    return must(page("", text, experiment)).next.value();
  }
  Error refused(const std::string& cursor, std::string_view text = "") {
    auto answer = page(cursor, text);
    REQUIRE_FALSE(answer.ok());
    return answer.error();
  }
  void pass(int64_t us) { clock.set(TimeUs{raw(clock.now()) + us}); }

  TempDir dir;
  std::string path = dir / "store";
  ManualClock clock{kNow};
  StoreOptions options;
  RandomOccurrences occurrences{1};
  std::unique_ptr<Store> store;
};

std::vector<uint32_t> ids(const query::SearchPage& page) {
  std::vector<uint32_t> out;
  for (const auto& row : page.issues) out.push_back(raw(row.id));
  return out;
}

}  // namespace

TEST_CASE_METHOD(Paged, "a list goes on as it was, whatever the store does") {
  const std::string cursor = next_of();
  const auto before = must(page(cursor));
  ingest(300);
  const auto after = must(page(cursor));
  CHECK(after.lsn == before.lsn);
  CHECK(after.total == before.total);
  CHECK(ids(after) == ids(before));
  CHECK(after.next == before.next);
  must(store->compact());
  CHECK(ids(must(page(cursor))) == ids(before));
  reopen();
  CHECK(ids(must(page(cursor))) == ids(before));
  CHECK(must(page("")).lsn > before.lsn);
}

TEST_CASE_METHOD(Paged, "lists go on while the store is open, also without the file of the key") {
  const std::string cursor = next_of();
  const auto before = must(page(cursor));
  ingest(100);
  std::filesystem::remove(path + "/cursor.key");
  const auto after = must(page(cursor));
  CHECK(ids(after) == ids(before));
  CHECK(after.next == before.next);
  CHECK(page(after.next.value()).ok());
}

TEST_CASE_METHOD(Paged, "a list of occurrences goes on as it was") {
  GroupId busiest{1};
  {
    const auto snapshot = must(store->snapshot());
    const model::State& state = snapshot->state();
    for (uint32_t id = 1; id <= state.group_count(); ++id) {
      const bool busier = state.group(GroupId{id}).times_seen > state.group(busiest).times_seen;
      if (busier) busiest = GroupId{id};
    }
  }
  const auto read = [&](const std::string& cursor) {
    const auto snapshot = must(store->snapshot_for(cursor));
    return must(issue_events(*snapshot, {busiest, false}, "", {kNow, 2, cursor}));
  };
  const std::string cursor = read("").next.value();
  const auto before = read(cursor);
  ingest(300);
  const auto after = read(cursor);
  CHECK(after.total == before.total);
  REQUIRE(after.events.size() == 2);
  CHECK(after.events[0].lsn == before.events[0].lsn);
  CHECK(after.events[0].occurrence.id == before.events[0].occurrence.id);
  CHECK(after.prev == before.prev);
}

TEST_CASE_METHOD(Paged, "a list in an experiment goes on, also when that is gone") {
  must(store->execute(model::MakeExperimentCommand{"try", Lsn{}}, {}));
  model::AddToExperimentCommand step{"try", "merge by culprit", {}};
  step.facts = must(must(store->snapshot("try"))->evaluate("merge by culprit", kNow)).links;
  must(store->execute(step, {}));
  const std::string cursor = next_of("", "try");
  const auto before = must(page(cursor, "", "try"));
  must(store->execute(model::DropExperimentCommand{"try"}, {}));
  CHECK(ids(must(page(cursor, "", "try"))) == ids(before));
  CHECK(refused(cursor).code == ErrorCode::InvalidArgument);  // of no experiment
  CHECK_FALSE(page("", "", "try").ok());
}

TEST_CASE_METHOD(Paged, "a cursor ends with its day") {
  const std::string cursor = next_of();
  pass(query::kCursorLifeUs);
  CHECK(page(cursor).ok());
  pass(1);
  const Error error = refused(cursor);
  CHECK(error.code == ErrorCode::NotFound);
  CHECK(error.message.find("start again") != std::string::npos);
  // The pages of a list end together.
  clock.set(kNow);
  const std::string second = must(page(cursor)).next.value();
  pass(query::kCursorLifeUs + 1);
  CHECK(refused(second).code == ErrorCode::NotFound);
}

TEST_CASE_METHOD(Paged, "retention ends the lists that were begun before it") {
  must(store->compact());
  ingest(200);
  const std::string cursor = next_of();
  ingest(100);
  REQUIRE(page(cursor).ok());  // held from now on
  REQUIRE(store->checkpoint().ok());
  RetentionPolicy policy;
  policy.max_occurrences = 300;
  REQUIRE(must(store->retain(policy)).occurrences > 0);
  for (const bool again : {false, true}) {
    if (again) reopen();
    const Error error = refused(cursor);
    CHECK(error.code == ErrorCode::NotFound);
    CHECK(error.message.find("Retention") != std::string::npos);
    CHECK(error.message.find("start again") != std::string::npos);
  }
  const std::string fresh = next_of();
  ingest(10);
  CHECK(page(fresh).ok());
}

TEST_CASE_METHOD(Paged, "cursors of other stores and lists, and changed ones, are refused") {
  const std::string cursor = next_of("level:error");
  CHECK(page(cursor, "level:error").ok());
  CHECK(refused(cursor, "level:fatal").code == ErrorCode::InvalidArgument);
  ingest(1);  // asked for in the past
  CHECK(refused(cursor, "level:fatal").code == ErrorCode::InvalidArgument);
  for (size_t i = 0; i < cursor.size(); ++i) {
    std::string changed = cursor;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK(refused(changed, "level:error").code == ErrorCode::InvalidArgument);
  }
  // Another store, and a copy of this one with another key.
  const auto other = must(Store::open(dir / "other", options));
  CHECK(other->snapshot_for(cursor).error().code == ErrorCode::InvalidArgument);
  store.reset();
  std::filesystem::remove(path + "/cursor.key");
  store = must(Store::open(path, options));
  CHECK(refused(cursor, "level:error").code == ErrorCode::InvalidArgument);
}

TEST_CASE_METHOD(Paged, "who has not read so far yet cannot go on") {
  must(store->compact());
  const auto past = must(store->as_of(AsOf{Lsn{50}, std::nullopt}));
  const std::string cursor = next_of();
  const auto early = past->snapshot_for(cursor);
  REQUIRE_FALSE(early.ok());
  CHECK(early.error().code == ErrorCode::Conflict);
  // A list of that past goes on there and here.
  query::SearchOptions how;
  how.limit = 3;
  const auto first = must(must(past->snapshot())->search("", how));
  CHECK(first.lsn == Lsn{50});
  for (const Store* reader :
       {static_cast<const Store*>(past.get()), static_cast<const Store*>(store.get())}) {
    const auto then = must(reader->snapshot_for(*first.next));
    CHECK(then->lsn() == Lsn{50});
    how.cursor = *first.next;
    CHECK(must(then->search("", how)).total == first.total);
  }
}

TEST_CASE_METHOD(Paged, "pages of a list may be read by several threads beside a writer") {
  const std::string cursor = next_of();
  const auto before = ids(must(page(cursor)));
  ingest(50);
  std::vector<std::thread> readers;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      for (int n = 0; n < 10; ++n) {
        const auto found = page(cursor);
        if (!found.ok() || ids(*found) != before) ++wrong;
      }
    });
  }
  for (int n = 0; n < 10; ++n) ingest(20);
  for (std::thread& reader : readers) reader.join();
  CHECK(wrong == 0);
}

TEST_CASE_METHOD(Paged, "pasts are held, few of them and not for long") {
  PastCache cache(&clock);
  int made = 0;
  const auto ask = [&](uint64_t lsn, Lsn base = Lsn{0}) {
    return must(cache.at(Lsn{lsn}, base, [&] {
      ++made;
      return store->as_of(AsOf{Lsn{lsn}, std::nullopt});
    }));
  };
  const auto first = ask(10);
  CHECK(ask(10) == first);
  CHECK(made == 1);
  CHECK_FALSE(ask(10, Lsn{5}) == first);  // with less left by retention
  for (uint64_t lsn = 11; lsn <= 14; ++lsn) ask(lsn);
  CHECK(cache.size() == PastCache::kKept);
  CHECK(made == 6);
  ask(14);
  CHECK(made == 6);
  ask(10);  // pushed out
  CHECK(made == 7);

  const auto drop_later = [&](int64_t us) {
    clock.set(TimeUs{raw(kNow) + us});
    cache.drop_old();
  };
  drop_later(PastCache::kIdleUs);
  CHECK(cache.size() == PastCache::kKept);
  ask(10);
  drop_later(PastCache::kIdleUs + 1);
  CHECK(cache.size() == 1);
  for (int64_t us = PastCache::kIdleUs; us <= PastCache::kLongestUs; us += PastCache::kIdleUs) {
    clock.set(TimeUs{raw(kNow) + us});
    ask(10);
  }
  CHECK(made == 7);
  pass(1);
  ask(10);
  CHECK(made == 8);
  drop_later(0);  // the clock was set back
  CHECK(cache.size() == 0);
  CHECK(must(first->snapshot())->lsn() == Lsn{10});  // who has one keeps it
}

TEST_CASE_METHOD(Paged, "a past is held from when it was made on, however long that took") {
  PastCache cache(&clock);
  int made = 0;
  const auto ask = [&](int64_t takes_us) {
    return must(cache.at(Lsn{10}, Lsn{0}, [&] {
      ++made;
      pass(takes_us);
      return store->as_of(AsOf{Lsn{10}, std::nullopt});
    }));
  };
  const auto first = ask(PastCache::kLongestUs + 1);
  CHECK(ask(0) == first);
  pass(PastCache::kIdleUs);
  CHECK(ask(0) == first);
  CHECK(made == 1);
}

TEST_CASE_METHOD(Paged, "a checkpoint lets go of pasts that nobody asks for") {
  const auto readers = [&] { return must(store->stats()).readers; };
  // What a writer itself holds after a checkpoint.
  ingest(10);
  REQUIRE(store->checkpoint().ok());
  const uint32_t settled = readers();
  const std::string cursor = next_of();
  ingest(10);
  const uint32_t busy = readers();
  REQUIRE(page(cursor).ok());
  CHECK(readers() > busy);
  pass(PastCache::kIdleUs + kHourUs);
  ingest(10);
  REQUIRE(store->checkpoint().ok());
  CHECK(readers() == settled);
}

TEST_CASE_METHOD(Paged, "a question lets go of pasts that nobody asks for") {
  const auto readers = [&] { return must(store->stats()).readers; };
  const std::string cursor = next_of();
  ingest(10);
  const uint32_t busy = readers();
  REQUIRE(page(cursor).ok());
  must(store->snapshot());
  REQUIRE(readers() > busy);
  pass(PastCache::kIdleUs + 1);
  must(store->snapshot());
  CHECK(readers() == busy);
}

TEST_CASE_METHOD(Paged, "a page of the past outlives what holds it") {
  const std::string cursor = next_of();
  ingest(10);
  const auto snapshot = must(store->snapshot_for(cursor));
  pass(kHourUs);
  must(store->snapshot_for(cursor));  // another one by now
  query::SearchOptions how;
  how.limit = 5;
  how.cursor = cursor;
  CHECK(must(snapshot->search("", how)).issues.size() == 5);
}
