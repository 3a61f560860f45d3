#include "base/base64url.h"

#include <catch2/catch.hpp>

namespace cairn {
namespace {

TEST_CASE("base64url of RFC 4648, without padding") {
  CHECK(to_base64url("") == "");
  CHECK(to_base64url("f") == "Zg");
  CHECK(to_base64url("fo") == "Zm8");
  CHECK(to_base64url("foobar") == "Zm9vYmFy");
  CHECK(to_base64url("\xff\xfe\xfb") == "__77");
}

TEST_CASE("base64url reads back what it wrote and nothing else") {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    CHECK(from_base64url(to_base64url(bytes)) == bytes);
    bytes += static_cast<char>(i * 7);
  }
  CHECK_FALSE(from_base64url("Zg=="));
  CHECK_FALSE(from_base64url("Zh"));  // bits that no byte has
  CHECK_FALSE(from_base64url("Z"));
  CHECK_FALSE(from_base64url("Zm+v"));
  CHECK_FALSE(from_base64url("Zm 8"));
}

}  // namespace
}  // namespace cairn
