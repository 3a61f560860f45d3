#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "model/command.h"
#include "support/fold.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

Regrouping merge_of(GroupId view, std::vector<GroupId> children) {
  Regrouping out;
  out.merges.add(view, children);
  return out;
}

Error refused(const State& state, const Command& command) {
  auto decided = decide(state, command);
  REQUIRE_FALSE(decided.ok());
  return decided.error();
}

bool says(const Error& error, std::string_view what) {
  INFO(error.message);
  return error.message.find(what) != std::string::npos;
}

// An experiment that merges 2 into 1 and 4 into 3.
Fold with_experiment() {
  Fold fold = fold_with_groups(kShop, 6);
  const auto id = [&](uint32_t number) { return fold.id(kShop, number); };
  fold.carry_out(MakeExperimentCommand{"try", {}});
  Regrouping links;
  links.merges.add(id(1), id(2));
  links.merges.add(id(3), id(4));
  fold.carry_out(AddToExperimentCommand{"try", "rule", links});
  return fold;
}

}  // namespace

TEST_CASE("names of experiments are checked, and taken once") {
  Fold fold = with_experiment();
  CHECK(says(refused(fold.state, MakeExperimentCommand{"", {}}), "is no name"));
  CHECK(says(refused(fold.state, MakeExperimentCommand{"a b", {}}), "is no name"));
  CHECK(says(refused(fold.state, MakeExperimentCommand{std::string(65, 'x'), {}}), "is no name"));
  CHECK(refused(fold.state, MakeExperimentCommand{"try", {}}).code == ErrorCode::Conflict);
  CHECK(says(refused(fold.state, DropExperimentCommand{"tri"}), "there is try"));
  CHECK(refused(fold.state, PromoteCommand{"tri", false}).code == ErrorCode::NotFound);
}

TEST_CASE("a thousand experiments, and a limit") {
  Fold fold = fold_with_groups(kShop, 2);
  for (size_t i = 0; i < kMaxExperiments; ++i) {
    fold.apply(ExperimentMade{fmt::format("e{}", i), {}});
  }
  const Error error = refused(fold.state, MakeExperimentCommand{"one-more", {}});
  CHECK(error.code == ErrorCode::Exhausted);
}

TEST_CASE("links of other projects, of nobody or of itself are refused") {
  Fold fold = with_experiment();
  fold.see(kApi, {"g"}, 10);
  const auto add = [&](Regrouping links) {
    return refused(fold.state, AddToExperimentCommand{"try", "", std::move(links)});
  };
  CHECK(says(add(merge_of(fold.id(kShop, 1), {fold.id(kApi, 1)})), "different projects"));
  CHECK(says(add(merge_of(fold.id(kShop, 1), {GroupId{99}})), "no issue with id 99"));
  CHECK(says(add(merge_of(fold.id(kShop, 1), {fold.id(kShop, 1)})), "into itself"));
}

TEST_CASE("links that no record could hold are refused") {
  Fold fold = with_experiment();
  const auto id = [&](uint32_t number) { return fold.id(kShop, number); };
  for (const Regrouping& links :
       {merge_of(id(1), {id(5), id(6), id(5)}), merge_of(id(1), {}), merge_of(GroupId{99}, {})}) {
    const Error error = refused(fold.state, AddToExperimentCommand{"try", "", links});
    CHECK((says(error, "P5-5 is named twice") || says(error, "at least one other issue") ||
           says(error, "no issue with id 99")));
    CHECK(refused(fold.state, RegroupCommand{RegroupCause::Sweep, "", links}).code == error.code);
  }
}

TEST_CASE("what is promoted is what the experiment shows, once") {
  Fold fold = with_experiment();
  CHECK(fold.carry_out(PromoteCommand{"try", false}));
  CHECK(fold.state.root_of(fold.id(kShop, 2)) == fold.id(kShop, 1));
  CHECK(fold.state.root_of(fold.id(kShop, 4)) == fold.id(kShop, 3));
  CHECK(fold.state.find_experiment("try")->promoted == Lsn{fold.lsn});
  CHECK_FALSE(fold.carry_out(PromoteCommand{"try", false}));
}

TEST_CASE("a base that moved on is a conflict with a list, unless rebased") {
  Fold fold = with_experiment();
  fold.merge(kShop, 5, {4});
  const Error error = refused(fold.state, PromoteCommand{"try", false});
  CHECK(error.code == ErrorCode::Conflict);
  CHECK(says(error, "P5-4 into P5-3; P5-4 is shown within P5-5 now"));
  CHECK(fold.carry_out(PromoteCommand{"try", true}));
  CHECK(fold.state.root_of(fold.id(kShop, 4)) == fold.id(kShop, 3));
  CHECK(fold.state.root_of(fold.id(kShop, 5)) == fold.id(kShop, 3));
}

TEST_CASE("what a person did of it already is no conflict") {
  Fold fold = with_experiment();
  fold.merge(kShop, 1, {2});
  CHECK(fold.carry_out(PromoteCommand{"try", false}));
  CHECK(fold.state.root_of(fold.id(kShop, 4)) == fold.id(kShop, 3));
}

TEST_CASE("a sweep that does not fit any more is refused, one that finds nothing does nothing") {
  Fold fold = with_experiment();
  const auto id = [&](uint32_t number) { return fold.id(kShop, number); };
  const RegroupCommand sweep{RegroupCause::Sweep, "rule", merge_of(id(1), {id(2)})};
  fold.merge(kShop, 5, {2});
  CHECK(refused(fold.state, sweep).code == ErrorCode::Conflict);
  CHECK_FALSE(fold.carry_out(RegroupCommand{RegroupCause::Sweep, "rule", {}}));
}
