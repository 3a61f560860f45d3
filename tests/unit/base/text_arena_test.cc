#include "base/text_arena.h"

#include <catch2/catch.hpp>
#include <string>

namespace cairn {

TEST_CASE("texts of an arena stay where they are, moved or not") {
  TextArena arena;
  std::vector<std::string> texts;
  std::vector<std::string_view> views;
  for (size_t i = 0; i < 3000; ++i) {
    texts.push_back(std::string(i % 97, 'a') + std::to_string(i));
    if (i % 500 == 0) texts.back() += std::string(100'000, 'b');  // more than a block
    views.push_back(arena.store(texts.back()));
  }
  TextArena moved = std::move(arena);
  CHECK(arena.store("again") == "again");
  for (size_t i = 0; i < texts.size(); ++i) REQUIRE(views[i] == texts[i]);
  CHECK(moved.store("") == "");
}

TEST_CASE("a cleared arena keeps its blocks, but not those of long texts") {
  TextArena arena;
  const std::string text(1000, 'x');
  for (int i = 0; i < 1000; ++i) arena.store(text);
  arena.store(std::string(1 << 20, 'y'));
  const uint64_t before = arena.memory_bytes();
  arena.clear();
  const uint64_t kept = arena.memory_bytes();
  CHECK(kept >= 1'000'000);
  CHECK(kept + (1 << 20) == before);
  for (int i = 0; i < 1000; ++i) CHECK(arena.store(text) == text);
  CHECK(arena.memory_bytes() == kept);
}

}  // namespace cairn
