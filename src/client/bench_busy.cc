// The phase beside an import at full speed: what asking and writing then take.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "client/bench_phase.h"
#include "engine/store.h"

namespace cairn::client {
namespace {

using engine::Store;

constexpr uint64_t kLongImport = 100'000'000;  // not over before what is measured beside it
constexpr double kTimesAsLong = 10;            // writing: a 99.9th percentile takes thousands

// The month after the store's, in which the same problems strike the same people.
Result<GenerateOptions> next_month(const Bench& bench) {
  CAIRN_TRY_ASSIGN(GenerateOptions load,
                   resolve_options(bench.load(bench.scale(), bench.options().seed)));
  load.stream = 1;
  load.occurrences = std::max<uint64_t>(bench.scale(), kLongImport);
  load.end_time_s += int64_t{load.days} * 86'400;
  return load;
}

// An import on a thread of its own until it is destroyed.
class Importing {
 public:
  Importing(const GenerateOptions& load, Store& store)
      : sink_(store), input_(generated_input(load)) {
    options_.stop = &stop_;
    options_.progress = [this](const ImportProgress& progress) { lines_ = progress.lines; };
    thread_ = std::thread([this] {
      summary_ = import_messages(sink_, {input_}, options_);
      ended_ = true;
    });
  }
  ~Importing() {
    if (thread_.joinable()) (void)end();
  }
  void wait_for_first() const {
    while (lines_ == 0 && !ended_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  uint64_t lines() const { return lines_; }
  bool ended() const { return ended_; }
  Result<void> end() {
    stop_ = true;
    thread_.join();
    return summary_.failure ? Result<void>(*summary_.failure) : Result<void>();
  }

 private:
  StoreSink sink_;
  ImportInput input_;
  ImportOptions options_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> ended_{false};
  std::atomic<uint64_t> lines_{0};
  ImportSummary summary_;
  std::thread thread_;
};

Measure percentile(const Measure& all, double share, const std::string& name) {
  std::vector<double> sorted = all.values;
  std::sort(sorted.begin(), sorted.end());
  const auto at = static_cast<size_t>(share * static_cast<double>(sorted.size()));
  return {name, "ms", {sorted[std::min(at, sorted.size() - 1)]}};
}

// Q1 now and then, not back to back: the import is to run at full speed.
Result<Measure> ask_while_importing(const Store& store, const BenchQuery& query, double seconds,
                                    PhaseOutput& out) {
  Measure time{"while importing: Q1", "ms", {}};
  Measure waited{"while importing: Q1, of it until there is a snapshot", "ms", {}};
  const double end = seconds_now() + seconds;
  do {
    const double begin = seconds_now();
    {
      CAIRN_TRY_ASSIGN(const auto snapshot, store.snapshot(query.experiment));
      waited.values.push_back(milliseconds_since(begin));
      CAIRN_TRY(answer(*snapshot, query));
    }
    time.values.push_back(milliseconds_since(begin));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  } while (seconds_now() < end);
  out.add(time);
  out.add(waited);
  return time;
}

Result<void> write_while_importing(Store& store, double seconds, PhaseOutput& out) {
  Measure time{"while importing: one occurrence, acknowledged durable", "ms", {}};
  const double end = seconds_now() + seconds;
  uint64_t n = 0;
  do {
    model::Occurrence occurrence = plain_occurrence(n++, "beside-b");
    const double begin = seconds_now();
    CAIRN_TRY(submit_one(store, std::move(occurrence)));
    time.values.push_back(milliseconds_since(begin));
  } while (seconds_now() < end);
  out.add(time);
  out.add(percentile(time, 0.5, "while importing: acknowledgement p50"));
  out.add(percentile(time, 0.99, "while importing: acknowledgement p99"));
  out.add(percentile(time, 0.999, "while importing: acknowledgement p99.9"));
  return {};
}

// What the first write waits for when somebody began to read before it and stays.
Result<void> write_beside_reader(Store& store, int runs, PhaseOutput& out) {
  Measure time{"beside a snapshot that stays: acknowledgement", "ms", {}};
  for (int run = 0; run < runs; ++run) {
    CAIRN_TRY_ASSIGN(const auto staying, store.snapshot());
    const double begin = seconds_now();
    CAIRN_TRY(submit_one(store, plain_occurrence(static_cast<uint64_t>(run), "beside-r")));
    time.values.push_back(milliseconds_since(begin));
  }
  out.add(time);
  return {};
}

Result<void> measure_busy(const Bench& bench, const std::string& path, PhaseOutput& out) {
  CAIRN_TRY_ASSIGN(auto store, Store::open(path, {}));
  CAIRN_TRY_ASSIGN(const BenchKeys keys, find_keys(*store, bench.now()));
  const BenchQuery query = questions(keys, bench.now()).front();
  CAIRN_TRY_ASSIGN(const Measure idle, time_query(*store, query, bench.options().query_runs));
  CAIRN_TRY(write_beside_reader(*store, bench.options().runs, out));
  const double seconds = bench.options().busy_seconds;
  CAIRN_TRY_ASSIGN(const GenerateOptions load, next_month(bench));
  Importing importing(load, *store);
  importing.wait_for_first();
  const double begin = seconds_now();
  CAIRN_TRY_ASSIGN(const Measure busy, ask_while_importing(*store, query, seconds, out));
  CAIRN_TRY(write_while_importing(*store, kTimesAsLong * seconds, out));
  const auto lines = static_cast<double>(importing.lines());
  const double took = seconds_now() - begin;
  if (importing.ended()) {
    return make_error(ErrorCode::Internal, "the import ended before what was measured beside it");
  }
  CAIRN_TRY(importing.end());
  out.add("while importing: Q1 against idle", "x", busy.median() / idle.median());
  out.add("while importing: rate of the import", "occurrences/s", lines / took);
  return store->close();
}

}  // namespace

// On a copy: what is imported here would change what others measure.
Result<void> bench_busy(Bench& bench) {
  const std::string path = bench.scratch("busy");
  bench.say("copying the store");
  std::error_code error;
  std::filesystem::copy(bench.store(), path, std::filesystem::copy_options::recursive, error);
  if (error) return make_error(ErrorCode::Io, "cannot copy the store: " + error.message());
  ::sync();  // the disk shall not be busy with that
  bench.say("asking and writing beside an import");
  CAIRN_TRY(bench.child([&](PhaseOutput& out) { return measure_busy(bench, path, out); }));
  std::filesystem::remove_all(path);
  return {};
}

}  // namespace cairn::client
