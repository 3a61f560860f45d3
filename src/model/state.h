// The fold: the present logical state as a pure function of the records, in order.
//
// No clock, no randomness, no I/O: time enters only as record time. Same records, same state.
// kFoldVersion is stored with every checkpoint; another version means: rebuild from the log.
//
// Thread: const functions are safe to call concurrently; apply() and restore_*() need to be alone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/block_vector.h"
#include "base/hash.h"
#include "base/id_list.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/slot_map.h"
#include "base/text.h"
#include "base/text_pool.h"
#include "model/dirty_set.h"
#include "model/due_queue.h"
#include "model/experiment.h"
#include "model/group.h"
#include "model/record.h"
#include "model/releases.h"
#include "model/workflow.h"

namespace cairn::model {

inline constexpr uint32_t kFoldVersion = 5;

// At most so many groups change in one tick, the longest due first; the rest in the next.
inline constexpr size_t kMaxDueAtOnce = 25'000;

class State {
 public:
  // --- reading -------------------------------------------------------------------------------
  const Uuid& store_id() const { return store_id_; }
  bool strict_types() const { return strict_types_; }
  // Registered (known or set) type, or unknown_group_type(id).
  GroupType type(uint32_t id) const;
  bool type_registered(uint32_t id) const;
  const std::map<uint32_t, GroupType>& types_set() const { return types_; }
  const std::map<ProjectId, Project>& projects() const { return projects_; }
  const Project* project(ProjectId id) const;
  const Project* find_project(std::string_view slug) const;  // in any case

  // Groups and fingerprints are dense: ids 1 .. count.
  uint32_t group_count() const { return static_cast<uint32_t>(groups_.size()); }
  const Group& group(GroupId id) const;  // precondition: 1 <= id <= count
  const Group* find_group(ProjectId project, uint32_t number) const;
  uint32_t fingerprint_count() const { return static_cast<uint32_t>(fingerprints_.size()); }
  const Fingerprint& fingerprint(FingerprintId id) const;  // precondition: 1 <= id <= count
  const Fingerprint* find_fingerprint(ProjectId project, std::string_view value) const;

  // The visible issue over a group: itself, or the top of its chain of parents.
  GroupId root_of(GroupId id) const;
  // Per fingerprint the visible issue: index = raw(FingerprintId), entry 0 unused. This is the
  // small array that merges change; one pass over groups and fingerprints builds it.
  std::vector<GroupId> roots_by_fingerprint() const;
  // The same packed: per group the one it is merged into, 0 = visible; per fingerprint the group
  // that owns it, 0 = none. Index = raw(id), entry 0 unused.
  std::span<const GroupId> parents() const { return parents_; }
  std::span<const GroupId> leaves() const { return leaves_; }
  // roots_by_fingerprint() of another forest over the same groups.
  std::vector<GroupId> roots_by_fingerprint(std::span<const GroupId> parents) const;
  // The group and everything merged below it, the group first.
  std::vector<GroupId> members(GroupId id) const;
  Totals totals(GroupId id) const;
  // A visible issue's: its own, but regressed where a member reopened it since.
  ShownStatus shown_status(GroupId id) const;
  // Unresolved, changed by itself (new, regressed, escalating) and not looked at since.
  bool for_review(GroupId id) const;
  // The issue over a group as searches see it: 0 when that is deleted or discarded.
  GroupId issue_of(GroupId id) const;
  // What a group has beside its status; one that is empty for most.
  const Care& care(GroupId id) const;
  const Releases& releases(ProjectId project) const;
  const std::unordered_map<FingerprintId, Held>& held() const { return held_; }
  // Fingerprints without an issue: held back, deleted or discarded.
  bool all_shown() const { return held_.empty() && out_of_sight_ == 0; }
  uint32_t out_of_sight() const { return out_of_sight_; }  // groups deleted or discarded

  // When the next transition of a group is due that time alone brings; nullopt: none is.
  std::optional<TimeUs> due_at(GroupId id) const;
  // Record time of the newest tick; until the first, of the first record after the store's own.
  TimeUs last_tick() const { return last_tick_; }
  // Whether a tick at that time would change anything.
  bool anything_due(TimeUs time);
  // Groups whose forecast is to be renewed by then, at most so many, the oldest forecasts first.
  std::vector<GroupId> forecasts_due(TimeUs time, size_t limit = SIZE_MAX) const;
  // Whose level and culprit an issue shows: itself, or, having no occurrences of its own, the
  // member seen last.
  const Group& face_of(GroupId id) const;
  // Where a part goes back to: the nearest group it comes from that owns fingerprints. 0: it was
  // not split off.
  GroupId rejoins(GroupId part) const;
  std::string short_id(GroupId id) const;
  // "SHOP-3K", "issue:SHOP-3K", or a decimal GroupId, also written #12. NotFound: well formed, but
  // no such project or number (the message tells what there is); InvalidArgument: no issue's form.
  Result<GroupId> find_issue(std::string_view reference) const;

  using Experiments = std::map<std::string, Experiment, std::less<>>;
  const Experiments& experiments() const { return experiments_; }
  const Experiment* find_experiment(std::string_view name) const;
  // Groups and list lengths that the steps of all experiments hold.
  size_t experiment_words() const { return experiment_words_; }
  // Whether a regrouping fits, link by link; else which of them does not, and why (Conflict).
  Result<void> check_fits(const Regrouping& regrouping) const;
  // Groups by id of a record's (project, number); Corruption, as of record `lsn`.
  Result<Regrouping> named(const std::vector<Unmerged>& unmerges, const std::vector<Merged>& merges,
                           Lsn lsn) const;

  // --- folding -------------------------------------------------------------------------------
  // Errors: Corruption when the record does not fit the state (a log this build did not write);
  // the state is then unchanged. An occurrence of a known fingerprint allocates nothing, unless
  // its title or culprit is one that no group has.
  Result<Applied> apply(const Record& record, Lsn lsn);

  // --- persistence ---------------------------------------------------------------------------
  // Ids changed since the last clear_dirty(), ascending.
  std::vector<GroupId> dirty_groups() const;
  std::vector<FingerprintId> dirty_fingerprints() const;
  std::vector<ProjectId> dirty_projects() const;
  // Experiments changed, made or dropped; those dropped are not in experiments() any more.
  const std::map<std::string, ExperimentChange>& dirty_experiments() const {
    return dirty_experiments_;
  }
  bool dirty_registry() const;  // store id, strictness or types
  // Rows beside the groups: of what is no longer there, an empty one.
  std::vector<GroupId> dirty_care() const { return {dirty_care_.begin(), dirty_care_.end()}; }
  std::vector<Held> dirty_held() const;
  std::vector<const Release*> dirty_releases() const;
  const std::unordered_map<GroupId, Care>& all_care() const { return care_; }
  const std::map<ProjectId, Releases>& all_releases() const { return releases_; }
  void clear_dirty();
  // Makes room for as many as will be restored.
  void reserve(size_t groups, size_t fingerprints);
  // Keeps titles and culprits, of which groups have many in common, once.
  TextPool& texts() { return texts_; }
  // Projects first, then groups and fingerprints, each in ascending id order, groups and
  // fingerprints without gaps; Corruption otherwise. Marks nothing dirty. One thread may restore
  // groups while another one restores fingerprints.
  Result<void> restore_project(Project project);
  Result<void> restore_group(Group group);
  Result<void> restore_fingerprint(Fingerprint fingerprint);
  // Row 0 of an experiment, then its steps. Corruption: a group that is not there, another order.
  // After the groups.
  Result<void> restore_experiment(Experiment experiment);
  Result<void> restore_step(std::string_view experiment, ExperimentStep step);
  void restore_registry(const Uuid& store_id, bool strict, std::vector<GroupType> types,
                        TimeUs last_tick = {});
  // After groups and fingerprints; releases of a project by number. Empty ones are left out.
  Result<void> restore_care(Care care);
  Result<void> restore_held(const Held& held);
  Result<void> restore_release(Release release);
  // After the last restore: no fingerprint is there twice, references that point both ways agree,
  // and the forest has no cycle. Corruption otherwise; the state must then not be used (walks up
  // the forest may not end).
  Result<void> finish_restore();

  // --- digests -------------------------------------------------------------------------------
  // Present logical state: projects, types, groups with every own field, forest, counts and
  // membership. No LSNs, no record times (status_since), no store id, no orders of arrival or
  // merging, no history. Equal for equal states however they came about.
  Hash128 state_digest() const;
  // The same with all of these (everything of State that a replay must reproduce).
  Hash128 replay_digest() const;

 private:
  friend class FoldAhead;

  // When and where the record stands that is being folded, and who it is of.
  struct At {
    TimeUs time{};
    Lsn lsn{};
    std::string_view actor;
  };

  Result<Applied> fold(const Occurrence& occurrence, At at);
  Result<Applied> fold(const StoreCreated& created, At at);
  Result<Applied> fold(const ProjectChanged& change, At at);
  Result<Applied> fold(const TypesChanged& change, At at);
  Result<Applied> fold(const StatusChanged& change, At at);
  Result<Applied> fold(const Merged& merge, At at);
  Result<Applied> fold(const Unmerged& unmerge, At at);
  Result<Applied> fold(const ViewMade& made, At at);
  Result<Applied> fold(const Split& split, At at);
  Result<Applied> fold(const Rejoined& rejoined, At at);
  Result<Applied> fold(const Assigned& change, At at);
  Result<Applied> fold(const PriorityChanged& change, At at);
  Result<Applied> fold(const ActivityAdded& activity, At at);
  Result<Applied> fold(const NothingChanged& nothing, At at);
  Result<Applied> fold(const ExperimentMade& made, At at);
  Result<Applied> fold(const ExperimentAdded& added, At at);
  Result<Applied> fold(const ExperimentDropped& dropped, At at);
  Result<Applied> fold(const Regrouped& regrouped, At at);
  Result<Applied> fold(const ReleaseChanged& change, At at);
  Result<Applied> fold(const Ticked& tick, At at);
  Result<Applied> fold(const NoteChanged& change, At at);
  Result<Applied> fold(const AttentionChanged& change, At at);
  Result<Applied> fold(const LinkChanged& change, At at);
  Result<Applied> fold(const StandingChanged& change, At at);
  // Records of alerts, which are folded beside this (alert::AlertState).
  template <class Body>
  Result<Applied> fold(const Body&, At) {
    return Applied{};
  }

  // --- what occurrences and time do to statuses (state_transitions.cc) ---
  void set_status(GroupId id, Status status, Substatus substatus, At at);
  void escalate(GroupId id, At at);
  void become_ongoing(GroupId id, At at);
  // An occurrence of the group itself; true: its status changed.
  bool react(GroupId id, const Occurrence& occurrence, At at);
  bool advance_snooze(Care& care, const Occurrence& occurrence, At at);
  bool advance_forecast(Care& care, const Group& group, At at);
  // An occurrence of a hidden group: views above it that are resolved open again.
  void note_regression(GroupId id, const Occurrence& occurrence);
  void reopen_views(GroupId leaf, const Occurrence& occurrence, At at, Applied& applied);
  // After a cut below the view: what groups that are no longer under it did to it, or to the views
  // above it, is undone.
  void forget_reopened(GroupId view);
  bool covered(const Group& group, const Occurrence& occurrence, At at) const;
  void happen(GroupId id, At at);
  void fill_due();
  void watch(GroupId id);
  void settle_care(GroupId id);
  Care& change_care(GroupId id);
  const Release& ensure_release(ProjectId project, std::string_view version, TimeUs date);

  // --- fingerprints without a group (state_held.cc) ---
  // Counts the occurrence of a fingerprint without a group; true: a group is to be made.
  bool passes_noise(FingerprintId id, uint32_t type, At at);
  bool passes_quota(Project& project, uint32_t type, At at);
  bool held_back(FingerprintId id, const Occurrence& occurrence, At at);

  FingerprintId deciding_fingerprint(const Occurrence& occurrence) const;
  FingerprintPolicy policy_of(ProjectId project) const;
  GroupId create_leaf(const Occurrence& occurrence, At at);
  FingerprintId link(ProjectId project, std::string_view value);
  // Entries without a group become the leaf's, with what was held back of them.
  void link_unknown(const Occurrence& occurrence, GroupId leaf, Applied& applied);
  // The group a record names, or Corruption.
  Result<GroupId> named(ProjectId project, uint32_t number, At at) const;
  // The same for the children of a merge or unmerge: at least one, none twice.
  Result<std::vector<GroupId>> named(ProjectId project, const std::vector<uint32_t>& numbers,
                                     At at) const;

  Project& ensure_project(ProjectId id);
  void rename(Project& project, std::string slug);
  Error unknown_project(std::string_view slug) const;
  static uint32_t fingerprint_key(ProjectId project, std::string_view value);
  FingerprintId find_fingerprint_id(ProjectId project, std::string_view value) const;
  // Takes a new one (with the next id) into the arrays and indexes.
  void add(Group&& group);
  void add(Group&& group, std::vector<GroupId>& numbers);  // numbers: those of its project
  void add(Fingerprint fingerprint);
  // False: there is another one of that project and value.
  bool index(FingerprintId id);
  // Those restored, but for the last `behind`.
  void index_restored(uint32_t behind);
  // What follows from the standing of groups, and from what is held back.
  Result<void> restore_standings();
  Result<void> check_held() const;
  // So that it takes no text's memory when the group has the same one already.
  void overwrite(Text& field, std::string_view value);
  // The next group of a project: number, id, created; the rest is the caller's.
  Group next_group(ProjectId project, At at);
  void observe_title(Group& group, std::string_view title, std::string_view culprit);
  void observe(Group& group, const Fingerprint& decided_by, bool creates,
               const Occurrence& occurrence);
  Result<void> check_next_number(ProjectId project, uint32_t number, At at) const;
  Result<void> check_kept(GroupId id, At at) const;
  // Gives a fingerprint, with all it saw so far, to a group.
  void move_fingerprint(FingerprintId id, GroupId leaf);
  void copy_waiting(GroupId group, GroupId part);
  static Applied regroup(std::vector<GroupId> touched, std::vector<GroupId> regrouped);
  // A group's own totals, from those of its fingerprints.
  void sum_up(GroupId id);
  void show_face(Group& group, const Face& face);
  void set_parent(GroupId child, GroupId parent, Lsn merged_at);
  void note_change(const Experiment& experiment, size_t first_step);
  // For changing: marked dirty.
  Group& change(GroupId id);
  Fingerprint& change(FingerprintId id);
  // Index = raw(GroupId), entry 0 unused.
  std::vector<GroupId> roots_by_group(std::span<const GroupId> parents) const;
  Hash128 digest(bool replay) const;

  Uuid store_id_;
  bool strict_types_ = false;
  TimeUs last_tick_{};
  bool escalations_ = false;  // some project has an escalation threshold
  std::map<uint32_t, GroupType> types_;
  std::map<ProjectId, Project> projects_;
  std::map<ProjectId, Releases> releases_;
  std::unordered_map<GroupId, Care> care_;        // none of them empty
  std::unordered_map<FingerprintId, Held> held_;  // those without a leaf
  std::unordered_set<FingerprintId> retired_;     // those of deleted groups: found no more
  uint32_t out_of_sight_ = 0;                     // groups deleted or discarded
  BlockVector<Group> groups_;                     // index raw(id) - 1
  BlockVector<Fingerprint> fingerprints_;         // index raw(id) - 1
  TextPool texts_;                                // titles and culprits

  // Indexes over the above.
  std::map<std::string, ProjectId, std::less<>> projects_by_slug_;        // by slug_key()
  std::unordered_map<ProjectId, std::vector<GroupId>> groups_by_number_;  // index number - 1
  // By fingerprint_key(), or, when another one has that key, by the next free key after it. The
  // texts themselves are kept once, in fingerprints_.
  SlotMap<uint32_t> fingerprints_by_hash_;
  uint32_t restored_index_ = 0;  // fingerprints that restore_fingerprint() has put into it
  std::vector<FingerprintId> restored_again_;  // those of the text of another one
  // Group::parent and Fingerprint::leaf again, packed: every snapshot after a merge reads them all.
  // Index = raw(id), entry 0 unused.
  std::vector<GroupId> parents_ = {GroupId{}};
  std::vector<GroupId> leaves_ = {GroupId{}};

  Experiments experiments_;
  size_t experiment_words_ = 0;

  DirtySet<GroupId> dirty_groups_;
  DirtySet<FingerprintId> dirty_fingerprints_;
  std::set<ProjectId> dirty_projects_;
  bool dirty_registry_ = false;
  std::map<std::string, ExperimentChange> dirty_experiments_;
  std::set<GroupId> dirty_care_;
  std::set<FingerprintId> dirty_held_;
  std::set<std::pair<ProjectId, uint32_t>> dirty_releases_;  // by number
  std::vector<GroupId> restated_;  // by the record at hand: Applied::restated
  DueQueue due_;
  bool due_filled_ = false;
};

}  // namespace cairn::model
