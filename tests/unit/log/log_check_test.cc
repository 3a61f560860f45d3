// check_log; its damage cases are in tests/crash/log_damage_test.cc.
#include <catch2/catch.hpp>

#include "log/log_frame.h"
#include "log/log_reader.h"
#include "log/log_writer.h"
#include "support/forgetful_file_system.h"
#include "support/log_records.h"

namespace cairn::log {
namespace {

using testing::bytes_of;
using testing::ForgetfulFileSystem;
using testing::kLogDirectory;
using testing::kStoreId;

constexpr LogOptions kSmall{.file_bytes = 300, .allocate_bytes = 64, .compression_level = 0};

// Ten frames of two records; returns the bytes of the files.
uint64_t write_log(ForgetfulFileSystem& files) {
  auto writer = LogWriter::open(files, kLogDirectory, kStoreId, kSmall, Lsn{0}, nullptr);
  REQUIRE(writer.ok());
  for (int i = 0; i < 10; ++i) REQUIRE((*writer)->append(bytes_of("twelve bytes"), 2).ok());
  REQUIRE((*writer)->close().ok());
  return (*writer)->bytes_on_disk();
}

TEST_CASE("a sound log is counted and has no problems") {
  ForgetfulFileSystem files;
  const uint64_t bytes = write_log(files);
  const auto check = check_log(files, kLogDirectory, kStoreId);
  REQUIRE(check.ok());
  CHECK(check->problems.empty());
  CHECK(check->frames == 10);
  CHECK(check->records == 20);
  CHECK(check->files == files.list(kLogDirectory)->size());
  CHECK(check->bytes == bytes);
  CHECK(check->torn_bytes == 0);
}

TEST_CASE("the check goes on behind damage and lists every place") {
  ForgetfulFileSystem files;
  write_log(files);
  const auto names = *files.list(kLogDirectory);
  REQUIRE(names.size() >= 3);
  for (const size_t i : {0, 2}) {
    const std::string path = kLogDirectory + "/" + names[i];
    auto bytes = files.read_file(path);
    bytes[kFileHeaderBytes + kFrameHeaderBytes] ^= std::byte{1};
    files.write_file(path, std::move(bytes));
  }
  const auto check = check_log(files, kLogDirectory, kStoreId);
  REQUIRE(check.ok());
  REQUIRE(check->problems.size() == 2);
  CHECK(check->problems[0].find(names[0] + ", offset 64") != std::string::npos);
  CHECK(check->problems[0].find("records 1 to 2") != std::string::npos);
  CHECK(check->problems[1].find(names[2] + ", offset 64") != std::string::npos);
  CHECK(check->frames == 8);
}

TEST_CASE("no log and another store's log are errors, not problems") {
  ForgetfulFileSystem files;
  CHECK(check_log(files, kLogDirectory, kStoreId).error().code == ErrorCode::NotFound);
  write_log(files);
  CHECK(check_log(files, kLogDirectory, Uuid{}).error().code == ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace cairn::log
