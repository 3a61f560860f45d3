#include "base/text.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace cairn;

TEST_CASE("a text is what it was made of, one pointer long") {
  STATIC_REQUIRE(sizeof(Text) == sizeof(void*));
  const Text empty;
  CHECK(empty.empty());
  CHECK(empty.size() == 0);
  CHECK(empty == Text(""));
  CHECK(empty.alone());
  const Text text(std::string_view("a\0b", 3));
  CHECK(text == std::string_view("a\0b", 3));
  CHECK(text.size() == 3);
  CHECK_FALSE(text == "a");
  CHECK_FALSE(text == empty);
  CHECK(text == Text(std::string("a\0b", 3)));
}

TEST_CASE("copies of a text share its bytes until the last one goes") {
  Text first("one");
  CHECK(first.alone());
  {
    const Text second = first;
    CHECK(second.view().data() == first.view().data());
    CHECK_FALSE(first.alone());
    first = "two";
    CHECK(second == "one");
    CHECK(second.alone());
  }
  Text& same = first;
  first = same;
  CHECK(first == "two");
  first = std::string_view(first).substr(1);
  CHECK(first == "wo");
  const Text moved = std::move(first);
  CHECK(moved == "wo");
  CHECK(moved.alone());
}

TEST_CASE("texts do as strings do") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  std::vector<Text> texts(8);
  std::vector<std::string> strings(8);
  for (int step = 0; step < 2000; ++step) {
    const size_t to = random() % 8, from = random() % 8;
    if (random() % 2 == 0) {
      texts[to] = texts[from];
      strings[to] = strings[from];
    } else {
      strings[to] = std::string(random() % 40, static_cast<char>('a' + random() % 3));
      texts[to] = strings[to];
    }
    for (size_t i = 0; i < 8; ++i) {
      REQUIRE(texts[i] == strings[i]);
      REQUIRE(texts[i].empty() == strings[i].empty());
      REQUIRE((texts[i] == texts[to]) == (strings[i] == strings[to]));
    }
  }
}

TEST_CASE("threads copy and drop one text") {
  const Text shared("shared by two threads");
  const auto copies = [&] {
    for (int i = 0; i < 2000; ++i) {
      const Text copy = shared;
      if (copy.size() != shared.size()) return;
    }
  };
  std::thread other(copies);
  copies();
  other.join();
  CHECK(shared.alone());
}
