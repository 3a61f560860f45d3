// What a run of the benchmark says: each measure beside its target and the machine's limit.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/json_writer.h"
#include "client/bench.h"
#include "verbs/table.h"

namespace cairn::client {
namespace {

constexpr uint64_t kTargetScale = 10'000'000;
constexpr uint64_t kHugeScale = 100'000'000;

enum class Bound : uint8_t { AtLeast, AtMost };

struct Target {
  std::string_view measure;
  Bound bound;
  double limit;
  bool grows = false;  // ten times as much is allowed at 100 M
};
constexpr Target kTargets[] = {
    {"import of JSON Lines, durable", Bound::AtLeast, 400'000},
    {"API: batches of 1000, 1 thread", Bound::AtLeast, 700'000},
    {"API: batches of 1000, 2 threads", Bound::AtLeast, 700'000},
    {"one occurrence against the fdatasync beside it", Bound::AtMost, 1.5},
    {"64 writers, one occurrence each at a time", Bound::AtLeast, 40'000},
    {"rebuild from the log (with digests)", Bound::AtLeast, 1'000'000},
    {"Q1 is, level, environment, release in the biggest project", Bound::AtMost, 4, true},
    {"Q1b only is:unresolved there", Bound::AtMost, 15, true},
    {"Q2 url:X !browser:Y, sort freq", Bound::AtMost, 1, true},
    {"Q3a count() uniq(user) every 1h over 24 h", Bound::AtMost, 2, true},
    {"Q3b the last 5 minutes", Bound::AtMost, 0.1, true},
    {"Q4 issue:LARGEST | top 50 release", Bound::AtMost, 3},
    {"parse, bind, plan: a typical query", Bound::AtMost, 20},
    {"parse, bind, plan: 100 terms", Bound::AtMost, 500},
    {"free text: one word", Bound::AtMost, 50},
    {"free text: a word and a condition", Bound::AtMost, 50},
    {"wildcard: title:\"*WORD*\"", Bound::AtMost, 50},
    {"wildcard: url:*/cart/* user:*7", Bound::AtMost, 50},
    {"count() by two fields over 1 M matches", Bound::AtMost, 60},
    {"count() by release, url over 1 M matches", Bound::AtMost, 60},
    {"14-day trend of 25 issues, added to their page", Bound::AtMost, 2},
    {"hostile: 10,000 terms", Bound::AtMost, 50},
    {"hostile: as many terms as are taken", Bound::AtMost, 50},
    {"hostile: a list of 20,000 values", Bound::AtMost, 50},
    {"hostile: nested 1,000 deep", Bound::AtMost, 50},
    {"hostile: lists that never end", Bound::AtMost, 50},
    {"hostile: quotes and backslashes", Bound::AtMost, 50},
    {"the two largest: a merge takes longer than a log append by", Bound::AtMost, 100},
    {"merge: the larger groups against the smaller", Bound::AtMost, 1.1},
    {"Q1 after the merges against before", Bound::AtMost, 1.1},
    {"Q1b after the merges against before", Bound::AtMost, 1.1},
    {"Q2 after the merges against before", Bound::AtMost, 1.1},
    {"Q3a after the merges against before", Bound::AtMost, 1.1},
    {"Q3b after the merges against before", Bound::AtMost, 1.1},
    {"Q4 after the merges against before", Bound::AtMost, 1.1},
    {"merge beside 1,000 experiments against none", Bound::AtMost, 1.1},
    {"a rule by fingerprint level over all groups", Bound::AtMost, 1000, true},
    {"Q1 in an experiment against the base", Bound::AtMost, 1.2},
    {"Q1b in an experiment against the base", Bound::AtMost, 1.2},
    {"Q2 in an experiment against the base", Bound::AtMost, 1.2},
    {"Q3a in an experiment against the base", Bound::AtMost, 1.2},
    {"Q3b in an experiment against the base", Bound::AtMost, 1.2},
    {"Q4 in an experiment against the base", Bound::AtMost, 1.2},
    {"open as of 1 M records ago and Q1 against now", Bound::AtMost, 5},
    {"Q1 as of 1 M records ago against now, both open", Bound::AtMost, 5},
    {"alerts: batches of 1000 beside all rules", Bound::AtLeast, 100'000},
    {"alerts: a tick over all rules, processor time", Bound::AtMost, 150},
    {"alerts: memory of filters and windows without buckets", Bound::AtMost, 1024},
    {"alerts: open with all rules ready", Bound::AtMost, 2},
    {"index", Bound::AtMost, 45},
    {"log", Bound::AtMost, 80},
    {"import: peak memory without page cache", Bound::AtMost, 1024},
    {"queries: peak memory without page cache", Bound::AtMost, 256},
    {"open after a clean stop", Bound::AtMost, 50},
    {"open after kill -9 mid-import", Bound::AtMost, 1000},
    {"import: rate of the last tenth against the first", Bound::AtLeast, 0.8},
    {"while importing: Q1 against idle", Bound::AtMost, 2},
    {"while importing: acknowledgement p99.9", Bound::AtMost, 50},
};

// What of the machine a measure is compared with; the quotient says how near it comes.
struct Limit {
  std::string_view measure;  // the beginning of a name
  std::string_view machine;
};
constexpr std::string_view kSync = "machine: append 4 KiB + fdatasync";
constexpr std::string_view kWrite = "machine: sequential write";
constexpr Limit kLimits[] = {
    {"one occurrence, acknowledged durable", kSync},
    {"one log append (an assignment)", kSync},
    {"merge of ", kSync},
    {"unmerge of ", kSync},
    {"import of JSON Lines, durable", kWrite},
};

struct Judged {
  double limit = 0;
  Bound bound = Bound::AtMost;
  double ratio = 0;  // median against the limit
  bool reached = false;
};

std::optional<Judged> judge(const BenchReport& report, const Measure& measure) {
  for (const Target& target : kTargets) {
    if (measure.name != target.measure) continue;
    const bool tenfold = target.grows && report.scale >= kHugeScale;
    Judged judged{tenfold ? 10 * target.limit : target.limit, target.bound, 0, false};
    judged.ratio = measure.median() / judged.limit;
    judged.reached = target.bound == Bound::AtLeast ? judged.ratio >= 1 : judged.ratio <= 1;
    return judged;
  }
  return std::nullopt;
}

double median_of(const BenchReport& report, std::string_view name) {
  for (const Measure& measure : report.measures) {
    if (measure.name == name) return measure.median();
  }
  return 0;
}

// Times the machine's own time, or share of its rate.
std::optional<double> against_machine(const BenchReport& report, const Measure& measure) {
  for (const Limit& limit : kLimits) {
    if (!std::string_view(measure.name).starts_with(limit.measure)) continue;
    const double machine = median_of(report, limit.machine);
    if (machine <= 0 || measure.unit == "x") return std::nullopt;
    if (limit.machine == kSync) return measure.median() / machine;
    const double bytes = median_of(report, "generated line");
    if (bytes <= 0) return std::nullopt;
    return measure.median() * bytes / 1e6 / machine;
  }
  return std::nullopt;
}

std::string shown(double value) {
  if (value >= 1000 || value <= -1000) return fmt::format("{:.0f}", value);
  if (value >= 10 || value <= -10) return fmt::format("{:.1f}", value);
  return fmt::format("{:.3f}", value);
}

std::string row(std::string_view measure, std::string_view min, std::string_view median,
                std::string_view max, std::string_view unit, std::string_view machine,
                std::string_view target, std::string_view ratio, std::string_view reached) {
  std::string text = fmt::format("{:<64} {:>11} {:>11} {:>11}  {:<16} {:>10} {:>14} {:>8}  {}",
                                 measure, min, median, max, unit, machine, target, ratio, reached);
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

}  // namespace

std::string bench_json(const BenchOptions& options, const BenchReport& report) {
  JsonWriter json;
  json.begin_object();
  json.key("scale").unsigned_integer(report.scale);
  json.key("seed").unsigned_integer(options.seed);
  json.key("targets_apply").boolean(report.scale == kTargetScale);
  json.key("measures").begin_array();
  for (const Measure& measure : report.measures) {
    json.begin_object();
    json.key("name").string(measure.name);
    json.key("unit").string(measure.unit);
    json.key("runs").unsigned_integer(measure.values.size());
    json.key("min").number(measure.min());
    json.key("median").number(measure.median());
    json.key("max").number(measure.max());
    if (const auto machine = against_machine(report, measure)) {
      json.key("to_machine").number(*machine);
    }
    if (const auto judged = judge(report, measure)) {
      json.key("target").number(judged->limit);
      json.key("target_is").string(judged->bound == Bound::AtLeast ? "at_least" : "at_most");
      json.key("to_target").number(judged->ratio);
      json.key("reached").boolean(judged->reached);
    }
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

std::string bench_table(const BenchReport& report) {
  std::string out = row("measure", "min", "median", "max", "unit", "to machine", "target",
                        "of target", "reached");
  int reached = 0;
  int missed = 0;
  for (const Measure& measure : report.measures) {
    const auto judged = judge(report, measure);
    const auto machine = against_machine(report, measure);
    std::string target;
    if (judged) {
      const char* sign = judged->bound == Bound::AtLeast ? ">=" : "<=";
      target = fmt::format("{} {}", sign, shown(judged->limit));
      ++(judged->reached ? reached : missed);
    }
    out += row(measure.name, shown(measure.min()), shown(measure.median()), shown(measure.max()),
               measure.unit, machine ? fmt::format("{:.2f}x", *machine) : "", target,
               judged ? fmt::format("{:.2f}", judged->ratio) : "",
               judged ? (judged->reached ? "yes" : "NO") : "");
  }
  out += fmt::format("{} of {} targets reached", reached, reached + missed);
  if (report.scale == kHugeScale) {
    out += " (those of 10 M occurrences, ten times the time for Q1, Q2 and Q3)";
  } else if (report.scale != kTargetScale) {
    out += " (they are for 10 M occurrences; here for orientation only)";
  }
  return out + "\n";
}

}  // namespace cairn::client
