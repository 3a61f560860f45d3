#include "verbs/merge_plan.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "model/command.h"
#include "model/rules.h"

using namespace cairn;
using namespace cairn::verbs;

namespace {

// Groups of one occurrence each: group n owns the fingerprint "fn".
class World {
 public:
  explicit World(uint32_t groups) {
    for (uint32_t i = 1; i <= groups; ++i) occurrence(i, "f" + std::to_string(i), 1);
  }

  void occurrence(uint32_t number, const std::string& fingerprint, uint64_t project) {
    model::Occurrence one;
    for (size_t i = 0; i < 4; ++i) one.id.bytes[i] = static_cast<uint8_t>(number >> (8 * i));
    one.project = ProjectId{project};
    one.fingerprint = {fingerprint};
    one.detection_time = 1'600'000'000;
    one.event = "{}";
    apply(one);
  }
  void apply(model::RecordBody body) {
    model::Record record;
    record.time = TimeUs{1};
    record.body = std::move(body);
    lsn_ = next(lsn_);
    const auto applied = state_.apply(record, lsn_);
    INFO((applied.ok() ? std::string() : applied.error().message));
    REQUIRE(applied.ok());
  }
  template <class Wish>
  void decide_and_apply(const Wish& wish) {
    auto body = model::decide(state_, wish);
    INFO((body.ok() ? std::string() : body.error().message));
    REQUIRE(body.ok());
    if (body->has_value()) apply(std::move(**body));
  }
  // Returns how many merges it took.
  size_t carry_out(MergePlan& plan) {
    const auto merges = plan.take();
    for (const auto& merge : merges) {
      CHECK(merge.op.children.size() == merge.children);
      decide_and_apply(merge.op);
    }
    return merges.size();
  }
  // One pair, as a person would merge it.
  void merge(GroupId child, GroupId primary) {
    const GroupId from = state_.root_of(child);
    const GroupId to = state_.root_of(primary);
    if (from != to) decide_and_apply(model::MergeCommand{to, {from}});
  }
  const model::State& state() const { return state_; }

 private:
  model::State state_;
  Lsn lsn_{};
};

bool must_add(MergePlan& plan, uint32_t child, uint32_t primary) {
  const auto added = plan.add(GroupId{child}, GroupId{primary});
  REQUIRE(added.ok());
  return *added;
}

}  // namespace

TEST_CASE("merge plan: pairs of one primary are one merge") {
  World world(6);
  MergePlan plan(world.state());
  CHECK(must_add(plan, 2, 1));
  CHECK(must_add(plan, 5, 4));
  CHECK(must_add(plan, 3, 1));
  CHECK_FALSE(must_add(plan, 3, 2));  // within 1 both
  CHECK_FALSE(must_add(plan, 6, 6));
  CHECK(world.carry_out(plan) == 2);
  CHECK(world.state().root_of(GroupId{3}) == GroupId{1});
  CHECK(world.state().root_of(GroupId{5}) == GroupId{4});
  CHECK(plan.take().empty());
}

TEST_CASE("merge plan: a primary that goes under another takes its children along") {
  World world(4);
  MergePlan plan(world.state());
  CHECK(must_add(plan, 3, 2));
  CHECK(must_add(plan, 2, 1));
  CHECK(must_add(plan, 4, 3));  // is in 1 by then
  CHECK(world.carry_out(plan) == 2);
  const auto& state = world.state();
  CHECK(state.group(GroupId{3}).parent == GroupId{2});
  CHECK(state.group(GroupId{4}).parent == GroupId{1});
  CHECK(state.members(GroupId{1}).size() == 4);
}

TEST_CASE("merge plan: what merging the pairs one by one makes, at random") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    constexpr uint32_t kGroups = 40;
    World planned(kGroups);
    World one_by_one(kGroups);
    for (int batch = 0; batch < 3; ++batch) {
      MergePlan plan(planned.state());
      const uint64_t pairs = random() % 30;
      for (uint64_t i = 0; i < pairs; ++i) {
        const auto child = static_cast<uint32_t>(random() % kGroups + 1);
        const auto primary = static_cast<uint32_t>(random() % kGroups + 1);
        must_add(plan, child, primary);
        one_by_one.merge(GroupId{child}, GroupId{primary});
      }
      CHECK(planned.carry_out(plan) <= pairs);
      REQUIRE(planned.state().state_digest() == one_by_one.state().state_digest());
    }
  }
}

TEST_CASE("merge plan: more children than one merge takes") {
  constexpr uint32_t kChildren = model::kMaxMergeChildren * 2 + 5;
  World world(kChildren + 1);
  MergePlan plan(world.state());
  for (uint32_t child = 2; child <= kChildren + 1; ++child) must_add(plan, child, 1);
  CHECK(world.carry_out(plan) == 3);
  CHECK(world.state().members(GroupId{1}).size() == kChildren + 1);
}

TEST_CASE("merge plan: views without fingerprints are named by what they show") {
  World world(4);
  world.decide_and_apply(model::MakeViewCommand{"All of it", {GroupId{1}, GroupId{2}}});
  MergePlan plan(world.state());
  CHECK(must_add(plan, 3, 5));
  CHECK(must_add(plan, 5, 4));
  CHECK(world.carry_out(plan) == 2);
  CHECK(world.state().root_of(GroupId{1}) == GroupId{4});
  CHECK(world.state().group(GroupId{3}).parent == GroupId{5});
}

TEST_CASE("merge plan: what is refused plans nothing") {
  World world(3);
  world.occurrence(77, "other", 2);
  MergePlan plan(world.state());
  const auto refused = plan.add(GroupId{4}, GroupId{1});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::Conflict);
  CHECK(refused.error().message.find("different projects") != std::string::npos);
  CHECK(plan.take().empty());

  world.decide_and_apply(model::SetStandingCommand{GroupId{3}, model::Standing::Deleted});
  MergePlan deleted(world.state());
  CHECK(deleted.add(GroupId{3}, GroupId{1}).error().message.find("is deleted") !=
        std::string::npos);
  CHECK_FALSE(deleted.add(GroupId{1}, GroupId{3}).ok());

  world.decide_and_apply(model::MakeViewCommand{"Empty soon", {GroupId{1}}});
  world.decide_and_apply(model::UnmergeCommand{GroupId{5}, {}, 0});
  MergePlan later(world.state());
  CHECK_FALSE(later.add(GroupId{2}, GroupId{5}).ok());
  CHECK(later.take().empty());
}
