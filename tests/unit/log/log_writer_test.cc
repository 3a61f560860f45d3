#include "log/log_writer.h"

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
using testing::read_log;

constexpr LogOptions kSmall{.file_bytes = 1024, .allocate_bytes = 256, .compression_level = 0};

Result<std::unique_ptr<LogWriter>> open_log(FileSystem& files, RecoveryReport* report = nullptr,
                                            LogOptions options = kSmall) {
  return LogWriter::open(files, kLogDirectory, kStoreId, options, Lsn{0}, report);
}

void append_and_sync(LogWriter& writer, std::string_view text, uint32_t count = 1) {
  REQUIRE(writer.append(bytes_of(text), count).ok());
  REQUIRE(writer.sync().ok());
}

TEST_CASE("a new log begins with LSN 1 and goes on after it is opened again") {
  ForgetfulFileSystem files;
  RecoveryReport report;
  {
    auto writer = open_log(files, &report);
    REQUIRE(writer.ok());
    CHECK(report.last_lsn == Lsn{0});
    CHECK((*writer)->last_lsn() == Lsn{0});
    const auto first = (*writer)->append(bytes_of("one two"), 2);
    REQUIRE(first.ok());
    CHECK(*first == FramePosition{Lsn{1}, kFileHeaderBytes});
    CHECK((*writer)->last_lsn() == Lsn{2});
    CHECK((*writer)->durable_lsn() == Lsn{0});
    REQUIRE((*writer)->sync().ok());
    CHECK((*writer)->durable_lsn() == Lsn{2});
  }
  auto writer = open_log(files, &report);
  REQUIRE(writer.ok());
  CHECK(report.last_lsn == Lsn{2});
  CHECK_FALSE(report.clean_close);
  CHECK(report.torn_bytes == 0);
  append_and_sync(**writer, "three");
  REQUIRE((*writer)->close().ok());

  const auto frames = read_log(files);
  REQUIRE(frames.ok());
  REQUIRE(frames->size() == 2);
  CHECK((*frames)[0] == testing::LoggedFrame{Lsn{1}, 2, bytes_of("one two")});
  CHECK((*frames)[1] == testing::LoggedFrame{Lsn{3}, 1, bytes_of("three")});
}

TEST_CASE("close leaves a mark and no reserve, and is repeated without growth") {
  ForgetfulFileSystem files;
  const std::string path = kLogDirectory + "/" + log_file_name(Lsn{1});
  RecoveryReport report;
  {
    auto writer = open_log(files);
    append_and_sync(**writer, "x");
    CHECK(files.read_file(path).size() >= 256);
    REQUIRE((*writer)->close().ok());
    const auto refused = (*writer)->append(bytes_of("y"), 1);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::Closed);
    CHECK((*writer)->close().error().code == ErrorCode::Closed);
    CHECK((*writer)->bytes_on_disk() == files.read_file(path).size());
  }
  const auto closed_bytes = files.read_file(path);
  CHECK(closed_bytes.size() == kFileHeaderBytes + 56 + kFrameHeaderBytes);
  {
    auto writer = open_log(files, &report);
    CHECK(report.clean_close);
    REQUIRE((*writer)->close().ok());
    CHECK(files.read_file(path) == closed_bytes);
  }
  auto writer = open_log(files);
  append_and_sync(**writer, "y");
  REQUIRE((*writer)->close().ok());
  const auto frames = read_log(files);
  REQUIRE(frames.ok());
  CHECK(frames->size() == 2);
}

TEST_CASE("a new file begins before the limit is passed; a larger frame has a file of its own") {
  ForgetfulFileSystem files;
  auto writer = open_log(files);
  REQUIRE(writer.ok());
  const std::string kilobyte(700, 'k');
  append_and_sync(**writer, kilobyte);
  REQUIRE((*writer)->append(bytes_of(kilobyte), 5).ok());
  // The rotation made the first file durable.
  CHECK((*writer)->durable_lsn() == Lsn{1});
  append_and_sync(**writer, std::string(5000, 'm'));
  append_and_sync(**writer, "small");
  const auto names = files.list(kLogDirectory);
  REQUIRE(names.ok());
  CHECK(*names == std::vector<std::string>{log_file_name(Lsn{1}), log_file_name(Lsn{2}),
                                           log_file_name(Lsn{7}), log_file_name(Lsn{8})});
  uint64_t finished = 0;
  for (const auto& name : *names) finished += files.read_file(kLogDirectory + "/" + name).size();
  CHECK((*writer)->bytes_on_disk() < finished);  // the last file's reserve does not count
  REQUIRE((*writer)->close().ok());
  CHECK(read_log(files)->size() == 4);
}

TEST_CASE("bad payloads are refused without poisoning the writer") {
  ForgetfulFileSystem files;
  auto writer = open_log(files);
  REQUIRE(writer.ok());
  CHECK((*writer)->append({}, 1).error().code == ErrorCode::InvalidArgument);
  CHECK((*writer)->append(bytes_of("x"), 0).error().code == ErrorCode::InvalidArgument);
  const std::vector<std::byte> huge(kMaxFramePayloadBytes + 1);
  CHECK((*writer)->append(huge, 1).error().code == ErrorCode::InvalidArgument);
  append_and_sync(**writer, "x");
}

TEST_CASE("after a failed write or sync the writer repeats the first error") {
  ForgetfulFileSystem files;
  auto writer = open_log(files);
  REQUIRE(writer.ok());
  append_and_sync(**writer, "kept");
  const bool fail_sync = GENERATE(true, false);
  if (fail_sync) REQUIRE((*writer)->append(bytes_of("lost"), 1).ok());
  files.fail_call(files.calls() + 1, ErrorCode::Io);
  const Error first =
      fail_sync ? (*writer)->sync().error() : (*writer)->append(bytes_of("lost"), 1).error();
  CHECK(first.code == ErrorCode::Io);
  for (const auto& later : {(*writer)->sync(), (*writer)->close()}) {
    REQUIRE_FALSE(later.ok());
    CHECK(later.error().code == ErrorCode::Closed);
    CHECK(later.error().message.find(first.message) != std::string::npos);
  }
  CHECK((*writer)->append(bytes_of("x"), 1).error().code == ErrorCode::Closed);
  CHECK((*writer)->durable_lsn() == Lsn{1});

  files.crash();
  RecoveryReport report;
  auto reopened = open_log(files, &report);
  REQUIRE(reopened.ok());
  CHECK(report.last_lsn == Lsn{1});
  append_and_sync(**reopened, "goes on");
}

TEST_CASE("a disk too full for the reserve still takes frames, then says so") {
  ForgetfulFileSystem files;
  files.limit_bytes(500);
  const LogOptions options{.file_bytes = 1 << 20, .allocate_bytes = 400, .compression_level = 0};
  auto writer = open_log(files, nullptr, options);
  REQUIRE(writer.ok());
  const std::string text(100, 't');
  append_and_sync(**writer, text);
  append_and_sync(**writer, text);
  const auto full = (*writer)->append(bytes_of(text), 1);
  REQUIRE_FALSE(full.ok());
  CHECK(full.error().code == ErrorCode::Exhausted);
  CHECK((*writer)->append(bytes_of(text), 1).error().code == ErrorCode::Closed);
  files.limit_bytes(std::nullopt);
  auto reopened = open_log(files, nullptr, options);
  REQUIRE(reopened.ok());
  CHECK((*reopened)->last_lsn() == Lsn{2});
  append_and_sync(**reopened, text);
}

TEST_CASE("frames of a writer that died without a sync are durable after the next open") {
  ForgetfulFileSystem files;
  {
    auto writer = open_log(files);
    REQUIRE((*writer)->append(bytes_of("unsynced"), 1).ok());
  }
  {
    auto writer = open_log(files);
    REQUIRE(writer.ok());
    CHECK((*writer)->durable_lsn() == Lsn{1});
  }
  files.crash();
  CHECK(read_log(files)->size() == 1);
}

}  // namespace
}  // namespace cairn::log
