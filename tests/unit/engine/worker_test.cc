#include "engine/worker.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <vector>

using cairn::engine::Worker;

TEST_CASE("jobs run in order, and waiting means that all have run") {
  std::vector<int> seen;
  Worker worker("test", 3);
  CHECK(worker.idle());
  for (int i = 0; i < 100; ++i) worker.post([&seen, i] { seen.push_back(i); });
  worker.wait_idle();
  CHECK(worker.idle());
  REQUIRE(seen.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(seen[static_cast<size_t>(i)] == i);
}

TEST_CASE("a worker without jobs has no thread to wait for") {
  Worker worker("test", 1);
  worker.wait_idle();
  CHECK(worker.idle());
}

TEST_CASE("what a job holds is gone before the worker is idle") {
  Worker worker("test", 1);
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  worker.post([held = std::move(held)] { CHECK(*held == 1); });
  worker.wait_idle();
  CHECK(watched.expired());
}

TEST_CASE("ending a worker runs what was posted") {
  std::atomic<int> ran = 0;
  {
    Worker worker("test", 8);
    for (int i = 0; i < 8; ++i) worker.post([&ran] { ++ran; });
  }
  CHECK(ran == 8);
}
