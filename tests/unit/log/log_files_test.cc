#include "log/log_files.h"

#include <catch2/catch.hpp>

#include "log/log_frame.h"
#include "support/forgetful_file_system.h"
#include "support/log_records.h"

namespace cairn::log {
namespace {

using testing::ForgetfulFileSystem;
using testing::kLogDirectory;
using testing::kStoreId;

std::string path_of(uint64_t first_lsn) {
  return kLogDirectory + "/" + log_file_name(Lsn{first_lsn});
}

void put_file(ForgetfulFileSystem& files, uint64_t first_lsn, const FileHeader& header) {
  const auto bytes = encode_file_header(header);
  files.write_file(path_of(first_lsn), {bytes.begin(), bytes.end()});
}

TEST_CASE("log files are found in order, other names are passed over") {
  ForgetfulFileSystem files;
  for (const uint64_t lsn : {100, 1, 20}) {
    put_file(files, lsn, {kLogFormatVersion, kStoreId, Lsn{lsn}});
  }
  files.write_file(kLogDirectory + "/README", {});
  files.write_file(path_of(7) + ".new", {});
  const auto found = find_log_files(files, kLogDirectory, kStoreId);
  REQUIRE(found.ok());
  REQUIRE(found->files.size() == 3);
  CHECK(found->files[0].first_lsn == Lsn{1});
  CHECK(found->files[2].path == path_of(100));
  CHECK(found->files[2].bytes == kFileHeaderBytes);
  CHECK(found->proven_after(0) == Lsn{19});
  CHECK(found->proven_after(1) == Lsn{99});
  CHECK(found->proven_after(2) == Lsn{0});
}

TEST_CASE("a header that is not ours is named with its file") {
  struct Case {
    FileHeader header;
    ErrorCode code;
    const char* words;
  };
  for (const Case& c :
       {Case{{1, kStoreId, Lsn{1}}, ErrorCode::Unsupported, "version 1"},
        Case{{kLogFormatVersion + 1, kStoreId, Lsn{1}}, ErrorCode::Unsupported, "version 3"},
        Case{{kLogFormatVersion, Uuid{}, Lsn{1}}, ErrorCode::InvalidArgument, "wrong directory"},
        Case{{kLogFormatVersion, kStoreId, Lsn{2}}, ErrorCode::Corruption, "renamed"}}) {
    ForgetfulFileSystem files;
    put_file(files, 1, c.header);
    const auto found = find_log_files(files, kLogDirectory, kStoreId);
    REQUIRE_FALSE(found.ok());
    CHECK(found.error().code == c.code);
    CHECK(found.error().message.find(path_of(1)) != std::string::npos);
    CHECK(found.error().message.find(c.words) != std::string::npos);
  }
}

TEST_CASE("a log that does not begin with LSN 1 lacks its first file") {
  ForgetfulFileSystem files;
  put_file(files, 5, {kLogFormatVersion, kStoreId, Lsn{5}});
  const auto found = find_log_files(files, kLogDirectory, kStoreId);
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().code == ErrorCode::Corruption);
  CHECK(found.error().message.find(path_of(1)) != std::string::npos);
}

TEST_CASE("a made file has its header and name for good") {
  ForgetfulFileSystem files;
  REQUIRE(files.make_directory(kLogDirectory).ok());
  files.write_file(path_of(9) + ".new", testing::bytes_of("left by a crash"));
  REQUIRE(create_log_file(files, kLogDirectory, kStoreId, Lsn{9}).ok());
  files.crash();
  CHECK(files.list(kLogDirectory).value() == std::vector<std::string>{log_file_name(Lsn{9})});
  LogFile file{path_of(9), Lsn{9}};
  CHECK(check_header(files, file, kStoreId).ok());
}

}  // namespace
}  // namespace cairn::log
