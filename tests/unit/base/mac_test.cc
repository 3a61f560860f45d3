#include "base/mac.h"

#include <catch2/catch.hpp>
#include <string>

namespace cairn {
namespace {

std::string hex(const Mac& mac) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : mac) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

TEST_CASE("HMAC-SHA256 as others compute it") {
  // RFC 4231, test cases 1 and 2; keys filled up with zeros give the same.
  MacKey key;
  for (size_t i = 0; i < 20; ++i) key.bytes[i] = 0x0b;
  CHECK(hex(mac_of(key, "Hi There")) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  MacKey jefe;
  std::copy_n("Jefe", 4, jefe.bytes.begin());
  CHECK(hex(mac_of(jefe, "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(mac_of(key, "") != mac_of(jefe, ""));
  CHECK(mac_of("Jefe", "what do ya want for nothing?") ==
        mac_of(jefe, "what do ya want for nothing?"));
  // Test case 6: a key longer than a block.
  CHECK(hex(mac_of(std::string(131, '\xaa'),
                   "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("keys are never the same") {
  const auto one = random_mac_key();
  const auto other = random_mac_key();
  REQUIRE(one.ok());
  REQUIRE(other.ok());
  CHECK_FALSE(*one == *other);
}

TEST_CASE("MACs are compared whole") {
  CHECK(equal_macs("", ""));
  CHECK(equal_macs("abc", "abc"));
  CHECK_FALSE(equal_macs("abc", "abd"));
  CHECK_FALSE(equal_macs("abc", "ab"));
}

}  // namespace
}  // namespace cairn
