// The phase about the past: what a moment behind many records costs beside the present.
#include <algorithm>

#include "client/bench_phase.h"
#include "engine/store.h"
#include "verbs/table.h"

namespace cairn::client {
namespace {

using engine::Store;

constexpr uint64_t kRecordsBack = 1'000'000;

// Opening a store and one answer, as a command does it.
template <class Open>
Result<double> open_and_ask(const BenchQuery& query, Open&& open) {
  const double begin = seconds_now();
  CAIRN_TRY_ASSIGN(const std::unique_ptr<Store> store, open());
  CAIRN_TRY(answer(*store, query));
  return milliseconds_since(begin);
}

Result<void> ask_the_past(const Bench& bench, PhaseOutput& out) {
  engine::StoreOptions reading;
  reading.read_only = true;
  Lsn newest{};
  BenchQuery query;
  {
    CAIRN_TRY_ASSIGN(const auto store, Store::open(bench.store(), reading));
    CAIRN_TRY_ASSIGN(const BenchKeys keys, find_keys(*store, bench.now()));
    query = questions(keys, bench.now()).front();
    CAIRN_TRY_ASSIGN(const auto stats, store->stats(false));
    newest = stats.last_lsn;
  }
  const uint64_t back = std::min(kRecordsBack, raw(newest) / 2);
  const engine::AsOf moment{Lsn{raw(newest) - back}, std::nullopt};
  const auto now = [&] { return Store::open(bench.store(), reading); };
  const auto then = [&] { return Store::open_as_of(bench.store(), moment, reading); };
  // Targets are of a million.
  const std::string ago = back == kRecordsBack ? "1 M" : verbs::format_count(back);
  Measure opening_now{"open and Q1", "ms", {}};
  Measure opening_then{"open as of " + ago + " records ago and Q1", "ms", {}};
  Measure opening_ratio{opening_then.name + " against now", "x", {}};
  Measure asking_ratio{"Q1 as of " + ago + " records ago against now, both open", "x", {}};
  for (int run = 0; run < bench.options().runs; ++run) {
    CAIRN_TRY_ASSIGN(const double present, open_and_ask(query, now));
    CAIRN_TRY_ASSIGN(const double past, open_and_ask(query, then));
    opening_now.values.push_back(present);
    opening_then.values.push_back(past);
    opening_ratio.values.push_back(past / present);
    double medians[2] = {};
    for (const bool is_past : {false, true}) {
      CAIRN_TRY_ASSIGN(const std::unique_ptr<Store> store, is_past ? then() : now());
      CAIRN_TRY_ASSIGN(const Measure times, time_query(*store, query, bench.options().query_runs));
      medians[is_past ? 1 : 0] = times.median();
    }
    asking_ratio.values.push_back(medians[1] / medians[0]);
  }
  for (const Measure* one : {&opening_now, &opening_then, &opening_ratio, &asking_ratio}) {
    out.add(*one);
  }
  return {};
}

}  // namespace

Result<void> bench_past(Bench& bench) {
  bench.say("asking the past");
  CAIRN_TRY(bench.child([&](PhaseOutput& out) { return ask_the_past(bench, out); }));
  return {};
}

}  // namespace cairn::client
