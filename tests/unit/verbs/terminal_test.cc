// Text made safe and fitted for a terminal.
#include "verbs/terminal.h"

#include <catch2/catch.hpp>
#include <clocale>
#include <random>
#include <string>

using namespace cairn::verbs;

TEST_CASE("control characters become blanks, bad bytes a replacement") {
  CHECK(printable("plain text", true) == "plain text");
  CHECK(printable("a\x1b[31mb\n", true) == "a [31mb ");
  CHECK(printable("\xc3\xbc", true) == "\xc3\xbc");
  CHECK(printable("\xc3\xbc", false) == "?");
  CHECK(printable("\xc3", true) == "\xef\xbf\xbd");
  CHECK(printable("\xc0\x80", false) == "??");       // overlong
  CHECK(printable("\xed\xa0\x80", false) == "???");  // surrogate
  CHECK(printable("\xe2\x80\xae!", true) == " !");   // turns text around
  CHECK(printable(std::string_view("\0x", 2), true) == " x");
}

TEST_CASE("of lines each is made printable") {
  CHECK(printable_lines("a\x1b[31mb\n\n  ^", true) == "a [31mb\n\n  ^");
  CHECK(printable_lines("\x1b\n", true) == " \n");
  CHECK(printable_lines("\xc3\xbc\r\n\xc3", false) == "? \n?");
  CHECK(printable_lines("", true).empty());
}

TEST_CASE("text is cut with a mark and never inside a character") {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  CHECK(fit("short", 5, true) == "short");
  CHECK(fit("longer", 5, true) == "long\u2026");
  CHECK(fit("longer", 5, false) == "long~");
  CHECK(fit("\u00fc\u00fc\u00fc\u00fc", 3, true) == "\u00fc\u00fc\u2026");
  CHECK(fit("x", 0, true).empty());
  CHECK(text_width("\u4e16\u754c") == 4);
  CHECK(fit("\u4e16\u754c\u4e16", 4, true) == "\u4e16\u2026");
}

TEST_CASE("any bytes fit any width") {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 30, 0);
    for (char& c : bytes) c = static_cast<char>(random() % 256);
    const size_t columns = random() % 12;
    for (const bool utf8 : {false, true}) {
      REQUIRE(text_width(fit(printable(bytes, utf8), columns, utf8)) <= columns);
    }
  }
}

TEST_CASE("colour only where it is wanted") {
  Terminal plain;
  CHECK(styled(plain, Style::Red, "x") == "x");
  Terminal colour;
  colour.color = true;
  CHECK(styled(colour, Style::Red, "x") == "\x1b[31mx\x1b[0m");
  CHECK(styled(colour, Style::Plain, "x") == "x");
}
