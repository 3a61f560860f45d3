// The fold, continued: occurrences for which no group is made yet.
#include <algorithm>

#include "model/rules.h"
#include "model/state.h"

namespace cairn::model {
namespace {

int64_t minute_of(TimeUs time) {
  constexpr int64_t kMinuteUs = 60'000'000;
  const int64_t minute = raw(time) / kMinuteUs;
  return raw(time) % kMinuteUs < 0 ? minute - 1 : minute;
}

}  // namespace

// Noise reduction first, then one unit of the type's quota, as in the field.
bool State::held_back(FingerprintId id, const Occurrence& occurrence, At at) {
  Project& project = ensure_project(occurrence.project);
  const bool passes = !project.hold_back || (passes_noise(id, occurrence.type, at) &&
                                             passes_quota(project, occurrence.type, at));
  if (!passes) return true;  // passes_noise() has counted it
  if (held_.erase(id) > 0) dirty_held_.insert(id);
  return false;
}

bool State::passes_noise(FingerprintId id, uint32_t type, At at) {
  const uint32_t limit = this->type(type).noise_limit;
  Held& held = held_[id];
  const bool expired = held.count > 0 && raw(at.time) - raw(held.last) > kNoiseExpiryUs;
  held = Held{id, expired ? 1 : held.count + 1, at.time};
  dirty_held_.insert(id);
  return held.count >= limit;
}

// So many groups of a type within the last hour, in minutes of the clock.
bool State::passes_quota(Project& project, uint32_t type, At at) {
  const int64_t minute = minute_of(at.time);
  dirty_projects_.insert(project.id);
  std::erase_if(project.made,
                [&](const Project::Made& made) { return made.minute <= minute - kQuotaMinutes; });
  uint64_t made = 0;
  Project::Made* now = nullptr;
  for (Project::Made& one : project.made) {
    if (one.type != type) continue;
    made += one.groups;
    if (one.minute == minute) now = &one;
  }
  if (made >= this->type(type).quota_per_hour) return false;
  if (now != nullptr) {
    now->groups += 1;
    return true;
  }
  const Project::Made fresh{type, minute, 1};
  const auto place = std::lower_bound(
      project.made.begin(), project.made.end(), fresh, [](const auto& a, const auto& b) {
        return std::pair(a.minute, a.type) < std::pair(b.minute, b.type);
      });
  project.made.insert(place, fresh);
  return true;
}

}  // namespace cairn::model
