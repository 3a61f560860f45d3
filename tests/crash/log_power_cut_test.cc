// Power goes away at every call the log makes to the file system, and at random ones. Whatever
// the disk kept of the unsynced part: after opening again every synced record is there, in
// order, once; what follows is a run of the unsynced ones, each as it was written.
#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <utility>

#include "log/log_reader.h"
#include "log/log_writer.h"
#include "support/forgetful_file_system.h"
#include "support/log_records.h"

namespace cairn::log {
namespace {

using testing::ForgetfulFileSystem;
using testing::kLogDirectory;
using testing::kStoreId;
using testing::LoggedFrame;

constexpr LogOptions kOptions{.file_bytes = 4096, .allocate_bytes = 1024, .compression_level = 1};

Lsn end_lsn(const LoggedFrame& frame) { return Lsn{raw(frame.first_lsn) + frame.count - 1}; }

// A writer with a model of what it was told and what it promised.
class Workload {
 public:
  explicit Workload(uint64_t seed) : random_(seed) {}

  ForgetfulFileSystem& files() { return files_; }
  std::mt19937_64& random() { return random_; }
  uint64_t frames() const { return written_.size(); }

  // Opens the log and compares it with the model. False: power went away meanwhile.
  bool open(bool tell_acknowledged) {
    RecoveryReport report;
    auto opened = LogWriter::open(files_, kLogDirectory, kStoreId, kOptions,
                                  tell_acknowledged ? durable_ : Lsn{0}, &report);
    if (!opened.ok()) {
      INFO(opened.error().message);
      REQUIRE(opened.error().code == ErrorCode::Io);
      return false;
    }
    writer_ = std::move(*opened);
    REQUIRE(report.last_lsn >= durable_);
    REQUIRE(writer_->durable_lsn() == report.last_lsn);
    while (!written_.empty() && end_lsn(written_.back()) > report.last_lsn) written_.pop_back();
    REQUIRE(report.last_lsn == (written_.empty() ? Lsn{0} : end_lsn(written_.back())));
    durable_ = report.last_lsn;
    const auto frames = testing::read_log(files_);
    REQUIRE(frames.ok());
    REQUIRE(*frames == written_);
    const auto check = check_log(files_, kLogDirectory, kStoreId);
    REQUIRE(check.ok());
    REQUIRE(check->problems.empty());
    REQUIRE(check->torn_bytes == 0);
    return true;
  }

  // One random step. False: the writer failed.
  bool step() {
    const auto choice = random_() % 100;
    if (choice < 60) return append();
    if (choice < 94) return sync();
    if (choice < 97) return die_and_open();
    return close_and_open();
  }

  void crash(bool keep_some) {
    writer_.reset();
    files_.crash(keep_some ? &random_ : nullptr);
  }

 private:
  bool append() {
    LoggedFrame frame{next(writer_->last_lsn()), static_cast<uint32_t>(1 + random_() % 4),
                      testing::random_payload(random_, random_() % 8 == 0 ? 3000 : 300)};
    const bool ok = writer_->append(frame.payload, frame.count).ok();
    if (ok) written_.push_back(std::move(frame));
    durable_ = writer_->durable_lsn();
    return ok;
  }

  bool sync() {
    const bool ok = writer_->sync().ok();
    durable_ = writer_->durable_lsn();
    return ok;
  }

  // The process dies, the machine goes on: what was written may not be on the disk yet.
  bool die_and_open() {
    writer_.reset();
    return open(false);
  }

  bool close_and_open() {
    const bool closed = writer_->close().ok();
    durable_ = writer_->durable_lsn();
    writer_.reset();
    return closed && open(true);
  }

  std::mt19937_64 random_;
  ForgetfulFileSystem files_;
  std::unique_ptr<LogWriter> writer_;
  std::vector<LoggedFrame> written_;
  Lsn durable_{};
};

// `steps` random steps, or until the power goes.
void run(Workload& workload, int steps) {
  if (!workload.open(false)) return;
  for (int i = 0; i < steps && workload.step(); ++i) {
  }
}

void check_after_crash(Workload& workload, bool keep_some, bool tell_acknowledged) {
  workload.crash(keep_some);
  REQUIRE(workload.open(tell_acknowledged));
  for (int i = 0; i < 5; ++i) REQUIRE(workload.step());
  workload.crash(keep_some);
  REQUIRE(workload.open(tell_acknowledged));
}

TEST_CASE("power cut at every call of a small workload") {
  constexpr uint64_t kSeed = 20261121;
  constexpr int kSteps = 60;
  Workload whole(kSeed);
  run(whole, kSteps);
  const uint64_t calls = whole.files().calls();
  REQUIRE(calls > 80);
  for (uint64_t call = 1; call <= calls + 1; ++call) {
    for (const bool keep_some : {false, true}) {
      for (const bool tell_acknowledged : {false, true}) {
        CAPTURE(kSeed, call, keep_some, tell_acknowledged);
        Workload workload(kSeed);
        workload.files().cut_power_at(call);
        run(workload, kSteps);
        check_after_crash(workload, keep_some, tell_acknowledged);
      }
    }
  }
}

TEST_CASE("power cuts at random calls over a long life") {
  const uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  for (uint64_t life = 0; life < 8; ++life) {
    Workload workload(seed + life);
    for (int cut = 0; cut < 60; ++cut) {
      CAPTURE(life, cut);
      auto& random = workload.random();
      workload.files().cut_power_at(workload.files().calls() + 1 + random() % 60);
      // The cut may hit the opening too: then the next round opens what that left.
      run(workload, 80);
      workload.crash(random() % 3 != 0);
    }
    REQUIRE(workload.open(true));
    CHECK(workload.frames() > 0);
  }
}

TEST_CASE("one failing call anywhere: the log is whole after it is opened again") {
  constexpr uint64_t kSeed = 7;
  constexpr int kSteps = 60;
  Workload whole(kSeed);
  run(whole, kSteps);
  for (uint64_t call = 1; call <= whole.files().calls(); ++call) {
    CAPTURE(kSeed, call);
    Workload workload(kSeed);
    workload.files().fail_call(call, ErrorCode::Io);
    run(workload, kSteps);
    check_after_crash(workload, true, true);
  }
}

}  // namespace
}  // namespace cairn::log
