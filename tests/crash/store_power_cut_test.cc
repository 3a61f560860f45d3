// Power goes away at every call that import, sealing, retention, backup and rebuild make to the
// file system that holds the log and the backup. The index lies on the real disk, where LMDB's
// commits are durable when they return. After opening again everything acknowledged is there, a
// replay agrees with the index, and the last backup that was reported is whole.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <vector>

#include "engine/store.h"
#include "support/forgetful_file_system.h"
#include "support/random_occurrences.h"
#include "support/soak.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::engine;
using testing::ForgetfulFileSystem;
using testing::RandomOccurrences;

namespace {

constexpr TimeUs kNow{1'800'000'000'000'000};

class Life {
 public:
  explicit Life(uint64_t seed) : occurrences_(seed) {
    options_.files = &files_;
    options_.clock = &clock_;
    options_.head_limit = 40;
    options_.close_limit = 20;
    options_.log_file_bytes = 8u << 10;
    options_.index_map_bytes = 64u << 20;
    options_.index_staged_bytes = 2u << 10;  // a segment takes several transactions
    options_.merging.fan_in = 4;
    options_.merging.max_rows = 100;
  }

  ForgetfulFileSystem& files() { return files_; }

  // The whole workload, or until something fails.
  // Returns whether it came to its end.
  bool run() {
    if (!open()) return false;
    const bool whole = ingest(4) && retain(60) && backup() && ingest(3) && reopen() && retain(50) &&
                       backup() && ingest(2) && rebuild() && ingest(1) && backup();
    return whole && store_->close().ok();
  }

  void check_after_crash(std::mt19937_64* keep) {
    store_.reset();
    files_.crash(keep);
    auto opened = Store::open(path_, options_);
    INFO((opened.ok() ? std::string() : opened.error().message));
    REQUIRE(opened.ok());
    store_ = std::move(opened).value();
    check_acknowledged();
    check_backup();
    ingest(1);
    check_acknowledged();
    REQUIRE(store_->close().ok());
    store_.reset();
    const auto verified = Store::verify(path_, true, options_);
    INFO((verified.ok() ? std::string() : verified.error().message));
    REQUIRE(verified.ok());
    for (const auto& problem : verified->problems) FAIL(problem);
  }

 private:
  bool open() {
    auto opened = Store::open(path_, options_);
    if (!opened.ok()) return false;
    store_ = std::move(opened).value();
    return files_.make_directory(path_ + "/index").ok();  // so that a rebuild finds the old one
  }

  bool reopen() {
    const bool closed = store_->close().ok();
    store_.reset();
    return closed && open();
  }

  bool ingest(int batches) {
    for (int i = 0; i < batches; ++i) {
      std::vector<model::Message> batch;
      std::vector<std::pair<ProjectId, Uuid>> ids;
      for (int n = 0; n < 30; ++n) {
        auto occurrence = occurrences_.next();
        ids.emplace_back(occurrence.project, occurrence.id);
        batch.emplace_back(std::move(occurrence));
      }
      const auto result = store_->submit(std::move(batch), {});
      if (!result.ok()) return false;
      for (size_t n = 0; n < ids.size(); ++n) {
        acknowledged_.push_back({ids[n].first, ids[n].second, result->items[n].lsn});
      }
      const auto done = store_->execute(
          model::SetStatusCommand{GroupId{1}, model::Status::Resolved, model::Substatus::None},
          {"ann", fmt::format("key-{}", keys_)});
      if (!done.ok()) return false;
      ++keys_;
    }
    return store_->checkpoint().ok();
  }

  bool retain(uint64_t count) {
    RetentionPolicy policy;
    policy.max_occurrences = count;
    return store_->retain(policy).ok();
  }

  bool backup() {
    const auto report = store_->backup(backup_);
    if (report.ok()) backed_up_ = report->lsn;
    return report.ok();
  }

  bool rebuild() {
    const bool closed = store_->close().ok();
    store_.reset();
    return closed && Store::rebuild(path_, options_).ok() && open();
  }

  void check_acknowledged() {
    const auto stats = store_->stats();
    REQUIRE(stats.ok());
    REQUIRE(stats->occurrences >= acknowledged_.size());
    for (const Stored& one : acknowledged_) {
      if (one.lsn <= stats->base_lsn) continue;
      const auto there = store_->has_occurrence(one.project, one.id);
      REQUIRE(there.ok());
      REQUIRE(*there);
    }
    for (int key = 0; key < keys_; ++key) {
      const auto again = store_->execute(
          model::SetStatusCommand{GroupId{1}, model::Status::Resolved, model::Substatus::None},
          {"ann", fmt::format("key-{}", key)});
      REQUIRE(again.ok());
      REQUIRE(again->outcome == Outcome::Duplicate);
    }
  }

  void check_backup() {
    if (raw(backed_up_) == 0) return;
    const auto verified = Store::verify(backup_, false, options_);
    INFO((verified.ok() ? std::string() : verified.error().message));
    REQUIRE(verified.ok());
    for (const auto& problem : verified->problems) FAIL(problem);
    REQUIRE(verified->backup);
    REQUIRE(verified->backup->lsn >= backed_up_);
    const auto restored = Store::restore(backup_, restored_, options_);
    INFO((restored.ok() ? std::string() : restored.error().message));
    REQUIRE(restored.ok());
    REQUIRE(restored->lsn >= backed_up_);
  }

  struct Stored {
    ProjectId project{};
    Uuid id;
    Lsn lsn{};
  };

  testing::TempDir dir_;  // of the index
  ForgetfulFileSystem files_;
  ManualClock clock_{kNow};
  StoreOptions options_;
  RandomOccurrences occurrences_;
  const std::string path_ = dir_ / "store";
  const std::string backup_ = dir_ / "backup";
  const std::string restored_ = dir_ / "restored";
  std::vector<Stored> acknowledged_;
  int keys_ = 0;
  Lsn backed_up_{};
  std::unique_ptr<Store> store_;
};

}  // namespace

TEST_CASE("power cut at every call of import, sealing, retention, backup and rebuild") {
  constexpr uint64_t kSeed = 20261121;
  uint64_t calls = 0;
  {
    Life whole(kSeed);
    REQUIRE(whole.run());
    calls = whole.files().calls();
  }
  REQUIRE(calls > 60);
  std::mt19937_64 random(kSeed);
  // Each call is cut in the long form; the short form takes a third of them, others each day.
  const uint64_t stride = testing::soak_rounds(1) > 1 ? 1 : 3;
  const uint64_t first = 1 + std::random_device{}() % stride;
  for (uint64_t call = first; call <= calls + 1; call += stride) {
    const bool keep_some = random() % 2 == 0;
    CAPTURE(kSeed, call, keep_some);
    Life life(kSeed);
    life.files().cut_power_at(call);
    life.run();
    life.check_after_crash(keep_some ? &random : nullptr);
  }
}

TEST_CASE("a disk that fills up at any call loses nothing acknowledged, and room brings it back") {
  constexpr uint64_t kSeed = 7;
  uint64_t calls = 0;
  {
    Life whole(kSeed);
    REQUIRE(whole.run());
    calls = whole.files().calls();
  }
  const uint64_t stride = testing::soak_rounds(1) > 1 ? 1 : 7;
  for (uint64_t call = 1 + std::random_device{}() % stride; call <= calls; call += stride) {
    CAPTURE(kSeed, call);
    Life life(kSeed);
    life.files().fail_call(call, ErrorCode::Exhausted);
    life.run();
    life.check_after_crash(nullptr);
  }
}
