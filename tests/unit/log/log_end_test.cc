#include "log/log_end.h"

#include <catch2/catch.hpp>

#include "log/log_writer.h"
#include "support/forgetful_file_system.h"
#include "support/log_records.h"

namespace cairn::log {
namespace {

using testing::bytes_of;
using testing::ForgetfulFileSystem;
using testing::kLogDirectory;
using testing::kStoreId;

// Files with a few frames of one record each.
LogFiles write_log(ForgetfulFileSystem& files) {
  constexpr LogOptions kSmall{.file_bytes = 512, .allocate_bytes = 0, .compression_level = 0};
  auto writer = LogWriter::open(files, kLogDirectory, kStoreId, kSmall, Lsn{0}, nullptr);
  REQUIRE(writer.ok());
  for (int i = 0; i < 10; ++i) {
    REQUIRE((*writer)->append(bytes_of(std::string(50, 'r')), 1).ok());
  }
  REQUIRE((*writer)->close().ok());
  auto found = find_log_files(files, kLogDirectory, kStoreId);
  REQUIRE(found.ok());
  REQUIRE(found->files.size() > 1);
  return std::move(found).value();
}

Result<LogEnd> end_of(ForgetfulFileSystem& files, const LogFiles& log, size_t index) {
  CAIRN_TRY_ASSIGN(const auto file, files.open(log.files[index].path, OpenMode::Read));
  LogScanner scanner(*file, file_seed(kStoreId, log.files[index].first_lsn));
  CAIRN_TRY(scanner.refresh());
  return find_end(scanner, log, index, log.proven_after(index));
}

TEST_CASE("the end of each file is where its last frame ends") {
  ForgetfulFileSystem files;
  const LogFiles log = write_log(files);
  for (size_t i = 0; i < log.files.size(); ++i) {
    const auto end = end_of(files, log, i);
    REQUIRE(end.ok());
    const bool newest = i + 1 == log.files.size();
    CHECK(end->last_lsn == (newest ? Lsn{10} : log.proven_after(i)));
    CHECK(end->offset == log.files[i].bytes);
    CHECK(end->at_mark == newest);
  }
}

TEST_CASE("a torn tail is no part of the newest file, a missing record of another is damage") {
  ForgetfulFileSystem files;
  const LogFiles log = write_log(files);
  const size_t newest = log.files.size() - 1;
  auto bytes = files.read_file(log.files[newest].path);
  bytes.insert(bytes.end(), 40, std::byte{7});
  files.write_file(log.files[newest].path, bytes);
  const auto end = end_of(files, log, newest);
  REQUIRE(end.ok());
  CHECK(end->offset == log.files[newest].bytes);

  bytes = files.read_file(log.files[0].path);
  bytes[bytes.size() - 20] ^= std::byte{1};
  files.write_file(log.files[0].path, bytes);
  CHECK(end_of(files, log, 0).error().code == ErrorCode::Corruption);
}

}  // namespace
}  // namespace cairn::log
