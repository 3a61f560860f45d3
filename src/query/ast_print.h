// A query's tree as text that parses to the same tree: what explain and saved searches show.
// Parentheses stand only where they are needed. A plain value that begins with "//" comes back in
// quotes, which changes nothing that it finds. Thread: any.
#pragma once

#include <string>

#include "query/ast.h"

namespace cairn::query {

// Precondition: the query comes from parse(); what no text means cannot be printed.
std::string print(const Query& query);

}  // namespace cairn::query
