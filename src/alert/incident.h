// From values to incidents: OK, Warning, Critical of one rule and one of its keys, as pure
// transitions. docs/decisions/024-alert-core.md has the table and where it differs from the field.
//
// Values; thread: any. Nothing here knows a clock: times are those of the updates and commands, so
// that the same updates give the same incidents whenever they are applied. State and incidents
// compare by == and hold no pointer; what step() returns is a fact that can be logged as it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alert/rule.h"
#include "base/ids.h"
#include "base/result.h"

namespace cairn::alert {

// A trigger that opened or joined an incident does not fire again until so long after that incident
// was detected; at the end itself it is still held.
inline constexpr int64_t kHoldUs = 10 * 60 * kMicrosPerSecond;
inline constexpr size_t kMaxComments = 1000;  // of one incident
inline constexpr size_t kMaxCommentBytes = 16u << 10;

enum class Severity : uint8_t { Ok = 0, Warning = 1, Critical = 2 };
std::string_view severity_name(Severity severity);  // ok, warning, critical
// The field's incident status: 2 closed, 10 warning, 20 critical.
uint32_t incident_status(Severity severity);

// Numbers are those of the field.
enum class CloseMethod : uint8_t { Manual = 1, RuleUpdated = 2, RuleTriggered = 3 };
std::string_view close_method_name(CloseMethod method);  // manual, rule_updated, rule_triggered

struct Mark {
  TimeUs at{};
  std::string who;  // as Record::actor
  bool operator==(const Mark&) const = default;
};
struct Comment {
  Mark by;
  std::string text;
  bool operator==(const Comment&) const = default;
};

struct Incident {
  uint32_t number = 0;  // the n-th of its rule and key, from 1
  TimeUs started{};     // the beginning of the first window that was beyond the threshold
  TimeUs detected{};    // the update that opened it
  Severity severity = Severity::Ok;  // Ok: closed
  Severity worst = Severity::Ok;
  uint32_t steps =
      0;  // transitions so far: with number, rule and key the identity of a notification
  std::optional<TimeUs> closed{};
  std::optional<CloseMethod> method{};
  std::optional<Mark> acknowledged{};
  std::vector<Comment> comments{};
  bool operator==(const Incident&) const = default;
};

struct TriggerState {
  bool active = false;  // it fired in the open incident and has not resolved since
  uint32_t beyond = 0;  // evaluations in a row, at most the rule's threshold_period
  uint32_t healthy = 0;
  std::optional<TimeUs> last_fired{};  // detection of the last incident it fired in
  bool operator==(const TriggerState&) const = default;
};

struct KeyState {
  std::optional<TimeUs> last_update{};
  std::optional<double> last_value{};  // as held against thresholds
  TriggerState critical;
  TriggerState warning;
  uint32_t incidents = 0;
  std::optional<Incident> open{};
  Severity severity() const { return open ? open->severity : Severity::Ok; }
  bool operator==(const KeyState&) const = default;
};

// What one evaluation found.
struct Update {
  TimeUs time{};                 // the end of the window
  std::optional<double> value;   // nullopt: there was nothing to compute it from
  std::optional<double> base{};  // of the earlier window, for comparisons
  bool incomplete = false;       // it is not known: more was to be kept than there was room for
  bool operator==(const Update&) const = default;
};

enum class Outcome : uint8_t {
  Counted = 0,
  Stale = 1,       // not newer than the last one: again, or out of order. Nothing changes
  NoValue = 2,     // of NoData::Hold; counters stay as they are
  NoBase = 3,      // nothing, or zero, to compare with; counters stay as they are
  Incomplete = 4,  // the same
};
std::string_view outcome_name(Outcome outcome);  // counted, stale, no_value, no_base, incomplete

// At most one for each update or command: from one severity to another.
struct Transition {
  Severity from = Severity::Ok;
  Severity to = Severity::Ok;
  TimeUs at{};
  std::optional<double> value{};  // as held against thresholds; of people and changes none
  // As it is then, without its comments: these are facts of their own, and whoever keeps incidents
  // has them.
  Incident incident;
  bool operator==(const Transition&) const = default;

  bool opens() const { return from == Severity::Ok; }
  bool closes() const { return to == Severity::Ok; }
};

struct Step {
  KeyState state;
  Outcome outcome = Outcome::Counted;
  std::optional<double> value{};  // as held against thresholds
  std::optional<Transition> transition{};
  // Triggers that would have fired but for kHoldUs.
  bool warning_held = false;
  bool critical_held = false;
};

// Precondition: check_limits() of the rule.
Step step(const MetricCondition& metric, KeyState state, const Update& update);

// The value as held against thresholds; nullopt: it is not known, or there is nothing to compare it
// with.
std::optional<double> held_value(const MetricCondition& metric, const Update& update);

// Beyond and healthy as step() sees a value; `which`: Warning or Critical, a trigger the rule has.
bool is_beyond(const MetricCondition& metric, Severity which, double value);
bool is_healthy(const MetricCondition& metric, Severity which, double value);

// A person, or a change of the rule (disabled, removed, another meaning), closes the open incident.
// Errors: Conflict (none is open).
Result<Step> close(KeyState state, CloseMethod method, TimeUs at);
// The rule means something else now (same_meaning): counters begin anew and an open incident, which
// was about the rule as it was, is closed.
Step rule_changed(KeyState state, TimeUs at);

// False: it is acknowledged already. Errors: Conflict (closed), InvalidArgument (who).
Result<bool> acknowledge(Incident& incident, const Mark& mark);
// Also of a closed one. Errors: InvalidArgument (empty, too long), Exhausted (kMaxComments).
Result<void> add_comment(Incident& incident, Comment comment);

// Whether an issue rule alerts about an issue now that it last alerted about at `last`.
bool alerts_again(const IssueCondition& issue, std::optional<TimeUs> last, TimeUs at);

}  // namespace cairn::alert
