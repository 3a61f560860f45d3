// The phase about alert rules: as many as the field's seed figures say, over a stream of
// occurrences that comes in as fast as it can.
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <set>

#include "alert/alert_command.h"
#include "base/clock.h"
#include "client/bench_phase.h"
#include "engine/store.h"
#include "model/field.h"

namespace cairn::client {
namespace {

using engine::Store;

// Rules and the different ones among them: figures of the field (subscriptions and queries).
constexpr uint32_t kRules = 288'420;
constexpr uint32_t kDifferent = 74'910;
constexpr uint32_t kProjectsOfOne = 190;  // a project of the load becomes so many
constexpr size_t kBatch = 1000;
constexpr uint64_t kMostOccurrences = 1'000'000;
// The stream's own pace: occurrences are so far apart, in microseconds.
constexpr int64_t kApartUs = 10;
constexpr int kTicks = 12;  // every resolution of the rules comes up

uint64_t project_of(const model::Occurrence& occurrence) {
  return raw(occurrence.project) * kProjectsOfOne +
         hash64(occurrence.fingerprint.front()) % kProjectsOfOne;
}

// The load with times of a busy hour, over many projects.
struct Stream {
  std::vector<engine::PreparedMessages> batches;
  // Different questions, each about something that occurs: kDifferent where there are so many.
  struct Question {
    uint64_t project = 0;
    std::string filter;
    uint32_t window_min = 0;
    bool users = false;
  };
  std::vector<Question> questions;
  std::set<std::string> known;
  TimeUs begin{};
  uint64_t occurrences = 0;

  TimeUs time_of(uint64_t n) const {
    return TimeUs{raw(begin) + static_cast<int64_t>(n) * kApartUs};
  }
};

std::string value_of(const engine::PreparedMessages& batch, size_t index, FieldId field) {
  for (const model::BatchTerm& term : batch.terms.terms(index)) {
    if (!term.is_tag() && term.field() == field) return std::string(term.value());
  }
  return "none";
}

// A filter as people write them, which the occurrence matches. `n` chooses its form.
std::string filter_of(const engine::PreparedMessages& batch, size_t index, uint64_t n) {
  namespace field = model::field;
  const auto quoted = [&](FieldId id) { return "\"" + value_of(batch, index, id) + "\""; };
  const std::string level = value_of(batch, index, field::kLevel);
  switch (n % 6) {
    case 0:
      return "level:" + level;
    case 1:
      return fmt::format("level:{} environment:{}", level, quoted(field::kEnvironment));
    case 2:
      return fmt::format("environment:{} !level:info", quoted(field::kEnvironment));
    case 3:
      return fmt::format("level:{} url:{}", level, quoted(field::kUrl));
    case 4:
      return fmt::format("release:{} environment:{}", quoted(field::kRelease),
                         quoted(field::kEnvironment));
    default:
      return fmt::format("level:{} (has:user OR release:{})", level, quoted(field::kRelease));
  }
}

void add_question(Stream& stream, const engine::PreparedMessages& batch, size_t index) {
  static constexpr std::array<uint32_t, 5> kWindows = {5, 10, 15, 30, 60};
  const uint64_t n = stream.occurrences;
  Stream::Question question;
  question.project = raw(std::get<model::Occurrence>(batch.messages[index]).project);
  question.filter = filter_of(batch, index, n);
  question.window_min = kWindows[n / 6 % kWindows.size()];
  question.users = n % 10 == 0;
  const bool fresh = stream.known
                         .insert(fmt::format("{} {} {} {}", question.project, question.filter,
                                             question.window_min, question.users))
                         .second;
  if (fresh) stream.questions.push_back(std::move(question));
}

Result<Stream> make_stream(const Bench& bench) {
  Stream stream;
  stream.begin = bench.now();
  model::MessageParser parser;
  const auto take = [&](std::string_view block) -> Result<void> {
    while (!block.empty()) {
      const size_t end = block.find('\n');
      if (stream.batches.empty() || stream.batches.back().messages.size() == kBatch) {
        stream.batches.emplace_back();
      }
      engine::PreparedMessages& batch = stream.batches.back();
      CAIRN_TRY_ASSIGN(auto message, parser.parse(block.substr(0, end), &batch.terms));
      block.remove_prefix(end + 1);
      auto& occurrence = std::get<model::Occurrence>(message);
      occurrence.project = ProjectId{project_of(occurrence)};
      occurrence.detection_time =
          static_cast<double>(raw(stream.time_of(stream.occurrences++))) / kMicrosPerSecond;
      batch.messages.push_back(std::move(message));
      const size_t index = batch.messages.size() - 1;
      if (stream.questions.size() < kDifferent) add_question(stream, batch, index);
    }
    return {};
  };
  const uint64_t count = std::min(bench.scale(), kMostOccurrences);
  CAIRN_TRY(generate(bench.load(count, bench.options().seed), take));
  return stream;
}

// Questions come again and again, under other names and thresholds.
alert::Rule rule_of(const Stream& stream, uint32_t n) {
  const Stream::Question& question = stream.questions[n % stream.questions.size()];
  alert::MetricCondition metric;
  metric.aggregate = question.users ? "uniq(user)" : "count()";
  metric.time_window_min = question.window_min;
  metric.critical = n % 97 == 0 ? 20 : 1e6;  // a few have something to say
  metric.warning = metric.critical / 2;
  alert::Rule rule;
  rule.name = fmt::format("rule {}", n);
  rule.query = question.filter;
  rule.projects = {ProjectId{question.project}};
  rule.condition = metric;
  return rule;
}

Result<void> add_rules(Store& store, const Stream& stream, PhaseOutput& out) {
  const double begin = seconds_now();
  std::vector<alert::AlertCommand> commands;
  for (uint32_t n = 0; n < kRules; ++n) {
    commands.emplace_back(alert::AddRule{rule_of(stream, n)});
    if (commands.size() < kBatch && n + 1 < kRules) continue;
    CAIRN_TRY_ASSIGN(const auto done, store.execute(commands, {}));
    for (const engine::ItemResult& item : done.items) {
      if (item.error) return *item.error;
    }
    commands.clear();
  }
  out.add("alerts: rules added", "rules/s", kRules / (seconds_now() - begin));
  const double filling = seconds_now();
  CAIRN_TRY(store.fill_alerts());
  out.add("alerts: windows of all filled", "s", seconds_now() - filling);
  return {};
}

Result<void> submit_all(Store& store, Stream& stream, ManualClock& clock, const std::string& name,
                        PhaseOutput& out) {
  const double processor = processor_seconds();
  const double begin = seconds_now();
  uint64_t n = 0;
  for (engine::PreparedMessages& batch : stream.batches) {
    n += batch.messages.size();
    clock.set(stream.time_of(n));
    CAIRN_TRY(store.submit(std::move(batch), {}));
  }
  const auto count = static_cast<double>(n);
  out.add(name, "occurrences/s", count / (seconds_now() - begin));
  out.add(name + ": processor time", "us/occurrence",
          (processor_seconds() - processor) * 1e6 / count);
  return {};
}

Result<void> tick_all(Store& store, const Stream& stream, ManualClock& clock, PhaseOutput& out) {
  Measure time{"alerts: a tick over all rules, processor time", "ms", {}};
  constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;
  int64_t minute = raw(stream.time_of(stream.occurrences)) / kMinuteUs;
  for (int i = 0; i < kTicks; ++i) {
    clock.set(TimeUs{++minute * kMinuteUs});
    const double before = processor_seconds();
    CAIRN_TRY(store.tick());
    time.values.push_back((processor_seconds() - before) * 1e3);
  }
  out.add(time);
  return {};
}

Result<void> open_again(const std::string& path, const engine::StoreOptions& options,
                        PhaseOutput& out) {
  const double begin = seconds_now();
  CAIRN_TRY_ASSIGN(auto store, Store::open(path, options));
  const double opened = seconds_now();
  while (store->alert_figures(false).unfilled > 0) CAIRN_TRY(store->fill_alerts());
  out.add("alerts: open with all rules ready", "s", seconds_now() - begin);
  out.add("alerts: of it filling what was not saved", "s", seconds_now() - opened);
  return store->close();
}

Result<void> run_with_rules(const Bench& bench, const std::string& path, bool rules,
                            PhaseOutput& out) {
  CAIRN_TRY_ASSIGN(Stream stream, make_stream(bench));
  ManualClock clock(stream.begin);
  engine::StoreOptions options;
  options.clock = &clock;
  options.alert_delay_us = 0;
  CAIRN_TRY_ASSIGN(auto store, Store::open(path, options));
  if (rules) CAIRN_TRY(add_rules(*store, stream, out));
  CAIRN_TRY(submit_all(
      *store, stream, clock,
      rules ? "alerts: batches of 1000 beside all rules" : "alerts: batches of 1000 without a rule",
      out));
  if (!rules) return store->close();
  const engine::AlertFigures figures = store->alert_figures();
  const auto occurrences = static_cast<double>(stream.occurrences);
  const auto evaluations = static_cast<double>(figures.evaluations);
  out.add("alerts: filters asked for an occurrence", "filters",
          static_cast<double>(figures.asked) / occurrences);
  out.add("alerts: filters it matches", "filters",
          static_cast<double>(figures.matched) / occurrences);
  out.add("alerts: rules for one evaluation", "rules",
          static_cast<double>(figures.subscriptions) / evaluations);
  out.add("alerts: memory of filters and windows without buckets", "bytes/evaluation",
          static_cast<double>(figures.memory_bytes - figures.bucket_bytes) / evaluations);
  out.add("alerts: memory of buckets", "bytes/evaluation",
          static_cast<double>(figures.bucket_bytes) / evaluations);
  CAIRN_TRY(tick_all(*store, stream, clock, out));
  CAIRN_TRY(store->close());
  store.reset();
  return open_again(path, options, out);
}

}  // namespace

Result<void> bench_alerts(Bench& bench) {
  const std::string path = bench.scratch("alerts");
  for (const bool rules : {false, true}) {
    bench.say(rules
                  ? fmt::format("the same beside {} alert rules, {} different", kRules, kDifferent)
                  : "a stream of occurrences without alert rules");
    std::filesystem::remove_all(path);
    CAIRN_TRY(
        bench.child([&](PhaseOutput& out) { return run_with_rules(bench, path, rules, out); }));
  }
  std::filesystem::remove_all(path);
  return {};
}

}  // namespace cairn::client
