// What alerts cost an occurrence and a tick. The first argument is how many filters or rules there
// are; filters are of projects with twenty each, as services have them.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "alert/evaluation.h"
#include "alert/incident.h"
#include "alert/predicate_index.h"
#include "alert/rule_state.h"
#include "alert/shared_queries.h"
#include "alert/window.h"
#include "load.h"
#include "model/field.h"
#include "query/binder.h"
#include "query/parser.h"
#include "storage/coding.h"

namespace cairn::bench {
namespace {

namespace field = model::field;
using alert::FilterId;
using alert::PredicateIndex;

constexpr size_t kAsked = 4096;  // different occurrences
constexpr size_t kFiltersOfProject = 20;

// Occurrences with their terms, which an import has found already.
struct Asked {
  std::vector<model::Occurrence> occurrences;
  std::vector<std::unique_ptr<model::TermExtractor>> extractors;
  std::vector<std::span<const model::Term>> terms;
};

// Their projects are for who measures to set.
Asked& asked() {
  static Asked* const made = [] {
    auto* const all = new Asked;
    const auto& records = load().records;
    for (size_t i = 0; i < kAsked; ++i) {
      const auto& record = records[i * (records.size() / kAsked)];
      all->occurrences.push_back(std::get<model::Occurrence>(record.body));
    }
    for (const model::Occurrence& occurrence : all->occurrences) {
      all->extractors.push_back(std::make_unique<model::TermExtractor>());
      all->terms.push_back(all->extractors.back()->extract(occurrence));
    }
    return all;
  }();
  return *made;
}

std::string value_of(std::span<const model::Term> terms, FieldId id) {
  for (const model::Term& term : terms) {
    if (term.id == id) return std::string(term.value);
  }
  return "none";
}

// As people write rules: some level or environment, one more thing, a few with patterns and
// negations. Values are those of some occurrence, so that every filter can match.
std::string random_filter(std::mt19937_64& random) {
  const auto terms = asked().terms[random() % kAsked];
  const std::string level = value_of(terms, field::kLevel);
  const std::string environment = value_of(terms, field::kEnvironment);
  const auto quoted = [&](FieldId id) { return "\"" + value_of(terms, id) + "\""; };
  switch (random() % 8) {
    case 0:
      return "level:[error, fatal]";
    case 1:
      return fmt::format("level:{} environment:{}", level, environment);
    case 2:
      return fmt::format("environment:{} !level:info", environment);
    case 3:
      return fmt::format("level:{} transaction:{}", level, quoted(field::kTransaction));
    case 4:
      return fmt::format("release:{} environment:{}", quoted(field::kRelease), environment);
    case 5:
      return fmt::format("error.type:{}", quoted(field::kErrorType));
    case 6:
      return fmt::format("environment:{} timeout", environment);
    default:
      return fmt::format("level:{} (has:user OR release:{})", level, quoted(field::kRelease));
  }
}

struct Indexed {
  PredicateIndex index;
  size_t projects = 0;
};

// `local`: of projects with twenty filters each. Otherwise of all projects, each with a value of
// its own, as a few in a large store are.
const std::unique_ptr<Indexed>& indexed(size_t filters, bool local) {
  static std::map<std::pair<size_t, bool>, std::unique_ptr<Indexed>> made;
  auto& one = made[{filters, local}];
  if (one) return one;
  made.clear();  // a million take their room
  auto& fresh = made[{filters, local}];
  fresh = std::make_unique<Indexed>();
  fresh->projects = std::max<size_t>(1, filters / kFiltersOfProject);
  std::mt19937_64 random(filters);
  const model::State& state = folded().state;
  for (size_t i = 0; i < filters; ++i) {
    const std::string text =
        local ? random_filter(random) : fmt::format("level:error transaction:/tenant/{}", i);
    const query::Query parsed = must(query::parse(text));
    const query::Expr expr = must(query::bind_filter(parsed, state, TimeUs{}));
    const ProjectId project{1 + random() % fresh->projects};
    fresh->index.add(FilterId{static_cast<uint32_t>(i)}, expr,
                     local ? std::span(&project, 1) : std::span<const ProjectId>());
  }
  return fresh;
}

void match(benchmark::State& state, bool local) {
  const auto& from = indexed(static_cast<size_t>(state.range(0)), local);
  const model::State& groups = folded().state;
  std::mt19937_64 random(1);
  uint64_t matched = 0;
  const auto before = from->index.figures();
  size_t i = 0;
  for (auto _ : state) {
    model::Occurrence& one = asked().occurrences[i];
    one.project = ProjectId{1 + random() % from->projects};
    from->index.for_each_match({one, asked().terms[i], groups, GroupId{1}},
                               [&](FilterId) { ++matched; });
    i = (i + 1) % kAsked;
  }
  benchmark::DoNotOptimize(matched);
  state.SetItemsProcessed(state.iterations());
  const auto& after = from->index.figures();
  const double count = static_cast<double>(after.occurrences - before.occurrences);
  state.counters["asked"] = static_cast<double>(after.asked - before.asked) / count;
  state.counters["matched"] = static_cast<double>(after.matched - before.matched) / count;
  state.counters["bytes"] =
      static_cast<double>(from->index.memory_bytes()) / static_cast<double>(state.range(0));
}

// Filters of the occurrence's project are asked, whatever others there are. Items: occurrences.
void alert_match_projects(benchmark::State& state) { match(state, true); }
BENCHMARK(alert_match_projects)->Arg(1000)->Arg(10'000)->Arg(100'000)->Arg(1'000'000);

// Filters of no project, which none of the occurrences matches. Items: occurrences.
void alert_match_nothing(benchmark::State& state) { match(state, false); }
BENCHMARK(alert_match_nothing)->Arg(1000)->Arg(10'000)->Arg(100'000)->Arg(1'000'000);

query::BoundCall call_of(query::BoundCall::Function function) {
  query::BoundCall call;
  call.function = function;
  return call;
}

// Into windows of an hour, events in order. Items: occurrences.
void alert_window_add(benchmark::State& state, query::BoundCall::Function function) {
  alert::MetricCondition metric;
  metric.time_window_min = 60;
  alert::Window window(alert::shape_of(metric), function);
  int64_t at = 0;
  for (auto _ : state) {
    at += kMicrosPerSecond / 100;
    const TimeUs time{at};
    const uint64_t user = static_cast<uint64_t>(at) % 5003;
    window.add(time, time, {std::span(&user, 1), {}});
    if (at % (60 * kMicrosPerSecond) == 0) window.advance(time);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(alert_window_add, count, query::BoundCall::Function::Count);
BENCHMARK_CAPTURE(alert_window_add, uniq, query::BoundCall::Function::Uniq);

// One tick over as many rules as the argument says, each with a window of an hour that has
// something in all of its buckets. Items: rules.
void alert_tick(benchmark::State& state) {
  const auto rules = static_cast<size_t>(state.range(0));
  alert::MetricCondition metric;
  metric.time_window_min = 60;
  metric.critical = 100;
  metric.warning = 50;
  const alert::WindowShape shape = alert::shape_of(metric);
  const query::BoundCall count = call_of(query::BoundCall::Function::Count);
  std::vector<alert::Window> windows(rules, alert::Window(shape, count.function));
  std::vector<alert::KeyState> states(rules);
  for (alert::Window& window : windows) {
    for (uint32_t i = 0; i < shape.buckets; ++i) {
      const TimeUs time{int64_t{i} * shape.bucket_us};
      window.add(time, time, {});
    }
  }
  int64_t tick = shape.buckets;
  for (auto _ : state) {
    const TimeUs at{tick * shape.bucket_us};
    for (size_t i = 0; i < rules; ++i) {
      const auto value = windows[i].value(count, at);
      states[i] = alert::step(metric, std::move(states[i]), {at, value.number, {}}).state;
      windows[i].add(at, at, {});
      windows[i].advance(at);
    }
    ++tick;
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(alert_tick)->Arg(288'420)->Unit(benchmark::kMillisecond);

// The same with everything around it, as an engine does it: keys, states, what is forgotten.
// Items: rules.
void alert_evaluate(benchmark::State& state) {
  const auto rules = static_cast<size_t>(state.range(0));
  alert::Rule rule;
  rule.name = "A";
  alert::MetricCondition metric;
  metric.time_window_min = 60;
  metric.critical = 100;
  metric.warning = 50;
  rule.condition = metric;
  const model::State& groups = folded().state;
  const auto bound = must(alert::bind_rule(rule, groups, TimeUs{}));
  const alert::WindowShape shape = alert::shape_of(metric);
  std::vector<alert::Evaluation> evaluations;
  evaluations.reserve(rules);
  std::vector<alert::RuleState> states(rules);
  model::Occurrence occurrence;
  const auto add = [&](alert::Evaluation& evaluation, TimeUs time) {
    occurrence.detection_time = static_cast<double>(raw(time)) / kMicrosPerSecond;
    evaluation.add(alert::Side::Counted, occurrence, {}, FingerprintId{1}, time);
  };
  for (size_t i = 0; i < rules; ++i) {
    evaluations.emplace_back(bound);
    for (uint32_t bucket = 0; bucket < shape.buckets; ++bucket) {
      add(evaluations.back(), TimeUs{int64_t{bucket} * shape.bucket_us});
    }
  }
  const alert::Issues issues{groups, folded().roots};
  int64_t tick = shape.buckets;
  for (auto _ : state) {
    const TimeUs at{tick * shape.bucket_us};
    for (size_t i = 0; i < rules; ++i) {
      const auto updates = evaluations[i].at(at, issues, alert::known_keys(states[i]));
      benchmark::DoNotOptimize(alert::apply_tick(metric, states[i], at, updates));
      evaluations[i].advance(at);
    }
    state.PauseTiming();
    for (alert::Evaluation& evaluation : evaluations) add(evaluation, at);
    state.ResumeTiming();
    ++tick;
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(alert_evaluate)->Arg(288'420)->Unit(benchmark::kMillisecond);

// An evaluation of an hour that has something in all of its twenty buckets, as most have: to bytes,
// and back. The counter is how many bytes.
struct Counting {
  Counting() {
    alert::Rule rule;
    rule.name = "A";
    alert::MetricCondition metric;
    metric.time_window_min = 60;
    rule.condition = metric;
    bound = must(alert::bind_rule(rule, folded().state, TimeUs{}));
    options.first_tick = TimeUs{begin};
    options.seed = 7;
    const alert::WindowShape shape = alert::shape_of(metric);
    alert::Evaluation evaluation(bound, options);
    model::Occurrence occurrence;
    for (uint32_t i = 0; i < shape.buckets * 300; ++i) {
      const TimeUs time{begin + int64_t{i} / 300 * shape.bucket_us};
      occurrence.detection_time = static_cast<double>(raw(time)) / kMicrosPerSecond;
      evaluation.add(alert::Side::Counted, occurrence, {}, FingerprintId{1}, time);
    }
    evaluation.advance(TimeUs{begin + shape.buckets * shape.bucket_us});
    saved = std::make_unique<alert::Evaluation>(std::move(evaluation));
  }
  static constexpr int64_t begin = 29'000'000 * 60 * kMicrosPerSecond;
  alert::BoundRule bound;
  alert::EvaluationOptions options;
  std::unique_ptr<alert::Evaluation> saved;
};

void alert_save(benchmark::State& state) {
  const Counting counting;
  storage::RowWriter out;
  for (auto _ : state) {
    out.clear();
    counting.saved->save(out);
    benchmark::DoNotOptimize(out.bytes().data());
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["bytes"] = static_cast<double>(out.bytes().size());
}
BENCHMARK(alert_save);

// With the making of an empty one, which alert_make has alone.
void alert_load(benchmark::State& state) {
  const Counting counting;
  storage::RowWriter out;
  counting.saved->save(out);
  for (auto _ : state) {
    alert::Evaluation evaluation(counting.bound, counting.options);
    storage::RowReader in(storage::as_byte_span(out.bytes()));
    must(evaluation.load(in, {}));
    benchmark::DoNotOptimize(&evaluation);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(alert_load);

void alert_make(benchmark::State& state) {
  const Counting counting;
  for (auto _ : state) {
    alert::Evaluation evaluation(counting.bound, counting.options);
    benchmark::DoNotOptimize(&evaluation);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(alert_make);

// From text to evaluation, each of them another. Items: rules.
void alert_subscribe(benchmark::State& state) {
  const model::State& groups = folded().state;
  std::mt19937_64 random(1);
  alert::SharedQueries queries;
  uint32_t id = 0;
  for (auto _ : state) {
    alert::Rule rule;
    rule.name = "A";
    rule.query = random_filter(random);
    rule.projects = {ProjectId{1 + random() % 5000}};
    alert::MetricCondition metric;
    metric.time_window_min = 60;
    rule.condition = metric;
    const auto bound = must(alert::bind_rule(rule, groups, TimeUs{}));
    benchmark::DoNotOptimize(queries.subscribe(alert::RuleId{id++}, rule, bound));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(alert_subscribe)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace cairn::bench
