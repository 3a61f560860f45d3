#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "alert/evaluation.h"
#include "storage/coding.h"
#include "support/query_world.h"
#include "support/soak.h"

namespace cairn::testing {
namespace {

using alert::BoundRule;
using alert::Evaluation;
using alert::EvaluationOptions;
using alert::KeyUpdate;
using alert::MetricCondition;
using alert::Rule;
using alert::SavedBeside;
using alert::Side;
using storage::RowReader;
using storage::RowWriter;

constexpr int64_t kMinute = 60 * kMicrosPerSecond;
TimeUs minute(int64_t n) { return TimeUs{n * kMinute}; }

std::string saved(const Evaluation& evaluation) {
  RowWriter out;
  evaluation.save(out);
  return out.bytes();
}

Result<void> load(Evaluation& into, std::string_view bytes, const SavedBeside& beside) {
  RowReader in(storage::as_byte_span(bytes));
  auto loaded = into.load(in, beside);
  if (loaded) REQUIRE(in.done());
  return loaded;
}

std::optional<ErrorCode> refusal(Evaluation into, std::string_view bytes,
                                 const SavedBeside& beside) {
  const std::string before = saved(into);
  const auto loaded = load(into, bytes, beside);
  if (loaded) return std::nullopt;
  REQUIRE(saved(into) == before);  // it can be filled anew
  return loaded.error().code;
}

Rule rule_of(const std::string& aggregate, const std::string& group_by = "",
             const std::string& filter = "", const std::string& percent_of = "") {
  Rule rule;
  rule.name = "A";
  rule.query = filter;
  MetricCondition metric;
  metric.aggregate = aggregate;
  metric.time_window_min = 5;
  metric.group_by = group_by;
  metric.percent_of = percent_of;
  metric.critical = 5;
  rule.condition = metric;
  return rule;
}

// Issues that fingerprints lead to, the same in all rounds.
class Store {
 public:
  Store() {
    for (uint8_t i = 0; i < 12; ++i) {
      model::Occurrence occurrence;
      occurrence.id.bytes[0] = i;
      occurrence.project = ProjectId{uint64_t{i} % 3 + 1};
      occurrence.fingerprint = {"f" + std::to_string(i)};
      occurrence.title = "Error";
      occurrence.event = "{}";
      world_.add(occurrence);
      fingerprints_.push_back(world_.stored().back().fingerprint);
    }
  }
  BoundRule bind(const Rule& rule) {
    return must(alert::bind_rule(rule, world_.state(), TimeUs{}));
  }
  FingerprintId fingerprint(uint64_t n) const { return fingerprints_[n % fingerprints_.size()]; }
  size_t fingerprint_count() { return world_.roots().size(); }
  std::vector<KeyUpdate> at(Evaluation& evaluation, const BoundRule& bound, TimeUs tick,
                            std::span<const std::string> open = {}) {
    const auto counted = alert::split(bound.filter.expr).group;
    std::vector<query::Expr> whole;
    if (bound.percent_of) whole = alert::split(bound.percent_of->expr).group;
    return evaluation.at(tick, {world_.state(), world_.roots(), counted, whole}, open);
  }

 private:
  QueryWorld world_;
  std::vector<FingerprintId> fingerprints_;
};

Rule random_rule(std::mt19937_64& random) {
  const auto pick = [&](const auto& all) { return all[random() % std::size(all)]; };
  static constexpr const char* kAggregates[] = {
      "count()",          "uniq(tags[who])",  "uniq(issue)",
      "uniq(project)",    "rate(1h)",         "sum(tags[shard])",
      "avg(tags[shard])", "p50(tags[shard])", "percentile(tags[shard], 0.9)"};
  static constexpr const char* kKeys[] = {"", "", "tags[who]", "tags[shard]", "issue", "project"};
  static constexpr const char* kFilters[] = {"", "is:unresolved"};
  static constexpr const char* kWholes[] = {"", "", "", "level:error"};
  static constexpr uint32_t kWindows[] = {1, 5, 60, 90};
  Rule rule = rule_of(pick(kAggregates), pick(kKeys), pick(kFilters), pick(kWholes));
  MetricCondition metric = *rule.metric();
  metric.time_window_min = pick(kWindows);
  if (random() % 4 == 0) metric.comparison_delta_min = 30 + random() % 3 * 60;
  rule.condition = metric;
  return rule;
}

// One rule and two that count for it, of which one is saved and loaded now and then.
class Twins {
 public:
  Twins(Store& store, std::mt19937_64& random)
      : store_(store),
        random_(random),
        rule(random_rule(random)),
        bound(store.bind(rule)),
        resolution_(alert::resolution_of(*rule.metric())),
        options(random_options()),
        steady(bound, options),
        moved(bound, options) {}

  void add() {
    const int64_t ahead_us = static_cast<int64_t>(below(40) == 0 ? 2 * alert::kMaxAheadUs : 0);
    const int64_t late_us =
        static_cast<int64_t>(below(4) == 0 ? below(200 * kMinute) : below(kMinute));
    now_us_ += static_cast<int64_t>(below(kMinute));
    model::Occurrence occurrence;
    occurrence.project = ProjectId{1 + below(3)};
    occurrence.detection_time =
        static_cast<double>(now_us_ + ahead_us - late_us) / double{kMicrosPerSecond};
    const std::string who = std::string(below(20), 'x') + std::to_string(below(30));
    const std::string shard = below(9) == 0 ? "none" : std::to_string(below(1000)) + ".5";
    std::vector<model::Term> terms = {{FieldId{0}, "who", who}, {FieldId{0}, "shard", shard}};
    terms.resize(below(3));
    const auto side = bound.percent_of && below(2) == 0 ? Side::Whole : Side::Counted;
    const FingerprintId fingerprint = store_.fingerprint(random_());
    for (Evaluation* one : {&steady, &moved}) {
      one->add(side, occurrence, terms, fingerprint, TimeUs{now_us_});
    }
  }

  // The values of both at a tick that may be asked for.
  std::vector<KeyUpdate> ask() {
    const TimeUs tick = next_tick();
    const std::vector<std::string> open = {"x1", "1/1"};
    auto updates = store_.at(steady, bound, tick, open);
    REQUIRE(store_.at(moved, bound, tick, open) == updates);
    const bool missing = steady.keys_missing(tick);
    REQUIRE(moved.keys_missing(tick) == missing);
    keys_missing += missing ? 1 : 0;
    return updates;
  }
  void advance() {
    last_ = next_tick();
    steady.advance(*last_);
    moved.advance(*last_);
  }
  void save_and_load() {
    const std::string bytes = saved(moved);
    REQUIRE(bytes == saved(steady));
    Evaluation fresh(bound, options);
    must(load(fresh, bytes, beside()));
    REQUIRE(saved(fresh) == bytes);
    moved = std::move(fresh);
  }
  // The newest, which advance() has not passed.
  TimeUs next_tick() const {
    const int64_t resolution_us = resolution_ * kMinute;
    const int64_t newest = now_us_ - ((now_us_ % resolution_us) + resolution_us) % resolution_us;
    return TimeUs{last_ ? std::max(newest, raw(*last_) + resolution_us) : newest};
  }
  SavedBeside beside() { return {store_.fingerprint_count(), next_tick()}; }
  Evaluation fresh() const { return Evaluation(bound, options); }
  int64_t resolution() const { return resolution_; }

 private:
  uint64_t below(uint64_t n) { return random_() % n; }
  EvaluationOptions random_options() {
    static constexpr int64_t kBegins[] = {-100, 29'000'000};
    static constexpr uint32_t kRooms[] = {2000, 10'000, 128u << 20};
    now_us_ = kBegins[below(2)] * kMinute;
    EvaluationOptions made;
    if (below(2) == 0) made.first_tick = next_tick();
    made.max_bytes = kRooms[below(3)];
    made.seed = random_();
    return made;
  }

  Store& store_;
  std::mt19937_64& random_;
  int64_t now_us_ = 0;
  std::optional<TimeUs> last_;

 public:
  Rule rule;
  BoundRule bound;

 private:
  int64_t resolution_;

 public:
  EvaluationOptions options;
  Evaluation steady;
  Evaluation moved;
  size_t keys_missing = 0;
};

}  // namespace

// CAIRN_SEED=N begins with that rule, CAIRN_SOAK=N asks N times as many.
TEST_CASE("evaluations that were saved and loaded go on as if nothing had happened") {
  const uint64_t first = first_seed();
  Store store;
  Evaluation::Figures all;
  size_t values = 0;
  size_t incomplete = 0;
  size_t keys_missing = 0;
  for (int round = 0; round < soak_rounds(300); ++round) {
    const uint64_t seed = first + static_cast<uint64_t>(round);
    INFO("CAIRN_SEED=" << seed);
    std::mt19937_64 random(seed);
    Twins twins(store, random);
    INFO(alert::to_json(twins.rule));
    for (int step = 0; step < 300; ++step) {
      twins.add();
      if (random() % 16 == 0) twins.save_and_load();
      if (random() % 16 != 0) continue;
      for (const KeyUpdate& one : twins.ask()) {
        values += one.update.value.has_value() ? 1 : 0;
        incomplete += one.update.incomplete ? 1 : 0;
      }
      if (random() % 2 == 0) twins.advance();
    }
    const auto& figures = twins.moved.figures();
    const auto& steady = twins.steady.figures();
    REQUIRE(figures.counted == steady.counted);
    REQUIRE(figures.late == steady.late);
    REQUIRE(figures.early == steady.early);
    REQUIRE(figures.not_kept == steady.not_kept);
    REQUIRE(figures.refused == steady.refused);
    all.late += figures.late;
    all.early += figures.early;
    all.not_kept += figures.not_kept;
    all.refused += figures.refused;
    keys_missing += twins.keys_missing;
  }
  CHECK(values > 1000);
  CHECK(incomplete > 100);
  CHECK(keys_missing > 10);
  CHECK(all.late > 100);
  CHECK(all.early > 100);
  CHECK(all.not_kept > 100);
  CHECK(all.refused > 100);
}

namespace {

// Whatever was loaded can be asked, counted on, and gives its room back.
void use(Store& store, Twins& twins, Evaluation& loaded) {
  const TimeUs tick = twins.next_tick();
  store.at(loaded, twins.bound, tick);
  loaded.keys_missing(tick);
  model::Occurrence occurrence;
  occurrence.detection_time = static_cast<double>(raw(tick)) / double{kMicrosPerSecond};
  const std::vector<model::Term> terms = {{FieldId{0}, "who", "ann"}, {FieldId{0}, "shard", "1"}};
  loaded.add(Side::Counted, occurrence, terms, store.fingerprint(0), tick);
  loaded.advance(tick);
  REQUIRE(loaded.memory_bytes() <= twins.options.max_bytes + 2048);
  store.at(loaded, twins.bound, TimeUs{raw(tick) + twins.resolution() * kMinute});
}

}  // namespace

TEST_CASE("damaged rows of evaluations are refused, or are some state") {
  const uint64_t first = first_seed();
  Store store;
  size_t refused = 0;
  size_t taken = 0;
  for (int round = 0; round < soak_rounds(60); ++round) {
    const uint64_t seed = first + static_cast<uint64_t>(round);
    INFO("CAIRN_SEED=" << seed);
    std::mt19937_64 random(seed);
    Twins twins(store, random);
    for (uint64_t steps = 1 + random() % 60; steps > 0; --steps) {
      twins.add();
      if (random() % 16 == 0) twins.advance();
    }
    const std::string bytes = saved(twins.steady);
    for (size_t size = 0; size < bytes.size(); ++size) {
      REQUIRE(refusal(twins.fresh(), bytes.substr(0, size), twins.beside()) ==
              ErrorCode::Corruption);
    }
    for (int i = 0; i < 200; ++i) {
      std::string damaged = bytes;
      for (uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
        // Behind the version and the rule.
        damaged[9 + random() % (bytes.size() - 9)] ^= static_cast<char>(1u << random() % 8);
      }
      Evaluation loaded = twins.fresh();
      RowReader in(storage::as_byte_span(damaged));
      if (!loaded.load(in, twins.beside())) {
        ++refused;
        continue;
      }
      ++taken;
      REQUIRE(saved(loaded) == damaged.substr(0, damaged.size() - in.remaining()));
      use(store, twins, loaded);
    }
  }
  CHECK(refused > 1000);
  CHECK(taken > 1000);
}

namespace {

// A rule that counted one occurrence in each of some minutes.
struct Counted {
  explicit Counted(Store& store, const Rule& rule, EvaluationOptions options = {},
                   const std::vector<int64_t>& minutes = {1, 2, 4})
      : bound(store.bind(rule)), evaluation(bound, options) {
    for (const int64_t at : minutes) {
      model::Occurrence occurrence;
      occurrence.project = ProjectId{2};
      occurrence.detection_time = static_cast<double>(at * 60);
      const std::vector<model::Term> terms = {{FieldId{0}, "who", "ann"}};
      evaluation.add(Side::Counted, occurrence, terms, store.fingerprint(3), minute(at));
    }
  }
  BoundRule bound;
  Evaluation evaluation;
};

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    for (const int shift : {4, 0})
      text += "0123456789abcdef"[static_cast<uint8_t>(byte) >> shift & 15];
  }
  return text;
}

}  // namespace

TEST_CASE("a window of twenty buckets takes less than a hundred bytes") {
  Store store;
  std::vector<int64_t> minutes;
  for (int64_t i = 0; i < 20 * 300; ++i) minutes.push_back(29'000'000 + i / 300 * 3);
  Rule rule = rule_of("count()");
  MetricCondition metric = *rule.metric();
  metric.time_window_min = 60;
  rule.condition = metric;
  Counted hour(store, rule, {minute(29'000'000), 128u << 20, 7}, minutes);
  hour.evaluation.advance(minute(29'000'058));
  CHECK(hour.evaluation.figures().counted == 6000);
  CHECK(saved(hour.evaluation).size() < 100);
}

// docs/format.md explains these bytes. What changes them is another version.
TEST_CASE("rows of evaluations are these bytes") {
  Store store;
  Counted plain(store, rule_of("count()"), {minute(3), 128u << 20, 7});
  plain.evaluation.advance(minute(5));
  CHECK(hex(saved(plain.evaluation)) == "014d8d784e35fd3659020000030000000000010c020101010201");
  Counted keyed(store, rule_of("uniq(tags[who])", "tags[who]", "is:unresolved"), {{}, 1u << 20, 7});
  CHECK(hex(saved(keyed.evaluation)) ==
        "018f870f460ea25b4c00030000000103616e6e00000101040c0201dcb9cdee8d89e4e9ad010"
        "10101dcb9cdee8d89e4e9ad01010201dcb9cdee8d89e4e9ad0101");
}

TEST_CASE("rows of another version, rule or seed are not usable") {
  Store store;
  const EvaluationOptions options{{}, 128u << 20, 7};
  const Rule rule = rule_of("count()");
  const SavedBeside beside{store.fingerprint_count()};
  const std::string bytes = saved(Counted(store, rule, options).evaluation);
  const auto made = [&](const Rule& of, const EvaluationOptions& with) {
    return Evaluation(store.bind(of), with);
  };
  CHECK(refusal(made(rule, options), bytes, beside) == std::nullopt);
  EvaluationOptions other = options;
  other.seed = 8;
  CHECK(refusal(made(rule, other), bytes, beside) == ErrorCode::Unsupported);
  std::string newer = bytes;
  ++newer[0];
  CHECK(refusal(made(rule, options), newer, beside) == ErrorCode::Unsupported);
  Rule wider = rule;
  MetricCondition metric = *rule.metric();
  metric.time_window_min = 10;
  wider.condition = metric;
  Rule compares = rule;
  metric.time_window_min = 5;
  metric.comparison_delta_min = 30;
  compares.condition = metric;
  for (const Rule& of : {wider, compares, rule_of("uniq(issue)"), rule_of("count()", "project"),
                         rule_of("count()", "tags[who]"), rule_of("count()", "", "is:unresolved"),
                         rule_of("count()", "", "", "level:error")}) {
    CHECK(refusal(made(of, options), bytes, beside) == ErrorCode::Unsupported);
  }
  // By field alone.
  const std::string by_who =
      saved(Counted(store, rule_of("count()", "tags[who]"), options).evaluation);
  CHECK(refusal(made(rule_of("count()", "tags[whom]"), options), by_who, beside) ==
        ErrorCode::Unsupported);
}

TEST_CASE("rows that do not fit what is known beside them are damaged") {
  Store store;
  const Rule rule = rule_of("count()", "issue");
  Counted one(store, rule);
  one.evaluation.advance(minute(5));
  const std::string bytes = saved(one.evaluation);
  const auto fresh = [&](uint32_t max_bytes = 128u << 20) {
    return Evaluation(one.bound, {{}, max_bytes, 0});
  };
  const size_t known = raw(store.fingerprint(3)) + size_t{1};
  CHECK(refusal(fresh(), bytes, {known, minute(6)}) == std::nullopt);
  CHECK(refusal(fresh(), bytes, {known - 1, minute(6)}) == ErrorCode::Corruption);
  CHECK(refusal(fresh(), bytes, {known, minute(5)}) == ErrorCode::Corruption);
  // Three buckets of 32, a window with its key.
  CHECK(refusal(fresh(300), bytes, {known, minute(6)}) == std::nullopt);
  CHECK(refusal(fresh(200), bytes, {known, minute(6)}) == ErrorCode::Corruption);

  Counted begun(store, rule_of("count()"), {minute(5), 128u << 20, 0});
  const std::string unasked = saved(begun.evaluation);
  CHECK(refusal(Evaluation(begun.bound), unasked, {0, minute(5)}) == std::nullopt);
  CHECK(refusal(Evaluation(begun.bound), unasked, {0, minute(4)}) == ErrorCode::Corruption);
}

TEST_CASE("rows say ticks that can have been done") {
  Store store;
  const BoundRule bound = store.bind(rule_of("count()"));
  constexpr int64_t kFloor = 10;  // where a window of five begins at minute 15
  const auto refused = [&](uint8_t moved, std::optional<int64_t> floor,
                           std::optional<int64_t> done) {
    RowWriter out;
    out.append(std::string_view(saved(Evaluation(bound))).substr(0, 9)).integer(moved);
    if (floor) out.zigzag(*floor);
    if (done) out.zigzag(*done);
    for (int zeros = 0; zeros < 4 + 3; ++zeros) out.varint(0);  // figures, and nothing counted
    return refusal(Evaluation(bound), out.bytes(), {}) == ErrorCode::Corruption;
  };
  CHECK_FALSE(refused(0, {}, {}));
  CHECK_FALSE(refused(1, kFloor, {}));
  CHECK_FALSE(refused(2, kFloor, 0));
  CHECK_FALSE(refused(2, kFloor, kMinute - 1));
  CHECK_FALSE(refused(2, kFloor, -kMinute));  // the first tick was later
  CHECK(refused(2, kFloor, kMinute));         // a window moved on begins at 11
  CHECK(refused(3, kFloor, 0));
  CHECK(refused(1, std::numeric_limits<int64_t>::max(), {}));
  CHECK(refused(1, std::numeric_limits<int64_t>::min(), {}));
  // No tick at all is what 1 says.
  CHECK(refused(2, kFloor, std::numeric_limits<int64_t>::max() - raw(minute(15)) + 1));
}

TEST_CASE("each name of a row is that of a window") {
  Store store;
  const BoundRule bound = store.bind(rule_of("count()", "tags[who]"));
  const auto row = [&](std::vector<std::string> names, std::vector<uint64_t> labels) {
    RowWriter out;
    out.append(std::string_view(saved(Evaluation(bound))).substr(0, 9));
    out.integer(uint8_t{0}).varint(1).varint(0).varint(0).varint(0);  // no floor; figures
    out.varint(names.size());
    for (const std::string& name : names) out.varint(name.size()).append(name);
    out.varint(0).varint(0).varint(labels.size());  // refused; the absent key
    for (const uint64_t label : labels) out.varint(label).varint(1 << 2).zigzag(1).varint(1);
    return out.bytes();
  };
  const auto refused = [&](const std::string& bytes) {
    return refusal(Evaluation(bound), bytes, {}) == ErrorCode::Corruption;
  };
  CHECK_FALSE(refused(row({}, {})));
  CHECK_FALSE(refused(row({}, {0})));
  CHECK_FALSE(refused(row({"ann"}, {1})));
  CHECK_FALSE(refused(row({"ann"}, {0, 1})));
  CHECK(refused(row({"ann"}, {})));
  CHECK(refused(row({"ann"}, {0})));
  CHECK(refused(row({"ann"}, {2})));
  CHECK(refused(row({"ann", "ann"}, {1, 1})));
  // One of the two ways to order them.
  CHECK(refused(row({"ann", "bob"}, {1, 1})) != refused(row({"bob", "ann"}, {1, 1})));
}

TEST_CASE("what follows a row of an evaluation is left to whoever reads it") {
  Store store;
  Counted one(store, rule_of("count()"));
  RowWriter out;
  one.evaluation.save(out);
  out.text("next");
  Evaluation loaded(one.bound);
  RowReader in(storage::as_byte_span(out.bytes()));
  must(loaded.load(in, {}));
  CHECK(in.text() == "next");
  CHECK(in.done());
}

}  // namespace cairn::testing
