// What alerts have to say: one notification for each transition of an incident and each firing of
// an issue rule, in the order of the log. Values; thread: any.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "alert/incident.h"
#include "alert/rule.h"
#include "base/ids.h"
#include "base/uuid.h"

namespace cairn::alert {

// Where a notification stands: the record that brought it about, and which of that record's it is.
struct NotificationPlace {
  Lsn lsn{};
  uint32_t ordinal = 0;
  auto operator<=>(const NotificationPlace&) const = default;
};

struct Notification {
  enum class Kind : uint8_t { Transition, Firing };
  Kind kind{};
  Lsn lsn{};
  uint32_t ordinal = 0;
  TimeUs at{};  // of the tick, or of the record
  uint32_t rule = 0;
  std::string rule_name;
  // Transition
  uint32_t incident = 0;  // number within the store
  uint32_t step = 0;      // 1, 2, ... within the incident
  std::string key;        // the value of group_by; "" = none
  Severity from{};
  Severity to{};
  std::optional<double> value;  // as held against thresholds; of people and changes none
  TimeUs started{};
  TimeUs detected{};
  // Firing
  ProjectId project{};
  uint32_t number = 0;  // of the issue within its project
  IssueEvent event{};
  std::string occurrence;  // id, hex; "" = none

  NotificationPlace place() const { return {lsn, ordinal}; }
  bool operator==(const Notification&) const = default;
};

// The same whenever and however often it is told: of a transition STORE-iINCIDENT-STEP, of a firing
// STORE-fLSN-ORDINAL.
std::string idempotency_key(const Uuid& store, const Notification& notification);

}  // namespace cairn::alert
