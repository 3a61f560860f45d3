#include "model/json_scalar.h"

#include <catch2/catch.hpp>
#include <string>

namespace cairn::model {
namespace {

std::string unescaped(std::string_view content, bool whole = true) {
  std::string out;
  REQUIRE(find_bad_escape(content) == std::string_view::npos);
  CHECK(append_unescaped(out, content) == whole);
  CHECK(out.size() <= content.size());
  return out;
}

}  // namespace

TEST_CASE("the number grammar") {
  for (const std::string_view good : {"0", "-0", "7", "10", "0.5", "-12.25", "1e5", "1E+5", "0e-0",
                                      "123456789012345678901234", "1.7976931348623159e999"}) {
    CAPTURE(good);
    CHECK(is_json_number(good));
  }
  for (const std::string_view bad : {"", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "1.e5",
                                     "0x1", "1 ", " 1", "1,", "Infinity", "1\"a\"", "--1"}) {
    CAPTURE(bad);
    CHECK(!is_json_number(bad));
  }
}

TEST_CASE("bad escapes are found where they begin") {
  CHECK(find_bad_escape("plain") == std::string_view::npos);
  CHECK(find_bad_escape(R"(\"\\\/\b\f\n\r\t\u00e9\uD83D)") == std::string_view::npos);
  CHECK(find_bad_escape(R"(a\x)") == 1);
  CHECK(find_bad_escape(R"(\\\q)") == 2);
  CHECK(find_bad_escape(R"(\u12)") == 0);
  CHECK(find_bad_escape(R"(ab\u123g)") == 2);
  CHECK(find_bad_escape("\\") == 0);
}

TEST_CASE("escapes are resolved to UTF-8") {
  CHECK(unescaped("plain") == "plain");
  CHECK(unescaped(R"(a\"\\\/b)") == "a\"\\/b");
  CHECK(unescaped(R"(\b\f\n\r\t)") == "\b\f\n\r\t");
  CHECK(unescaped(R"(\u0041\u00e9\u20AC)") == "A\xC3\xA9\xE2\x82\xAC");
  CHECK(unescaped(R"(\ud83d\ude00!)") == "\xF0\x9F\x98\x80!");
  CHECK(unescaped(R"(\u0000)") == std::string(1, '\0'));
}

TEST_CASE("half a surrogate pair becomes the replacement character") {
  CHECK(unescaped(R"(a\ud83d)", false) == "a\xEF\xBF\xBD");
  CHECK(unescaped(R"(\ude00b)", false) ==
        "\xEF\xBF\xBD"
        "b");
  CHECK(unescaped(R"(\ud83d\n)", false) == "\xEF\xBF\xBD\n");
  CHECK(unescaped(R"(\ud83d\u0041)", false) ==
        "\xEF\xBF\xBD"
        "A");
  CHECK(unescaped(R"(\ud83d\ud83d\ude00)", false) == "\xEF\xBF\xBD\xF0\x9F\x98\x80");
}

TEST_CASE("integers fit or are refused") {
  CHECK(json_integer("0") == 0);
  CHECK(json_integer("-5") == -5);
  CHECK(json_integer("9223372036854775807") == INT64_MAX);
  CHECK(!json_integer("9223372036854775808"));
  CHECK(!json_integer("1.0"));
  CHECK(!json_integer("1e2"));
  CHECK(!json_integer(""));
}

TEST_CASE("doubles are the nearest or refused") {
  CHECK(json_double("1458231218.811") == 1458231218.811);
  CHECK(json_double("-0") == 0.0);
  CHECK(json_double("1e-999") == 0.0);
  CHECK(json_double("0." + std::string(400, '0') + "1") == 0.0);
  CHECK(!json_double("1e999"));
  CHECK(!json_double("-1e999"));
  CHECK(!json_double(std::string(400, '9')));
  CHECK(!json_double(std::string(400, '9') + ".5"));
}

}  // namespace cairn::model
