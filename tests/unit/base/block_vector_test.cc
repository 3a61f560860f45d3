#include "base/block_vector.h"

#include <catch2/catch.hpp>
#include <string>

using namespace cairn;

TEST_CASE("what is in a block vector stays where it is") {
  BlockVector<std::string> strings;
  CHECK(strings.size() == 0);
  strings.push_back("0");
  const std::string* const first = &strings[0];
  for (int i = 1; i < 5000; ++i) strings.push_back(std::to_string(i));
  CHECK(strings.size() == 5000);
  CHECK(&strings[0] == first);
  for (size_t i = 0; i < strings.size(); ++i) REQUIRE(strings[i] == std::to_string(i));
  strings[4999] = "last";
  const BlockVector<std::string> moved = std::move(strings);
  CHECK(moved[4999] == "last");
  CHECK(&moved[0] == first);
}
