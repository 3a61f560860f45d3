#include "query/cursor.h"

#include <catch2/catch.hpp>

namespace cairn::query {
namespace {

TEST_CASE("a cursor reads back for its query and sort") {
  for (const Cursor cursor :
       {Cursor{0, GroupId{1}}, Cursor{-5, GroupId{7}}, Cursor{INT64_MAX, GroupId{UINT32_MAX}},
        Cursor{INT64_MIN, GroupId{0}}}) {
    const std::string text = encode_cursor(cursor, "level:error", Sort::Freq);
    CHECK(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789-_") == std::string::npos);
    const auto read = decode_cursor(text, "level:error", Sort::Freq);
    REQUIRE(read.ok());
    CHECK(read->key == cursor.key);
    CHECK(read->id == cursor.id);
    CHECK_FALSE(decode_cursor(text, "level:fatal", Sort::Freq).ok());
    CHECK_FALSE(decode_cursor(text, "level:error", Sort::Date).ok());
  }
}

TEST_CASE("every change of a cursor is noticed") {
  const std::string text = encode_cursor({1'700'000'000, GroupId{42}}, "q", Sort::Date);
  for (size_t i = 0; i < text.size(); ++i) {
    for (const char c : {'A', 'B', '_', '!', '\0', ' '}) {
      std::string changed = text;
      if (changed[i] == c) continue;
      changed[i] = c;
      CHECK(decode_cursor(changed, "q", Sort::Date).ok() == false);
    }
    CHECK_FALSE(decode_cursor(text.substr(0, i), "q", Sort::Date).ok());
  }
  CHECK_FALSE(decode_cursor(text + "A", "q", Sort::Date).ok());
  CHECK_FALSE(decode_cursor(std::string(1'000'000, 'A'), "q", Sort::Date).ok());
}

}  // namespace
}  // namespace cairn::query
