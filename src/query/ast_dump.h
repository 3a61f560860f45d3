// A query's tree as an s-expression, for `parse` and for tests. Thread: any.
//
//   level:error !env:[a, b*]  ->  (and (= level "error") (not (= env ["a" (* "b" "")])))
//
// Filters: (OP KEY VALUE), OP one of = != > >= < <= contains starts-with ends-with regex; KEY a
// name or (tag NAME TYPE); a list of values in brackets; (* RUN...) a value with wildcards between
// the runs; 'x' around what was quoted. (text VALUE) is free text, (all) no filter. Pipeline
// stages follow behind `|`: (aggregate (calls (count) (uniq user)) (by a b) (every-us N)),
// (top N KEY), (histogram KEY N), (fields COLUMN ...), (trend-us N), (where OP COLUMN VALUE),
// (sort -COLUMN), (limit N); (vs-us N) in an aggregate.
#pragma once

#include <string>

#include "query/ast.h"

namespace cairn::query {

std::string dump(const Query& query);

}  // namespace cairn::query
