// Random commands and occurrences against a fold that keeps everything and looks it up by scanning;
// on the way the state is written out in its dirty parts, restored, and replayed from its records.
#include <map>
#include <span>

#include "support/disk.h"
#include "support/fold_difference.h"
#include "support/random_facts.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

class Twin {
 public:
  explicit Twin(uint64_t seed) : dice_(seed) {}

  void step() {
    second_ += static_cast<int64_t>(dice_.below(10));
    const uint64_t kind = dice_.below(26);
    if (kind < 11 || fold_.state.group_count() < 3) return see();
    if (kind < 14) return merge();
    if (kind < 16) return unmerge();
    if (kind < 18) return set_status();
    if (kind < 19) return assign();
    if (kind < 20) return make_view();
    if (kind < 21) return unmerge_nth_last();
    if (kind < 23) return split();
    if (kind < 24) return rejoin();
    if (kind < 25) return set_priority();
    change_policy();
  }

  void compare() { REQUIRE(difference(fold_.state, naive_, at_second(second_)) == ""); }

  void checkpoint() {
    disk_.write(fold_.state);
    Result<State> read = disk_.read();
    REQUIRE(read.ok());
    State restored = std::move(read).value();
    REQUIRE(restored.replay_digest() == fold_.state.replay_digest());
    REQUIRE(restored.state_digest() == fold_.state.state_digest());
    if (dice_.one_in(2)) fold_.state = std::move(restored);
  }

  void replay() const {
    State again;
    for (const auto& [lsn, record] : log_) REQUIRE(again.apply(record, lsn).ok());
    REQUIRE(again.replay_digest() == fold_.state.replay_digest());
  }

  // How often the dice let it happen.
  size_t splits = 0;
  size_t rejoins = 0;

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
    merges_[name(primary)].push_back(names(children));
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
    forget(name(view), children.empty() ? present : names(children));
  }

  void make_view() {
    const std::vector<GroupId> children = some_groups();
    bool fits = !children.empty();
    for (const GroupId child : children) {
      fits = fits && naive(child).parent.empty() &&
             std::count(children.begin(), children.end(), child) == 1 &&
             fold_.state.group(child).project == fold_.state.group(children.front()).project;
    }
    const std::string title = "view " + std::to_string(second_);
    if (!command(MakeViewCommand{title, children}, fits ? Expected::Fact : Expected::Refusal)) {
      return;
    }
    std::vector<std::string> names;
    for (const GroupId child : children) names.push_back(name(child));
    naive_.make_view(fold_.state.group(children.front()).project, title, names, at_second(second_));
    merges_[name(fold_.state.root_of(children.front()))].push_back({names.begin(), names.end()});
  }

  // The test keeps its own list of merges by view.
  void unmerge_nth_last() {
    const GroupId view = dice_.group(fold_.state);
    const auto n = static_cast<uint32_t>(1 + dice_.below(3));
    std::vector<std::set<std::string>> present;
    for (std::set<std::string> merge : merges_[name(view)]) {
      std::erase_if(merge, [&](const std::string& child) {
        return naive_.groups.at(child).parent != name(view);
      });
      if (!merge.empty()) present.push_back(merge);
    }
    const bool fits = n <= present.size();
    const UnmergeCommand wish{view, {}, n};
    if (!command(wish, fits ? Expected::Fact : Expected::Refusal)) return;
    forget(name(view), present[present.size() - n]);
  }

  void forget(const std::string& view, const std::set<std::string>& children) {
    for (const std::string& child : children) {
      naive_.groups.at(child).parent.clear();
      for (auto& merge : merges_[view]) merge.erase(child);
    }
    naive_.forget_reopened();
  }

  void split() {
    const GroupId id = dice_.group(fold_.state);
    const Group& group = fold_.state.group(id);
    const NaiveFold::Group& twin = naive(id);
    SplitCommand wish{id, {}, {}, {}};
    std::set<std::string> moved;
    for (uint64_t tries = dice_.below(4); tries > 0; --tries) {
      const uint64_t which = 1 + dice_.below(fold_.state.fingerprint_count());
      const Fingerprint& any = fold_.state.fingerprint(FingerprintId{static_cast<uint32_t>(which)});
      const bool own = !dice_.one_in(8) && !twin.fingerprints.empty();
      std::string value(any.value);
      if (own) {
        auto it = std::next(twin.fingerprints.begin(),
                            static_cast<ptrdiff_t>(dice_.below(twin.fingerprints.size())));
        value = it->substr(it->find('/') + 1);
      }
      wish.fingerprints.push_back(value);
      moved.insert(NaiveFold::name(group.project, value));
    }
    bool fits = twin.parent.empty() && !moved.empty() && moved.size() == wish.fingerprints.size() &&
                moved.size() < twin.fingerprints.size();
    for (const std::string& one : moved) fits = fits && twin.fingerprints.contains(one);
    Face part = NaiveFold::face(twin);
    Face rest = part;
    if (fits && dice_.one_in(2)) {
      std::set<std::string> stay = twin.fingerprints;
      for (const std::string& one : moved) stay.erase(one);
      wish.part_face = part = naive_.newest_face(twin, moved);
      wish.rest_face = rest = naive_.newest_face(twin, stay);
    }
    if (!command(wish, fits ? Expected::Fact : Expected::Refusal)) return;
    splits += 1;
    naive_.split(fold_.state.group(id).project, name(id), moved, part, rest);
  }

  void rejoin() {
    const GroupId id = dice_.group(fold_.state);
    const NaiveFold::Group& twin = naive(id);
    const bool fits = !twin.split_from.empty() && twin.parent.empty() &&
                      !twin.fingerprints.empty() && naive_.children(name(id)).empty();
    if (command(RejoinCommand{id}, fits ? Expected::Fact : Expected::Refusal)) {
      rejoins += 1;
      naive_.rejoin(name(id));
    }
  }

  void set_status() {
    const GroupId id = dice_.group(fold_.state);
    const auto [status, substatus] = dice_.status();
    NaiveFold::Group& group = naive(id);
    const bool reopened = group.reopened();
    const bool same = reopened ? substatus == Substatus::Regressed
                               : group.status == status && group.substatus == substatus;
    const bool refused = !group.parent.empty() || (substatus == Substatus::New && !same);
    const Expected expected = refused ? Expected::Refusal
                              : same  ? Expected::Nothing
                                      : Expected::Fact;
    SetStatusCommand wish{id, status, substatus};
    if (substatus == Substatus::UntilConditionMet) wish.snooze.count = 1'000'000;
    if (!command(wish, expected)) return;
    StatusChanged change{fold_.state.group(id).project, fold_.state.group(id).number, status,
                         substatus};
    change.snooze = wish.snooze;
    naive_.apply(Record{at_second(second_), "", {}, change});
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

  void set_priority() {
    const GroupId id = dice_.group(fold_.state);
    SetPriorityCommand wish{id, {}};
    const bool locks = !dice_.one_in(3);
    if (locks) wish.priority = static_cast<uint8_t>(25 * (1 + dice_.below(3)));
    NaiveFold::Group& group = naive(id);
    const int priority = wish.priority.value_or(50);
    const bool same = group.priority == priority && group.priority_locked == locks;
    const Expected expected = !group.parent.empty() ? Expected::Refusal
                              : same                ? Expected::Nothing
                                                    : Expected::Fact;
    if (!command(wish, expected)) return;
    group.priority = priority;
    group.priority_locked = locks;
  }

  void change_policy() {
    const ProjectId project = dice_.project();
    const auto policy = dice_.one_in(2) ? FingerprintPolicy::Known : FingerprintPolicy::First;
    const Project* present = fold_.state.project(project);
    const bool same = present != nullptr && present->policy == policy;
    const ChangeProjectCommand wish{project, {}, policy};
    if (command(wish, same ? Expected::Nothing : Expected::Fact))
      naive_.projects[project].policy = policy;
  }

  RandomFacts dice_;
  Fold fold_;
  NaiveFold naive_;
  Disk disk_;
  std::map<std::string, std::vector<std::set<std::string>>> merges_;  // by view, in order
  std::vector<std::pair<Lsn, Record>> log_;
  int64_t second_ = 1000;
};

}  // namespace

TEST_CASE("the fold agrees with one that keeps everything") {
  size_t splits = 0;
  size_t rejoins = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Twin twin(seed);
    for (int step = 1; step <= 500; ++step) {
      twin.step();
      if (step <= 30 || step % 25 == 0) twin.compare();
      if (step % 50 == 0) twin.checkpoint();
    }
    twin.replay();
    splits += twin.splits;
    rejoins += twin.rejoins;
  }
  CHECK(splits > 200);
  CHECK(rejoins > 50);
}
