// Law 2: after `merge, X, unmerge` the state is the state after X alone, for any X.
#include "support/fold.h"
#include "support/random_facts.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

constexpr uint64_t kSeeds = 150;

// One child under its primary, by numbers.
struct Link {
  ProjectId project;
  uint32_t primary;
  uint32_t child;
};

// Both folds take the same facts; only `merged` takes the merges, and gives them back.
class Pair {
 public:
  explicit Pair(uint64_t seed) : dice(seed) {}

  void happen(int steps) {
    for (int n = 0; n < steps; ++n) {
      second_ += static_cast<int64_t>(dice.one_in(20) ? dice.below(500'000) : dice.below(10));
      const bool first = plain.state.group_count() == 0;
      both(first || !dice.one_in(3) ? RecordBody(dice.next_occurrence(second_))
                                    : dice.workflow(plain.state));
    }
  }

  void both(const RecordBody& body) {
    plain.apply(body, second_);
    merged.apply(body, second_);
  }

  // What the groups wait for and keep, but for what members did to their views.
  void compare_care() const {
    for (uint32_t n = 1; n <= plain.state.group_count(); ++n) {
      Care here = plain.state.care(GroupId{n});
      Care there = merged.state.care(GroupId{n});
      here.reopened.clear();
      there.reopened.clear();
      here.id = there.id = GroupId{n};
      REQUIRE(here == there);
    }
  }

  // Merges into the base both have.
  void merge_both() {
    const std::optional<Merged> merge = dice.merge(plain.state);
    if (merge) both(*merge);
  }

  void merge_one() {
    const std::optional<Merged> merge = dice.merge(merged.state);
    if (!merge) return;
    merged.apply(*merge, second_);
    for (const uint32_t child : merge->children) {
      links_.push_back({merge->project, merge->primary, child});
    }
  }

  void unmerge_some_link() {
    if (links_.empty()) return;
    const size_t at = dice.below(links_.size());
    const Link link = links_[at];
    links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(at));
    merged.apply(Unmerged{link.project, link.primary, {link.child}}, second_);
  }

  void unmerge_all() {
    while (!links_.empty()) unmerge_some_link();
  }

  // Own fields of every group agree all the time, hidden or not.
  void compare_own_fields() const {
    REQUIRE(plain.state.group_count() == merged.state.group_count());
    for (uint32_t n = 1; n <= plain.state.group_count(); ++n) {
      Group here = plain.state.group(GroupId{n});
      Group there = merged.state.group(GroupId{n});
      for (Group* group : {&here, &there}) {
        group->parent = GroupId{};
        group->children.clear();
        group->merged_at = group->created = Lsn{};
        group->reopened = false;  // by members, which only one side has
      }
      REQUIRE(here == there);
    }
    compare_care();
  }

  RandomFacts dice;
  Fold plain;
  Fold merged;

 private:
  std::vector<Link> links_;
  int64_t second_ = 1000;
};

WorkflowOp op(const char* name, const Fingerprint& primary, std::vector<std::string> children) {
  WorkflowOp out;
  out.project = primary.project;
  out.op = name;
  out.fingerprint = primary.value;
  out.children = std::move(children);
  return out;
}

}  // namespace

TEST_CASE("one merge, any X, one unmerge") {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    INFO("seed " << seed);
    Pair pair(seed);
    pair.happen(40);
    pair.merge_both();
    pair.merge_both();
    REQUIRE(pair.plain.state.state_digest() == pair.merged.state.state_digest());
    pair.merge_one();
    pair.happen(60);
    pair.compare_own_fields();
    pair.unmerge_all();
    REQUIRE(pair.plain.state.state_digest() == pair.merged.state.state_digest());
  }
}

TEST_CASE("nested merges all through X, taken back in any order") {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    INFO("seed " << seed);
    Pair pair(seed);
    pair.happen(30);
    pair.merge_both();
    for (int round = 0; round < 15; ++round) {
      pair.merge_one();
      pair.happen(8);
      if (pair.dice.one_in(4)) pair.unmerge_some_link();
      pair.compare_own_fields();
    }
    REQUIRE(pair.merged.state.finish_restore().ok());
    pair.unmerge_all();
    REQUIRE(pair.plain.state.state_digest() == pair.merged.state.state_digest());
  }
}

TEST_CASE("a stream's merges taken back newest first, op by op") {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    INFO("seed " << seed);
    Pair pair(seed);
    pair.happen(60);
    const State& state = pair.merged.state;
    std::vector<std::pair<WorkflowOp, Hash128>> done;  // with the digest before each
    for (int n = 0; n < 25; ++n) {
      const auto one = [&]() -> const Fingerprint& {
        return state.fingerprint(
            FingerprintId{static_cast<uint32_t>(1 + pair.dice.below(state.fingerprint_count()))});
      };
      const Fingerprint& primary = one();
      std::vector<std::string> children;
      for (int tries = 0; tries < 4; ++tries) {
        const Fingerprint& child = one();
        if (child.project == primary.project) children.emplace_back(child.value);
      }
      if (children.empty()) continue;
      const Hash128 before = state.state_digest();
      if (pair.merged.carry_out(op("merge", primary, children))) {
        done.emplace_back(op("unmerge", primary, children), before);
      }
    }
    for (; !done.empty(); done.pop_back()) {
      REQUIRE(pair.merged.carry_out(done.back().first));
      REQUIRE(state.state_digest() == done.back().second);
    }
    REQUIRE(pair.plain.state.state_digest() == state.state_digest());
  }
}

TEST_CASE("all views emptied by command: the state of the stream without merges") {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    INFO("seed " << seed);
    Pair pair(seed);
    for (int round = 0; round < 10; ++round) {
      pair.happen(10);
      pair.merge_one();
    }
    for (uint32_t n = 1; n <= pair.merged.state.group_count(); ++n) {
      if (pair.merged.state.group(GroupId{n}).children.empty()) continue;
      REQUIRE(pair.merged.carry_out(Command{UnmergeCommand{GroupId{n}, {}}}));
    }
    REQUIRE(pair.plain.state.state_digest() == pair.merged.state.state_digest());
  }
}

// The number a part got is never given back, so the state is compared by fingerprints: who is
// together with whom, and what each group counts.
TEST_CASE("splits taken back: every group counts what it counts without them") {
  size_t splits = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    INFO("seed " << seed);
    RandomFacts dice(seed);
    Fold plain;
    Fold divided;
    for (const ProjectId project : {kShop, kApi}) {
      const ProjectChanged change{project, {}, FingerprintPolicy::Known};
      plain.apply(change);
      divided.apply(change);
    }
    for (int n = 0; n < 120; ++n) {
      const Occurrence seen = dice.next_occurrence(1000 + n);
      plain.apply(seen, 1000 + n);
      divided.apply(seen, 1000 + n);
      if (!dice.one_in(4)) continue;
      const Group& group = divided.state.group(dice.group(divided.state));
      if (group.fingerprints.size() < 2) continue;
      const std::string one(divided.state.fingerprint(*group.fingerprints.begin()).value);
      divided.carry_out(Command{SplitCommand{group.id, {one}, {}, {}}});
      splits += 1;
    }
    // Newest first: a part may have been split again.
    for (uint32_t n = divided.state.group_count(); n > 0; --n) {
      const Group& part = divided.state.group(GroupId{n});
      if (part.split_from == GroupId{}) continue;
      REQUIRE(divided.carry_out(Command{RejoinCommand{part.id}}));
    }
    REQUIRE(plain.state.fingerprint_count() == divided.state.fingerprint_count());
    for (uint32_t n = 1; n <= plain.state.fingerprint_count(); ++n) {
      const Fingerprint& one = plain.state.fingerprint(FingerprintId{n});
      const Fingerprint* twin = divided.state.find_fingerprint(one.project, one.value);
      REQUIRE(twin != nullptr);
      CHECK(twin->occurrences == one.occurrences);
      CHECK(twin->membership == one.membership);
      const Group& here = plain.state.group(one.leaf);
      const Group& there = divided.state.group(twin->leaf);
      CHECK(there.times_seen == here.times_seen);
      CHECK(there.first_seen == here.first_seen);
      CHECK(there.last_seen == here.last_seen);
      CHECK(there.fingerprints.size() == here.fingerprints.size());
      CHECK(there.split_from == GroupId{});
    }
    REQUIRE(divided.state.finish_restore().ok());
  }
  CHECK(splits > 500);
}
