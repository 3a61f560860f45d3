// The phase about experiments: what a thousand of them cost a merge, how long a rule over every
// group takes, and what asking in an experiment costs against the base.
#include <fmt/format.h>

#include "client/bench_phase.h"
#include "engine/store.h"

namespace cairn::client {
namespace {

using engine::Store;

constexpr int kExperiments = 1'000;
constexpr uint32_t kMergesOfOne = 500;
constexpr int kRounds = 200;
constexpr const char* kRule = "merge by fingerprint[2]";
constexpr const char* kName = "bench-level";

std::string name_of(int experiment) { return fmt::format("bench-{}", experiment); }

// Two visible issues of one project.
Result<model::MergeCommand> find_pair(const Store& store) {
  CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
  const model::State& state = snapshot->state();
  GroupId first{};
  for (uint32_t id = 1; id <= state.group_count(); ++id) {
    const model::Group& group = state.group(GroupId{id});
    if (group.parent != GroupId{}) continue;
    if (first != GroupId{} && state.group(first).project == group.project) {
      return model::MergeCommand{first, {group.id}};
    }
    if (first == GroupId{}) first = group.id;
  }
  return make_error(ErrorCode::InvalidArgument, "the store to measure has fewer than two issues");
}

Result<void> merge_rounds(Store& store, const model::MergeCommand& pair, int rounds, Measure& merge,
                          Measure& unmerge) {
  for (int round = 0; round < rounds; ++round) {
    const double begin = seconds_now();
    CAIRN_TRY(store.execute(pair, {}));
    merge.values.push_back(microseconds_since(begin));
    const double merged = seconds_now();
    CAIRN_TRY(store.execute(model::UnmergeCommand{pair.primary, pair.children}, {}));
    unmerge.values.push_back(microseconds_since(merged));
  }
  return {};
}

// Each with merges of neighbours, beginning somewhere else.
Result<void> make_experiments(Store& store) {
  for (int i = 0; i < kExperiments; ++i) {
    model::AddToExperimentCommand command{name_of(i), "neighbours", {}};
    {
      CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
      const model::State& state = snapshot->state();
      const uint32_t groups = state.group_count();
      const auto begin = static_cast<uint32_t>(i) * 37;
      for (uint32_t n = 0; n < kMergesOfOne && groups > 1; ++n) {
        const GroupId view{1 + (begin + 2 * n) % (groups - 1)};
        const GroupId child{raw(view) + 1};
        if (state.group(view).project == state.group(child).project) {
          command.facts.merges.add(view, child);
        }
      }
    }
    CAIRN_TRY(store.execute(model::MakeExperimentCommand{name_of(i), Lsn{}}, {}));
    CAIRN_TRY(store.execute(command, {}));
  }
  return {};
}

Result<void> evaluate_rule(Store& store, const Bench& bench, PhaseOutput& out) {
  Measure evaluate{"a rule by fingerprint level over all groups", "ms", {}};
  model::AddToExperimentCommand command{kName, kRule, {}};
  for (int run = 0; run < bench.options().runs; ++run) {
    CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
    const double begin = seconds_now();
    CAIRN_TRY_ASSIGN(auto findings, snapshot->evaluate(kRule, bench.now()));
    evaluate.values.push_back(milliseconds_since(begin));
    command.facts = std::move(findings.links);
  }
  out.add(evaluate);
  out.add("issues that the rule merges", "", static_cast<double>(command.facts.merges.children()));
  CAIRN_TRY(store.execute(model::MakeExperimentCommand{kName, Lsn{}}, {}));
  const double begin = seconds_now();
  CAIRN_TRY(store.execute(command, {}));
  out.add("adding what the rule found to an experiment", "ms", milliseconds_since(begin));
  const double opened = seconds_now();
  CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot(kName));
  out.add("the first snapshot in the experiment", "ms", milliseconds_since(opened));
  return {};
}

Result<void> ask_in_experiment(Store& store, const Bench& bench, PhaseOutput& out) {
  CAIRN_TRY_ASSIGN(const BenchKeys keys, find_keys(store, bench.now()));
  for (BenchQuery query : questions(keys, bench.now())) {
    const std::string name = query.name.substr(0, query.name.find(' '));
    Measure ratio{name + " in an experiment against the base", "x", {}};
    for (int run = 0; run < bench.options().runs; ++run) {
      query.experiment.clear();
      CAIRN_TRY_ASSIGN(const Measure base, time_query(store, query, bench.options().query_runs));
      query.experiment = kName;
      CAIRN_TRY_ASSIGN(const Measure tried, time_query(store, query, bench.options().query_runs));
      ratio.values.push_back(tried.median() / base.median());
    }
    out.add(ratio);
  }
  return {};
}

Result<void> try_experiments(const Bench& bench, PhaseOutput& out) {
  CAIRN_TRY_ASSIGN(auto store, open_settled(bench));
  CAIRN_TRY_ASSIGN(const auto before, store->digests());
  CAIRN_TRY_ASSIGN(const model::MergeCommand pair, find_pair(*store));
  Measure merge{"merge without experiments", "us", {}};
  Measure unmerge{"unmerge without experiments", "us", {}};
  Measure merge_beside{"merge beside 1,000 experiments", "us", {}};
  Measure unmerge_beside{"unmerge beside 1,000 experiments", "us", {}};
  // Without them before and after, as the disk may be getting faster or slower meanwhile.
  CAIRN_TRY(merge_rounds(*store, pair, kRounds / 2, merge, unmerge));
  out.say("making 1,000 experiments");
  CAIRN_TRY(make_experiments(*store));
  CAIRN_TRY(merge_rounds(*store, pair, kRounds, merge_beside, unmerge_beside));
  CAIRN_TRY(evaluate_rule(*store, bench, out));
  CAIRN_TRY(ask_in_experiment(*store, bench, out));
  CAIRN_TRY(store->execute(model::DropExperimentCommand{kName}, {}));
  for (int i = 0; i < kExperiments; ++i) {
    CAIRN_TRY(store->execute(model::DropExperimentCommand{name_of(i)}, {}));
  }
  CAIRN_TRY(merge_rounds(*store, pair, kRounds / 2, merge, unmerge));
  for (const Measure* one : {&merge, &unmerge, &merge_beside, &unmerge_beside}) out.add(*one);
  out.add("merge beside 1,000 experiments against none", "x",
          merge_beside.median() / merge.median());
  CAIRN_TRY_ASSIGN(const auto after, store->digests());
  if (after.state != before.state) {
    return make_error(ErrorCode::Corruption, "experiments changed the state of the store");
  }
  return store->close();
}

}  // namespace

Result<void> bench_experiments(Bench& bench) {
  bench.say("trying experiments");
  CAIRN_TRY(bench.child([&](PhaseOutput& out) { return try_experiments(bench, out); }));
  return {};
}

}  // namespace cairn::client
