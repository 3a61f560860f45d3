// Experiments and sweeps, as far as they need more than the state: rules are evaluated on a
// snapshot, what a regrouping did is read from its record.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "engine/store_impl.h"

namespace cairn::engine {

Result<query::View> Snapshot::view_in(std::string_view experiment) const {
  query::View view = impl_->base;
  if (experiment.empty()) return view;
  CAIRN_TRY_ASSIGN(
      OverlayCache::Grouping grouping,
      impl_->overlays->current(state(), impl_->hold.fold().regrouped(), lsn(), experiment));
  view.overlay = grouping.overlay.get();
  view.root_of_fingerprint = *grouping.roots;
  impl_->groupings.push_back(std::move(grouping));
  return view;
}

query::View Snapshot::view_with(const model::Experiment& experiment) const {
  OverlayCache::Grouping grouping;
  grouping.overlay = std::make_shared<model::Overlay>(state(), experiment);
  grouping.roots =
      std::make_shared<std::vector<GroupId>>(grouping.overlay->roots_by_fingerprint(state()));
  query::View view = impl_->base;
  view.overlay = grouping.overlay.get();
  view.root_of_fingerprint = *grouping.roots;
  impl_->groupings.push_back(std::move(grouping));
  return view;
}

Result<query::RuleFindings> Snapshot::evaluate(std::string_view rule, TimeUs now,
                                               const query::Control& control) const {
  CAIRN_TRY_ASSIGN(const query::Rule parsed, query::parse_rule(rule));
  query::Meter meter(control);
  return query::evaluate(query::watched(impl_->view, meter), parsed, now);
}

Result<model::Regrouping> Snapshot::undo_of(Lsn lsn) const {
  CAIRN_TRY_ASSIGN(const model::Record found, record(lsn));
  const auto* regrouped = std::get_if<model::Regrouped>(&found.body);
  if (regrouped == nullptr) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("record {} is no sweep, promotion or undo: give the LSN that one "
                                  "of these answered with",
                                  raw(lsn)));
  }
  CAIRN_TRY_ASSIGN(const model::Regrouping done,
                   state().named(regrouped->unmerges, regrouped->merges, lsn));
  model::Regrouping undo;
  std::vector<GroupId> children;
  const auto kept = [&](GroupId id) { return state().group(id).standing == model::Standing::Kept; };
  done.merges.for_each_view([&](GroupId view, std::span<const GroupId> merged) {
    children.clear();
    if (!kept(view)) return;
    for (const GroupId child : merged) {
      const model::Group& group = state().group(child);
      if (group.parent == view && group.merged_at == lsn) children.push_back(child);
    }
    if (!children.empty()) undo.cuts.add(view, children);
  });
  // What was taken out goes back, unless it is shown by another issue by now.
  std::unordered_map<GroupId, GroupId> moved;  // child -> its parent by then
  undo.cuts.for_each([&](GroupId, GroupId child) { moved[child] = GroupId{}; });
  const auto parent = [&](GroupId id) {
    const auto by_then = moved.find(id);
    return by_then == moved.end() ? state().parents()[raw(id)] : by_then->second;
  };
  done.cuts.for_each([&](GroupId view, GroupId child) {
    GroupId top = view;
    while (parent(top) != GroupId{}) top = parent(top);
    if (parent(child) != GroupId{} || top == child || !kept(child) || !kept(view)) return;
    undo.merges.add(view, child);
    moved[child] = view;
  });
  return undo;
}

Result<std::vector<FingerprintId>> Snapshot::fingerprints_of(
    std::span<const Uuid> occurrences) const {
  struct Candidate {
    Lsn lsn{};
    size_t index = 0;
    FingerprintId fingerprint{};
  };
  std::vector<Candidate> candidates;
  std::vector<storage::IdCandidate> found;
  std::vector<uint64_t> hashes(occurrences.size());
  for (const auto& [project, settings] : state().projects()) {
    for (size_t i = 0; i < hashes.size(); ++i) {
      hashes[i] = storage::id_hash(occurrences[i], project);
    }
    for (const storage::Part* part : impl_->parts) {
      found.clear();
      part->find_ids(hashes, found);
      for (const auto& [index, ordinal] : found) {
        candidates.push_back({part->lsn(ordinal), index, part->fingerprint(ordinal)});
      }
    }
  }
  // In the order of the log, so that each of its blocks is opened once.
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.lsn < b.lsn; });
  std::vector<FingerprintId> out(occurrences.size());
  for (const Candidate& candidate : candidates) {
    CAIRN_TRY_ASSIGN(const model::Record seen, record(candidate.lsn));
    const auto* occurrence = std::get_if<model::Occurrence>(&seen.body);
    if (occurrence != nullptr && occurrence->id == occurrences[candidate.index]) {
      out[candidate.index] = candidate.fingerprint;
    }
  }
  return out;
}

}  // namespace cairn::engine
