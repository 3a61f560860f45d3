#include "engine/overlay_cache.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/forest.h"

namespace cairn::engine {

Result<OverlayCache::Grouping> OverlayCache::current(const model::State& state,
                                                     const std::vector<GroupId>& regrouped, Lsn lsn,
                                                     std::string_view experiment) {
  const model::Experiment* found = state.find_experiment(experiment);
  if (found == nullptr) {
    return make_error(ErrorCode::NotFound,
                      fmt::format("no experiment '{}': `experiment STORE list` "
                                  "lists them",
                                  experiment));
  }
  const std::lock_guard guard(mutex_);
  auto entry = std::find_if(entries_.begin(), entries_.end(),
                            [&](const Entry& one) { return one.name == experiment; });
  if (entry != entries_.end() && lsn < entry->lsn) {
    // Of an older version that is still being read: for this one alone.
    const Entry made = make(state, *found);
    return Grouping{made.overlay, made.roots};
  }
  if (entry != entries_.end() &&
      (entry->created != found->created || entry->steps != found->steps.size() ||
       entry->regrouped != regrouped.size())) {
    entries_.erase(entry);
    entry = entries_.end();
  }
  if (entry == entries_.end()) {
    entries_.push_front(make(state, *found));
    entries_.front().regrouped = regrouped.size();
    if (entries_.size() > kKept) entries_.pop_back();
  } else {
    entries_.splice(entries_.begin(), entries_, entry);
    follow(state, entries_.front());
  }
  entries_.front().lsn = lsn;
  return Grouping{entries_.front().overlay, entries_.front().roots};
}

OverlayCache::Entry OverlayCache::make(const model::State& state,
                                       const model::Experiment& experiment) {
  Entry made;
  made.name = experiment.name;
  made.created = experiment.created;
  made.steps = experiment.steps.size();
  made.overlay = std::make_shared<model::Overlay>(state, experiment);
  made.roots = std::make_shared<std::vector<GroupId>>(made.overlay->roots_by_fingerprint(state));
  return made;
}

void OverlayCache::give_back(std::vector<Grouping>&& groupings) {
  const std::lock_guard guard(mutex_);
  groupings.clear();
}

void OverlayCache::follow(const model::State& state, Entry& entry) {
  if (entry.overlay->group_count() < state.group_count()) {
    if (entry.overlay.use_count() > 1) {
      entry.overlay = std::make_shared<model::Overlay>(*entry.overlay);
    }
    entry.overlay->extend(state);
  }
  if (entry.roots->size() == state.leaves().size()) return;
  if (entry.roots.use_count() > 1) {
    entry.roots = std::make_shared<std::vector<GroupId>>(*entry.roots);
  }
  for (size_t id = entry.roots->size(); id < state.leaves().size(); ++id) {
    entry.roots->push_back(model::Forest(state, entry.overlay.get()).issue_of(state.leaves()[id]));
  }
}

}  // namespace cairn::engine
