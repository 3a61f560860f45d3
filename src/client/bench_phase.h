// What the phases of the macro benchmark share. A phase runs in the parent and puts its work into
// child processes (bench_process.h); it adds measures to the report by their names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/bench.h"
#include "client/bench_process.h"
#include "client/generated_input.h"
#include "client/importer.h"
#include "query/search.h"

namespace cairn::client {

// Above it lines go from the generator straight into the import: a file would fill the disk.
inline constexpr uint64_t kMaxScaleInFile = 50'000'000;

class Bench {
 public:
  explicit Bench(const BenchOptions& options);
  ~Bench();  // removes what is to be removed
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  const BenchOptions& options() const { return options_; }
  uint64_t scale() const { return report_.scale; }
  double scale_f() const { return static_cast<double>(report_.scale); }
  void set_scale(uint64_t occurrences) { report_.scale = occurrences; }
  // The end of the generated time.
  TimeUs now() const { return TimeUs{GenerateOptions{}.end_time_s * kMicrosPerSecond}; }

  const std::string& store() const { return store_; }  // the imported one
  bool store_was_there() const { return store_was_there_; }
  std::string scratch(const std::string& name) const { return options_.directory + "/" + name; }
  const std::string& lines() const { return lines_; }  // "" = piped
  GenerateOptions load(uint64_t occurrences, uint64_t seed) const;
  ImportInput input() const;  // all lines of the store

  void say(const std::string& what) const {
    if (options_.say) options_.say(what);
  }
  // Runs `work` in a child and takes its measures into the report. Measures of one name are one.
  Result<PhaseReport> child(const PhaseWork& work, std::optional<uint64_t> kill_at = {});
  void add(const Measure& measure);
  void add(std::string name, std::string unit, double value);
  const Measure* find(std::string_view name) const;
  BenchReport take_report() { return std::move(report_); }

 private:
  const BenchOptions& options_;
  std::string lines_;
  std::string store_;
  bool store_was_there_;
  BenchReport report_;
};

// The phases, in the order they run. Errors: as run_bench.
Result<void> bench_machine(Bench& bench);
Result<void> bench_import(Bench& bench);
Result<void> bench_api(Bench& bench);
Result<void> bench_single(Bench& bench);
Result<void> bench_writers(Bench& bench);
Result<void> bench_rebuild(Bench& bench);
Result<void> bench_open(Bench& bench);
Result<void> bench_past(Bench& bench);
Result<void> bench_crash(Bench& bench);
Result<void> bench_queries(Bench& bench);
Result<void> bench_language(Bench& bench);
Result<void> bench_merges(Bench& bench);
Result<void> bench_merged(Bench& bench);
Result<void> bench_experiments(Bench& bench);
Result<void> bench_busy(Bench& bench);
Result<void> bench_rpc(Bench& bench);
Result<void> bench_alerts(Bench& bench);
Result<void> bench_verify(Bench& bench);

// The store, open for writing. What time brings about has happened, so that nothing but the phase
// changes issues.
Result<std::unique_ptr<engine::Store>> open_settled(const Bench& bench);

// One question, bound to values that the store has.
struct BenchQuery {
  std::string name;
  std::string text;
  query::SearchOptions options;
  std::string experiment = {};  // "" = in the base
};
// Values the store has, neither the commonest nor rare ones.
struct BenchKeys {
  std::string project;  // the biggest
  std::string release;
  std::string url;
  std::string browser;
  std::string issue;  // the largest
};
Result<BenchKeys> find_keys(const engine::Store& store, TimeUs now);
std::vector<BenchQuery> questions(const BenchKeys& keys, TimeUs now);
// One answer, on a snapshot of its own or on that. Errors: those of the query.
Result<void> answer(const engine::Store& store, const BenchQuery& query);
Result<void> answer(const engine::Snapshot& snapshot, const BenchQuery& query);
// Milliseconds of `runs` answers after one more that does not count.
Result<Measure> time_query(const engine::Store& store, const BenchQuery& query, int runs);

// One message, durable when it returns.
Result<void> submit_one(engine::Store& store, model::Occurrence occurrence);
// A plain occurrence of a group; `n` makes it another one, `fingerprint` another group.
model::Occurrence plain_occurrence(uint64_t n, std::string_view fingerprint);

inline double milliseconds_since(double begin) { return (seconds_now() - begin) * 1e3; }
inline double microseconds_since(double begin) { return (seconds_now() - begin) * 1e6; }
inline double mib(uint64_t bytes) { return static_cast<double>(bytes) / (1u << 20); }

}  // namespace cairn::client
