// Order, back pressure and both ends.
#include "base/bounded_queue.h"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using cairn::BoundedQueue;

TEST_CASE("items come in order and the producer is held back") {
  BoundedQueue<int> queue(3);
  std::thread producer([&] {
    for (int i = 0; i < 1000; ++i) {
      if (!queue.push(i)) return;
    }
    queue.finish();
  });
  std::vector<int> seen;
  while (!queue.ended()) {
    if (const auto item = queue.pop(std::chrono::milliseconds(10))) seen.push_back(*item);
  }
  producer.join();
  REQUIRE(seen.size() == 1000);
  for (int i = 0; i < 1000; ++i) CHECK(seen[static_cast<size_t>(i)] == i);
}

TEST_CASE("a consumer that leaves frees the producer") {
  BoundedQueue<int> queue(1);
  bool refused = false;
  std::thread producer([&] {
    while (queue.push(1)) {
    }
    refused = true;
  });
  CHECK(queue.pop(std::chrono::milliseconds(1000)));
  queue.cancel();
  producer.join();
  CHECK(refused);
}

TEST_CASE("an empty queue keeps nobody for longer than asked") {
  BoundedQueue<int> queue(1);
  CHECK(!queue.pop(std::chrono::milliseconds(1)));
  CHECK(!queue.ended());
  queue.finish();
  CHECK(!queue.pop(std::chrono::milliseconds(1)));
  CHECK(queue.ended());
}
