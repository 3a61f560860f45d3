#include "log/log_recovery.h"

#include <catch2/catch.hpp>

#include "log/log_frame.h"
#include "support/forgetful_file_system.h"
#include "support/log_records.h"

namespace cairn::log {
namespace {

using testing::bytes_of;
using testing::ForgetfulFileSystem;
using testing::kLogDirectory;
using testing::kStoreId;

constexpr LogOptions kPlain{.file_bytes = 1 << 20, .allocate_bytes = 4096, .compression_level = 0};
const std::string kFirst = kLogDirectory + "/" + log_file_name(Lsn{1});

// Three synced frames of one record at offsets 64, 120 and 176; not closed.
void write_log(ForgetfulFileSystem& files) {
  auto writer = LogWriter::open(files, kLogDirectory, kStoreId, kPlain, Lsn{0}, nullptr);
  REQUIRE(writer.ok());
  for (const char* text : {"one", "two", "three"}) {
    REQUIRE((*writer)->append(bytes_of(text), 1).ok());
    REQUIRE((*writer)->sync().ok());
  }
}

struct Recovered {
  Result<RecoveredLog> log;
  RecoveryReport report;
};

Recovered recover(ForgetfulFileSystem& files, Lsn acknowledged = Lsn{0}) {
  RecoveryReport report;
  auto log = recover_log(files, kLogDirectory, kStoreId, acknowledged, report);
  return {std::move(log), report};
}

void flip(ForgetfulFileSystem& files, size_t at) {
  auto bytes = files.read_file(kFirst);
  bytes[at] ^= std::byte{0x10};
  files.write_file(kFirst, std::move(bytes));
}

TEST_CASE("reserved space is no torn tail and stays reserved") {
  ForgetfulFileSystem files;
  write_log(files);
  const auto [log, report] = recover(files, Lsn{3});
  REQUIRE(log.ok());
  CHECK(report.torn_bytes == 0);
  CHECK(report.last_lsn == Lsn{3});
  CHECK_FALSE(report.clean_close);
  CHECK(log->end == 232);
  CHECK(log->size == files.read_file(kFirst).size());
  CHECK(log->size > log->end);
}

TEST_CASE("a torn last frame is cut off and reported") {
  ForgetfulFileSystem files;
  write_log(files);
  flip(files, 176 + kFrameHeaderBytes);
  const auto [log, report] = recover(files);
  REQUIRE(log.ok());
  CHECK(report.last_lsn == Lsn{2});
  CHECK(report.torn_bytes == kFrameHeaderBytes + 5);
  CHECK(report.torn_at == FramePosition{Lsn{1}, 176});
  CHECK(report.torn_file == kFirst);
  CHECK(files.read_file(kFirst).size() == 176);
  CHECK(recover(files).report.torn_bytes == 0);
}

TEST_CASE("an acknowledged record is never cut off") {
  ForgetfulFileSystem files;
  write_log(files);
  struct Case {
    size_t flip_at;
    Lsn acknowledged;
    const char* words;
  };
  const Case c = GENERATE(Case{176, Lsn{3}, "offset 176: record 3 cannot be read"},
                          Case{120, Lsn{3}, "offset 120: record 2 cannot be read"},
                          Case{120, Lsn{2}, "offset 120: record 2 cannot be read"},
                          // Frame 3 was written when record 1 and 2 were known to be durable.
                          Case{120, Lsn{0}, "offset 120: record 2 cannot be read"},
                          Case{64, Lsn{0}, "offset 64: record 1 cannot be read"});
  flip(files, c.flip_at);
  const auto before = files.read_file(kFirst);
  const auto [log, report] = recover(files, c.acknowledged);
  REQUIRE_FALSE(log.ok());
  CAPTURE(log.error().message);
  CHECK(log.error().code == ErrorCode::Corruption);
  CHECK(log.error().message.find(kFirst) != std::string::npos);
  CHECK(log.error().message.find(c.words) != std::string::npos);
  CHECK(log.error().message.find("Restore") != std::string::npos);
  CHECK(files.read_file(kFirst) == before);
}

TEST_CASE("a log that ends before what was acknowledged is damaged") {
  ForgetfulFileSystem files;
  write_log(files);
  const auto [log, report] = recover(files, Lsn{7});
  REQUIRE_FALSE(log.ok());
  CHECK(log.error().message.find("records 4 to 7") != std::string::npos);
}

TEST_CASE("what the index vouches for is not read again, what follows is") {
  ForgetfulFileSystem files;
  write_log(files);
  const auto recover_from = [&](uint64_t offset, Lsn acknowledged) {
    RecoveryReport report;
    return recover_log(files, kLogDirectory, kStoreId, acknowledged, report, {Lsn{1}, offset});
  };
  const auto known = recover_from(120, Lsn{2});
  REQUIRE(known.ok());
  CHECK(known->end == 232);
  CHECK(known->last_lsn == Lsn{3});
  // Damage before the place is left to whoever reads there; behind it, it is found.
  flip(files, 64 + 50);
  CHECK(recover_from(120, Lsn{2}).ok());
  CHECK_FALSE(recover_from(64, Lsn{2}).ok());
  // A place that shows no frame, or one too far on, is not believed.
  CHECK_FALSE(recover_from(128, Lsn{2}).ok());
  CHECK_FALSE(recover_from(176, Lsn{1}).ok());
  flip(files, 64 + 50);
  CHECK(recover_from(128, Lsn{2}).ok());
  flip(files, 120 + 50);
  CHECK_FALSE(recover_from(120, Lsn{2}).ok());
}

}  // namespace
}  // namespace cairn::log
