// The whole life of issues: random commands, messages, occurrences and ticks over months, against a
// fold that keeps everything and looks it up by scanning. On the way the state is written out in
// its dirty parts, restored, and replayed. A failing seed is run again with ever fewer records; the
// shortest sequence that fails is printed.
#include <fmt/format.h>

#include <exception>

#include "model/rules.h"
#include "support/disk.h"
#include "support/fold_difference.h"
#include "support/random_facts.h"
#include "support/shrink.h"
#include "support/soak.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

constexpr int kSeeds = 150;
constexpr int kSteps = 500;

constexpr int64_t kMinute = 60;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kStart = 20'000 * kDay;

// Every rule of docs/semantics.md, by the names that the naive fold gives them, and how often it
// has to have its way over all seeds, so that the test cannot pass idle.
constexpr size_t kLeast = 5;
constexpr const char* kMustHappen[] = {"new to ongoing by time",
                                       "regressed to ongoing by time",
                                       "escalating to ongoing by time",
                                       "until_condition_met to ongoing by time",
                                       "ongoing first, resolved with the next tick",
                                       "new to resolved by age",
                                       "ongoing to resolved by age",
                                       "regressed to resolved by age",
                                       "escalating to resolved by age",
                                       "new to escalating",
                                       "above the forecast",
                                       "forecast renewed",
                                       "forecast not brought",
                                       "so many",
                                       "so many in a window",
                                       "so many users",
                                       "users in a window",
                                       "resolved to regressed",
                                       "in release to regressed",
                                       "in next release to regressed",
                                       "in commit to regressed",
                                       "covered in a release",
                                       "covered in the next release",
                                       "covered in a commit",
                                       "covered: no release has the commit",
                                       "compared by version",
                                       "compared by date",
                                       "view reopened",
                                       "view kept by its resolution",
                                       "reopening forgotten with its member",
                                       "priority raised",
                                       "priority as at first",
                                       "priority kept: locked",
                                       "held back: noise",
                                       "held back: quota",
                                       "noise counted anew",
                                       "made with what was held back",
                                       "linked with what was held back",
                                       "deleted",
                                       "deleted with members",
                                       "fresh after a deletion",
                                       "discarded",
                                       "discarded with members",
                                       "kept",
                                       "kept with members",
                                       "counted while discarded",
                                       "split",
                                       "split undone",
                                       "note added",
                                       "note edited",
                                       "note removed",
                                       "bookmarked",
                                       "bookmarked no more",
                                       "subscribed",
                                       "subscribed no more",
                                       "seen",
                                       "reviewed",
                                       "link added",
                                       "link removed"};

// A record, or, without one, a checkpoint from which the store goes on.
struct Step {
  std::optional<Record> record;
};

// The two folds and where they stand.
struct Both {
  State state;
  NaiveFold naive;
  Disk disk;
  uint64_t lsn = 0;
  TimeUs now{};

  // What went wrong; "" = nothing. A record that does not fit is "refused".
  std::string take(const Step& step) {
    if (!step.record) return checkpoint();
    const Result<Applied> applied = state.apply(*step.record, Lsn{lsn + 1});
    if (!applied.ok()) return "refused: " + applied.error().message;
    lsn += 1;
    now = step.record->time;
    try {
      naive.apply(*step.record);
    } catch (const std::exception& e) {
      return std::string("the naive fold cannot take it: ") + e.what();
    }
    return "";
  }

  std::string compare() {
    try {
      return difference(state, naive, now);
    } catch (const std::exception& e) {
      return std::string("the naive fold cannot tell: ") + e.what();
    }
  }

  // What the records alone come to.
  std::string replay(const std::vector<Record>& records) const {
    State again;
    uint64_t n = 0;
    for (const Record& record : records) {
      if (!again.apply(record, Lsn{++n}).ok()) return "replay refuses a record";
    }
    if (again.replay_digest() == state.replay_digest()) return "";
    std::string where = "another digest";
    for (uint32_t id = 1; id <= again.group_count(); ++id) {
      if (!(again.group(GroupId{id}) == state.group(GroupId{id}))) {
        where += fmt::format(", group {}", again.short_id(GroupId{id}));
      }
      if (!(again.care(GroupId{id}) == state.care(GroupId{id}))) {
        where += fmt::format(", care of {}", again.short_id(GroupId{id}));
      }
    }
    if (again.held() != state.held()) where += ", held";
    if (again.projects() != state.projects()) where += ", projects";
    if (again.types_set() != state.types_set()) where += ", types";
    return "replay of all: " + where + ", naive: " + difference(again, naive, now);
  }

  std::string checkpoint() {
    disk.write(state);
    Result<State> restored = disk.read();
    if (!restored.ok()) return "restore: " + restored.error().message;
    if (restored->replay_digest() != state.replay_digest()) return "digest of the restored";
    state = std::move(restored).value();
    return "";
  }
};

// The first thing that goes wrong. Records that no longer fit are left out.
std::string run(const std::vector<Step>& steps) {
  Both both;
  std::vector<Record> taken;
  for (const Step& step : steps) {
    const std::string failure = both.take(step);
    if (failure.starts_with("refused")) continue;
    if (!failure.empty()) return failure;
    if (step.record) taken.push_back(*step.record);
    const std::string differs = both.compare();
    if (!differs.empty()) return differs;
  }
  return both.replay(taken);
}

// What differs, without where and how.
std::string kind_of(const std::string& failure) { return failure.substr(0, failure.find(" of ")); }

std::string explain(const std::vector<Step>& steps) {
  const std::string first = run(steps);
  if (first.empty()) return "it does not fail again";
  const std::vector<Step> fewer = shrink<Step>(
      steps, [&](const std::vector<Step>& some) { return kind_of(run(some)) == kind_of(first); });
  std::string out = run(fewer) + "\n";
  for (const Step& step : fewer) {
    out += (step.record ? record_text(*step.record) : std::string("checkpoint")) + "\n";
  }
  return out;
}

class Life {
 public:
  explicit Life(uint64_t seed) : dice_(seed) {
    for (const ProjectId project : {kShop, kApi}) change_project(project);
    change_type();
  }

  void step() {
    pass_time();
    const uint64_t kind = dice_.below(46);
    if (kind < 12 || state().group_count() < 3) return see();
    if (kind < 14) return burst();
    if (kind < 19) return tick();
    if (kind < 24) return set_status();
    if (kind < 25) return raw_fact();
    if (kind < 28) return merge();
    if (kind < 30) return unmerge();
    if (kind < 31) return one_more_view();
    if (kind < 33) return split_or_rejoin();
    if (kind < 34) return set_priority();
    if (kind < 36) return note();
    if (kind < 38) return attend();
    if (kind < 39) return link();
    if (kind < 41) return set_standing();
    if (kind < 43) return change_release();
    if (kind < 45) return change_project(dice_.project());
    change_type();
  }

  void compare() {
    const std::string differs = both_.compare();
    if (!differs.empty()) fail(differs);
  }

  void checkpoint() { take({}); }

  void replay() const {
    std::vector<Record> records;
    for (const Step& one : steps_) {
      if (one.record) records.push_back(*one.record);
    }
    const std::string differs = both_.replay(records);
    if (!differs.empty()) fail(differs);
  }

  const std::map<std::string, size_t>& reached() const { return both_.naive.reached; }

 private:
  const State& state() const { return both_.state; }
  std::string name(GroupId id) const {
    return NaiveFold::name(state().group(id).project, state().group(id).number);
  }
  const NaiveFold::Group& naive(GroupId id) const { return both_.naive.groups.at(name(id)); }
  bool kept(GroupId id) const { return naive(id).standing == Standing::Kept; }
  bool visible(GroupId id) const { return naive(id).parent.empty(); }
  // Mostly an issue.
  GroupId group() {
    const GroupId any = dice_.group(state());
    return dice_.one_in(4) ? any : state().root_of(any);
  }

  [[noreturn]] void fail(const std::string& what) const {
    FAIL(what << "\nthe shortest way there:\n" << explain(steps_));
    std::abort();
  }

  void take(Step step) {
    steps_.push_back(std::move(step));
    const std::string failure = both_.take(steps_.back());
    if (!failure.empty()) fail(failure);
  }
  void apply(RecordBody body, const std::string& actor = "") {
    take({Record{at_second(second_), actor, {}, std::move(body)}});
  }

  // Mostly little, sometimes hours, days or weeks.
  void pass_time() {
    const uint64_t kind = dice_.below(60);
    uint64_t most = 10;
    if (kind < 12) most = 20 * kMinute;
    if (kind < 6) most = 5 * kHour;
    if (kind < 3) most = 2 * kDay;
    if (kind < 1) most = 20 * kDay;
    second_ += static_cast<int64_t>(dice_.below(most));
  }

  // Holds decide() against whether the wish should be refused. Whether there was a fact.
  bool command(const Command& wish, std::optional<bool> refused) {
    Result<std::optional<RecordBody>> fact = decide(state(), wish);
    if (refused && fact.ok() == *refused) {
      fail("command " + std::to_string(wish.index()) + ": " +
           (fact.ok() ? std::string("taken") : fact.error().message));
    }
    if (!fact.ok() || !fact.value()) return false;
    RecordBody body = std::move(**fact);
    if (auto* change = std::get_if<StatusChanged>(&body)) {
      if (change->substatus == Substatus::UntilEscalating) change->forecast = ceilings();
    }
    apply(std::move(body), "user:" + std::to_string(dice_.below(3)));
    return true;
  }

  std::vector<uint32_t> ceilings() {
    std::vector<uint32_t> out;
    if (dice_.one_in(4)) return out;
    for (uint64_t days = 1 + dice_.below(5); days > 0; --days) {
      out.push_back(static_cast<uint32_t>(dice_.below(4)));
    }
    return out;
  }

  std::string release() {
    if (dice_.one_in(kinds_of_release_)) return "nightly-" + std::to_string(dice_.below(4));
    return "shop@" + std::to_string(1 + dice_.below(2)) + "." + std::to_string(dice_.below(12));
  }
  std::string commit() { return "c" + std::to_string(dice_.below(4)); }

  // As a store takes it: what is due happens before it, and its release is registered.
  void enter(const Occurrence& o) {
    const std::string release = NaiveFold::release_of(o);
    const bool known = state().releases(o.project).find(release) != nullptr;
    if (!release.empty() && !known && !dice_.one_in(8)) {
      apply(ReleaseChanged{o.project, release, {}, {}});
    }
    apply(o);
  }

  Occurrence next() {
    Occurrence o = dice_.next_occurrence(second_);
    const std::string user = "\"user\":{\"id\":" + std::to_string(dice_.below(5)) + "}";
    o.event.clear();
    if (dice_.one_in(3)) {
      o.event = "{\"release\":\"" + release() + "\"}";
    } else if (dice_.one_in(2)) {
      o.event = "{" + user + "}";
    } else if (dice_.one_in(2)) {
      o.event = "{\"release\":\"" + release() + "\"," + user + "}";
    }
    if (dice_.one_in(12)) o.detection_time -= static_cast<double>(dice_.below(9 * kDay));
    return o;
  }

  void see() { enter(next()); }

  // The same again and again, as problems come.
  void burst() {
    Occurrence o = next();
    for (uint64_t times = 1 + dice_.below(14); times > 0; --times) {
      second_ += static_cast<int64_t>(dice_.below(dice_.one_in(4) ? 40 * kMinute : 30));
      o.id = uuid_of(1'000'000 + both_.lsn);
      o.detection_time = static_cast<double>(second_);
      enter(o);
    }
  }

  void tick() {
    Ticked tick;
    for (const GroupId id : state().forecasts_due(at_second(second_))) {
      if (dice_.one_in(3)) continue;
      tick.forecasts.push_back({state().group(id).project, state().group(id).number, ceilings()});
    }
    apply(tick);
  }

  SnoozeTerms terms() {
    SnoozeTerms out;
    const uint64_t kinds = 1 + dice_.below(7);
    const auto minutes = [&] {
      return dice_.one_in(2) ? 0 : static_cast<uint32_t>(1 + dice_.below(300));
    };
    if ((kinds & 1) != 0) out.until = at_second(second_ + 60 + dice_.below(9 * kDay));
    if ((kinds & 2) != 0) out.count = static_cast<uint32_t>(1 + dice_.below(4));
    if ((kinds & 2) != 0) out.window_minutes = minutes();
    if ((kinds & 4) != 0) out.users = static_cast<uint32_t>(1 + dice_.below(3));
    if ((kinds & 4) != 0) out.user_window_minutes = minutes();
    return out;
  }

  Resolution resolution() {
    const auto kind = static_cast<ResolutionKind>(dice_.below(4));
    if (kind == ResolutionKind::InRelease) return {kind, release()};
    if (kind == ResolutionKind::InCommit) return {kind, commit()};
    return {kind, ""};
  }

  void set_status() {
    const GroupId id = group();
    const auto [status, substatus] = dice_.status();
    SetStatusCommand wish{id, status, substatus};
    if (substatus == Substatus::UntilConditionMet) wish.snooze = terms();
    if (status == Status::Resolved) wish.resolution = resolution();
    std::optional<bool> refused;
    if (!visible(id) || !kept(id)) refused = true;
    if (!refused && substatus != Substatus::New) refused = false;
    const std::string newest = both_.naive.newest_release(state().group(id).project);
    if (!command(wish, refused)) {
      const ShownStatus shown = both_.naive.shown_status(name(id));
      const bool same = shown.status == status && shown.substatus == substatus;
      if (refused == false && !same) fail("a change of status that does nothing");
      return;
    }
    const NaiveFold::Group& now = naive(id);
    if (now.status != status || now.substatus != substatus) fail("another status than wished");
    if (wish.resolution.kind == ResolutionKind::InNextRelease && now.resolution.version != newest) {
      fail("another newest release: " + now.resolution.version);
    }
  }

  // What detectors and trackers report, of hidden groups as well.
  void raw_fact() {
    const Group& on = state().group(dice_.group(state()));
    if (!kept(on.id)) return;
    StatusChanged change = dice_.status_change(on);
    if (change.resolution.kind == ResolutionKind::InNextRelease) change.resolution = {};
    if (change.substatus == Substatus::UntilConditionMet) change.snooze = terms();
    if (change.substatus == Substatus::UntilEscalating) change.forecast = ceilings();
    apply(change);
  }

  std::vector<GroupId> some_groups() {
    std::vector<GroupId> out;
    for (uint64_t n = dice_.below(4); n > 0; --n) out.push_back(group());
    return out;
  }

  // Whether these may go below one issue.
  bool mergeable(const std::vector<GroupId>& children, ProjectId project) const {
    bool fits = !children.empty();
    for (const GroupId child : children) {
      fits = fits && visible(child) && kept(child) && state().group(child).project == project &&
             std::count(children.begin(), children.end(), child) == 1;
    }
    return fits;
  }

  void merge() {
    const GroupId primary = group();
    const std::vector<GroupId> children = some_groups();
    const bool fits = visible(primary) && kept(primary) &&
                      mergeable(children, state().group(primary).project) &&
                      std::count(children.begin(), children.end(), primary) == 0;
    command(MergeCommand{primary, children}, !fits);
  }

  void unmerge() {
    const GroupId view = group();
    std::vector<GroupId> children = dice_.one_in(2) ? std::vector<GroupId>{} : some_groups();
    const std::set<std::string> present = both_.naive.children(name(view));
    bool fits = !present.empty() && kept(view);
    for (const GroupId child : children) {
      fits = fits && naive(child).parent == name(view) &&
             std::count(children.begin(), children.end(), child) == 1;
    }
    command(UnmergeCommand{view, children}, !fits);
  }

  void one_more_view() {
    const std::vector<GroupId> children = some_groups();
    const bool fits =
        !children.empty() && mergeable(children, state().group(children.front()).project);
    command(MakeViewCommand{"view " + std::to_string(second_), children}, !fits);
  }

  void split_or_rejoin() {
    const bool splits = dice_.one_in(2);
    GroupId id = group();
    for (int tries = 0; tries < 12 && !splits && naive(id).split_from.empty(); ++tries) {
      id = group();
    }
    const NaiveFold::Group& twin = naive(id);
    if (splits && twin.fingerprints.size() > 1) {
      const std::string& one = *twin.fingerprints.begin();
      const SplitCommand wish{id, {one.substr(one.find('/') + 1)}, {}, {}};
      command(wish, !visible(id) || !kept(id));
    } else if (twin.split_from.empty()) {
      command(RejoinCommand{id}, true);
    } else {
      command(RejoinCommand{id}, kept(id) ? std::nullopt : std::optional(true));
    }
  }

  void set_priority() {
    const GroupId id = group();
    SetPriorityCommand wish{id, {}};
    if (!dice_.one_in(2)) wish.priority = static_cast<uint8_t>(25 * (1 + dice_.below(3)));
    command(wish, !visible(id) || !kept(id));
  }

  void note() {
    GroupId id = group();
    for (int tries = 0; tries < 5 && naive(id).notes.empty(); ++tries) id = group();
    NoteCommand wish{id, static_cast<NoteChange>(dice_.below(3)), 0, ""};
    const std::vector<Note>& notes = naive(id).notes;
    if (notes.empty()) wish.change = NoteChange::Added;
    if (wish.change != NoteChange::Added)
      wish.note = static_cast<uint32_t>(1 + dice_.below(naive(id).last_note + 1));
    if (wish.change != NoteChange::Removed) wish.text = "said at " + std::to_string(second_);
    const bool there = std::any_of(notes.begin(), notes.end(),
                                   [&](const Note& one) { return one.number == wish.note; });
    const bool fits = kept(id) && (wish.change == NoteChange::Added || there);
    command(wish, fits ? std::nullopt : std::optional(true));
  }

  void attend() {
    const GroupId id = group();
    AttentionCommand wish{id, static_cast<Attention>(dice_.below(4)), "", true};
    if (wish.attention == Attention::Bookmarked || wish.attention == Attention::Subscribed) {
      wish.on = !dice_.one_in(3);
    }
    if (wish.attention != Attention::Reviewed) wish.who = "user:" + std::to_string(dice_.below(3));
    command(wish, kept(id) ? std::nullopt : std::optional(true));
  }

  void link() {
    const GroupId id = group();
    LinkCommand wish{id, "https://t.example/" + std::to_string(dice_.below(3)), "",
                     dice_.one_in(3)};
    if (!wish.removed && dice_.one_in(2)) wish.title = "T-" + std::to_string(dice_.below(3));
    command(wish, kept(id) ? std::nullopt : std::optional(true));
  }

  void set_standing() {
    const GroupId id = group();
    SetStandingCommand wish{id, dice_.one_in(5) ? Standing::Deleted : Standing::Discarded};
    if (!kept(id) || dice_.one_in(4)) wish.standing = Standing::Kept;
    const bool gone = naive(id).standing == Standing::Deleted;
    const bool refused = !visible(id) || gone;
    command(wish, refused ? std::nullopt : std::optional(false));
    if (gone && kept(id)) fail("a deleted issue came back");
  }

  void change_release() {
    ChangeReleaseCommand wish{dice_.project(), release(), {}, {}};
    if (dice_.one_in(2)) {
      const int64_t days = static_cast<int64_t>(dice_.below(20)) - 15;
      wish.date = at_second(kStart + (second_ - kStart) / kDay * kDay + days * kDay);
    }
    for (uint64_t n = dice_.below(3); n > 0; --n) wish.commits.push_back(commit());
    command(wish, std::nullopt);
  }

  void change_project(ProjectId project) {
    ChangeProjectCommand wish{project, {}, {}, {}, {}, {}};
    static const std::vector<uint32_t> kHours = {0, 0, 5, 48, 24 * 9};
    if (dice_.one_in(2)) wish.auto_resolve_hours = dice_.pick(kHours);
    if (dice_.one_in(2)) wish.escalation_threshold = static_cast<uint32_t>(dice_.below(6));
    if (dice_.one_in(2)) wish.hold_back = dice_.one_in(2);
    if (dice_.one_in(3)) {
      wish.policy = dice_.one_in(2) ? FingerprintPolicy::Known : FingerprintPolicy::First;
    }
    command(wish, std::nullopt);
  }

  void change_type() {
    GroupType type = *find_known_group_type(dice_.one_in(3) ? 6001 : 1);
    type.noise_limit = static_cast<uint32_t>(dice_.below(4));
    type.quota_per_hour = static_cast<uint32_t>(1 + dice_.below(4));
    type.escalation = !dice_.one_in(5);
    type.auto_resolve = !dice_.one_in(4);
    command(ChangeTypesCommand{{}, {type}}, std::nullopt);
  }

  RandomFacts dice_;
  Both both_;
  std::vector<Step> steps_;
  int64_t second_ = kStart;
  // One release in so many is none by version; 1 = all of them.
  uint64_t kinds_of_release_ = 1 + dice_.below(5);
};

}  // namespace

TEST_CASE("the life of issues agrees with a fold that keeps everything") {
  std::map<std::string, size_t> reached;
  for (int seed = 1; seed <= soak_rounds(kSeeds); ++seed) {
    INFO("seed " << seed);
    Life life(static_cast<uint64_t>(seed));
    for (int step = 1; step <= kSteps; ++step) {
      life.step();
      if (step <= 20 || step % 10 == 0) life.compare();
      if (step % 50 == 0) life.checkpoint();
    }
    life.replay();
    for (const auto& [what, times] : life.reached()) reached[what] += times;
  }
  for (const char* what : kMustHappen) {
    INFO(what);
    CHECK(reached[what] >= kLeast);
  }
}
