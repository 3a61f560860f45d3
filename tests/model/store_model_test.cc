// The whole store under random commands: whatever the order of batches, commands, checkpoints and
// reopenings, it must be the plain fold of its log, and every query must answer like a scan of the
// log with the predicate.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "engine/store.h"
#include "query/parser.h"
#include "query/predicate.h"
#include "support/random_occurrences.h"
#include "support/soak.h"
#include "support/temp_dir.h"

using namespace cairn;
using engine::Store;

namespace {

constexpr TimeUs kNow{1'700'100'000'000'000};

struct Counted {
  uint64_t count = 0;
  TimeUs first{};
  TimeUs last{};
};

class Driver {
 public:
  explicit Driver(uint64_t seed) : random_(seed), occurrences_(seed ^ 0x5eed) {
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
    model::State plain;
    REQUIRE(store_
                ->for_each_record(Lsn{1},
                                  [&](Lsn lsn, const model::Record& record) -> Result<void> {
                                    CAIRN_TRY(plain.apply(record, lsn));
                                    return {};
                                  })
                .ok());
    const auto snapshot = store_->snapshot();
    REQUIRE(snapshot.ok());
    REQUIRE(plain.state_digest() == (*snapshot)->state().state_digest());
    REQUIRE(plain.replay_digest() == (*snapshot)->state().replay_digest());
  }

  void check_queries(int how_many) {
    for (int i = 0; i < how_many; ++i) check_query(random_query(2));
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

  std::string random_term() {
    switch (below(16)) {
      case 0:
        return "is:unresolved";
      case 1:
        return "is:resolved";
      case 2:
        return "is:archived";
      case 3:
        return below(2) == 0 ? "level:error" : "!level:[info, debug]";
      case 4:
        return fmt::format("browser:\"Chrome {}\"", 120 + below(2));
      case 5:
        return "!browser:\"Firefox 119\"";
      case 6:
        return fmt::format("shard:[{}, {}, {}]", below(30), below(30), below(30));
      case 7:
        return below(2) == 0 ? "has:user" : "!has:shard";
      case 8:
        return fmt::format("times_seen:>{}", below(60));
      case 9:
        return fmt::format("timestamp:{}", below(2) == 0 ? "-20h" : "+24h");
      case 10:
        return fmt::format("environment:{}", below(2) == 0 ? "staging" : "production");
      case 11:
        return fmt::format("release:{}.{}", 1 + below(2), below(6));
      case 12:
        return fmt::format("\"part {}\"", below(7));
      case 13:
        return fmt::format("fingerprint:mid-{}", below(10));
      case 14:
        return fmt::format("url:*shop.example/{}*", below(20));
      default:
        return fmt::format("user.id:u{}", below(60));
    }
  }

  std::string random_query(int depth) {
    if (depth == 0) return random_term();
    switch (below(5)) {
      case 0:
        return "(" + random_query(depth - 1) + " OR " + random_query(depth - 1) + ")";
      case 1:
        return random_query(depth - 1) + " AND " + random_query(depth - 1);
      case 2:
        return random_query(depth - 1) + " " + random_query(depth - 1);
      default:
        return random_query(depth - 1);
    }
  }

  std::map<GroupId, Counted> scan(const query::Query& query, const engine::Snapshot& snapshot) {
    const model::State& state = snapshot.state();
    auto predicate = query::Predicate::bind(query, state, kNow);
    INFO((predicate.ok() ? std::string() : predicate.error().message));
    REQUIRE(predicate.ok());
    std::map<GroupId, Counted> found;
    // Which fingerprint decided is folded again, on its own.
    model::State fold;
    REQUIRE(store_
                ->for_each_record(
                    Lsn{1},
                    [&](Lsn lsn, const model::Record& record) -> Result<void> {
                      CAIRN_TRY_ASSIGN(const model::Applied applied, fold.apply(record, lsn));
                      const auto* occurrence = std::get_if<model::Occurrence>(&record.body);
                      if (occurrence == nullptr) return {};
                      const GroupId issue =
                          state.root_of(state.fingerprint(applied.decided_by).leaf);
                      if (!predicate->matches(*occurrence, issue)) return {};
                      Counted& counted = found[issue];
                      const TimeUs time = occurrence->time();
                      counted.first = counted.count == 0 ? time : std::min(counted.first, time);
                      counted.last = counted.count == 0 ? time : std::max(counted.last, time);
                      ++counted.count;
                      return {};
                    })
                .ok());
    return found;
  }

  void check_query(const std::string& text) {
    INFO("query " << text);
    const auto snapshot = store_->snapshot();
    REQUIRE(snapshot.ok());
    const auto parsed = query::parse(text);
    INFO((parsed.ok() ? std::string() : parsed.error().message));
    REQUIRE(parsed.ok());
    const auto expected = scan(*parsed, **snapshot);
    query::SearchOptions options;
    options.now = kNow;
    options.limit = 10'000;
    const auto page = query::search((*snapshot)->view(), *parsed, options);
    INFO((page.ok() ? std::string() : page.error().message));
    REQUIRE(page.ok());
    REQUIRE(page->total == expected.size());
    REQUIRE(page->issues.size() == expected.size());
    for (const auto& row : page->issues) {
      const auto want = expected.find(row.id);
      REQUIRE(want != expected.end());
      CHECK(row.count == want->second.count);
      CHECK(row.first == want->second.first);
      CHECK(row.last == want->second.last);
    }
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
