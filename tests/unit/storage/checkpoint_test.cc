#include "storage/checkpoint.h"

#include "base/hash.h"
#include "part_model.h"
#include "storage/segment.h"
#include "storage_fixture.h"
#include "support/fold.h"

namespace cairn::storage {
namespace {

using testing::code_of;
using testing::Fold;
using testing::IndexFixture;
using testing::kApi;
using testing::kShop;
using testing::must;

// Fills every part of a state: types, strictness, policy, merges, several fingerprints.
Fold full_fold() {
  Fold fold;
  Uuid store;
  store.bytes[7] = 1;
  fold.apply(model::StoreCreated{store});
  model::TypesChanged types;
  types.strict = false;
  types.set = {{1, "error", 1, 1, 50, 0, true, true, true, true, 5}};
  fold.apply(types);
  fold.apply(model::ProjectChanged{kShop, "shop", model::FingerprintPolicy::Known});
  for (uint32_t n = 1; n <= 6; ++n) fold.see(kShop, {"f" + std::to_string(n)}, 100 + n);
  fold.see(kApi, {"a", "b"}, 200);
  fold.merge(kShop, 1, {3, 2});
  fold.apply(model::Assigned{kShop, 4, "user:7"});
  return fold;
}

CheckpointMeta meta_at(uint64_t lsn) {
  CheckpointMeta meta;
  meta.fold_version = model::kFoldVersion;
  meta.terms_version = model::kTermsVersion;
  meta.applied = Lsn{lsn};
  meta.acknowledged = Lsn{lsn};
  return meta;
}

TEST_CASE("a new index has no checkpoint") {
  IndexFixture index;
  const auto txn = index.read();
  CHECK_FALSE(must(read_meta(*txn)));
  model::State state;
  must(load_state(*txn, state));
  CHECK(state.group_count() == 0);
  CHECK_FALSE(must(has_key(*txn, {1, 2})));
  CHECK_FALSE(must(find_frame(*txn, Lsn{5})));
  CHECK(must(activity_of(*txn, GroupId{1})).empty());
}

TEST_CASE("segment, state and dictionary of a checkpoint read back") {
  IndexFixture index;
  Fold fold = full_fold();
  Head head;
  const auto model = testing::random_part({200, 10, 20, true}, 1);
  testing::fill(head, model);
  Dictionary dictionary;
  must(dictionary.intern(model::field::kUser, "id:1", hash64("id:1")));
  CheckpointInput input;
  input.meta = meta_at(90);
  input.meta.acknowledged = Lsn{95};
  input.meta.resume = {70, 512};
  input.head = &head;
  const RowBuffer rows = dirty_rows(fold.state);
  input.rows = &rows;
  input.dictionary = &dictionary;
  const CheckpointMeta written = must(write_checkpoint(*index.env, input));
  CHECK(written.next_segment == 2);
  CHECK(written.index_bytes_written > 1000);

  index.reopen();
  const auto txn = index.read();
  const CheckpointMeta meta = must(read_meta(*txn)).value();
  CHECK(meta.applied == Lsn{90});
  CHECK(meta.acknowledged == Lsn{95});
  CHECK(meta.resume == LogPosition{70, 512});
  CHECK(meta.next_segment == 2);
  CHECK(meta.index_bytes_written == written.index_bytes_written);
  model::State state;
  must(load_state(*txn, state));
  CHECK(state.replay_digest() == fold.state.replay_digest());
  CHECK(state.store_id() == fold.state.store_id());
  CHECK(state.types_set() == fold.state.types_set());
  CHECK(state.dirty_groups().empty());
  CHECK(must(list_segments(*txn)) == std::vector<SegmentId>{SegmentId{1}});
  testing::check_part(*must(open_segment(*txn, SegmentId{1}, true)), model, 1);
  Dictionary loaded;
  must(loaded.load(*txn));
  CHECK(must(loaded.find(model::field::kUser, "id:1", txn.get())) == ValueId{1});
}

TEST_CASE("a segment counts once a checkpoint knows of it") {
  IndexFixture index;
  index.reopen(testing::small_index(0));
  Head head;
  const auto model = testing::random_part({200, 10, 20, true}, 2);
  testing::fill(head, model);
  SegmentImage lost = must(seal_segment(SegmentId{1}, head));
  must(stage_segment(*index.env, lost));
  CHECK(must(list_segments(*index.read())) == std::vector<SegmentId>{SegmentId{1}});
  CHECK(must(checkpointed_segments(*index.read())).empty());

  CheckpointInput input;
  input.meta = meta_at(90);
  input.head = &head;
  {
    const auto before = index.read();
    CHECK(must(write_checkpoint(*index.env, input)).next_segment == 2);
    CHECK(must(checkpointed_segments(*before)).empty());
  }
  CHECK(must(checkpointed_segments(*index.read())) == std::vector<SegmentId>{SegmentId{1}});

  // The next one, of a checkpoint that never ended.
  lost = must(seal_segment(SegmentId{2}, head));
  must(stage_segment(*index.env, lost));
  index.reopen();
  const auto txn = index.read();
  CHECK(must(checkpointed_segments(*txn)) == std::vector<SegmentId>{SegmentId{1}});
  testing::check_part(*must(open_segment(*txn, SegmentId{1}, true)), model, 1);
  REQUIRE(must(list_segments(*txn)).size() == 2);
  must(drop_unfinished(*index.env));
  CHECK(must(list_segments(*index.read())) == std::vector<SegmentId>{SegmentId{1}});
}

TEST_CASE("what is written is counted the same, at once and bit by bit") {
  Head head;
  testing::fill(head, testing::random_part({3000, 40, 300, true}, 3));
  CheckpointInput input;
  input.meta = meta_at(90);
  input.head = &head;
  IndexFixture at_once, bit_by_bit;
  at_once.reopen(testing::small_index(1u << 30));
  bit_by_bit.reopen(testing::small_index(0));
  CHECK(must(write_checkpoint(*at_once.env, input)).index_bytes_written ==
        must(write_checkpoint(*bit_by_bit.env, input)).index_bytes_written);
}

TEST_CASE("who missed a merge does not take it back") {
  IndexFixture index;
  Head first, second;
  testing::fill(first, testing::random_part({50, 5, 10, true}, 5));
  auto later = testing::random_part({50, 5, 10, true}, 6);
  for (auto& row : later.rows) row.lsn = Lsn{raw(row.lsn) + 10'000};
  testing::fill(second, later);
  CheckpointInput input;
  input.meta = meta_at(50);
  input.head = &first;
  must(write_checkpoint(*index.env, input));
  input.meta = meta_at(100);
  input.head = &second;
  const CheckpointMeta known = must(write_checkpoint(*index.env, input));
  const std::vector<SegmentId> both = {SegmentId{1}, SegmentId{2}};
  const CheckpointMeta merged = must(merge_in_index(*index.env, both));
  const std::vector<SegmentId> one = {SegmentId{3}};
  REQUIRE(must(checkpointed_segments(*index.read())) == one);
  must(write_meta(*index.env, known));
  CHECK(must(checkpointed_segments(*index.read())) == one);
  must(drop_removed(*index.env, known));
  CHECK(must(checkpointed_segments(*index.read())) == one);
  CHECK(must(read_meta(*index.read()))->index_bytes_written == merged.index_bytes_written);
}

TEST_CASE("what did not fit makes room again") {
  IndexFixture index;
  storage::IndexOptions tiny = testing::small_index(16u << 10);
  tiny.map_bytes = 1u << 20;
  index.reopen(tiny);
  Head small, large;
  testing::fill(small, testing::random_part({1500, 40, 300, true}, 7));
  testing::fill(large, testing::random_part({40'000, 400, 3000, true}, 8));
  CheckpointInput input;
  input.meta = meta_at(10);
  must(write_checkpoint(*index.env, input));
  auto pinned = index.read();
  input.head = &large;
  CHECK(code_of(write_checkpoint(*index.env, input)) == ErrorCode::Exhausted);
  REQUIRE(must(list_segments(*index.read())).size() == 1);
  input.head = &small;
  // The pages are free, but of a later time than the snapshot is of.
  CHECK(code_of(write_checkpoint(*index.env, input)) == ErrorCode::Exhausted);
  must(drop_unfinished(*index.env));
  pinned = index.read();
  CHECK(must(write_checkpoint(*index.env, input)).next_segment == 2);
}

TEST_CASE("keys, history and frame marks of a checkpoint read back") {
  IndexFixture index;
  const std::vector<std::pair<Hash128, Lsn>> keys = {
      {{5, 1}, Lsn{3}}, {{4, 2}, Lsn{4}}, {{9, 0}, Lsn{5}}};
  const std::vector<std::pair<GroupId, Lsn>> activity = {
      {GroupId{2}, Lsn{9}}, {GroupId{1}, Lsn{300}}, {GroupId{2}, Lsn{7}}};
  const std::vector<FrameMark> frames = {
      {Lsn{1}, {1, 64}}, {Lsn{50}, {1, 9000}}, {Lsn{80}, {70, 64}}};
  CheckpointInput input;
  input.meta = meta_at(90);
  input.keys = keys;
  input.activity = activity;
  input.frames = frames;
  CHECK(must(write_checkpoint(*index.env, input)).next_segment == 1);
  index.reopen();
  const auto txn = index.read();
  for (const auto& [key, lsn] : keys) CHECK(must(has_key(*txn, key)));
  CHECK_FALSE(must(has_key(*txn, {5, 2})));
  std::vector<std::pair<Hash128, Lsn>> all_keys;
  must(for_each_key(*txn, [&](const Hash128& key, Lsn lsn) { all_keys.emplace_back(key, lsn); }));
  CHECK(all_keys ==
        std::vector<std::pair<Hash128, Lsn>>{{{9, 0}, Lsn{5}}, {{5, 1}, Lsn{3}}, {{4, 2}, Lsn{4}}});

  CHECK(must(activity_of(*txn, GroupId{2})) == std::vector<Lsn>{Lsn{7}, Lsn{9}});
  CHECK(must(activity_of(*txn, GroupId{3})).empty());
  std::vector<std::pair<GroupId, Lsn>> all_activity;
  must(for_each_activity(*txn, [&](GroupId g, Lsn l) { all_activity.emplace_back(g, l); }));
  auto sorted = activity;
  std::sort(sorted.begin(), sorted.end());
  CHECK(all_activity == sorted);

  const auto frame_of = [&](uint64_t lsn) {
    const auto mark = must(find_frame(*txn, Lsn{lsn}));
    return mark ? raw(mark->first_lsn) : 0;
  };
  CHECK(frame_of(0) == 0);
  CHECK(frame_of(1) == 1);
  CHECK(frame_of(79) == 50);
  CHECK(frame_of(80) == 80);
  CHECK(frame_of(10'000) == 80);
  CHECK(must(find_frame(*txn, Lsn{60}))->position == LogPosition{1, 9000});
}

TEST_CASE("later checkpoints write what changed and add up") {
  IndexFixture index;
  Fold fold = full_fold();
  CheckpointInput input;
  input.meta = meta_at(fold.lsn);
  RowBuffer rows = dirty_rows(fold.state);
  input.rows = &rows;
  const CheckpointMeta first = must(write_checkpoint(*index.env, input));
  CHECK(first.next_segment == 1);  // no head, no segment
  fold.state.clear_dirty();
  uint64_t written = first.index_bytes_written;
  for (int round = 0; round < 3; ++round) {
    fold.see(kShop, {"f2"}, 300 + round);
    fold.see(kShop, {"new" + std::to_string(round)}, 300);
    if (round == 1) fold.unmerge(kShop, 1, {2});
    input.meta = first;
    input.meta.applied = Lsn{fold.lsn};
    rows = dirty_rows(fold.state);
    const CheckpointMeta next = must(write_checkpoint(*index.env, input));
    CHECK(next.index_bytes_written > written);
    CHECK(next.index_bytes_written < written + first.index_bytes_written);
    written = next.index_bytes_written;
    fold.state.clear_dirty();
    model::State state;
    must(load_state(*index.read(), state));
    REQUIRE(state.replay_digest() == fold.state.replay_digest());
  }
}

TEST_CASE("experiments are written step by step, and gone when they are dropped") {
  IndexFixture index;
  Fold fold = full_fold();
  const auto step = [&](const std::string& name, uint32_t view, uint32_t child) {
    fold.apply(model::ExperimentAdded{name, "rule", {{kShop, 1, {2}}}, {{kShop, view, {child}}}});
  };
  const auto check = [&] {
    CheckpointInput input;
    input.meta = meta_at(fold.lsn);
    const RowBuffer rows = dirty_rows(fold.state);
    input.rows = &rows;
    must(write_checkpoint(*index.env, input));
    fold.state.clear_dirty();
    model::State state;
    must(load_state(*index.read(), state));
    REQUIRE(state.replay_digest() == fold.state.replay_digest());
    REQUIRE(state.experiments() == fold.state.experiments());
    REQUIRE(state.experiment_words() == fold.state.experiment_words());
  };
  for (const char* name : {"a", "ab", "b"}) fold.apply(model::ExperimentMade{name, Lsn{3}});
  step("a", 4, 5);
  step("a", 4, 6);
  step("ab", 4, 5);
  check();
  step("ab", 5, 6);
  check();
  fold.apply(model::ExperimentDropped{"a"});
  check();
  fold.apply(model::ExperimentDropped{"ab"});
  fold.apply(model::ExperimentMade{"ab", Lsn{}});
  step("ab", 6, 4);
  check();
  fold.apply(model::Regrouped{model::RegroupCause::Promotion, "ab", {}, {{kShop, 6, {4}}}});
  check();
  CHECK(fold.state.find_experiment("ab")->promoted == Lsn{fold.lsn});
}

TEST_CASE("a checkpoint that fails changes nothing, and readers keep their snapshot") {
  testing::TempDir dir;
  IndexOptions options;
  options.map_bytes = 1u << 20;
  auto env = must(LmdbEnv::open(dir.path(), options));
  Fold fold = full_fold();
  CheckpointInput input;
  input.meta = meta_at(fold.lsn);
  RowBuffer rows = dirty_rows(fold.state);
  input.rows = &rows;
  const CheckpointMeta first = must(write_checkpoint(*env, input));
  const Hash128 before = fold.state.replay_digest();
  fold.state.clear_dirty();

  Head head;
  testing::fill(head, testing::random_part({60'000, 10, 20'000, true}, 1));
  fold.see(kShop, {"later"}, 900);
  input.meta.applied = Lsn{fold.lsn};
  input.head = &head;
  CHECK(code_of(write_checkpoint(*env, input)) == ErrorCode::Exhausted);
  {
    const auto txn = must(ReadTxn::begin(*env));
    CHECK(must(read_meta(*txn))->applied == first.applied);
    CHECK(must(list_segments(*txn)).empty());
    model::State state;
    must(load_state(*txn, state));
    CHECK(state.replay_digest() == before);
  }
  env.reset();
  options.map_bytes = 256u << 20;
  env = must(LmdbEnv::open(dir.path(), options));
  const auto old = must(ReadTxn::begin(*env));
  must(write_checkpoint(*env, input));
  CHECK(must(read_meta(*old))->applied == first.applied);
  CHECK(must(list_segments(*old)).empty());
  const auto now = must(ReadTxn::begin(*env));
  CHECK(must(read_meta(*now))->applied == input.meta.applied);
  CHECK(must(list_segments(*now)).size() == 1);
}

TEST_CASE("write_meta changes the meta row alone") {
  IndexFixture index;
  Fold fold = full_fold();
  CheckpointInput input;
  input.meta = meta_at(fold.lsn);
  const RowBuffer rows = dirty_rows(fold.state);
  input.rows = &rows;
  CheckpointMeta meta = must(write_checkpoint(*index.env, input));
  meta.acknowledged = Lsn{1000};
  must(write_meta(*index.env, meta));
  const auto txn = index.read();
  CHECK(must(read_meta(*txn))->acknowledged == Lsn{1000});
  CHECK(must(read_meta(*txn))->applied == Lsn{fold.lsn});
  CHECK(must(txn->entries(Table::Groups)) == fold.state.group_count());
}

TEST_CASE("damaged rows are Corruption that names the row") {
  IndexFixture index;
  Fold fold = full_fold();
  CheckpointInput input;
  input.meta = meta_at(fold.lsn);
  const RowBuffer rows = dirty_rows(fold.state);
  input.rows = &rows;
  must(write_checkpoint(*index.env, input));
  const auto damage = [&](Table table, std::string_view key, std::string_view value) {
    auto txn = index.write();
    must(txn->put(table, key, value));
    must(txn->commit());
  };
  model::State state;
  SECTION("meta") {
    damage(Table::Meta, "meta", "x");
    CHECK(code_of(read_meta(*index.read())) == ErrorCode::Corruption);
  }
  SECTION("a group") {
    damage(Table::Groups, std::string("\0\0\0\2", 4), "x");
    const auto result = load_state(*index.read(), state);
    CHECK(code_of(result) == ErrorCode::Corruption);
    CHECK(result.error().message.find("group 2") != std::string::npos);
  }
  SECTION("a missing group") {
    auto txn = index.write();
    must(txn->erase(Table::Groups, std::string("\0\0\0\2", 4)));
    must(txn->commit());
    CHECK(code_of(load_state(*index.read(), state)) == ErrorCode::Corruption);
  }
  SECTION("a key of a wrong size") {
    damage(Table::Projects, "short", "x");
    CHECK(code_of(load_state(*index.read(), state)) == ErrorCode::Corruption);
    damage(Table::Activity, "x", "");
    damage(Table::Keys, "x", "");
    CHECK(code_of(for_each_activity(*index.read(), [](GroupId, Lsn) {})) == ErrorCode::Corruption);
    CHECK(code_of(for_each_key(*index.read(), [](const Hash128&, Lsn) {})) ==
          ErrorCode::Corruption);
  }
  SECTION("an experiment") {
    damage(Table::Experiments, std::string("try\0\0\0\0\1", 8), "x");
    CHECK(code_of(load_state(*index.read(), state)) == ErrorCode::Corruption);
  }
  SECTION("a key of an experiment") {
    damage(Table::Experiments, "x", "");
    model::State other;
    CHECK(code_of(load_state(*index.read(), other)) == ErrorCode::Corruption);
  }
  SECTION("a frame mark") {
    damage(Table::Frames, std::string(8, '\0'), "x");
    CHECK(code_of(find_frame(*index.read(), Lsn{5})) == ErrorCode::Corruption);
  }
}

}  // namespace
}  // namespace cairn::storage
