#include "model/overlay.h"

#include <algorithm>

#include "base/assert.h"
#include "model/state.h"

namespace cairn::model {
namespace {

// All members of an issue are kept, or none is.
bool kept(const State& state, GroupId id) { return state.group(id).standing == Standing::Kept; }

}  // namespace

Overlay::Overlay(const State& state, const Experiment& experiment)
    : name_(experiment.name), parents_(state.parents().begin(), state.parents().end()) {
  const auto known = [&](GroupId view, GroupId child) {
    return raw(view) <= group_count() && raw(child) <= group_count();
  };
  for (const ExperimentStep& step : experiment.steps) {
    if (experiment.is_promoted(step)) continue;
    step.facts.cuts.for_each([&](GroupId view, GroupId child) {
      if (known(view, child)) cut(state, view, child);
    });
    step.facts.merges.for_each([&](GroupId primary, GroupId child) {
      if (known(primary, child)) merge(state, primary, child);
    });
  }
  tops_ = {};
  for (const auto& [child, parent] : links_) {
    if (child != GroupId{} && state.parents()[raw(child)] != parent) {
      added_[parent].push_back(child);
    }
  }
}

void Overlay::extend(const State& state) {
  const auto parents = state.parents();
  parents_.insert(parents_.end(), parents.begin() + static_cast<ptrdiff_t>(parents_.size()),
                  parents.end());
}

// The visible group over it. Every group on the way gets a shortcut.
GroupId Overlay::top(GroupId id) {
  if (tops_.empty()) tops_ = parents_;
  GroupId at = id;
  while (tops_[raw(at)] != GroupId{}) at = tops_[raw(at)];
  while (tops_[raw(id)] != GroupId{}) id = std::exchange(tops_[raw(id)], at);
  return at;
}

// The same without shortcuts, which a cut would have to throw away.
GroupId Overlay::walk_up(GroupId id) const {
  while (parents_[raw(id)] != GroupId{}) id = parents_[raw(id)];
  return id;
}

void Overlay::cut(const State& state, GroupId view, GroupId child) {
  if (!kept(state, view)) return;
  if (parents_[raw(child)] != view) {
    const GroupId view_top = walk_up(view);
    if (view_top == walk_up(child)) note({true, view, child, view_top, view_top});
    return;
  }
  const auto link = link_of_.find(child);
  if (link != link_of_.end()) {
    links_[link->second].first = GroupId{};
    link_of_.erase(link);
  } else if (state.parents()[raw(child)] == view) {
    base_cuts_.push_back(child);
  }
  parents_[raw(child)] = GroupId{};
  tops_.clear();  // shortcuts may lead past the cut
}

void Overlay::merge(const State& state, GroupId primary, GroupId child) {
  const GroupId above = top(primary);
  const GroupId below = top(child);
  if (above == below || !kept(state, above) || !kept(state, below)) return;
  if (above != primary || below != child) note({false, primary, child, above, below});
  parents_[raw(below)] = above;
  tops_[raw(below)] = above;
  link_of_[below] = links_.size();
  links_.emplace_back(below, above);
}

void Overlay::note(OverlayConflict conflict) {
  ++conflict_count_;
  if (conflicts_.size() < kMaxConflicts) conflicts_.push_back(conflict);
}

std::vector<GroupId> Overlay::roots_by_fingerprint(const State& state) const {
  return state.roots_by_fingerprint(parents_);
}

// The links in order are what the state can follow one by one: every child was visible when its
// link was made; links of the state that were in the way are cut first.
Regrouping Overlay::regrouping(const State& state) const {
  Regrouping out;
  if (std::equal(parents_.begin(), parents_.end(), state.parents().begin(),
                 state.parents().end())) {
    return out;
  }
  std::vector<GroupId> cuts = base_cuts_;
  const auto view_of = [&](GroupId child) { return state.parents()[raw(child)]; };
  std::stable_sort(cuts.begin(), cuts.end(),
                   [&](GroupId a, GroupId b) { return view_of(a) < view_of(b); });
  for (size_t i = 0; i < cuts.size();) {
    size_t end = i + 1;
    while (end < cuts.size() && view_of(cuts[end]) == view_of(cuts[i])) ++end;
    out.cuts.add(view_of(cuts[i]), std::span(cuts).subspan(i, end - i));
    i = end;
  }
  std::vector<GroupId> children;
  GroupId view{};
  const auto flush = [&] {
    if (!children.empty()) out.merges.add(view, children);
    children.clear();
  };
  for (const auto& [child, parent] : links_) {
    if (child == GroupId{}) continue;
    if (parent != view) flush();
    view = parent;
    children.push_back(child);
  }
  flush();
  return out;
}

}  // namespace cairn::model
