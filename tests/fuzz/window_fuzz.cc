// Saved windows of alerts: damaged ones are refused, or are a state that can be asked, counted on
// and saved again as it was.
#include <string>
#include <string_view>
#include <vector>

#include "alert/evaluation.h"
#include "fuzz/fuzz.h"
#include "model/state.h"
#include "storage/coding.h"

using namespace cairn;

namespace {

constexpr int64_t kMinute = 60 * kMicrosPerSecond;
constexpr uint32_t kMaxBytes = 1u << 20;
constexpr size_t kHeadBytes = 9;  // version and rule
constexpr TimeUs kTick{100 * kMinute};

struct Case {
  alert::BoundRule bound;
  std::string good;  // as it is saved

  alert::Evaluation fresh() const {
    return alert::Evaluation(bound, {TimeUs{90 * kMinute}, kMaxBytes, 5});
  }
};

void add(alert::Evaluation& evaluation, int64_t minute, uint32_t i) {
  const std::string who = "user " + std::to_string(i % 5);
  const std::string shard = std::to_string(i % 7) + ".25";
  const std::vector<model::Term> terms = {{FieldId{0}, "who", who}, {FieldId{0}, "shard", shard}};
  model::Occurrence occurrence;
  occurrence.project = ProjectId{i % 3};
  occurrence.detection_time = static_cast<double>(minute * 60);
  const TimeUs now{minute * kMinute};
  evaluation.add(alert::Side::Counted, occurrence, terms, FingerprintId{0}, now);
}

// Each way to count, to tell keys apart, and to have two sides.
std::vector<Case> make_cases() {
  struct Asks {
    const char* aggregate;
    const char* group_by;
    const char* query;
    const char* percent_of;
  };
  static constexpr Asks kAll[] = {
      {"count()", "", "", ""},
      {"count()", "tags[who]", "", ""},
      {"uniq(tags[who])", "issue", "", ""},
      {"sum(tags[shard])", "project", "", ""},
      {"p90(tags[shard])", "tags[who]", "is:unresolved", ""},
      {"count()", "tags[who]", "level:error", "level:[error, info]"},
  };
  std::vector<Case> cases;
  const model::State state;
  for (const Asks& asks : kAll) {
    alert::Rule rule;
    rule.name = "A";
    rule.query = asks.query;
    alert::MetricCondition metric;
    metric.aggregate = asks.aggregate;
    metric.group_by = asks.group_by;
    metric.percent_of = asks.percent_of;
    metric.time_window_min = 20;
    rule.condition = metric;
    auto bound = alert::bind_rule(rule, state, TimeUs{});
    testing::promise(bound.ok(), "these rules can be bound");
    cases.push_back({std::move(*bound), {}});
    alert::Evaluation evaluation = cases.back().fresh();
    for (uint32_t i = 0; i < 40; ++i) add(evaluation, 60 + i, i);
    evaluation.advance(TimeUs{95 * kMinute});
    storage::RowWriter out;
    evaluation.save(out);
    cases.back().good = out.bytes();
  }
  return cases;
}

void use(alert::Evaluation& evaluation) {
  const model::State state;
  const std::vector<GroupId> roots = {GroupId{0}};  // no issue shows it
  const alert::Issues issues{state, roots};
  const std::vector<std::string> open = {"user 1"};
  evaluation.at(kTick, issues, open);
  evaluation.keys_missing(kTick);
  add(evaluation, 100, 1);
  evaluation.advance(kTick);
  testing::promise(evaluation.memory_bytes() <= kMaxBytes + 2048, "no more room than it may have");
  evaluation.at(TimeUs{raw(kTick) + 60 * kMinute}, issues, open);
}

}  // namespace

// The first byte chooses the rule, the second what comes: bytes behind a good head, or damage to
// good ones.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Case> cases = make_cases();
  if (size < 2) return 0;
  const Case& one = cases[data[0] % cases.size()];
  std::vector<std::byte> bytes;
  if (data[1] % 2 == 0) {
    const auto head = storage::as_byte_span(one.good).first(kHeadBytes);
    const auto rest = storage::as_byte_span(testing::fuzz_text(data + 2, size - 2));
    bytes.assign(head.begin(), head.end());
    bytes.insert(bytes.end(), rest.begin(), rest.end());
  } else {
    const auto good = storage::as_byte_span(one.good);
    bytes.assign(good.begin(), good.end());
    testing::damage(std::span(bytes).subspan(kHeadBytes), data + 2, size - 2);
  }
  bytes.shrink_to_fit();  // so that the sanitizer sees every byte read outside
  alert::Evaluation evaluation = one.fresh();
  storage::RowReader in(bytes);
  if (!evaluation.load(in, {1, kTick})) return 0;
  storage::RowWriter again;
  evaluation.save(again);
  const auto read = std::span(bytes).first(bytes.size() - in.remaining());
  testing::promise(again.bytes() == as_chars(read), "saved again it is the same bytes");
  use(evaluation);
  return 0;
}
