#include "model/overlay.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <map>
#include <random>

#include "model/forest.h"
#include "support/fold.h"
#include "support/random_facts.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

Experiment experiment_of(std::vector<Regrouping> steps) {
  Experiment out;
  out.name = "try";
  out.created = Lsn{1};
  for (Regrouping& step : steps) out.steps.push_back({"", Lsn{2}, std::move(step)});
  return out;
}

Regrouping merge_of(GroupId view, std::vector<GroupId> children) {
  Regrouping out;
  out.merges.add(view, children);
  return out;
}

Regrouping cut_of(GroupId view, std::vector<GroupId> children) {
  Regrouping out;
  out.cuts.add(view, children);
  return out;
}

// The definition, word by word: a map of parents and walks.
struct NaiveOverlay {
  std::map<GroupId, GroupId> parent;

  NaiveOverlay(const State& state, const Experiment& experiment) {
    for (uint32_t id = 1; id <= state.group_count(); ++id) {
      parent[GroupId{id}] = state.group(GroupId{id}).parent;
    }
    for (const ExperimentStep& step : experiment.steps) {
      step.facts.cuts.for_each([&](GroupId view, GroupId child) {
        if (parent[child] == view) parent[child] = GroupId{};
      });
      step.facts.merges.for_each([&](GroupId view, GroupId child) {
        const GroupId above = root(view);
        const GroupId below = root(child);
        if (above != below) parent[below] = above;
      });
    }
  }
  GroupId root(GroupId id) {
    while (parent[id] != GroupId{}) id = parent[id];
    return id;
  }
};

}  // namespace

TEST_CASE("an overlay hangs what is visible below what is visible") {
  Fold fold = fold_with_groups(kShop, 5);
  fold.merge(kShop, 1, {2});
  const auto id = [&](uint32_t number) { return fold.id(kShop, number); };
  // 2 is hidden in 1, so that 1 goes below 3.
  const Experiment experiment = experiment_of({merge_of(id(3), {id(2)}), merge_of(id(4), {id(5)})});
  const Overlay overlay(fold.state, experiment);
  const Forest forest(fold.state, &overlay);
  CHECK(forest.root_of(id(2)) == id(3));
  CHECK(forest.members(id(3)) == std::vector<GroupId>{id(3), id(1), id(2)});
  CHECK(forest.children(id(4)) == std::vector<GroupId>{id(5)});
  CHECK(forest.totals(id(3)).times_seen == 3);
  CHECK(forest.totals(id(1)).times_seen == 2);
  REQUIRE(overlay.conflicts().size() == 1);
  CHECK(overlay.conflicts().front() == OverlayConflict{false, id(3), id(2), id(3), id(1)});
  // The base knows nothing of it.
  CHECK(Forest(fold.state).members(id(3)) == std::vector<GroupId>{id(3)});
}

TEST_CASE("an overlay cuts where a child is directly below, and says where it is not") {
  Fold fold = fold_with_groups(kShop, 4);
  fold.merge(kShop, 2, {3});
  fold.merge(kShop, 1, {2});
  const auto id = [&](uint32_t number) { return fold.id(kShop, number); };
  const Overlay direct(fold.state, experiment_of({cut_of(id(2), {id(3)})}));
  CHECK(direct.parent(id(3)) == GroupId{});
  CHECK(direct.conflict_count() == 0);
  CHECK(Forest(fold.state, &direct).members(id(1)) == std::vector<GroupId>{id(1), id(2)});
  const Overlay indirect(fold.state, experiment_of({cut_of(id(1), {id(3)})}));
  CHECK(indirect.parent(id(3)) == id(2));
  CHECK(indirect.conflict_count() == 1);
  // Out of it already: nothing to say.
  const Overlay apart(fold.state, experiment_of({cut_of(id(1), {id(4)})}));
  CHECK(apart.conflict_count() == 0);
}

TEST_CASE("new groups and fingerprints are in an overlay, each on its own") {
  Fold fold = fold_with_groups(kShop, 3);
  const auto id = [&](uint32_t number) { return fold.id(kShop, number); };
  Overlay overlay(fold.state, experiment_of({merge_of(id(1), {id(2)})}));
  fold.see(kShop, {"f9"}, 200);
  fold.see(kShop, {"f2"}, 201);
  overlay.extend(fold.state);
  CHECK(overlay.group_count() == 4);
  CHECK(overlay.parent(id(4)) == GroupId{});
  CHECK(Forest(fold.state, &overlay).totals(id(1)).times_seen == 3);
  CHECK(overlay.roots_by_fingerprint(fold.state) ==
        std::vector<GroupId>{GroupId{}, id(1), id(1), id(3), id(4)});
}

TEST_CASE("what is deleted or discarded by now stays as it is") {
  Fold fold = fold_with_groups(kShop, 4);
  fold.merge(kShop, 3, {4});
  const auto id = [&](uint32_t number) { return fold.id(kShop, number); };
  Regrouping step = cut_of(id(3), {id(4)});
  step.merges.add(id(1), id(2));
  step.merges.add(id(1), id(3));
  const Experiment experiment = experiment_of({step});
  fold.apply(StandingChanged{kShop, 2, Standing::Discarded});
  const Overlay overlay(fold.state, experiment);
  CHECK(overlay.parent(id(2)) == GroupId{});
  CHECK(overlay.parent(id(3)) == id(1));
  const Forest forest(fold.state, &overlay);
  CHECK(forest.issue_of(id(2)) == GroupId{});
  CHECK(overlay.roots_by_fingerprint(fold.state) ==
        std::vector<GroupId>{GroupId{}, id(1), GroupId{}, id(1), id(4)});
  CHECK(fold.state.check_fits(overlay.regrouping(fold.state)).ok());
  CHECK_FALSE(fold.state.check_fits(merge_of(id(1), {id(2)})).ok());
}

TEST_CASE("an issue is regressed in an overlay by members that it has there") {
  Fold fold = fold_with_groups(kShop, 3);
  const auto id = [&](uint32_t number) { return fold.id(kShop, number); };
  fold.merge(kShop, 1, {2});
  fold.apply(StatusChanged{kShop, 1, Status::Resolved, Substatus::None}, 200);
  fold.see(kShop, {"f2"}, 300);
  REQUIRE(fold.state.shown_status(id(1)).status == Status::Unresolved);
  const Overlay with(fold.state, experiment_of({merge_of(id(1), {id(3)})}));
  CHECK(Forest(fold.state, &with).shown_status(id(1)) == fold.state.shown_status(id(1)));
  CHECK(Forest(fold.state, &with).for_review(id(1)));
  const Overlay without(fold.state, experiment_of({cut_of(id(1), {id(2)})}));
  CHECK(Forest(fold.state, &without).shown_status(id(1)).status == Status::Resolved);
  CHECK(fold.state.for_review(id(1)));
  CHECK_FALSE(Forest(fold.state, &without).for_review(id(1)));
}

TEST_CASE("groups that an earlier state does not have are left out") {
  Fold fold = fold_with_groups(kShop, 2);
  const Experiment experiment =
      experiment_of({merge_of(fold.id(kShop, 1), {GroupId{7}, fold.id(kShop, 2)})});
  const Overlay overlay(fold.state, experiment);
  CHECK(overlay.parent(fold.id(kShop, 2)) == fold.id(kShop, 1));
}

TEST_CASE("random overlays are what the definition says, and their regrouping makes them real") {
  const uint64_t seed = std::random_device{}();
  std::cout << "overlay seed " << seed << "\n";
  RandomFacts random(seed);
  for (int round = 0; round < 60; ++round) {
    CAPTURE(seed, round);
    Fold fold;
    for (int i = 0; i < 80; ++i) fold.apply(random.next_occurrence(100 + i));
    for (int i = 0; i < 6; ++i) {
      if (const auto merge = random.merge(fold.state)) {
        if (fold.try_apply(*merge).ok()) continue;
      }
    }
    std::vector<Regrouping> steps(1 + random.below(4));
    for (Regrouping& step : steps) {
      for (uint64_t n = random.below(8); n > 0; --n) {
        const Group& view = fold.state.group(random.group(fold.state));
        const Group& child = fold.state.group(random.group(fold.state));
        if (view.id == child.id || view.project != child.project) continue;
        if (random.one_in(3)) {
          step.cuts.add(child.parent == GroupId{} ? view.id : child.parent, child.id);
        } else {
          step.merges.add(view.id, child.id);
        }
      }
    }
    const Experiment experiment = experiment_of(std::move(steps));
    const Overlay overlay(fold.state, experiment);
    NaiveOverlay naive(fold.state, experiment);
    const std::vector<GroupId> roots = overlay.roots_by_fingerprint(fold.state);
    for (uint32_t id = 1; id <= fold.state.group_count(); ++id) {
      REQUIRE(overlay.parent(GroupId{id}) == naive.parent[GroupId{id}]);
    }
    for (uint32_t id = 1; id <= fold.state.fingerprint_count(); ++id) {
      REQUIRE(roots[id] == naive.root(fold.state.fingerprint(FingerprintId{id}).leaf));
    }
    // Promoting it gives the forest it shows; doing so again has nothing left to do.
    const Regrouping links = overlay.regrouping(fold.state);
    REQUIRE(fold.state.check_fits(links).ok());
    fold.carry_out(RegroupCommand{RegroupCause::Promotion, "try", links});
    for (uint32_t id = 1; id <= fold.state.group_count(); ++id) {
      REQUIRE(fold.state.group(GroupId{id}).parent == overlay.parent(GroupId{id}));
    }
    REQUIRE(overlay.regrouping(fold.state).empty());
  }
}
