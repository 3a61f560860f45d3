#include "log/log_scan.h"

#include <catch2/catch.hpp>

#include "support/forgetful_file_system.h"
#include "support/log_records.h"

namespace cairn::log {
namespace {

using testing::bytes_of;
using testing::ForgetfulFileSystem;

constexpr uint64_t kSeed = 99;

// A file of frames; zeros where nothing was put.
class FrameFile {
 public:
  void put(uint64_t offset, Lsn first_lsn, uint32_t count, Lsn durable_lsn,
           std::string_view text = "text") {
    REQUIRE(encoder_.set_payload(bytes_of(text)).ok());
    FrameHeader header;
    header.count = count;
    header.first_lsn = first_lsn;
    header.durable_lsn = durable_lsn;
    const auto frame = encoder_.seal(header, {kSeed, offset});
    if (bytes_.size() < offset + frame.size()) bytes_.resize(offset + frame.size());
    std::copy(frame.begin(), frame.end(), bytes_.begin() + static_cast<ptrdiff_t>(offset));
  }

  std::vector<std::byte>& bytes() { return bytes_; }

  LogScanner& scan() {
    files_.write_file("d/f", bytes_);
    file_ = *files_.open("d/f", OpenMode::Read);
    scanner_.emplace(*file_, kSeed);
    REQUIRE(scanner_->refresh().ok());
    return *scanner_;
  }

 private:
  FrameEncoder encoder_{0};
  std::vector<std::byte> bytes_;
  ForgetfulFileSystem files_;
  std::unique_ptr<File> file_;
  std::optional<LogScanner> scanner_;
};

constexpr uint64_t kFrame = 56;  // a frame with the payload "text"

TEST_CASE("frames are found behind rubbish and far behind zeros") {
  FrameFile file;
  file.put(64, Lsn{1}, 1, Lsn{0});
  file.put(3'000'000, Lsn{2}, 1, Lsn{0});
  file.bytes()[1000] = std::byte{7};
  LogScanner& scanner = file.scan();
  CHECK(scanner.frame_at(64)->has_value());
  CHECK_FALSE(scanner.frame_at(72)->has_value());
  CHECK_FALSE(scanner.frame_at(1 << 30)->has_value());
  const auto found = *scanner.find_frame(72);
  REQUIRE(found);
  CHECK(found->offset == 3'000'000);
  CHECK(found->end() == scanner.size());
  CHECK_FALSE(scanner.find_frame(found->end())->has_value());
}

TEST_CASE("a frame that reaches past the end of the file is none") {
  FrameFile file;
  file.put(0, Lsn{1}, 1, Lsn{0}, std::string(100, 'x'));
  file.bytes().resize(kFrameHeaderBytes + 99);
  CHECK_FALSE(file.scan().header_at(0)->has_value());
  file.bytes().resize(kFrameHeaderBytes + 100);
  CHECK(file.scan().header_at(0)->has_value());
}

TEST_CASE("zeros are told from the rest") {
  FrameFile file;
  file.bytes().resize(1 << 20);
  CHECK(*file.scan().length_without_zeros(5) == 0);
  CHECK(*file.scan().first_nonzero(5, 2 << 20) == 1 << 20);
  file.bytes()[700'001] = std::byte{1};
  CHECK(*file.scan().length_without_zeros(5) == 700'002 - 5);
  CHECK(*file.scan().length_without_zeros(2 << 20) == 0);
  CHECK(*file.scan().first_nonzero(5, 2 << 20) == 700'001);
  CHECK(*file.scan().first_nonzero(5, 700'001) == 700'001);
  CHECK(*file.scan().first_nonzero(700'002, 1 << 20) == 1 << 20);
}

TEST_CASE("a gap is the end unless something proves that its record was acknowledged") {
  FrameFile file;
  file.put(64, Lsn{1}, 1, Lsn{0});
  file.put(64 + 2 * kFrame, Lsn{3}, 1, Lsn{1});
  const uint64_t gap_at = 64 + kFrame;
  Gap gap = *judge_gap(file.scan(), gap_at, Lsn{2}, Lsn{0});
  CHECK(gap.kind == Gap::Kind::End);

  gap = *judge_gap(file.scan(), gap_at, Lsn{2}, Lsn{2});
  CHECK(gap.kind == Gap::Kind::Damage);
  REQUIRE(gap.next);
  CHECK(gap.next->header.first_lsn == Lsn{3});

  SECTION("a later frame was written when the record was durable") {
    file.put(64 + 3 * kFrame, Lsn{4}, 1, Lsn{2});
    gap = *judge_gap(file.scan(), gap_at, Lsn{2}, Lsn{0});
    CHECK(gap.kind == Gap::Kind::Damage);
    CHECK(gap.next->offset == 64 + 2 * kFrame);
  }
  SECTION("a later frame begins with the record that is due") {
    file.put(64 + 2 * kFrame, Lsn{2}, 1, Lsn{1});
    gap = *judge_gap(file.scan(), gap_at, Lsn{2}, Lsn{0});
    CHECK(gap.kind == Gap::Kind::Skip);
    CHECK(gap.next->offset == 64 + 2 * kFrame);
  }
  SECTION("a frame with another LSN stands in the place") {
    file.put(gap_at, Lsn{9}, 1, Lsn{1});
    gap = *judge_gap(file.scan(), gap_at, Lsn{2}, Lsn{0});
    CHECK(gap.kind == Gap::Kind::Damage);
  }
}

}  // namespace
}  // namespace cairn::log
