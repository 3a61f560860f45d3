#include "model/state_diff.h"

#include <algorithm>

#include "model/rules.h"

namespace cairn::model {
namespace {

// Occurrences each visible group shows; index = raw(GroupId).
std::vector<uint64_t> shown_by(const State& state) {
  std::vector<uint64_t> counts(size_t{state.group_count()} + 1);
  for (uint32_t n = 1; n <= state.group_count(); ++n) {
    counts[raw(state.issue_of(GroupId{n}))] += state.group(GroupId{n}).times_seen;
  }
  counts[0] = 0;  // of what is deleted or discarded
  return counts;
}

void count(const State& state, const std::vector<uint64_t>& shown, uint32_t& issues,
           uint64_t& occurrences) {
  for (uint32_t n = 1; n <= state.group_count(); ++n) {
    issues += shown[n] > 0 ? 1 : 0;
    occurrences += shown[n];
  }
}

std::string view_over(const State& state, GroupId id) { return state.short_id(state.root_of(id)); }

}  // namespace

std::string_view diff_kind_name(DiffKind kind) {
  switch (kind) {
    case DiffKind::New:
      return "new";
    case DiffKind::Gone:
      return "gone";
    case DiffKind::Merged:
      return "merged";
    case DiffKind::Unmerged:
      return "unmerged";
    case DiffKind::Moved:
      return "moved";
    case DiffKind::Status:
      return "status";
    case DiffKind::Assignee:
      return "assignee";
    case DiffKind::Priority:
      return "priority";
    case DiffKind::Title:
      return "title";
    case DiffKind::Count:
      return "count";
  }
  return "";
}

StateDiff diff(const State& before, const State& after) {
  const std::vector<uint64_t> shown_before = shown_by(before);
  const std::vector<uint64_t> shown_after = shown_by(after);
  StateDiff out;
  count(before, shown_before, out.issues_before, out.occurrences_before);
  count(after, shown_after, out.issues_after, out.occurrences_after);
  for (uint32_t n = 1; n <= after.group_count(); ++n) {
    const GroupId id{n};
    const Group& now = after.group(id);
    const bool visible = now.parent == GroupId{};
    const auto add = [&](DiffKind kind, std::string was, std::string is, uint64_t weight) {
      out.differences.push_back({id, kind, std::move(was), std::move(is), weight});
    };
    const uint64_t own = visible ? shown_after[n] : after.totals(id).times_seen;
    if (n > before.group_count()) {
      if (own == 0) continue;  // made and emptied in between
      add(visible ? DiffKind::New : DiffKind::Merged, "",
          visible ? std::string(now.title) : view_over(after, id), own);
      continue;
    }
    const Group& then = before.group(id);
    const bool was_visible = then.parent == GroupId{};
    if (was_visible && !visible) {
      add(DiffKind::Merged, "", view_over(after, id), own);
    } else if (!was_visible && visible) {
      add(DiffKind::Unmerged, view_over(before, id), "", own);
    } else if (!visible && before.root_of(id) != after.root_of(id)) {
      add(DiffKind::Moved, view_over(before, id), view_over(after, id), own);
    }
    const ShownStatus was = before.shown_status(then.id);
    const ShownStatus is = after.shown_status(now.id);
    if (was.status != is.status || was.substatus != is.substatus) {
      add(DiffKind::Status, status_text(was.status, was.substatus),
          status_text(is.status, is.substatus), own);
    }
    if (then.assignee != now.assignee) {
      add(DiffKind::Assignee, std::string(then.assignee), std::string(now.assignee), own);
    }
    if (then.priority != now.priority) {
      add(DiffKind::Priority, priority_name(then.priority), priority_name(now.priority), own);
    }
    if (then.title != now.title) {
      add(DiffKind::Title, std::string(then.title), std::string(now.title), own);
    }
    if (was_visible && visible && own == 0 && shown_before[n] > 0) {
      add(DiffKind::Gone, std::string(then.title), "", shown_before[n]);
    } else if (was_visible && visible && shown_before[n] != own) {
      const uint64_t larger = std::max(shown_before[n], shown_after[n]);
      add(DiffKind::Count, std::to_string(shown_before[n]), std::to_string(shown_after[n]),
          larger - std::min(shown_before[n], shown_after[n]));
    }
  }
  std::stable_sort(out.differences.begin(), out.differences.end(),
                   [](const Difference& a, const Difference& b) {
                     return a.kind != b.kind ? a.kind < b.kind : a.weight > b.weight;
                   });
  return out;
}

}  // namespace cairn::model
