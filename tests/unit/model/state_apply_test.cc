#include <set>

#include "base/hash.h"
#include "model/forest.h"
#include "model/rules.h"
#include "support/fold.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

void check_misfit(Fold& fold, const RecordBody& body, std::string_view what) {
  INFO(what);
  const Hash128 before = fold.state.replay_digest();
  const Result<Applied> result = fold.try_apply(body);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == ErrorCode::Corruption);
  CHECK_THAT(result.error().message,
             Catch::StartsWith("record " + std::to_string(fold.lsn + 1) +
                               " does not fit the state before it: " + std::string(what) + ". "));
  CHECK(fold.state.replay_digest() == before);
}

std::vector<uint32_t> ids(std::span<const GroupId> groups) {
  std::vector<uint32_t> out;
  for (const GroupId id : groups) out.push_back(raw(id));
  return out;
}

using Ids = std::vector<uint32_t>;

}  // namespace

TEST_CASE("the first occurrence makes the project, the fingerprint and the group") {
  Fold fold;
  Occurrence first = occurrence(kShop, {"a", "coarse"}, 1000, 1);
  first.type = 1001;
  first.assignee = "team:4";
  const Applied applied = fold.apply(first, 2000);
  CHECK(raw(applied.decided_by) == 1);
  CHECK(ids(applied.touched) == Ids{1});
  CHECK(*fold.state.project(kShop) == Project{kShop, "P5", FingerprintPolicy::First, 1});

  Group expected;
  expected.id = GroupId{1};
  expected.project = kShop;
  expected.number = 1;
  expected.type = 1001;
  expected.level = Level::Error;
  expected.priority = expected.initial_priority = 25;  // of the type
  expected.status = Status::Unresolved;
  expected.substatus = Substatus::New;
  expected.title = "Error in a";
  expected.culprit = "shop.checkout";
  expected.assignee = "team:4";
  expected.first_seen = expected.last_seen = at_second(1000);
  expected.times_seen = 1;
  expected.status_since = at_second(2000);
  expected.created = Lsn{1};
  expected.fingerprints = {FingerprintId{1}};
  CHECK(fold.group(kShop, 1) == expected);

  const Fingerprint& decided = fold.state.fingerprint(FingerprintId{1});
  CHECK(decided.value == "a");
  CHECK(decided.project == kShop);
  CHECK(raw(decided.leaf) == 1);
  CHECK(decided.occurrences == 1);
  CHECK(decided.membership != Hash128{});
  CHECK(fold.state.fingerprint_count() == 1);  // coarser levels are no fingerprints of groups
}

TEST_CASE("a priority of the occurrence's own goes before the type's") {
  Fold fold;
  Occurrence urgent = occurrence(kShop, {"a"}, 1000, 1);
  urgent.priority = 75;
  fold.apply(urgent);
  CHECK(fold.group(kShop, 1).priority == 75);
  urgent.priority = 25;
  fold.apply(urgent);
  CHECK(fold.group(kShop, 1).priority == 75);  // and is not changed later
  fold.apply(TypesChanged{{}, {GroupType{.id = 8, .slug = "own", .default_priority = 75}}});
  Occurrence typed = occurrence(kShop, {"b"}, 1000, 1);
  typed.type = 8;
  fold.apply(typed);
  CHECK(fold.group(kShop, 2).priority == 75);
}

TEST_CASE("a later occurrence of a known fingerprint updates its group") {
  Fold fold;
  fold.see(kShop, {"a"}, 1000);
  const Hash128 one = fold.state.fingerprint(FingerprintId{1}).membership;
  Occurrence earlier = occurrence(kShop, {"a"}, 900, 77);
  earlier.level_text = "fatal";
  earlier.culprit = "shop.cart";
  earlier.title = "Timeout";
  earlier.type = 9001;
  earlier.assignee = "user:1";
  const Applied applied = fold.apply(earlier, 5000);
  CHECK(raw(applied.decided_by) == 1);
  CHECK(applied.touched.empty());
  const Group& group = fold.group(kShop, 1);
  CHECK(group.times_seen == 2);
  CHECK(group.first_seen == at_second(900));
  CHECK(group.last_seen == at_second(1000));
  CHECK(group.level == Level::Fatal);
  CHECK(group.culprit == "shop.cart");
  CHECK(group.title == "Timeout");
  CHECK(group.type == 1);
  CHECK(group.assignee.empty());
  CHECK(group.status_since == at_second(1000));
  CHECK(fold.state.fingerprint(FingerprintId{1}).occurrences == 2);
  CHECK(fold.state.fingerprint(FingerprintId{1}).membership != one);
  earlier.culprit.reset();
  fold.apply(earlier);
  CHECK(fold.group(kShop, 1).culprit.empty());
}

TEST_CASE("the release of the earliest occurrence, of equally early ones of the first to arrive") {
  Fold fold;
  const auto see = [&](const char* fingerprint, int64_t second, const std::string& release) {
    Occurrence o = occurrence(kShop, {fingerprint}, second, fold.next_id++);
    o.event = release.empty() ? "{}" : R"({"release":")" + release + "\"}";
    fold.apply(o, 5000);
  };
  const auto first = [&](uint32_t number) {
    return std::string(Forest(fold.state).first_release(fold.id(kShop, number)));
  };
  see("a", 1000, "2.0");
  CHECK(first(1) == "2.0");
  see("a", 1001, "2.1");
  see("a", 1000, "1.9");
  CHECK(first(1) == "2.0");
  see("a", 999, "1.8");
  CHECK(first(1) == "1.8");
  see("b", 998, "");
  CHECK(first(2).empty());
  fold.merge(kShop, 1, {2});
  CHECK(first(1).empty());
  CHECK(first(2).empty());
  see("b", 997, "1.7");
  CHECK(first(1) == "1.7");
  fold.unmerge(kShop, 1, {2});
  CHECK(first(1) == "1.8");
  CHECK(first(2) == "1.7");
}

TEST_CASE("a title that says nothing never replaces one that says something") {
  Fold fold;
  Occurrence seen = occurrence(kShop, {"a"}, 1000, 1);
  const auto title_after = [&](std::optional<std::string> title,
                               std::optional<std::string> culprit) {
    seen.title = std::move(title);
    seen.culprit = std::move(culprit);
    fold.apply(seen);
    return fold.group(kShop, 1).title;
  };
  CHECK(title_after({}, {}) == "<untitled>");
  CHECK(title_after("", "") == "<untitled>");
  CHECK(title_after("", "shop.cart") == "shop.cart");
  CHECK(title_after({}, "shop.other") == "shop.cart");
  CHECK(title_after("Timeout", "shop.cart") == "Timeout");
  CHECK(title_after("<untitled>", "x") == "Timeout");
  CHECK(title_after({}, "x") == "Timeout");
  CHECK(title_after("Reset", {}) == "Reset");
}

TEST_CASE("policy first: only the first entry decides") {
  Fold fold;
  fold.see(kShop, {"a", "c"}, 1);
  fold.see(kShop, {"b", "a"}, 2);
  fold.see(kShop, {"c", "b"}, 3);
  CHECK(fold.state.group_count() == 3);
  CHECK(fold.state.fingerprint_count() == 3);
  fold.see(kShop, {"a", "b"}, 4);
  CHECK(fold.group(kShop, 1).times_seen == 2);
  CHECK(fold.group(kShop, 2).times_seen == 1);
}

TEST_CASE("policy known: the first known entry decides, unknown ones are linked") {
  Fold fold;
  fold.apply(ProjectChanged{kShop, {}, FingerprintPolicy::Known});
  fold.see(kShop, {"a", "c", "a"}, 1);  // none known: a decides, c is linked
  CHECK(fold.state.group_count() == 1);
  CHECK(fold.group(kShop, 1).fingerprints ==
        IdList<FingerprintId>{FingerprintId{1}, FingerprintId{2}});
  CHECK(fold.state.find_fingerprint(kShop, "c")->occurrences == 0);

  const Applied second = fold.see(kShop, {"b", "c", "z"}, 2);  // c decides, b and z are linked
  CHECK(raw(second.decided_by) == raw(fold.state.find_fingerprint(kShop, "c")->id));
  CHECK(fold.state.find_fingerprint(kShop, "c")->occurrences == 1);
  CHECK(raw(fold.state.find_fingerprint(kShop, "b")->leaf) == 1);

  fold.see(kShop, {"x"}, 3);
  fold.see(kShop, {"x", "a", "y"}, 4);  // a is linked elsewhere and left alone
  CHECK(fold.group(kShop, 2).times_seen == 2);
  CHECK(raw(fold.state.find_fingerprint(kShop, "a")->leaf) == 1);
  CHECK(raw(fold.state.find_fingerprint(kShop, "y")->leaf) == 2);
  fold.see(kApi, {"q", "a"}, 5);  // another project: neither known nor of that policy
  CHECK(fold.group(kApi, 1).times_seen == 1);
  CHECK(fold.state.find_fingerprint(kApi, "a") == nullptr);
}

TEST_CASE("an occurrence after the resolution reopens its leaf") {
  Fold fold;
  fold.see(kShop, {"a"}, 100);
  fold.apply(StatusChanged{kShop, 1, Status::Resolved, Substatus::None}, 200);
  CHECK(fold.see(kShop, {"a"}, 200).touched.empty());  // not after it
  CHECK(fold.group(kShop, 1).status == Status::Resolved);

  const Applied applied = fold.apply(occurrence(kShop, {"a"}, 201, 9), 300);
  CHECK(ids(applied.touched) == Ids{1});
  CHECK(fold.group(kShop, 1).status == Status::Unresolved);
  CHECK(fold.group(kShop, 1).substatus == Substatus::Regressed);
  CHECK(fold.group(kShop, 1).status_since == at_second(300));

  fold.apply(StatusChanged{kShop, 1, Status::Ignored, Substatus::Forever}, 400);
  CHECK(fold.see(kShop, {"a"}, 500).touched.empty());  // ignored ones stay so
  CHECK(fold.group(kShop, 1).substatus == Substatus::Forever);
}

TEST_CASE("a child's occurrences never change the own state of the group it is merged into") {
  Fold fold = fold_with_groups(kShop, 2);
  fold.merge(kShop, 1, {2});
  fold.apply(StatusChanged{kShop, 1, Status::Resolved, Substatus::None}, 500);
  fold.see(kShop, {"f2"}, 600);
  CHECK(fold.group(kShop, 1).status == Status::Resolved);
  CHECK(fold.group(kShop, 1).times_seen == 1);
  CHECK(fold.group(kShop, 2).status == Status::Unresolved);
  CHECK(fold.group(kShop, 2).substatus == Substatus::New);
  fold.apply(StatusChanged{kShop, 2, Status::Resolved, Substatus::None}, 700);
  fold.see(kShop, {"f2"}, 800);
  CHECK(fold.group(kShop, 2).substatus == Substatus::Regressed);
  CHECK(fold.group(kShop, 1).status == Status::Resolved);
}

TEST_CASE("workflow records change what they say, and are history of their group") {
  Fold fold = fold_with_groups(kShop, 2);
  CHECK(
      ids(fold.apply(StatusChanged{kShop, 2, Status::Ignored, Substatus::Forever}, 300).touched) ==
      Ids{2});
  CHECK(fold.group(kShop, 2).status == Status::Ignored);
  CHECK(fold.group(kShop, 2).status_since == at_second(300));
  CHECK(ids(fold.apply(Assigned{kShop, 2, "user:3"}).touched) == Ids{2});
  CHECK(fold.group(kShop, 2).assignee == "user:3");
  const Hash128 before = fold.state.replay_digest();
  CHECK(ids(fold.apply(ActivityAdded{kShop, 1, "note", "{}"}).touched) == Ids{1});
  CHECK(fold.state.replay_digest() == before);
  fold.apply(Assigned{kShop, 2, ""});
  CHECK(fold.group(kShop, 2).assignee.empty());
}

TEST_CASE("merge hides, unmerge shows again") {
  Fold fold = fold_with_groups(kShop, 4);
  const Applied merged = fold.apply(Merged{kShop, 3, {4, 1}});
  CHECK(ids(merged.touched) == Ids{3, 4, 1});
  CHECK(merged.decided_by == FingerprintId{});
  CHECK(ids(fold.group(kShop, 3).children) == Ids{4, 1});
  CHECK(fold.group(kShop, 1).parent == fold.id(kShop, 3));
  CHECK(fold.group(kShop, 1).merged_at == Lsn{5});
  fold.merge(kShop, 2, {3});
  const Applied unmerged = fold.apply(Unmerged{kShop, 3, {4}});  // below a hidden view
  CHECK(ids(unmerged.touched) == Ids{3, 4});
  CHECK(fold.group(kShop, 4).parent == GroupId{});
  CHECK(fold.group(kShop, 4).merged_at == Lsn{});
  CHECK(raw(fold.state.root_of(fold.id(kShop, 4))) == 4);
  CHECK(ids(fold.group(kShop, 3).children) == Ids{1});
  CHECK(raw(fold.state.root_of(fold.id(kShop, 1))) == 2);
}

TEST_CASE("projects: a slug and a policy of their own") {
  Fold fold;
  CHECK(fold.apply(ProjectChanged{kShop, "SHOP", FingerprintPolicy::Known}).touched.empty());
  CHECK(*fold.state.project(kShop) == Project{kShop, "SHOP", FingerprintPolicy::Known, 0});
  CHECK(fold.state.find_project("shop") != nullptr);
  CHECK(fold.state.find_project("P5") == nullptr);
  fold.apply(ProjectChanged{kShop, "Shop", {}});
  CHECK(fold.state.project(kShop)->slug == "Shop");
  CHECK(fold.state.project(kShop)->policy == FingerprintPolicy::Known);
  CHECK(fold.state.find_project("SHOP") != nullptr);
  check_misfit(fold, ProjectChanged{kApi, "sHOP", {}}, "project 5 has the slug Shop already");
  check_misfit(fold, ProjectChanged{kApi, "12", {}}, "'12' is no project slug");
  CHECK(fold.state.project(kApi) == nullptr);
}

TEST_CASE("a project whose default slug is taken gets one with a suffix") {
  Fold fold;
  fold.apply(ProjectChanged{kShop, "p7", {}});
  fold.apply(ProjectChanged{ProjectId{9}, "P7x", {}});
  fold.see(kApi, {"a"}, 1);
  CHECK(fold.state.project(kApi)->slug == "P7xx");
  CHECK(raw(fold.state.find_issue("P7xx-1").value()) == 1);
}

TEST_CASE("the store's first record, and only that, gives its id") {
  Fold fold;
  check_misfit(fold, StoreCreated{}, "a store id that is all zero");
  fold.apply(StoreCreated{uuid_of(9)});
  CHECK(fold.state.store_id() == uuid_of(9));
  check_misfit(fold, StoreCreated{uuid_of(9)},
               "the store is created in the first record, and only there");
  Fold used = fold_with_groups(kShop, 1);
  check_misfit(used, StoreCreated{uuid_of(9)},
               "the store is created in the first record, and only there");
}

TEST_CASE("strict types are kept") {
  Fold fold;
  CHECK_FALSE(fold.state.strict_types());
  fold.apply(TypesChanged{true, {}});
  CHECK(fold.state.strict_types());
  fold.apply(TypesChanged{{}, {GroupType{.id = 8, .slug = "own"}}});
  CHECK(fold.state.strict_types());
}

TEST_CASE("records that do not fit are refused and change nothing") {
  Fold fold = fold_with_groups(kShop, 4);
  fold.merge(kShop, 1, {2});
  Occurrence bare = occurrence(kShop, {"a"}, 1, 1);
  bare.fingerprint.clear();
  check_misfit(fold, bare, "an occurrence without fingerprints");
  const std::string unknown = "it names group 5 of project 5, which does not exist";
  check_misfit(fold, StatusChanged{kShop, 5, Status::Resolved, Substatus::None}, unknown);
  check_misfit(fold, Assigned{kShop, 5, ""}, unknown);
  check_misfit(fold, ActivityAdded{kShop, 5, "note", ""}, unknown);
  check_misfit(fold, Merged{kShop, 5, {1}}, unknown);
  check_misfit(fold, Merged{kShop, 3, {4, 5}}, unknown);
  check_misfit(fold, Unmerged{kShop, 5, {1}}, unknown);
  check_misfit(fold, StatusChanged{kApi, 1, Status::Resolved, Substatus::None},
               "it names group 1 of project 7, which does not exist");
  check_misfit(fold, StatusChanged{kShop, 1, Status::Resolved, Substatus::New},
               "status 1 with substatus 7");
  check_misfit(fold, Merged{kShop, 3, {}}, "a merge or unmerge without children");
  check_misfit(fold, Unmerged{kShop, 1, {}}, "a merge or unmerge without children");
  check_misfit(fold, Merged{kShop, 3, {4, 4}},
               "a merge or unmerge that names group 4 of project 5 twice");
  check_misfit(fold, Unmerged{kShop, 1, {2, 2}},
               "a merge or unmerge that names group 2 of project 5 twice");
  check_misfit(fold, Merged{kShop, 3, {4, 3}}, "a merge of P5-3 into itself");
  check_misfit(fold, Merged{kShop, 3, {4, 2}}, "a merge of P5-2, which is hidden");
  check_misfit(fold, Merged{kShop, 2, {3}}, "a merge into P5-2, which is hidden");
  check_misfit(fold, Merged{kShop, 2, {1}}, "a merge into P5-2, which is hidden");  // a cycle
  check_misfit(fold, Unmerged{kShop, 1, {2, 3}},
               "an unmerge of P5-3, which is not merged into P5-1");
}

// The index of fingerprints goes by 32 bits of a hash: among 150,000 names a few pairs share them.
TEST_CASE("fingerprints whose keys are equal are told apart, before and after restoring") {
  constexpr uint32_t kNames = 150'000;
  const auto name = [](uint32_t i) { return "print-" + std::to_string(i); };
  std::set<uint32_t> keys;
  for (uint32_t i = 0; i < kNames; ++i) {
    keys.insert(static_cast<uint32_t>(hash64(name(i), raw(kShop))));
  }
  REQUIRE(keys.size() < kNames);

  Fold fold;
  for (uint32_t i = 0; i < kNames; ++i) fold.see(kShop, {name(i)}, i);
  REQUIRE(fold.state.fingerprint_count() == kNames);
  State restored;
  restored.reserve(kNames, kNames);
  REQUIRE(restored.restore_project(*fold.state.project(kShop)).ok());
  for (uint32_t id = 1; id <= kNames; ++id) {
    REQUIRE(restored.restore_group(fold.state.group(GroupId{id})).ok());
    REQUIRE(restored.restore_fingerprint(fold.state.fingerprint(FingerprintId{id})).ok());
  }
  REQUIRE(restored.finish_restore().ok());
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < kNames; ++i) {
    for (const State* state : {&fold.state, &restored}) {
      const Fingerprint* found = state->find_fingerprint(kShop, name(i));
      if (found == nullptr || raw(found->id) != i + 1) ++wrong;
    }
  }
  CHECK(wrong == 0);
}
