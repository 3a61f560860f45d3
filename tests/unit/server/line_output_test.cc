#include "server/line_output.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <vector>

#include "support/must.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::server;
using cairn::testing::must;
using cairn::testing::TempDir;

namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines(const std::string& one) { return {one}; }

}  // namespace

TEST_CASE("lines are appended to a file, which may be renamed away") {
  const TempDir dir;
  LineOutput out(dir / "alerts", 100);
  must(out.write(std::vector<std::string>{"a", "b"}));
  must(out.write(lines("c")));
  CHECK(text_of(dir / "alerts") == "a\nb\nc\n");
  std::filesystem::rename(dir / "alerts", dir / "old");
  must(out.write(lines("d")));
  CHECK(text_of(dir / "alerts") == "d\n");
  CHECK(text_of(dir / "old") == "a\nb\nc\n");
}

TEST_CASE("a line that was cut is ended first") {
  const TempDir dir;
  std::ofstream(dir / "alerts") << "whole\ncu";
  must(LineOutput(dir / "alerts", 100).write(lines("next")));
  CHECK(text_of(dir / "alerts") == "whole\ncu\nnext\n");
}

TEST_CASE("a file that cannot be is an error with its name") {
  const TempDir dir;
  const auto written = LineOutput(dir / "no/where", 100).write(lines("a"));
  REQUIRE_FALSE(written.ok());
  CHECK(written.error().code == ErrorCode::Io);
  CHECK(written.error().message.find(dir / "no/where") != std::string::npos);
}

TEST_CASE("a pipe that nobody reads is an error, and no wait without end") {
  const TempDir dir;
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  // Holds it open, so that what was written stays.
  std::fstream reader(dir / "pipe");
  LineOutput out(dir / "pipe", 20);
  const auto written = out.write(lines(std::string(1u << 20, 'x')));
  REQUIRE_FALSE(written.ok());
  CHECK(written.error().code == ErrorCode::Exhausted);
  // What was cut off is ended before the next line.
  std::string text(65536, '\0');
  reader.read(text.data(), 65536);
  CHECK(text == std::string(65536, 'x'));
  must(out.write(lines("next")));
  std::string next;
  std::getline(reader, next);
  CHECK(next.empty());
  std::getline(reader, next);
  CHECK(next == "next");
}
