// Text -> Query, and text -> lossless tokens. The grammar itself is in grammar.cc (Spirit X3).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "query/ast.h"

namespace cairn::query {

// Limits, so that no query can exhaust stack or time.
inline constexpr size_t kMaxQueryBytes = 64u << 10;
inline constexpr int kMaxQueryDepth = 64;       // nested parentheses
inline constexpr size_t kMaxQueryTerms = 4096;  // filters and phrases; a list is one

// Errors: InvalidArgument with `position` at the offending byte and a message that says what was
// found and what was expected.
Result<Query> parse(std::string_view text);

// Several lines for a person: the message, the query line and a caret under the position.
std::string explain_error(std::string_view query, const Error& error);

}  // namespace cairn::query
