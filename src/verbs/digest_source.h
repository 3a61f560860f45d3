// A store's answers to what a digest asks (alert/digest.h), and the records of a digest out of what
// alerts told.
//
// Borrow the snapshot; thread: that of the snapshot.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alert/digest.h"
#include "engine/store.h"
#include "query/meter.h"
#include "verbs/demand.h"

namespace cairn::verbs {

// Whose alerts a digest is of, as people write it.
struct DigestSelection {
  std::vector<std::string> projects;  // numbers or slugs; empty = all
  std::vector<std::string> rules;     // numbers or names; empty = all
};

// The rule as it is now; nullptr: there is none of that number any more.
using RuleFinder = std::function<const alert::Rule*(uint32_t number)>;

// Picks out of notifications those that belong to a digest: firings of issue rules, and incidents
// that open on an issue. Projects and rules that are not there yet select nothing.
class DigestPicker {
 public:
  // `rights`: of who asks; nothing of other projects is picked.
  DigestPicker(const model::State& state, const DigestSelection& selection, const Rights& rights,
               RuleFinder find_rule);
  // Without the time of the occurrence, which tell_times() finds: the record's instead.
  std::optional<alert::DigestRecord> pick(const alert::Notification& notification) const;

 private:
  bool wants(ProjectId project) const;
  bool wants(const alert::Notification& notification) const;

  const Rights rights_;
  const bool any_project_;
  std::vector<ProjectId> projects_;
  std::vector<std::string> rules_;
  RuleFinder find_rule_;
};

// A record, and the occurrence that fired it.
struct PickedRecord {
  alert::DigestRecord record;
  std::string occurrence;  // id, hex; "" = none
};
// The records with the own times of their occurrences, as far as these are there.
// Errors: those of Snapshot::for_each_event.
Result<std::vector<alert::DigestRecord>> tell_times(const engine::Snapshot& snapshot,
                                                    std::vector<PickedRecord> picked,
                                                    const query::Control& control);

// What the snapshot says: counts and trends through queries, in its experiment if it has one.
class SnapshotDigestSource final : public alert::DigestSource {
 public:
  SnapshotDigestSource(const engine::Snapshot& snapshot, const query::Control& control)
      : snapshot_(snapshot), forest_(snapshot.forest()), control_(control) {}

  GroupId visible(ProjectId project, uint32_t number) override;
  bool unresolved(GroupId issue) override;
  alert::DigestIssue describe(GroupId issue) override;
  // Errors of both: those of query::search.
  Result<std::vector<alert::DigestCounts>> counts(std::span<const GroupId> issues, TimeUs first,
                                                  TimeUs last) override;
  Result<std::vector<std::vector<uint64_t>>> trends(std::span<const GroupId> issues,
                                                    const alert::DigestChart& chart) override;

 private:
  // Calls fn with the place of each issue that matches `condition` and its row.
  Result<void> ask(std::span<const GroupId> issues, const std::string& condition,
                   query::SearchOptions options,
                   const std::function<void(size_t, query::IssueRow&)>& fn) const;

  const engine::Snapshot& snapshot_;
  const model::Forest forest_;
  const query::Control& control_;
};

struct DigestQuestion {
  DigestSelection selection;
  Rights rights{};  // of who asks
  alert::DigestRange range{};
};
// The digest of those of the notifications that are selected.
// Errors: those of the queries; Exhausted and Closed of the control.
Result<alert::Digest> digest_of(const engine::Snapshot& snapshot,
                                std::span<const alert::Notification> notifications,
                                const DigestQuestion& question, const RuleFinder& find_rule,
                                const query::Control& control);
// The rules that the snapshot has, which is borrowed.
RuleFinder rules_of(const engine::Snapshot& snapshot);

}  // namespace cairn::verbs
