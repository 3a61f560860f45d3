#include "engine/retention.h"

#include <fmt/format.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <random>
#include <set>
#include <thread>

#include "engine/store.h"
#include "support/other_process.h"
#include "support/random_occurrences.h"
#include "support/soak.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::engine;
using testing::RandomOccurrences;
using testing::TempDir;

namespace {

constexpr TimeUs kNow{1'800'000'000'000'000};
constexpr int64_t kDayUs = 86'400'000'000;

struct Fixture {
  TempDir dir;
  ManualClock clock{kNow};
  StoreOptions options;
  Fixture() {
    options.clock = &clock;
    options.head_limit = 100;
    options.close_limit = 10;
    options.merging.fan_in = 1000;  // segments stay as they are made
    options.log_file_bytes = 16u << 10;
    options.index_map_bytes = 256u << 20;
  }
  std::string path() const { return dir / "store"; }
  std::unique_ptr<Store> open() {
    auto store = Store::open(path(), options);
    INFO((store.ok() ? std::string() : store.error().message));
    REQUIRE(store.ok());
    return std::move(store).value();
  }
};

// Stores `count` occurrences in batches that make segments.
void fill(Store& store, RandomOccurrences& random, int count) {
  while (count > 0) {
    std::vector<model::Message> batch;
    for (int i = 0; i < 50 && count > 0; ++i, --count) batch.emplace_back(random.next());
    REQUIRE(store.submit(std::move(batch), {}).ok());
  }
  REQUIRE(store.checkpoint().ok());
}

RetentionReport retain_newest(Store& store, uint64_t count) {
  RetentionPolicy policy;
  policy.max_occurrences = count;
  auto report = store.retain(policy);
  INFO((report.ok() ? std::string() : report.error().message));
  REQUIRE(report.ok());
  return *report;
}

std::string digests(const Store& store) {
  const auto found = store.digests();
  INFO((found.ok() ? std::string() : found.error().message));
  REQUIRE(found.ok());
  return found->state.hex() + " " + found->full.hex();
}

void verify_deep(const std::string& path, const StoreOptions& options) {
  const auto verified = Store::verify(path, true, options);
  INFO((verified.ok() ? std::string() : verified.error().message));
  REQUIRE(verified.ok());
  for (const auto& problem : verified->problems) FAIL(problem);
}

size_t log_file_count(const std::string& path) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path + "/log")) {
    count += entry.path().extension() == ".log" ? 1 : 0;
  }
  return count;
}

using History = std::vector<std::pair<Lsn, model::Record>>;

// What a history says stays, but for the events of occurrences that were removed.
void check_history(const History& history, const History& before, Lsn base) {
  REQUIRE(history.size() == before.size());
  for (size_t i = 0; i < history.size(); ++i) {
    CHECK(history[i].first == before[i].first);
    const model::Record& is = history[i].second;
    const model::Record& was = before[i].second;
    CHECK(is.time == was.time);
    CHECK(is.actor == was.actor);
    if (const auto* occurrence = std::get_if<model::Occurrence>(&is.body)) {
      CHECK(occurrence->id == std::get<model::Occurrence>(was.body).id);
      if (history[i].first <= base) CHECK(occurrence->event.empty());
    } else {
      CHECK(is == was);
    }
  }
}

}  // namespace

TEST_CASE("retention by count removes whole segments and log files and keeps every total") {
  Fixture f;
  RandomOccurrences random(11);
  auto store = f.open();
  fill(*store, random, 1000);
  const auto before = store->stats(true);
  REQUIRE(before.ok());
  const auto state_before = (*store->snapshot())->state().replay_digest();
  const size_t files_before = log_file_count(f.path());

  const RetentionReport report = retain_newest(*store, 350);
  CHECK(report.segments > 0);
  CHECK(report.occurrences >= 500);
  CHECK(report.kept_occurrences >= 350);
  CHECK(report.kept_occurrences < 550);
  CHECK(report.kept_occurrences + report.occurrences == 1000);
  CHECK(report.log_files > 0);
  CHECK(log_file_count(f.path()) == files_before - report.log_files);
  CHECK(report.after.occurrences == report.occurrences);
  CHECK(report.after.runs == 1);

  // Totals and states are what they were, found events are those that are kept.
  const auto after = store->stats(true);
  REQUIRE(after.ok());
  CHECK(after->occurrences == 1000);
  CHECK(after->digests->state == before->digests->state);
  CHECK((*store->snapshot())->state().replay_digest() == state_before);
  uint64_t found = 0;
  REQUIRE((*store->snapshot())
              ->for_each_event("", kNow,
                               [&](Snapshot::Event&&) -> Result<void> {
                                 ++found;
                                 return {};
                               })
              .ok());
  CHECK(found == report.kept_occurrences);

  // Again there is nothing to do; a reopened and a rebuilt store are the same.
  CHECK(retain_newest(*store, 350).segments == 0);
  const std::string here = digests(*store);
  store.reset();
  store = f.open();
  CHECK(digests(*store) == here);
  store.reset();
  verify_deep(f.path(), f.options);
  const auto rebuilt = Store::rebuild(f.path(), f.options);
  REQUIRE(rebuilt.ok());
  CHECK(rebuilt->digests.state.hex() + " " + rebuilt->digests.full.hex() == here);
  store = f.open();
  CHECK(digests(*store) == here);
  fill(*store, random, 300);
  CHECK((*store->stats()).occurrences == 1300);
}

TEST_CASE("a dry run tells the same and removes nothing") {
  Fixture f;
  RandomOccurrences random(12);
  const auto store = f.open();
  fill(*store, random, 500);
  const std::string before = digests(*store);
  RetentionPolicy policy;
  policy.max_occurrences = 200;
  policy.dry_run = true;
  const auto told = store->retain(policy);
  REQUIRE(told.ok());
  CHECK(told->occurrences > 0);
  CHECK(digests(*store) == before);
  const RetentionReport done = retain_newest(*store, 200);
  CHECK(done.occurrences == told->occurrences);
  CHECK(done.after.last_lsn == told->after.last_lsn);
  CHECK(done.after.max_time == told->after.max_time);
}

TEST_CASE(
    "retention by age counts from the occurrence's time, or its record's if that is earlier") {
  Fixture f;
  RandomOccurrences random(13);
  const auto store = f.open();
  const auto store_at = [&](double seconds, int count) {
    std::vector<model::Message> batch;
    for (int i = 0; i < count; ++i) {
      auto occurrence = random.next();
      occurrence.detection_time = seconds;
      batch.emplace_back(std::move(occurrence));
    }
    REQUIRE(store->submit(std::move(batch), {}).ok());
    REQUIRE(store->checkpoint().ok());
  };
  const double now = static_cast<double>(raw(kNow)) / 1e6;
  store_at(now - 100 * 86'400.0, 50);
  store_at(now + 900 * 86'400.0, 50);  // a clock far ahead
  store_at(now - 100 * 86'400.0, 50);
  RetentionPolicy policy;
  policy.max_age_us = 90 * kDayUs;
  auto report = store->retain(policy);
  REQUIRE(report.ok());
  CHECK(report->occurrences == 50);  // the second segment was recorded today
  f.clock.set(TimeUs{raw(kNow) + 91 * kDayUs});
  store_at(now + 91 * 86'400.0, 50);
  report = store->retain(policy);
  REQUIRE(report.ok());
  CHECK(report->occurrences == 100);
  CHECK(report->kept_occurrences == 50);
  CHECK(report->after.occurrences == 150);
  CHECK(report->after.runs == 2);
}

TEST_CASE("the past, the log and the history say what retention left of them") {
  Fixture f;
  RandomOccurrences random(14);
  auto store = f.open();
  fill(*store, random, 200);
  // Another group of the same project.
  const auto child = [&] {
    const auto snapshot = store->snapshot();
    REQUIRE(snapshot.ok());
    const model::State& state = (*snapshot)->state();
    uint32_t id = 2;
    while (state.group(GroupId{id}).project != state.group(GroupId{1}).project) ++id;
    return GroupId{id};
  }();
  REQUIRE(store->execute(model::MergeCommand{GroupId{1}, {child}}, {"ann", "merge-1"}).ok());
  REQUIRE(store
              ->execute(model::SetStatusCommand{GroupId{1}, model::Status::Resolved,
                                                model::Substatus::None},
                        {"ann", "resolve-1"})
              .ok());
  fill(*store, random, 600);
  const auto history_before = (*store->snapshot())->history(GroupId{1}, 1000);
  REQUIRE(history_before.ok());
  const RetentionReport report = retain_newest(*store, 100);
  const Lsn base = report.after.last_lsn;

  auto snapshot = store->snapshot();  // let go before anything is written
  REQUIRE(snapshot.ok());
  const auto history = (*snapshot)->history(GroupId{1}, 1000);
  INFO((history.ok() ? std::string() : history.error().message));
  REQUIRE(history.ok());
  check_history(*history, *history_before, base);
  // Some occurrence that made no group is gone, and says why.
  std::set<uint64_t> kept;
  REQUIRE(store
              ->for_each_record(Lsn{1},
                                [&](Lsn lsn, const model::Record&) -> Result<void> {
                                  kept.insert(raw(lsn));
                                  return {};
                                })
              .ok());
  CHECK(kept.contains(1));
  CHECK(kept.contains(raw(base) + 1));
  Lsn gone = base;
  while (kept.contains(raw(gone))) gone = Lsn{raw(gone) - 1};
  bool said = false;
  for (Lsn lsn = gone; raw(lsn) > raw(gone) - 20; lsn = Lsn{raw(lsn) - 1}) {
    const auto record = (*snapshot)->record(lsn);
    if (record.ok()) continue;
    CHECK(record.error().code == ErrorCode::NotFound);
    CHECK(record.error().message.find("retention removed") != std::string::npos);
    said = true;
  }
  CHECK(said);
  snapshot = make_error(ErrorCode::Closed, "done");
  // Keys are remembered forever.
  const auto again = store->execute(model::MergeCommand{GroupId{1}, {child}}, {"x", "merge-1"});
  REQUIRE(again.ok());
  CHECK(again->outcome == Outcome::Duplicate);
}

TEST_CASE("the past begins where retention left it") {
  Fixture f;
  RandomOccurrences random(17);
  const auto store = f.open();
  fill(*store, random, 500);
  const Lsn base = retain_newest(*store, 100).after.last_lsn;
  const Lsn newest = store->stats()->last_lsn;
  AsOf moment;
  moment.lsn = Lsn{raw(base) - 1};
  const auto before = store->as_of(moment);
  REQUIRE_FALSE(before.ok());
  CHECK(before.error().code == ErrorCode::NotFound);
  CHECK(before.error().message.find("retention removed") != std::string::npos);
  moment.lsn = base;
  CHECK(store->as_of(moment).ok());
  moment.lsn = newest;
  const auto now = store->as_of(moment);
  REQUIRE(now.ok());
  CHECK(digests(**now) == digests(*store));
}

TEST_CASE("an occurrence that retention removed is new when it comes again") {
  Fixture f;
  RandomOccurrences random(15);
  const auto occurrences = random.take(300);
  const auto store = f.open();
  const auto submit = [&](size_t from, size_t to) {
    std::vector<model::Message> batch(occurrences.begin() + static_cast<ptrdiff_t>(from),
                                      occurrences.begin() + static_cast<ptrdiff_t>(to));
    const auto result = store->submit(std::move(batch), {});
    REQUIRE(result.ok());
    REQUIRE(store->checkpoint().ok());
    return result->items;
  };
  for (size_t i = 0; i < 300; i += 100) submit(i, i + 100);
  const RetentionReport report = retain_newest(*store, 100);
  REQUIRE(report.kept_occurrences == 100);
  for (const auto& item : submit(200, 300)) CHECK(item.outcome == Outcome::Duplicate);
  for (const auto& item : submit(0, 100)) CHECK(item.outcome == Outcome::Stored);
  CHECK(store->stats()->occurrences == 400);  // counted again
}

TEST_CASE("a reader that was there before keeps its answers") {
  Fixture f;
  RandomOccurrences random(16);
  const auto store = f.open();
  fill(*store, random, 500);
  const auto reader = store->as_of({Lsn{400}, std::nullopt});
  REQUIRE(reader.ok());
  const std::string before = digests(**reader);
  retain_newest(*store, 100);
  CHECK(digests(**reader) == before);
}

TEST_CASE("a reading process keeps its snapshot while another one retains") {
  Fixture f;
  RandomOccurrences random(19);
  {
    const auto store = f.open();
    fill(*store, random, 500);
    REQUIRE(store->execute(model::AssignCommand{GroupId{1}, "user:a"}, {}).ok());
    fill(*store, random, 300);
  }
  testing::OtherProcess other([&] {
    auto store = Store::open(f.path(), f.options);
    if (!store.ok()) return 1;
    RetentionPolicy policy;
    policy.max_occurrences = 100;
    const auto report = (*store)->retain(policy);
    return report.ok() && report->log_files > 0 ? 0 : 2;
  });
  auto reading = f.options;
  reading.read_only = true;
  const auto reader = Store::open(f.path(), reading);
  REQUIRE(reader.ok());
  const std::string before = digests(**reader);
  other.run();
  CHECK(digests(**reader) == before);
  const auto snapshot = (*reader)->snapshot();
  REQUIRE(snapshot.ok());
  const auto history = (*snapshot)->history(GroupId{1}, 100);  // from the base, by now
  INFO((history.ok() ? std::string() : history.error().message));
  REQUIRE(history.ok());
  CHECK(std::holds_alternative<model::Occurrence>(history->front().second.body));
  const auto events =
      (*snapshot)->for_each_event("", kNow, [](Snapshot::Event&&) -> Result<void> { return {}; });
  REQUIRE_FALSE(events.ok());  // their bodies went with the log files
  CHECK(events.error().code == ErrorCode::NotFound);
  CHECK(events.error().message.find("retention removed") != std::string::npos);
}

TEST_CASE("retention beside a writer and merges leaves the fold of the log") {
  Fixture f;
  f.options.merging.fan_in = 4;
  f.options.merging.max_rows = 400;
  std::atomic<bool> failed = false;
  {
    const auto store = f.open();
    std::thread writer([&] {
      RandomOccurrences random(18);
      for (int i = 0; i < 150 && !failed; ++i) {
        std::vector<model::Message> batch;
        for (int n = 0; n < 40; ++n) batch.emplace_back(random.next());
        if (!store->submit(std::move(batch), {}).ok()) failed = true;
      }
    });
    uint64_t removed = 0;
    for (int i = 0; i < 10; ++i) removed += retain_newest(*store, 500).occurrences;
    writer.join();
    removed += retain_newest(*store, 500).occurrences;
    const auto stats = store->stats();
    REQUIRE(stats.ok());
    CHECK(stats->occurrences == 6000);
    CHECK(stats->kept_occurrences + removed == 6000);
    CHECK(stats->removed.occurrences == removed);
  }
  CHECK_FALSE(failed);
  verify_deep(f.path(), f.options);
}

TEST_CASE("random stores with retention are the fold of what was ever logged") {
  const uint64_t base_seed = std::random_device{}();
  for (int round = 0; round < testing::soak_rounds(5); ++round) {
    const uint64_t seed = base_seed + static_cast<uint64_t>(round);
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    RandomOccurrences occurrences(seed);
    Fixture f;
    f.options.head_limit = 40 + static_cast<uint32_t>(random() % 100);
    f.options.close_limit = static_cast<uint32_t>(random() % 100);
    f.options.merging.fan_in = 2 + static_cast<uint32_t>(random() % 8);
    f.options.merging.max_rows = 300;
    auto store = f.open();
    model::State plain;  // of every record, those that go too
    Lsn seen{};
    const auto follow = [&] {
      REQUIRE(store
                  ->for_each_record(next(seen),
                                    [&](Lsn lsn, const model::Record& record) -> Result<void> {
                                      CAIRN_TRY(plain.apply(record, lsn));
                                      seen = lsn;
                                      return {};
                                    })
                  .ok());
    };
    uint64_t stored = 0;
    for (int step = 0; step < 40; ++step) {
      const auto choice = random() % 10;
      if (choice < 5) {
        std::vector<model::Message> batch;
        for (uint64_t n = 1 + random() % 60; n > 0; --n) batch.emplace_back(occurrences.next());
        stored += batch.size();
        REQUIRE(store->submit(std::move(batch), {}).ok());
      } else if (choice == 5) {
        store.reset();
        store = f.open();
      } else if (choice < 8) {
        const auto groups = static_cast<uint32_t>((*store->snapshot())->state().group_count());
        if (groups < 2) continue;
        const GroupId one{static_cast<uint32_t>(1 + random() % groups)};
        const GroupId other{static_cast<uint32_t>(1 + random() % groups)};
        [[maybe_unused]] const auto merged = store->execute(model::MergeCommand{one, {other}}, {});
        [[maybe_unused]] const auto resolved = store->execute(
            model::SetStatusCommand{other, model::Status::Resolved, model::Substatus::None}, {});
      } else {
        follow();
        const auto report = retain_newest(*store, random() % 300);
        CHECK(report.before.occurrences + report.occurrences == report.after.occurrences);
        CHECK(report.after.occurrences + report.kept_occurrences == stored);
      }
      follow();
      const auto snapshot = store->snapshot();
      REQUIRE(snapshot.ok());
      REQUIRE((*snapshot)->state().replay_digest() == plain.replay_digest());
    }
    const std::string here = digests(*store);
    store.reset();
    verify_deep(f.path(), f.options);
    auto other = f.options;
    other.head_limit = 64;
    const auto rebuilt = Store::rebuild(f.path(), other);
    REQUIRE(rebuilt.ok());
    CHECK(rebuilt->digests.state.hex() + " " + rebuilt->digests.full.hex() == here);
    store = f.open();
    CHECK(digests(*store) == here);
  }
}

TEST_CASE("experiments outlive the records they were made by") {
  Fixture fixture;
  RandomOccurrences random(11);
  auto store = fixture.open();
  fill(*store, random, 300);
  const auto run = [&](const model::Command& command) {
    const auto done = store->execute(command, {});
    INFO((done.ok() ? std::string() : done.error().message));
    REQUIRE(done.ok());
  };
  for (const char* name : {"gone", "kept"}) {
    run(model::MakeExperimentCommand{name, Lsn{}});
    model::AddToExperimentCommand add{name, "merge by fingerprint[2]", {}};
    {
      const auto snapshot = store->snapshot();
      add.facts = (*snapshot)->evaluate(add.rule, kNow)->links;
    }
    REQUIRE_FALSE(add.facts.empty());
    run(add);
  }
  run(model::DropExperimentCommand{"gone"});
  const auto grouped = [&] {
    const auto snapshot = store->snapshot("kept");
    REQUIRE(snapshot.ok());
    return (*snapshot)->view().overlay->roots_by_fingerprint((*snapshot)->state());
  };
  fill(*store, random, 900);
  const auto before = grouped();
  CHECK(retain_newest(*store, 200).occurrences > 300);
  const std::string digest = digests(*store);
  CHECK(grouped() == before);
  store.reset();
  verify_deep(fixture.path(), fixture.options);
  REQUIRE(Store::rebuild(fixture.path(), fixture.options).ok());
  store = fixture.open();
  CHECK(digests(*store) == digest);
  CHECK(grouped() == before);
  CHECK((*store->snapshot())->state().experiments().size() == 1);
}
