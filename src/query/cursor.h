// Resume tokens of search pages: the sort key and id of the last row given out. Opaque text
// (base64url) with a checksum; bound to the store, query and sort it was made for. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "base/uuid.h"
#include "query/search.h"

namespace cairn::query {

// Pages hold rows in descending order of (key, id): the largest key comes first.
struct Cursor {
  int64_t key = 0;
  GroupId id{};
  uint64_t shown = 0;  // rows of all pages so far
};

// What a cursor is good for.
struct CursorScope {
  Uuid store;
  std::string_view query;  // borrowed
  Sort sort{};
  std::string_view experiment = {};  // borrowed
};

std::string encode_cursor(const Cursor& cursor, const CursorScope& scope);
// Errors: InvalidArgument (not such a text, changed, or of another store, query or sort).
Result<Cursor> decode_cursor(std::string_view text, const CursorScope& scope);

}  // namespace cairn::query
