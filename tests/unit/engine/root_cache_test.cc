#include "engine/root_cache.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <random>

#include "support/random_occurrences.h"

using namespace cairn;
using namespace cairn::engine;

TEST_CASE("the array that follows merges is the one made anew, and old ones stay as they were") {
  const uint64_t seed = std::random_device{}();
  std::cout << "root cache seed " << seed << "\n";
  testing::RandomOccurrences random(seed);
  model::State state;
  RootCache cache;
  std::vector<GroupId> regrouped;
  std::shared_ptr<const RootCache::Roots> held;
  RootCache::Roots held_copy;
  uint64_t lsn = 0;
  const auto fold = [&](model::RecordBody body) {
    model::Record record;
    record.body = std::move(body);
    return state.apply(record, Lsn{++lsn}).ok();
  };
  for (int step = 0; step < 2000; ++step) {
    const uint64_t what = random.below(10);
    if (what < 5 || state.group_count() < 4) {
      model::Occurrence occurrence = random.next();
      occurrence.fingerprint.front() += "-" + std::to_string(random.below(40));
      REQUIRE(fold(std::move(occurrence)));
    } else {
      const GroupId a{static_cast<uint32_t>(1 + random.below(state.group_count()))};
      const GroupId b{static_cast<uint32_t>(1 + random.below(state.group_count()))};
      const model::Group& child = state.group(b);
      if (child.parent != GroupId{}) {
        const model::Group& parent = state.group(child.parent);
        REQUIRE(fold(model::Unmerged{child.project, parent.number, {child.number}}));
        regrouped.push_back(b);
      } else if (state.group(a).project == child.project && state.group(a).parent == GroupId{} &&
                 a != b) {
        REQUIRE(fold(model::Merged{child.project, state.group(a).number, {child.number}}));
        regrouped.push_back(b);
      }
    }
    if (random.below(3) != 0) continue;
    const auto roots = cache.current(state, regrouped);
    REQUIRE(*roots == state.roots_by_fingerprint());
    if (held) REQUIRE(*held == held_copy);
    if (random.below(4) == 0) {
      held = roots;
      held_copy = *roots;
    }
  }
}
