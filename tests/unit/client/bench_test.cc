// The benchmark itself, on as little as it takes: every phase runs, the report is complete.
#include "client/bench.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "support/temp_dir.h"
#include "verbs/arguments.h"

using namespace cairn;
using namespace cairn::client;
using cairn::testing::TempDir;
using cairn::verbs::kMinBenchScale;

namespace {

BenchOptions tiny(const TempDir& scratch) {
  BenchOptions options;
  options.scale = kMinBenchScale;
  options.runs = 1;
  options.query_runs = 2;
  options.busy_seconds = 0.1;
  options.directory = scratch.path();
  return options;
}

const Measure* find(const BenchReport& report, const std::string& name) {
  const auto found = std::find_if(report.measures.begin(), report.measures.end(),
                                  [&](const Measure& measure) { return measure.name == name; });
  return found == report.measures.end() ? nullptr : &*found;
}

BenchReport made_up(uint64_t scale, const std::string& name, double value) {
  BenchReport report;
  report.scale = scale;
  report.measures.push_back({name, "", {value}});
  return report;
}

}  // namespace

TEST_CASE("every phase runs on the least scale and leaves nothing behind") {
  const TempDir scratch;
  BenchOptions options = tiny(scratch);
  options.verify = true;
  const auto report = run_bench(options);
  if (!report) FAIL(report.error().message);
  CHECK(report->scale == kMinBenchScale);
  for (const Measure& measure : report->measures) {
    INFO(measure.name);
    CHECK(!measure.values.empty());
  }
  for (const char* name :
       {"import of JSON Lines, durable", "API: batches of 1000, 2 threads", "log", "index",
        "Q1 is, level, environment, release in the biggest project",
        "parse, bind, plan: a typical query", "free text: one word", "hostile: nested 1,000 deep",
        "Q4 after the merges against before", "open after kill -9 mid-import",
        "merge: the larger groups against the smaller", "while importing: acknowledgement p99.9",
        "queries: peak memory without page cache", "verify --deep"}) {
    INFO(name);
    CHECK(find(*report, name) != nullptr);
  }
  CHECK(std::filesystem::is_empty(scratch.path()));
  const std::string table = bench_table(*report);
  CHECK(table.find("orientation") != std::string::npos);
  CHECK(table.find(" targets reached") != std::string::npos);
  CHECK(bench_json(options, *report).find("\"targets_apply\":false") != std::string::npos);
}

TEST_CASE("a kept store is measured again without an import") {
  const TempDir scratch;
  const TempDir kept;
  BenchOptions options = tiny(scratch);
  options.store = kept / "store";
  options.only = {"import"};
  REQUIRE(run_bench(options).ok());
  options.scale = 5000;  // the store knows better
  options.only = {"import", "queries"};
  const auto report = run_bench(options);
  if (!report) FAIL(report.error().message);
  CHECK(report->scale == kMinBenchScale);
  CHECK(find(*report, "import of JSON Lines, durable") == nullptr);
  CHECK(find(*report, "index") != nullptr);
  CHECK(find(*report, "Q3b the last 5 minutes") != nullptr);
  CHECK(std::filesystem::exists(options.store));
}

TEST_CASE("phases that cannot run are refused at once") {
  const TempDir scratch;
  BenchOptions options = tiny(scratch);
  options.only = {"queries"};
  auto report = run_bench(options);
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().code == ErrorCode::InvalidArgument);
  CHECK(report.error().message.find("--store") != std::string::npos);
  options.only = {"nonsense"};
  report = run_bench(options);
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().message.find("nonsense") != std::string::npos);
}

TEST_CASE("an interrupted benchmark cleans up") {
  const TempDir scratch;
  const std::atomic<bool> stop{true};
  BenchOptions options = tiny(scratch);
  options.stop = &stop;
  const auto report = run_bench(options);
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().code == ErrorCode::Closed);
  CHECK(std::filesystem::is_empty(scratch.path()));
}

TEST_CASE("targets are judged by the median and the scale") {
  const std::string import = "import of JSON Lines, durable";
  CHECK(bench_table(made_up(10'000'000, import, 400'000)).find("1 of 1 targets reached\n") !=
        std::string::npos);
  CHECK(bench_table(made_up(10'000'000, import, 399'000)).find("NO") != std::string::npos);
  const std::string q3b = "Q3b the last 5 minutes";
  CHECK(bench_table(made_up(10'000'000, q3b, 0.5)).find("NO") != std::string::npos);
  CHECK(bench_table(made_up(100'000'000, q3b, 0.5)).find("yes") != std::string::npos);
  CHECK(bench_table(made_up(1'000'000, "segments", 3)).find("0 of 0") != std::string::npos);
  BenchOptions options;
  const std::string json = bench_json(options, made_up(10'000'000, q3b, 0.05));
  CHECK(json.find("\"targets_apply\":true") != std::string::npos);
  CHECK(json.find("\"target\":0.1") != std::string::npos);
  CHECK(json.find("\"target_is\":\"at_most\"") != std::string::npos);
  CHECK(json.find("\"to_target\":0.5") != std::string::npos);
  CHECK(json.find("\"reached\":true") != std::string::npos);
}
