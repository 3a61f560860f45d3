// What a store says of itself: sizes, counts, and digests of what is in it. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/ids.h"
#include "base/uuid.h"
#include "engine/retention.h"

namespace cairn::engine {

struct Digests {
  Hash128 state;  // present logical state
  Hash128 full;   // everything a replay must reproduce
};

struct SegmentStats {
  uint32_t id = 0;
  uint32_t occurrences = 0;
  uint64_t bytes = 0;
  TimeUs min_time{};
  TimeUs max_time{};
  Lsn min_lsn{};
  Lsn max_lsn{};
};

// Where the bytes of the index are; their sum is index_bytes and what LMDB needs for itself.
struct IndexSizes {
  uint64_t dictionary = 0;
  uint64_t postings = 0;  // of segments
  uint64_t columns = 0;   // of segments: LSNs, times, runs and values
  uint64_t ids = 0;       // of segments: occurrence ids and their filter
  uint64_t state = 0;     // groups, fingerprints, projects, types, history, keys, meta
  uint64_t past = 0;      // what leads back to earlier states
  uint64_t log_positions = 0;
  uint64_t other = 0;  // page ends and tree pages of the segments, LMDB's own tables
};
struct TableStats {
  std::string name;
  uint64_t entries = 0;
  uint64_t bytes = 0;  // of its pages
};

// Alert rules at work. Counts of occurrences are since opening.
struct AlertFigures {
  uint64_t rules = 0;          // that are there
  uint64_t subscriptions = 0;  // of them those that count something
  uint64_t evaluations = 0;    // different ones
  uint64_t filters = 0;        // different ones
  uint64_t scanned = 0;        // of them those that every occurrence is held against
  uint64_t watchers = 0;       // rules about what happens to issues
  uint64_t unfilled = 0;       // evaluations whose windows are being filled
  uint64_t troubled = 0;       // rules that cannot be evaluated
  uint64_t occurrences = 0;    // held against filters
  uint64_t asked = 0;          // filters, over all occurrences
  uint64_t matched = 0;        // the same
  uint64_t late = 0;           // occurrences that no window to come could hold
  uint64_t early = 0;          // that are too far ahead of their record
  uint64_t not_kept = 0;       // for which there was no room
  uint64_t ticks = 0;          // evaluated
  uint64_t logged_values = 0;  // by ticks
  uint64_t memory_bytes = 0;   // of filters and windows; 0 = not asked for
  uint64_t bucket_bytes = 0;   // of it what was counted takes; the same
};

struct Stats {
  Uuid store_id;
  Lsn last_lsn{};        // visible
  Lsn checkpoint_lsn{};  // in the index
  uint64_t occurrences = 0;
  uint64_t groups = 0;
  uint64_t issues = 0;        // visible groups with occurrences, their own or below them
  uint64_t hidden = 0;        // groups merged into others
  uint64_t out_of_sight = 0;  // groups deleted or discarded
  uint64_t held_back = 0;     // occurrences that no issue was made for yet
  uint64_t fingerprints = 0;
  uint64_t projects = 0;
  uint64_t log_files = 0;
  uint64_t log_bytes = 0;
  uint64_t index_bytes = 0;  // pages in use
  uint64_t index_file_bytes = 0;
  uint64_t index_bytes_written = 0;  // over the life of the index
  uint32_t head_occurrences = 0;
  uint64_t head_bytes = 0;
  uint32_t readers = 0;
  uint32_t max_readers = 0;
  uint32_t older_states = 0;  // that snapshots still read, beside the newest
  uint64_t state_copies = 0;  // made for writing beside these, since opening
  std::vector<SegmentStats> segments;
  Lsn base_lsn{};           // records up to here are in the log's base; 0 = the log is whole
  uint64_t base_bytes = 0;  // of the base
  Removed removed;          // by retention
  uint64_t kept_occurrences = 0;
  IndexSizes index;
  std::vector<TableStats> tables;
  uint64_t index_free_bytes = 0;  // pages that later writes use again
  std::optional<Digests> digests;
};

}  // namespace cairn::engine
