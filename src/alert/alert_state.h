// The fold of alerts: rules, what they remember, incidents and firings as a pure function of the
// records, beside model::State, which folds everything else. A tick's record has the values that
// matter; what they bring about (incident.h) is decided here, so that a replay of the log ends in
// the same incidents and fires nothing.
//
// Thread: const functions are safe to call concurrently; the others need to be alone. Copies share
// what does not change.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alert/incident.h"
#include "alert/notification.h"
#include "alert/rule.h"
#include "alert/rule_state.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "model/record.h"

namespace cairn::alert {

inline constexpr size_t kMaxRules = 1'000'000;   // numbers ever given to rules of a store
inline constexpr size_t kMaxIncidents = 65'536;  // closed ones that are kept: the newest
inline constexpr size_t kMaxFirings = 65'536;    // that are kept: the newest
// Of an incident that are kept: when there are more, the older half goes. Incident::steps counts
// all.
inline constexpr size_t kMaxSteps = 10'000;
// Issues of which a rule remembers when it alerted about them; of more the newest.
inline constexpr size_t kMaxAlerted = 10'000;

// An issue as records name it.
struct IssueName {
  ProjectId project{};
  uint32_t number = 0;
  auto operator<=>(const IssueName&) const = default;
};

struct RuleEntry {
  uint32_t number = 0;
  Rule rule;
  std::string changed_by;  // who changed it last; "" = the system
  TimeUs made{};
  TimeUs changed{};
  Lsn counted_from{};  // what it counts was made known by this record
  RuleState state;
  std::map<std::string, uint32_t> open;  // incidents by key
  std::map<IssueName, TimeUs> alerted;   // of issue rules: the last time by issue
  uint64_t fired = 0;                    // times an issue rule alerted
  bool operator==(const RuleEntry&) const = default;

  // The number it holds against thresholds; nullopt: it is about an event.
  std::optional<MetricCondition> counts() const;
};

struct IncidentStep {
  Lsn lsn{};
  uint32_t ordinal = 0;  // among the notifications of that record
  TimeUs at{};
  Severity from{};
  Severity to{};
  std::optional<double> value{};
  std::string who;  // closed by; "" = values or the rule
  bool operator==(const IncidentStep&) const = default;

  NotificationPlace place() const { return {lsn, ordinal}; }
};

struct IncidentEntry {
  uint32_t number = 0;  // within the store
  uint32_t rule = 0;
  std::string rule_name;  // as it was called when it opened
  std::string key;
  Incident incident;
  std::vector<IncidentStep> steps;  // ascending by place; see kMaxSteps
  bool operator==(const IncidentEntry&) const = default;

  // How many came before the first one that is kept.
  uint32_t earlier_steps() const { return incident.steps - static_cast<uint32_t>(steps.size()); }
};

struct Firing {
  Lsn lsn{};
  TimeUs at{};
  uint32_t rule = 0;
  std::string rule_name;
  IssueName issue;
  IssueEvent event{};
  std::string occurrence;  // hex; "" = none
  bool operator==(const Firing&) const = default;
};

// A row of the index: `key` tells kinds and entities apart.
struct AlertRow {
  std::string key;
  std::optional<std::string> value;  // nullopt: it is gone
};

class AlertState {
 public:
  // --- reading ---
  uint32_t rule_count() const { return rule_count_; }  // those that are there
  uint32_t last_rule() const { return static_cast<uint32_t>(rules_.size()); }
  const RuleEntry* rule(uint32_t number) const;
  // By number, or by a name that one rule alone has. NotFound, Conflict (several have it).
  Result<uint32_t> find_rule(std::string_view reference) const;
  template <class F>
  void for_each_rule(const F& fn) const {
    for (const auto& one : rules_) {
      if (one) fn(*one);
    }
  }
  // Ascending by number: open ones, and the newest closed.
  const std::map<uint32_t, std::shared_ptr<IncidentEntry>>& incidents() const { return incidents_; }
  const IncidentEntry* incident(uint32_t number) const;
  uint32_t last_incident() const { return last_incident_; }
  const std::deque<Firing>& firings() const { return firings_; }
  // Of the newest one that was evaluated completely.
  std::optional<TimeUs> last_tick() const { return last_tick_; }
  // What came after that place, in order; what is no longer kept is left out.
  std::vector<Notification> notifications_after(const NotificationPlace& place, size_t limit) const;
  // Of all that a replay must reproduce. {} = there never was a rule.
  Hash128 digest() const;

  // --- folding ---
  // Records that are not about alerts change nothing. Corruption: it does not fit; nothing changed.
  Result<void> apply(const model::Record& record, Lsn lsn);

  // --- persistence (alert_rows.cc) ---
  // What changed since clear_dirty(), and everything.
  std::vector<AlertRow> dirty_rows() const;
  std::vector<AlertRow> all_rows() const;
  void clear_dirty();
  // One row of an earlier state; then restored() once. Corruption.
  Result<void> restore(std::string_view key, std::span<const std::byte> value);
  Result<void> restored();

 private:
  struct At {
    TimeUs time{};
    Lsn lsn{};
    std::string_view actor;
    uint32_t ordinal = 0;  // of the next notification
  };
  Result<void> fold(const model::AlertRuleChanged& change, At at);
  Result<void> fold(const model::AlertStatusChanged& change, At at);
  Result<void> fold(const model::AlertsTicked& tick, At at);
  Result<void> fold(const model::AlertFired& fired, At at);
  Result<void> fold(const model::IncidentChanged& change, At at);

  RuleEntry& change_rule(uint32_t number);
  IncidentEntry& change_incident(uint32_t number);
  void stand_down(uint32_t number, At& at);
  void note(RuleEntry& rule, KeyTransition&& step, At& at, std::string_view who);
  void forget_old_incidents();
  void add_order(const NotificationPlace& place, uint32_t incident);
  AlertRow meta_row() const;

  std::vector<std::shared_ptr<RuleEntry>> rules_;  // index number - 1; nullptr = removed
  uint32_t rule_count_ = 0;
  std::map<uint32_t, std::shared_ptr<IncidentEntry>> incidents_;
  std::set<uint32_t> closed_;  // of incidents_
  uint32_t last_incident_ = 0;
  std::deque<Firing> firings_;
  std::optional<TimeUs> last_tick_;

  // In the order of the log. What was forgotten is taken out when there are order_limit_ of them.
  struct Told {
    NotificationPlace place;
    uint32_t incident = 0;  // 0 = the firing of that record
  };
  bool is_kept(const Told& told) const;
  std::deque<Told> order_;
  size_t order_limit_ = 4096;

  std::set<uint32_t> dirty_rules_;
  std::set<uint32_t> dirty_incidents_;
  std::set<Lsn> dirty_firings_;
  bool dirty_meta_ = false;
};

}  // namespace cairn::alert
