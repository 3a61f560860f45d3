// Alert rules by brute force, beside a store: follows the store's log, asks at each tick every
// rule's query over its window as of the moment before the tick, holds the values against
// thresholds without counters, and says what should have been logged and told.
//
// A difference is thrown, not asserted: whoever shrinks a failing run goes on after it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "alert/rule.h"
#include "base/result.h"
#include "engine/store.h"
#include "model/state.h"
#include "support/naive_incidents.h"

namespace cairn::testing {

struct Different : std::runtime_error {
  using std::runtime_error::runtime_error;
};
inline void must_hold(bool holds, const std::string& else_what) {
  if (!holds) throw Different(else_what);
}
template <class T>
T got(Result<T> result) {
  must_hold(result.ok(), result.ok() ? "" : result.error().message);
  return std::move(result).value();
}
inline void got(const Result<void>& result) {
  must_hold(result.ok(), result.ok() ? "" : result.error().message);
}

class AlertDouble {
 public:
  explicit AlertDouble(int64_t delay_us) : delay_us_(delay_us) {}

  Lsn lsn() const { return lsn_; }
  const model::State& state() const { return state_; }
  size_t ticks() const { return ticks_; }
  size_t values() const { return values_; }
  const std::vector<std::string>& told() const { return told_; }

  // What the log has beyond what was followed. `all`: record times followed the input.
  void follow(const engine::Store& store, bool all);

  // Every tick up to the newest one before `time` has been.
  void check_ticks(TimeUs time, bool all);

  // What the store has to say is what was found here, each once.
  void check_told(const engine::Snapshot& now) const;

 private:
  static constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;
  using Value = model::AlertsTicked::Value;
  using Updates = std::map<std::string, alert::Update>;

  struct Open {
    uint32_t number = 0;
    uint32_t steps = 0;
    std::string rule_name;
  };
  struct RuleDouble {
    alert::Rule rule;
    std::optional<alert::MetricCondition> metric;  // of those that hold a number
    alert::RuleStatus status{};
    TimeUs changed{};  // when its windows were asked for
    TimeUs active{};   // when it began to be evaluated
    std::map<std::string, NaiveIncidents> keys;
    std::map<std::string, Open> open;
    std::set<TimeUs> evaluated;
    std::map<std::pair<ProjectId, uint32_t>, TimeUs> fired;
  };
  static int64_t resolution_us(const RuleDouble& rule);
  TimeUs newest_at(TimeUs time) const;
  void take(const model::Record& record, const engine::Store& store, bool all);

  // --- rules ------------------------------------------------------------------------------------

  void change_rule(const model::Record& record, const model::AlertRuleChanged& change);
  void set_status(uint32_t number, alert::RuleStatus status, TimeUs at);
  void stand_down(uint32_t number, TimeUs at);
  void close(uint32_t incident, TimeUs at);

  // What happened to the key beyond the first `told` events.
  void tell(uint32_t number, RuleDouble& rule, const std::string& key, const NaiveIncidents& naive,
            size_t told);

  // --- ticks ------------------------------------------------------------------------------------

  void evaluate(const model::Record& record, const model::AlertsTicked& tick,
                const engine::Store& store, bool all);
  void evaluate(uint32_t number, RuleDouble& rule, TimeUs tick, const query::View& view,
                const std::map<std::string, Value>& values);
  static bool is_beyond(const alert::MetricCondition& metric, const alert::Update& update);
  static std::string show(const alert::Update& update);
  Updates ask(const RuleDouble& rule, TimeUs tick, const query::View& view) const;
  void check_value(const RuleDouble& rule, const std::string& key, const Value& value,
                   const Updates& updates);

  // --- issue rules ------------------------------------------------------------------------------

  std::map<GroupId, model::ShownStatus> shown() const;
  void see(const model::Record& record, const model::Occurrence& occurrence,
           FingerprintId decided_by, const std::map<GroupId, model::ShownStatus>& before);
  bool matches(const alert::Rule& rule, const model::Occurrence& occurrence, GroupId issue,
               TimeUs now) const;
  std::string firing_due() const;
  void fire(const model::Record& record, const model::AlertFired& fired);

  const int64_t delay_us_;
  model::State state_;
  Lsn lsn_{};
  std::map<uint32_t, RuleDouble> rules_;
  std::map<uint32_t, TimeUs> detected_;  // by incident
  std::vector<model::AlertFired> firings_due_;
  std::vector<std::string> told_;
  std::optional<TimeUs> last_tick_;
  TimeUs looked_{};
  uint32_t incidents_ = 0;
  uint32_t ordinal_ = 0;
  size_t ticks_ = 0;
  size_t values_ = 0;
};

}  // namespace cairn::testing
