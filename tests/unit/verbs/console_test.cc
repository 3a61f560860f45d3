// Answers that cannot be written, and readers that leave.
#include "verbs/console.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

using namespace cairn;
using namespace cairn::verbs;

TEST_CASE("what is written arrives") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  {
    Output out(descriptor_sink(ends[1]));
    out.write("a");
    out.line("b");
    REQUIRE(out.flush());
    CHECK(!out.closed());
  }
  char buffer[16];
  CHECK(std::string(buffer, static_cast<size_t>(::read(ends[0], buffer, 16))) == "ab\n");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("a reader that left is no error, only the end") {
  ::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  Output out(descriptor_sink(ends[1]));
  out.line("nobody reads this");
  CHECK(out.flush());
  CHECK(out.closed());
  out.write(std::string(1u << 20, 'x'));
  CHECK(out.flush());
  ::close(ends[1]);
}

TEST_CASE("a full disk is an error that stays") {
  const int full = ::open("/dev/full", O_WRONLY);
  if (full < 0) {
    WARN("skipped: there is no /dev/full here");
    return;
  }
  Output out(descriptor_sink(full, "the list"));
  out.line("text");
  const auto flushed = out.flush();
  REQUIRE(!flushed);
  CHECK(flushed.error().code == ErrorCode::Exhausted);
  CHECK(flushed.error().message.find("the list") != std::string::npos);
  CHECK(!out.flush());
  ::close(full);
}

TEST_CASE("progress bars") {
  CHECK(progress_bar(0, 10, 4, false) == "....   0%");
  CHECK(progress_bar(5, 10, 4, false) == "##..  50%");
  CHECK(progress_bar(10, 10, 4, false) == "#### 100%");
  CHECK(progress_bar(20, 10, 4, false) == "#### 100%");
  CHECK(progress_bar(1, 0, 4, false) == "....   0%");
}
