// Resume tokens of lists that are read page by page, of issues and of occurrences. Opaque text
// (base64url), authenticated with a key of the store. A cursor says which moment the list is of
// and between which rows its page begins, and it fits one list alone.
//
// A list is pinned to the LSN and the `now` of its first page: walking its pages, forwards and
// backwards, gives that list, whatever comes in meanwhile. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/mac.h"
#include "base/result.h"
#include "query/search.h"
#include "query/view.h"

namespace cairn::query {

// How long after its first page a list can be read.
inline constexpr int64_t kCursorLifeUs = 24 * 3600 * kMicrosPerSecond;

// What a store makes cursors with, now. Views borrow it.
struct CursorSeal {
  MacKey key;      // of the store
  TimeUs clock{};  // the store's, not a question's `now`: tells how old a cursor is
  Lsn base{};      // retention removed occurrences up to here
};

// The moment a list is of.
struct CursorPin {
  Lsn lsn{};
  Lsn base{};     // what retention had removed
  TimeUs now{};   // the first page's: dates and scores are relative to it
  TimeUs made{};  // when, by the store's clock
};

// Between which rows a page begins. Rows stand in descending order of (key, id).
struct Cursor {
  CursorPin pin;
  int64_t key = 0;  // of the row before the page or, backwards, behind it
  uint64_t id = 0;
  uint64_t begin = 0;  // rows of the list in front of that place
  uint32_t size = 0;   // rows of a page, when nothing else is said
  bool backward = false;
};

// Which list, whatever moment.
struct CursorScope {
  Uuid store;
  std::string_view list;  // what is listed: a query, or an issue and a filter; borrowed
  Sort sort{};
  std::string_view experiment = {};  // borrowed
  const Viewer* viewer = nullptr;    // borrowed; nullptr: nobody asks
};

// Precondition: view.seal.
CursorScope cursor_scope(const View& view, std::string_view list, Sort sort,
                         const Viewer* viewer = nullptr);

// The pin of a list that begins here. Precondition: view.seal.
CursorPin pin_here(const View& view, TimeUs now);

std::string encode_cursor(const Cursor& cursor, const CursorScope& scope, const CursorSeal& seal);

// Errors: InvalidArgument (no such text, changed, of another store or list), NotFound (older than
// kCursorLifeUs, or retention came in between), Conflict (retention came before its list, and the
// view is from before that).
Result<Cursor> decode_cursor(std::string_view text, const CursorScope& scope,
                             const CursorSeal& seal);
// The same of any list: for who has to find the moment before asking.
Result<CursorPin> decode_pin(std::string_view text, const CursorSeal& seal);

// The cursor a question comes with. Errors: as decode_cursor; Unsupported (the view has no seal);
// InvalidArgument (it is of another LSN than the view's).
Result<Cursor> cursor_for(const View& view, std::string_view text, const CursorScope& scope);

// Which rows of a list a page has: `room` from `begin` on.
struct PageSpan {
  uint64_t begin = 0;
  uint64_t room = 0;
};
// `size`: rows of a page; `end`: of the whole list.
PageSpan page_span(const std::optional<Cursor>& cursor, uint64_t size, uint64_t end);

// One row of a page: its place among all.
struct RowPlace {
  int64_t key = 0;
  uint64_t id = 0;
};
struct PageLinks {
  std::optional<std::string> next;
  std::optional<std::string> prev;
};
// The cursors of a page: of rows [begin, begin + room) of `end`, of which `first` and `last` are
// the outermost. Precondition: it has rows; view.seal.
PageLinks page_links(const View& view, const CursorScope& scope, const CursorPin& pin,
                     const PageSpan& span, uint64_t end, uint32_t size, const RowPlace& first,
                     const RowPlace& last);

// Why there are no cursors, for people; without a key of the store, or, with a reason, why that
// cannot be had. Precondition: view.seal is nullptr.
std::string why_no_cursors(const View& view);
inline constexpr std::string_view kNoCursors =
    "This store has no readable file cursor.key, so that lists cannot be read on beyond their "
    "first page; the file is made when the store is opened for writing, 'cairn compact' for one "
    "does that.";

}  // namespace cairn::query
