// `fields`: a list of issues as a table of columns that the query names. search() of such a query
// gives the list itself. Thread: any; borrows its arguments for the call.
#pragma once

#include "base/result.h"
#include "query/binder.h"
#include "query/search.h"
#include "query/view.h"

namespace cairn::query {

// Precondition: pipeline.fields. Errors: as aggregate().
Result<Table> list_fields(const View& view, const Query& query, const Pipeline& pipeline,
                          const SearchOptions& options);

}  // namespace cairn::query
