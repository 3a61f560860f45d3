// Phases that ask: the questions an issue store exists for, before and after many merges.
#include <fmt/format.h>

#include "client/bench_phase.h"
#include "client/generate_random.h"
#include "engine/store.h"
#include "query/parser.h"

namespace cairn::client {
namespace {

using engine::Store;

constexpr int64_t kDayUs = 24 * 3600 * kMicrosPerSecond;
constexpr uint64_t kManyMerges = 10'000;

// The first column of row `row` of a table, or of the last row before it.
Result<std::string> key_of(const Store& store, const std::string& text, size_t row, TimeUs now) {
  CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
  query::SearchOptions options;
  options.now = now;
  CAIRN_TRY_ASSIGN(const query::Table table, snapshot->aggregate(text, options));
  if (table.rows.empty()) {
    return make_error(ErrorCode::InvalidArgument,
                      "the store to measure has no answer to '" + text +
                          "': measure one that this benchmark has imported");
  }
  const auto& cell = table.rows[std::min(row, table.rows.size() - 1)].front().value;
  if (const auto* word = std::get_if<std::string>(&cell)) return *word;
  if (const auto* number = std::get_if<int64_t>(&cell)) return std::to_string(*number);
  return make_error(ErrorCode::Internal, "no key in the first column of '" + text + "'");
}

Result<std::vector<Measure>> time_all(const Store& store, const std::vector<BenchQuery>& queries,
                                      int runs) {
  std::vector<Measure> times;
  for (const BenchQuery& query : queries) {
    CAIRN_TRY_ASSIGN(Measure time, time_query(store, query, runs));
    times.push_back(std::move(time));
  }
  return times;
}

struct Root {
  GroupId id{};
  ProjectId project{};
  bool hidden = false;
};

Result<std::vector<Root>> visible_issues(const Store& store) {
  CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
  const model::State& state = snapshot->state();
  std::vector<Root> roots;
  for (uint32_t id = 1; id <= state.group_count(); ++id) {
    const model::Group& group = state.group(GroupId{id});
    if (group.parent == GroupId{}) roots.push_back({group.id, group.project, false});
  }
  return roots;
}

// Merges random visible issues of one project until `wanted` are hidden. `spared` stays whole: the
// size of what a question is about must not change. Pairs the rules refuse are passed over.
// Returns how to take it all back, in the order of merging.
Result<std::vector<model::UnmergeCommand>> merge_randomly(Store& store, uint64_t wanted,
                                                          GroupId spared) {
  CAIRN_TRY_ASSIGN(std::vector<Root> roots, visible_issues(store));
  std::vector<model::UnmergeCommand> back;
  Random random(1);
  const auto count = static_cast<uint32_t>(roots.size());
  for (uint64_t tries = 0; back.size() < wanted && tries < 100 * wanted; ++tries) {
    const Root& primary = roots[random.below(count)];
    Root& child = roots[random.below(count)];
    const bool fits = primary.id != child.id && primary.id != spared && child.id != spared &&
                      !primary.hidden && !child.hidden && primary.project == child.project;
    if (!fits) continue;
    const auto merged = store.execute(model::MergeCommand{primary.id, {child.id}}, {});
    if (merged) {
      child.hidden = true;
      back.push_back({primary.id, {child.id}});
    } else if (merged.error().code != ErrorCode::Conflict) {
      return merged.error();
    }
  }
  return back;
}

struct Round {
  size_t merges = 0;
  std::vector<double> ratios;  // for each question
};

// Merges, asks, and takes everything back: how much longer each answer took than before the merges
// and after they were taken back. A machine that others use is now faster, now slower.
Result<Round> merge_and_ask(Store& store, const std::vector<BenchQuery>& queries, int runs,
                            uint64_t wanted, GroupId spared) {
  CAIRN_TRY_ASSIGN(const auto before, time_all(store, queries, runs));
  CAIRN_TRY_ASSIGN(auto back, merge_randomly(store, wanted, spared));
  CAIRN_TRY_ASSIGN(const auto merged, time_all(store, queries, runs));
  // The last merge first: by then its view is visible again.
  for (auto unmerge = back.rbegin(); unmerge != back.rend(); ++unmerge) {
    CAIRN_TRY(store.execute(*unmerge, {}));
  }
  CAIRN_TRY_ASSIGN(const auto again, time_all(store, queries, runs));
  Round round{back.size(), {}};
  for (size_t i = 0; i < queries.size(); ++i) {
    round.ratios.push_back(2 * merged[i].median() / (before[i].median() + again[i].median()));
  }
  return round;
}

Result<void> ask_after_merges(const Bench& bench, PhaseOutput& out) {
  CAIRN_TRY_ASSIGN(auto store, open_settled(bench));
  CAIRN_TRY_ASSIGN(const BenchKeys keys, find_keys(*store, bench.now()));
  const auto queries = questions(keys, bench.now());
  CAIRN_TRY_ASSIGN(const engine::Stats stats, store->stats());
  CAIRN_TRY_ASSIGN(const auto digests_before, store->digests());
  GroupId spared{};
  {
    CAIRN_TRY_ASSIGN(auto snapshot, store->snapshot());
    CAIRN_TRY_ASSIGN(spared, snapshot->state().find_issue(keys.issue));
  }
  const uint64_t wanted = std::min<uint64_t>(kManyMerges, stats.issues / 3);
  std::vector<Measure> ratios;
  for (const BenchQuery& query : queries) {
    const std::string name = query.name.substr(0, query.name.find(' '));
    ratios.push_back({name + " after the merges against before", "x", {}});
  }
  size_t merges = 0;
  for (int run = 0; run < bench.options().runs; ++run) {
    CAIRN_TRY_ASSIGN(const Round round,
                     merge_and_ask(*store, queries, bench.options().query_runs, wanted, spared));
    merges = round.merges;
    for (size_t i = 0; i < ratios.size(); ++i) ratios[i].values.push_back(round.ratios[i]);
  }
  out.add("random merges", "", static_cast<double>(merges));
  for (const Measure& ratio : ratios) out.add(ratio);
  CAIRN_TRY_ASSIGN(const auto digests_after, store->digests());
  if (digests_after.state != digests_before.state) {
    return make_error(ErrorCode::Corruption, "unmerging did not give back the state before");
  }
  return store->close();
}

}  // namespace

Result<BenchKeys> find_keys(const Store& store, TimeUs now) {
  BenchKeys keys;
  CAIRN_TRY_ASSIGN(keys.project, key_of(store, "| top 1 project", 0, now));
  CAIRN_TRY_ASSIGN(keys.release,
                   key_of(store, fmt::format("project:{} | top 3 release", keys.project), 2, now));
  CAIRN_TRY_ASSIGN(keys.url, key_of(store, "| top 10 url", 9, now));
  CAIRN_TRY_ASSIGN(keys.browser, key_of(store, "| top 2 browser", 1, now));
  CAIRN_TRY_ASSIGN(keys.issue, key_of(store, "| top 1 issue", 0, now));
  return keys;
}

std::vector<BenchQuery> questions(const BenchKeys& keys, TimeUs now) {
  query::SearchOptions plain;
  plain.now = now;
  query::SearchOptions page = plain;
  page.sort = query::Sort::Date;
  page.limit = 25;
  page.trend_buckets = 14;
  page.trend_bucket_us = kDayUs;
  query::SearchOptions by_freq = plain;
  by_freq.sort = query::Sort::Freq;
  const auto errors_of = [](std::string_view time) {
    return fmt::format(
        "level:error environment:production timestamp:-{} | count() uniq(user) every 1h", time);
  };
  return {
      {"Q1 is, level, environment, release in the biggest project",
       fmt::format("project:{} is:unresolved level:error environment:production release:\"{}\"",
                   keys.project, keys.release),
       page},
      {"Q1b only is:unresolved there", fmt::format("project:{} is:unresolved", keys.project), page},
      {"Q2 url:X !browser:Y, sort freq",
       fmt::format("url:\"{}\" !browser:\"{}\"", keys.url, keys.browser), by_freq},
      {"Q3a count() uniq(user) every 1h over 24 h", errors_of("24h"), plain},
      {"Q3b the last 5 minutes", errors_of("5m"), plain},
      {"Q4 issue:LARGEST | top 50 release", fmt::format("issue:{} | top 50 release", keys.issue),
       plain},
  };
}

Result<void> answer(const Store& store, const BenchQuery& query) {
  CAIRN_TRY_ASSIGN(const auto snapshot, store.snapshot(query.experiment));
  return answer(*snapshot, query);
}

Result<void> answer(const engine::Snapshot& snapshot, const BenchQuery& query) {
  if (query.text.find('|') != std::string::npos) {
    CAIRN_TRY(snapshot.aggregate(query.text, query.options));
  } else {
    CAIRN_TRY(snapshot.search(query.text, query.options));
  }
  return {};
}

Result<Measure> time_query(const Store& store, const BenchQuery& query, int runs) {
  Measure time{query.name, "ms", {}};
  CAIRN_TRY(answer(store, query));
  for (int run = 0; run < runs; ++run) {
    const double begin = seconds_now();
    CAIRN_TRY(answer(store, query));
    time.values.push_back(milliseconds_since(begin));
  }
  return time;
}

Result<void> bench_queries(Bench& bench) {
  bench.say("querying");
  engine::StoreOptions reading;
  reading.read_only = true;
  // What is asked for is found out elsewhere: it would count as memory of serving.
  CAIRN_TRY_ASSIGN(const PhaseReport found, bench.child([&](PhaseOutput& out) -> Result<void> {
    CAIRN_TRY_ASSIGN(auto store, Store::open(bench.store(), reading));
    CAIRN_TRY_ASSIGN(const BenchKeys keys, find_keys(*store, bench.now()));
    for (const auto& key : {keys.project, keys.release, keys.url, keys.browser, keys.issue}) {
      out.text(key);
    }
    return {};
  }));
  const BenchKeys keys{found.texts.at(0), found.texts.at(1), found.texts.at(2), found.texts.at(3),
                       found.texts.at(4)};
  const auto work = [&](PhaseOutput& out) -> Result<void> {
    reset_peak_memory();
    CAIRN_TRY_ASSIGN(auto store, Store::open(bench.store(), reading));
    const auto queries = questions(keys, bench.now());
    CAIRN_TRY_ASSIGN(const auto times, time_all(*store, queries, bench.options().query_runs));
    for (const Measure& time : times) out.add(time);
    out.add("queries: peak memory (with mapped pages)", "MiB", mib(peak_memory_bytes()));
    return {};
  };
  CAIRN_TRY_ASSIGN(const PhaseReport done, bench.child(work));
  bench.add("queries: peak memory without page cache", "MiB", mib(done.peak_anonymous_bytes));
  return {};
}

Result<void> bench_merged(Bench& bench) {
  bench.say("querying before and after many merges");
  CAIRN_TRY(bench.child([&](PhaseOutput& out) { return ask_after_merges(bench, out); }));
  return {};
}

}  // namespace cairn::client
