// The occurrences of an issue, newest first, with their bodies: those of one page are read, no
// others.
//
// Thread: that of the snapshot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/store.h"
#include "query/group_events.h"

namespace cairn::engine {

struct IssueEvents {
  uint64_t total = 0;  // over all pages, exact
  std::vector<Snapshot::Event> events;
  std::optional<std::string> next;    // cursor of the next page
  std::optional<std::string> prev;    // and of the one before
  std::vector<std::string> warnings;  // sentences
};

// The snapshot is that of the cursor: Store::snapshot_for. `filter` is a query without a pipeline;
// "" = all. Errors: those of query::parse and query::list_events, of whose control that of the
// options also ends the reading; Io, Corruption while records are read.
Result<IssueEvents> issue_events(const Snapshot& snapshot, const query::GroupScope& scope,
                                 std::string_view filter, const query::EventOptions& options);

}  // namespace cairn::engine
