#include "server/log.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

using cairn::server::Log;

namespace {

std::string written(const std::string& text) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  Log log(ends[1]);
  log.warn("event", {{"text", text}, {"number", uint64_t{7}}});
  ::close(ends[1]);
  std::string out(10'000, '\0');
  const ssize_t size = ::read(ends[0], out.data(), out.size());
  ::close(ends[0]);
  REQUIRE(size > 0);
  out.resize(static_cast<size_t>(size));
  return out;
}

}  // namespace

TEST_CASE("nobody writes a line of his own into the log") {
  for (const std::string text :
       {"a\nb", "a\r\n{\"level\":\"info\"}", "\x1b[31mred", "\"},{\"event\":\"x", "\xff\xfe",
        "a\xe2\x80\xa8"
        "b"}) {
    const std::string line = written(text);
    CHECK(line.find('\n') == line.size() - 1);
    CHECK(line.find('\x1b') == std::string::npos);
    CHECK(line.find("\"number\":7}") == line.size() - 12);
    CHECK(line.find("\"event\":\"event\"") != std::string::npos);
  }
}

TEST_CASE("long texts are cut between characters") {
  std::string text(Log::kMaxText - 1, 'a');
  text += "\xC3\xA4 and more";
  const std::string line = written(text);
  CHECK(line.size() < Log::kMaxText + 200);
  CHECK(line.find("\xEF\xBF\xBD") == std::string::npos);  // no replacement character
}
