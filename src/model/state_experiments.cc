// The fold, continued: experiments, and records that regroup many groups at once.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "model/misfit.h"
#include "model/state.h"

namespace cairn::model {

bool valid_experiment_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kMaxExperimentNameBytes &&
         std::all_of(name.begin(), name.end(), allowed);
}

const Experiment* State::find_experiment(std::string_view name) const {
  const auto found = experiments_.find(name);
  return found == experiments_.end() ? nullptr : &found->second;
}

// `experiment` before the change: how many rows the index has of it is known only the first time.
void State::note_change(const Experiment& experiment, size_t first_step) {
  const auto rows =
      static_cast<uint32_t>(experiment.created == Lsn{} ? 0 : experiment.steps.size() + 1);
  const auto step = static_cast<uint32_t>(first_step);
  const auto [change, first] =
      dirty_experiments_.try_emplace(experiment.name, ExperimentChange{rows, step});
  if (!first) change->second.first_step = std::min(change->second.first_step, step);
}

Result<Applied> State::fold(const ExperimentMade& made, At at) {
  if (!valid_experiment_name(made.name) || experiments_.contains(made.name)) {
    return misfit(at.lsn,
                  fmt::format("it makes an experiment '{}', which is there already or is no "
                              "name",
                              made.name));
  }
  Experiment experiment;
  experiment.name = made.name;
  note_change(experiment, 0);
  experiment.at = made.at;
  experiment.created = at.lsn;
  experiments_.emplace(made.name, std::move(experiment));
  return Applied{};
}

Result<Applied> State::fold(const ExperimentAdded& added, At at) {
  const auto found = experiments_.find(added.name);
  if (found == experiments_.end()) {
    return misfit(at.lsn,
                  fmt::format("a step of the experiment '{}', which is not there", added.name));
  }
  CAIRN_TRY_ASSIGN(Regrouping facts, named(added.unmerges, added.merges, at.lsn));
  Experiment& experiment = found->second;
  note_change(experiment, experiment.steps.size());
  experiment_words_ += facts.words();
  experiment.steps.push_back({added.rule, at.lsn, std::move(facts)});
  return Applied{};
}

Result<Applied> State::fold(const ExperimentDropped& dropped, At at) {
  const auto found = experiments_.find(dropped.name);
  if (found == experiments_.end()) {
    return misfit(at.lsn,
                  fmt::format("it drops the experiment '{}', which is not there", dropped.name));
  }
  note_change(found->second, 0);
  for (const ExperimentStep& step : found->second.steps) experiment_words_ -= step.facts.words();
  experiments_.erase(found);
  return Applied{};
}

// --- many links at once -----------------------------------------------------------------------

Result<Regrouping> State::named(const std::vector<Unmerged>& unmerges,
                                const std::vector<Merged>& merges, Lsn lsn) const {
  At at;
  at.lsn = lsn;
  Regrouping out;
  const auto take = [&](const auto& links, ViewLinks& into) -> Result<void> {
    for (const auto& link : links) {
      CAIRN_TRY_ASSIGN(const GroupId view, named(link.project, link.primary, at));
      CAIRN_TRY_ASSIGN(const std::vector<GroupId> children, named(link.project, link.children, at));
      into.add(view, children);
    }
    return {};
  };
  CAIRN_TRY(take(unmerges, out.cuts));
  CAIRN_TRY(take(merges, out.merges));
  return out;
}

Result<void> State::check_fits(const Regrouping& regrouping) const {
  std::unordered_map<GroupId, GroupId> moved;  // child -> its parent by then
  const auto parent = [&](GroupId id) {
    const auto found = moved.find(id);
    return found == moved.end() ? parents_[raw(id)] : found->second;
  };
  Result<void> fits;
  const auto refuse = [&](GroupId child, std::string_view what, GroupId view) {
    fits = make_error(ErrorCode::Conflict,
                      fmt::format("{} {} {}", short_id(child), what, short_id(view)));
  };
  const auto kept = [&](GroupId id) { return group(id).standing == Standing::Kept; };
  regrouping.cuts.for_each([&](GroupId view, GroupId child) {
    if (!fits.ok()) return;
    if (!kept(view)) return refuse(child, "cannot leave what is deleted or discarded:", view);
    if (parent(child) != view) return refuse(child, "is not merged into", view);
    moved[child] = GroupId{};
  });
  regrouping.merges.for_each([&](GroupId view, GroupId child) {
    if (!fits.ok()) return;
    if (child == view || group(child).project != group(view).project) {
      return refuse(child, "cannot be merged into", view);
    }
    if (!kept(child) || !kept(view)) {
      return refuse(child, "is deleted or discarded, or is that what was to show it:", view);
    }
    if (parent(child) != GroupId{}) return refuse(child, "is shown within", parent(child));
    // A view may be hidden, but not below what shall go below it.
    GroupId top = view;
    while (parent(top) != GroupId{}) top = parent(top);
    if (top == child) return refuse(view, "is shown within", child);
    moved[child] = view;
  });
  return fits;
}

Result<Applied> State::fold(const Regrouped& regrouped, At at) {
  CAIRN_TRY_ASSIGN(const Regrouping links, named(regrouped.unmerges, regrouped.merges, at.lsn));
  if (const auto fits = check_fits(links); !fits.ok()) {
    return misfit(at.lsn, "a regrouping where " + fits.error().message);
  }
  Applied applied;
  const auto touch = [&](GroupId view, std::span<const GroupId> children) {
    applied.touched.push_back(view);
    applied.touched.insert(applied.touched.end(), children.begin(), children.end());
    applied.regrouped.insert(applied.regrouped.end(), children.begin(), children.end());
  };
  links.cuts.for_each_view([&](GroupId view, std::span<const GroupId> children) {
    for (const GroupId child : children) set_parent(child, GroupId{}, Lsn{});
    change(view).children.erase_if([&](GroupId child) { return group(child).parent != view; });
    forget_reopened(view);
    touch(view, children);
  });
  links.merges.for_each_view([&](GroupId view, std::span<const GroupId> children) {
    for (const GroupId child : children) set_parent(child, view, at.lsn);
    IdList<GroupId>& shown = change(view).children;
    for (const GroupId child : children) shown.push_back(child);
    touch(view, children);
  });
  // Once each: a group's history has this record once.
  std::sort(applied.touched.begin(), applied.touched.end());
  applied.touched.erase(std::unique(applied.touched.begin(), applied.touched.end()),
                        applied.touched.end());
  if (regrouped.cause == RegroupCause::Promotion) {
    if (const auto found = experiments_.find(regrouped.what); found != experiments_.end()) {
      note_change(found->second, found->second.steps.size());
      found->second.promoted = at.lsn;
    }
  }
  return applied;
}

}  // namespace cairn::model
