#include "model/rules.h"
#include "support/fold.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

using Texts = std::vector<std::string>;

template <class Wish>
void check_refused(const State& state, const Wish& wish, ErrorCode code, std::string_view message) {
  INFO(message);
  const Result<std::optional<RecordBody>> fact = decide(state, wish);
  REQUIRE_FALSE(fact.ok());
  CHECK(fact.error().code == code);
  CHECK(fact.error().message == message);
}

template <class Wish, class Fact>
void check_fact(const State& state, const Wish& wish, const Fact& expected) {
  const Result<std::optional<RecordBody>> fact = decide(state, wish);
  if (!fact.ok()) FAIL(fact.error().message);
  REQUIRE(fact.value().has_value());
  REQUIRE(std::holds_alternative<Fact>(**fact));
  CHECK(std::get<Fact>(**fact) == expected);
}

template <class Wish>
void check_nothing(const State& state, const Wish& wish) {
  const Result<std::optional<RecordBody>> fact = decide(state, wish);
  if (!fact.ok()) FAIL(fact.error().message);
  CHECK_FALSE(fact.value().has_value());
}

WorkflowOp op(std::string name, std::string fingerprint, Texts children = {}) {
  WorkflowOp out;
  out.project = kShop;
  out.op = std::move(name);
  out.fingerprint = std::move(fingerprint);
  out.children = std::move(children);
  out.line = "{\"op\":\"" + out.op + "\"}";
  return out;
}

WorkflowOp status_op(std::string fingerprint, Status status) {
  WorkflowOp out = op("status_change", std::move(fingerprint));
  out.status = status;
  return out;
}

WorkflowOp assign_op(std::string name, std::string fingerprint, std::string assignee) {
  WorkflowOp out = op(std::move(name), std::move(fingerprint));
  out.assignee = std::move(assignee);
  return out;
}

StatusChangeMessage message(Texts fingerprint, Status status, Substatus substatus) {
  StatusChangeMessage out;
  out.project = kShop;
  out.fingerprint = std::move(fingerprint);
  out.status = status;
  out.substatus = substatus;
  return out;
}

}  // namespace

TEST_CASE("workflow: names nobody knows") {
  const Fold fold = fold_with_groups(kShop, 1);
  check_refused(fold.state, op("note", "zz"), ErrorCode::NotFound,
                "no issue in project 5 has the fingerprint 'zz'");
  check_refused(fold.state, op("merge", "f1", {"zz"}), ErrorCode::NotFound,
                "no issue in project 5 has the fingerprint 'zz'");
  check_refused(fold.state, op("unmerge", "f1", {"zz"}), ErrorCode::NotFound,
                "no issue in project 5 has the fingerprint 'zz'");
  WorkflowOp elsewhere = op("note", "f1");
  elsewhere.project = kApi;
  check_refused(fold.state, elsewhere, ErrorCode::NotFound,
                "no issue in project 7 has the fingerprint 'f1'");
  check_refused(fold.state, op("occurrence", "f1"), ErrorCode::Internal,
                "the op occurrence only marks a place in the stream; the importer skips it");
}

TEST_CASE("workflow: a status change acts on the group itself, hidden or not") {
  Fold fold = fold_with_groups(kShop, 2);
  fold.merge(kShop, 1, {2});
  check_fact(fold.state, status_op("f2", Status::Resolved),
             StatusChanged{kShop, 2, Status::Resolved, Substatus::None});
  check_fact(fold.state, status_op("f2", Status::Ignored),
             StatusChanged{kShop, 2, Status::Ignored, Substatus::UntilEscalating});
  const WorkflowOp same = status_op("f2", Status::Unresolved);
  check_fact(fold.state, same, ActivityAdded{kShop, 2, "status_change", same.line});
  fold.apply(StatusChanged{kShop, 2, Status::Resolved, Substatus::None});
  check_fact(fold.state, same, StatusChanged{kShop, 2, Status::Unresolved, Substatus::Ongoing});
}

TEST_CASE("workflow: assignments") {
  Fold fold = fold_with_groups(kShop, 1);
  const State& s = fold.state;
  check_fact(s, assign_op("assign", "f1", "u_3f"), Assigned{kShop, 1, "user:u_3f"});
  check_fact(s, assign_op("assign", "f1", "team:4"), Assigned{kShop, 1, "team:4"});
  const WorkflowOp nobody = assign_op("unassign", "f1", "");
  check_fact(s, nobody, ActivityAdded{kShop, 1, "unassign", nobody.line});
  fold.apply(Assigned{kShop, 1, "user:u_3f"});
  const WorkflowOp again = assign_op("assign", "f1", "u_3f");
  check_fact(s, again, ActivityAdded{kShop, 1, "assign", again.line});
  const WorkflowOp other = assign_op("unassign", "f1", "u_99");
  check_fact(s, other, ActivityAdded{kShop, 1, "unassign", other.line});
  check_fact(s, assign_op("unassign", "f1", "u_3f"), Assigned{kShop, 1, ""});
  check_fact(s, nobody, Assigned{kShop, 1, ""});
  check_refused(s, assign_op("assign", "f1", ""), ErrorCode::InvalidArgument,
                "'' is no assignee: write user:ID, team:ID or a bare user id");
  check_refused(s, assign_op("assign", "f1", "a b"), ErrorCode::InvalidArgument,
                "'a b' is no assignee: write user:ID, team:ID or a bare user id");
  check_refused(s, assign_op("unassign", "f1", "group:1"), ErrorCode::InvalidArgument,
                "'group:1' is no assignee: write user:ID, team:ID or a bare user id");
}

TEST_CASE("workflow: everything else is history") {
  const Fold fold = fold_with_groups(kShop, 1);
  for (const char* name : {"note", "label", "milestone", "review_requested"}) {
    const WorkflowOp one = op(name, "f1");
    check_fact(fold.state, one, ActivityAdded{kShop, 1, name, one.line});
  }
}

TEST_CASE("workflow: a merge acts on the visible issues") {
  Fold fold = fold_with_groups(kShop, 6);
  const State& s = fold.state;
  check_fact(s, op("merge", "f1", {"f2", "f3", "f2"}), Merged{kShop, 1, {2, 3}});
  fold.merge(kShop, 1, {2});
  fold.merge(kShop, 4, {5});
  check_fact(s, op("merge", "f2", {"f5", "f4", "f1", "f3"}), Merged{kShop, 1, {4, 3}});
  check_nothing(s, op("merge", "f1", {"f2", "f1"}));
  check_refused(s, op("merge", "f1"), ErrorCode::InvalidArgument, "merge without children");
  check_refused(s, op("merge", "f1", Texts(10'001, "f2")), ErrorCode::InvalidArgument,
                "merge of 10001 children: at most 10000 at once");
}

TEST_CASE("workflow: an unmerge undoes the merge that holds the two together") {
  Fold fold = fold_with_groups(kShop, 6);
  const State& s = fold.state;
  check_nothing(s, op("unmerge", "f1", {"f2"}));
  fold.merge(kShop, 1, {2});
  fold.merge(kShop, 4, {5});
  fold.merge(kShop, 1, {4});
  fold.merge(kShop, 6, {1});
  check_fact(s, op("unmerge", "f1", {"f2"}), Unmerged{kShop, 1, {2}});
  check_fact(s, op("unmerge", "f2", {"f5"}), Unmerged{kShop, 1, {4}});  // 5 came along with 4
  check_fact(s, op("unmerge", "f4", {"f5"}), Unmerged{kShop, 4, {5}});
  check_fact(s, op("unmerge", "f6", {"f5"}), Unmerged{kShop, 6, {1}});
  check_nothing(s, op("unmerge", "f5", {"f4"}));  // 5 is the child of the two
  check_nothing(s, op("unmerge", "f1", {"f1"}));
  check_refused(s, op("unmerge", "f1"), ErrorCode::InvalidArgument, "unmerge without children");
  check_refused(s, op("unmerge", "f1", Texts(10'001, "f2")), ErrorCode::InvalidArgument,
                "unmerge of 10001 children: at most 10000 at once");
}

TEST_CASE("workflow: of several merges an unmerge undoes the newest, then the one before") {
  Fold fold = fold_with_groups(kShop, 4);
  fold.merge(kShop, 1, {2});
  const Hash128 before = fold.state.state_digest();
  const WorkflowOp merge = op("merge", "f1", {"f2", "f3", "f4"});
  const WorkflowOp unmerge = op("unmerge", "f1", {"f2", "f3", "f4"});
  CHECK(fold.carry_out(merge));
  CHECK(fold.group(kShop, 1).children.size() == 3);
  CHECK(fold.carry_out(unmerge));
  CHECK(fold.state.state_digest() == before);
  CHECK(fold.carry_out(unmerge));
  CHECK(fold.group(kShop, 1).children.empty());
  CHECK_FALSE(fold.carry_out(unmerge));
}

TEST_CASE("workflow: of a sweep's merges an unmerge undoes those of one view, then the others") {
  Fold fold = fold_with_groups(kShop, 4);
  fold.apply(Regrouped{RegroupCause::Sweep, "rule", {}, {{kShop, 1, {2}}, {kShop, 4, {1, 3}}}});
  const WorkflowOp unmerge = op("unmerge", "f1", {"f2", "f3"});
  check_fact(fold.state, unmerge, Unmerged{kShop, 1, {2}});
  CHECK(fold.carry_out(unmerge));
  check_fact(fold.state, unmerge, Unmerged{kShop, 4, {3}});
  CHECK(fold.carry_out(unmerge));
  CHECK_FALSE(fold.carry_out(unmerge));
}

TEST_CASE("status change messages act on the leaf of the first known fingerprint") {
  Fold fold = fold_with_groups(kShop, 2);
  fold.merge(kShop, 1, {2});
  check_fact(fold.state, message({"zz", "f2", "f1"}, Status::Resolved, Substatus::None),
             StatusChanged{kShop, 2, Status::Resolved, Substatus::None});
  check_refused(fold.state, message({"y", "zz"}, Status::Resolved, Substatus::None),
                ErrorCode::NotFound, "no issue in project 5 has the fingerprint 'y', 'zz'");
}

TEST_CASE("status change messages: the rules") {
  Fold fold = fold_with_groups(kShop, 1);
  const State& s = fold.state;
  using S = Status;
  using Sub = Substatus;
  const auto wish = [](S status, Sub substatus) { return message({"f1"}, status, substatus); };
  const auto fact = [](S status, Sub substatus) {
    return StatusChanged{kShop, 1, status, substatus};
  };
  check_nothing(s, wish(S::Unresolved, Sub::New));  // as it is
  check_fact(s, wish(S::Unresolved, Sub::Ongoing), fact(S::Unresolved, Sub::Ongoing));
  check_fact(s, wish(S::Unresolved, Sub::Regressed), fact(S::Unresolved, Sub::Regressed));
  check_fact(s, wish(S::Ignored, Sub::Forever), fact(S::Ignored, Sub::Forever));
  check_refused(s, wish(S::Unresolved, Sub::None), ErrorCode::InvalidArgument,
                "unresolved needs a substatus");
  check_refused(s, wish(S::Ignored, Sub::None), ErrorCode::InvalidArgument,
                "ignored needs a substatus");
  check_refused(s, wish(S::Resolved, Sub::Ongoing), ErrorCode::InvalidArgument,
                "resolved has no substatus, not ongoing");
  check_refused(s, wish(S::Ignored, Sub::Ongoing), ErrorCode::InvalidArgument,
                "ongoing is no substatus of ignored");
  check_refused(s, wish(S::Unresolved, Sub::Escalating), ErrorCode::Conflict,
                "only an ignored issue escalates: P5-1 is unresolved/new");

  fold.apply(fact(S::Ignored, Sub::UntilEscalating));
  check_nothing(s, wish(S::Ignored, Sub::UntilEscalating));
  check_fact(s, wish(S::Ignored, Sub::Forever), fact(S::Ignored, Sub::Forever));
  check_fact(s, wish(S::Unresolved, Sub::Escalating), fact(S::Unresolved, Sub::Escalating));
  check_refused(s, wish(S::Unresolved, Sub::New), ErrorCode::InvalidArgument,
                "a status change cannot make P5-1 new again");

  fold.apply(fact(S::Resolved, Sub::None));
  check_nothing(s, wish(S::Resolved, Sub::None));
  check_refused(s, wish(S::Unresolved, Sub::Escalating), ErrorCode::Conflict,
                "only an ignored issue escalates: P5-1 is resolved");
}
