// Phases that fill a store, fold it again and open it.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "client/bench_phase.h"
#include "engine/store.h"

namespace cairn::client {
namespace {

using engine::Store;

// Seconds at which each tenth of an import was acknowledged.
class Tenths {
 public:
  explicit Tenths(uint64_t total) : total_(total) { at_.push_back(seconds_now()); }
  void reached(uint64_t done) {
    const double now = seconds_now();
    while (at_.size() <= 10 && done * 10 >= total_ * at_.size()) at_.push_back(now);
  }
  // Rate of the last tenth against that of the first.
  std::optional<double> last_to_first() const {
    if (at_.size() < 11 || at_[10] <= at_[9]) return std::nullopt;
    return (at_[1] - at_[0]) / (at_[10] - at_[9]);
  }

 private:
  uint64_t total_;
  std::vector<double> at_;
};

Result<void> write_lines(const Bench& bench, PhaseOutput& out) {
  std::ofstream file;
  if (!bench.lines().empty()) file.open(bench.lines(), std::ios::binary);
  double inside = 0;
  double last = seconds_now();
  uint64_t bytes = 0;
  // Where no file is wanted a part tells rate and length as well.
  const uint64_t count =
      bench.lines().empty() ? std::min<uint64_t>(bench.scale(), 1'000'000) : bench.scale();
  CAIRN_TRY(generate(bench.load(count, bench.options().seed), [&](std::string_view block) {
    inside += seconds_now() - last;
    bytes += block.size();
    if (file.is_open()) file.write(block.data(), static_cast<std::streamsize>(block.size()));
    last = seconds_now();
    const bool failed = file.is_open() && !file;
    return failed ? Result<void>(make_error(ErrorCode::Io, "cannot write " + bench.lines()))
                  : Result<void>();
  }));
  out.add("generate", "lines/s", static_cast<double>(count) / inside);
  out.add("generated line", "bytes", static_cast<double>(bytes) / static_cast<double>(count));
  return {};
}

Result<void> import_all(const Bench& bench, PhaseOutput& out) {
  reset_peak_memory();
  const double begin = seconds_now();
  CAIRN_TRY_ASSIGN(auto store, Store::open(bench.store(), {}));
  StoreSink sink(*store);
  Tenths tenths(bench.scale());
  ImportOptions options;
  options.progress = [&](const ImportProgress& progress) { tenths.reached(progress.lines); };
  const ImportSummary summary = import_messages(sink, {bench.input()}, options);
  if (summary.failure) return *summary.failure;
  if (summary.stored != bench.scale()) {
    return make_error(ErrorCode::Corruption, fmt::format("{} of {} generated lines were stored",
                                                         summary.stored, bench.scale()));
  }
  CAIRN_TRY(store->close());
  store.reset();
  out.add("import of JSON Lines, durable", "occurrences/s",
          bench.scale_f() / (seconds_now() - begin));
  if (const auto ratio = tenths.last_to_first()) {
    out.add("import: rate of the last tenth against the first", "x", *ratio);
  }
  out.add("import: processor time", "us/occurrence", processor_seconds() * 1e6 / bench.scale_f());
  out.add("import: peak memory", "MiB", mib(peak_memory_bytes()));
  return {};
}

Result<void> add_sizes(const std::string& path, PhaseOutput& out) {
  CAIRN_TRY_ASSIGN(auto store, Store::open(path, {}));
  CAIRN_TRY(store->checkpoint());
  CAIRN_TRY_ASSIGN(const engine::Stats stats, store->stats());
  const auto count = static_cast<double>(stats.occurrences);
  const auto index = static_cast<double>(stats.index_bytes);
  out.add("log", "bytes/occurrence", static_cast<double>(stats.log_bytes) / count);
  out.add("index", "bytes/occurrence", index / count);
  out.add("index: written over its life, against its size", "x",
          static_cast<double>(stats.index_bytes_written) / index);
  out.add("segments", "", static_cast<double>(stats.segments.size()));
  out.add("issues", "", static_cast<double>(stats.issues));
  return {};
}

// Imports until it is killed; progress tells what was acknowledged.
Result<void> import_to_be_killed(const Bench& bench, const std::string& path, uint64_t seed,
                                 PhaseOutput& out) {
  CAIRN_TRY_ASSIGN(auto store, Store::open(path, {}));
  StoreSink sink(*store);
  ImportOptions options;
  options.progress = [&](const ImportProgress& progress) { out.progress(progress.lines); };
  const uint64_t count = std::min<uint64_t>(bench.scale(), 1'000'000);
  const ImportSummary summary =
      import_messages(sink, {generated_input(bench.load(count, seed))}, options);
  return summary.failure ? Result<void>(*summary.failure) : Result<void>();
}

Result<void> open_after_kill(const std::string& path, uint64_t acknowledged, PhaseOutput& out) {
  const double begin = seconds_now();
  engine::OpenReport report;
  CAIRN_TRY_ASSIGN(auto store, Store::open(path, {}, &report));
  out.add("open after kill -9 mid-import", "ms", milliseconds_since(begin));
  out.add("open after kill -9: records replayed", "", static_cast<double>(report.replayed_records));
  CAIRN_TRY_ASSIGN(const engine::Stats stats, store->stats());
  out.progress(stats.occurrences);
  if (stats.occurrences >= acknowledged) return {};
  return make_error(ErrorCode::Corruption,
                    fmt::format("{} occurrences were acknowledged, {} are there after a kill",
                                acknowledged, stats.occurrences));
}

}  // namespace

Result<void> bench_import(Bench& bench) {
  if (bench.store_was_there()) {
    bench.say("measuring the store that is there: no import");
    CAIRN_TRY(bench.child([&](PhaseOutput& out) { return add_sizes(bench.store(), out); }));
    return {};
  }
  bench.say(bench.lines().empty() ? "lines go straight from the generator into the import"
                                  : "generating");
  CAIRN_TRY(bench.child([&](PhaseOutput& out) { return write_lines(bench, out); }));
  const int runs = bench.options().runs;
  for (int run = 0; run < runs; ++run) {
    bench.say(fmt::format("importing, run {} of {}", run + 1, runs));
    std::filesystem::remove_all(bench.store());
    CAIRN_TRY_ASSIGN(const PhaseReport done,
                     bench.child([&](PhaseOutput& out) { return import_all(bench, out); }));
    bench.add("import: peak memory without page cache", "MiB", mib(done.peak_anonymous_bytes));
  }
  CAIRN_TRY(bench.child([&](PhaseOutput& out) { return add_sizes(bench.store(), out); }));
  return {};
}

Result<void> bench_rebuild(Bench& bench) {
  for (int run = 0; run < bench.options().runs; ++run) {
    bench.say(fmt::format("rebuilding, run {} of {}", run + 1, bench.options().runs));
    CAIRN_TRY_ASSIGN(const PhaseReport done, bench.child([&](PhaseOutput& out) -> Result<void> {
      const double begin = seconds_now();
      CAIRN_TRY(Store::rebuild(bench.store(), {}));
      out.add("rebuild from the log (with digests)", "occurrences/s",
              bench.scale_f() / (seconds_now() - begin));
      out.add("rebuild: processor time", "us/occurrence",
              processor_seconds() * 1e6 / bench.scale_f());
      return {};
    }));
    bench.add("rebuild: peak memory without page cache", "MiB", mib(done.peak_anonymous_bytes));
  }
  return {};
}

Result<void> bench_open(Bench& bench) {
  const auto work = [&](PhaseOutput& out) -> Result<void> {
    Measure time{"open after a clean stop", "ms", {}};
    for (int run = 0; run < bench.options().runs + 1; ++run) {
      const double begin = seconds_now();
      CAIRN_TRY_ASSIGN(auto store, Store::open(bench.store(), {}));
      if (run > 0) time.values.push_back(milliseconds_since(begin));
    }
    out.add(time);
    return {};
  };
  CAIRN_TRY(bench.child(work));
  return {};
}

// One store goes on growing; every run is killed at another distance from the last checkpoint.
Result<void> bench_crash(Bench& bench) {
  const std::string path = bench.scratch("crash");
  const uint64_t count = std::min<uint64_t>(bench.scale(), 1'000'000);
  const int runs = bench.options().runs;
  uint64_t before = 0;
  for (int run = 0; run < runs; ++run) {
    bench.say(fmt::format("killing an import, run {} of {}", run + 1, runs));
    const uint64_t seed = bench.options().seed + 100 + static_cast<uint64_t>(run);
    const uint64_t kill_at =
        count / 4 + count / 2 * static_cast<uint64_t>(run + 1) / static_cast<uint64_t>(runs + 1);
    CAIRN_TRY_ASSIGN(
        const PhaseReport killed,
        bench.child([&](PhaseOutput& out) { return import_to_be_killed(bench, path, seed, out); },
                    kill_at));
    CAIRN_TRY_ASSIGN(const PhaseReport opened, bench.child([&](PhaseOutput& out) {
      return open_after_kill(path, before + killed.progress, out);
    }));
    before = opened.progress;
  }
  std::filesystem::remove_all(path);
  return {};
}

}  // namespace cairn::client
