#include "engine/overlay_cache.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/forest.h"

namespace cairn::engine {

Result<OverlayCache::Grouping> OverlayCache::current(const model::State& state,
                                                     const std::vector<GroupId>& regrouped,
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
  if (entry != entries_.end() &&
      (entry->created != found->created || entry->steps != found->steps.size() ||
       entry->regrouped != regrouped.size())) {
    entries_.erase(entry);
    entry = entries_.end();
  }
  if (entry == entries_.end()) {
    Entry made;
    made.name = found->name;
    made.created = found->created;
    made.steps = found->steps.size();
    made.regrouped = regrouped.size();
    made.overlay = std::make_shared<model::Overlay>(state, *found);
    made.roots = std::make_shared<std::vector<GroupId>>(made.overlay->roots_by_fingerprint(state));
    entries_.push_front(std::move(made));
    if (entries_.size() > kKept) entries_.pop_back();
  } else {
    entries_.splice(entries_.begin(), entries_, entry);
    follow(state, entries_.front());
  }
  return Grouping{entries_.front().overlay, entries_.front().roots};
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
