// What the log holds: facts. A record says what happened, never what to do; apply() folds it.
//
// Records name groups by (project, number), the two parts of a short id, so that a record means
// the same in any store that folded the same records of that project.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/uuid.h"
#include "model/group_type.h"
#include "model/message.h"
#include "model/occurrence.h"
#include "model/workflow.h"

namespace cairn::model {

struct StoreCreated {
  Uuid store_id;
  bool operator==(const StoreCreated&) const = default;
};

enum class FingerprintPolicy : uint8_t {
  First = 0,  // the first entry decides; the others are coarser levels
  Known = 1,  // the first entry already known decides; none known: the first; the rest are linked
};
std::string_view policy_name(FingerprintPolicy policy);  // first, known

struct ProjectChanged {
  ProjectId project{};
  std::optional<std::string> slug{};
  std::optional<FingerprintPolicy> policy{};
  std::optional<uint32_t> auto_resolve_hours{};    // without an occurrence; 0 = never
  std::optional<uint32_t> escalation_threshold{};  // of a new issue, occurrences an hour; 0 = none
  std::optional<bool> hold_back{};                 // noise reduction and creation quotas apply
  bool operator==(const ProjectChanged&) const = default;
};

// A release came, or more is known of it.
struct ReleaseChanged {
  ProjectId project{};
  std::string version;
  std::optional<TimeUs> date;        // absent: unchanged; of a new one: the record's time
  std::vector<std::string> commits;  // further ones
  bool operator==(const ReleaseChanged&) const = default;
};

struct TypesChanged {
  std::optional<bool> strict;  // strict: occurrences of unregistered types are refused
  std::vector<GroupType> set;  // registered or replaced
  bool operator==(const TypesChanged&) const = default;
};

struct StatusChanged {
  ProjectId project{};
  uint32_t number = 0;
  Status status{};
  Substatus substatus{};
  SnoozeTerms snooze{};     // of until_condition_met
  Resolution resolution{};  // of resolved
  std::vector<uint32_t>
      forecast{};  // of until_escalating: Forecast::ceilings, from the record's time
  bool operator==(const StatusChanged&) const = default;
};

// Time has passed: every transition that is due by the record's time happens, at most
// kMaxDueAtOnce of them.
struct Ticked {
  // New forecasts of groups whose last one is a week old.
  struct NewForecast {
    ProjectId project{};
    uint32_t number = 0;
    std::vector<uint32_t> ceilings;
    bool operator==(const NewForecast&) const = default;
  };
  std::vector<NewForecast> forecasts;
  bool operator==(const Ticked&) const = default;
};

enum class NoteChange : uint8_t { Added = 0, Edited = 1, Removed = 2 };
std::string_view note_change_name(NoteChange change);  // added, edited, removed
struct NoteChanged {
  ProjectId project{};
  uint32_t number = 0;
  NoteChange change{};
  uint32_t note = 0;  // Added: the next of the group
  std::string text;   // Removed: empty
  bool operator==(const NoteChanged&) const = default;
};

enum class Attention : uint8_t { Bookmarked = 0, Subscribed = 1, Seen = 2, Reviewed = 3 };
std::string_view attention_name(Attention attention);  // bookmarked, subscribed, seen, reviewed
// Somebody turned to a group, or no longer does. Reviewed is nobody's: it is the group's.
struct AttentionChanged {
  ProjectId project{};
  uint32_t number = 0;
  Attention attention{};
  std::string who;  // "user:ID" or "team:ID"; Reviewed: empty
  bool on = true;   // false for the first two only
  bool operator==(const AttentionChanged&) const = default;
};

// The group's entry in another system.
struct LinkChanged {
  ProjectId project{};
  uint32_t number = 0;
  std::string url;
  std::string title;
  bool removed = false;
  bool operator==(const LinkChanged&) const = default;
};

// Whether a group is among the issues. Numbers are part of the log's format.
enum class Standing : uint8_t {
  Kept = 0,
  Deleted = 1,    // for good: its fingerprints are unknown again
  Discarded = 2,  // until taken back: its occurrences are counted, and shown nowhere
};
std::string_view standing_name(Standing standing);  // kept, deleted, discarded
// Of groups and all that is merged into them.
struct StandingChanged {
  ProjectId project{};
  uint32_t number = 0;
  Standing standing{};
  bool operator==(const StandingChanged&) const = default;
};

struct Merged {
  ProjectId project{};
  uint32_t primary = 0;
  std::vector<uint32_t> children;
  bool operator==(const Merged&) const = default;
};

struct Unmerged {
  ProjectId project{};
  uint32_t primary = 0;
  std::vector<uint32_t> children;
  bool operator==(const Unmerged&) const = default;
};

// A view made for the purpose: an issue of its own without fingerprints, over the children.
struct ViewMade {
  ProjectId project{};
  uint32_t number = 0;  // the view's; the next of its project
  std::string title;
  std::vector<uint32_t> children;
  bool operator==(const ViewMade&) const = default;
};

// What an issue shows of its newest occurrence.
struct Face {
  std::string title;
  std::string culprit;
  Level level{};
  bool operator==(const Face&) const = default;
};

// Fingerprints leave their group and become one of their own. Faces are facts, since the state
// knows no single occurrence.
struct Split {
  ProjectId project{};
  uint32_t number = 0;  // the group they leave
  uint32_t part = 0;    // the group they become; the next number of the project
  std::vector<std::string> fingerprints;
  Face part_face;
  Face rest_face;
  bool operator==(const Split&) const = default;
};

// The fingerprints of a part go back to the group it was split from; to one before, where that
// went back itself.
struct Rejoined {
  ProjectId project{};
  uint32_t number = 0;  // the group they go to
  uint32_t part = 0;
  bool operator==(const Rejoined&) const = default;
};

struct Assigned {
  ProjectId project{};
  uint32_t number = 0;
  std::string assignee;  // "" = nobody
  bool operator==(const Assigned&) const = default;
};

struct PriorityChanged {
  ProjectId project{};
  uint32_t number = 0;
  uint8_t priority = 50;  // 25, 50, 75
  bool locked = false;    // a person's choice, which nothing automatic changes
  bool operator==(const PriorityChanged&) const = default;
};

// Something a person or tool did to a group that changes no state of its own: a note, a label ...
struct ActivityAdded {
  ProjectId project{};
  uint32_t number = 0;
  std::string kind;  // the op's name
  std::string data;  // the input line, verbatim JSON
  bool operator==(const ActivityAdded&) const = default;
};

// An experiment begins, without steps.
struct ExperimentMade {
  std::string name;
  Lsn at{};  // its rules are evaluated as of this record; 0 = on the present
  bool operator==(const ExperimentMade&) const = default;
};

// One more step of an experiment: what its rule found. Links are cut first, then made.
struct ExperimentAdded {
  std::string name;
  std::string rule;
  std::vector<Unmerged> unmerges;
  std::vector<Merged> merges;
  bool operator==(const ExperimentAdded&) const = default;
};

struct ExperimentDropped {
  std::string name;
  bool operator==(const ExperimentDropped&) const = default;
};

enum class RegroupCause : uint8_t {
  Sweep = 0,      // `what` is the rule
  Promotion = 1,  // of the experiment `what`
  Undo = 2,       // of the record `what`
};
std::string_view regroup_cause_name(RegroupCause cause);  // sweep, promotion, undo

// Many unmerges and merges at once, in order: each must fit the forest that those before it leave.
struct Regrouped {
  RegroupCause cause{};
  std::string what;
  std::vector<Unmerged> unmerges;
  std::vector<Merged> merges;
  bool operator==(const Regrouped&) const = default;
};

// A command or input with a key found nothing to do: only its key is kept, so that repeating it
// later, when there would be something to do, changes nothing either (law 6).
struct NothingChanged {
  bool operator==(const NothingChanged&) const = default;
};

// An alert rule came, changed or went. What its text says knows the alert layer, which folds the
// records of alerts.
struct AlertRuleChanged {
  uint32_t rule = 0;  // number within the store; of a new one the next
  std::string text;   // JSON; "" = removed
  bool operator==(const AlertRuleChanged&) const = default;
};

struct AlertStatusChanged {
  std::vector<uint32_t> rules;
  uint8_t status = 0;  // alert::RuleStatus
  bool operator==(const AlertStatusChanged&) const = default;
};

// Alert rules were evaluated at a tick. Of all values those that matter: of keys that their rules
// remember, and beyond a threshold.
struct AlertsTicked {
  struct Value {
    uint32_t rule = 0;
    std::string key;              // of group_by; "" = none
    std::optional<double> value;  // nullopt: nothing to compute it of
    std::optional<double> base;   // of the earlier window
    bool incomplete = false;
    bool operator==(const Value&) const = default;
  };
  TimeUs tick{};
  std::vector<Value> values;  // ascending by rule, then by key
  bool more = false;          // further records of the same tick follow
  bool operator==(const AlertsTicked&) const = default;
};

// A rule about what happens to issues alerted about one.
struct AlertFired {
  uint32_t rule = 0;
  ProjectId project{};
  uint32_t number = 0;
  uint8_t event = 0;  // alert::IssueEvent
  std::optional<Uuid> occurrence{};
  bool operator==(const AlertFired&) const = default;
};

enum class IncidentChange : uint8_t { Acknowledged = 0, Commented = 1, Closed = 2 };
std::string_view incident_change_name(IncidentChange change);  // acknowledged, commented, closed
// What people do to an incident of an alert rule.
struct IncidentChanged {
  uint32_t incident = 0;  // number within the store
  IncidentChange change{};
  std::string text;  // of a comment
  bool operator==(const IncidentChanged&) const = default;
};

using RecordBody =
    std::variant<Occurrence, StoreCreated, ProjectChanged, TypesChanged, StatusChanged, Merged,
                 Unmerged, ViewMade, Split, Rejoined, Assigned, PriorityChanged, ActivityAdded,
                 NothingChanged, ReleaseChanged, Ticked, NoteChanged, AttentionChanged, LinkChanged,
                 StandingChanged, ExperimentMade, ExperimentAdded, ExperimentDropped, Regrouped,
                 AlertRuleChanged, AlertStatusChanged, AlertsTicked, AlertFired, IncidentChanged>;

struct Record {
  TimeUs time{};      // when it was recorded (or, with --by-time, when the input says it happened)
  std::string actor;  // who; "" = the system
  // Idempotency key of the command or input line it came from; all zero = none.
  Hash128 key;
  RecordBody body;
  bool operator==(const Record&) const = default;
};

}  // namespace cairn::model
