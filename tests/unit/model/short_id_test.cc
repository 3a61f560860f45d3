#include "model/short_id.h"

#include <catch2/catch.hpp>
#include <limits>

using namespace cairn::model;

TEST_CASE("base 32 counts without I, L, O and U") {
  CHECK(encode_base32(0) == "0");
  CHECK(encode_base32(9) == "9");
  CHECK(encode_base32(10) == "A");
  CHECK(encode_base32(17) == "H");
  CHECK(encode_base32(18) == "J");
  CHECK(encode_base32(31) == "Z");
  CHECK(encode_base32(32) == "10");
  CHECK(encode_base32(97) == "31");
  CHECK(encode_base32(std::numeric_limits<uint32_t>::max()) == "3ZZZZZZ");
}

TEST_CASE("every number comes back from base 32, in either case") {
  for (uint64_t n = 0; n <= std::numeric_limits<uint32_t>::max(); n = n * 3 + 1) {
    const auto number = static_cast<uint32_t>(n);
    const std::string text = encode_base32(number);
    CHECK(decode_base32(text) == number);
    CHECK(decode_base32(slug_key(text)) == number);
  }
}

TEST_CASE("letters that look like digits are read as those") {
  CHECK(decode_base32("O") == 0u);
  CHECK(decode_base32("o") == 0u);
  CHECK(decode_base32("I") == 1u);
  CHECK(decode_base32("i") == 1u);
  CHECK(decode_base32("L") == 1u);
  CHECK(decode_base32("l") == 1u);
  CHECK(decode_base32("1OL") == decode_base32("101"));
}

TEST_CASE("what is not base 32 is refused") {
  CHECK_FALSE(decode_base32(""));
  CHECK_FALSE(decode_base32("U"));
  CHECK_FALSE(decode_base32("3-K"));
  CHECK_FALSE(decode_base32("3 K"));
  CHECK_FALSE(decode_base32("\xc3\xa9"));
  CHECK_FALSE(decode_base32("4000000"));           // 2^32
  CHECK_FALSE(decode_base32("ZZZZZZZZZZZZZZZZ"));  // beyond 2^64
  CHECK(decode_base32("3ZZZZZZ") == std::numeric_limits<uint32_t>::max());
}

namespace {

void check_parts(std::string_view text, std::string_view slug, uint32_t number) {
  INFO(text);
  const auto parts = parse_short_id(text);
  REQUIRE(parts);
  CHECK(parts->slug == slug);
  CHECK(parts->number == number);
}

}  // namespace

TEST_CASE("short ids are read in all their forms") {
  CHECK(format_short_id("SHOP", 3 * 32 + 19) == "SHOP-3K");
  CHECK(format_short_id("shop_eu", 1) == "SHOP_EU-1");
  check_parts("SHOP-3K", "shop", 115);
  check_parts("shop-3k", "shop", 115);
  check_parts("issue:SHOP-3K", "shop", 115);
  check_parts("Issue: SHOP-3K", "shop", 115);
  check_parts("  SHOP-3K\n", "shop", 115);
  check_parts("SHOP_3K", "shop", 115);
  check_parts("SHOP 3K", "shop", 115);
  check_parts("my-web-shop-3K", "my-web-shop", 115);
  check_parts("my_web-shop_3K", "my_web-shop", 115);
  check_parts("SHOP-0", "shop", 0);
}

TEST_CASE("what is no short id is refused") {
  for (const std::string_view text :
       {"", "SHOP", "-3K", "SHOP-", "SHOP-U", "issue:", "123", "#12"}) {
    INFO(text);
    CHECK_FALSE(parse_short_id(text));
  }
}

TEST_CASE("slugs: which are allowed") {
  for (const std::string_view slug : {"SHOP", "shop-2", "a", "_", "P5", "4ever"}) {
    INFO(slug);
    CHECK(valid_slug(slug));
  }
  CHECK(valid_slug(std::string(50, 'a')));
  for (const std::string_view slug : {"", "12", "a b", "a.b", "caf\xc3\xa9", "a/b"}) {
    INFO(slug);
    CHECK_FALSE(valid_slug(slug));
  }
  CHECK_FALSE(valid_slug(std::string(51, 'a')));
}

TEST_CASE("slugs: which are the default form") {
  CHECK(is_default_slug_form("P5"));
  CHECK(is_default_slug_form("p123"));
  CHECK_FALSE(is_default_slug_form("P"));
  CHECK_FALSE(is_default_slug_form("P5x"));
  CHECK_FALSE(is_default_slug_form("Q5"));
  CHECK_FALSE(is_default_slug_form(""));
}
