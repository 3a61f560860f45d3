#include "support/fold.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

// Something of everything.
Fold rich_fold() {
  Fold fold;
  fold.apply(StoreCreated{uuid_of(1)}, 1);
  fold.apply(TypesChanged{false, {GroupType{.id = 9001, .slug = "log_line"}}}, 2);
  fold.apply(ProjectChanged{kShop, "SHOP", FingerprintPolicy::Known}, 3);
  for (const char* name : {"a", "b", "c", "d"}) fold.see(kShop, {name, "x"}, 10);
  for (const char* name : {"a", "b", "c", "d"}) fold.see(kApi, {name, "x"}, 20);
  fold.merge(kApi, 1, {2, 3});
  fold.apply(Assigned{kApi, 4, "user:1"}, 30);
  return fold;
}

// The state as rows, changed by `edit`, and restored from them.
struct Rows {
  Uuid store;
  bool strict = false;
  std::vector<GroupType> types;
  std::vector<Project> projects;
  std::vector<Group> groups;
  std::vector<Fingerprint> fingerprints;
  TimeUs last_tick{};
};

Rows rows_of(const State& state) {
  Rows rows{state.store_id(), state.strict_types(), {}, {}, {}, {}, state.last_tick()};
  for (const auto& [id, type] : state.types_set()) rows.types.push_back(type);
  for (const auto& [id, project] : state.projects()) rows.projects.push_back(project);
  for (uint32_t n = 1; n <= state.group_count(); ++n)
    rows.groups.push_back(state.group(GroupId{n}));
  for (uint32_t n = 1; n <= state.fingerprint_count(); ++n) {
    rows.fingerprints.push_back(state.fingerprint(FingerprintId{n}));
  }
  return rows;
}

State restored(const Rows& rows) {
  State state;
  state.restore_registry(rows.store, rows.strict, rows.types, rows.last_tick);
  for (const Project& project : rows.projects) REQUIRE(state.restore_project(project).ok());
  for (const Group& group : rows.groups) REQUIRE(state.restore_group(group).ok());
  for (const Fingerprint& one : rows.fingerprints) REQUIRE(state.restore_fingerprint(one).ok());
  return state;
}

struct Edit {
  const char* what;
  void (*change)(Rows&);
};

const Edit kStateEdits[] = {
    {"strict", [](Rows& r) { r.strict = true; }},
    {"type id", [](Rows& r) { r.types[0].id = 9002; }},
    {"type slug", [](Rows& r) { r.types[0].slug = "line"; }},
    {"type category", [](Rows& r) { r.types[0].category = 1; }},
    {"type category_v2", [](Rows& r) { r.types[0].category_v2 = 1; }},
    {"type priority", [](Rows& r) { r.types[0].default_priority = 75; }},
    {"type noise limit", [](Rows& r) { r.types[0].noise_limit = 3; }},
    {"type released", [](Rows& r) { r.types[0].released = false; }},
    {"type in default search", [](Rows& r) { r.types[0].in_default_search = false; }},
    {"type auto resolve", [](Rows& r) { r.types[0].auto_resolve = false; }},
    {"type escalation", [](Rows& r) { r.types[0].escalation = false; }},
    {"type quota", [](Rows& r) { r.types[0].quota_per_hour = 6; }},
    {"no types", [](Rows& r) { r.types.clear(); }},
    {"slug", [](Rows& r) { r.projects[0].slug = "shop"; }},
    {"policy", [](Rows& r) { r.projects[0].policy = FingerprintPolicy::First; }},
    {"last number", [](Rows& r) { r.projects[0].last_number += 1; }},
    {"a project more",
     [](Rows& r) {
       r.projects.push_back({ProjectId{99}, "P99", FingerprintPolicy::First, 0});
     }},
    {"type", [](Rows& r) { r.groups[0].type = 2; }},
    {"level", [](Rows& r) { r.groups[0].level = Level::Fatal; }},
    {"priority", [](Rows& r) { r.groups[0].priority = 75; }},
    {"status", [](Rows& r) { r.groups[0].status = Status::Resolved; }},
    {"substatus", [](Rows& r) { r.groups[0].substatus = Substatus::Ongoing; }},
    {"title", [](Rows& r) { r.groups[0].title = r.groups[0].title.view().substr(1); }},
    {"culprit", [](Rows& r) { r.groups[0].culprit = r.groups[0].culprit.view().substr(1); }},
    {"a letter from title to culprit",
     [](Rows& r) {
       const std::string title(r.groups[0].title);
       r.groups[0].culprit = title.back() + std::string(r.groups[0].culprit);
       r.groups[0].title = title.substr(0, title.size() - 1);
     }},
    {"assignee", [](Rows& r) { r.groups[0].assignee = "user:9"; }},
    {"first seen", [](Rows& r) { r.groups[0].first_seen = TimeUs{1}; }},
    {"last seen", [](Rows& r) { r.groups[0].last_seen = TimeUs{1}; }},
    {"times seen", [](Rows& r) { r.groups[0].times_seen += 1; }},
    {"parent",
     [](Rows& r) {
       r.groups[0].parent = GroupId{2};
       r.groups[0].merged_at = Lsn{1};
     }},
    {"fingerprint value", [](Rows& r) { r.fingerprints[0].value = "other"; }},
    {"fingerprint occurrences", [](Rows& r) { r.fingerprints[0].occurrences += 1; }},
    {"fingerprint membership", [](Rows& r) { r.fingerprints[0].membership.low ^= 1; }},
    {"fingerprint first release", [](Rows& r) { r.fingerprints[0].first_release = "1.0"; }},
    {"fingerprint leaf",
     [](Rows& r) { std::swap(r.fingerprints[5].leaf, r.fingerprints[6].leaf); }},
};

const Edit kReplayEdits[] = {
    {"store id", [](Rows& r) { r.store = uuid_of(2); }},
    {"status since", [](Rows& r) { r.groups[0].status_since = TimeUs{1}; }},
    {"created", [](Rows& r) { r.groups[0].created = Lsn{99}; }},
    {"merged at", [](Rows& r) { r.groups[3].merged_at = Lsn{99}; }},
    {"order of children",
     [](Rows& r) { std::swap(r.groups[1].children[0], r.groups[1].children[1]); }},
    {"order of fingerprints",
     [](Rows& r) { std::swap(r.groups[0].fingerprints[0], r.groups[0].fingerprints[1]); }},
};

Rows rich_rows() { return rows_of(rich_fold().state); }

}  // namespace

TEST_CASE("equal histories have equal digests") {
  CHECK(rich_fold().state.state_digest() == rich_fold().state.state_digest());
  CHECK(rich_fold().state.replay_digest() == rich_fold().state.replay_digest());
  CHECK(State{}.state_digest() == State{}.state_digest());
  CHECK(State{}.state_digest() != rich_fold().state.state_digest());
  CHECK(rich_fold().state.state_digest() != rich_fold().state.replay_digest());
}

TEST_CASE("the digest of a restored state is that of the state") {
  const Rows rows = rich_rows();
  CHECK(restored(rows).state_digest() == restored(rows).state_digest());
  CHECK(restored(rows_of(rich_fold().state)).replay_digest() == rich_fold().state.replay_digest());
}

TEST_CASE("any changed field of the logical state changes both digests") {
  const State plain = restored(rich_rows());
  for (const Edit& edit : kStateEdits) {
    INFO(edit.what);
    Rows rows = rich_rows();
    edit.change(rows);
    const State edited = restored(rows);
    CHECK(edited.state_digest() != plain.state_digest());
    CHECK(edited.replay_digest() != plain.replay_digest());
  }
}

TEST_CASE("what tells how the state came about changes the replay digest only") {
  const State plain = restored(rich_rows());
  for (const Edit& edit : kReplayEdits) {
    INFO(edit.what);
    Rows rows = rich_rows();
    edit.change(rows);
    const State edited = restored(rows);
    CHECK(edited.state_digest() == plain.state_digest());
    CHECK(edited.replay_digest() != plain.replay_digest());
  }
}

TEST_CASE("merging in another order gives the same logical state") {
  Fold one = fold_with_groups(kShop, 4);
  one.merge(kShop, 1, {2, 3});
  one.merge(kShop, 1, {4});
  Fold other = fold_with_groups(kShop, 4);
  other.merge(kShop, 1, {4});
  other.merge(kShop, 1, {3, 2});
  CHECK(one.state.state_digest() == other.state.state_digest());
  CHECK(one.state.replay_digest() != other.state.replay_digest());
}

TEST_CASE("projects that come in another order give the same logical state") {
  Fold one;
  one.see(kShop, {"a"}, 1);
  one.see(kApi, {"b"}, 2);
  Fold other;
  other.apply(occurrence(kApi, {"b"}, 2, 2));
  other.apply(occurrence(kShop, {"a"}, 1, 1));
  CHECK(one.state.state_digest() == other.state.state_digest());
  CHECK(one.state.replay_digest() != other.state.replay_digest());
}

TEST_CASE("unmerge after merge is the state before") {
  Fold fold = rich_fold();
  const Hash128 before = fold.state.state_digest();
  fold.merge(kApi, 4, {1});
  CHECK(fold.state.state_digest() != before);
  fold.unmerge(kApi, 4, {1});
  CHECK(fold.state.state_digest() == before);
}
