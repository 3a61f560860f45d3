// What functions and the fields behind `by` mean: calls and keys of a table. Pure; thread: any.
// Errors: InvalidArgument with position.
#pragma once

#include "base/result.h"
#include "query/ast.h"
#include "query/binder.h"

namespace cairn::query {

// A field of the occurrence, a tag, or a field of the issue that has names for values.
Result<RowKey> bind_row_key(const Key& key);
Result<BoundCall> bind_call(const Call& call);
Result<BoundHistogram> bind_histogram(const HistogramStage& stage);
// A column of `fields`.
Result<BoundColumn> bind_issue_column(const ColumnRef& column);
// `at` is where the length stands.
Result<TrendShape> bind_trend(int64_t length_us, Span at);

}  // namespace cairn::query
