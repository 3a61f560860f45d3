// Alerts of a store against brute force: random rules over random occurrences on virtual time,
// late and early, in order and imported, with merges, splits and changes of status in between,
// rules that come, change and go, incidents that people close, checkpoints, restarts and kills. At
// every tick of the log each rule's query is asked again over its window; values, transitions and
// notifications must be the same, nothing twice and nothing lost.
//
// A failing round prints its seed and the few steps it takes; CAIRN_SEED=N begins with it.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "model/command.h"
#include "support/alert_double.h"
#include "support/random_alerts.h"
#include "support/shrink.h"
#include "support/soak.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::testing;
using engine::Outcome;
using engine::Store;

namespace {

namespace fs = std::filesystem;

constexpr int kRounds = 4;
constexpr size_t kSteps = 400;
constexpr size_t kMostRules = 12;
constexpr int64_t kSecondUs = kMicrosPerSecond;
constexpr int64_t kMinuteUs = 60 * kSecondUs;
constexpr int64_t kHourUs = 60 * kMinuteUs;
constexpr int64_t kDayUs = 24 * kHourUs;
constexpr TimeUs kStart{1'728'000'000 * kSecondUs};

// What all rounds came to: so that none of it passes idle.
struct Tally {
  std::map<std::string, size_t> steps;
  size_t ticks = 0;
  size_t values = 0;
  size_t told = 0;
};

// The bytes of a file that somebody may be writing, as of one moment.
std::string steady_bytes(const fs::path& path) {
  const auto read = [&] {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  std::string before = read();
  for (std::string now = read(); now != before; now = read()) before = std::move(now);
  return before;
}

// As a kill leaves it: the index first, as it is never ahead of the log.
void copy_store(const fs::path& from, const fs::path& to) {
  std::vector<fs::path> files;
  for (const auto& one : fs::recursive_directory_iterator(from)) {
    const fs::path name = one.path().lexically_relative(from);
    if (one.is_directory()) {
      fs::create_directories(to / name);
    } else if (name.filename() != "lock.mdb") {  // LMDB's table of who reads
      files.push_back(name);
    }
  }
  std::stable_partition(files.begin(), files.end(),
                        [](const fs::path& name) { return name.filename() == "data.mdb"; });
  for (const fs::path& name : files) {
    fs::create_directories((to / name).parent_path());
    std::ofstream(to / name, std::ios::binary) << steady_bytes(from / name);
  }
}

class Life {
 public:
  Life(uint64_t seed, Tally& tally) : random_(seed), tally_(tally) {
    static constexpr int64_t kDelays[] = {0, 10 * kSecondUs, 90 * kSecondUs};
    options_.clock = &clock_;
    options_.alert_delay_us = kDelays[random_.below(3)];
    options_.head_limit = static_cast<uint32_t>(20 + random_.below(200));
    options_.tail_limit = static_cast<uint32_t>(50 + random_.below(1000));
    options_.close_limit = random_.one_in(2) ? 1 : 1000;
    options_.index_map_bytes = 64u << 20;
    deletes_ = random_.one_in(3);
    double_ = std::make_unique<AlertDouble>(options_.alert_delay_us);
    open();
    for (uint64_t p = 1; p <= kAlertProjects; ++p) {
      model::ChangeProjectCommand slug;
      slug.project = ProjectId{p};
      slug.slug = fmt::format("p{}", p);
      got(store_->execute(slug, {}));
    }
    see(5);
  }

  // What a step does follows from its seed and what was before.
  void step(uint64_t seed) {
    random_ = RandomAlerts(seed);
    const uint64_t kind = random_.below(100);
    if (kind < 30) return see(1 + random_.below(8));
    if (kind < 58) return wait();
    if (kind < 62) return import();
    if (kind < 74) return change_issue();
    if (kind < 82) return add_rule();
    if (kind < 86) return change_rule();
    if (kind < 89) return pause_or_remove();
    if (kind < 92) return answer_incident();
    if (kind < 94) return checkpoint();
    if (kind < 97) return reopen();
    kill();
  }

  void finish() {
    wait();
    reopen();
    const auto digest = got(store_->digests()).full;
    store_.reset();
    const auto rebuilt = got(Store::rebuild(path(), options_));
    must_hold(rebuilt.digests.full == digest, "a replay from zero ends in something else");
    open();
    must_hold(got(store_->digests()).full == digest, "after a rebuild it is something else");
    settle();
    tally_.ticks += double_->ticks();
    tally_.values += double_->values();
    tally_.told += double_->told().size();
  }

 private:
  std::string path() const { return dir_ / fmt::format("store-{}", life_); }
  void did(const std::string& what) { ++tally_.steps[what]; }

  void open() {
    store_ = got(Store::open(path(), options_));
    got(store_->fill_alerts());
    settle();
  }

  // What was logged is as it should be. `wrote`: something was, so that ticks were looked for.
  void settle(bool wrote = false, bool by_time = false) {
    double_->follow(*store_, by_time);
    const auto now = got(store_->snapshot());
    if (wrote) double_->check_ticks(by_time ? last_time() : clock_.now(), by_time);
    double_->check_told(*now);
  }

  TimeUs last_time() const {
    TimeUs last{};
    got(store_->for_each_record(double_->lsn(), [&](Lsn, const model::Record& record) {
      last = record.time;
      return Result<void>();
    }));
    return last;
  }

  void forward(int64_t most_us) {
    const auto by = static_cast<int64_t>(random_.below(static_cast<uint64_t>(most_us)));
    clock_.set(TimeUs{raw(clock_.now()) + by});
  }

  // --- occurrences ------------------------------------------------------------------------------

  // Mostly just now; some late, some ahead, and some of clocks that are all wrong.
  model::Occurrence occurrence_at(TimeUs time) {
    int64_t us = raw(time) - static_cast<int64_t>(random_.below(30)) * kSecondUs;
    if (random_.one_in(10)) us -= static_cast<int64_t>(random_.below(2 * kHourUs));
    if (random_.one_in(20)) us += static_cast<int64_t>(random_.below(kHourUs));
    if (random_.one_in(60)) us -= 3 * kDayUs;
    if (random_.one_in(60)) us += 300 * kDayUs;
    us -= us % kSecondUs;
    return random_.occurrence(next_id_++, static_cast<double>(us / kSecondUs));
  }

  std::vector<model::Message> batch(uint64_t size) {
    std::vector<model::Message> all;
    while (all.size() < size) all.emplace_back(occurrence_at(clock_.now()));
    return all;
  }

  void see(uint64_t size) {
    did("see");
    got(store_->submit(batch(size), {}));
    settle(true);
  }

  // A file of the last hours whose times become those of its records.
  void import() {
    did("import");
    const TimeUs begin = clock_.now();
    forward(3 * kHourUs);
    std::vector<model::Message> all;
    const int64_t span = raw(clock_.now()) - raw(begin);
    const auto size = static_cast<int64_t>(1 + random_.below(60));
    for (int64_t i = 0; i < size; ++i) {
      all.emplace_back(occurrence_at(TimeUs{raw(begin) + span / size * i}));
    }
    engine::SubmitOptions how;
    how.input_time = true;
    got(store_->submit(std::move(all), how));
    settle(true, true);
  }

  void wait() {
    did("wait");
    int64_t most = 3 * kMinuteUs;
    if (random_.one_in(8)) most = 20 * kMinuteUs;
    if (random_.one_in(40)) most = 5 * kHourUs;
    if (random_.one_in(150)) most = 60 * kHourUs;
    forward(most);
    if (random_.one_in(3)) return;  // the next write finds that time has passed
    got(store_->tick());
    settle(true);
  }

  // --- issues -----------------------------------------------------------------------------------

  GroupId any_group() {
    return GroupId{static_cast<uint32_t>(1 + random_.below(double_->state().group_count()))};
  }

  model::Command wish() {
    const GroupId group = any_group();
    const model::State& state = double_->state();
    switch (random_.below(10)) {
      case 0:
      case 1:
        return model::MergeCommand{group, {any_group()}};
      case 2:
        return model::UnmergeCommand{group, {}};
      case 3: {
        model::SplitCommand split;
        split.group = group;
        const auto& fingerprints = state.group(group).fingerprints;
        if (!fingerprints.empty()) {
          split.fingerprints = {std::string(state.fingerprint(fingerprints[0]).value.view())};
        }
        return split;
      }
      case 4:
        return model::AssignCommand{group, random_.one_in(2) ? "user:7" : ""};
      case 5:
        return model::MakeViewCommand{"together", {group, any_group()}};
      case 6:
        if (deletes_ && random_.one_in(2)) {
          return model::SetStandingCommand{group, model::Standing::Deleted};
        }
        [[fallthrough]];
      default: {
        model::SetStatusCommand status;
        status.group = group;
        status.status = random_.one_in(3) ? model::Status::Unresolved : model::Status::Resolved;
        return status;
      }
    }
  }

  // Resolved, seen again, and that twice within the minutes in which a rule keeps quiet.
  void come_back() {
    did("issue came back");
    const GroupId group = any_group();
    if (double_->state().group(group).fingerprints.empty()) return;
    const FingerprintId fingerprint = double_->state().group(group).fingerprints[0];
    for (uint64_t times = 1 + random_.below(3); times > 0; --times) {
      model::SetStatusCommand resolve;
      resolve.group = group;
      resolve.status = model::Status::Resolved;
      [[maybe_unused]] const auto hidden = store_->execute(resolve, {});
      model::Occurrence one = occurrence_at(clock_.now());
      one.project = double_->state().group(group).project;
      one.fingerprint = {std::string(double_->state().fingerprint(fingerprint).value.view())};
      got(store_->submit({model::Message(std::move(one))}, {}));
      settle(true);
      forward(3 * kMinuteUs);
    }
  }

  void change_issue() {
    if (random_.one_in(4)) return come_back();
    const auto done = store_->execute(wish(), {});
    did(done.ok() ? "issue changed" : "issue refused");
    settle(true);
  }

  // --- rules ------------------------------------------------------------------------------------

  // Windows are filled beside who writes.
  void run(const alert::AlertCommand& command, const std::string& what) {
    const auto result = got(store_->execute(std::span(&command, 1), {"user:1", ""}));
    const auto& item = result.items.front();
    did(item.outcome == Outcome::Refused ? what + " refused" : what);
    for (uint64_t more = random_.below(3); more > 0; --more) {
      got(store_->submit(batch(1 + random_.below(20)), {}));
    }
    got(store_->fill_alerts());
    settle(true);
  }

  const alert::RuleEntry* any_rule(const engine::Snapshot& now) {
    const uint32_t last = now.alerts().last_rule();
    for (int tries = 0; last > 0 && tries < 20; ++tries) {
      const auto* rule = now.alerts().rule(static_cast<uint32_t>(1 + random_.below(last)));
      if (rule != nullptr) return rule;
    }
    return nullptr;
  }

  void add_rule() {
    if (got(store_->snapshot())->alerts().rule_count() >= kMostRules) return change_rule();
    run(alert::AddRule{random_.rule(double_->state(), deletes_)}, "add rule");
  }

  void change_rule() {
    alert::ChangeRule change;
    {
      const auto now = got(store_->snapshot());
      const alert::RuleEntry* rule = any_rule(*now);
      if (rule == nullptr) return;
      change = {rule->number, rule->rule};
    }
    auto* metric = std::get_if<alert::MetricCondition>(&change.to.condition);
    if (random_.one_in(3)) {
      change.to.name = "renamed";
    } else if (metric != nullptr && random_.one_in(2)) {
      metric->critical += metric->threshold_type == alert::Direction::Above ? 1 : 0.25;
    } else {
      change.to = random_.rule(double_->state(), deletes_);
    }
    run(change, "change rule");
  }

  void pause_or_remove() {
    uint32_t number = 0;
    bool paused = false;
    {
      const auto now = got(store_->snapshot());
      const alert::RuleEntry* rule = any_rule(*now);
      if (rule == nullptr) return;
      number = rule->number;
      paused = rule->rule.status == alert::RuleStatus::Disabled;
    }
    if (random_.one_in(3)) return run(alert::RemoveRule{number}, "remove rule");
    run(alert::PauseRule{number, !paused}, paused ? "resume rule" : "pause rule");
  }

  void answer_incident() {
    uint32_t number = 0;
    {
      const auto now = got(store_->snapshot());
      if (now->alerts().last_incident() == 0) return;
      number = static_cast<uint32_t>(1 + random_.below(now->alerts().last_incident()));
      for (const auto& [open, entry] : now->alerts().incidents()) {
        if (!entry->incident.closed && random_.one_in(2)) number = open;
      }
    }
    switch (random_.below(3)) {
      case 0:
        return run(alert::AcknowledgeIncident{number}, "acknowledge");
      case 1:
        return run(alert::CommentIncident{number, "looking"}, "comment");
      default:
        return run(alert::CloseIncident{number}, "close incident");
    }
  }

  // --- the store --------------------------------------------------------------------------------

  void checkpoint() {
    did("checkpoint");
    if (random_.one_in(3)) {
      got(store_->compact());
    } else {
      got(store_->checkpoint());
    }
    settle();
  }

  void reopen() {
    did("reopen");
    store_.reset();
    open();
  }

  // Nothing acknowledged is lost; what was under way comes again.
  void kill() {
    did("kill");
    const std::vector<model::Message> under_way = batch(random_.below(200));
    engine::PreparedMessages prepared;
    model::TermExtractor extractor;
    for (const model::Message& message : under_way) {
      extractor.extract(std::get<model::Occurrence>(message), prepared.terms);
    }
    prepared.messages = under_way;
    auto answer = store_->submit_later(std::move(prepared), {});
    const std::string before = path();
    ++life_;
    copy_store(before, path());
    got(answer.get());
    store_.reset();
    fs::remove_all(before);
    open();
    got(store_->submit(under_way, {}));
    settle(true);
  }

  RandomAlerts random_;
  Tally& tally_;
  TempDir dir_;
  int life_ = 0;
  ManualClock clock_{kStart};
  engine::StoreOptions options_;
  bool deletes_ = false;
  std::unique_ptr<Store> store_;
  std::unique_ptr<AlertDouble> double_;
  uint64_t next_id_ = 1;
};

// What went wrong, and after how many steps; "" = nothing.
std::string live(uint64_t seed, const std::vector<uint64_t>& steps, Tally& tally) {
  size_t at = 0;
  try {
    Life life(seed, tally);
    for (; at < steps.size(); ++at) life.step(steps[at]);
    life.finish();
    return "";
  } catch (const Different& difference) {
    return fmt::format("step {}: {}", at, difference.what());
  }
}

std::string shrunk(uint64_t seed, const std::vector<uint64_t>& steps) {
  Tally tally;
  int tries = 200;
  const auto few = shrink<uint64_t>(steps, [&](const std::vector<uint64_t>& some) {
    return tries-- > 0 && !live(seed, some, tally).empty();
  });
  Tally met;
  std::string text = fmt::format("{} steps suffice: {}\n", few.size(), live(seed, few, met));
  for (const auto& [what, times] : met.steps) text += fmt::format("  {} {}\n", times, what);
  return text;
}

}  // namespace

TEST_CASE("alerts are what brute force finds, whatever happens to the store") {
  const int rounds = soak_rounds(kRounds);
  const uint64_t first = first_seed();
  std::cout << "alert model seed " << first << std::endl;
  Tally tally;
  for (int round = 0; round < rounds; ++round) {
    const uint64_t seed = first + static_cast<uint64_t>(round);
    std::mt19937_64 random(seed);
    std::vector<uint64_t> steps(kSteps);
    for (uint64_t& step : steps) step = random();
    const std::string failure = live(seed, steps, tally);
    if (!failure.empty()) {
      std::cout << "CAIRN_SEED=" << seed << " " << failure << "; shrinking" << std::endl;
      FAIL("CAIRN_SEED=" << seed << " " << failure << "\n" << shrunk(seed, steps));
    }
  }
  for (const auto& [what, times] : tally.steps) std::cout << what << " " << times << ", ";
  std::cout << tally.ticks << " ticks, " << tally.values << " values, " << tally.told << " told\n";
  CHECK(tally.ticks > 100);
  CHECK(tally.values > 500);
  CHECK(tally.told > 100);
}
