#include "engine/group_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "model/rules.h"

namespace cairn::engine {
namespace {

using namespace model;  // NOLINT: every record type of the layer is named here

constexpr size_t kAll = std::numeric_limits<size_t>::max();

// Goes along one group's own records and keeps up what they change.
class Walk {
 public:
  Walk(const Snapshot& snapshot, GroupId group)
      : snapshot_(snapshot), state_(snapshot.state()), group_(state_.group(group)) {}

  // A time within a view: from the merge to the unmerge, or until now.
  struct Within {
    GroupId view{};
    Lsn from{};
    Lsn until{std::numeric_limits<uint64_t>::max()};
  };

  // Up to a record, that one not; entries come in order.
  Result<void> run(Lsn before = Lsn{std::numeric_limits<uint64_t>::max()}) {
    CAIRN_TRY_ASSIGN(auto records, snapshot_.history(group_.id, kAll));
    for (auto& [lsn, record] : records) {
      if (lsn >= before) break;
      HistoryEntry entry;
      entry.lsn = lsn;
      entry.group = group_.id;
      entry_ = &entry;
      CAIRN_TRY(std::visit([&](const auto& body) { return take(body); }, record.body));
      entry.record = std::move(record);
      entries.push_back(std::move(entry));
    }
    return {};
  }

  std::vector<HistoryEntry> entries;
  std::vector<Within> within;

 private:
  void say(std::string_view what, std::string before, std::string after) {
    entry_->what = what;
    entry_->before = std::move(before);
    entry_->after = std::move(after);
  }
  std::string name(ProjectId project, uint32_t number) const {
    return state_.short_id(state_.find_group(project, number)->id);
  }
  std::string names(ProjectId project, const std::vector<uint32_t>& numbers) const {
    std::string out;
    for (const uint32_t number : numbers) {
      if (!out.empty()) out += ", ";
      out += name(project, number);
    }
    return out;
  }
  void set_status(std::string_view what, Status status, Substatus substatus) {
    say(what, status_text(status_, substatus_), status_text(status, substatus));
    status_ = status;
    substatus_ = substatus;
  }

  // Of occurrences only the one that made the group and those that reopened it are its history.
  Result<void> take(const Occurrence& occurrence) {
    if (status_ == Status::Resolved) {
      set_status("regressed", Status::Unresolved, Substatus::Regressed);
      return {};
    }
    assignee_ = occurrence.assignee.value_or("");
    if (occurrence.priority) priority_ = priority_name(static_cast<uint8_t>(*occurrence.priority));
    say("created", "", occurrence.title.value_or(""));
    return {};
  }
  Result<void> take(const StatusChanged& change) {
    set_status("status", change.status, change.substatus);
    return {};
  }
  Result<void> take(const Assigned& change) {
    say("assignee", assignee_, change.assignee);
    assignee_ = change.assignee;
    return {};
  }
  Result<void> take(const PriorityChanged& change) {
    const std::string now = priority_name(change.priority) + (change.locked ? "" : " by type");
    say("priority", priority_, now);
    priority_ = now;
    return {};
  }
  Result<void> take(const Merged& merge) {
    if (merge.primary == group_.number) {
      say("shows", "", names(merge.project, merge.children));
    } else {
      enter(merge.project, merge.primary);
    }
    return {};
  }
  Result<void> take(const ViewMade& made) {
    if (made.number == group_.number) {
      substatus_ = Substatus::Ongoing;
      say("created", "", made.title);
    } else {
      enter(made.project, made.number);
    }
    return {};
  }
  void enter(ProjectId project, uint32_t view) {
    say("merged_into", "", name(project, view));
    within.push_back({state_.find_group(project, view)->id, entry_->lsn});
  }
  Result<void> take(const Unmerged& unmerge) {
    if (unmerge.primary == group_.number) {
      say("no_longer_shows", names(unmerge.project, unmerge.children), "");
      return {};
    }
    say("unmerged_from", name(unmerge.project, unmerge.primary), "");
    if (!within.empty()) within.back().until = entry_->lsn;
    return {};
  }
  Result<void> take(const Split& split) {
    if (split.number == group_.number) {
      say("split_off", "", name(split.project, split.part));
      return {};
    }
    // A part begins with what the group was then.
    Walk from(snapshot_, state_.find_group(split.project, split.number)->id);
    CAIRN_TRY(from.run(entry_->lsn));
    status_ = from.status_;
    substatus_ = from.substatus_;
    assignee_ = from.assignee_;
    priority_ = from.priority_;
    say("split_from", "", name(split.project, split.number));
    return {};
  }
  Result<void> take(const Rejoined& rejoined) {
    if (rejoined.part != group_.number) {
      say("got_back", "", name(rejoined.project, rejoined.part));
    } else {
      say("went_back", "", state_.short_id(group_.split_from));
    }
    return {};
  }
  Result<void> take(const ActivityAdded& activity) {
    say(activity.kind, "", "");
    return {};
  }
  // Those belong to no group's history.
  Result<void> take(const StoreCreated&) { return {}; }
  Result<void> take(const ProjectChanged&) { return {}; }
  Result<void> take(const TypesChanged&) { return {}; }
  Result<void> take(const NothingChanged&) { return {}; }

  const Snapshot& snapshot_;
  const State& state_;
  const Group& group_;
  Status status_ = Status::Unresolved;
  Substatus substatus_ = Substatus::New;
  std::string assignee_;
  std::string priority_ = "by type";
  HistoryEntry* entry_ = nullptr;
};

// A group's own entries between two records, and those of its views meanwhile. `from` is the merge
// that brought it in, which both sides have: it is told once, by the one below.
Result<void> collect(const Snapshot& snapshot, GroupId group, Lsn from, Lsn until,
                     std::vector<HistoryEntry>& out) {
  Walk walk(snapshot, group);
  CAIRN_TRY(walk.run());
  for (HistoryEntry& entry : walk.entries) {
    if (entry.lsn > from && entry.lsn < until) out.push_back(std::move(entry));
  }
  for (const Walk::Within& time : walk.within) {
    const Lsn begin = std::max(from, time.from);
    const Lsn end = std::min(until, time.until);
    if (begin < end) CAIRN_TRY(collect(snapshot, time.view, begin, end, out));
  }
  return {};
}

}  // namespace

Result<std::vector<HistoryEntry>> group_history(const Snapshot& snapshot, GroupId group) {
  std::vector<HistoryEntry> out;
  CAIRN_TRY(collect(snapshot, group, Lsn{}, Lsn{std::numeric_limits<uint64_t>::max()}, out));
  std::sort(out.begin(), out.end(),
            [](const HistoryEntry& a, const HistoryEntry& b) { return a.lsn < b.lsn; });
  return out;
}

}  // namespace cairn::engine
