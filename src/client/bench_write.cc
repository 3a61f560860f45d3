// Phases that write through the embedding API: batches, single occurrences, many writers at once.
#include <fmt/format.h>

#include <filesystem>
#include <thread>

#include "base/file_system.h"
#include "client/bench_phase.h"
#include "engine/store.h"

namespace cairn::client {
namespace {

using engine::Store;

constexpr size_t kBatch = 1000;
constexpr uint64_t kMaxPrepared = 1'000'000;  // messages held in memory at once
constexpr uint64_t kLongImport = 20'000'000;  // not over before what is measured beside it
constexpr int kWriters = 64;

// Runs `work(thread)` on so many threads and gives back the first error.
Result<void> on_threads(int count, const std::function<Result<void>(int)>& work) {
  std::vector<Result<void>> results(static_cast<size_t>(count));
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] { results[static_cast<size_t>(i)] = work(i); });
  }
  for (auto& thread : threads) thread.join();
  for (auto& result : results) CAIRN_TRY(std::move(result));
  return {};
}

// Whether terms are found where messages are made, or by the store.
enum class Terms : uint8_t { Prepared, BySubmit };

Result<std::vector<engine::PreparedMessages>> prepare_batches(const Bench& bench, uint64_t count,
                                                              Terms terms) {
  std::vector<engine::PreparedMessages> batches;
  model::MessageParser parser;
  const auto take = [&](std::string_view block) -> Result<void> {
    while (!block.empty()) {
      const size_t end = block.find('\n');
      if (batches.empty() || batches.back().messages.size() == kBatch) batches.emplace_back();
      engine::PreparedMessages& batch = batches.back();
      model::TermBatch* out = terms == Terms::Prepared ? &batch.terms : nullptr;
      CAIRN_TRY_ASSIGN(auto message, parser.parse(block.substr(0, end), out));
      batch.messages.push_back(std::move(message));
      block.remove_prefix(end + 1);
    }
    return {};
  };
  CAIRN_TRY(generate(bench.load(count, bench.options().seed), take));
  return batches;
}

Result<void> submit_batches(const Bench& bench, const std::string& path, int threads, Terms terms,
                            PhaseOutput& out) {
  const uint64_t count = std::min(bench.scale(), kMaxPrepared);
  CAIRN_TRY_ASSIGN(auto batches, prepare_batches(bench, count, terms));
  std::filesystem::remove_all(path);
  CAIRN_TRY_ASSIGN(auto store, Store::open(path, {}));
  const double processor_before = processor_seconds();
  const double begin = seconds_now();
  // Threads take turns, so that times ascend as they do in life.
  const auto share = [&](int thread) -> Result<void> {
    const auto step = static_cast<size_t>(threads);
    for (size_t i = static_cast<size_t>(thread); i < batches.size(); i += step) {
      if (terms == Terms::Prepared) {
        CAIRN_TRY(store->submit(std::move(batches[i]), {}));
      } else {
        CAIRN_TRY(store->submit(std::move(batches[i].messages), {}));
      }
    }
    return {};
  };
  CAIRN_TRY(on_threads(threads, share));
  const double took = seconds_now() - begin;
  const std::string name = fmt::format("API: batches of {}{}, {} thread{}", kBatch,
                                       terms == Terms::Prepared ? "" : " without terms", threads,
                                       threads > 1 ? "s" : "");
  out.add(name, "occurrences/s", static_cast<double>(count) / took);
  out.add(name + ": processor time", "us/occurrence",
          (processor_seconds() - processor_before) * 1e6 / static_cast<double>(count));
  return store->close();
}

// Every write with an append and fdatasync of a file of its own beside it, as the two vary
// together.
Result<void> write_singles(const Bench& bench, const std::string& path, PhaseOutput& out) {
  const auto files = make_posix_file_system();
  CAIRN_TRY_ASSIGN(auto probe, files->open(path + "-probe", OpenMode::Create));
  CAIRN_TRY_ASSIGN(auto store, Store::open(path, {}));
  const std::vector<std::byte> page(4096, std::byte{0x5a});
  Measure time{"one occurrence, acknowledged durable", "us", {}};
  Measure sync{"append 4 KiB + fdatasync beside it", "us", {}};
  const uint64_t count = std::min<uint64_t>(bench.scale() / 10, 1000);
  for (uint64_t n = 0; n < count; ++n) {
    model::Occurrence occurrence = plain_occurrence(n, "single-s");
    double begin = seconds_now();
    CAIRN_TRY(submit_one(*store, std::move(occurrence)));
    time.values.push_back(microseconds_since(begin));
    begin = seconds_now();
    CAIRN_TRY(probe->write_at(n * page.size(), page));
    CAIRN_TRY(probe->sync());
    sync.values.push_back(microseconds_since(begin));
  }
  out.add(time);
  out.add(sync);
  out.add("one occurrence against the fdatasync beside it", "x", time.median() / sync.median());
  return store->close();
}

Result<void> write_from_many(const Bench& bench, const std::string& path, int run,
                             PhaseOutput& out) {
  CAIRN_TRY_ASSIGN(auto store, Store::open(path, {}));
  const double begin = seconds_now();
  const double end = begin + bench.options().busy_seconds / 3;
  std::atomic<uint64_t> acknowledged{0};
  const auto write = [&](int thread) -> Result<void> {
    // Ids differ between runs and writers.
    uint64_t n = (static_cast<uint64_t>(run) * kWriters + static_cast<uint64_t>(thread)) << 32;
    while (seconds_now() < end) {
      CAIRN_TRY(submit_one(*store, plain_occurrence(n++, "writer-w")));
      acknowledged.fetch_add(1, std::memory_order_relaxed);
    }
    return {};
  };
  CAIRN_TRY(on_threads(kWriters, write));
  out.add(fmt::format("{} writers, one occurrence each at a time", kWriters), "acknowledged/s",
          static_cast<double>(acknowledged.load()) / (seconds_now() - begin));
  return store->close();
}

}  // namespace

Result<void> submit_one(engine::Store& store, model::Occurrence occurrence) {
  std::vector<model::Message> one;
  one.emplace_back(std::move(occurrence));
  CAIRN_TRY(store.submit(std::move(one), {}));
  return {};
}

model::Occurrence plain_occurrence(uint64_t n, std::string_view fingerprint) {
  model::Occurrence o;
  for (size_t i = 0; i < 8; ++i) o.id.bytes[i] = static_cast<uint8_t>(n >> (8 * i));
  o.id.bytes[14] = static_cast<uint8_t>(fingerprint.size());
  o.id.bytes[15] = static_cast<uint8_t>(fingerprint.back());
  o.event_id = o.id;
  o.project = ProjectId{1};
  o.fingerprint = {std::string(fingerprint)};
  o.title = "Benchmark of writing";
  o.subtitle = "plain";
  o.type = 1;
  o.detection_time = 1'790'000'000.0 + static_cast<double>(n % 100'000'000) / 100.0;
  o.event = fmt::format(R"({{"event_id":"{}","tags":{{"shard":"{}"}},"user":{{"id":"{}"}}}})",
                        o.id.hex(), n % 16, n % 5000);
  return o;
}

Result<void> bench_api(Bench& bench) {
  struct Way {
    int threads;
    Terms terms;
  };
  const std::string path = bench.scratch("api");
  for (const Way way : {Way{1, Terms::Prepared}, {2, Terms::Prepared}, {2, Terms::BySubmit}}) {
    for (int run = 0; run < bench.options().runs; ++run) {
      bench.say(fmt::format("submitting batches from {} thread(s), run {} of {}", way.threads,
                            run + 1, bench.options().runs));
      CAIRN_TRY(bench.child([&](PhaseOutput& out) {
        return submit_batches(bench, path, way.threads, way.terms, out);
      }));
    }
  }
  std::filesystem::remove_all(path);
  return {};
}

Result<void> bench_single(Bench& bench) {
  bench.say("writing one occurrence at a time");
  const std::string path = bench.scratch("single");
  CAIRN_TRY(bench.child([&](PhaseOutput& out) { return write_singles(bench, path, out); }));
  std::filesystem::remove_all(path);
  std::filesystem::remove(path + "-probe");
  return {};
}

Result<void> bench_writers(Bench& bench) {
  const std::string path = bench.scratch("writers");
  for (int run = 0; run < bench.options().runs; ++run) {
    bench.say(fmt::format("{} writers, run {} of {}", kWriters, run + 1, bench.options().runs));
    CAIRN_TRY(
        bench.child([&](PhaseOutput& out) { return write_from_many(bench, path, run, out); }));
  }
  std::filesystem::remove_all(path);
  return {};
}

}  // namespace cairn::client
