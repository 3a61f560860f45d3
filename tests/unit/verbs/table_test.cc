// Tables, bars and the short forms of numbers and times.
#include "verbs/table.h"

#include <catch2/catch.hpp>
#include <clocale>
#include <sstream>
#include <string>

using namespace cairn;
using namespace cairn::verbs;

namespace {

Terminal narrow(int width) {
  Terminal terminal;
  terminal.width = width;
  return terminal;
}

size_t widest_line(const std::string& text) {
  std::istringstream stream(text);
  size_t widest = 0;
  for (std::string line; std::getline(stream, line);) {
    widest = std::max(widest, text_width(line));
  }
  return widest;
}

}  // namespace

TEST_CASE("columns line up, numbers to the right") {
  TextTable table({{.header = "NAME"}, {.header = "N", .right = true}, {.header = "END"}});
  table.add({"a", "5", "x"});
  table.add({"long", "1234", ""});
  CHECK(table.render(narrow(80)) ==
        "NAME    N END\n"
        "a       5 x\n"
        "long 1234\n");
}

TEST_CASE("the flexible column gives way, then columns are left out in order") {
  TextTable table({{.header = "ID"},
                   {.header = "TITLE", .flexible = true},
                   {.header = "FIRST", .drop_order = 1},
                   {.header = "SECOND", .drop_order = 2}});
  table.add({"SHOP-1", std::string(200, 't'), "first", "second"});
  for (const int width : {40, 60, 80, 100, 200}) {
    CHECK(widest_line(table.render(narrow(width))) <= static_cast<size_t>(width));
  }
  CHECK(table.render(narrow(60)).find("second") != std::string::npos);
  const std::string tight = table.render(narrow(40));
  CHECK(tight.find("first") != std::string::npos);
  CHECK(tight.find("second") == std::string::npos);
}

TEST_CASE("text from outside cannot move the cursor") {
  TextTable table({{.header = "T"}});
  table.add({"\x1b[2Jred\r\n\t\xc2\x9b"});
  const std::string out = table.render(narrow(80));
  CHECK(out.find('\x1b') == std::string::npos);
  CHECK(out.find('\r') == std::string::npos);
  CHECK(std::count(out.begin(), out.end(), '\n') == 2);
}

TEST_CASE("trend bars show the greatest as the tallest and zero as nothing") {
  CHECK(trend_bar({}, true).empty());
  CHECK(trend_bar({0, 0}, true) == "  ");
  CHECK(trend_bar({0, 1, 100}, false) == " .@");
  CHECK(trend_bar({0, 50, 100}, true) == " \u2585\u2588");
  CHECK(trend_bar({UINT64_MAX, 1}, false) == "@.");
}

TEST_CASE("ages, counts, sizes and times are short") {
  const auto age = [](int64_t seconds) {
    return format_age(TimeUs{seconds * kMicrosPerSecond}, TimeUs{0});
  };
  CHECK(age(0) == "0s");
  CHECK(age(59) == "59s");
  CHECK(age(3599) == "59m");
  CHECK(age(47 * 3600) == "47h");
  CHECK(age(49 * 3600) == "2d");
  CHECK(age(400 * 86400) == "13mo");
  CHECK(age(3 * 365 * 86400) == "3y");
  CHECK(age(-1) == "-");
  CHECK(format_count(0) == "0");
  CHECK(format_count(999) == "999");
  CHECK(format_count(1000) == "1,000");
  CHECK(format_count(1234567) == "1,234,567");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1536) == "1.5 KiB");
  CHECK(format_bytes(5ull << 30) == "5.0 GiB");
  CHECK(format_seconds(0.0004) == "0.40 ms");
  CHECK(format_seconds(3.14) == "3.1 s");
  CHECK(format_seconds(125) == "2 min 5 s");
}
