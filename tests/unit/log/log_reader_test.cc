#include "log/log_reader.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "log/log_frame.h"
#include "log/log_writer.h"
#include "support/forgetful_file_system.h"
#include "support/log_records.h"

namespace cairn::log {
namespace {

using testing::bytes_of;
using testing::ForgetfulFileSystem;
using testing::kLogDirectory;
using testing::kStoreId;

constexpr LogOptions kSmall{.file_bytes = 512, .allocate_bytes = 128, .compression_level = 0};

std::unique_ptr<LogWriter> open_writer(FileSystem& files) {
  auto writer = LogWriter::open(files, kLogDirectory, kStoreId, kSmall, Lsn{0}, nullptr);
  REQUIRE(writer.ok());
  return std::move(*writer);
}

std::unique_ptr<LogReader> open_reader(FileSystem& files) {
  auto reader = LogReader::open(files, kLogDirectory, kStoreId);
  REQUIRE(reader.ok());
  return std::move(*reader);
}

// 30 frames of 1 to 3 records in several files; the payload names the frame's first LSN.
std::vector<FramePosition> fill(LogWriter& writer) {
  std::vector<FramePosition> positions;
  for (uint32_t i = 0; i < 30; ++i) {
    const std::string text = "frame " + std::to_string(raw(writer.last_lsn()) + 1);
    const auto position = writer.append(bytes_of(text), 1 + i % 3);
    REQUIRE(position.ok());
    positions.push_back(*position);
  }
  REQUIRE(writer.sync().ok());
  return positions;
}

Frame next_frame(LogReader& reader) {
  auto frame = reader.next();
  REQUIRE(frame.ok());
  REQUIRE(frame->has_value());
  CHECK((*frame)->payload == bytes_of("frame " + std::to_string(raw((*frame)->first_lsn))));
  return std::move(**frame);
}

void check_at_end(LogReader& reader) {
  const auto frame = reader.next();
  REQUIRE(frame.ok());
  CHECK_FALSE(frame->has_value());
  CHECK(reader.trailing_bytes() == 0);
}

TEST_CASE("frames come back in order, over files and close marks") {
  ForgetfulFileSystem files;
  auto writer = open_writer(files);
  const auto positions = fill(*writer);
  if (GENERATE(true, false)) REQUIRE(writer->close().ok());
  auto reader = open_reader(files);
  CHECK(reader->files().size() > 3);
  CHECK(reader->files().front().name == log_file_name(Lsn{1}));
  Lsn expected{1};
  for (size_t i = 0; i < positions.size(); ++i) {
    const Frame frame = next_frame(*reader);
    CHECK(frame.first_lsn == expected);
    CHECK(frame.count == 1 + i % 3);
    CHECK(frame.position == positions[i]);
    expected = Lsn{raw(expected) + frame.count};
  }
  check_at_end(*reader);
  check_at_end(*reader);
}

TEST_CASE("seek finds frames by position and by LSN, with and without a hint") {
  ForgetfulFileSystem files;
  auto writer = open_writer(files);
  const auto positions = fill(*writer);
  const Lsn last = writer->last_lsn();
  auto reader = open_reader(files);
  for (size_t i = positions.size(); i-- > 0;) {
    REQUIRE(reader->seek(positions[i]).ok());
    CHECK(next_frame(*reader).position == positions[i]);
    if (i + 1 < positions.size()) CHECK(next_frame(*reader).position == positions[i + 1]);
  }
  for (uint64_t lsn = raw(last); lsn >= 1; --lsn) {
    for (const auto& hint :
         {std::optional<FramePosition>(), std::optional(positions[0]), std::optional(positions[15]),
          std::optional(positions[29]), std::optional(FramePosition{Lsn{1}, 72})}) {
      CAPTURE(lsn, hint.has_value());
      REQUIRE(reader->seek(Lsn{lsn}, hint).ok());
      const Frame frame = next_frame(*reader);
      CHECK(raw(frame.first_lsn) <= lsn);
      CHECK(raw(frame.first_lsn) + frame.count > lsn);
    }
  }
  REQUIRE(reader->seek(Lsn{0}).ok());
  CHECK(next_frame(*reader).first_lsn == Lsn{1});
}

TEST_CASE("seeking past the end waits for frames to come") {
  ForgetfulFileSystem files;
  auto writer = open_writer(files);
  fill(*writer);
  const Lsn last = writer->last_lsn();
  auto reader = open_reader(files);
  REQUIRE(reader->seek(Lsn{raw(last) + 3}).ok());
  check_at_end(*reader);
  fill(*writer);
  const Frame frame = next_frame(*reader);
  CHECK(raw(frame.first_lsn) <= raw(last) + 3);
  CHECK(raw(frame.first_lsn) + frame.count > raw(last) + 3);
}

TEST_CASE("a position that is not one says so") {
  ForgetfulFileSystem files;
  auto writer = open_writer(files);
  const auto positions = fill(*writer);
  auto reader = open_reader(files);
  CHECK(reader->seek(FramePosition{Lsn{1}, 0}).error().code == ErrorCode::InvalidArgument);
  CHECK(reader->seek(FramePosition{Lsn{1}, 65}).error().code == ErrorCode::InvalidArgument);
  CHECK(reader->seek(FramePosition{Lsn{2}, 64}).error().code == ErrorCode::NotFound);
  REQUIRE(reader->seek(FramePosition{Lsn{1}, positions[0].offset + 8}).ok());
  const auto frame = reader->next();
  REQUIRE_FALSE(frame.ok());
  CHECK(frame.error().code == ErrorCode::InvalidArgument);
  CHECK(frame.error().message.find("offset 72") != std::string::npos);
  // Past the end of the last file is the end; past the end of another is the next file.
  REQUIRE(reader->seek(FramePosition{positions.back().file_first_lsn, 1 << 20}).ok());
  check_at_end(*reader);
}

TEST_CASE("a missing log, an empty directory and another store's log are told apart") {
  ForgetfulFileSystem files;
  CHECK(LogReader::open(files, kLogDirectory, kStoreId).error().code == ErrorCode::NotFound);
  REQUIRE(files.make_directory(kLogDirectory).ok());
  CHECK(LogReader::open(files, kLogDirectory, kStoreId).error().code == ErrorCode::NotFound);
  open_writer(files);
  CHECK(LogReader::open(files, kLogDirectory, Uuid{}).error().code == ErrorCode::InvalidArgument);
  CHECK(LogWriter::open(files, kLogDirectory, Uuid{}, kSmall, Lsn{0}, nullptr).error().code ==
        ErrorCode::InvalidArgument);
}

TEST_CASE("a reader ends at a torn tail, counts it, and goes on once it was cut off") {
  ForgetfulFileSystem files;
  const std::string path = kLogDirectory + "/" + log_file_name(Lsn{1});
  {
    auto writer = open_writer(files);
    REQUIRE(writer->append(bytes_of("frame 1"), 1).ok());
    REQUIRE(writer->append(bytes_of("frame 2"), 1).ok());
  }
  auto bytes = files.read_file(path);
  bytes[kFileHeaderBytes + 56 + 50] ^= std::byte{1};
  files.write_file(path, bytes);
  auto reader = open_reader(files);
  next_frame(*reader);
  CHECK_FALSE(reader->next()->has_value());
  CHECK(reader->trailing_bytes() == kFrameHeaderBytes + 7);

  auto writer = open_writer(files);
  REQUIRE(writer->append(bytes_of("frame 2"), 4).ok());
  // The reader's file handle stays good: the writer cuts the same file.
  const Frame frame = next_frame(*reader);
  CHECK(frame.first_lsn == Lsn{2});
  CHECK(frame.count == 4);
}

TEST_CASE("a reader beside a live writer sees every frame once and never an error") {
  ForgetfulFileSystem files;
  constexpr uint64_t kFrames = 3000;
  auto writer = open_writer(files);
  std::atomic<bool> write_failed = false;
  std::thread writing([&] {
    for (uint64_t i = 1; i <= kFrames && !write_failed; ++i) {
      const auto text = bytes_of("frame " + std::to_string(i));
      if (!writer->append(text, 1).ok()) write_failed = true;
      if (i % 7 == 0 && !writer->sync().ok()) write_failed = true;
    }
  });
  auto reader = open_reader(files);
  uint64_t seen = 0;
  Error error;
  while (seen < kFrames && !write_failed) {
    auto frame = reader->next();
    if (!frame.ok()) {
      error = frame.error();
      break;
    }
    if (!frame->has_value()) continue;
    ++seen;
    const auto expected = bytes_of("frame " + std::to_string(seen));
    if ((*frame)->first_lsn != Lsn{seen} || (*frame)->payload != expected) break;
  }
  writing.join();
  CHECK_FALSE(write_failed);
  CHECK(error.message.empty());
  CHECK(seen == kFrames);
}

}  // namespace
}  // namespace cairn::log
