#include "support/fold.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

void check_damaged(const Result<void>& result, std::string_view what) {
  INFO(what);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == ErrorCode::Corruption);
  CHECK(result.error().message ==
        "the index holds " + std::string(what) + "; run rebuild to make it anew from the log");
}

Group leaf(uint32_t id, uint32_t number, ProjectId project = kShop) {
  Group group;
  group.id = GroupId{id};
  group.project = project;
  group.number = number;
  group.created = Lsn{id};
  return group;
}

Fingerprint print(uint32_t id, const std::string& value, uint32_t group) {
  Fingerprint out;
  out.id = FingerprintId{id};
  out.project = kShop;
  out.value = value;
  out.leaf = GroupId{group};
  return out;
}

// Project P5 that should have `groups` groups.
State with_project(uint32_t groups) {
  State state;
  REQUIRE(state.restore_project({kShop, "P5", FingerprintPolicy::First, groups}).ok());
  return state;
}

// Groups 1 .. n of project 5, edited before they are restored; each owns one fingerprint.
template <class Edit>
State with_groups(uint32_t n, Edit edit) {
  State state = with_project(n);
  std::vector<Group> groups;
  for (uint32_t i = 1; i <= n; ++i) {
    groups.push_back(leaf(i, i));
    groups.back().fingerprints = {FingerprintId{i}};
  }
  edit(groups);
  for (Group& group : groups) REQUIRE(state.restore_group(group).ok());
  for (uint32_t i = 1; i <= n; ++i) {
    REQUIRE(state.restore_fingerprint(print(i, "f" + std::to_string(i), i)).ok());
  }
  return state;
}

void hide(std::vector<Group>& groups, uint32_t child, uint32_t view) {
  groups[child - 1].parent = GroupId{view};
  groups[child - 1].merged_at = Lsn{99};
  groups[view - 1].children.push_back(GroupId{child});
}

}  // namespace

TEST_CASE("each record marks what it changes as dirty") {
  Fold fold;
  const State& state = fold.state;
  CHECK_FALSE(state.dirty_registry());
  fold.apply(StoreCreated{uuid_of(1)});
  CHECK(state.dirty_registry());
  fold.state.clear_dirty();
  fold.apply(TypesChanged{true, {}});
  CHECK(state.dirty_registry());
  fold.state.clear_dirty();
  CHECK_FALSE(state.dirty_registry());

  fold.see(kShop, {"a"}, 1);  // ticks are counted from the first record that has a time
  CHECK(state.dirty_registry());
  fold.state.clear_dirty();
  fold.see(kShop, {"a"}, 1);
  fold.see(kApi, {"b"}, 1);
  fold.see(kShop, {"c"}, 1);
  CHECK(state.dirty_projects() == std::vector<ProjectId>{kShop, kApi});
  CHECK(state.dirty_groups() == std::vector<GroupId>{GroupId{1}, GroupId{2}, GroupId{3}});
  CHECK(state.dirty_fingerprints().size() == 3);
  CHECK_FALSE(state.dirty_registry());

  fold.state.clear_dirty();
  CHECK(state.dirty_projects().empty());
  CHECK(state.dirty_groups().empty());
  CHECK(state.dirty_fingerprints().empty());

  fold.see(kShop, {"c"}, 1);
  CHECK(state.dirty_projects().empty());
  CHECK(state.dirty_groups() == std::vector<GroupId>{GroupId{3}});
  CHECK(state.dirty_fingerprints() == std::vector<FingerprintId>{FingerprintId{3}});

  fold.see(kApi, {"new"}, 1);  // the project's last number
  CHECK(state.dirty_projects() == std::vector<ProjectId>{kApi});

  fold.state.clear_dirty();
  fold.merge(kShop, 1, {2});
  CHECK(state.dirty_groups() == std::vector<GroupId>{GroupId{1}, GroupId{3}});
  fold.state.clear_dirty();
  fold.unmerge(kShop, 1, {2});
  CHECK(state.dirty_groups() == std::vector<GroupId>{GroupId{1}, GroupId{3}});
  fold.state.clear_dirty();
  fold.apply(ActivityAdded{kShop, 1, "note", "{}"});
  CHECK(state.dirty_groups().empty());
  fold.apply(ProjectChanged{kApi, "API", {}});
  CHECK(state.dirty_projects() == std::vector<ProjectId>{kApi});
  CHECK(state.dirty_groups().empty());
}

TEST_CASE("a restored state goes on as the state would") {
  Fold fold = fold_with_groups(kShop, 5);
  fold.merge(kShop, 2, {1, 4});
  fold.apply(TypesChanged{true, {GroupType{.id = 8, .slug = "own"}}});
  Fold copy;
  copy.lsn = fold.lsn;
  copy.next_id = fold.next_id;
  copy.state.restore_registry(fold.state.store_id(), true, {GroupType{.id = 8, .slug = "own"}},
                              fold.state.last_tick());
  REQUIRE(copy.state.restore_project(*fold.state.project(kShop)).ok());
  for (uint32_t n = 1; n <= 5; ++n)
    REQUIRE(copy.state.restore_group(fold.state.group(GroupId{n})).ok());
  for (uint32_t n = 1; n <= 5; ++n) {
    REQUIRE(copy.state.restore_fingerprint(fold.state.fingerprint(FingerprintId{n})).ok());
  }
  REQUIRE(copy.state.finish_restore().ok());
  CHECK(copy.state.replay_digest() == fold.state.replay_digest());
  CHECK(copy.state.dirty_groups().empty());
  for (Fold* one : {&fold, &copy}) {
    one->see(kShop, {"f3"}, 1000);
    one->see(kShop, {"new"}, 1001);
    one->unmerge(kShop, 2, {1});
  }
  CHECK(copy.state.replay_digest() == fold.state.replay_digest());
}

TEST_CASE("restore refuses projects that are not as they should be") {
  State state = with_project(0);
  check_damaged(state.restore_project({kShop, "Q", FingerprintPolicy::First, 0}),
                "project 5 out of order");
  check_damaged(state.restore_project({ProjectId{4}, "Q", FingerprintPolicy::First, 0}),
                "project 4 out of order");
  check_damaged(state.restore_project({kApi, "p5", FingerprintPolicy::First, 0}),
                "two projects with the slug p5");
  check_damaged(state.restore_project({kApi, "", FingerprintPolicy::First, 0}),
                "project 7 with a bad slug ''");
}

TEST_CASE("restore refuses groups that are not as they should be") {
  State state = with_project(2);
  check_damaged(state.restore_group(leaf(2, 1)), "group 2 where 1 belongs");
  check_damaged(state.restore_group(leaf(1, 1, kApi)),
                "group 1 of project 7, which does not exist");
  check_damaged(state.restore_group(leaf(1, 2)),
                "group 1 with number 2 of project 5, where 1 of 2 belongs");
  Group odd = leaf(1, 1);
  odd.parent = GroupId{2};
  check_damaged(state.restore_group(odd), "group 1 that is neither hidden nor visible");
  odd.parent = GroupId{};
  odd.merged_at = Lsn{3};
  check_damaged(state.restore_group(odd), "group 1 that is neither hidden nor visible");
  odd.parent = GroupId{1};
  check_damaged(state.restore_group(odd), "group 1 that is neither hidden nor visible");
  REQUIRE(state.restore_group(leaf(1, 1)).ok());
  check_damaged(state.restore_group(leaf(1, 2)), "group 1 where 2 belongs");
  REQUIRE(state.restore_group(leaf(2, 2)).ok());
  check_damaged(state.restore_group(leaf(3, 3)),
                "group 3 with number 3 of project 5, where 3 of 2 belongs");
}

TEST_CASE("restore refuses fingerprints that are not as they should be") {
  State state = with_project(1);
  REQUIRE(state.restore_group(leaf(1, 1)).ok());
  check_damaged(state.restore_fingerprint(print(2, "a", 1)), "fingerprint 2 where 1 belongs");
  REQUIRE(state.restore_fingerprint(print(1, "a", 1)).ok());
  REQUIRE(state.restore_fingerprint(print(2, "a", 1)).ok());
  check_damaged(state.finish_restore(), "fingerprint 2 twice");
}

TEST_CASE("the check after the last restore finds references that do not agree") {
  using Groups = std::vector<Group>;
  CHECK(with_groups(4, [](Groups& g) { hide(g, 2, 1), hide(g, 1, 3); }).finish_restore().ok());
  check_damaged(with_groups(2, [](Groups& g) { g[0].children = {GroupId{2}}; }).finish_restore(),
                "group 2 as a child of 1, but not the other way round");
  check_damaged(with_groups(2, [](Groups& g) { g[0].children = {GroupId{9}}; }).finish_restore(),
                "group 9 as a child of 1, but not the other way round");
  check_damaged(
      with_groups(2, [](Groups& g) { hide(g, 2, 1), g[0].children.clear(); }).finish_restore(),
      "the hidden group 2, which no view lists");
  check_damaged(with_groups(3,
                            [](Groups& g) {
                              hide(g, 2, 1), hide(g, 3, 1);
                              g[0].children = {GroupId{2}, GroupId{2}};
                            })
                    .finish_restore(),
                "group 2 as a child of 1, but not the other way round");
  check_damaged(with_groups(2, [](Groups& g) { hide(g, 2, 1), hide(g, 1, 2); }).finish_restore(),
                "groups merged into one another in a circle");
  check_damaged(
      with_groups(2, [](Groups& g) { g[0].fingerprints = {FingerprintId{2}}; }).finish_restore(),
      "fingerprint 2 in group 1, but not the other way round");
  check_damaged(
      with_groups(2, [](Groups& g) { g[0].fingerprints = {FingerprintId{0}}; }).finish_restore(),
      "fingerprint 0 in group 1, but not the other way round");
  check_damaged(with_groups(2, [](Groups& g) { g[0].fingerprints.clear(); }).finish_restore(),
                "a fingerprint that its group does not list");
  for (const uint32_t group : {0u, 2u}) {
    State stray = with_project(1);
    REQUIRE(stray.restore_group(leaf(1, 1)).ok());
    REQUIRE(stray.restore_fingerprint(print(1, "a", group)).ok());
    check_damaged(stray.finish_restore(), "a fingerprint that its group does not list");
  }
  State foreign = with_project(1);
  Group owner = leaf(1, 1);
  owner.fingerprints = {FingerprintId{1}};
  REQUIRE(foreign.restore_group(owner).ok());
  Fingerprint print_of_api = print(1, "a", 1);
  print_of_api.project = kApi;
  REQUIRE(foreign.restore_fingerprint(print_of_api).ok());
  check_damaged(foreign.finish_restore(), "fingerprint 1 in group 1, but not the other way round");
  State fewer = with_project(2);
  REQUIRE(fewer.restore_group(leaf(1, 1)).ok());
  check_damaged(fewer.finish_restore(), "1 groups of project 5 instead of 2");
}
