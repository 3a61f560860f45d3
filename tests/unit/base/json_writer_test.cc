#include "base/json_writer.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <limits>
#include <random>

namespace cairn {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST_CASE("commas and colons are placed by the writer") {
  JsonWriter json;
  json.begin_object();
  json.key("a").integer(-1).key("b").begin_array();
  json.string("x").null().boolean(true).boolean(false).unsigned_integer(~0ull);
  json.begin_object().end_object().begin_array().end_array();
  json.end_array().key("c").number(0.5).end_object();
  CHECK(json.str() == R"({"a":-1,"b":["x",null,true,false,18446744073709551615,{},[]],"c":0.5})");
  CHECK(json.take().size() > 0);
  CHECK(json.str().empty());
  CHECK(json.string("again").str() == "\"again\"");
  json.clear();
  CHECK(json.begin_array().end_array().take() == "[]");
}

TEST_CASE("verbatim pieces are spliced where a value or members may stand") {
  JsonWriter json;
  json.begin_object();
  json.raw_members("");
  json.raw_members(R"("a":1,"b":[2])");
  json.key("c").raw(R"({"d":3})");
  json.raw_members(R"("e":4)");
  json.end_object();
  CHECK(json.str() == R"({"a":1,"b":[2],"c":{"d":3},"e":4})");
}

TEST_CASE("numbers are short and read back equal") {
  const auto text = [](double value) { return JsonWriter().number(value).take(); };
  CHECK(text(0.1) == "0.1");
  CHECK(text(1) == "1");
  CHECK(text(1e300) == "1e+300");
  CHECK(text(std::numeric_limits<double>::infinity()) == "null");
  CHECK(text(std::numeric_limits<double>::quiet_NaN()) == "null");
  const uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> values(-1e9, 1e9);
  for (int i = 0; i < 1000; ++i) {
    const double value = values(random);
    CHECK(std::strtod(text(value).c_str(), nullptr) == value);
  }
}

TEST_CASE("strings are escaped") {
  CHECK(quoted("") == "\"\"");
  CHECK(quoted("plain") == "\"plain\"");
  CHECK(quoted("a\"b\\c/d") == R"("a\"b\\c/d")");
  CHECK(quoted("\n\r\t\b\f") == R"("\n\r\t\b\f")");
  CHECK(quoted(std::string_view("\0\x1f\x7f", 3)) == "\"\\u0000\\u001f\x7f\"");
}

TEST_CASE("valid UTF-8 passes, each maximal invalid piece becomes one U+FFFD") {
  const std::string valid = "\u00e9\u20ac\U0001F600\uFFFD\u0080\u07FF\u0800\uD7FF\uE000\U0010FFFF";
  CHECK(quoted(valid) == "\"" + valid + "\"");
  const std::string bad = "\xEF\xBF\xBD";
  struct Case {
    std::string_view text;
    std::string expected;
  };
  for (const Case& c : std::initializer_list<Case>{{"\x80", bad},
                                                   {"\xC0\x80", bad + bad},            // overlong
                                                   {"\xE0\x80\x80", bad + bad + bad},  // overlong
                                                   {"\xED\xA0\x80", bad + bad + bad},  // surrogate
                                                   {"\xF5", bad},  // above U+10FFFF
                                                   {"\xF4\x90\x80\x80", bad + bad + bad + bad},
                                                   {"\xE2\x82", bad},  // cut off: one piece
                                                   {"\xF0\x9F\x98", bad},
                                                   {"a\xE2\x82z", "a" + bad + "z"},
                                                   {"\xE2\x82\"", bad + "\\\""},
                                                   {"\xC3", bad},
                                                   {"\xFF\xFE", bad + bad}}) {
    CAPTURE(c.expected);
    CHECK(quoted(c.text) == "\"" + c.expected + "\"");
  }
}

}  // namespace
}  // namespace cairn
