#include "client/bench.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "base/json_writer.h"
#include "client/generate.h"
#include "client/importer.h"
#include "engine/store.h"
#include "query/parser.h"

namespace cairn::client {
namespace {

using engine::Store;

constexpr int64_t kHourUs = 3600 * kMicrosPerSecond;

class Bench {
 public:
  explicit Bench(const BenchOptions& options)
      : options_(options),
        lines_(options.directory + "/load.jsonl"),
        store_(options.directory + "/store"),
        merge_store_(options.directory + "/merge") {}

  ~Bench() {
    std::error_code ignored;
    for (const auto& path : {lines_, store_, merge_store_}) {
      std::filesystem::remove_all(path, ignored);
    }
  }

  Result<BenchReport> run() {
    CAIRN_TRY_ASSIGN(MachineLimits limits, measure_machine(options_.directory, options_.runs));
    report_.measures = {limits.sync_us, limits.write_mb_s, limits.memory_gb_s};
    CAIRN_TRY(make_load());
    CAIRN_TRY(measure_import());
    CAIRN_TRY(measure_rebuild());
    CAIRN_TRY(measure_open());
    CAIRN_TRY(measure_queries());
    CAIRN_TRY(measure_single_writes());
    CAIRN_TRY(measure_merges());
    return std::move(report_);
  }

 private:
  void say(const std::string& what) const {
    if (options_.say) options_.say(what);
  }
  Measure& measure(std::string name, std::string unit) {
    report_.measures.push_back({std::move(name), std::move(unit), {}});
    return report_.measures.back();
  }
  double scale() const { return static_cast<double>(options_.scale); }

  Result<void> make_load() {
    say("generating");
    GenerateOptions load;
    load.occurrences = options_.scale;
    load.seed = options_.seed;
    end_time_ = TimeUs{load.end_time_s * kMicrosPerSecond};
    std::ofstream out(lines_, std::ios::binary);
    double inside = 0;
    double last = seconds_now();
    uint64_t bytes = 0;
    CAIRN_TRY(generate(load, [&](std::string_view block) -> Result<void> {
      inside += seconds_now() - last;
      bytes += block.size();
      out.write(block.data(), static_cast<std::streamsize>(block.size()));
      last = seconds_now();
      if (!out) return make_error(ErrorCode::Io, "cannot write " + lines_);
      return {};
    }));
    measure("generate", "lines/s").values.push_back(scale() / inside);
    measure("generated line", "bytes").values.push_back(static_cast<double>(bytes) / scale());
    return {};
  }

  Result<void> import_once(const std::string& path) {
    CAIRN_TRY_ASSIGN(auto store, Store::open(path, {}));
    StoreSink sink(*store);
    const std::string file = lines_;
    const ImportInput input{file, [file](WaitHooks hooks) { return open_lines(file, hooks); },
                            std::nullopt};
    const ImportSummary summary = import_messages(sink, {input}, {});
    if (summary.failure) return *summary.failure;
    if (summary.stored != options_.scale) {
      return make_error(ErrorCode::Internal, fmt::format("{} of {} generated lines were stored",
                                                         summary.stored, options_.scale));
    }
    return store->close();
  }

  Result<void> measure_import() {
    Measure rate{"import of JSON Lines, durable", "occurrences/s", {}};
    Measure memory{"import: peak memory", "MiB", {}};
    for (int run = 0; run < options_.runs; ++run) {
      say(fmt::format("importing, run {} of {}", run + 1, options_.runs));
      std::filesystem::remove_all(store_);
      reset_peak_memory();
      const double begin = seconds_now();
      CAIRN_TRY(import_once(store_));
      rate.values.push_back(scale() / (seconds_now() - begin));
      memory.values.push_back(static_cast<double>(peak_memory_bytes()) / (1u << 20));
    }
    report_.measures.push_back(std::move(rate));
    report_.measures.push_back(std::move(memory));
    CAIRN_TRY_ASSIGN(auto store, Store::open(store_, {}));
    CAIRN_TRY(store->checkpoint());
    CAIRN_TRY_ASSIGN(const engine::Stats stats, store->stats());
    measure("log", "bytes/occurrence")
        .values.push_back(static_cast<double>(stats.log_bytes) / scale());
    measure("index", "bytes/occurrence")
        .values.push_back(static_cast<double>(stats.index_bytes) / scale());
    measure("segments", "").values.push_back(static_cast<double>(stats.segments.size()));
    measure("issues", "").values.push_back(static_cast<double>(stats.issues));
    return {};
  }

  Result<void> measure_rebuild() {
    Measure rate{"rebuild from the log (with digests)", "occurrences/s", {}};
    for (int run = 0; run < options_.runs; ++run) {
      say(fmt::format("rebuilding, run {} of {}", run + 1, options_.runs));
      const double begin = seconds_now();
      CAIRN_TRY(Store::rebuild(store_, {}));
      rate.values.push_back(scale() / (seconds_now() - begin));
    }
    report_.measures.push_back(std::move(rate));
    return {};
  }

  Result<void> measure_open() {
    Measure time{"open after a clean stop", "ms", {}};
    for (int run = 0; run < options_.runs + 1; ++run) {
      const double begin = seconds_now();
      CAIRN_TRY_ASSIGN(auto store, Store::open(store_, {}));
      if (run > 0) time.values.push_back((seconds_now() - begin) * 1e3);
    }
    report_.measures.push_back(std::move(time));
    return {};
  }

  // The first column of the first row of a table.
  static Result<std::string> first_key(const Store& store, const std::string& text, size_t row,
                                       TimeUs now) {
    CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
    query::SearchOptions options;
    options.now = now;
    CAIRN_TRY_ASSIGN(const query::Table table, snapshot->aggregate(text, options));
    if (table.rows.size() <= row) {
      return make_error(ErrorCode::Internal, "too few rows for '" + text + "'");
    }
    const auto& cell = table.rows[row].front().value;
    if (const auto* word = std::get_if<std::string>(&cell)) return *word;
    if (const auto* number = std::get_if<int64_t>(&cell)) return std::to_string(*number);
    return make_error(ErrorCode::Internal, "no key in the first column of '" + text + "'");
  }

  Result<void> time_query(const Store& store, const std::string& name, const std::string& text,
                          query::SearchOptions options) {
    Measure time{name, "ms", {}};
    CAIRN_TRY_ASSIGN(const query::Query parsed, query::parse(text));
    const bool table = query::is_aggregate(parsed);
    options.now = end_time_;
    for (int run = 0; run < options_.query_runs + 1; ++run) {
      const double begin = seconds_now();
      CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
      if (table) {
        CAIRN_TRY(snapshot->aggregate(text, options));
      } else {
        CAIRN_TRY(snapshot->search(text, options));
      }
      if (run > 0) time.values.push_back((seconds_now() - begin) * 1e3);
    }
    report_.measures.push_back(std::move(time));
    return {};
  }

  Result<void> measure_queries() {
    say("querying");
    reset_peak_memory();
    engine::StoreOptions reading;
    reading.read_only = true;
    CAIRN_TRY_ASSIGN(auto store, Store::open(store_, reading));
    CAIRN_TRY_ASSIGN(const std::string project, first_key(*store, "| top 1 project", 0, end_time_));
    CAIRN_TRY_ASSIGN(
        const std::string release,
        first_key(*store, fmt::format("project:{} | top 3 release", project), 2, end_time_));
    CAIRN_TRY_ASSIGN(const std::string url, first_key(*store, "| top 10 url", 9, end_time_));
    CAIRN_TRY_ASSIGN(const std::string browser, first_key(*store, "| top 2 browser", 1, end_time_));
    CAIRN_TRY_ASSIGN(const std::string issue, first_key(*store, "| top 1 issue", 0, end_time_));

    query::SearchOptions page;
    page.sort = query::Sort::Date;
    page.limit = 25;
    page.trend_buckets = 14;
    page.trend_bucket_us = 24 * kHourUs;
    CAIRN_TRY(time_query(*store, "Q1 is, level, environment, release in the biggest project",
                         fmt::format("project:{} is:unresolved level:error "
                                     "environment:production release:\"{}\"",
                                     project, release),
                         page));
    CAIRN_TRY(time_query(*store, "Q1b only is:unresolved there",
                         fmt::format("project:{} is:unresolved", project), page));
    query::SearchOptions by_freq;
    by_freq.sort = query::Sort::Freq;
    CAIRN_TRY(time_query(*store, "Q2 url:X !browser:Y, sort freq",
                         fmt::format("url:\"{}\" !browser:\"{}\"", url, browser), by_freq));
    CAIRN_TRY(time_query(*store, "Q3a count() uniq(user) every 1h over 24 h",
                         "level:error environment:production timestamp:-24h | count() uniq(user) "
                         "every 1h",
                         {}));
    CAIRN_TRY(time_query(*store, "Q3b the last 5 minutes",
                         "level:error environment:production timestamp:-5m | count() uniq(user) "
                         "every 1h",
                         {}));
    CAIRN_TRY(time_query(*store, "Q4 issue:LARGEST | top 50 release",
                         fmt::format("issue:{} | top 50 release", issue), {}));
    measure("queries: peak memory (with mapped pages)", "MiB")
        .values.push_back(static_cast<double>(peak_memory_bytes()) / (1u << 20));
    return {};
  }

  // A plain occurrence of one of a few groups.
  static model::Occurrence plain(uint64_t n, std::string_view fingerprint) {
    model::Occurrence o;
    for (size_t i = 0; i < 8; ++i) o.id.bytes[i] = static_cast<uint8_t>(n >> (8 * i));
    o.id.bytes[14] = static_cast<uint8_t>(fingerprint.size());
    o.id.bytes[15] = static_cast<uint8_t>(fingerprint.back());
    o.event_id = o.id;
    o.project = ProjectId{1};
    o.fingerprint = {std::string(fingerprint)};
    o.title = "Benchmark of merging";
    o.subtitle = "plain";
    o.type = 1;
    o.detection_time = 1'790'000'000.0 + static_cast<double>(n) / 100.0;
    o.event = fmt::format(R"({{"event_id":"{}","tags":{{"shard":"{}"}},"user":{{"id":"{}"}}}})",
                          o.id.hex(), n % 16, n % 5000);
    return o;
  }

  static Result<void> fill(Store& store, std::string_view fingerprint, uint64_t count) {
    std::vector<model::Message> batch;
    for (uint64_t n = 0; n < count; ++n) {
      batch.emplace_back(plain(n, fingerprint));
      if (batch.size() == 2000 || n + 1 == count) {
        CAIRN_TRY(store.submit(std::move(batch), {}));
        batch.clear();
      }
    }
    return {};
  }

  Result<void> measure_single_writes() {
    CAIRN_TRY_ASSIGN(auto store, Store::open(merge_store_, {}));
    Measure time{"one occurrence, acknowledged durable", "us", {}};
    for (uint64_t n = 0; n < 500; ++n) {
      std::vector<model::Message> one;
      one.emplace_back(plain(n, "single-s"));
      const double begin = seconds_now();
      CAIRN_TRY(store->submit(std::move(one), {}));
      time.values.push_back((seconds_now() - begin) * 1e6);
    }
    report_.measures.push_back(std::move(time));
    return {};
  }

  Result<void> measure_merges() {
    CAIRN_TRY_ASSIGN(auto store, Store::open(merge_store_, {}));
    for (const uint64_t size : {uint64_t{1'000}, uint64_t{1'000'000}}) {
      say(fmt::format("filling two groups of {} for the merge", size));
      const std::string names[] = {fmt::format("group-{}-a", size),
                                   fmt::format("group-{}-b", size)};
      for (const auto& name : names) CAIRN_TRY(fill(*store, name, size));
      CAIRN_TRY(store->checkpoint());
      GroupId ids[2];
      {
        CAIRN_TRY_ASSIGN(auto snapshot, store->snapshot());
        for (int i = 0; i < 2; ++i) {
          ids[i] = snapshot->state().find_fingerprint(ProjectId{1}, names[i])->leaf;
        }
      }
      CAIRN_TRY(merge_and_back(*store, ids[0], ids[1], size));
    }
    return {};
  }

  Result<void> merge_and_back(Store& store, GroupId primary, GroupId child, uint64_t size) {
    Measure merge{fmt::format("merge of two groups of {} events", size), "us", {}};
    Measure unmerge{fmt::format("unmerge of them", size), "us", {}};
    Measure answer{"the next query shows it merged", "us", {}};
    for (int run = 0; run < options_.query_runs; ++run) {
      const double begin = seconds_now();
      CAIRN_TRY(store.execute(model::MergeCommand{primary, {child}}, {}));
      const double merged = seconds_now();
      CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
      CAIRN_TRY_ASSIGN(const auto page,
                       snapshot->search("issue:" + snapshot->state().short_id(child), {}));
      if (page.issues.size() != 1 || page.issues[0].count != 2 * size) {
        return make_error(ErrorCode::Internal, "the merged issue does not show all its events");
      }
      snapshot.reset();
      const double seen = seconds_now();
      CAIRN_TRY(store.execute(model::UnmergeCommand{primary, {child}}, {}));
      unmerge.values.push_back((seconds_now() - seen) * 1e6);
      merge.values.push_back((merged - begin) * 1e6);
      answer.values.push_back((seen - merged) * 1e6);
    }
    for (Measure* done : {&merge, &answer, &unmerge}) report_.measures.push_back(std::move(*done));
    return {};
  }

  const BenchOptions& options_;
  std::string lines_;
  std::string store_;
  std::string merge_store_;
  TimeUs end_time_{};
  BenchReport report_;
};

std::string shown(double value) {
  if (value >= 1000) return fmt::format("{:.0f}", value);
  if (value >= 10) return fmt::format("{:.1f}", value);
  return fmt::format("{:.3f}", value);
}

}  // namespace

Result<BenchReport> run_bench(const BenchOptions& options) { return Bench(options).run(); }

std::string bench_json(const BenchOptions& options, const BenchReport& report) {
  JsonWriter json;
  json.begin_object();
  json.key("scale").unsigned_integer(options.scale);
  json.key("seed").unsigned_integer(options.seed);
  json.key("measures").begin_array();
  for (const Measure& measure : report.measures) {
    json.begin_object();
    json.key("name").string(measure.name);
    json.key("unit").string(measure.unit);
    json.key("runs").unsigned_integer(measure.values.size());
    json.key("min").number(measure.min());
    json.key("median").number(measure.median());
    json.key("max").number(measure.max());
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

std::string bench_table(const BenchReport& report) {
  std::string out =
      fmt::format("{:<58} {:>12} {:>12} {:>12}  {}\n", "measure", "min", "median", "max", "unit");
  for (const Measure& measure : report.measures) {
    out += fmt::format("{:<58} {:>12} {:>12} {:>12}  {}\n", measure.name, shown(measure.min()),
                       shown(measure.median()), shown(measure.max()), measure.unit);
  }
  return out;
}

}  // namespace cairn::client
