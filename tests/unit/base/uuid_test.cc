#include "base/uuid.h"

#include <catch2/catch.hpp>

namespace cairn {
namespace {

TEST_CASE("uuids are read in every usual form") {
  const std::string hex = "00112233445566778899aabbccddeeff";
  for (const std::string& text :
       {hex, std::string("00112233445566778899AABBCCDDEEFF"),
        std::string("00112233-4455-6677-8899-aabbccddeeff"), "{" + hex + "}", "urn:uuid:" + hex,
        std::string("URN:UUID:00112233-4455-6677-8899-AABBCCDDEEFF"),
        std::string("{00112233-4455-6677-8899-aabbccddeeff}")}) {
    CAPTURE(text);
    const auto uuid = parse_uuid(text);
    REQUIRE(uuid);
    CHECK(uuid->hex() == hex);
    CHECK(uuid->dashed() == "00112233-4455-6677-8899-aabbccddeeff");
  }
}

TEST_CASE("what is not a uuid is refused") {
  for (const char* text :
       {"", "0", "00112233445566778899aabbccddeef", "00112233445566778899aabbccddeeff0",
        "00112233445566778899aabbccddeefg", "00112233-4455-6677-8899aabbccddeeff-",
        "0011223-34455-6677-8899-aabbccddeeff", "{00112233445566778899aabbccddeeff",
        "00112233445566778899aabbccddeeff}", "{}",
        "urn:uuid:", "urn:uuid:{00112233445566778899aabbccddeeff}",
        "00112233-4455-6677-8899-aabbccddee-f", " 0112233445566778899aabbccddeeff"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_uuid(text));
  }
}

TEST_CASE("every byte is a digit or none at every place of a uuid") {
  const std::string hex = "0123456789abcdefABCDEF9876543210";
  for (size_t at = 0; at < hex.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = hex;
      text[at] = static_cast<char>(byte);
      const bool lower = byte >= 'a' && byte <= 'f';
      const bool upper = byte >= 'A' && byte <= 'F';
      const bool digit = byte >= '0' && byte <= '9';
      const auto uuid = parse_uuid(text);
      CAPTURE(at, byte);
      REQUIRE(uuid.has_value() == (lower || upper || digit));
      if (!uuid) continue;
      const int value = digit ? byte - '0' : byte - (lower ? 'a' : 'A') + 10;
      const int pair = uuid->bytes[at / 2];
      REQUIRE((at % 2 == 0 ? pair >> 4 : pair & 15) == value);
    }
  }
}

TEST_CASE("uuids order as their bytes") {
  CHECK(*parse_uuid("00000000000000000000000000000001") <
        *parse_uuid("01000000000000000000000000000000"));
}

}  // namespace
}  // namespace cairn
