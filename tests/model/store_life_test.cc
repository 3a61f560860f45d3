// The whole life of a store over months: occurrences, messages, commands of every kind, ticks,
// checkpoints and reopenings, with a clock that moves. What it comes to must be the fold of its
// log, plain and naive, survive a rebuild, and every moment of it must be found again.
// A failing round prints its seed; CAIRN_SEED=N begins with it.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <exception>
#include <iostream>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "engine/group_history.h"
#include "engine/store.h"
#include "model/forecast.h"
#include "support/fold_difference.h"
#include "support/life_tally.h"
#include "support/random_commands.h"
#include "support/random_occurrences.h"
#include "support/soak.h"
#include "support/store_queries.h"
#include "support/temp_dir.h"

using namespace cairn;
using engine::Outcome;
using engine::Store;

namespace {

constexpr int kRounds = 3;
constexpr int kSteps = 1000;
constexpr int kStepsBetweenChecks = 500;
constexpr int kMoments = 100;  // of the past, a round
constexpr int kQueriesPerMoment = 5;
constexpr uint64_t kProjects = 3;

constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;
constexpr int64_t kHourUs = 60 * kMinuteUs;
constexpr int64_t kDayUs = 24 * kHourUs;
constexpr TimeUs kStart{1'700'100'000'000'000};

template <class T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().message);
  return std::move(result).value();
}
void must(const Result<void>& result) {
  if (!result.ok()) FAIL(result.error().message);
}

// What a caller may meet; anything else is a bug or a disk.
void check_refusal(const Error& error) {
  INFO(error.message);
  REQUIRE((error.code == ErrorCode::InvalidArgument || error.code == ErrorCode::NotFound ||
           error.code == ErrorCode::Conflict));
}

class Life {
 public:
  Life(uint64_t seed, testing::LifeTally& tally)
      : wishes_(seed, kProjects),
        occurrences_(seed ^ 0x5eed),
        queries_(seed ^ 0xa5c),
        tally_(tally) {
    options_.clock = &clock_;
    options_.head_limit = 50 + static_cast<uint32_t>(below(600));
    options_.close_limit = static_cast<uint32_t>(below(300));
    options_.tail_limit = 500 + static_cast<uint32_t>(below(2000));
    options_.index_map_bytes = 256u << 20;
    options_.index_staged_bytes = 2u << 10;  // a segment takes several transactions
    store_ = must(Store::open(path_, options_));
    ingest();
  }

  void step() {
    pass_time();
    const uint64_t kind = below(100);
    if (kind < 30) return ingest();
    if (kind < 38) return burst();
    if (kind < 41) return tick();
    if (kind < 45) return change_status_by_message();
    if (kind < 50) return operate();
    if (kind < 51) return say_again();
    if (kind < 53) return repeat_key();
    if (kind < 56) return sweep();
    if (kind < 57) return add_step();
    if (kind < 58) return undo();
    if (kind < 59) return checkpoint_or_reopen();
    execute(wish());
  }

  // The state as a plain fold of the log, and as one that keeps everything.
  void check_folds() {
    read_log();
    const auto snapshot = must(store_->snapshot());
    REQUIRE(snapshot->lsn() == log_.lsn);
    REQUIRE(snapshot->state().state_digest() == log_.state.state_digest());
    REQUIRE(snapshot->state().replay_digest() == log_.state.replay_digest());
    const std::string differs = testing::difference(log_.state, naive_, records_.back().time);
    if (!differs.empty()) FAIL(differs << "\nthe last records:\n" << last_records());
    check_groupings(*snapshot);
  }

  // Kept from one snapshot to the next and brought up to date: what is looked at seldom goes stale
  // in other ways.
  void check_groupings() const { check_groupings(*must(store_->snapshot())); }

  void check_queries(int how_many) {
    read_log();
    const auto snapshot = must(store_->snapshot());
    for (int i = 0; i < how_many; ++i) {
      testing::check_query(snapshot->view(), queries_.next(), log_.seen, clock_.now());
    }
  }

  void reopen(bool with_checkpoint) {
    if (with_checkpoint) must(store_->checkpoint());
    const engine::Digests before = must(store_->digests());
    store_.reset();
    store_ = must(Store::open(path_, options_));
    check_same(must(store_->digests()), before);
  }

  void rebuild() {
    const engine::Digests before = must(store_->digests());
    store_.reset();
    auto other = options_;
    other.head_limit = 64;
    check_same(must(Store::rebuild(path_, other)).digests, before);
    store_ = must(Store::open(path_, options_));
    check_same(must(store_->digests()), before);
  }

  // Half of the moments beside the open store, half without.
  void check_past() {
    read_log();
    for (const bool open : {true, false}) {
      if (!open) store_.reset();
      testing::ScannedLog past;
      for (const Moment& moment : random_moments(kMoments / 2)) {
        while (raw(past.lsn) < moment.records) must(past.take(records_[raw(past.lsn)]));
        check_moment(moment, past);
      }
    }
    store_ = must(Store::open(path_, options_));
  }

  bool one_in(uint64_t n) { return wishes_.one_in(n); }
  void count_rules() {
    for (const auto& [rule, times] : naive_.reached) tally_.rules[rule] += times;
  }

 private:
  struct Moment {
    uint64_t records = 0;  // up to it
    engine::AsOf as_of;
  };
  struct Place {
    Lsn lsn{};
    Hash128 digest;
  };

  uint64_t below(uint64_t n) { return wishes_.below(n); }
  // Snapshots delay writers, so that none is kept.
  template <class Ask>
  std::invoke_result_t<Ask, const model::State&> look(const Ask& ask) const {
    const auto snapshot = must(store_->snapshot());
    return ask(snapshot->state());
  }
  model::Command wish() {
    return look([&](const model::State& state) { return wishes_.next(state, clock_.now()); });
  }
  Place place() const {
    const auto snapshot = must(store_->snapshot());
    return {snapshot->lsn(), snapshot->state().replay_digest()};
  }
  static void check_same(const engine::Digests& now, const engine::Digests& before) {
    REQUIRE(now.state == before.state);
    REQUIRE(now.full == before.full);
  }

  // Mostly little, sometimes hours or days.
  void pass_time() {
    const uint64_t kind = below(60);
    int64_t most = 20 * kMicrosPerSecond;
    if (kind < 12) most = 20 * kMinuteUs;
    if (kind < 6) most = 5 * kHourUs;
    if (kind < 3) most = 2 * kDayUs;
    if (kind < 1) most = 12 * kDayUs;
    forward(most);
  }
  void forward(int64_t most) {
    clock_.set(
        TimeUs{raw(clock_.now()) + static_cast<int64_t>(below(static_cast<uint64_t>(most)))});
  }

  std::string last_records() const {
    constexpr size_t kShown = 30;
    std::string out;
    for (size_t i = records_.size() - std::min(records_.size(), kShown); i < records_.size(); ++i) {
      out += fmt::format("{} {}\n", i + 1, testing::record_text(records_[i]));
    }
    return out;
  }

  void read_log() {
    must(store_->for_each_record(next(log_.lsn),
                                 [&](Lsn, const model::Record& record) -> Result<void> {
                                   CAIRN_TRY(log_.take(record));
                                   check_forecasts(record);
                                   naive_.apply(record);
                                   records_.push_back(record);
                                   tally_.count(record.body);
                                   return {};
                                 }));
  }

  // What the store looked up in its index is what was seen.
  void check_forecasts(const model::Record& record) const {
    const auto* change = std::get_if<model::StatusChanged>(&record.body);
    if (change != nullptr && change->substatus == model::Substatus::UntilEscalating) {
      const std::string name = testing::NaiveFold::name(change->project, change->number);
      REQUIRE(change->forecast == forecast_of(name, record.time));
    }
    const auto* tick = std::get_if<model::Ticked>(&record.body);
    if (tick == nullptr) return;
    std::vector<std::string> brought;
    for (const auto& [project, number, ceilings] : tick->forecasts) {
      brought.push_back(testing::NaiveFold::name(project, number));
      const std::vector<uint32_t> expected = forecast_of(brought.back(), record.time);
      REQUIRE(ceilings ==
              (expected.empty() ? naive_.groups.at(brought.back()).forecast->ceilings : expected));
    }
    std::sort(brought.begin(), brought.end());
    REQUIRE(brought == naive_.forecasts_due(record.time));
  }

  std::vector<uint32_t> forecast_of(const std::string& name, TimeUs now) const {
    const auto& seen = naive_.groups.at(name).seen;
    const auto first = testing::NaiveFold::first_seen(seen);
    if (!first || *first > now) return {};
    const auto hours_before = [&](TimeUs time) { return (raw(now) - raw(time)) / kHourUs; };
    const auto hours =
        std::min(static_cast<size_t>(hours_before(*first)) + 1, model::kForecastHours);
    std::vector<uint32_t> counts(hours);
    for (const auto& one : seen) {
      const TimeUs time = one.occurrence.time();
      const auto before = static_cast<size_t>(time > now ? INT64_MAX : hours_before(time));
      if (before < hours) counts[hours - 1 - before] += 1;
    }
    return model::forecast_ceilings(counts, now);
  }

  // What queries ask which issue shows a fingerprint, in the base and in every experiment.
  static void check_groupings(const engine::Snapshot& snapshot) {
    const model::State& state = snapshot.state();
    const auto same = [](std::span<const GroupId> ours, const std::vector<GroupId>& expected) {
      return std::equal(ours.begin(), ours.end(), expected.begin(), expected.end());
    };
    REQUIRE(same(snapshot.view().root_of_fingerprint, state.roots_by_fingerprint()));
    for (const auto& [name, experiment] : state.experiments()) {
      INFO("experiment " << name);
      const model::Overlay overlay(state, experiment);
      REQUIRE(same(must(snapshot.view_in(name)).root_of_fingerprint,
                   overlay.roots_by_fingerprint(state)));
    }
  }

  // --- input ----------------------------------------------------------------------------------

  // With the texts of RandomOccurrences, the time and the releases of this life; now and then late.
  model::Occurrence next_occurrence() {
    model::Occurrence o = occurrences_.next();
    o.detection_time =
        static_cast<double>(raw(clock_.now()) / kMicrosPerSecond) - static_cast<double>(below(30));
    if (one_in(12)) o.detection_time -= static_cast<double>(below(9 * 24 * 3600));
    if (one_in(40)) o.detection_time += static_cast<double>(below(24 * 3600));
    const std::string key = "\"release\":\"";
    const size_t at = o.event.find(key) + key.size();
    o.event.replace(at, o.event.find('"', at) - at, wishes_.any_release());
    if (one_in(4)) o.event.replace(at - key.size(), key.size(), "\"dist\":\"");
    if (one_in(15)) o.fingerprint.front() = fmt::format("rare-{}", below(100));
    if (one_in(8)) o.title.reset();
    if (one_in(9)) o.assignee = wishes_.person();
    if (one_in(9)) o.priority = 75;
    if (one_in(40)) o.type = 7777;  // of nobody's register
    return o;
  }

  engine::SubmitResult submit(std::vector<model::Message> batch) {
    engine::SubmitOptions how;
    how.actor = one_in(2) ? "" : "importer";
    how.input_time = one_in(4);
    auto result = must(store_->submit(std::move(batch), how));
    for (const auto& item : result.items) {
      if (item.outcome == Outcome::Refused) check_refusal(*item.error);
    }
    return result;
  }

  void submit_occurrences(std::vector<model::Message> batch) {
    for (const auto& item : submit(std::move(batch)).items) {
      const bool strict = look([](const model::State& state) { return state.strict_types(); });
      REQUIRE((item.outcome == Outcome::Stored || (strict && item.outcome == Outcome::Refused)));
      if (item.outcome == Outcome::Refused) ++tally_.outcomes["occurrence of no known type"];
    }
  }

  void ingest() {
    std::vector<model::Message> batch;
    for (uint64_t i = 1 + below(5); i > 0; --i) batch.emplace_back(next_occurrence());
    last_ = std::get<model::Occurrence>(batch.front());
    submit_occurrences(std::move(batch));
  }

  // The same again and again, as problems come: what was seen before, what somebody put off, or
  // something new.
  void burst() {
    model::Occurrence first = next_occurrence();
    const uint64_t kind = below(4);
    if (kind < 2) look([&](const model::State& state) { return take_put_off(state, first); });
    if (kind == 2) first.fingerprint.front() = fmt::format("rare-{}", below(100));
    const int64_t pause = one_in(4) ? 40 * kMinuteUs : 30 * kMicrosPerSecond;
    for (uint64_t times = 1 + below(4); times > 0; --times) {
      std::vector<model::Message> batch;
      for (uint64_t i = 1 + below(7); i > 0; --i) {
        model::Occurrence o = next_occurrence();
        o.project = first.project;
        o.fingerprint = first.fingerprint;
        o.type = first.type;
        batch.emplace_back(std::move(o));
      }
      submit_occurrences(std::move(batch));
      forward(pause);
    }
  }

  // Of a group that waits for something, or is resolved.
  bool take_put_off(const model::State& state, model::Occurrence& o) {
    const model::Group& group = state.group(wishes_.look_for(state, [&](const model::Group& one) {
      const model::Care& care = state.care(one.id);
      return !one.fingerprints.empty() && (care.snooze || care.forecast || care.resolution);
    }));
    if (group.fingerprints.empty()) return false;
    o.project = group.project;
    o.type = group.type;
    o.fingerprint = {std::string(state.fingerprint(group.fingerprints[0]).value.view())};
    return true;
  }

  // A known occurrence changes nothing, whatever else it says.
  void say_again() {
    model::Occurrence again = last_;
    again.title = "said again";
    const bool known = must(store_->has_occurrence(again.project, again.id));
    if (!known) return;  // it was refused then
    must(store_->tick());
    const Place before = place();
    REQUIRE(submit({again}).items.front().outcome == Outcome::Duplicate);
    check_unchanged(before);
    ++tally_.outcomes["known occurrence"];
  }

  std::string fingerprint(const model::State& state, ProjectId project) {
    for (int tries = 0; tries < 30; ++tries) {
      const FingerprintId id{static_cast<uint32_t>(1 + below(state.fingerprint_count()))};
      const model::Fingerprint& one = state.fingerprint(id);
      if (one.project == project) return std::string(one.value.view());
    }
    return "nobody's";
  }

  void change_status_by_message() {
    const auto [status, substatus] = wishes_.status();
    model::StatusChangeMessage message;
    message.project = wishes_.any_project();
    message.status = status;
    message.substatus = substatus;
    for (uint64_t n = 1 + below(2); n > 0; --n) {
      message.fingerprint.push_back(
          look([&](const model::State& state) { return fingerprint(state, message.project); }));
    }
    if (one_in(3)) message.id = fmt::format("message {}", below(40));
    if (one_in(3)) message.update_time = static_cast<double>(raw(clock_.now()) / kMicrosPerSecond);
    const auto result = submit({message});
    count("status message", result.items.front().outcome);
  }

  void operate() {
    static const std::vector<std::string> kOps = {"merge",  "unmerge",  "unmerge", "status_change",
                                                  "assign", "unassign", "note"};
    model::WorkflowOp op;
    op.op = wishes_.pick(kOps);
    op.t = static_cast<double>(raw(clock_.now()) / kMicrosPerSecond);
    op.project = wishes_.any_project();
    op.status = wishes_.status().first;
    op.assignee = one_in(2) ? "1" : wishes_.person();
    if (one_in(2)) op.actor = wishes_.person();
    look([&](const model::State& state) { return name_groups(state, op); });
    op.line = fmt::format(R"({{"op":"{}","n":{}}})", op.op, one_in(10) ? 0 : ++lines_);
    count("operation " + op.op, submit({op}).items.front().outcome);
  }

  // To be unmerged: some of what one issue shows.
  bool name_groups(const model::State& state, model::WorkflowOp& op) {
    std::vector<std::string> values;
    if (op.op == "unmerge") {
      const GroupId child =
          wishes_.look_for(state, [](const model::Group& one) { return one.parent != GroupId{}; });
      op.project = state.group(child).project;
      for (const GroupId member : state.members(state.root_of(child))) {
        for (const FingerprintId id : state.group(member).fingerprints) {
          values.emplace_back(state.fingerprint(id).value.view());
        }
      }
    }
    const auto one = [&] {
      return values.empty() || one_in(10) ? fingerprint(state, op.project) : wishes_.pick(values);
    };
    op.fingerprint = one();
    for (uint64_t n = 1 + below(3); n > 0; --n) op.children.push_back(one());
    return true;
  }

  void count(const std::string& what, Outcome outcome) {
    if (outcome == Outcome::Stored) ++tally_.outcomes[what];
  }

  // --- commands -------------------------------------------------------------------------------

  // What is refused, or nothing to do, must change nothing; but a tick may have come before it.
  std::optional<engine::ExecuteResult> execute(const model::Command& wish) {
    INFO("command " << testing::kCommandNames[wish.index()]);
    const engine::ExecuteOptions how{one_in(3) ? "" : wishes_.person(), ""};
    Place before = place();
    auto done = store_->execute(wish, how);
    if (done.ok() && done->outcome == Outcome::Stored) {
      ++tally_.commands[wish.index()];
      if (std::holds_alternative<model::RegroupCommand>(wish)) regroupings_.push_back(done->lsn);
      if (const auto* one = std::get_if<model::PromoteCommand>(&wish)) check_promoted(one->name);
      return *done;
    }
    if (!done.ok()) check_refusal(done.error());
    if (place().lsn != before.lsn) {
      check_ticked_since(before.lsn);
      before = place();
      const auto again = store_->execute(wish, how);
      REQUIRE(again.ok() == done.ok());
    }
    check_unchanged(before);
    if (!done.ok()) return std::nullopt;
    ++tally_.outcomes["nothing to do"];
    return *done;
  }

  void check_unchanged(const Place& before) const {
    const Place now = place();
    REQUIRE(now.lsn == before.lsn);
    REQUIRE(now.digest == before.digest);
  }

  void check_ticked_since(Lsn lsn) const {
    must(store_->for_each_record(next(lsn), [](Lsn, const model::Record& record) -> Result<void> {
      REQUIRE(std::holds_alternative<model::Ticked>(record.body));
      return {};
    }));
  }

  // From then on it shows what the base does.
  void check_promoted(const std::string& name) const {
    const auto snapshot = must(store_->snapshot());
    const auto roots = must(snapshot->view_in(name)).root_of_fingerprint;
    const auto base = snapshot->view().root_of_fingerprint;
    REQUIRE(std::equal(roots.begin(), roots.end(), base.begin(), base.end()));
  }

  // The key of a command that was carried out, or had nothing to do, is used up.
  void repeat_key() {
    const engine::ExecuteOptions how{wishes_.person(), fmt::format("key {}", ++lines_)};
    const model::Command first = wish();
    const auto done = store_->execute(first, how);
    if (!done.ok()) return check_refusal(done.error());
    if (done->outcome == Outcome::Stored) ++tally_.commands[first.index()];
    if (one_in(2)) reopen(one_in(2));
    must(store_->tick());
    const Place before = place();
    REQUIRE(must(store_->execute(wish(), how)).outcome == Outcome::Duplicate);
    check_unchanged(before);
    ++tally_.outcomes["known key"];
  }

  void tick() {
    const bool ticked = must(store_->tick()).outcome == Outcome::Stored;
    const Place before = place();
    REQUIRE(must(store_->tick()).outcome == Outcome::NoChange);
    check_unchanged(before);
    if (ticked) ++tally_.outcomes["tick asked for"];
  }

  std::string rule() {
    static const std::vector<std::string> kTexts = {
        "merge where level:fatal by culprit",
        "merge where times_seen:<4 by title",
        "merge where fingerprint:mid-3 by fingerprint[2]",
        "merge where environment:staging times_seen:>5 by level, culprit into level:error",
        "merge where shard:[1, 2] by environment, culprit",
        "unmerge where level:fatal",
        "unmerge where times_seen:>30",
        "unmerge where is:escalating OR is:regressed"};
    return wishes_.pick(kTexts);
  }

  model::Regrouping found_by(const std::string& rule, const std::string& experiment) {
    const auto snapshot = must(store_->snapshot(experiment));
    return must(snapshot->evaluate(rule, clock_.now())).links;
  }

  // What a rule finds fits.
  void sweep() {
    const std::string text = rule();
    INFO("rule " << text);
    REQUIRE(execute(model::RegroupCommand{model::RegroupCause::Sweep, text, found_by(text, "")}));
  }

  void undo() {
    if (regroupings_.empty()) return;
    const Lsn lsn = wishes_.pick(regroupings_);
    INFO("undo of record " << raw(lsn));
    model::RegroupCommand wish{model::RegroupCause::Undo, fmt::format("{}", raw(lsn)), {}};
    {
      const auto snapshot = must(store_->snapshot());
      wish.links = must(snapshot->undo_of(lsn));
    }
    const auto done = execute(wish);
    REQUIRE(done);
    count("undo of a regrouping", done->outcome);
  }

  void add_step() {
    const std::string name = wishes_.experiment();
    const bool there =
        look([&](const model::State& state) { return state.find_experiment(name) != nullptr; });
    if (!there) return;
    const std::string text = rule();
    INFO("rule " << text << " in " << name);
    REQUIRE(execute(model::AddToExperimentCommand{name, text, found_by(text, name)}));
    if (one_in(3)) REQUIRE(execute(model::PromoteCommand{name, true}));
  }

  void checkpoint_or_reopen() {
    switch (below(4)) {
      case 0:
        return must(store_->checkpoint());
      case 1:
        must(store_->compact());
        return;
      default:
        return reopen(one_in(2));
    }
  }

  // --- the past -------------------------------------------------------------------------------

  std::vector<Moment> random_moments(int count) {
    std::vector<Moment> out;
    for (int i = 0; i < count; ++i) {
      Moment moment{1 + below(records_.size()), {}};
      if (one_in(10)) moment.records = 1 + below(10);
      if (one_in(10)) moment.records = records_.size() - below(10);
      if (one_in(2)) {
        moment.as_of.lsn = Lsn{moment.records};
      } else {
        moment = moment_at(TimeUs{raw(records_[moment.records - 1].time) -
                                  static_cast<int64_t>(below(3)) * kMicrosPerSecond});
      }
      out.push_back(moment);
    }
    std::sort(out.begin(), out.end(),
              [](const Moment& a, const Moment& b) { return a.records < b.records; });
    return out;
  }

  // Everything recorded until then; the store's own first record always is.
  Moment moment_at(TimeUs time) const {
    const auto after =
        std::upper_bound(records_.begin() + 1, records_.end(), time,
                         [](TimeUs at, const model::Record& record) { return at < record.time; });
    Moment out{static_cast<uint64_t>(after - records_.begin()), {}};
    out.as_of.time = time;
    return out;
  }

  void check_moment(const Moment& moment, const testing::ScannedLog& past) {
    INFO("as of record " << moment.records << (moment.as_of.time ? ", by time" : ""));
    const auto store = must(store_ ? store_->as_of(moment.as_of)
                                   : Store::open_as_of(path_, moment.as_of, options_));
    REQUIRE(must(store->digests()).state == past.state.state_digest());
    const TimeUs now = records_[moment.records - 1].time;
    const auto snapshot = must(store->snapshot());
    REQUIRE(raw(snapshot->lsn()) == moment.records);
    REQUIRE(snapshot->state().replay_digest() == past.state.replay_digest());
    check_groupings(*snapshot);
    for (int i = 0; i < kQueriesPerMoment; ++i) {
      testing::check_query(snapshot->view(), queries_.next(), past.seen, now);
    }
    check_history(*snapshot);
    const auto& experiments = past.state.experiments();
    if (experiments.empty()) return;
    const auto& [name, unused] =
        *std::next(experiments.begin(), static_cast<ptrdiff_t>(below(experiments.size())));
    INFO("experiment " << name);
    testing::check_query(must(snapshot->view_in(name)), queries_.next(), past.seen, now);
  }

  void check_history(const engine::Snapshot& snapshot) {
    if (snapshot.state().group_count() == 0) return;
    const GroupId group = wishes_.group(snapshot.state());
    INFO("history of " << snapshot.state().short_id(group));
    Lsn last{};
    for (const engine::HistoryEntry& entry : must(engine::group_history(snapshot, group))) {
      REQUIRE(entry.lsn >= last);
      REQUIRE(entry.lsn <= snapshot.lsn());
      REQUIRE(entry.record == records_[raw(entry.lsn) - 1]);
      last = entry.lsn;
    }
  }

  testing::RandomCommands wishes_;
  testing::RandomOccurrences occurrences_;
  testing::RandomStoreQuery queries_;
  testing::TempDir dir_;
  std::string path_ = dir_ / "store";
  ManualClock clock_{kStart};
  engine::StoreOptions options_;
  std::unique_ptr<Store> store_;
  // The log so far, folded beside the store.
  testing::ScannedLog log_;
  testing::NaiveFold naive_;
  std::vector<model::Record> records_;
  std::vector<Lsn> regroupings_;
  model::Occurrence last_;
  uint64_t lines_ = 0;
  testing::LifeTally& tally_;
};

void live(uint64_t seed, testing::LifeTally& tally) {
  INFO("CAIRN_SEED=" << seed);
  Life life(seed, tally);
  for (int step = 1; step <= kSteps; ++step) {
    INFO("step " << step);
    try {
      life.step();
      if (life.one_in(4)) life.check_groupings();
      if (step % kStepsBetweenChecks == 0) life.check_folds();
    } catch (const std::exception& e) {  // the naive fold looks up without asking
      FAIL(e.what());
    }
  }
  life.check_queries(10);
  for (const bool with_checkpoint : {false, true}) life.reopen(with_checkpoint);
  life.check_past();
  life.rebuild();
  life.check_folds();
  life.count_rules();
}

}  // namespace

TEST_CASE("a store lives as its log says, now and at any moment of the past") {
  const int rounds = testing::soak_rounds(kRounds);
  const uint64_t seed = testing::first_seed();
  std::cout << "store life seed " << seed << "\n";
  testing::LifeTally tally;
  // What is rare may take some rounds more.
  for (int round = 0; round < rounds || (!tally.missing().empty() && round < 4 * rounds); ++round) {
    live(seed + static_cast<uint64_t>(round), tally);
  }
  CHECK(tally.missing() == std::vector<std::string>());
}
