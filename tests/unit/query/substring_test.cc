#include "query/substring.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>
#include <random>

#include "base/ascii.h"

namespace cairn::query {
namespace {

// The first place by the meaning of the words.
size_t slow_find(std::string_view text, std::string_view needle, bool fold_case, size_t from) {
  const std::string in = fold_case ? lower_ascii(text) : std::string(text);
  return in.find(fold_case ? lower_ascii(needle) : std::string(needle), from);
}

TEST_CASE("a text is found at every place") {
  for (size_t at = 0; at < 70; ++at) {
    for (const std::string_view needle : {"x", "xy", "Xyz", "xx", "xxxxxxxxxxxxxxxxxxxx"}) {
      const std::string text = std::string(at, '.') + std::string(needle) + "..";
      CHECK(Substring(std::string(needle), false).find(text) == at);
      CHECK(Substring(std::string(needle), true).find(text) == at);
      CHECK(Substring(std::string(needle), true).find(text, at + 1) ==
            slow_find(text, needle, true, at + 1));
    }
  }
  CHECK(Substring("abc", false).find("ab") == std::string_view::npos);
  CHECK(Substring("abc", false).find("") == std::string_view::npos);
}

TEST_CASE("only the letters A to Z lose their case") {
  CHECK(Substring("[a", true).find("{A [A") == 3);       // [ and { differ in the same bit
  CHECK(Substring("\x80", true).find("\xA0\x80") == 1);  // so do these
  CHECK(Substring("@", true).find("`@") == 1);
  CHECK(Substring("ABC", true).find("xaBc") == 1);
  CHECK(Substring("ABC", false).find("xaBc") == std::string_view::npos);
  CHECK(Substring("1a", true)
            .find("\x11"
                  "A1A") == 2);
}

TEST_CASE("random texts are searched as by the standard library") {
  const unsigned seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string letters = "aAbB[{@`\x80\xA0 ";
  const auto word = [&](size_t most) {
    std::string out;
    for (size_t size = random() % most; size > 0; --size) {
      out += letters[random() % letters.size()];
    }
    return out;
  };
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = word(120);
    const std::string needle = word(5) + "a";
    const bool fold_case = random() % 2 == 0;
    const size_t from = random() % (text.size() + 1);
    INFO("'" << needle << "' in '" << text << "' from " << from);
    REQUIRE(Substring(needle, fold_case).find(text, from) ==
            slow_find(text, needle, fold_case, from));
  }
}

}  // namespace
}  // namespace cairn::query
