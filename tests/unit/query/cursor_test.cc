#include "query/cursor.h"

#include <catch2/catch.hpp>

namespace cairn::query {
namespace {

constexpr Uuid kStore{{1, 2, 3}};

TEST_CASE("a cursor reads back for its query and sort") {
  for (const Cursor cursor :
       {Cursor{0, GroupId{1}, 1}, Cursor{-5, GroupId{7}, 25},
        Cursor{INT64_MAX, GroupId{UINT32_MAX}, UINT64_MAX}, Cursor{INT64_MIN, GroupId{0}, 0}}) {
    const CursorScope scope{kStore, "level:error", Sort::Freq};
    const std::string text = encode_cursor(cursor, scope);
    CHECK(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789-_") == std::string::npos);
    const auto read = decode_cursor(text, scope);
    REQUIRE(read.ok());
    CHECK(read->key == cursor.key);
    CHECK(read->id == cursor.id);
    CHECK(read->shown == cursor.shown);
    CHECK_FALSE(decode_cursor(text, {Uuid{}, "level:error", Sort::Freq}).ok());
    CHECK_FALSE(decode_cursor(text, {scope.store, "level:fatal", Sort::Freq}).ok());
    CHECK_FALSE(decode_cursor(text, {scope.store, "level:error", Sort::Date}).ok());
  }
}

TEST_CASE("every change of a cursor is noticed") {
  const CursorScope scope{kStore, "q", Sort::Date};
  const std::string text = encode_cursor({1'700'000'000, GroupId{42}, 25}, scope);
  for (size_t i = 0; i < text.size(); ++i) {
    for (const char c : {'A', 'B', '_', '!', '\0', ' '}) {
      std::string changed = text;
      if (changed[i] == c) continue;
      changed[i] = c;
      CHECK(decode_cursor(changed, scope).ok() == false);
    }
    CHECK_FALSE(decode_cursor(text.substr(0, i), scope).ok());
  }
  CHECK_FALSE(decode_cursor(text + "A", scope).ok());
  CHECK_FALSE(decode_cursor(std::string(1'000'000, 'A'), scope).ok());
}

}  // namespace
}  // namespace cairn::query
