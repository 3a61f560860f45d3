// Resume tokens of search pages: the sort key and id of the last row given out. Opaque text
// (base64url) with a checksum; bound to the query and the sort it was made for. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "query/search.h"

namespace cairn::query {

// Pages hold rows in descending order of (key, id): the largest key comes first.
struct Cursor {
  int64_t key = 0;
  GroupId id{};
};

std::string encode_cursor(const Cursor& cursor, std::string_view query, Sort sort);
// Errors: InvalidArgument (not such a text, changed, or of another query or sort).
Result<Cursor> decode_cursor(std::string_view text, std::string_view query, Sort sort);

}  // namespace cairn::query
