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
  // So that groups come to own several fingerprints.
  for (const ProjectId project : {ProjectId{1}, ProjectId{2}, ProjectId{3}}) {
    REQUIRE(fold(model::ProjectChanged{project, {}, model::FingerprintPolicy::Known}));
  }
  size_t splits = 0;
  for (int step = 0; step < 2000; ++step) {
    const uint64_t what = random.below(10);
    const GroupId any{static_cast<uint32_t>(1 + random.below(state.group_count() + 1))};
    if (what == 0 && any <= GroupId{state.group_count()}) {
      const model::Group& group = state.group(any);
      const uint32_t next = state.project(group.project)->last_number + 1;
      if (group.split_from != GroupId{} && !group.fingerprints.empty()) {
        const model::Group& to = state.group(state.rejoins(any));
        regrouped.push_back(to.id);
        REQUIRE(fold(model::Rejoined{group.project, to.number, group.number}));
      } else if (group.fingerprints.size() > 1) {
        const std::string one(state.fingerprint(*group.fingerprints.begin()).value);
        REQUIRE(fold(model::Split{group.project, group.number, next, {one}, {}, {}}));
        regrouped.push_back(GroupId{state.group_count()});
        splits += 1;
      } else if (group.parent == GroupId{}) {
        REQUIRE(fold(model::ViewMade{group.project, next, "view", {group.number}}));
        regrouped.push_back(any);
      }
    }
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
  CHECK(splits > 0);
}
