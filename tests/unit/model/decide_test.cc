#include <fmt/format.h>

#include "model/rules.h"
#include "support/fold.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

template <class Wish>
void check_refused(const State& state, const Wish& wish, ErrorCode code, std::string_view message) {
  INFO(message);
  const Result<std::optional<RecordBody>> fact = decide(state, wish);
  REQUIRE_FALSE(fact.ok());
  CHECK(fact.error().code == code);
  CHECK(fact.error().message == message);
}

template <class Fact>
void check_fact(const State& state, const Command& wish, const Fact& expected) {
  const Result<std::optional<RecordBody>> fact = decide(state, wish);
  if (!fact.ok()) FAIL(fact.error().message);
  REQUIRE(fact.value().has_value());
  REQUIRE(std::holds_alternative<Fact>(**fact));
  CHECK(std::get<Fact>(**fact) == expected);
}

void check_nothing(const State& state, const Command& wish) {
  const Result<std::optional<RecordBody>> fact = decide(state, wish);
  if (!fact.ok()) FAIL(fact.error().message);
  CHECK_FALSE(fact.value().has_value());
}

Fold shop_with(uint32_t groups) {
  Fold fold = fold_with_groups(kShop, groups);
  fold.apply(ProjectChanged{kShop, "SHOP", {}});
  return fold;
}

GroupId g(uint32_t n) { return GroupId{n}; }

}  // namespace

TEST_CASE("merge: children go within the primary") {
  const Fold fold = shop_with(4);
  check_fact(fold.state, MergeCommand{g(3), {g(4), g(1)}}, Merged{kShop, 3, {4, 1}});
}

TEST_CASE("merge: groups of different types go together") {
  Fold fold = shop_with(1);
  Occurrence report = occurrence(kShop, {"report"}, 1, 9);
  report.type = 6001;
  fold.apply(report);
  check_fact(fold.state, MergeCommand{g(2), {g(1)}}, Merged{kShop, 2, {1}});
}

TEST_CASE("merge: what is refused") {
  Fold fold = shop_with(5);
  fold.see(kApi, {"a"}, 1);
  fold.merge(kShop, 3, {4});
  fold.merge(kShop, 5, {3});
  const State& s = fold.state;
  check_refused(s, MergeCommand{g(9), {g(1)}}, ErrorCode::NotFound,
                "no issue with id 9: this store has 6 issues");
  check_refused(s, MergeCommand{g(1), {g(0)}}, ErrorCode::NotFound,
                "no issue with id 0: this store has 6 issues");
  check_refused(s, MergeCommand{g(1), {}}, ErrorCode::InvalidArgument,
                "nothing to merge into SHOP-1: name at least one other issue");
  check_refused(s, MergeCommand{g(1), {g(2), g(1)}}, ErrorCode::InvalidArgument,
                "SHOP-1 cannot be merged into itself");
  check_refused(s, MergeCommand{g(1), {g(2), g(5), g(2)}}, ErrorCode::InvalidArgument,
                "SHOP-2 is named twice: name each issue to merge once");
  check_refused(s, MergeCommand{g(1), std::vector<GroupId>(10'001, g(2))},
                ErrorCode::InvalidArgument,
                "10001 issues are too many to merge at once: name at most 10000");
  check_refused(s, MergeCommand{g(1), {g(6)}}, ErrorCode::Conflict,
                "P7-1 and SHOP-1 are in different projects: issues merge within one project only");
  check_refused(s, MergeCommand{g(1), {g(4)}}, ErrorCode::Conflict,
                "SHOP-4 is shown within SHOP-5 since record 8: merge SHOP-5, or unmerge it first");
  check_refused(
      s, MergeCommand{g(4), {g(1)}}, ErrorCode::Conflict,
      "SHOP-4 is shown within SHOP-5 since record 8: merge into SHOP-5, or unmerge it first");
  check_refused(
      s, MergeCommand{g(3), {g(5)}}, ErrorCode::Conflict,  // would be a cycle
      "SHOP-3 is shown within SHOP-5 since record 9: merge into SHOP-5, or unmerge it first");
}

TEST_CASE("unmerge: some or all of the direct children, below a hidden view too") {
  Fold fold = shop_with(5);
  fold.merge(kShop, 3, {4, 2});
  fold.merge(kShop, 5, {3, 1});
  check_fact(fold.state, UnmergeCommand{g(5), {}}, Unmerged{kShop, 5, {3, 1}});
  check_fact(fold.state, UnmergeCommand{g(5), {g(1)}}, Unmerged{kShop, 5, {1}});
  check_fact(fold.state, UnmergeCommand{g(3), {g(2)}}, Unmerged{kShop, 3, {2}});
}

TEST_CASE("unmerge: what is refused") {
  Fold fold = shop_with(5);
  fold.merge(kShop, 3, {4});
  fold.merge(kShop, 5, {3});
  const State& s = fold.state;
  check_refused(s, UnmergeCommand{g(9), {}}, ErrorCode::NotFound,
                "no issue with id 9: this store has 5 issues");
  check_refused(s, UnmergeCommand{g(5), {g(9)}}, ErrorCode::NotFound,
                "no issue with id 9: this store has 5 issues");
  check_refused(s, UnmergeCommand{g(1), {}}, ErrorCode::Conflict, "nothing is merged into SHOP-1");
  check_refused(s, UnmergeCommand{g(5), {g(4)}}, ErrorCode::Conflict,
                "SHOP-4 is not merged into SHOP-5: it is merged into SHOP-3");
  check_refused(s, UnmergeCommand{g(5), {g(3), g(2)}}, ErrorCode::Conflict,
                "SHOP-2 is not merged into SHOP-5: it is an issue of its own");
  check_refused(s, UnmergeCommand{g(5), {g(3), g(3)}}, ErrorCode::InvalidArgument,
                "SHOP-3 is named twice: name each issue to unmerge once");
  check_refused(s, UnmergeCommand{g(5), std::vector<GroupId>(10'001, g(3))},
                ErrorCode::InvalidArgument,
                "10001 issues are too many to unmerge at once: name at most 10000");
}

TEST_CASE("a new view shows its children under the next number") {
  Fold fold = shop_with(4);
  check_fact(fold.state, MakeViewCommand{"Checkout", {g(3), g(1)}},
             ViewMade{kShop, 5, "Checkout", {3, 1}});
  CHECK(fold.carry_out(Command{MakeViewCommand{"Checkout", {g(3), g(1)}}}, 900));
  const Group& view = fold.group(kShop, 5);
  CHECK(view.title == "Checkout");
  CHECK(view.fingerprints.empty());
  CHECK(view.status == Status::Unresolved);
  CHECK(view.substatus == Substatus::Ongoing);
  CHECK(view.times_seen == 0);
  CHECK(fold.state.root_of(g(3)) == g(5));
  CHECK(fold.state.totals(g(5)).times_seen == 2);
  CHECK(fold.state.totals(g(5)).first_seen == at_second(101));
  CHECK(fold.state.face_of(g(5)).id == g(3));  // seen last
  CHECK(fold.carry_out(Command{UnmergeCommand{g(5), {}}}));
  CHECK(fold.state.totals(g(5)).times_seen == 0);
  CHECK(fold.state.totals(g(5)).first_seen == TimeUs{});
  CHECK(fold.state.face_of(g(5)).id == g(5));
}

TEST_CASE("a new view: what is refused") {
  Fold fold = shop_with(3);
  fold.see(kApi, {"f1"}, 900);
  fold.merge(kShop, 1, {2});
  const State& s = fold.state;
  check_refused(s, Command{MakeViewCommand{"", {g(1)}}}, ErrorCode::InvalidArgument,
                "a new view needs a title");
  check_refused(s, Command{MakeViewCommand{" \t", {g(1)}}}, ErrorCode::InvalidArgument,
                "a new view needs a title");
  check_refused(s, Command{MakeViewCommand{"bad\xff", {g(1)}}}, ErrorCode::InvalidArgument,
                "the title of the view is not UTF-8");
  check_refused(s, Command{MakeViewCommand{std::string(1025, 'x'), {g(1)}}},
                ErrorCode::InvalidArgument,
                "a title of 1025 bytes is too long for a view: at most 1024");
  check_refused(s, Command{MakeViewCommand{"x", {}}}, ErrorCode::InvalidArgument,
                "a new view needs at least one issue to show");
  check_refused(s, Command{MakeViewCommand{"x", {g(1), g(1)}}}, ErrorCode::InvalidArgument,
                "SHOP-1 is named twice: name each issue to merge once");
  check_refused(s, Command{MakeViewCommand{"x", {g(2)}}}, ErrorCode::Conflict,
                "SHOP-2 is shown within SHOP-1 since record 6: merge SHOP-1, or unmerge it first");
  check_refused(
      s, Command{MakeViewCommand{"x", {g(1), g(4)}}}, ErrorCode::Conflict,
      fmt::format("{} and SHOP-1 are in different projects: issues merge within one project only",
                  s.short_id(g(4))));
}

TEST_CASE("unmerge: the n-th last of the merges that are not undone") {
  Fold fold = shop_with(6);
  fold.merge(kShop, 1, {2, 3});
  fold.merge(kShop, 1, {4});
  fold.merge(kShop, 1, {5, 6});
  check_fact(fold.state, UnmergeCommand{g(1), {}, 1}, Unmerged{kShop, 1, {5, 6}});
  check_fact(fold.state, UnmergeCommand{g(1), {}, 3}, Unmerged{kShop, 1, {2, 3}});
  fold.unmerge(kShop, 1, {4, 5});
  check_fact(fold.state, UnmergeCommand{g(1), {}, 1}, Unmerged{kShop, 1, {6}});
  check_fact(fold.state, UnmergeCommand{g(1), {}, 2}, Unmerged{kShop, 1, {2, 3}});
  check_refused(fold.state, Command{UnmergeCommand{g(1), {}, 3}}, ErrorCode::Conflict,
                "3 merges back is too far for SHOP-1: it shows what 2 merges brought");
  check_refused(fold.state, Command{UnmergeCommand{g(1), {g(2)}, 1}}, ErrorCode::InvalidArgument,
                "unmerge either the issues named or one of the last merges, not both");
}

namespace {

// SHOP-1 with the fingerprints a, b and c, seen at 10, 20 and 30; SHOP-2 with d.
Fold linked() {
  Fold fold;
  fold.apply(ProjectChanged{kShop, "SHOP", FingerprintPolicy::Known});
  fold.see(kShop, {"a", "b", "c"}, 10);
  fold.see(kShop, {"b"}, 20);
  fold.see(kShop, {"c"}, 30);
  fold.see(kShop, {"d"}, 40);
  return fold;
}

}  // namespace

TEST_CASE("a split moves fingerprints with all they count, and is undone") {
  Fold fold = linked();
  fold.carry_out(Command{SetStatusCommand{g(1), Status::Ignored, Substatus::Forever}});
  fold.carry_out(Command{AssignCommand{g(1), "user:1"}});
  const Face part{"Error in b", "there", Level::Fatal};
  const Face rest{"Error in c", "here", Level::Info};
  check_fact(fold.state, SplitCommand{g(1), {"b"}, part, rest},
             Split{kShop, 1, 3, {"b"}, part, rest});
  CHECK(fold.carry_out(Command{SplitCommand{g(1), {"b"}, part, rest}}, 50));
  const Group& split = fold.group(kShop, 3);
  CHECK(split.times_seen == 1);
  CHECK(split.first_seen == at_second(20));
  CHECK(split.title == "Error in b");
  CHECK(split.level == Level::Fatal);
  CHECK(split.status == Status::Ignored);
  CHECK(split.assignee == "user:1");
  CHECK(split.split_from == g(1));
  CHECK(fold.group(kShop, 1).times_seen == 2);
  CHECK(fold.group(kShop, 1).title == "Error in c");
  fold.see(kShop, {"b", "a"}, 60);  // new occurrences never undo a split
  CHECK(fold.group(kShop, 3).times_seen == 2);
  CHECK(fold.carry_out(Command{RejoinCommand{g(3)}}));
  CHECK(fold.group(kShop, 3).fingerprints.empty());
  CHECK(fold.group(kShop, 3).times_seen == 0);
  CHECK(fold.group(kShop, 1).times_seen == 4);
  CHECK(fold.group(kShop, 1).last_seen == at_second(60));
  CHECK(fold.group(kShop, 1).title == "Error in b");  // seen last
}

TEST_CASE("a part of a part goes back past one that went back itself") {
  Fold fold = linked();
  fold.carry_out(Command{SplitCommand{g(1), {"b", "c"}, {}, {}}});
  fold.carry_out(Command{SplitCommand{g(3), {"c"}, {}, {}}});
  fold.carry_out(Command{RejoinCommand{g(3)}});
  check_fact(fold.state, RejoinCommand{g(4)}, Rejoined{kShop, 1, 4});
  fold.carry_out(Command{RejoinCommand{g(4)}});
  CHECK(fold.group(kShop, 1).times_seen == 3);
  CHECK(fold.group(kShop, 3).times_seen == 0);
}

TEST_CASE("a split: what is refused") {
  Fold fold = linked();
  fold.see(kShop, {"e"}, 50);
  fold.merge(kShop, 1, {3});
  const auto refused = [&](const Command& wish, ErrorCode code, std::string_view message) {
    check_refused(fold.state, wish, code, message);
  };
  refused(SplitCommand{g(9), {"a"}, {}, {}}, ErrorCode::NotFound,
          "no issue with id 9: this store has 3 issues");
  refused(SplitCommand{g(1), {}, {}, {}}, ErrorCode::InvalidArgument,
          "name at least one fingerprint of SHOP-1 to split off");
  refused(SplitCommand{g(1), {"a", "a"}, {}, {}}, ErrorCode::InvalidArgument,
          "the fingerprint 'a' is named twice");
  refused(SplitCommand{g(1), {"z"}, {}, {}}, ErrorCode::NotFound,
          "no issue of the project has the fingerprint 'z'");
  refused(SplitCommand{g(1), {"d"}, {}, {}}, ErrorCode::Conflict,
          "the fingerprint 'd' is not SHOP-1's but SHOP-2's");
  refused(SplitCommand{g(1), {"e"}, {}, {}}, ErrorCode::Conflict,
          "the fingerprint 'e' is SHOP-3's, which is merged into SHOP-1: unmerge SHOP-3 instead");
  refused(SplitCommand{g(1), {"a", "b", "c"}, {}, {}}, ErrorCode::InvalidArgument,
          "SHOP-1 would be left without fingerprints: leave it at least one");
  refused(SplitCommand{g(3), {"e"}, {}, {}}, ErrorCode::Conflict,
          "SHOP-3 is shown within SHOP-1 since record 7: split SHOP-1, or unmerge it first");
  refused(RejoinCommand{g(1)}, ErrorCode::Conflict, "SHOP-1 was not split off from an issue");
  CHECK(fold.carry_out(Command{SplitCommand{g(1), {"a"}, {}, {}}}));
  fold.merge(kShop, 4, {2});
  refused(RejoinCommand{g(4)}, ErrorCode::Conflict,
          "issues are merged into SHOP-4, which would be left as an empty view: unmerge them "
          "first");
  fold.unmerge(kShop, 4, {2});
  fold.merge(kShop, 2, {4});
  refused(RejoinCommand{g(4)}, ErrorCode::Conflict,
          "SHOP-4 is shown within SHOP-2 since record 11: rejoin SHOP-2, or unmerge it first");
  fold.unmerge(kShop, 2, {4});
  CHECK(fold.carry_out(Command{RejoinCommand{g(4)}}));
  refused(RejoinCommand{g(4)}, ErrorCode::Conflict,
          "SHOP-4 went back to where it was split from already");
}

TEST_CASE("set status: with the usual substatus unless one is named") {
  Fold fold = shop_with(1);
  const State& s = fold.state;
  using S = Status;
  using Sub = Substatus;
  check_fact(s, SetStatusCommand{g(1), S::Resolved, Sub::None},
             StatusChanged{kShop, 1, S::Resolved, Sub::None});
  check_fact(s, SetStatusCommand{g(1), S::Ignored, Sub::None},
             StatusChanged{kShop, 1, S::Ignored, Sub::UntilEscalating});
  check_fact(s, SetStatusCommand{g(1), S::Ignored, Sub::Forever},
             StatusChanged{kShop, 1, S::Ignored, Sub::Forever});
  check_fact(s, SetStatusCommand{g(1), S::Unresolved, Sub::None},
             StatusChanged{kShop, 1, S::Unresolved, Sub::Ongoing});
  check_nothing(s, SetStatusCommand{g(1), S::Unresolved, Sub::New});
  fold.apply(StatusChanged{kShop, 1, S::Resolved, Sub::None});
  check_nothing(s, SetStatusCommand{g(1), S::Resolved, Sub::None});
  check_fact(s, SetStatusCommand{g(1), S::Unresolved, Sub::None},
             StatusChanged{kShop, 1, S::Unresolved, Sub::Ongoing});
}

TEST_CASE("set status: what is refused") {
  Fold fold = shop_with(3);
  fold.merge(kShop, 1, {2});
  const State& s = fold.state;
  check_refused(s, SetStatusCommand{g(9), Status::Resolved, {}}, ErrorCode::NotFound,
                "no issue with id 9: this store has 3 issues");
  check_refused(s, SetStatusCommand{g(2), Status::Resolved, {}}, ErrorCode::Conflict,
                "SHOP-2 is shown within SHOP-1 since record 5: change SHOP-1, or unmerge it first");
  check_refused(s, SetStatusCommand{g(1), Status::Resolved, Substatus::Ongoing},
                ErrorCode::InvalidArgument, "ongoing is no substatus of resolved");
  check_refused(s, SetStatusCommand{g(1), Status::Ignored, Substatus::Regressed},
                ErrorCode::InvalidArgument, "regressed is no substatus of ignored");
  fold.apply(StatusChanged{kShop, 1, Status::Resolved, Substatus::None});
  check_refused(s, SetStatusCommand{g(1), Status::Unresolved, Substatus::New},
                ErrorCode::InvalidArgument,
                "SHOP-1 is no longer new: only an issue that was just made is; use ongoing");
}

TEST_CASE("assign") {
  Fold fold = shop_with(2);
  const State& s = fold.state;
  check_fact(s, AssignCommand{g(1), "user:7"}, Assigned{kShop, 1, "user:7"});
  check_nothing(s, AssignCommand{g(1), ""});
  fold.apply(Assigned{kShop, 1, "team:2"});
  check_nothing(s, AssignCommand{g(1), "team:2"});
  check_fact(s, AssignCommand{g(1), ""}, Assigned{kShop, 1, ""});
  check_refused(s, AssignCommand{g(9), ""}, ErrorCode::NotFound,
                "no issue with id 9: this store has 2 issues");
  check_refused(s, AssignCommand{g(1), "7"}, ErrorCode::InvalidArgument,
                "'7' is no assignee: write user:ID or team:ID (nothing: nobody)");
  fold.merge(kShop, 2, {1});
  check_refused(s, AssignCommand{g(1), "user:7"}, ErrorCode::Conflict,
                "SHOP-1 is shown within SHOP-2 since record 5: assign SHOP-2, or unmerge it first");
}

TEST_CASE("priority: a person's stays, auto is the type's") {
  Fold fold = shop_with(2);
  check_nothing(fold.state, SetPriorityCommand{g(1), {}});
  check_fact(fold.state, SetPriorityCommand{g(1), 75}, PriorityChanged{kShop, 1, 75, true});
  // The same number by choice is something else than by type.
  check_fact(fold.state, SetPriorityCommand{g(1), 50}, PriorityChanged{kShop, 1, 50, true});
  CHECK(fold.carry_out(Command{SetPriorityCommand{g(1), 25}}));
  CHECK(fold.group(kShop, 1).priority == 25);
  CHECK(fold.group(kShop, 1).priority_locked);
  check_nothing(fold.state, SetPriorityCommand{g(1), 25});
  check_fact(fold.state, SetPriorityCommand{g(1), {}}, PriorityChanged{kShop, 1, 50, false});
  check_refused(fold.state, Command{SetPriorityCommand{g(1), 30}}, ErrorCode::InvalidArgument,
                "priority 30 is none: use 25 (low), 50 (medium) or 75 (high)");
  fold.merge(kShop, 1, {2});
  check_refused(fold.state, Command{SetPriorityCommand{g(2), 25}}, ErrorCode::Conflict,
                "SHOP-2 is shown within SHOP-1 since record 5: change SHOP-1, or unmerge it first");
}

TEST_CASE("change project") {
  Fold fold = shop_with(1);
  fold.see(kApi, {"a"}, 1);
  const State& s = fold.state;
  using P = FingerprintPolicy;
  check_fact(s, ChangeProjectCommand{kShop, "Market", {}}, ProjectChanged{kShop, "Market", {}});
  check_fact(s, ChangeProjectCommand{kShop, "shop", {}}, ProjectChanged{kShop, "shop", {}});
  check_fact(s, ChangeProjectCommand{kShop, "SHOP", P::Known}, ProjectChanged{kShop, {}, P::Known});
  check_fact(s, ChangeProjectCommand{kShop, "p5", {}}, ProjectChanged{kShop, "p5", {}});
  check_fact(s, ChangeProjectCommand{ProjectId{99}, {}, P::First},
             ProjectChanged{ProjectId{99}, {}, P::First});
  check_nothing(s, ChangeProjectCommand{kShop, "SHOP", P::First});
  check_refused(s, ChangeProjectCommand{ProjectId{0}, "a", {}}, ErrorCode::InvalidArgument,
                "project numbers start at 1");
  check_refused(s, ChangeProjectCommand{kShop, {}, {}}, ErrorCode::InvalidArgument,
                "nothing to change about project 5: give a slug, a policy or a setting");
  check_refused(s, ChangeProjectCommand{kShop, "a b", {}}, ErrorCode::InvalidArgument,
                "'a b' is no project slug: use 1 to 50 of A-Z a-z 0-9 _ -, not digits alone");
  check_refused(s, ChangeProjectCommand{kShop, "123", {}}, ErrorCode::InvalidArgument,
                "'123' is no project slug: use 1 to 50 of A-Z a-z 0-9 _ -, not digits alone");
  check_refused(s, ChangeProjectCommand{kShop, "P8", {}}, ErrorCode::InvalidArgument,
                "the slug P8 is kept for the project of that number");
  check_refused(s, ChangeProjectCommand{kApi, "shop", {}}, ErrorCode::Conflict,
                "project 5 has the slug SHOP already; slugs compare without regard to case");
}

TEST_CASE("change types") {
  Fold fold;
  const State& s = fold.state;
  const GroupType line{.id = 9001, .slug = "log_line"};
  const GroupType crash{
      .id = 1, .slug = "error", .category = 1, .category_v2 = 1, .quota_per_hour = 9};
  check_fact(s, ChangeTypesCommand{true, {line}}, TypesChanged{true, {line}});
  check_fact(s, ChangeTypesCommand{false, {crash}}, TypesChanged{{}, {crash}});
  check_nothing(s, ChangeTypesCommand{false, {}});
  check_nothing(s, ChangeTypesCommand{{}, {*find_known_group_type(1)}});
  // What an unregistered type is taken for is not the same as being registered so.
  check_fact(s, ChangeTypesCommand{{}, {unknown_group_type(9001)}},
             TypesChanged{{}, {unknown_group_type(9001)}});
  fold.apply(TypesChanged{{}, {line}});
  check_nothing(s, ChangeTypesCommand{{}, {line}});
}

TEST_CASE("change types: what is refused") {
  Fold fold;
  fold.apply(TypesChanged{{}, {GroupType{.id = 9001, .slug = "log_line"}}});
  const State& s = fold.state;
  const auto types = [](std::vector<GroupType> set) {
    return ChangeTypesCommand{{}, std::move(set)};
  };
  check_refused(s, types({{.id = 0, .slug = "a"}}), ErrorCode::InvalidArgument,
                "group types are numbered from 1");
  check_refused(s, types({{.id = 8, .slug = "A"}}), ErrorCode::InvalidArgument,
                "'A' is no slug for type 8: use 1 to 64 of a-z 0-9 _ -");
  check_refused(s, types({{.id = 8, .slug = ""}}), ErrorCode::InvalidArgument,
                "'' is no slug for type 8: use 1 to 64 of a-z 0-9 _ -");
  check_refused(s, types({{.id = 8, .slug = "a", .default_priority = 10}}),
                ErrorCode::InvalidArgument,
                "priority 10 of type 8 is none: use 25 (low), 50 (medium) or 75 (high)");
  check_refused(s, types({{.id = 8, .slug = "a"}, {.id = 8, .slug = "b"}}),
                ErrorCode::InvalidArgument, "type 8 is given twice");
  check_refused(s, types({{.id = 8, .slug = "a"}, {.id = 9, .slug = "a"}}), ErrorCode::Conflict,
                "type 9 has the slug a already");
  check_refused(s, types({{.id = 8, .slug = "log_line"}}), ErrorCode::Conflict,
                "type 9001 has the slug log_line already");
  check_refused(s, types({{.id = 8, .slug = "error"}}), ErrorCode::Conflict,
                "type 1 has the slug error already");
  // Slugs may change hands within one command.
  check_fact(s, types({{.id = 1, .slug = "log_line"}, {.id = 9001, .slug = "error"}}),
             TypesChanged{{}, {{.id = 1, .slug = "log_line"}, {.id = 9001, .slug = "error"}}});
}

TEST_CASE("strict types keep unregistered ones out") {
  Fold fold;
  Occurrence line = occurrence(kShop, {"a"}, 1, 1);
  line.type = 9001;
  CHECK(admit(fold.state, line).ok());
  fold.apply(TypesChanged{true, {}});
  const Result<void> refused = admit(fold.state, line);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::Conflict);
  CHECK(refused.error().message ==
        "type 9001 is not registered and this store takes registered types only: register it with "
        "the verb types, or turn strict types off");
  CHECK(admit(fold.state, occurrence(kShop, {"a"}, 1, 1)).ok());
  fold.apply(TypesChanged{{}, {GroupType{.id = 9001, .slug = "log_line"}}});
  CHECK(admit(fold.state, line).ok());
}

TEST_CASE("every fact of decide fits the state it was decided on") {
  Fold fold = shop_with(6);
  CHECK(fold.carry_out(Command{MergeCommand{g(1), {g(2), g(3)}}}));
  CHECK(fold.carry_out(Command{MergeCommand{g(4), {g(1)}}}));
  CHECK(fold.carry_out(Command{UnmergeCommand{g(1), {g(3)}}}));
  CHECK(fold.carry_out(Command{SetStatusCommand{g(4), Status::Ignored, {}}}));
  CHECK(fold.carry_out(Command{AssignCommand{g(4), "user:1"}}));
  CHECK(fold.carry_out(Command{ChangeProjectCommand{kShop, "S", FingerprintPolicy::Known}}));
  CHECK(fold.carry_out(Command{ChangeTypesCommand{true, {{.id = 8, .slug = "own"}}}}));
  CHECK(fold.state.short_id(fold.state.root_of(g(2))) == "S-4");
  CHECK(fold.state.finish_restore().ok());
}
