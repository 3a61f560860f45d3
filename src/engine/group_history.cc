#include "engine/group_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
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
      : snapshot_(&snapshot), state_(&snapshot.state()), group_(&snapshot.state().group(group)) {}

  // A time within a view: from the merge to the unmerge, or until now.
  struct Within {
    GroupId view{};
    Lsn from{};
    Lsn until{std::numeric_limits<uint64_t>::max()};
  };

  // A part begins with what the group was that it was split from.
  void begin_as(const Walk& origin) {
    status_ = origin.status_;
    substatus_ = origin.substatus_;
    since_ = origin.since_;
    assignee_ = origin.assignee_;
    priority_ = origin.priority_;
    created_ = true;
  }

  // Up to a record, that one not; entries come in order.
  Result<void> run(Lsn before = Lsn{std::numeric_limits<uint64_t>::max()}) {
    CAIRN_TRY_ASSIGN(auto records, snapshot_->history(group_->id, kAll));
    for (auto& [lsn, record] : records) {
      if (lsn >= before) break;
      HistoryEntry entry;
      entry.lsn = lsn;
      entry.group = group_->id;
      entry_ = &entry;
      time_ = record.time;
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
    return state_->short_id(state_->find_group(project, number)->id);
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
    since_ = time_;
  }

  // Of occurrences only the one that made the group and those that reopened it are its history.
  Result<void> take(const Occurrence& occurrence) {
    if (created_ && !is_own(occurrence)) {
      say("reopened", status_text(status_, substatus_),
          status_text(Status::Unresolved, Substatus::Regressed));
      return {};
    }
    if (created_) {
      react();
      return {};
    }
    created_ = true;
    assignee_ = occurrence.assignee.value_or("");
    if (occurrence.priority) priority_ = priority_name(static_cast<uint8_t>(*occurrence.priority));
    say("created", "", occurrence.title.value_or(""));
    return {};
  }
  // A resolved view shows an occurrence of its members as a regression; its own status stays.
  bool is_own(const Occurrence& occurrence) const {
    const auto& own = group_->fingerprints;
    return std::any_of(own.begin(), own.end(), [&](FingerprintId id) {
      const auto& named = occurrence.fingerprint;
      return std::find(named.begin(), named.end(), state_->fingerprint(id).value) != named.end();
    });
  }
  // What an occurrence does to a status follows from what it was.
  void react() {
    if (status_ == Status::Resolved) {
      set_status("regressed", Status::Unresolved, Substatus::Regressed);
    } else {
      set_status("escalating", Status::Unresolved, Substatus::Escalating);
    }
  }
  Result<void> take(const StatusChanged& change) {
    set_status("status", change.status, change.substatus);
    return {};
  }
  // What was due: becoming ongoing, or, of what was not old enough for that or is so already,
  // resolved by age.
  Result<void> take(const Ticked&) {
    const TimeUs since = substatus_ == Substatus::New ? group_->first_seen : since_;
    const bool old_enough = raw(time_) - raw(since) >= kOngoingAfterUs;
    const bool lapsed = status_ == Status::Ignored;
    if (lapsed || (substatus_ != Substatus::Ongoing && old_enough)) {
      set_status("ongoing", Status::Unresolved, Substatus::Ongoing);
    } else {
      set_status("resolved_by_age", Status::Resolved, Substatus::None);
    }
    return {};
  }
  Result<void> take(const NoteChanged& change) {
    constexpr std::string_view kWhat[] = {"note", "note_edited", "note_removed"};
    say(kWhat[raw(change.change)], "", change.text);
    return {};
  }
  Result<void> take(const AttentionChanged& change) {
    say(attention_name(change.attention), change.on ? "" : change.who, change.on ? change.who : "");
    return {};
  }
  Result<void> take(const LinkChanged& change) {
    say("link", change.removed ? change.url : "", change.removed ? "" : change.url);
    return {};
  }
  Result<void> take(const StandingChanged& change) {
    say("standing", std::string(standing_name(standing_)),
        std::string(standing_name(change.standing)));
    standing_ = change.standing;
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
    if (merge.primary == group_->number) {
      say("shows", "", names(merge.project, merge.children));
    } else {
      enter(merge.project, merge.primary);
    }
    return {};
  }
  Result<void> take(const ViewMade& made) {
    if (made.number == group_->number) {
      substatus_ = Substatus::Ongoing;
      created_ = true;
      say("created", "", made.title);
    } else {
      enter(made.project, made.number);
    }
    return {};
  }
  void enter(ProjectId project, uint32_t view) {
    say("merged_into", "", name(project, view));
    within.push_back({state_->find_group(project, view)->id, entry_->lsn});
  }
  Result<void> take(const Unmerged& unmerge) {
    if (unmerge.primary == group_->number) {
      say("no_longer_shows", names(unmerge.project, unmerge.children), "");
      return {};
    }
    say("unmerged_from", name(unmerge.project, unmerge.primary), "");
    if (!within.empty()) within.back().until = entry_->lsn;
    return {};
  }
  Result<void> take(const Split& split) {
    if (split.number == group_->number) {
      say("split_off", "", name(split.project, split.part));
      return {};
    }
    say("split_from", "", name(split.project, split.number));
    return {};
  }
  Result<void> take(const Rejoined& rejoined) {
    if (rejoined.part != group_->number) {
      say("got_back", "", name(rejoined.project, rejoined.part));
    } else {
      say("went_back", "", name(rejoined.project, rejoined.number));
    }
    return {};
  }
  Result<void> take(const ActivityAdded& activity) {
    say(activity.kind, "", "");
    return {};
  }
  // Of many links those of this group.
  Result<void> take(const Regrouped& regrouped) {
    for (const Unmerged& unmerge : regrouped.unmerges) {
      if (names_me(unmerge)) CAIRN_TRY(take(unmerge));
    }
    for (const Merged& merge : regrouped.merges) {
      if (names_me(merge)) CAIRN_TRY(take(merge));
    }
    return {};
  }
  template <class Link>
  bool names_me(const Link& link) const {
    if (link.project != group_->project) return false;
    return link.primary == group_->number || std::find(link.children.begin(), link.children.end(),
                                                       group_->number) != link.children.end();
  }
  // Those belong to no group's history.
  Result<void> take(const ExperimentMade&) { return {}; }
  Result<void> take(const ExperimentAdded&) { return {}; }
  Result<void> take(const ExperimentDropped&) { return {}; }
  Result<void> take(const StoreCreated&) { return {}; }
  Result<void> take(const ProjectChanged&) { return {}; }
  Result<void> take(const TypesChanged&) { return {}; }
  Result<void> take(const NothingChanged&) { return {}; }
  Result<void> take(const ReleaseChanged&) { return {}; }
  Result<void> take(const AlertRuleChanged&) { return {}; }
  Result<void> take(const AlertStatusChanged&) { return {}; }
  Result<void> take(const AlertsTicked&) { return {}; }
  Result<void> take(const AlertFired&) { return {}; }
  Result<void> take(const IncidentChanged&) { return {}; }

  const Snapshot* snapshot_;
  const State* state_;
  const Group* group_;
  Status status_ = Status::Unresolved;
  Substatus substatus_ = Substatus::New;
  std::string assignee_;
  std::string priority_ = "by type";
  Standing standing_ = Standing::Kept;
  TimeUs since_{};  // of the status
  TimeUs time_{};   // of the record
  bool created_ = false;
  HistoryEntry* entry_ = nullptr;
};

// A group's own life. That of a part begins with those of the groups before it.
Result<Walk> walk_along(const Snapshot& snapshot, GroupId group) {
  std::vector<GroupId> origins{group};
  const State& state = snapshot.state();
  while (state.group(origins.back()).split_from != GroupId{}) {
    origins.push_back(state.group(origins.back()).split_from);
  }
  Walk walk(snapshot, origins.back());
  for (size_t i = origins.size() - 1; i > 0; --i) {
    CAIRN_TRY(walk.run(state.group(origins[i - 1]).created));
    Walk part(snapshot, origins[i - 1]);
    part.begin_as(walk);
    walk = std::move(part);
  }
  CAIRN_TRY(walk.run());
  return walk;
}

// A group's entries between two records; `from` is the merge that brought in the one below it, and
// `until` the unmerge, which both sides have: they are told once, by the one below.
struct Stretch {
  GroupId group{};
  Lsn from{};
  Lsn until{};
};

void take_stretch(const Stretch& stretch, const Walk& walk, std::vector<HistoryEntry>& out,
                  std::vector<Stretch>& open) {
  const auto by_lsn = [](Lsn lsn, const HistoryEntry& entry) { return lsn < entry.lsn; };
  auto entry = std::upper_bound(walk.entries.begin(), walk.entries.end(), stretch.from, by_lsn);
  for (; entry != walk.entries.end() && entry->lsn < stretch.until; ++entry) {
    out.push_back(*entry);
  }
  const auto ends_by = [](const Walk::Within& time, Lsn lsn) { return time.until <= lsn; };
  auto time = std::lower_bound(walk.within.begin(), walk.within.end(), stretch.from, ends_by);
  for (; time != walk.within.end() && time->from < stretch.until; ++time) {
    open.push_back(
        {time->view, std::max(stretch.from, time->from), std::min(stretch.until, time->until)});
  }
}

}  // namespace

Result<std::vector<HistoryEntry>> group_history(const Snapshot& snapshot, GroupId group) {
  std::vector<HistoryEntry> out;
  std::map<GroupId, Walk> walks;  // views are come by again and again
  std::vector<Stretch> open{{group, Lsn{}, Lsn{std::numeric_limits<uint64_t>::max()}}};
  while (!open.empty()) {
    const Stretch stretch = open.back();
    open.pop_back();
    auto walk = walks.find(stretch.group);
    if (walk == walks.end()) {
      CAIRN_TRY_ASSIGN(Walk made, walk_along(snapshot, stretch.group));
      walk = walks.emplace(stretch.group, std::move(made)).first;
    }
    take_stretch(stretch, walk->second, out, open);
  }
  std::sort(out.begin(), out.end(),
            [](const HistoryEntry& a, const HistoryEntry& b) { return a.lsn < b.lsn; });
  return out;
}

}  // namespace cairn::engine
