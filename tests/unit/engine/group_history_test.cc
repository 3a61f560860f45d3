// A history tells what a fold of all records sees before and after each of them.
#include "engine/group_history.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include "model/rules.h"
#include "support/random_occurrences.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::engine;
using testing::RandomOccurrences;
using testing::TempDir;

namespace {

// What a group is at some record.
struct Moment {
  std::string status;
  std::string assignee;
  std::string priority;
  std::set<GroupId> above;  // its views
  bool operator==(const Moment&) const = default;
};

std::map<GroupId, Moment> moments(const model::State& state) {
  std::map<GroupId, Moment> out;
  for (uint32_t n = 1; n <= state.group_count(); ++n) {
    const model::Group& group = state.group(GroupId{n});
    Moment& moment = out[group.id];
    moment.status = model::status_text(group.status, group.substatus);
    moment.assignee = std::string(group.assignee);
    moment.priority = model::priority_name(group.priority);
    for (GroupId at = group.parent; at != GroupId{}; at = state.group(at).parent) {
      moment.above.insert(at);
    }
  }
  return out;
}

model::Command random_command(RandomOccurrences& random, const model::State& state) {
  const auto any = [&] {
    return GroupId{static_cast<uint32_t>(1 + random.below(state.group_count()))};
  };
  const GroupId group = state.root_of(any());
  switch (random.below(9)) {
    case 0:
      return model::MergeCommand{group, {state.root_of(any())}};
    case 1:
      return model::MakeViewCommand{"view", {group, state.root_of(any())}};
    case 2:
      return model::UnmergeCommand{any(), {}, 1};
    case 3: {
      const model::Group& of = state.group(group);
      if (of.fingerprints.empty()) return model::RejoinCommand{group};
      return model::SplitCommand{
          group, {std::string(state.fingerprint(*of.fingerprints.begin()).value)}, {}, {}};
    }
    case 4:
      return model::RejoinCommand{any()};
    case 5:
      return model::AssignCommand{group, random.below(2) == 0 ? "" : "user:1"};
    case 6:
      return model::SetPriorityCommand{group, static_cast<uint8_t>(25 * (1 + random.below(3)))};
    default:
      return model::SetStatusCommand{group, static_cast<model::Status>(random.below(3)), {}};
  }
}

// The records of a random life, as the store has them.
void live(Store& store, RandomOccurrences& random) {
  for (uint64_t n = 1; n <= 3; ++n) {
    const model::ChangeProjectCommand known{ProjectId{n}, {}, model::FingerprintPolicy::Known};
    REQUIRE(store.execute(known, {}).ok());
  }
  for (int step = 0; step < 250; ++step) {
    std::optional<model::Command> command;
    {
      const auto snapshot = store.snapshot();
      REQUIRE(snapshot.ok());
      const model::State& state = (*snapshot)->state();
      if (state.group_count() > 3 && random.below(3) > 0) command = random_command(random, state);
    }
    if (command) {
      (void)store.execute(*command, {});  // some do not fit
    } else {
      std::vector<model::Message> messages{random.next()};
      REQUIRE(store.submit(std::move(messages), {}).ok());
    }
    if (step % 100 == 99) REQUIRE(store.checkpoint().ok());
  }
}

// Counts in `told` what the histories of one life say, and checks them.
void check_histories(uint64_t seed, std::map<std::string, size_t>& told) {
  std::cout << "group history seed " << seed << "\n";
  RandomOccurrences random(seed);
  const TempDir dir;
  const auto store = Store::open(dir / "store", {});
  REQUIRE(store.ok());
  live(**store, random);
  const auto snapshot = (*store)->snapshot();
  REQUIRE(snapshot.ok());

  // The same records folded one by one: who was touched, and what all were before and after.
  model::State state;
  std::map<GroupId, std::set<Lsn>> expected;
  std::map<std::pair<Lsn, GroupId>, std::pair<Moment, Moment>> changes;
  for (Lsn lsn{1}; lsn <= (*snapshot)->lsn(); lsn = next(lsn)) {
    const auto record = (*snapshot)->record(lsn);
    REQUIRE(record.ok());
    const auto before = moments(state);
    const auto applied = state.apply(*record, lsn);
    REQUIRE(applied.ok());
    const auto after = moments(state);
    for (const GroupId touched : applied->touched) {
      expected[touched].insert(lsn);
      const auto was = before.find(touched);
      changes[{lsn, touched}] = {was == before.end() ? Moment{} : was->second, after.at(touched)};
      for (const auto& [below, moment] : after) {
        const auto then = before.find(below);
        const bool within = then != before.end() && then->second.above.contains(touched) &&
                            moment.above.contains(touched);
        if (within) expected[below].insert(lsn);
      }
    }
  }

  for (uint32_t n = 1; n <= state.group_count(); ++n) {
    INFO("group " << n);
    const auto history = group_history(**snapshot, GroupId{n});
    REQUIRE(history.ok());
    std::set<Lsn> lsns;
    for (const HistoryEntry& entry : *history) {
      INFO("record " << raw(entry.lsn) << " " << entry.what);
      lsns.insert(entry.lsn);
      told[entry.what] += 1;
      const auto change = changes.find({entry.lsn, entry.group});
      REQUIRE(change != changes.end());
      const auto& [before, after] = change->second;
      if (entry.what == "status" || entry.what == "regressed") {
        CHECK(entry.before == before.status);
        CHECK(entry.after == after.status);
      } else if (entry.what == "assignee") {
        CHECK(entry.before == before.assignee);
        CHECK(entry.after == after.assignee);
      } else if (entry.what == "priority") {
        if (entry.before != "by type") CHECK(entry.before == before.priority);
        CHECK(entry.after == after.priority);
      }
    }
    CHECK(lsns == expected[GroupId{n}]);
    CHECK(lsns.size() == history->size());
  }
}

}  // namespace

TEST_CASE("a history has every record of a group and its views, with before and after") {
  constexpr size_t kLives = 20;  // an unmerge is missing in about one of seven, others in fewer
  constexpr std::array kinds = {"created",     "status",        "assignee",       "shows",
                                "merged_into", "unmerged_from", "no_longer_shows"};
  const uint64_t seed = std::random_device{}();
  std::map<std::string, size_t> told;
  const auto is_told = [&](const char* what) { return told[what] > 0; };
  for (size_t life = 0; life < kLives && !std::all_of(kinds.begin(), kinds.end(), is_told);
       ++life) {
    check_histories(seed + life, told);
  }
  for (const char* what : kinds) {
    INFO(what);
    CHECK(is_told(what));
  }
}

TEST_CASE("a history of an issue in a deep chain of views ends") {
  const TempDir dir;
  const auto store = Store::open(dir / "store", {});
  REQUIRE(store.ok());
  RandomOccurrences random(3);
  std::vector<model::Message> messages;
  for (uint32_t n = 0; n < 1500; ++n) {
    model::Occurrence one = random.next();
    one.project = ProjectId{1};
    one.fingerprint = {"f" + std::to_string(n)};
    messages.emplace_back(std::move(one));
  }
  REQUIRE((*store)->submit(std::move(messages), {}).ok());
  for (uint32_t n = 1; n < 1500; ++n) {
    REQUIRE((*store)->execute(model::MergeCommand{GroupId{n + 1}, {GroupId{n}}}, {}).ok());
  }
  REQUIRE((*store)->checkpoint().ok());
  const auto snapshot = (*store)->snapshot();
  REQUIRE(snapshot.ok());
  const auto history = group_history(**snapshot, GroupId{1});
  REQUIRE(history.ok());
  CHECK(history->size() == 1500);  // it is made, and merged, and so is each view over it in turn
}
