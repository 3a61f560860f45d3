// A `|` begins the pipeline only where it begins a word: in `level:error| count()` it is part of
// the value, and the rest is text, which finds nothing. Thread: any.
#pragma once

#include <string>
#include <vector>

#include "query/ast.h"

namespace cairn::query {

// Adds a sentence for each unquoted value or text where a pipeline seems to be meant.
void warn_of_glued_pipes(const Query& query, std::vector<std::string>& warnings);

}  // namespace cairn::query
