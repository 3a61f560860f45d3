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

TEST_CASE("uuids order as their bytes") {
  CHECK(*parse_uuid("00000000000000000000000000000001") <
        *parse_uuid("01000000000000000000000000000000"));
}

}  // namespace
}  // namespace cairn
