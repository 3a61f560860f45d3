#include "query/cursor.h"

#include <catch2/catch.hpp>

namespace cairn::query {
namespace {

constexpr Uuid kStore{{1, 2, 3}};
constexpr TimeUs kMade{1'700'000'000'000'000};

CursorSeal seal_at(TimeUs clock, uint8_t key = 7, Lsn base = Lsn{0}) {
  CursorSeal seal;
  seal.key.bytes.fill(key);
  seal.clock = clock;
  seal.base = base;
  return seal;
}

Cursor some_cursor() {
  return {{Lsn{12}, Lsn{0}, TimeUs{99}, kMade}, 1'700'000'000, 42, 25, 10, true};
}

TEST_CASE("a cursor reads back for its list") {
  const CursorSeal seal = seal_at(kMade);
  for (const Cursor& cursor :
       {some_cursor(),
        Cursor{{Lsn{UINT64_MAX}, Lsn{0}, TimeUs{INT64_MIN}, kMade},
               INT64_MIN,
               UINT64_MAX,
               UINT64_MAX,
               UINT32_MAX,
               false},
        Cursor{{Lsn{0}, Lsn{0}, TimeUs{INT64_MAX}, kMade}, INT64_MAX, 0, 0, 0, true}}) {
    const CursorScope scope{kStore, "level:error", Sort::Freq};
    const std::string text = encode_cursor(cursor, scope, seal);
    CHECK(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789-_") == std::string::npos);
    const auto read = decode_cursor(text, scope, seal);
    REQUIRE(read.ok());
    CHECK(read->pin.lsn == cursor.pin.lsn);
    CHECK(read->pin.base == cursor.pin.base);
    CHECK(read->pin.now == cursor.pin.now);
    CHECK(read->pin.made == cursor.pin.made);
    CHECK(read->key == cursor.key);
    CHECK(read->id == cursor.id);
    CHECK(read->begin == cursor.begin);
    CHECK(read->size == cursor.size);
    CHECK(read->backward == cursor.backward);
    const auto pin = decode_pin(text, seal);
    REQUIRE(pin.ok());
    CHECK(pin->lsn == cursor.pin.lsn);
  }
}

TEST_CASE("a cursor of another list is refused") {
  const CursorSeal seal = seal_at(kMade);
  const Viewer me{"7", {"3", "4"}};
  const CursorScope scope{kStore, "level:error", Sort::Freq, "try", &me};
  const std::string text = encode_cursor(some_cursor(), scope, seal);
  REQUIRE(decode_cursor(text, scope, seal).ok());
  const Viewer other{"8", {"3", "4"}};
  const Viewer joined{"7", {"34"}};
  const std::vector<CursorScope> others = {
      {Uuid{}, "level:error", Sort::Freq, "try", &me},
      {kStore, "level:fatal", Sort::Freq, "try", &me},
      {kStore, "level:error", Sort::Trends, "try", &me},
      {kStore, "level:error", Sort::Freq, "", &me},
      {kStore, "level:errortry", Sort::Freq, "", &me},
      {kStore, "level:error", Sort::Freq, "try", &other},
      {kStore, "level:error", Sort::Freq, "try", &joined},
      {kStore, "level:error", Sort::Freq, "try", nullptr},
  };
  for (const CursorScope& wrong : others) {
    const auto read = decode_cursor(text, wrong, seal);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == ErrorCode::InvalidArgument);
    CHECK(read.error().message.find("another query") != std::string::npos);
  }
}

TEST_CASE("every change of a cursor is noticed") {
  const CursorSeal seal = seal_at(kMade);
  const CursorScope scope{kStore, "q", Sort::Date};
  const std::string text = encode_cursor(some_cursor(), scope, seal);
  const auto refused = [&](const std::string& changed) {
    return !decode_cursor(changed, scope, seal).ok() && !decode_pin(changed, seal).ok();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    for (int c = 0; c < 256; ++c) {
      std::string changed = text;
      changed[i] = static_cast<char>(c);
      if (changed != text) REQUIRE(refused(changed));
    }
    CHECK(refused(text.substr(0, i)));
  }
  CHECK(refused(text + "A"));
  CHECK(refused(std::string(1'000'000, 'A')));
  // Another store's key.
  CHECK_FALSE(decode_pin(text, seal_at(kMade, 8)).ok());
}

TEST_CASE("a cursor is good for a day, while retention leaves what it was made of") {
  const CursorScope scope{kStore, "q", Sort::Date};
  const std::string text = encode_cursor(some_cursor(), scope, seal_at(kMade));
  const auto at = [&](int64_t us, Lsn base = Lsn{0}) {
    return decode_cursor(text, scope, seal_at(TimeUs{raw(kMade) + us}, 7, base));
  };
  CHECK(at(0).ok());
  CHECK(at(kCursorLifeUs).ok());
  const auto late = at(kCursorLifeUs + 1);
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == ErrorCode::NotFound);
  CHECK(late.error().message ==
        "The cursor was good until 2023-11-15T22:13:20Z, 24 hours after its first page; start "
        "again without one.");
  // A clock that was set back does no harm.
  CHECK(at(-10 * kCursorLifeUs).ok());
  const auto removed = at(0, Lsn{3});
  REQUIRE_FALSE(removed.ok());
  CHECK(removed.error().code == ErrorCode::NotFound);
  CHECK(removed.error().message.find("Retention") != std::string::npos);
  // Who opened the store before retention came.
  Cursor later = some_cursor();
  later.pin.base = Lsn{3};
  const auto early = decode_pin(encode_cursor(later, scope, seal_at(kMade)), seal_at(kMade));
  REQUIRE_FALSE(early.ok());
  CHECK(early.error().code == ErrorCode::Conflict);
}

TEST_CASE("spans of pages, forwards and backwards") {
  const auto span = [](std::optional<Cursor> cursor, uint64_t size, uint64_t end) {
    const PageSpan found = page_span(cursor, size, end);
    return std::pair(found.begin, found.room);
  };
  Cursor cursor;
  CHECK(span(std::nullopt, 10, 25) == std::pair<uint64_t, uint64_t>(0, 10));
  CHECK(span(std::nullopt, 10, 0) == std::pair<uint64_t, uint64_t>(0, 0));
  cursor.begin = 20;
  CHECK(span(cursor, 10, 25) == std::pair<uint64_t, uint64_t>(20, 5));
  CHECK(span(cursor, 10, 15) == std::pair<uint64_t, uint64_t>(15, 0));
  cursor.backward = true;
  CHECK(span(cursor, 10, 25) == std::pair<uint64_t, uint64_t>(10, 10));
  CHECK(span(cursor, 30, 25) == std::pair<uint64_t, uint64_t>(0, 20));
}

}  // namespace
}  // namespace cairn::query
