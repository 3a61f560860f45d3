// What queries are made of, over one sealed segment. Items are what the name says.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "load.h"
#include "model/field.h"
#include "query/binder.h"
#include "query/parser.h"
#include "query/plan.h"
#include "query/search.h"
#include "query/substring.h"
#include "storage/bitmap.h"

namespace cairn::bench {
namespace {

namespace field = model::field;

storage::Bitmap errors() {
  return sealed().part().posting(field::kLevel, sealed().value(field::kLevel, "error"));
}
storage::Bitmap production() {
  return sealed().part().posting(field::kEnvironment,
                                 sealed().value(field::kEnvironment, "production"));
}
void count(benchmark::State& state, uint64_t items) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(items));
}

// After a merge the first snapshot makes the array of what shows what. Items: fingerprints.
void roots_by_fingerprint(benchmark::State& state) {
  const model::State& from = folded().state;
  for (auto _ : state) benchmark::DoNotOptimize(from.roots_by_fingerprint());
  count(state, from.fingerprint_count());
}
BENCHMARK(roots_by_fingerprint)->Unit(benchmark::kMicrosecond);

// Finding a posting in the map and viewing it in place.
void posting_open(benchmark::State& state) {
  const ValueId error = sealed().value(field::kLevel, "error");
  for (auto _ : state) {
    benchmark::DoNotOptimize(sealed().part().posting(field::kLevel, error));
  }
}
BENCHMARK(posting_open);

// Items: occurrences the two span, dense ones of the segment.
void posting_and(benchmark::State& state) {
  const storage::Bitmap left = errors();
  const storage::Bitmap right = production();
  for (auto _ : state) {
    storage::Bitmap both = left.clone();
    both.and_with(right);
    benchmark::DoNotOptimize(both);
  }
  count(state, kOccurrences);
}
BENCHMARK(posting_and)->Unit(benchmark::kMicrosecond);

void posting_and_cardinality(benchmark::State& state) {
  const storage::Bitmap left = errors();
  const storage::Bitmap right = production();
  for (auto _ : state) benchmark::DoNotOptimize(left.and_cardinality(right));
  count(state, kOccurrences);
}
BENCHMARK(posting_and_cardinality)->Unit(benchmark::kMicrosecond);

// Count and times of the matches of every fingerprint. Items: matches.
void group_roll_up(benchmark::State& state) {
  storage::Bitmap matches = errors();
  matches.and_with(production());
  for (auto _ : state) {
    uint64_t total = 0;
    sealed().part().roll_up(
        &matches, [&](const storage::FingerprintRollup& rollup) { total += rollup.count; });
    benchmark::DoNotOptimize(total);
  }
  count(state, matches.cardinality());
}
BENCHMARK(group_roll_up)->Unit(benchmark::kMicrosecond);

// Users of matches, out of the column. Items: matches.
void gather_users(benchmark::State& state) {
  storage::Bitmap matches = errors();
  matches.and_with(production());
  std::vector<ValueId> users(storage::Bitmap::kBlock);
  for (auto _ : state) {
    matches.for_each_block([&](std::span<const Ordinal> block) {
      sealed().part().gather_users(block, users.data());
      benchmark::DoNotOptimize(users.data());
    });
  }
  count(state, matches.cardinality());
}
BENCHMARK(gather_users)->Unit(benchmark::kMicrosecond);

void in_time(benchmark::State& state) {
  const storage::Part& part = sealed().part();
  const TimeUs end = part.max_time();
  const TimeUs begin{raw(end) - (raw(end) - raw(part.min_time())) / 30};
  for (auto _ : state) benchmark::DoNotOptimize(part.in_time(begin, end));
  count(state, kOccurrences);
}
BENCHMARK(in_time)->Unit(benchmark::kMicrosecond);

void query_parse(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        must(query::parse("is:unresolved level:error environment:production release:shop@1.2.3")));
  }
}
BENCHMARK(query_parse)->Unit(benchmark::kMicrosecond);

// Everything before the first posting is looked at.
void query_prepare(benchmark::State& state, const std::string& text) {
  const query::View& view = sealed().view();
  const TimeUs now = sealed().part().max_time();
  for (auto _ : state) {
    const query::Query parsed = must(query::parse(text));
    query::Expr bound = must(query::bind_filter(parsed, view.forest(), now));
    benchmark::DoNotOptimize(must(query::make_plan(view, std::move(bound))));
  }
}
std::string terms(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += fmt::format("browser:Chrome{} ", i);
  return text;
}
BENCHMARK_CAPTURE(query_prepare, typical,
                  "is:unresolved level:error environment:production release:shop@1.2.3")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(query_prepare, hundred_terms, terms(100))->Unit(benchmark::kMicrosecond);

// Understanding what was written to be slow. Items: bytes.
void query_hostile(benchmark::State& state, const char* unit) {
  std::string text;
  while (text.size() + 16 < query::kMaxQueryBytes) text += unit;
  for (auto _ : state) benchmark::DoNotOptimize(query::parse(text));
  count(state, text.size());
}
BENCHMARK_CAPTURE(query_hostile, terms, "a:1 ")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(query_hostile, words, "a ")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(query_hostile, lists, "k:[a, ")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(query_hostile, calls_of_lists, "f():[a, ")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(query_hostile, regexes, "k://a ")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(query_hostile, quotes, "\"a\\\" ")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(query_hostile, parentheses, "a(b ")->Unit(benchmark::kMillisecond);

// A text that is nowhere, in as much text as a row of the dictionary has. Items: bytes.
void substring_find(benchmark::State& state, bool fold_case) {
  std::string text;
  while (text.size() < 1u << 20) text += "Connection to shop-db timed out after 30 s; ";
  const query::Substring needle("Checkout", fold_case);
  for (auto _ : state) benchmark::DoNotOptimize(needle.find(text));
  count(state, text.size());
}
BENCHMARK_CAPTURE(substring_find, as_written, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(substring_find, any_case, true)->Unit(benchmark::kMicrosecond);

// Whole searches and tables, from the text on.
void answer(benchmark::State& state, const char* text) {
  query::SearchOptions options;
  options.now = sealed().part().max_time();
  for (auto _ : state) {
    const query::Query parsed = must(query::parse(text));
    if (query::is_aggregate(parsed)) {
      benchmark::DoNotOptimize(must(query::aggregate(sealed().view(), parsed, options)));
    } else {
      benchmark::DoNotOptimize(must(query::search(sealed().view(), parsed, options)));
    }
  }
  count(state, kOccurrences);
}
BENCHMARK_CAPTURE(answer, filtered, "project:1 is:unresolved level:error environment:production")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(answer, unresolved, "project:1 is:unresolved")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(answer, sort_user, "project:1 is:unresolved | sort user")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(answer, sort_trends, "project:1 is:unresolved | sort trends")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(answer, sort_recommended, "project:1 is:unresolved | sort recommended")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(answer, sort_trends_of_errors, "level:error | sort trends")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(answer, uniq_users, "level:error | count() uniq(user) every 1h")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(answer, free_text, "timeout level:error")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(answer, two_fields, "| count() by browser, os")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(answer, top_releases, "project:1 | top 50 release")
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace cairn::bench
