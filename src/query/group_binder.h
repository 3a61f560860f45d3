// The part of binding that concerns properties of the visible issue. Pure; thread: any.
#pragma once

#include "base/result.h"
#include "model/forest.h"
#include "query/ast.h"
#include "query/bound.h"
#include "query/search.h"

namespace cairn::query {

// The filter without its negation. Errors: InvalidArgument and NotFound, with position.
Result<Expr> bind_is(const Filter& filter);
Result<Expr> bind_group(const Filter& filter, GroupField field, const model::Forest& forest,
                        TimeUs now, const Viewer& viewer);
// Issues with nothing in it: one whose values are people or releases.
Expr without(GroupField field);

// What is: takes, and what a field takes whose values are words; else empty.
std::vector<std::string_view> words_of_is();
std::vector<std::string_view> words_of(GroupField field);

}  // namespace cairn::query
