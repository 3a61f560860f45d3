#include "base/hash.h"

#include <catch2/catch.hpp>
#include <vector>

namespace cairn {
namespace {

// Published values of XXH3 for the empty input; formats depend on them.
TEST_CASE("hashes are XXH3") {
  CHECK(hash64("") == 0x2D06800538D394C2);
  CHECK(hash128("").hex() == "99aa06d3014798d86001c324468d497f");
}

TEST_CASE("bytes and seed both matter") {
  CHECK(hash64("a") == hash64("a"));
  CHECK(hash64("a") != hash64("b"));
  CHECK(hash64("a") != hash64("a", 1));
  CHECK(hash128("a") != hash128("b"));
  CHECK(hash128("a") != hash128("a", 1));
}

TEST_CASE("the sum of hashes does not depend on their order and carries") {
  Hash128 forward;
  Hash128 backward;
  const std::vector<std::string> words{"one", "two", "three", "four", "five"};
  for (size_t i = 0; i < words.size(); ++i) {
    forward.add(hash128(words[i]));
    backward.add(hash128(words[words.size() - 1 - i]));
  }
  CHECK(forward == backward);
  Hash128 sum{~0ull, 1};
  sum.add({1, 1});
  CHECK(sum == Hash128{0, 3});
}

}  // namespace
}  // namespace cairn
