// What a checkpoint would hold: rows, overwritten by the dirty ones.
#pragma once

#include <map>
#include <utility>

#include "model/state.h"

namespace cairn::testing {

struct Disk {
  std::map<ProjectId, model::Project> projects;
  std::map<GroupId, model::Group> groups;
  std::map<FingerprintId, model::Fingerprint> fingerprints;
  std::map<GroupId, model::Care> care;
  std::map<FingerprintId, model::Held> held;
  std::map<std::pair<ProjectId, uint32_t>, model::Release> releases;
  Uuid store_id;
  bool strict = false;
  TimeUs last_tick{};
  std::map<uint32_t, model::GroupType> types;

  void write(model::State& state) {
    for (const ProjectId id : state.dirty_projects()) projects[id] = *state.project(id);
    for (const GroupId id : state.dirty_groups()) groups[id] = state.group(id);
    for (const FingerprintId id : state.dirty_fingerprints()) {
      fingerprints[id] = state.fingerprint(id);
    }
    for (const GroupId id : state.dirty_care()) care[id] = state.care(id);
    for (const model::Held& one : state.dirty_held()) held[one.id] = one;
    for (const model::Release* one : state.dirty_releases()) {
      releases[{one->project, one->number}] = *one;
    }
    if (state.dirty_registry()) {
      store_id = state.store_id();
      strict = state.strict_types();
      last_tick = state.last_tick();
      types = state.types_set();
    }
    state.clear_dirty();
  }

  // What went wrong first is the answer.
  Result<model::State> read() const {
    model::State state;
    std::vector<model::GroupType> registered;
    for (const auto& [id, type] : types) registered.push_back(type);
    state.restore_registry(store_id, strict, registered, last_tick);
    for (const auto& [id, project] : projects) CAIRN_TRY(state.restore_project(project));
    for (const auto& [id, group] : groups) CAIRN_TRY(state.restore_group(group));
    for (const auto& [id, one] : fingerprints) CAIRN_TRY(state.restore_fingerprint(one));
    for (const auto& [id, one] : care) {
      model::Care row = one;  // of one that is empty the state has none, nor its id
      row.id = id;
      CAIRN_TRY(state.restore_care(row));
    }
    for (const auto& [id, one] : held) CAIRN_TRY(state.restore_held(one));
    for (const auto& [id, one] : releases) CAIRN_TRY(state.restore_release(one));
    CAIRN_TRY(state.finish_restore());
    return state;
  }
};

}  // namespace cairn::testing
