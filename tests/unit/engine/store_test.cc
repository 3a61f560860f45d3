#include "engine/store.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/other_process.h"
#include "support/random_occurrences.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::engine;
using testing::RandomOccurrences;
using testing::TempDir;

namespace {

constexpr TimeUs kNow{1'800'000'000'000'000};

struct Fixture {
  TempDir dir;
  ManualClock clock{kNow};
  StoreOptions options;
  Fixture() {
    options.clock = &clock;
    options.head_limit = 100;
    options.close_limit = 10;
    options.index_map_bytes = 256u << 20;
  }
  std::string path() const { return dir / "store"; }
  std::unique_ptr<Store> open(OpenReport* report = nullptr) {
    auto store = Store::open(path(), options, report);
    INFO((store.ok() ? std::string() : store.error().message));
    REQUIRE(store.ok());
    return std::move(store).value();
  }
};

std::vector<model::Message> messages(std::vector<model::Occurrence> occurrences) {
  std::vector<model::Message> all;
  for (auto& o : occurrences) all.emplace_back(std::move(o));
  return all;
}

size_t count_outcomes(const SubmitResult& result, Outcome outcome) {
  size_t n = 0;
  for (const auto& item : result.items) n += item.outcome == outcome ? 1 : 0;
  return n;
}

std::string digests(const Store& store) {
  const auto d = store.digests();
  REQUIRE(d.ok());
  return d->state.hex() + " " + d->full.hex();
}

}  // namespace

TEST_CASE("a new store is made, closed and found again") {
  Fixture f;
  OpenReport report;
  { const auto store = f.open(&report); }
  CHECK(report.created);
  const auto store = f.open(&report);
  CHECK_FALSE(report.created);
  const auto snapshot = store->snapshot();
  REQUIRE(snapshot.ok());
  CHECK(raw((*snapshot)->lsn()) == 1);  // StoreCreated
}

TEST_CASE("opening says what is wrong with the directory") {
  Fixture f;
  f.options.create = false;
  auto missing = Store::open(f.path(), f.options);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == ErrorCode::NotFound);
  CHECK(missing.error().message.find("cairn init") != std::string::npos);

  f.options.create = true;
  std::filesystem::create_directory(f.path());
  std::ofstream(f.path() + "/diary.txt") << "dear diary";
  auto taken = Store::open(f.path(), f.options);
  REQUIRE_FALSE(taken.ok());
  CHECK(taken.error().code == ErrorCode::Conflict);
  CHECK(taken.error().message.find("diary.txt") != std::string::npos);
}

TEST_CASE("a second writer is refused, readers are welcome") {
  Fixture f;
  const auto store = f.open();
  auto second = Store::open(f.path(), f.options);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ErrorCode::Conflict);
}

TEST_CASE("occurrences are stored once, across head, segments and reopening") {
  Fixture f;
  RandomOccurrences random(1);
  const auto occurrences = random.take(350);
  {
    const auto store = f.open();
    const auto result = store->submit(messages(occurrences), {});
    REQUIRE(result.ok());
    CHECK(count_outcomes(*result, Outcome::Stored) == 350);
    const auto again = store->submit(messages(occurrences), {});
    REQUIRE(again.ok());
    CHECK(count_outcomes(*again, Outcome::Duplicate) == 350);
    CHECK(again->lsn == result->lsn);
  }
  OpenReport report;
  const auto store = f.open(&report);
  const auto again = store->submit(messages(occurrences), {});
  REQUIRE(again.ok());
  CHECK(count_outcomes(*again, Outcome::Duplicate) == 350);
  const auto stats = store->stats();
  REQUIRE(stats.ok());
  CHECK(stats->occurrences == 350);
  CHECK(stats->segments.size() >= 2);
}

TEST_CASE("the same id in another project is another occurrence") {
  Fixture f;
  RandomOccurrences random(2);
  auto first = random.next();
  first.project = ProjectId{1};
  first.event.clear();
  auto second = first;
  second.project = ProjectId{2};
  const auto store = f.open();
  const auto result = store->submit(messages({first, second, first}), {});
  REQUIRE(result.ok());
  CHECK(result->items[0].outcome == Outcome::Stored);
  CHECK(result->items[1].outcome == Outcome::Stored);
  CHECK(result->items[2].outcome == Outcome::Duplicate);
}

TEST_CASE("commands are idempotent by key and answer with what changed") {
  Fixture f;
  RandomOccurrences random(3);
  const auto store = f.open();
  REQUIRE(store->submit(messages(random.take(50)), {}).ok());
  const model::Command resolve =
      model::SetStatusCommand{GroupId{1}, model::Status::Resolved, model::Substatus::None};
  const auto first = store->execute(resolve, {"ann", "key-1"});
  REQUIRE(first.ok());
  CHECK(first->outcome == Outcome::Stored);
  const auto repeated = store->execute(resolve, {"ann", "key-1"});
  REQUIRE(repeated.ok());
  CHECK(repeated->outcome == Outcome::Duplicate);
  const auto no_change = store->execute(resolve, {"ann", ""});
  REQUIRE(no_change.ok());
  CHECK(no_change->outcome == Outcome::NoChange);
  const auto unknown =
      store->execute(model::SetStatusCommand{GroupId{9999}, model::Status::Resolved, {}}, {});
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == ErrorCode::NotFound);

  const auto snapshot = store->snapshot();
  REQUIRE(snapshot.ok());
  const auto history = (*snapshot)->history(GroupId{1}, 10);
  REQUIRE(history.ok());
  REQUIRE(history->size() == 2);  // made, resolved
  CHECK(history->back().second.actor == "ann");
}

TEST_CASE("a command key is remembered across checkpoints and reopening") {
  Fixture f;
  RandomOccurrences random(4);
  const model::Command assign = model::AssignCommand{GroupId{1}, "user:ann"};
  {
    const auto store = f.open();
    REQUIRE(store->submit(messages(random.take(20)), {}).ok());
    REQUIRE(store->execute(assign, {"", "k"}).ok());
    REQUIRE(store->checkpoint().ok());
    const auto again = store->execute(assign, {"", "k"});
    REQUIRE(again.ok());
    CHECK(again->outcome == Outcome::Duplicate);
  }
  const auto store = f.open();
  const auto again = store->execute(assign, {"", "k"});
  REQUIRE(again.ok());
  CHECK(again->outcome == Outcome::Duplicate);
}

TEST_CASE("merge shows one issue, unmerge gives back exactly what was there") {
  Fixture f;
  RandomOccurrences random(5);
  const auto store = f.open();
  REQUIRE(store->submit(messages(random.take(400)), {}).ok());
  const auto before = store->digests();
  REQUIRE(before.ok());
  GroupId a{}, b{};
  {
    const auto snapshot = store->snapshot();
    REQUIRE(snapshot.ok());
    const auto& state = (*snapshot)->state();
    a = GroupId{1};
    for (uint32_t id = 2; id <= state.group_count() && b == GroupId{}; ++id) {
      if (state.group(GroupId{id}).project == state.group(a).project) b = GroupId{id};
    }
  }
  REQUIRE(b != GroupId{});
  REQUIRE(store->execute(model::MergeCommand{a, {b}}, {}).ok());
  CHECK(store->digests()->state != before->state);
  {
    const auto snapshot = store->snapshot();
    REQUIRE(snapshot.ok());
    const auto& state = (*snapshot)->state();
    const auto page = (*snapshot)->search("issue:" + state.short_id(b), {kNow, {}, {}, {}, 0, 0});
    REQUIRE(page.ok());
    REQUIRE(page->issues.size() == 1);
    CHECK(page->issues[0].id == a);
    CHECK(page->issues[0].count == state.group(a).times_seen + state.group(b).times_seen);
  }
  REQUIRE(store->execute(model::UnmergeCommand{a, {}}, {}).ok());
  CHECK(store->digests()->state == before->state);
}

TEST_CASE("an index that was thrown away is rebuilt to the same digests") {
  Fixture f;
  RandomOccurrences random(6);
  std::string before;
  {
    const auto store = f.open();
    REQUIRE(store->submit(messages(random.take(730)), {}).ok());
    REQUIRE(store->execute(model::MergeCommand{GroupId{1}, {}}, {}).ok() == false);
    REQUIRE(store->execute(model::AssignCommand{GroupId{2}, "team:x"}, {"bo", "key"}).ok());
    before = digests(*store);
  }
  SECTION("by opening for writing") {
    std::filesystem::remove_all(f.path() + "/index");
    OpenReport report;
    const auto store = f.open(&report);
    CHECK(report.index_rebuilt);
    CHECK(digests(*store) == before);
  }
  SECTION("by rebuild, also over a damaged one") {
    std::ofstream(f.path() + "/index/data.mdb", std::ios::binary | std::ios::trunc) << "rubbish";
    const auto report = Store::rebuild(f.path(), f.options);
    REQUIRE(report.ok());
    CHECK(report->digests.state.hex() + " " + report->digests.full.hex() == before);
    const auto store = f.open();
    CHECK(digests(*store) == before);
  }
  SECTION("other segment sizes give the same digests") {
    f.options.head_limit = 37;
    const auto report = Store::rebuild(f.path(), f.options);
    REQUIRE(report.ok());
    CHECK(report->digests.state.hex() + " " + report->digests.full.hex() == before);
  }
  SECTION("a reader is told what to do") {
    std::filesystem::remove_all(f.path() + "/index");
    f.options.read_only = true;
    const auto reader = Store::open(f.path(), f.options);
    REQUIRE_FALSE(reader.ok());
    CHECK(reader.error().message.find("cairn rebuild") != std::string::npos);
  }
  SECTION("verify finds it sound") {
    const auto report = Store::verify(f.path(), true, f.options);
    REQUIRE(report.ok());
    CHECK(report->problems.empty());
    CHECK(report->index.full == report->replay.full);
    uint64_t releases = 0;  // the first occurrence of each registers it
    const auto store = f.open();
    const auto snapshot = store->snapshot();
    for (const auto& [id, known] : (*snapshot)->state().all_releases()) {
      releases += known.all().size();
    }
    CHECK(report->records == 732 + releases);
  }
}

TEST_CASE("a moment of the past is exact") {
  Fixture f;
  RandomOccurrences random(7);
  const auto store = f.open();
  std::vector<std::pair<Lsn, std::string>> moments;
  for (int i = 0; i < 8; ++i) {
    f.clock.set(TimeUs{raw(kNow) + i * 1'000'000});
    REQUIRE(store->submit(messages(random.take(40)), {}).ok());
    if (i == 3) REQUIRE(store->execute(model::AssignCommand{GroupId{1}, "user:x"}, {}).ok());
    const auto snapshot = store->snapshot();
    moments.emplace_back((*snapshot)->lsn(), "");
    moments.back().second = (*snapshot)->state().replay_digest().hex();
  }
  for (size_t i = 0; i < moments.size(); ++i) {
    for (const bool by_time : {false, true}) {
      AsOf moment;
      if (by_time) {
        moment.time = TimeUs{raw(kNow) + static_cast<int64_t>(i) * 1'000'000};
      } else {
        moment.lsn = moments[i].first;
      }
      const auto past = store->as_of(moment);
      REQUIRE(past.ok());
      const auto snapshot = (*past)->snapshot();
      REQUIRE(snapshot.ok());
      CHECK((*snapshot)->lsn() == moments[i].first);
      CHECK((*snapshot)->state().replay_digest().hex() == moments[i].second);
    }
  }
  AsOf future;
  future.lsn = Lsn{99'999};
  const auto refused = store->as_of(future);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::InvalidArgument);
}

TEST_CASE("input time orders records and never goes back") {
  Fixture f;
  RandomOccurrences random(8);
  const auto store = f.open();
  auto occurrences = random.take(3);
  occurrences[0].detection_time = 1000.5;
  occurrences[1].detection_time = 500;
  occurrences[2].detection_time = 2000;
  const auto result = store->submit(messages(occurrences), {"", true});
  REQUIRE(result.ok());
  const auto snapshot = store->snapshot();
  const auto recorded = [&](size_t i) { return (*snapshot)->record(result->items[i].lsn)->time; };
  CHECK(recorded(0) == TimeUs{1'000'500'000});
  CHECK(recorded(1) == TimeUs{1'000'500'000});
  CHECK(recorded(2) == TimeUs{2'000'000'000});
}

TEST_CASE("times go on where they were after a checkpoint and reopening") {
  Fixture f;
  RandomOccurrences random(12);
  {
    const auto store = f.open();
    REQUIRE(store->submit(messages(random.take(5)), {}).ok());  // recorded at kNow
    REQUIRE(store->checkpoint().ok());
  }
  const auto store = f.open();
  auto late = random.next();
  late.detection_time = 1'500'000'000;
  const auto result = store->submit(messages({late}), {"", true});
  REQUIRE(result.ok());
  CHECK((*store->snapshot())->record(result->lsn)->time == kNow);
}

TEST_CASE("an input time in the future does not carry the store along") {
  Fixture f;
  RandomOccurrences random(13);
  const auto store = f.open();
  auto early = random.next();
  early.detection_time = 250'000'000'000;  // the year 9892
  const auto result = store->submit(messages({early}), {"", true});
  REQUIRE(result.ok());
  CHECK((*store->snapshot())->record(result->lsn)->time == kNow);
}

TEST_CASE("a key is used up even when there was nothing to do") {
  Fixture f;
  RandomOccurrences random(14);
  const auto store = f.open();
  REQUIRE(store->submit(messages(random.take(40)), {}).ok());
  const auto set = [&](model::Status status, const std::string& key) {
    const auto done = store->execute(
        model::SetStatusCommand{GroupId{1}, status, model::Substatus::None}, {"", key});
    REQUIRE(done.ok());
    return done->outcome;
  };
  CHECK(set(model::Status::Resolved, "a") == Outcome::Stored);
  CHECK(set(model::Status::Resolved, "b") == Outcome::NoChange);
  CHECK(set(model::Status::Unresolved, "c") == Outcome::Stored);
  // The whole history again: nothing may change.
  const std::string before = digests(*store);
  CHECK(set(model::Status::Resolved, "a") == Outcome::Duplicate);
  CHECK(set(model::Status::Resolved, "b") == Outcome::Duplicate);
  CHECK(set(model::Status::Unresolved, "c") == Outcome::Duplicate);
  CHECK(digests(*store) == before);
}

TEST_CASE("an index set aside by an interrupted rebuild is taken back") {
  Fixture f;
  RandomOccurrences random(15);
  std::string before;
  {
    const auto store = f.open();
    REQUIRE(store->submit(messages(random.take(120)), {}).ok());
    before = digests(*store);
  }
  std::filesystem::rename(f.path() + "/index", f.path() + "/index.old");
  OpenReport report;
  const auto store = f.open(&report);
  CHECK_FALSE(report.index_rebuilt);
  CHECK(digests(*store) == before);
}

TEST_CASE("one request's refusal leaves the others of its batch alone") {
  Fixture f;
  RandomOccurrences random(16);
  const auto store = f.open();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      RandomOccurrences mine(200 + static_cast<uint64_t>(t));
      for (int i = 0; i < 30; ++i) {
        if (t % 2 == 0) {
          const auto done = store->submit(messages({mine.next()}), {});
          if (!done.ok() || done->items[0].outcome != Outcome::Stored) ++wrong;
        } else {
          const auto done = store->execute(model::UnmergeCommand{GroupId{9999}, {}}, {});
          if (done.ok() || done.error().code != ErrorCode::NotFound) ++wrong;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("many threads write at once and each reads its own write") {
  Fixture f;
  const auto store = f.open();
  constexpr int kThreads = 8;
  constexpr int kEach = 60;
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      RandomOccurrences random(100 + static_cast<uint64_t>(t));
      for (int i = 0; i < kEach; ++i) {
        auto occurrence = random.next();
        const auto id = occurrence.id;
        const auto project = occurrence.project;
        const auto result = store->submit(messages({std::move(occurrence)}), {});
        if (!result.ok() || result->items[0].outcome != Outcome::Stored) ++failures;
        const auto snapshot = store->snapshot();
        if (!snapshot.ok() || (*snapshot)->lsn() < result->lsn) ++failures;
        const auto record = (*snapshot)->record(result->items[0].lsn);
        const auto* found = record.ok() ? std::get_if<model::Occurrence>(&record->body) : nullptr;
        if (found == nullptr || found->id != id || found->project != project) ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(store->stats()->occurrences == kThreads * kEach);
}

TEST_CASE("another process' view: a read-only store beside the writer") {
  Fixture f;
  RandomOccurrences random(9);
  std::string at_close;
  {
    const auto store = f.open();
    REQUIRE(store->submit(messages(random.take(137)), {}).ok());
    at_close = digests(*store);
  }
  f.options.read_only = true;
  const auto reader = Store::open(f.path(), f.options);
  REQUIRE(reader.ok());
  CHECK(digests(**reader) == at_close);
  const auto write = (*reader)->submit(messages(random.take(1)), {});
  REQUIRE_FALSE(write.ok());
}

TEST_CASE("a reader keeps to its LSN while another process writes and makes checkpoints") {
  Fixture f;
  RandomOccurrences random(17);
  std::string at_open;
  {
    const auto store = f.open();
    REQUIRE(store->submit(messages(random.take(137)), {}).ok());
    REQUIRE(store->execute(model::AssignCommand{GroupId{1}, "user:a"}, {}).ok());
    at_open = digests(*store);
  }
  testing::OtherProcess other([&] {
    auto store = Store::open(f.path(), f.options);
    if (!store.ok()) return 1;
    if (!(*store)->submit(messages(random.take(400)), {}).ok()) return 2;
    if (!(*store)->execute(model::AssignCommand{GroupId{1}, "user:b"}, {}).ok()) return 3;
    return (*store)->checkpoint().ok() ? 0 : 4;
  });
  f.options.read_only = true;
  const auto reader = Store::open(f.path(), f.options);
  REQUIRE(reader.ok());
  other.run();
  CHECK(digests(**reader) == at_open);
  const auto snapshot = (*reader)->snapshot();
  REQUIRE(snapshot.ok());
  const auto history = (*snapshot)->history(GroupId{1}, 100);
  REQUIRE(history.ok());
  REQUIRE_FALSE(history->empty());
  const auto* assigned = std::get_if<model::Assigned>(&history->back().second.body);
  REQUIRE(assigned != nullptr);
  CHECK(assigned->assignee == "user:a");
}

TEST_CASE("after close nothing is accepted") {
  Fixture f;
  RandomOccurrences random(10);
  const auto store = f.open();
  REQUIRE(store->close().ok());
  const auto write = store->submit(messages(random.take(1)), {});
  REQUIRE_FALSE(write.ok());
  CHECK(write.error().code == ErrorCode::Closed);
}
