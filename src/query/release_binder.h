// The part of binding that concerns releases: their parts, their order, the newest one. Pure;
// thread: any.
#pragma once

#include "base/result.h"
#include "model/state.h"
#include "query/ast.h"
#include "query/bound.h"

namespace cairn::query {

// Whether the value asks for the newest release: release:latest.
bool asks_for_latest(const Filter& filter, const EventField& field, const Value& value);

// What is of the newest release of its project: by version where the project names its releases so,
// else by date. Of occurrences, or of issues by a field of theirs whose values are releases.
Expr latest_releases(const model::State& state);
Expr latest_releases(const model::State& state, GroupField field);

// One value of release.package, release.version or release.build. Errors: InvalidArgument with
// position.
Result<TextMatch> bind_release_part(const Filter& filter, const EventField& field,
                                    const Value& value);

}  // namespace cairn::query
