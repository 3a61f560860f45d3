// Lines: ends, limits, numbers, and what becomes of a fault in the middle.
#include "verbs/line_source.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "model/occurrence.h"

using namespace cairn;
using verbs::ByteSource;
using verbs::FileLines;

namespace {

// Gives a text out in pieces, then ends or fails.
class PiecewiseBytes final : public ByteSource {
 public:
  PiecewiseBytes(std::string text, size_t piece, std::optional<Error> fault = {})
      : text_(std::move(text)), piece_(piece), fault_(std::move(fault)) {}
  Result<size_t> read(std::span<char> out) override {
    const size_t count = std::min({piece_, out.size(), text_.size() - at_});
    if (count == 0 && fault_) return *fault_;
    std::memcpy(out.data(), text_.data() + at_, count);
    at_ += count;
    return count;
  }
  uint64_t consumed() const override { return at_; }

 private:
  std::string text_;
  size_t piece_;
  std::optional<Error> fault_;
  size_t at_ = 0;
};

FileLines lines_of(std::string text, size_t piece = 7, std::optional<Error> fault = {}) {
  return FileLines(std::make_unique<PiecewiseBytes>(std::move(text), piece, std::move(fault)));
}

std::vector<std::string> all(FileLines lines) {
  std::vector<std::string> out;
  for (;;) {
    auto line = lines.next();
    REQUIRE(line);
    if (!line->has_value()) return out;
    CHECK((*line)->number == out.size() + 1);
    out.emplace_back((*line)->text);
  }
}

// Generated, so that a line of 200 MB needs no memory here either.
class LongLine final : public ByteSource {
 public:
  explicit LongLine(uint64_t size) : left_(size) {}
  Result<size_t> read(std::span<char> out) override {
    const size_t count = std::min<uint64_t>(out.size(), left_);
    std::fill_n(out.begin(), count, 'x');
    left_ -= count;
    if (left_ == 0 && count > 0) out[count - 1] = '\n';
    if (count == 0 && !ended_) {
      ended_ = true;
      std::memcpy(out.data(), "next", 4);
      return size_t{4};
    }
    return count;
  }
  uint64_t consumed() const override { return 0; }

 private:
  uint64_t left_;
  bool ended_ = false;
};

}  // namespace

TEST_CASE("lines end with LF or CRLF and the last may lack it") {
  using Lines = std::vector<std::string>;
  CHECK(all(lines_of("")) == Lines{});
  CHECK(all(lines_of("\n")) == Lines{""});
  CHECK(all(lines_of("a\nb\n")) == Lines{"a", "b"});
  CHECK(all(lines_of("a\nb")) == Lines{"a", "b"});
  CHECK(all(lines_of("a\r\n\r\nb\rc\r\n")) == Lines{"a", "", "b\rc"});
  CHECK(all(lines_of("\xef\xbb\xbf{}\n\xef\xbb\xbf\n")) == Lines{"{}", "\xef\xbb\xbf"});
  CHECK(all(lines_of(std::string("a\0b\n", 4))) == Lines{std::string("a\0b", 3)});
}

TEST_CASE("pieces of any size give the same lines") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::vector<std::string> expected;
  std::string text;
  for (int i = 0; i < 300; ++i) {
    std::string line(random() % 50, static_cast<char>('a' + i % 26));
    if (random() % 40 == 0) line.assign(300'000, 'z');  // spans buffers
    expected.push_back(line);
    text += line + (random() % 3 == 0 ? "\r\n" : "\n");
  }
  for (const size_t piece : {size_t{1}, size_t{13}, size_t{4096}, text.size()}) {
    CHECK(all(lines_of(text, piece)) == expected);
  }
}

TEST_CASE("a line at the limit passes, one byte more is reported and skipped") {
  const std::string most(model::kMaxLineBytes, 'x');
  auto lines = lines_of(most + "\r\n" + most + "y\nnext\n", 100'000);
  auto first = lines.next();
  REQUIRE(first);
  CHECK(!(*first)->too_long);
  CHECK((*first)->text.size() == model::kMaxLineBytes);
  auto second = lines.next();
  REQUIRE(second);
  CHECK((*second)->too_long);
  CHECK((*second)->bytes == model::kMaxLineBytes + 1);
  CHECK((*second)->text == std::string(1024, 'x'));
  auto third = lines.next();
  REQUIRE(third);
  CHECK((*third)->text == "next");
  CHECK((*third)->number == 3);
}

TEST_CASE("a line of 200 MB is counted and not kept") {
  FileLines lines(std::make_unique<LongLine>(200u << 20));
  auto line = lines.next();
  REQUIRE(line);
  CHECK((*line)->too_long);
  CHECK((*line)->bytes == (200u << 20) - 1);
  CHECK((*line)->text.size() == 1024);
  auto after = lines.next();
  REQUIRE(after);
  CHECK((*after)->text == "next");
}

TEST_CASE("a fault ends the lines; the one it cut is not given out") {
  auto lines = lines_of("whole\npart", 3, make_error(ErrorCode::Corruption, "cut"));
  auto first = lines.next();
  REQUIRE(first);
  CHECK((*first)->text == "whole");
  auto second = lines.next();
  REQUIRE(!second);
  CHECK(second.error().code == ErrorCode::Corruption);
}
