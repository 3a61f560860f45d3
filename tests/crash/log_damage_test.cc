// Every byte of a small log is flipped, every file cut at every length and removed. Whatever was
// acknowledged is either read back as it was written or its loss is reported with file and
// offset; a wrong payload is never handed out, and a refused log is left as it was found.
#include <catch2/catch.hpp>
#include <map>
#include <utility>

#include "log/log_frame.h"
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
using Bytes = std::vector<std::byte>;

constexpr LogOptions kOptions{.file_bytes = 700, .allocate_bytes = 128, .compression_level = 1};

// A log as it lies on disk, and what was written into it.
struct StoredLog {
  std::map<std::string, Bytes> files;  // path -> bytes
  std::vector<LoggedFrame> frames;
  Lsn last_lsn{};
  bool closed = false;

  bool is_last(const std::string& path) const { return path == files.rbegin()->first; }
};

// Three files; with `close`, marks in the middle of files and at the end.
StoredLog make_log(bool close) {
  ForgetfulFileSystem disk;
  StoredLog log;
  std::mt19937_64 random(11);
  for (int session = 0; session < 4; ++session) {
    auto writer = LogWriter::open(disk, kLogDirectory, kStoreId, kOptions, Lsn{0}, nullptr);
    REQUIRE(writer.ok());
    for (uint32_t i = 0; i < 3; ++i) {
      LoggedFrame frame{next((*writer)->last_lsn()), 1 + i, testing::random_payload(random, 250)};
      REQUIRE((*writer)->append(frame.payload, frame.count).ok());
      log.frames.push_back(std::move(frame));
      REQUIRE((*writer)->sync().ok());
    }
    log.last_lsn = (*writer)->last_lsn();
    if (close) REQUIRE((*writer)->close().ok());
  }
  const auto names = disk.list(kLogDirectory);
  REQUIRE(names.ok());
  REQUIRE(names->size() >= 3);
  for (const auto& name : *names) {
    const std::string path = kLogDirectory + "/" + name;
    log.files[path] = disk.read_file(path);
  }
  log.closed = close;
  return log;
}

void put_on(ForgetfulFileSystem& disk, const StoredLog& log) {
  for (const auto& [path, bytes] : log.files) disk.write_file(path, bytes);
}

bool names_place(const std::string& message, const std::string& path) {
  return message.find(path) != std::string::npos && message.find("offset") != std::string::npos;
}

struct Observed {
  std::vector<LoggedFrame> frames;  // read back
  bool read_error = false;
  bool reported = false;  // check_log found a problem or a torn tail
};

// Reads and checks `damaged`; what is read must be a prefix of what was written, and every
// message must name the place.
Observed observe(const StoredLog& original, const StoredLog& damaged, const std::string& path) {
  ForgetfulFileSystem disk;
  put_on(disk, damaged);
  Observed observed;
  const auto reader = LogReader::open(disk, kLogDirectory, kStoreId);
  observed.read_error = !reader.ok();
  while (reader.ok()) {
    auto frame = (*reader)->next();
    observed.read_error = !frame.ok();
    if (!frame.ok()) CHECK(names_place(frame.error().message, path));
    if (!frame.ok() || !frame->has_value()) break;
    const size_t index = observed.frames.size();
    REQUIRE(index < original.frames.size());
    observed.frames.push_back({(*frame)->first_lsn, (*frame)->count, (*frame)->payload});
    REQUIRE(observed.frames[index] == original.frames[index]);
  }
  const auto check = check_log(disk, kLogDirectory, kStoreId);
  if (check.ok()) {
    for (const auto& problem : check->problems) CHECK(names_place(problem, path));
    if (check->torn_bytes > 0) CHECK(check->torn_file == path);
    observed.reported = !check->problems.empty() || check->torn_bytes > 0;
  } else {
    CHECK(names_place(check.error().message, path));
    observed.reported = true;
  }
  return observed;
}

struct Opened {
  bool ok = false;
  RecoveryReport report;
};

Opened open_for_writing(const StoredLog& log, Lsn acknowledged, const std::string& path) {
  ForgetfulFileSystem disk;
  put_on(disk, log);
  Opened opened;
  const auto writer =
      LogWriter::open(disk, kLogDirectory, kStoreId, kOptions, acknowledged, &opened.report);
  opened.ok = writer.ok();
  if (!writer.ok()) {
    CHECK(writer.error().code == ErrorCode::Corruption);
    CHECK(names_place(writer.error().message, path));
    for (const auto& [each, bytes] : log.files) REQUIRE(disk.read_file(each) == bytes);
  } else if (opened.report.torn_bytes > 0) {
    CHECK(opened.report.torn_file == path);
    CHECK(names_place(opened.report.torn_file + " offset", path));
  }
  return opened;
}

TEST_CASE("every flipped byte is reported, and costs no acknowledged record in silence") {
  const StoredLog original = make_log(GENERATE(true, false));
  for (const auto& [path, bytes] : original.files) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (const int pattern : {0x01, 0x80, 0xFF}) {
        CAPTURE(original.closed, path, i, pattern);
        StoredLog damaged = original;
        damaged.files[path][i] ^= static_cast<std::byte>(pattern);
        const Observed observed = observe(original, damaged, path);
        REQUIRE(observed.reported);

        const Opened told = open_for_writing(damaged, original.last_lsn, path);
        if (told.ok) REQUIRE(told.report.last_lsn == original.last_lsn);
        const Opened untold = open_for_writing(damaged, Lsn{0}, path);
        if (untold.ok && untold.report.last_lsn < original.last_lsn) {
          // Only the last frame of a log that was not closed can pass for a torn one.
          REQUIRE_FALSE(original.closed);
          REQUIRE(original.is_last(path));
          REQUIRE(untold.report.torn_bytes > 0);
          REQUIRE(observed.frames.size() + 1 == original.frames.size());
        }
      }
    }
  }
}

TEST_CASE("every cut-off file is reported, unless nothing but padding is gone") {
  const StoredLog original = make_log(GENERATE(true, false));
  for (const auto& [path, bytes] : original.files) {
    for (size_t length = 0; length < bytes.size(); ++length) {
      CAPTURE(original.closed, path, length);
      StoredLog damaged = original;
      damaged.files[path].resize(length);
      const Observed observed = observe(original, damaged, path);
      const bool all_there = observed.frames == original.frames;
      const Opened told = open_for_writing(damaged, original.last_lsn, path);
      const Opened untold = open_for_writing(damaged, Lsn{0}, path);
      if (told.ok) REQUIRE(told.report.last_lsn == original.last_lsn);
      if (!original.is_last(path)) {
        REQUIRE((all_there || (observed.reported && observed.read_error)));
      } else {
        REQUIRE(told.ok == all_there);
        // A log cut between two frames looks as after a crash: not closed.
        if (untold.ok && original.closed) {
          REQUIRE((!untold.report.clean_close || untold.report.torn_bytes > 0));
        }
        if (!untold.ok) REQUIRE(length < kFileHeaderBytes);
      }
    }
  }
}

TEST_CASE("a missing file is reported") {
  const StoredLog original = make_log(true);
  size_t index = 0;
  for (const auto& [path, bytes] : original.files) {
    CAPTURE(path);
    StoredLog damaged = original;
    damaged.files.erase(path);
    ForgetfulFileSystem disk;
    put_on(disk, damaged);
    const bool last = original.is_last(path);
    if (last) {
      CHECK_FALSE(
          open_for_writing(damaged, original.last_lsn, std::prev(damaged.files.end())->first).ok);
    } else {
      const auto frames = testing::read_log(disk);
      REQUIRE_FALSE(frames.ok());
      CHECK(frames.error().code == ErrorCode::Corruption);
      const auto check = check_log(disk, kLogDirectory, kStoreId);
      REQUIRE(check.ok());
      REQUIRE(check->problems.size() == 1);
      // Both neighbours of the hole are named; at the beginning there is only one.
      for (const auto& message : {frames.error().message, check->problems.front()}) {
        CAPTURE(message);
        CHECK(message.find(std::next(original.files.begin(), index + 1)->first) !=
              std::string::npos);
        if (index > 0) {
          CHECK(message.find(std::next(original.files.begin(), index - 1)->first) !=
                std::string::npos);
        }
      }
    }
    ++index;
  }
}

TEST_CASE("a log of no file is refused when records were acknowledged") {
  ForgetfulFileSystem disk;
  const auto writer = LogWriter::open(disk, kLogDirectory, kStoreId, kOptions, Lsn{3}, nullptr);
  REQUIRE_FALSE(writer.ok());
  CHECK(writer.error().code == ErrorCode::Corruption);
  CHECK(disk.list(kLogDirectory)->empty());
}

TEST_CASE("a file under another file's name is refused") {
  StoredLog log = make_log(true);
  const auto second = std::next(log.files.begin());
  const auto third = std::next(second);
  third->second = second->second;
  const Observed observed = observe(log, log, third->first);
  CHECK(observed.read_error);
  CHECK(observed.reported);
  CHECK_FALSE(open_for_writing(log, Lsn{0}, third->first).ok);
}

}  // namespace
}  // namespace cairn::log
