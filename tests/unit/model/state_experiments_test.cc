// Experiments and regroupings in the fold.
#include <catch2/catch.hpp>

#include "model/forest.h"
#include "support/fold.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

Regrouping merges(std::vector<std::pair<GroupId, GroupId>> links) {
  Regrouping out;
  for (const auto& [view, child] : links) out.merges.add(view, child);
  return out;
}

}  // namespace

TEST_CASE("an experiment is made, added to, dropped; what is stays what it is") {
  Fold fold = fold_with_groups(kShop, 4);
  const auto id = [&](uint32_t number) { return fold.id(kShop, number); };
  const Hash128 before = fold.state.state_digest();
  const Hash128 replay_before = fold.state.replay_digest();
  CHECK(fold.carry_out(MakeExperimentCommand{"coarse", Lsn{2}}));
  CHECK(fold.carry_out(AddToExperimentCommand{"coarse", "by hand", merges({{id(1), id(2)}})}));
  CHECK(fold.carry_out(AddToExperimentCommand{"coarse", "again", merges({{id(3), id(4)}})}));
  const Experiment* made = fold.state.find_experiment("coarse");
  REQUIRE(made != nullptr);
  CHECK(made->at == Lsn{2});
  REQUIRE(made->steps.size() == 2);
  CHECK(made->steps[1].rule == "again");
  CHECK(made->steps[1].facts == merges({{id(3), id(4)}}));
  CHECK(fold.state.experiment_words() == 6);
  CHECK(fold.state.state_digest() == before);
  CHECK(fold.state.replay_digest() != replay_before);
  CHECK(fold.state.root_of(id(2)) == id(2));
  CHECK(fold.carry_out(DropExperimentCommand{"coarse"}));
  CHECK(fold.state.experiments().empty());
  CHECK(fold.state.experiment_words() == 0);
  CHECK(fold.state.state_digest() == before);
  CHECK(fold.state.replay_digest() == replay_before);
}

TEST_CASE("records about experiments that are not there do not fit") {
  Fold fold = fold_with_groups(kShop, 2);
  CHECK_FALSE(fold.try_apply(ExperimentAdded{"x", "", {}, {}}).ok());
  CHECK_FALSE(fold.try_apply(ExperimentDropped{"x"}).ok());
  CHECK_FALSE(fold.try_apply(ExperimentMade{"no name", {}}).ok());
  fold.apply(ExperimentMade{"x", {}});
  CHECK_FALSE(fold.try_apply(ExperimentMade{"x", {}}).ok());
  CHECK_FALSE(fold.try_apply(ExperimentAdded{"x", "", {}, {{kShop, 1, {9}}}}).ok());
}

TEST_CASE("a regrouping cuts, then merges, all or nothing") {
  Fold fold = fold_with_groups(kShop, 5);
  fold.merge(kShop, 1, {2, 3});
  const Hash128 before = fold.state.replay_digest();
  // The last link does not fit: 4 is below 5 by then.
  CHECK_FALSE(
      fold.try_apply(Regrouped{RegroupCause::Sweep, "", {}, {{kShop, 5, {4}}, {kShop, 1, {4}}}})
          .ok());
  CHECK_FALSE(fold.try_apply(Regrouped{RegroupCause::Sweep, "", {{kShop, 4, {2}}}, {}}).ok());
  CHECK_FALSE(
      fold.try_apply(Regrouped{RegroupCause::Sweep, "", {}, {{kShop, 4, {5}}, {kShop, 5, {4}}}})
          .ok());
  CHECK(fold.state.replay_digest() == before);
  const Applied applied = fold.apply(
      Regrouped{RegroupCause::Sweep, "", {{kShop, 1, {2}}}, {{kShop, 2, {1}}, {kShop, 2, {4}}}});
  const auto id = [&](uint32_t number) { return fold.id(kShop, number); };
  CHECK(fold.state.members(id(2)) == std::vector<GroupId>{id(2), id(1), id(3), id(4)});
  CHECK(fold.state.group(id(1)).merged_at == Lsn{fold.lsn});
  CHECK(applied.touched == std::vector<GroupId>{id(1), id(2), id(4)});
}

TEST_CASE("experiments that changed are told, with the rows they had") {
  Fold fold = fold_with_groups(kShop, 3);
  const auto id = [&](uint32_t number) { return fold.id(kShop, number); };
  fold.carry_out(MakeExperimentCommand{"a", {}});
  fold.carry_out(AddToExperimentCommand{"a", "", merges({{id(1), id(2)}})});
  REQUIRE(fold.state.dirty_experiments().size() == 1);
  CHECK(fold.state.dirty_experiments().at("a").rows_before == 0);
  fold.state.clear_dirty();
  fold.carry_out(AddToExperimentCommand{"a", "", merges({{id(1), id(3)}})});
  CHECK(fold.state.dirty_experiments().at("a").rows_before == 2);
  CHECK(fold.state.dirty_experiments().at("a").first_step == 1);
  // Dropped and made anew, it still has the rows of before.
  fold.carry_out(DropExperimentCommand{"a"});
  fold.carry_out(MakeExperimentCommand{"a", {}});
  CHECK(fold.state.dirty_experiments().at("a").rows_before == 2);
  CHECK(fold.state.dirty_experiments().at("a").first_step == 0);
}
