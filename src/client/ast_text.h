// A parsed query as an indented tree, for people.
#pragma once

#include <string>

#include "query/ast.h"

namespace cairn::client {

// Whole lines.
std::string ast_text(const query::Query& query);

}  // namespace cairn::client
