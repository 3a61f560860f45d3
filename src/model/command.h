// Commands are wishes; decide() turns one into a fact or says which rule refuses it.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "model/overlay.h"
#include "model/record.h"
#include "model/state.h"

namespace cairn::model {

struct MergeCommand {
  GroupId primary{};
  std::vector<GroupId> children;
};
// A new issue that shows the children, with a short id and a title of its own.
struct MakeViewCommand {
  std::string title;
  std::vector<GroupId> children;
};
struct UnmergeCommand {
  GroupId view{};
  std::vector<GroupId> children;  // direct children; empty = all of them
  // 1 = what the last merge into the view brought, 2 = the one before, ...; 0 = by `children`.
  uint32_t nth_last = 0;
};
// Fingerprints become a group of their own, with the state that the group has now.
struct SplitCommand {
  GroupId group{};
  std::vector<std::string> fingerprints;
  // What the newest occurrence of each side shows; absent: as the group does now.
  std::optional<Face> part_face;
  std::optional<Face> rest_face;
};
// Undoes a split: what the part has by now goes back.
struct RejoinCommand {
  GroupId part{};
};
struct SetStatusCommand {
  GroupId group{};
  Status status{};
  Substatus substatus{};    // None = the usual one (unresolved: ongoing; ignored: until_escalating,
                            // or until_condition_met when a snooze is given)
  SnoozeTerms snooze{};     // of ignored
  Resolution resolution{};  // of resolved; InNextRelease: its version is found here
};
// Adds (`note` 0), edits (`note` and `text`) or removes (`note` alone) a note.
struct NoteCommand {
  GroupId group{};
  NoteChange change{};
  uint32_t note = 0;
  std::string text;
};
struct AttentionCommand {
  GroupId group{};
  Attention attention{};
  std::string who;  // "user:ID" or "team:ID"; Reviewed: ignored
  bool on = true;
};
struct LinkCommand {
  GroupId group{};
  std::string url;
  std::string title;
  bool removed = false;
};
// Deletes, discards or takes a discarding back: of an issue and everything merged into it.
struct SetStandingCommand {
  GroupId group{};
  Standing standing{};
};
// Registers a release, or tells more of one.
struct ChangeReleaseCommand {
  ProjectId project{};
  std::string version;
  std::optional<TimeUs> date;
  std::vector<std::string> commits;
};
struct AssignCommand {
  GroupId group{};
  std::string assignee;  // "user:ID", "team:ID"; "" = nobody
};
// A priority that nothing automatic changes, or, without one, that of the type again.
struct SetPriorityCommand {
  GroupId group{};
  std::optional<uint8_t> priority;  // 25, 50, 75
};
struct ChangeProjectCommand {
  ProjectId project{};
  std::optional<std::string> slug{};
  std::optional<FingerprintPolicy> policy{};
  std::optional<uint32_t> auto_resolve_hours{};
  std::optional<uint32_t> escalation_threshold{};
  std::optional<bool> hold_back{};
};
struct ChangeTypesCommand {
  std::optional<bool> strict;
  std::vector<GroupType> set;
};

struct MakeExperimentCommand {
  std::string name;
  Lsn at{};  // its rules are evaluated as of this record; 0 = on the present
};
// One more step: what a rule found.
struct AddToExperimentCommand {
  std::string name;
  std::string rule;
  Regrouping facts;
};
struct DropExperimentCommand {
  std::string name;
};
// What the experiment shows becomes the forest of the store.
struct PromoteCommand {
  std::string name;
  bool rebase = false;  // even where its facts do not mean any more what they meant
};
// Many merges and unmerges at once: by the rule of a sweep, or taking back another such record.
struct RegroupCommand {
  RegroupCause cause{};
  std::string what;
  Regrouping links;
};

using Command =
    std::variant<MergeCommand, MakeViewCommand, UnmergeCommand, SplitCommand, RejoinCommand,
                 SetStatusCommand, SetPriorityCommand, AssignCommand, ChangeProjectCommand,
                 ChangeTypesCommand, NoteCommand, AttentionCommand, LinkCommand, SetStandingCommand,
                 ChangeReleaseCommand, MakeExperimentCommand, AddToExperimentCommand,
                 DropExperimentCommand, PromoteCommand, RegroupCommand>;

// nullopt: nothing to do, the state is already as wished.
// Errors: NotFound (unknown group), InvalidArgument (bad slug, self-merge, empty list ...),
// Conflict (other project, hidden group, group of another type category, cycle ...): the message
// names the issues by short id and the rule.
Result<std::optional<RecordBody>> decide(const State& state, const Command& command);

// The issues that an experiment's facts would not treat as they did when they were found, one a
// line, at most `most`; "" = none.
std::string list_conflicts(const State& state, const Overlay& overlay, size_t most);

// Wire-form status changes, by the rules in docs/wire-format.md; unknown fingerprint: NotFound.
Result<std::optional<RecordBody>> decide(const State& state, const StatusChangeMessage& message);

// Operations of a workflow stream. Fingerprints name groups; merge and unmerge act on the visible
// issues over them (so a group already merged away brings its issue along), the others on the
// group itself. Op "occurrence" is for the importer, Internal here.
Result<std::optional<RecordBody>> decide(const State& state, const WorkflowOp& op);

// Whether an occurrence may enter: strict types. Conflict otherwise.
Result<void> admit(const State& state, const Occurrence& occurrence);

}  // namespace cairn::model
