#include "engine/overlay_cache.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "model/forest.h"
#include "support/fold.h"

using namespace cairn;
using namespace cairn::engine;
using namespace cairn::testing;

namespace {

OverlayCache::Grouping current(OverlayCache& cache, const Fold& fold,
                               const std::vector<GroupId>& regrouped, const std::string& name) {
  auto grouping = cache.current(fold.state, regrouped, Lsn{fold.lsn}, name);
  if (!grouping.ok()) FAIL(grouping.error().message);
  // Kept up or made anew, it is the same.
  const model::Overlay made(fold.state, *fold.state.find_experiment(name));
  REQUIRE(*grouping->roots == made.roots_by_fingerprint(fold.state));
  for (uint32_t id = 1; id <= fold.state.group_count(); ++id) {
    REQUIRE(grouping->overlay->parent(GroupId{id}) == made.parent(GroupId{id}));
  }
  return *std::move(grouping);
}

void make(Fold& fold, const std::string& name, GroupId view, GroupId child) {
  if (fold.state.find_experiment(name) == nullptr) {
    fold.carry_out(model::MakeExperimentCommand{name, {}});
  }
  model::Regrouping links;
  links.merges.add(view, child);
  fold.carry_out(model::AddToExperimentCommand{name, "", links});
}

}  // namespace

TEST_CASE("overlays are kept while nothing changes, and follow what does") {
  Fold fold = fold_with_groups(kShop, 6);
  std::vector<GroupId> regrouped;
  OverlayCache cache;
  const auto id = [&](uint32_t number) { return fold.id(kShop, number); };
  make(fold, "try", id(1), id(2));
  const auto first = current(cache, fold, regrouped, "try");
  CHECK(current(cache, fold, regrouped, "try").overlay == first.overlay);
  // New groups and fingerprints; what was handed out stays as it was.
  fold.see(kShop, {"f9"}, 300);
  const auto second = current(cache, fold, regrouped, "try");
  CHECK(first.roots->size() == 7);
  CHECK(second.roots->size() == 8);
  CHECK(first.overlay->group_count() == 6);
  // Another step, another base.
  make(fold, "try", id(3), id(4));
  current(cache, fold, regrouped, "try");
  fold.merge(kShop, 5, {1});
  regrouped.push_back(id(1));
  CHECK(model::Forest(fold.state, current(cache, fold, regrouped, "try").overlay.get())
            .root_of(id(2)) == id(5));
  // Dropped and made anew it is another one.
  fold.carry_out(model::DropExperimentCommand{"try"});
  CHECK(cache.current(fold.state, regrouped, Lsn{fold.lsn}, "try").error().code ==
        ErrorCode::NotFound);
  make(fold, "try", id(6), id(3));
  CHECK(current(cache, fold, regrouped, "try").overlay->parent(id(3)) == id(6));
}

TEST_CASE("an older state that is still read has an overlay of its own") {
  Fold fold = fold_with_groups(kShop, 4);
  make(fold, "try", fold.id(kShop, 1), fold.id(kShop, 2));
  OverlayCache cache;
  const model::State older = fold.state;
  const Lsn then{fold.lsn};
  fold.see(kShop, {"f9"}, 300);
  make(fold, "try", fold.id(kShop, 3), fold.id(kShop, 4));
  const auto newest = current(cache, fold, {}, "try");
  const auto grouping = cache.current(older, {}, then, "try");
  REQUIRE(grouping.ok());
  CHECK(grouping->overlay->group_count() == 4);
  CHECK(grouping->roots->size() == 5);
  CHECK(grouping->overlay->parent(fold.id(kShop, 4)) == GroupId{});
  CHECK(current(cache, fold, {}, "try").overlay == newest.overlay);
}

TEST_CASE("only those asked for last are kept") {
  Fold fold = fold_with_groups(kShop, 3);
  OverlayCache cache;
  for (size_t i = 0; i <= OverlayCache::kKept; ++i) {
    make(fold, fmt::format("e{}", i), fold.id(kShop, 1), fold.id(kShop, 2));
  }
  const auto first = current(cache, fold, {}, "e0");
  for (size_t i = 1; i <= OverlayCache::kKept; ++i) current(cache, fold, {}, fmt::format("e{}", i));
  CHECK(current(cache, fold, {}, "e0").overlay != first.overlay);
}
