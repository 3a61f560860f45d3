// What is right as it stands, finds nothing, and looks as if something else was meant: a `|` begins
// the pipeline only where it begins a word, `level=error` and `&&` are text. Thread: any.
#pragma once

#include <string>
#include <vector>

#include "query/ast.h"

namespace cairn::query {

// Adds a sentence for each unquoted value or text that looks so.
void warn_of_likely_slips(const Query& query, std::vector<std::string>& warnings);

}  // namespace cairn::query
