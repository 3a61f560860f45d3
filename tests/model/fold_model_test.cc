// Random commands and occurrences against a fold that keeps everything and looks it up by scanning;
// on the way the state is written out in its dirty parts, restored, and replayed from its records.
#include <map>
#include <span>

#include "support/fold.h"
#include "support/naive_fold.h"
#include "support/random_facts.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

// What a checkpoint would hold: rows, overwritten by the dirty ones.
struct Disk {
  std::map<ProjectId, Project> projects;
  std::map<GroupId, Group> groups;
  std::map<FingerprintId, Fingerprint> fingerprints;

  void write(State& state) {
    for (const ProjectId id : state.dirty_projects()) projects[id] = *state.project(id);
    for (const GroupId id : state.dirty_groups()) groups[id] = state.group(id);
    for (const FingerprintId id : state.dirty_fingerprints()) {
      fingerprints[id] = state.fingerprint(id);
    }
    state.clear_dirty();
  }

  State read() const {
    State state;
    for (const auto& [id, project] : projects) REQUIRE(state.restore_project(project).ok());
    for (const auto& [id, group] : groups) REQUIRE(state.restore_group(group).ok());
    for (const auto& [id, one] : fingerprints) REQUIRE(state.restore_fingerprint(one).ok());
    REQUIRE(state.finish_restore().ok());
    return state;
  }
};

class Twin {
 public:
  explicit Twin(uint64_t seed) : dice_(seed) {}

  void step() {
    second_ += static_cast<int64_t>(dice_.below(10));
    const uint64_t kind = dice_.below(20);
    if (kind < 11 || fold_.state.group_count() < 3) return see();
    if (kind < 14) return merge();
    if (kind < 16) return unmerge();
    if (kind < 18) return set_status();
    if (kind < 19) return assign();
    change_policy();
  }

  void compare() const {
    REQUIRE(fold_.state.group_count() == naive_.groups.size());
    for (uint32_t n = 1; n <= fold_.state.group_count(); ++n) compare_group(GroupId{n});
    compare_fingerprints();
  }

  void checkpoint() {
    disk_.write(fold_.state);
    State restored = disk_.read();
    REQUIRE(restored.replay_digest() == fold_.state.replay_digest());
    REQUIRE(restored.state_digest() == fold_.state.state_digest());
    if (dice_.one_in(2)) fold_.state = std::move(restored);
  }

  void replay() const {
    State again;
    for (const auto& [lsn, record] : log_) REQUIRE(again.apply(record, lsn).ok());
    REQUIRE(again.replay_digest() == fold_.state.replay_digest());
  }

 private:
  std::string name(GroupId id) const {
    const Group& group = fold_.state.group(id);
    return NaiveFold::name(group.project, group.number);
  }
  NaiveFold::Group& naive(GroupId id) { return naive_.groups.at(name(id)); }
  std::set<std::string> names(std::span<const GroupId> ids) const {
    std::set<std::string> out;
    for (const GroupId id : ids) out.insert(name(id));
    return out;
  }

  void apply(RecordBody body) {
    log_.emplace_back(Lsn{fold_.lsn + 1}, Record{at_second(second_), "", {}, body});
    fold_.apply(std::move(body), second_);
  }

  // Holds decide() against what the naive side expects; applies the fact. Whether there was one.
  enum class Expected { Fact, Nothing, Refusal };
  bool command(const Command& wish, Expected expected) {
    Result<std::optional<RecordBody>> fact = decide(fold_.state, wish);
    INFO((fact.ok() ? std::string("no refusal") : fact.error().message));
    REQUIRE(fact.ok() == (expected != Expected::Refusal));
    if (!fact.ok()) return false;
    REQUIRE(fact.value().has_value() == (expected == Expected::Fact));
    if (!fact.value()) return false;
    apply(std::move(**fact));
    return true;
  }

  void see() {
    const Occurrence o = dice_.next_occurrence(second_);
    apply(o);
    naive_.see(o, at_second(second_));
  }

  std::vector<GroupId> some_groups() {
    std::vector<GroupId> out;
    for (uint64_t n = dice_.below(4); n > 0; --n) out.push_back(dice_.group(fold_.state));
    return out;
  }

  void merge() {
    const GroupId primary = dice_.group(fold_.state);
    std::vector<GroupId> children = some_groups();
    bool fits = !children.empty() && naive(primary).parent.empty();
    for (const GroupId child : children) {
      fits = fits && child != primary && naive(child).parent.empty() &&
             std::count(children.begin(), children.end(), child) == 1 &&
             fold_.state.group(child).project == fold_.state.group(primary).project;
    }
    if (!command(MergeCommand{primary, children}, fits ? Expected::Fact : Expected::Refusal))
      return;
    for (const GroupId child : children) naive(child).parent = name(primary);
  }

  void unmerge() {
    const GroupId view = dice_.group(fold_.state);
    std::vector<GroupId> children = dice_.one_in(2) ? std::vector<GroupId>{} : some_groups();
    const std::set<std::string> present = naive_.children(name(view));
    bool fits = !present.empty();
    for (const GroupId child : children) {
      fits = fits && naive(child).parent == name(view) &&
             std::count(children.begin(), children.end(), child) == 1;
    }
    const UnmergeCommand wish{view, children};
    if (!command(wish, fits ? Expected::Fact : Expected::Refusal)) return;
    for (const std::string& child : children.empty() ? present : names(children)) {
      naive_.groups.at(child).parent.clear();
    }
  }

  void set_status() {
    const GroupId id = dice_.group(fold_.state);
    const auto [status, substatus] = dice_.status();
    NaiveFold::Group& group = naive(id);
    const bool same = group.status == status && group.substatus == substatus;
    const bool refused = !group.parent.empty() || (substatus == Substatus::New && !same);
    const Expected expected = refused ? Expected::Refusal
                              : same  ? Expected::Nothing
                                      : Expected::Fact;
    if (!command(SetStatusCommand{id, status, substatus}, expected)) return;
    naive_.set_status(name(id), status, substatus, at_second(second_));
  }

  void assign() {
    const GroupId id = dice_.group(fold_.state);
    const std::string assignee = dice_.assignee();
    NaiveFold::Group& group = naive(id);
    const bool same = group.assignee == assignee;
    const Expected expected = !group.parent.empty() ? Expected::Refusal
                              : same                ? Expected::Nothing
                                                    : Expected::Fact;
    if (command(AssignCommand{id, assignee}, expected)) group.assignee = assignee;
  }

  void change_policy() {
    const ProjectId project = dice_.project();
    const auto policy = dice_.one_in(2) ? FingerprintPolicy::Known : FingerprintPolicy::First;
    const Project* present = fold_.state.project(project);
    const bool same = present != nullptr && present->policy == policy;
    const ChangeProjectCommand wish{project, {}, policy};
    if (command(wish, same ? Expected::Nothing : Expected::Fact)) naive_.policies[project] = policy;
  }

  void compare_group(GroupId id) const {
    const Group& group = fold_.state.group(id);
    const NaiveFold::Group& twin = naive_.groups.at(name(id));
    INFO("group " << name(id));
    CHECK(group.times_seen == twin.seen.size());
    const auto [first, last] = std::minmax_element(
        twin.seen.begin(), twin.seen.end(),
        [](const Occurrence& a, const Occurrence& b) { return a.time() < b.time(); });
    CHECK(group.first_seen == first->time());
    CHECK(group.last_seen == last->time());
    CHECK(group.type == twin.seen.front().type);
    CHECK(group.priority == twin.seen.front().priority.value_or(50));
    CHECK(group.level == twin.seen.back().level());
    CHECK(group.culprit == twin.seen.back().culprit.value_or(""));
    CHECK(group.title == NaiveFold::title(twin));
    CHECK(group.status == twin.status);
    CHECK(group.substatus == twin.substatus);
    CHECK(group.status_since == twin.status_since);
    CHECK(group.assignee == twin.assignee);
    CHECK(group.fingerprints.size() == twin.fingerprints.size());
    compare_view(id);
  }

  void compare_view(GroupId id) const {
    const std::string view = name(id);
    CHECK(name(fold_.state.root_of(id)) == naive_.root(view));
    CHECK(names(fold_.state.group(id).children) == naive_.children(view));
    const std::vector<GroupId> members = fold_.state.members(id);
    CHECK(members.front() == id);
    CHECK(names(members) == naive_.members(view));
    const ViewTotals totals = fold_.state.totals(id);
    uint64_t count = 0;
    std::set<TimeUs> times;
    for (const std::string& member : naive_.members(view)) {
      count += naive_.groups.at(member).seen.size();
      for (const Occurrence& o : naive_.groups.at(member).seen) times.insert(o.time());
    }
    CHECK(totals.times_seen == count);
    CHECK(totals.first_seen == *times.begin());
    CHECK(totals.last_seen == *times.rbegin());
  }

  void compare_fingerprints() const {
    const std::vector<GroupId> roots = fold_.state.roots_by_fingerprint();
    REQUIRE(roots.size() == naive_.leaf_of.size() + 1);
    for (uint32_t n = 1; n <= fold_.state.fingerprint_count(); ++n) {
      const Fingerprint& one = fold_.state.fingerprint(FingerprintId{n});
      const std::string key = NaiveFold::name(one.project, std::string(one.value));
      INFO("fingerprint " << key);
      CHECK(name(one.leaf) == naive_.leaf_of.at(key));
      CHECK(name(roots[n]) == naive_.root(naive_.leaf_of.at(key)));
      CHECK(one.occurrences == naive_.decided.at(key).size());
      CHECK(naive_.groups.at(name(one.leaf)).fingerprints.contains(key));
      CHECK(fold_.state.find_fingerprint(one.project, one.value) == &one);
    }
  }

  RandomFacts dice_;
  Fold fold_;
  NaiveFold naive_;
  Disk disk_;
  std::vector<std::pair<Lsn, Record>> log_;
  int64_t second_ = 1000;
};

}  // namespace

TEST_CASE("the fold agrees with one that keeps everything") {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Twin twin(seed);
    for (int step = 1; step <= 500; ++step) {
      twin.step();
      if (step <= 30 || step % 25 == 0) twin.compare();
      if (step % 50 == 0) twin.checkpoint();
    }
    twin.replay();
  }
}
