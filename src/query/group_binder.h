// The part of binding that concerns properties of the visible issue. Pure; thread: any.
#pragma once

#include "base/result.h"
#include "model/forest.h"
#include "query/ast.h"
#include "query/bound.h"

namespace cairn::query {

// The filter without its negation. Errors: InvalidArgument and NotFound, with position.
Result<Expr> bind_is(const Filter& filter);
Result<Expr> bind_group(const Filter& filter, GroupField field, const model::Forest& forest,
                        TimeUs now);
Expr unassigned();

Error not_a_number(const Value& value);

}  // namespace cairn::query
