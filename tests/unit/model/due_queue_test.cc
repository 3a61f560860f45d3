#include "model/due_queue.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

using namespace cairn;
using model::Due;
using model::DueQueue;

TEST_CASE("a queue of what is due has each group once, at its soonest") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  DueQueue queue;
  std::map<GroupId, TimeUs> wanted;
  for (int i = 0; i < 5'000; ++i) {
    if (random() % 3 != 0) {
      const Due due{TimeUs{static_cast<int64_t>(random() % 50)},
                    GroupId{1 + static_cast<uint32_t>(random() % 20)}};
      queue.push(due);
      const auto [known, fresh] = wanted.emplace(due.group, due.at);
      if (!fresh) known->second = std::min(known->second, due.at);
    } else if (!wanted.empty()) {
      const Due first = queue.first();
      const auto soonest =
          std::min_element(wanted.begin(), wanted.end(), [](const auto& a, const auto& b) {
            return Due{a.second, a.first} < Due{b.second, b.first};
          });
      REQUIRE(first == Due{soonest->second, soonest->first});
      queue.pop();
      wanted.erase(soonest);
    }
    REQUIRE(queue.size() == wanted.size());
  }
}

TEST_CASE("what is asked for again and again is in the queue once") {
  // An issue that waits for its forecast is looked at every week, for years.
  DueQueue queue;
  queue.push({TimeUs{0}, GroupId{1}});
  size_t pops = 0;
  for (int64_t week = 1; week <= 1'000; ++week) {
    queue.push({TimeUs{week}, GroupId{1}});
    while (queue.due_by(TimeUs{week - 1})) {
      queue.pop();
      queue.push({TimeUs{week}, GroupId{1}});
      ++pops;
    }
  }
  CHECK(pops == 1'000);
}
