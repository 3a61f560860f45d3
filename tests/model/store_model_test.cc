// The whole store under random commands: whatever the order of batches, commands, checkpoints and
// reopenings, it must be the plain fold of its log, and every query must answer like a scan of the
// log with the predicate.
#include <catch2/catch.hpp>
#include <random>

#include "engine/store.h"
#include "support/random_occurrences.h"
#include "support/soak.h"
#include "support/store_queries.h"
#include "support/temp_dir.h"

using namespace cairn;
using engine::Store;

namespace {

constexpr TimeUs kNow{1'700'100'000'000'000};

class Driver {
 public:
  explicit Driver(uint64_t seed)
      : random_(seed), occurrences_(seed ^ 0x5eed), queries_(seed ^ 0xa5c) {
    options_.clock = &clock_;
    options_.head_limit = 50 + static_cast<uint32_t>(below(300));
    options_.close_limit = static_cast<uint32_t>(below(100));
    options_.tail_limit = 1000;
    options_.index_map_bytes = 256u << 20;
    reopen();
  }

  void step() {
    clock_.set(TimeUs{raw(clock_.now()) + static_cast<int64_t>(below(1'000'000))});
    switch (below(12)) {
      case 0:
        return reopen();
      case 1:
        REQUIRE(store_->checkpoint().ok());
        return;
      case 2:
      case 3:
        return merge();
      case 4:
        return unmerge();
      case 5:
      case 6:
        return set_status();
      case 7:
        return set_policy();
      default:
        return ingest();
    }
  }

  // The state as an index-free fold of the log.
  void check_fold() {
    testing::ScannedLog plain;
    REQUIRE(plain.catch_up(*store_).ok());
    const auto snapshot = store_->snapshot();
    REQUIRE(snapshot.ok());
    REQUIRE(plain.state.state_digest() == (*snapshot)->state().state_digest());
    REQUIRE(plain.state.replay_digest() == (*snapshot)->state().replay_digest());
  }

  void check_queries(int how_many) {
    testing::ScannedLog plain;
    REQUIRE(plain.catch_up(*store_).ok());
    const auto snapshot = store_->snapshot();
    REQUIRE(snapshot.ok());
    for (int i = 0; i < how_many; ++i) {
      testing::check_query((*snapshot)->view(), queries_.next(), plain.seen, kNow);
    }
  }

  void check_rebuild() {
    const auto before = store_->digests();
    REQUIRE(before.ok());
    store_.reset();
    auto other = options_;
    other.head_limit = 64;
    const auto report = Store::rebuild(path_, other);
    INFO((report.ok() ? std::string() : report.error().message));
    REQUIRE(report.ok());
    CHECK(report->digests.full == before->full);
    CHECK(report->digests.state == before->state);
    reopen();
  }

 private:
  uint64_t below(uint64_t n) { return random_() % n; }

  void reopen() {
    std::optional<engine::Digests> before;
    if (store_) before = *store_->digests();
    store_.reset();
    auto opened = Store::open(path_, options_);
    INFO((opened.ok() ? std::string() : opened.error().message));
    REQUIRE(opened.ok());
    store_ = std::move(opened).value();
    if (before) {
      REQUIRE(store_->digests()->state == before->state);
      REQUIRE(store_->digests()->full == before->full);
    }
  }

  void ingest() {
    std::vector<model::Message> batch;
    const uint64_t size = 1 + below(60);
    for (uint64_t i = 0; i < size; ++i) batch.emplace_back(occurrences_.next());
    const auto result = store_->submit(std::move(batch), {});
    REQUIRE(result.ok());
    for (const auto& item : result->items) REQUIRE(item.outcome == engine::Outcome::Stored);
  }

  GroupId random_group() {
    const auto stats = (*store_->snapshot())->state().group_count();
    return GroupId{stats == 0 ? 1 : static_cast<uint32_t>(1 + below(stats))};
  }

  // A refused command must change nothing.
  void execute(const model::Command& command) {
    const auto before = store_->digests();
    const auto done = store_->execute(command, {"tester", ""});
    if (!done.ok()) {
      REQUIRE(done.error().code != ErrorCode::Internal);
      REQUIRE(store_->digests()->full == before->full);
    }
  }

  void merge() {
    model::MergeCommand command{random_group(), {}};
    for (uint64_t i = 0; i < 1 + below(3); ++i) command.children.push_back(random_group());
    execute(command);
  }
  void unmerge() { execute(model::UnmergeCommand{random_group(), {}}); }
  void set_status() {
    static constexpr model::Status kAll[] = {model::Status::Resolved, model::Status::Unresolved,
                                             model::Status::Ignored};
    execute(model::SetStatusCommand{random_group(), kAll[below(3)], model::Substatus::None});
  }
  void set_policy() {
    execute(model::ChangeProjectCommand{
        ProjectId{1 + below(3)}, std::nullopt,
        below(2) == 0 ? model::FingerprintPolicy::Known : model::FingerprintPolicy::First});
  }

  std::mt19937_64 random_;
  testing::RandomOccurrences occurrences_;
  testing::RandomStoreQuery queries_;
  testing::TempDir dir_;
  std::string path_ = dir_ / "store";
  ManualClock clock_{kNow};
  engine::StoreOptions options_;
  std::unique_ptr<Store> store_;
};

}  // namespace

TEST_CASE("the store is the fold of its log and answers like a scan") {
  const int rounds = testing::soak_rounds(6);
  const uint64_t base = std::random_device{}();
  for (int round = 0; round < rounds; ++round) {
    const uint64_t seed = base + static_cast<uint64_t>(round);
    UNSCOPED_INFO("seed " << seed);
    CAPTURE(seed);
    Driver driver(seed);
    for (int i = 0; i < 60; ++i) driver.step();
    driver.check_fold();
    driver.check_queries(25);
    driver.check_rebuild();
  }
}
