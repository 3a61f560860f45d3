#include "query/comparison.h"

#include <catch2/catch.hpp>

#include "support/shop.h"

using namespace cairn;
using namespace cairn::query;

TEST_CASE("two groupings are told apart by what moved") {
  testing::Shop shop;
  const auto see = [&](const std::string& fingerprint, int times) {
    for (int i = 0; i < times; ++i) shop.event({fingerprint, "2026-11-20T10:00:00Z"});
  };
  see("a", 5);
  see("b", 3);
  see("c", 1);
  see("d", 1);
  model::Experiment experiment;
  experiment.steps.emplace_back();
  experiment.steps.back().facts.merges.add(GroupId{1}, GroupId{2});
  experiment.steps.back().facts.merges.add(GroupId{1}, GroupId{3});
  const model::Overlay overlay(shop.state(), experiment);
  const View base = shop.view();
  const std::vector<GroupId> base_roots(base.root_of_fingerprint.begin(),
                                        base.root_of_fingerprint.end());
  const std::vector<GroupId> roots = overlay.roots_by_fingerprint(shop.state());
  View before = base, after = base;
  before.root_of_fingerprint = base_roots;
  after.root_of_fingerprint = roots;
  after.overlay = &overlay;

  const Comparison same = compare_groupings(before, before, 10);
  CHECK(same.moved == 0);
  CHECK(same.changes.empty());
  CHECK(same.before.issues == 4);
  CHECK(same.before.singletons == 2);
  CHECK(same.before.p50 == 1);
  CHECK(same.before.p95 == 5);
  CHECK(same.before.mean == Approx(2.5));

  const Comparison merged = compare_groupings(before, after, 10);
  CHECK(merged.occurrences == 10);
  CHECK(merged.moved == 4);
  CHECK(merged.after.issues == 2);
  CHECK(merged.after.largest == 9);
  REQUIRE(merged.changes.size() == 1);
  CHECK(merged.changes[0].issue == GroupId{1});
  CHECK(merged.changes[0].before == 5);
  CHECK(merged.changes[0].after == 9);
  CHECK(merged.changes[0].parts == 3);

  // The other way round everything comes out of the one issue.
  const Comparison apart = compare_groupings(after, before, 1);
  CHECK(apart.moved == 4);
  CHECK(apart.changed == 2);
  REQUIRE(apart.changes.size() == 1);
  CHECK(apart.changes[0].issue == GroupId{2});
}
