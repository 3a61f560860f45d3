#include "client/bench.h"

#include <algorithm>
#include <filesystem>

#include "client/bench_phase.h"
#include "engine/store.h"
#include "verbs/arguments.h"

namespace cairn::client {
namespace {

struct Phase {
  std::string_view name;
  Result<void> (*run)(Bench&);
  bool needs_store;
};
constexpr Phase kPhases[] = {
    {"machine", bench_machine, false}, {"import", bench_import, true},
    {"queries", bench_queries, true},  {"language", bench_language, true},
    {"open", bench_open, true},        {"past", bench_past, true},
    {"rebuild", bench_rebuild, true},  {"api", bench_api, false},
    {"single", bench_single, false},   {"writers", bench_writers, false},
    {"crash", bench_crash, false},     {"merges", bench_merges, true},
    {"merged", bench_merged, true},    {"experiments", bench_experiments, true},
    {"busy", bench_busy, true},        {"rpc", bench_rpc, true},
    {"alerts", bench_alerts, false},
};

constexpr bool all_can_be_named() {
  for (size_t i = 0; i < std::size(kPhases); ++i) {
    if (verbs::kBenchPhases[i] != kPhases[i].name) return false;
  }
  return std::size(kPhases) == verbs::kBenchPhases.size();
}
static_assert(all_can_be_named(), "the command line refuses other names");

bool wanted(const BenchOptions& options, std::string_view name) {
  return options.only.empty() ||
         std::find(options.only.begin(), options.only.end(), name) != options.only.end();
}

bool holds_something(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) && !std::filesystem::is_empty(path, error);
}

Result<void> check_phases(const Bench& bench) {
  const BenchOptions& options = bench.options();
  for (const std::string& name : options.only) {
    const auto& known = bench_phases();
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return make_error(ErrorCode::InvalidArgument, "'" + name + "' is no phase of the benchmark");
  }
  if (bench.store_was_there() || wanted(options, "import")) return {};
  for (const Phase& phase : kPhases) {
    if (!phase.needs_store || !wanted(options, phase.name)) continue;
    return make_error(ErrorCode::InvalidArgument,
                      "phase " + std::string(phase.name) +
                          " needs a store: add phase import, or name the kept store of an "
                          "earlier run with --store");
  }
  return {};
}

// A store of an earlier run says itself how large it is.
Result<void> adopt_scale(Bench& bench) {
  CAIRN_TRY_ASSIGN(const PhaseReport found, bench.child([&](PhaseOutput& out) -> Result<void> {
    engine::StoreOptions reading;
    reading.read_only = true;
    CAIRN_TRY_ASSIGN(auto store, engine::Store::open(bench.store(), reading));
    CAIRN_TRY_ASSIGN(const engine::Stats stats, store->stats());
    out.progress(stats.occurrences);
    return {};
  }));
  bench.set_scale(found.progress);
  return {};
}

}  // namespace

Bench::Bench(const BenchOptions& options)
    : options_(options),
      store_(options.store.empty() ? scratch("store") : options.store),
      store_was_there_(holds_something(store_)) {
  report_.scale = options.scale;
  if (options.scale < kMaxScaleInFile) lines_ = scratch("load.jsonl");
}

Bench::~Bench() {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory, ignored)) {
    std::filesystem::remove_all(entry.path(), ignored);
  }
}

GenerateOptions Bench::load(uint64_t occurrences, uint64_t seed) const {
  GenerateOptions load;
  load.occurrences = occurrences;
  load.seed = seed;
  return load;
}

ImportInput Bench::input() const {
  if (lines_.empty()) return generated_input(load(scale(), options_.seed));
  const std::string file = lines_;
  return {file, [file](WaitHooks hooks) { return open_lines(file, hooks); }, std::nullopt};
}

Result<PhaseReport> Bench::child(const PhaseWork& work, std::optional<uint64_t> kill_at) {
  CAIRN_TRY_ASSIGN(PhaseReport done, run_phase(work, {options_.say, options_.stop, kill_at}));
  for (const Measure& measure : done.measures) add(measure);
  return done;
}

void Bench::add(const Measure& measure) {
  auto& all = report_.measures;
  const auto same = std::find_if(all.begin(), all.end(),
                                 [&](const Measure& other) { return other.name == measure.name; });
  if (same == all.end()) {
    all.push_back(measure);
  } else {
    same->values.insert(same->values.end(), measure.values.begin(), measure.values.end());
  }
}

void Bench::add(std::string name, std::string unit, double value) {
  add(Measure{std::move(name), std::move(unit), {value}});
}

Result<std::unique_ptr<engine::Store>> open_settled(const Bench& bench) {
  CAIRN_TRY_ASSIGN(auto store, engine::Store::open(bench.store(), {}));
  CAIRN_TRY(store->tick());
  return store;
}

const std::vector<std::string>& bench_phases() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Phase& phase : kPhases) list.emplace_back(phase.name);
    return list;
  }();
  return names;
}

Result<void> bench_machine(Bench& bench) {
  const auto work = [&](PhaseOutput& out) -> Result<void> {
    CAIRN_TRY_ASSIGN(const MachineLimits limits,
                     measure_machine(bench.options().directory, bench.options().runs));
    for (const Measure* limit : {&limits.sync_us, &limits.write_mb_s, &limits.memory_gb_s}) {
      out.add(*limit);
    }
    return {};
  };
  CAIRN_TRY(bench.child(work));
  return {};
}

Result<void> bench_verify(Bench& bench) {
  bench.say("verifying the store, deep");
  const auto work = [&](PhaseOutput& out) -> Result<void> {
    const double begin = seconds_now();
    CAIRN_TRY_ASSIGN(const engine::VerifyReport report,
                     engine::Store::verify(bench.store(), true, {}));
    out.add("verify --deep", "occurrences/s", bench.scale_f() / (seconds_now() - begin));
    if (report.problems.empty()) return {};
    return make_error(ErrorCode::Corruption,
                      "verify --deep after the benchmark: " + report.problems.front());
  };
  CAIRN_TRY(bench.child(work));
  return {};
}

Result<BenchReport> run_bench(const BenchOptions& options) {
  Bench bench(options);
  CAIRN_TRY(check_phases(bench));
  if (bench.store_was_there()) CAIRN_TRY(adopt_scale(bench));
  for (const Phase& phase : kPhases) {
    if (wanted(options, phase.name)) CAIRN_TRY(phase.run(bench));
  }
  if (options.verify) CAIRN_TRY(bench_verify(bench));
  return bench.take_report();
}

}  // namespace cairn::client
