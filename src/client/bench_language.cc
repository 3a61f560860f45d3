// Phase language: understanding queries, searching text, tables by two fields, trends, hostile
// queries.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/time_format.h"
#include "client/bench_phase.h"
#include "engine/store.h"
#include "query/binder.h"
#include "query/parser.h"
#include "query/plan.h"

namespace cairn::client {
namespace {

using engine::Store;

constexpr int64_t kDayUs = 24 * 3600 * kMicrosPerSecond;
constexpr uint64_t kTableMatches = 1'000'000;

std::string repeated(std::string_view unit, size_t times) {
  std::string text;
  for (size_t i = 0; i < times; ++i) text += unit;
  return text;
}

// Everything before the first posting is looked at, many times in a row: one takes microseconds.
Result<void> prepare(const engine::Snapshot& snapshot, const std::string& text, TimeUs now) {
  CAIRN_TRY_ASSIGN(const query::Query parsed, query::parse(text));
  CAIRN_TRY_ASSIGN(query::Expr bound, query::bind_filter(parsed, snapshot.forest(), now));
  CAIRN_TRY(query::make_plan(snapshot.view(), std::move(bound)));
  return {};
}

Result<Measure> time_preparing(const Store& store, std::string name, const std::string& text,
                               const Bench& bench) {
  constexpr int kRepeats = 100;
  Measure time{std::move(name), "us", {}};
  CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
  CAIRN_TRY(prepare(*snapshot, text, bench.now()));
  for (int run = 0; run < bench.options().query_runs; ++run) {
    const double begin = seconds_now();
    for (int i = 0; i < kRepeats; ++i) CAIRN_TRY(prepare(*snapshot, text, bench.now()));
    time.values.push_back(microseconds_since(begin) / kRepeats);
  }
  return time;
}

Result<void> understand(const Store& store, const BenchKeys& keys, const Bench& bench,
                        PhaseOutput& out) {
  const std::string typical =
      fmt::format("project:{} is:unresolved level:error environment:production release:\"{}\"",
                  keys.project, keys.release);
  std::string hundred;
  for (int i = 0; i < 100; ++i) {
    hundred += fmt::format("browser:\"Chrome {}\"{}", i, i % 2 == 0 ? " OR " : " ");
  }
  CAIRN_TRY_ASSIGN(const Measure few,
                   time_preparing(store, "parse, bind, plan: a typical query", typical, bench));
  CAIRN_TRY_ASSIGN(const Measure many,
                   time_preparing(store, "parse, bind, plan: 100 terms", hundred, bench));
  out.add(few);
  out.add(many);
  return {};
}

// Queries that are refused or answered, whatever they are.
Result<Measure> time_hostile(const Store& store, std::string name, const std::string& text,
                             const Bench& bench) {
  Measure time{std::move(name), "ms", {}};
  CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
  query::SearchOptions options;
  options.now = bench.now();
  for (int run = 0; run < bench.options().query_runs; ++run) {
    const double begin = seconds_now();
    (void)snapshot->search(text, options);
    time.values.push_back(milliseconds_since(begin));
  }
  return time;
}

Result<void> endure(const Store& store, const Bench& bench, PhaseOutput& out) {
  const size_t half = query::kMaxQueryBytes / 2;
  const std::pair<const char*, std::string> hostile[] = {
      {"hostile: 10,000 terms", repeated("a:1 ", 10'000)},
      {"hostile: as many terms as are taken",
       repeated("os:iOS OR ", query::kMaxQueryTerms - 1) + "a:1"},
      {"hostile: a list of 20,000 values", "os:[" + repeated("a, ", 20'000) + "iOS]"},
      {"hostile: nested 1,000 deep", repeated("(", 1000) + "a:1" + repeated(")", 1000)},
      {"hostile: lists that never end", repeated("k:[a, ", half / 3)},
      {"hostile: quotes and backslashes", repeated("\"a\\\" ", half / 3)},
  };
  for (const auto& [name, text] : hostile) {
    CAIRN_TRY_ASSIGN(const Measure time, time_hostile(store, name, text, bench));
    out.add(time);
  }
  return {};
}

// The longest word of the commonest titles' middle: neither everywhere nor nowhere.
Result<std::string> word_of_titles(const Store& store, TimeUs now) {
  CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
  query::SearchOptions options;
  options.now = now;
  CAIRN_TRY_ASSIGN(const query::Table table, snapshot->aggregate("| top 10 title", options));
  std::string best = "timeout";
  if (table.rows.empty()) return best;
  const auto* title = std::get_if<std::string>(&table.rows.back().front().value);
  if (title == nullptr) return best;
  best.clear();
  std::string word;
  for (const char c : *title + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      word += c;
      continue;
    }
    if (word.size() > best.size()) best = word;
    word.clear();
  }
  return best;
}

// A time after which there are so many occurrences, more or less.
Result<TimeUs> time_with(const Store& store, uint64_t matches, TimeUs now) {
  CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
  query::SearchOptions options;
  options.now = now;
  TimeUs least{raw(now) - 60 * kDayUs};
  TimeUs most = now;
  while (raw(most) - raw(least) > kMicrosPerSecond) {
    const TimeUs middle{raw(least) + (raw(most) - raw(least)) / 2};
    const std::string text = fmt::format("timestamp:>={} | count()", format_time(middle));
    CAIRN_TRY_ASSIGN(const query::Table table, snapshot->aggregate(text, options));
    const auto* count = std::get_if<int64_t>(&table.rows.at(0).at(0).value);
    const bool enough = count != nullptr && static_cast<uint64_t>(*count) >= matches;
    (enough ? least : most) = middle;
  }
  return least;
}

Result<void> search_and_count(const Store& store, const BenchKeys& keys, const Bench& bench,
                              PhaseOutput& out) {
  const TimeUs now = bench.now();
  query::SearchOptions plain;
  plain.now = now;
  CAIRN_TRY_ASSIGN(const std::string word, word_of_titles(store, now));
  CAIRN_TRY_ASSIGN(const TimeUs since, time_with(store, kTableMatches, now));
  const std::string recent = "timestamp:>=" + format_time(since);
  const std::vector<BenchQuery> queries = {
      {"free text: one word", word, plain},
      {"free text: a word and a condition", fmt::format("{} level:error", word), plain},
      {"wildcard: title:\"*WORD*\"", fmt::format("title:\"*{}*\"", word), plain},
      {"wildcard: url:*/cart/* user:*7", "url:*/cart/* user:*7", plain},
      {"count() by two fields over 1 M matches", recent + " | count() by browser, os", plain},
      {"count() by release, url over 1 M matches", recent + " | count() by release, url", plain},
  };
  for (const BenchQuery& query : queries) {
    CAIRN_TRY_ASSIGN(const Measure time, time_query(store, query, bench.options().query_runs));
    out.add(time);
  }
  // What the trend adds to a page, measured beside the page without it.
  BenchQuery page{"page", fmt::format("project:{} is:unresolved", keys.project), plain};
  BenchQuery with_trend = page;
  with_trend.options.trend_buckets = 14;
  with_trend.options.trend_bucket_us = kDayUs;
  Measure trend{"14-day trend of 25 issues, added to their page", "ms", {}};
  for (int run = 0; run < bench.options().query_runs; ++run) {
    CAIRN_TRY_ASSIGN(const Measure without, time_query(store, page, 1));
    CAIRN_TRY_ASSIGN(const Measure with, time_query(store, with_trend, 1));
    trend.values.push_back(std::max(0.0, with.median() - without.median()));
  }
  out.add(trend);
  return {};
}

}  // namespace

Result<void> bench_language(Bench& bench) {
  bench.say("the language: understanding, text, tables");
  const auto work = [&](PhaseOutput& out) -> Result<void> {
    engine::StoreOptions reading;
    reading.read_only = true;
    CAIRN_TRY_ASSIGN(auto store, Store::open(bench.store(), reading));
    CAIRN_TRY_ASSIGN(const BenchKeys keys, find_keys(*store, bench.now()));
    CAIRN_TRY(understand(*store, keys, bench, out));
    CAIRN_TRY(search_and_count(*store, keys, bench, out));
    return endure(*store, bench, out);
  };
  CAIRN_TRY(bench.child(work));
  return {};
}

}  // namespace cairn::client
