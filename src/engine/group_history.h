// What happened to an issue: every record of its own, and those of the views it was within while it
// was, with the state before and after.
//
// Thread: that of the snapshot.
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engine/store.h"
#include "model/record.h"

namespace cairn::engine {

struct HistoryEntry {
  Lsn lsn{};
  GroupId group{};  // whose own history it is of: the issue asked for, or a view over it
  // created, regressed, status, assignee, priority; shows, no_longer_shows (as a view);
  // merged_into, unmerged_from; split_off, got_back (what a part left); split_from, went_back (as
  // the part); or the name of a stream's operation: note, label ...
  std::string what;
  std::string before;  // "" = nothing
  std::string after;
  model::Record record;
};

// Oldest first. Errors: Io, Corruption while records are read.
Result<std::vector<HistoryEntry>> group_history(const Snapshot& snapshot, GroupId group);

}  // namespace cairn::engine
