// A store on virtual time: tests say what time it is, and which settings the store is opened with.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/store.h"
#include "support/fold.h"
#include "support/temp_dir.h"

namespace cairn::testing {

// In seconds: the beginning of a day.
inline constexpr int64_t kVirtualStart = 20'000 * int64_t{24 * 60 * 60};

// Base of fixtures: these change the options and open it. Limits are small, so that there soon are
// segments and the map needs little.
struct VirtualStore {
  TempDir dir;
  ManualClock clock{at_second(kVirtualStart)};
  engine::StoreOptions options;
  std::unique_ptr<engine::Store> store;
  uint64_t next_id = 1;

  VirtualStore() {
    options.clock = &clock;
    options.head_limit = 64;
    options.index_map_bytes = 256u << 20;
  }
  VirtualStore(const VirtualStore&) = delete;
  VirtualStore& operator=(const VirtualStore&) = delete;

  // Again too: what is open is closed first.
  void open() {
    store.reset();
    auto opened = engine::Store::open(dir / "store", options);
    INFO((opened.ok() ? std::string() : opened.error().message));
    REQUIRE(opened.ok());
    store = std::move(opened).value();
  }

  int64_t now() { return raw(clock.now()) / kMicrosPerSecond; }

  // Occurrences of the present moment, which all are new to the store.
  void see(const std::string& fingerprint, const std::string& event = "", int count = 1) {
    std::vector<model::Message> messages;
    for (int n = 0; n < count; ++n) {
      model::Occurrence o = occurrence(kShop, {fingerprint}, now(), next_id++);
      o.event = event;
      messages.emplace_back(std::move(o));
    }
    const auto result = store->submit(std::move(messages), {});
    REQUIRE(result.ok());
    for (const auto& item : result->items) REQUIRE(item.outcome == engine::Outcome::Stored);
  }
};

}  // namespace cairn::testing
