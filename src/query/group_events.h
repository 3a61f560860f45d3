// The occurrences of one group. Where a search finds issues, this lists what one of them saw: also
// a hidden one's, and, if wanted, without those merged below it.
//
// Thread: any; borrows its arguments for the call, and the parts as long as matches live.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "query/ast.h"
#include "query/part_match.h"
#include "query/search.h"
#include "query/view.h"

namespace cairn::query {

struct GroupScope {
  GroupId group{};     // visible or hidden
  bool alone = false;  // without what is merged below it
};

// The scope's occurrences that match `filter`, part by part; parts without any are left out. What
// the filter says of issues it says of the visible one that shows them; what no issue shows (held
// back, deleted, discarded) matches nothing.
// Precondition: the group exists.
// Errors: InvalidArgument (with its position: what does not bind, or a pipeline, which has no place
// here), NotFound (an issue or project the filter names), Corruption, Io.
Result<std::vector<PartMatch>> match_group(const View& view, const GroupScope& scope,
                                           const Query& filter, TimeUs now);

struct EventOptions {
  TimeUs now{};                   // what relative dates are relative to
  std::optional<uint32_t> limit;  // 1 to kMaxLimit; default: that of the cursor, else kDefaultLimit
  std::string cursor;             // from another page; "" = first page. Its `now` is the first's
  Control control{};
};

struct EventRow {
  Lsn lsn{};
  TimeUs time{};
  FingerprintId fingerprint{};  // the deciding one
};

struct EventPage {
  Lsn lsn{};
  uint64_t total = 0;  // over all pages, exact
  std::vector<EventRow> events;
  std::optional<std::string> next;    // cursor of the next page
  std::optional<std::string> prev;    // and of the one before
  std::vector<std::string> warnings;  // sentences
};

// Newest first by their own times; of one time, the one recorded last.
// Errors: as match_group; InvalidArgument (limit); of a cursor those of cursor_for() (cursor.h).
Result<EventPage> list_events(const View& view, const GroupScope& scope, const Query& filter,
                              const EventOptions& options);

}  // namespace cairn::query
