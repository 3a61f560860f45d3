#include "base/text_pool.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>

using namespace cairn;

TEST_CASE("a pool keeps equal texts once") {
  TextPool pool;
  const Text first = pool.share("same");
  const Text second = pool.share(std::string("same"));
  CHECK(first.view().data() == second.view().data());
  CHECK(pool.size() == 1);
  CHECK(pool.share("").empty());
  CHECK(pool.size() == 1);
  CHECK(pool.share("other") == "other");
  CHECK(pool.size() == 2);
}

TEST_CASE("a pool finds every text that is in use, however it grew, and drops the others") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  TextPool pool;
  if (random() % 2 == 0) pool.reserve(random() % 500);
  std::vector<Text> used(200);
  for (int step = 0; step < 20000; ++step) {
    // Many that are dropped at once beside those that stay.
    const std::string text = "text " + std::to_string(random() % 5000);
    const Text shared = pool.share(text);
    REQUIRE(shared == text);
    if (random() % 8 == 0) used[random() % used.size()] = shared;
    const Text& one = used[random() % used.size()];
    if (one.empty()) continue;
    REQUIRE(pool.share(std::string(one)).view().data() == one.view().data());
  }
  // At a sweep at most 200 are in use, so that the table grows to four times as many, rounded up.
  CHECK(pool.size() <= 512);
}

TEST_CASE("many texts at once are shared as one by one") {
  TextPool pool;
  const Text before = pool.share("b");
  const std::vector<std::string_view> views = {"a", "b", "", "a", "c"};
  std::vector<Text> out(views.size());
  pool.share_all(views, out);
  for (size_t i = 0; i < views.size(); ++i) CHECK(out[i] == views[i]);
  CHECK(out[1].view().data() == before.view().data());
  CHECK(out[0].view().data() == out[3].view().data());
  CHECK(pool.size() == 3);
  TextPool fresh;
  fresh.share_all({}, {});
  fresh.share_all(views, out);
  CHECK(fresh.size() == 3);
}
