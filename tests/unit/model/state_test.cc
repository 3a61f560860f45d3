#include "model/state.h"

#include "support/fold.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

std::vector<uint32_t> numbers(const std::vector<GroupId>& ids) {
  std::vector<uint32_t> out;
  for (const GroupId id : ids) out.push_back(raw(id));
  return out;
}

void check_refused(const State& state, std::string_view reference, ErrorCode code,
                   std::string_view message) {
  INFO(reference);
  const Result<GroupId> found = state.find_issue(reference);
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().code == code);
  CHECK(found.error().message == message);
}

}  // namespace

TEST_CASE("an empty state knows nothing") {
  const State state;
  CHECK(state.group_count() == 0);
  CHECK(state.fingerprint_count() == 0);
  CHECK(state.project(kShop) == nullptr);
  CHECK(state.find_project("P5") == nullptr);
  CHECK(state.find_group(kShop, 1) == nullptr);
  CHECK(state.find_fingerprint(kShop, "a") == nullptr);
  CHECK(state.roots_by_fingerprint() == std::vector<GroupId>{GroupId{}});
  check_refused(state, "SHOP-1", ErrorCode::NotFound,
                "no project shop: this store has no projects yet");
  check_refused(state, "1", ErrorCode::NotFound, "no issue with id 1: this store has 0 issues");
}

TEST_CASE("types: set ones before known ones before unknown ones") {
  Fold fold;
  CHECK(fold.state.type(1).slug == "error");
  CHECK(fold.state.type(9001).slug == "type-9001");
  CHECK(fold.state.type_registered(1));
  CHECK_FALSE(fold.state.type_registered(9001));
  fold.apply(TypesChanged{
      {}, {GroupType{.id = 1, .slug = "crash"}, GroupType{.id = 9001, .slug = "log_line"}}});
  CHECK(fold.state.type(1).slug == "crash");
  CHECK(fold.state.type(9001).slug == "log_line");
  CHECK(fold.state.type_registered(9001));
  CHECK(fold.state.types_set().size() == 2);
}

TEST_CASE("groups and fingerprints are found by their names") {
  Fold fold = fold_with_groups(kShop, 3);
  fold.see(kApi, {"f1"}, 200);
  CHECK(raw(fold.id(kShop, 3)) == 3);
  CHECK(raw(fold.id(kApi, 1)) == 4);
  CHECK(fold.state.find_group(kShop, 0) == nullptr);
  CHECK(fold.state.find_group(kShop, 4) == nullptr);
  CHECK(fold.state.find_group(ProjectId{6}, 1) == nullptr);
  REQUIRE(fold.state.find_fingerprint(kApi, "f1") != nullptr);
  CHECK(raw(fold.state.find_fingerprint(kApi, "f1")->leaf) == 4);
  CHECK(raw(fold.state.find_fingerprint(kShop, "f1")->leaf) == 1);
  CHECK(fold.state.find_fingerprint(kApi, "f2") == nullptr);
  CHECK(fold.state.short_id(fold.id(kApi, 1)) == "P7-1");
  REQUIRE(fold.state.find_project("p7") != nullptr);
  CHECK(fold.state.find_project("p7")->id == kApi);
}

TEST_CASE("the forest: roots, members and totals") {
  // 1 <- {2 <- {3, 4}, 5}, 6 alone
  Fold fold = fold_with_groups(kShop, 6);
  fold.see(kShop, {"f4"}, 50);
  fold.see(kShop, {"f3"}, 900);
  fold.merge(kShop, 2, {3, 4});
  fold.merge(kShop, 1, {2, 5});
  const State& state = fold.state;
  for (const uint32_t n : {1u, 2u, 3u, 4u, 5u}) CHECK(raw(state.root_of(GroupId{n})) == 1);
  CHECK(raw(state.root_of(GroupId{6})) == 6);
  CHECK(numbers(state.members(GroupId{1})) == std::vector<uint32_t>{1, 2, 3, 4, 5});
  CHECK(numbers(state.members(GroupId{2})) == std::vector<uint32_t>{2, 3, 4});
  CHECK(numbers(state.members(GroupId{6})) == std::vector<uint32_t>{6});
  CHECK(numbers(state.roots_by_fingerprint()) == std::vector<uint32_t>{0, 1, 1, 1, 1, 1, 6});

  const Totals all = state.totals(GroupId{1});
  CHECK(all.times_seen == 7);
  CHECK(all.first_seen == at_second(50));
  CHECK(all.last_seen == at_second(900));
  const Totals leaf = state.totals(GroupId{6});
  CHECK(leaf.times_seen == 1);
  CHECK(leaf.first_seen == at_second(106));
  CHECK(leaf.last_seen == at_second(106));
}

TEST_CASE("a very deep chain of views costs no stack and no quadratic walk") {
  constexpr uint32_t kDepth = 50'000;
  Fold fold = fold_with_groups(kShop, kDepth);
  for (uint32_t n = 1; n < kDepth; ++n) fold.merge(kShop, n + 1, {n});
  CHECK(raw(fold.state.root_of(GroupId{1})) == kDepth);
  CHECK(fold.state.members(GroupId{kDepth}).size() == kDepth);
  CHECK(fold.state.totals(GroupId{kDepth}).times_seen == kDepth);
  const std::vector<GroupId> roots = fold.state.roots_by_fingerprint();
  CHECK(std::all_of(roots.begin() + 1, roots.end(), [](GroupId id) { return raw(id) == kDepth; }));
  CHECK(fold.state.finish_restore().ok());
}

TEST_CASE("issues are found by short id and by id") {
  Fold fold = fold_with_groups(kShop, 40);
  fold.apply(ProjectChanged{kShop, "My-Web_Shop", {}});
  for (const std::string_view reference :
       {"My-Web_Shop-12", "my-web_shop-12", "issue:MY-WEB_SHOP-12", "my-web_shop_12",
        "my-web_shop 12", " ISSUE: my-web_shop-L2 ", "34", "#34", "issue:34", " 34"}) {
    INFO(reference);
    const Result<GroupId> found = fold.state.find_issue(reference);
    REQUIRE(found.ok());
    CHECK(raw(found.value()) == 34);
  }
}

TEST_CASE("an issue that is not there: the message tells what is") {
  Fold fold = fold_with_groups(kShop, 40);
  fold.apply(ProjectChanged{kShop, "SHOP", {}});
  const State& state = fold.state;
  check_refused(state, "shop-3k", ErrorCode::NotFound,
                "no issue SHOP-3K: the newest issue of the project is SHOP-18");
  check_refused(state, "SHOP-0", ErrorCode::NotFound,
                "no issue SHOP-0: the newest issue of the project is SHOP-18");
  check_refused(state, "SHPO-1", ErrorCode::NotFound, "no project shpo: there is SHOP");
  check_refused(state, "41", ErrorCode::NotFound, "no issue with id 41: this store has 40 issues");
  check_refused(state, "#0", ErrorCode::NotFound, "no issue with id 0: this store has 40 issues");
  for (const std::string_view bad :
       {"", "SHOP", "#SHOP-1", "99999999999999999999", "-1", "SHOP-U"}) {
    check_refused(state, bad, ErrorCode::InvalidArgument,
                  "'" + std::string(bad) +
                      "' names no issue: write a short id such as SHOP-3K, or an id such as 123");
  }
  for (uint64_t n = 10; n < 16; ++n) fold.see(ProjectId{n}, {"a"}, 1);
  check_refused(state, "SHPO-1", ErrorCode::NotFound,
                "no project shpo: there is SHOP, P10, P11, P12, P13 and 2 more");
}
