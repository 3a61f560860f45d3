// A log record for people and as JSON.
#pragma once

#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "model/record.h"
#include "model/state.h"

namespace cairn::verbs {

// occurrence, store_created, project_changed, types_changed, status_changed, merged, unmerged,
// view_made, split, rejoined, assigned, priority_changed, activity, nothing_changed
std::string_view record_kind(const model::Record& record);

// What happened, in a few words; groups by short id as `state` names them now.
std::string record_summary(const model::Record& record, const model::State& state);

// {"lsn":..,"time":..,"kind":..,"actor":..,"key":..,"body":{..}}
std::string record_json(Lsn lsn, const model::Record& record, const model::State& state);

}  // namespace cairn::verbs
