// The fold once more, slow and plain: it keeps every occurrence and every rule reads straight from
// the list. Groups are named by strings such as "5/3" (project/number), fingerprints by "5/abc";
// one that a deleted group took along is "5/abc~". Written from docs/semantics.md alone.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/record.h"
#include "model/state.h"

namespace cairn::testing {

class NaiveFold {
 public:
  struct Seen {
    uint64_t arrival = 0;
    std::string decider;  // fingerprint
    model::Occurrence occurrence;
    TimeUs at{};  // record time
  };
  // An occurrence of a member that a resolved view did not expect.
  struct Reopening {
    std::string by;
    TimeUs at{};
    uint64_t turn = 0;
    bool reviewed = false;
    std::string release;
  };
  struct ForecastGiven {
    TimeUs made{};
    std::vector<uint32_t> ceilings;
  };
  struct Group {
    std::vector<Seen> seen;   // its own, in order of arrival
    std::vector<Seen> heard;  // those that arrived since its status changed
    ProjectId project{};
    uint32_t type = 0;
    int priority = 50;
    int initial_priority = 50;
    bool priority_locked = false;
    std::vector<Reopening> reopenings;      // since the view was resolved
    std::vector<std::string> regressed_in;  // releases, in order of regressions
    std::string title;                      // of a view that was made
    model::Face face;                       // since the last split or rejoin of it,
    std::vector<model::Occurrence> since;   // and what came after that
    std::string split_from;
    model::Status status = model::Status::Unresolved;
    model::Substatus substatus = model::Substatus::New;
    TimeUs status_since{};
    uint64_t reviewed_turn = 0;  // 0 = not since the status changed
    std::string assignee;
    std::string parent;  // "" = visible
    std::set<std::string> fingerprints;
    model::Standing standing = model::Standing::Kept;

    model::SnoozeTerms snooze;
    model::Resolution resolution;
    std::optional<ForecastGiven> forecast;

    std::vector<model::Note> notes;
    uint32_t last_note = 0;
    std::set<std::string> bookmarked_by;
    std::set<std::string> subscribed_by;
    std::map<std::string, TimeUs> seen_by;
    std::vector<model::ExternalLink> links;

    bool reopened() const { return !reopenings.empty(); }
  };
  struct Release {
    std::string version;
    TimeUs date{};
    std::vector<std::string> commits;
  };
  struct Project {
    model::FingerprintPolicy policy = model::FingerprintPolicy::First;
    uint32_t auto_resolve_hours = 0;
    uint32_t escalation_threshold = 0;
    bool hold_back = false;
    std::vector<Release> releases;  // in order of registering
    // Groups made while it held back: type and minute of the clock.
    std::vector<std::pair<uint32_t, int64_t>> made;
  };

  std::map<std::string, Group> groups;
  std::map<std::string, std::string> leaf_of;                 // fingerprint -> group
  std::map<std::string, std::vector<Seen>> waiting;           // of fingerprints without a group
  std::map<std::string, std::multiset<std::string>> decided;  // fingerprint -> occurrence ids
  std::vector<std::string> fingerprints;                      // in order of first appearance
  std::map<ProjectId, Project> projects;
  std::map<ProjectId, uint32_t> last_numbers;
  std::map<uint32_t, model::GroupType> types;
  std::map<std::string, size_t> reached;  // how often each rule had its way

  static std::string name(ProjectId project, const std::string& rest) {
    return std::to_string(raw(project)) + "/" + rest;
  }
  static std::string name(ProjectId project, uint32_t number) {
    return name(project, std::to_string(number));
  }

  // Any record (naive_workflow.cc).
  void apply(const model::Record& record);

  // --- occurrences, the forest and splits (naive_fold.cc) ---
  void see(const model::Occurrence& o, TimeUs now);
  std::string root(std::string group) const;
  // The group and everything below it.
  std::set<std::string> members(const std::string& view) const;
  std::set<std::string> children(const std::string& view) const;
  // The last title that says something; else the first culprit; else none.
  static model::Face face(const Group& group);
  std::string make_view(ProjectId project, const std::string& title,
                        const std::vector<std::string>& children, TimeUs now);
  // What the newest of its own occurrences by these fingerprints shows; else what it shows.
  model::Face newest_face(const Group& group, const std::set<std::string>& by) const;
  void split(ProjectId project, const std::string& from, const std::set<std::string>& moved,
             const model::Face& part_face, const model::Face& rest_face);
  void rejoin(const std::string& name);
  // After links of the forest were cut.
  void forget_reopened();

  // --- what becomes of issues (naive_workflow.cc) ---
  void set_status(const std::string& group, model::Status status, model::Substatus substatus,
                  TimeUs now);
  void tick(const model::Ticked& tick, TimeUs now);
  std::optional<TimeUs> due_at(const std::string& group) const;
  std::vector<std::string> forecasts_due(TimeUs now) const;
  model::ShownStatus shown_status(const std::string& group) const;
  bool for_review(const std::string& group) const;
  // "" = deleted or discarded.
  std::string issue_of(const std::string& group) const;
  // Occurrences held back without a day of silence in between.
  uint32_t noise(const std::string& fingerprint) const;
  model::GroupType type(uint32_t id) const;
  std::vector<Release> newest_releases(ProjectId project) const;
  bool names_versions(ProjectId project) const;
  std::string newest_release(ProjectId project) const;
  static std::optional<TimeUs> first_seen(const std::vector<Seen>& of);
  static std::optional<TimeUs> last_seen(const std::vector<Seen>& of);
  static std::string user_of(const model::Occurrence& o);
  static std::string release_of(const model::Occurrence& o);
  // Of the earliest, and of these the first to arrive.
  static std::string first_release(std::vector<Seen> of);
  std::set<std::string> regressed_in(const std::string& view) const;

 private:
  void own(const std::string& fingerprint, const std::string& group);
  void appear(const std::string& fingerprint);
  void move(const std::string& from, const std::string& to,
            const std::set<std::string>& fingerprints);

  void react(const std::string& group, const model::Occurrence& o, TimeUs now);
  void reopen_views(const std::string& leaf, const model::Occurrence& o, TimeUs now);
  bool held_back(const std::string& fingerprint, const model::Occurrence& o, TimeUs now);
  bool condition_met(const Group& group, TimeUs now);
  bool above_forecast(const Group& group, TimeUs now) const;
  bool above_threshold(const Group& group, TimeUs now) const;
  bool covered(const Group& group, const model::Occurrence& o, TimeUs now);
  bool older(ProjectId project, const std::string& a, const std::string& b, TimeUs now);
  Release& register_release(ProjectId project, const std::string& version, TimeUs date);
  bool ongoing_due(const Group& group, TimeUs now) const;
  bool resolving_due(const Group& group, TimeUs now) const;
  void retire(const std::string& group);

  void take(const model::StatusChanged& change, TimeUs now);
  void take(const model::ReleaseChanged& change, TimeUs now);
  void take(const model::NoteChanged& change, const std::string& actor, TimeUs now);
  void take(const model::AttentionChanged& change, TimeUs now);
  void take(const model::LinkChanged& change);
  void take(const model::StandingChanged& change);
  void take(const model::Merged& merge);
  void take(const model::Unmerged& unmerge);
  void take(const model::Regrouped& regrouped);
  void take(const model::ProjectChanged& change);

  uint64_t turn_ = 0;  // of records, and of occurrences
};

}  // namespace cairn::testing
