// Messages of detectors and workflow streams: they name groups by fingerprint, and act on the
// group itself where a person's command would be sent to the visible issue.
#include <fmt/format.h>

#include <set>

#include "model/decide_common.h"
#include "model/rules.h"

namespace cairn::model {
namespace {

Error unknown_fingerprint(ProjectId project, std::string_view fingerprint) {
  return make_error(
      ErrorCode::NotFound,
      fmt::format("no issue in project {} has the fingerprint '{}'", raw(project), fingerprint));
}

Result<GroupId> leaf_of(const State& state, ProjectId project, std::string_view fingerprint) {
  const Fingerprint* known = state.find_fingerprint(project, fingerprint);
  if (known == nullptr) return unknown_fingerprint(project, fingerprint);
  CAIRN_TRY(check_in_sight(state, *known));
  return known->leaf;
}

Fact activity(const Group& group, const WorkflowOp& op) {
  return ActivityAdded{group.project, group.number, op.op, op.line};
}

// --- workflow operations ----------------------------------------------------------------------

Decision decide_status(const Group& leaf, const WorkflowOp& op) {
  // Trackers have more states than we do: a change between two of them is history at least.
  if (leaf.status == op.status) return activity(leaf, op);
  return Fact{StatusChanged{leaf.project, leaf.number, op.status, usual_substatus(op.status)}};
}

Decision decide_assignment(const Group& leaf, const WorkflowOp& op) {
  std::string assignee = op.assignee;
  if (!assignee.empty() && assignee.find(':') == std::string::npos) assignee = "user:" + assignee;
  if (assignee.empty() ? op.op == "assign" : !valid_assignee(assignee)) {
    return invalid("'{}' is no assignee: write user:ID, team:ID or a bare user id", op.assignee);
  }
  const bool assigns = op.op == "assign";
  // Trackers know several assignees: one who is not ours is taken off without effect on ours.
  const bool changes =
      assigns ? leaf.assignee != assignee
              : !leaf.assignee.empty() && (assignee.empty() || leaf.assignee == assignee);
  if (!changes) return activity(leaf, op);
  return Fact{Assigned{leaf.project, leaf.number, assigns ? assignee : ""}};
}

Result<void> check_children(const WorkflowOp& op) {
  if (op.children.empty()) return invalid("{} without children", op.op);
  if (op.children.size() <= kMaxMergeChildren) return {};
  return invalid("{} of {} children: at most {} at once", op.op, op.children.size(),
                 kMaxMergeChildren);
}

Decision decide_merge(const State& state, GroupId leaf, const WorkflowOp& op) {
  CAIRN_TRY(check_children(op));
  const GroupId primary = state.root_of(leaf);
  std::set<GroupId> seen{primary};
  Merged merge{op.project, state.group(primary).number, {}};
  for (const std::string& fingerprint : op.children) {
    CAIRN_TRY_ASSIGN(const GroupId child_leaf, leaf_of(state, op.project, fingerprint));
    const GroupId child = state.root_of(child_leaf);
    if (seen.insert(child).second) merge.children.push_back(state.group(child).number);
  }
  if (merge.children.empty()) return kNothingToDo;
  return Fact{std::move(merge)};
}

// The merge that holds two groups together: the child of their lowest common view on the side of
// `other`. 0 when nothing does, or when `other` is that view itself.
GroupId separating_child(const State& state, const std::set<GroupId>& above_primary,
                         GroupId other) {
  GroupId below{};
  for (GroupId at = other; at != GroupId{}; at = state.group(at).parent) {
    if (above_primary.contains(at)) return below;
    below = at;
  }
  return GroupId{};
}

// Undoes the newest of the merges that hold the children together with the primary. So an unmerge
// right after a merge with the same fields takes back exactly that merge, even when some of its
// children had been merged before; repeated, it goes on with the merge before.
Decision decide_unmerge(const State& state, GroupId leaf, const WorkflowOp& op) {
  CAIRN_TRY(check_children(op));
  std::set<GroupId> above_primary;  // and itself
  for (GroupId at = leaf; at != GroupId{}; at = state.group(at).parent) above_primary.insert(at);

  std::set<GroupId> undone;
  Lsn newest{};
  GroupId view{};
  for (const std::string& fingerprint : op.children) {
    CAIRN_TRY_ASSIGN(const GroupId child_leaf, leaf_of(state, op.project, fingerprint));
    const GroupId child = separating_child(state, above_primary, child_leaf);
    if (child == GroupId{}) continue;
    const Group& merged = state.group(child);
    if (merged.merged_at < newest) continue;
    // A sweep or promotion merges into many views at once, an unmerge is of one: the others are for
    // the next time.
    if (merged.merged_at == newest && merged.parent != view) continue;
    if (merged.merged_at > newest) undone.clear();
    newest = merged.merged_at;
    view = merged.parent;
    undone.insert(child);
  }
  if (undone.empty()) return kNothingToDo;
  Unmerged unmerge{op.project, state.group(view).number, {}};
  for (const GroupId child : undone) unmerge.children.push_back(state.group(child).number);
  return Fact{std::move(unmerge)};
}

}  // namespace

Decision decide(const State& state, const WorkflowOp& op) {
  if (op.op == "occurrence") {
    return make_error(ErrorCode::Internal,
                      "the op occurrence only marks a place in the stream; the importer skips it");
  }
  CAIRN_TRY_ASSIGN(const GroupId leaf, leaf_of(state, op.project, op.fingerprint));
  if (op.op == "merge") return decide_merge(state, leaf, op);
  if (op.op == "unmerge") return decide_unmerge(state, leaf, op);
  if (op.op == "status_change") return decide_status(state.group(leaf), op);
  if (op.op == "assign" || op.op == "unassign") return decide_assignment(state.group(leaf), op);
  return activity(state.group(leaf), op);
}

// --- status change messages -------------------------------------------------------------------

Decision decide(const State& state, const StatusChangeMessage& message) {
  const Fingerprint* known = nullptr;
  for (const std::string& entry : message.fingerprint) {
    known = state.find_fingerprint(message.project, entry);
    if (known != nullptr) break;
  }
  if (known == nullptr) {
    std::string listed;
    for (const std::string& entry : message.fingerprint) {
      listed += (listed.empty() ? "" : "', '") + entry;
    }
    return unknown_fingerprint(message.project, listed);
  }
  CAIRN_TRY(check_in_sight(state, *known));
  const Group& leaf = state.group(known->leaf);
  const Status status = message.status;
  const Substatus substatus = message.substatus;
  if (leaf.status == status && leaf.substatus == substatus) return kNothingToDo;
  if (status != Status::Resolved && substatus == Substatus::None) {
    return invalid("{} needs a substatus", status_name(status));
  }
  if (!substatus_fits(status, substatus)) {
    return status == Status::Resolved
               ? invalid("resolved has no substatus, not {}", substatus_name(substatus))
               : invalid("{} is no substatus of {}", substatus_name(substatus),
                         status_name(status));
  }
  if (substatus == Substatus::New) {
    return invalid("a status change cannot make {} new again", state.short_id(leaf.id));
  }
  if (substatus == Substatus::Escalating && leaf.status != Status::Ignored) {
    return make_error(ErrorCode::Conflict, fmt::format("only an ignored issue escalates: {} is {}",
                                                       state.short_id(leaf.id),
                                                       status_text(leaf.status, leaf.substatus)));
  }
  return Fact{StatusChanged{leaf.project, leaf.number, status, substatus}};
}

}  // namespace cairn::model
