// Values of the engine as the public ones, and back. Pure; thread: any.
#pragma once

#include "embed/core.h"
//
#include "engine/group_history.h"
#include "engine/issue_events.h"
#include "query/comparison.h"

namespace cairn::embed {

inline TimeUs to_inner(v1::Time time) { return TimeUs{time.time_since_epoch().count()}; }
inline v1::Time to_public(TimeUs time) { return v1::Time(std::chrono::microseconds(raw(time))); }

// Borrows `options` and `clock` for as long as the result is used. Errors: InvalidArgument (sort).
Result<query::SearchOptions> to_inner(const v1::QueryOptions& options, TimeUs now, Clock& clock);
query::Control to_control(const v1::Limits& limits, const v1::Cancellation* cancel, Clock& clock);

v1::Issue to_public(const model::Forest& forest, const query::IssueRow& row);
v1::IssuePage to_public(const model::Forest& forest, const query::SearchPage& page);
v1::Table to_public(query::Table&& table);
v1::Event to_public(const model::State& state, const engine::Snapshot::Event& event);
v1::HistoryEntry to_public(const model::State& state, const engine::HistoryEntry& entry);
v1::Experiment to_public(const std::string& name, const model::Experiment& experiment);
v1::Comparison to_public(const query::Comparison& comparison);
v1::Stats to_public(const engine::Stats& stats);
v1::Outcome to_public(engine::Outcome outcome);

}  // namespace cairn::embed
