// Experiments beside the real thing: whatever is asked in an experiment must be answered as by a
// copy of the store where the same merges were made; promoting it makes it so; dropping it and
// taking a sweep back leave the state as it was.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <iostream>
#include <random>

#include "engine/store.h"
#include "support/random_occurrences.h"
#include "support/soak.h"
#include "support/temp_dir.h"

using namespace cairn;
using engine::Store;

namespace {

constexpr TimeUs kNow{1'700'100'000'000'000};

template <class T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().message);
  return std::move(result).value();
}

const std::vector<std::string> kQueries = {
    "",
    "is:unresolved level:error",
    "times_seen:>20",
    "has:user !shard:[1, 2, 3]",
    "environment:staging OR times_seen:<5",
    "timestamp:-20h",
    "first_seen:-30h browser:\"Chrome 120\"",
    "fingerprint:mid-3",
};
const std::vector<std::string> kTables = {"| count() uniq(user) by issue",
                                          "level:error | top 9 issue",
                                          "times_seen:>9 | count() by project every 1h"};
const std::vector<std::string> kRules = {
    "merge by fingerprint[2]",
    "merge by fingerprint[3], level",
    "merge where level:error by culprit",
    "merge where times_seen:<9 by title into times_seen:>=9",
    "merge by tags[browser]",
    "merge where shard:[1, 2] by environment, culprit",
    "unmerge where level:fatal",
    "unmerge where release:1.2 times_seen:>30",
};

class World {
 public:
  explicit World(uint64_t seed) : random_(seed), occurrences_(seed ^ 0x5eed) {
    options_.clock = &clock_;
    options_.head_limit = 100 + static_cast<uint32_t>(below(400));
    options_.close_limit = static_cast<uint32_t>(below(100));
    options_.index_map_bytes = 256u << 20;
    store_ = must(Store::open(path_, options_));
    ingest(300 + below(500));
    for (int i = 0; i < 6; ++i) merge_some();
    run(model::MakeExperimentCommand{"try", Lsn{}});
    for (uint64_t i = 1 + below(4); i > 0; --i) add_step();
  }

  uint64_t below(uint64_t n) { return random_() % n; }
  Store& store() { return *store_; }

  void ingest(uint64_t count) {
    std::vector<model::Message> batch;
    for (uint64_t i = 0; i < count; ++i) batch.emplace_back(occurrences_.next());
    for (const auto& item : must(store_->submit(std::move(batch), {})).items) {
      REQUIRE(item.outcome == engine::Outcome::Stored);
    }
  }
  void merge_some() {
    GroupId a{}, b{};
    {
      const auto snapshot = must(store_->snapshot());
      const auto& state = snapshot->state();
      a = state.root_of(GroupId{static_cast<uint32_t>(1 + below(state.group_count()))});
      b = state.root_of(GroupId{static_cast<uint32_t>(1 + below(state.group_count()))});
      if (a == b || state.group(a).project != state.group(b).project) return;
    }
    run(model::MergeCommand{a, {b}});
  }
  engine::ExecuteResult run(const model::Command& command) {
    return must(store_->execute(command, {"tester", ""}));
  }
  void add_step() {
    const std::string& rule = kRules[below(kRules.size())];
    model::AddToExperimentCommand command{"try", rule, {}};
    {
      const auto snapshot = must(store_->snapshot("try"));
      command.facts = must(snapshot->evaluate(rule, kNow)).links;
    }
    run(command);
  }
  engine::Digests digests() { return must(store_->digests()); }
  void reopen() {
    const auto before = digests();
    store_.reset();
    store_ = must(Store::open(path_, options_));
    CHECK(digests().full == before.full);
  }
  void rebuild() {
    const auto before = digests();
    store_.reset();
    CHECK(must(Store::rebuild(path_, options_)).digests.full == before.full);
    store_ = must(Store::open(path_, options_));
  }

  // A copy of the store where the experiment is promoted.
  void check_against_copy() {
    must_void(store_->checkpoint());
    const auto lists = answers(*must(store_->snapshot("try")));
    const std::string path = dir_ / "copy";
    std::filesystem::remove_all(path);
    std::filesystem::copy(path_, path, std::filesystem::copy_options::recursive);
    engine::StoreOptions options = options_;
    const auto copy = must(Store::open(path, options));
    must(copy->execute(model::PromoteCommand{"try", true}, {}));
    CHECK(answers(*must(copy->snapshot())) == lists);
    // Nothing is left to do, and the experiment there shows the same still.
    CHECK(must(copy->execute(model::PromoteCommand{"try", false}, {})).outcome ==
          engine::Outcome::NoChange);
    CHECK(answers(*must(copy->snapshot("try"))) == lists);
  }

  // What queries say, without LSNs.
  static std::vector<std::string> answers(const engine::Snapshot& snapshot) {
    std::vector<std::string> out;
    query::SearchOptions options;
    options.now = kNow;
    options.limit = query::kMaxLimit;
    options.sort = query::Sort::Freq;
    const model::Forest forest = snapshot.forest();
    for (const std::string& query : kQueries) {
      const auto page = must(snapshot.search(query, options));
      out.push_back(fmt::format("{}: {}", query, page.total));
      for (const auto& row : page.issues) {
        const model::Totals totals = forest.totals(row.id);
        out.push_back(fmt::format("{} {} {} {} {} {} {} {}", raw(row.id), row.count, row.users,
                                  raw(row.first), raw(row.last), totals.times_seen,
                                  forest.members(row.id).size(), raw(forest.face_of(row.id).id)));
      }
    }
    for (const std::string& query : kTables) {
      const auto table = must(snapshot.aggregate(query, options));
      std::vector<std::string> rows;
      for (const auto& row : table.rows) rows.push_back(row_text(row));
      std::sort(rows.begin(), rows.end());
      out.insert(out.end(), rows.begin(), rows.end());
    }
    auto walked = snapshot.for_each_event(
        "level:fatal times_seen:>3", kNow, [&](engine::Snapshot::Event&& event) -> Result<void> {
          out.push_back(
              fmt::format("{} in {} of {}", raw(event.lsn), raw(event.issue), raw(event.leaf)));
          return {};
        });
    REQUIRE(walked.ok());
    return out;
  }

 private:
  static void must_void(const Result<void>& result) {
    if (!result.ok()) FAIL(result.error().message);
  }
  static std::string row_text(const std::vector<query::Cell>& row) {
    std::string out;
    for (const query::Cell& cell : row) {
      if (const auto* number = std::get_if<int64_t>(&cell.value)) out += std::to_string(*number);
      if (const auto* text = std::get_if<std::string>(&cell.value)) out += *text;
      if (const auto* time = std::get_if<TimeUs>(&cell.value)) out += std::to_string(raw(*time));
      out += ' ';
    }
    return out;
  }

  std::mt19937_64 random_;
  testing::RandomOccurrences occurrences_;
  testing::TempDir dir_;
  std::string path_ = dir_ / "store";
  ManualClock clock_{kNow};
  engine::StoreOptions options_;
  std::unique_ptr<Store> store_;
};

}  // namespace

TEST_CASE("an experiment answers like a store where the same merges were made") {
  const int rounds = testing::soak_rounds(8);
  const uint64_t base = std::random_device{}();
  std::cout << "experiment seed " << base << "\n";
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(base, round);
    World world(base + static_cast<uint64_t>(round));
    world.check_against_copy();
    // The base moves on: occurrences of old and new groups, merges; another step.
    world.ingest(1 + world.below(200));
    world.check_against_copy();
    for (int i = 0; i < 3; ++i) world.merge_some();
    world.ingest(20);
    world.check_against_copy();
    world.add_step();
    world.reopen();
    world.check_against_copy();
    world.rebuild();
    world.check_against_copy();
  }
}

TEST_CASE("an experiment that is dropped leaves no trace in the state") {
  const uint64_t seed = std::random_device{}();
  std::cout << "experiment seed " << seed << "\n";
  World world(seed);
  const auto with = world.digests();
  world.run(model::DropExperimentCommand{"try"});
  CHECK(world.digests().state == with.state);
  world.reopen();
  world.rebuild();
  CHECK(world.digests().state == with.state);
}

TEST_CASE("a sweep is taken back whole, and so is that") {
  const uint64_t base = std::random_device{}();
  std::cout << "sweep seed " << base << "\n";
  for (int round = 0; round < testing::soak_rounds(8); ++round) {
    CAPTURE(base, round);
    World world(base + static_cast<uint64_t>(round));
    const auto before = world.digests();
    const auto regroup = [&](model::RegroupCause cause, const auto& find) {
      model::RegroupCommand command{cause, "", {}};
      {
        const auto snapshot = must(world.store().snapshot());
        command.links = must(find(*snapshot));
      }
      return world.run(command).lsn;
    };
    const std::string& rule = kRules[world.below(kRules.size())];
    CAPTURE(rule);
    const Lsn first = must(world.store().snapshot())->lsn();
    const Lsn swept = regroup(model::RegroupCause::Sweep, [&](const engine::Snapshot& snapshot) {
      auto findings = must(snapshot.evaluate(rule, kNow));
      return Result<model::Regrouping>(findings.links);
    });
    if (swept == first) continue;  // the rule found nothing
    const auto after = world.digests();
    const auto undo = [&](Lsn lsn) {
      return regroup(model::RegroupCause::Undo,
                     [&](const engine::Snapshot& snapshot) { return snapshot.undo_of(lsn); });
    };
    const Lsn undone = undo(swept);
    CHECK(world.digests().state == before.state);
    undo(undone);
    CHECK(world.digests().state == after.state);
    world.rebuild();
  }
}

TEST_CASE("a thousand experiments cost a merge nothing, and each still answers") {
  World world(7);
  for (int i = 0; i < 1000; ++i) {
    const std::string name = fmt::format("e{}", i);
    world.run(model::MakeExperimentCommand{name, Lsn{}});
    model::Regrouping links;
    links.merges.add(GroupId{1}, GroupId{2});
    const auto done = world.store().execute(model::AddToExperimentCommand{name, "x", links}, {});
    REQUIRE((done.ok() || done.error().code == ErrorCode::Conflict));
  }
  world.reopen();
  const auto before = World::answers(*must(world.store().snapshot("e0")));
  for (int i = 1; i < 20; ++i) {
    REQUIRE(World::answers(*must(world.store().snapshot(fmt::format("e{}", 50 * i)))) == before);
  }
  world.rebuild();
  CHECK(must(world.store().snapshot())->state().experiments().size() == 1001);
}
