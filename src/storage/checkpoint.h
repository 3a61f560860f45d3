// A checkpoint makes the state of an LSN durable in the index: the sealed head, dirty state, new
// dictionary entries, idempotency keys, history and log positions. One LMDB transaction makes all
// of it count, so that after a crash either all of it is there or none; values of a large segment
// go to the disk ahead of it, where nobody looks (segment.h, stage_segment).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/uuid.h"
#include "model/state.h"
#include "storage/dictionary.h"
#include "storage/head.h"
#include "storage/lmdb_env.h"
#include "storage/segment.h"

namespace cairn::storage {

inline constexpr uint32_t kIndexFormatVersion = 7;
// Of the registry's row in Table::Meta, beside that of CheckpointMeta.
inline constexpr std::string_view kRegistryRowKey = "registry";

// Where a log frame starts (the log's own type is not known to this layer).
struct LogPosition {
  uint64_t file = 0;  // first LSN of the log file
  uint64_t offset = 0;
  bool operator==(const LogPosition&) const = default;
};

struct FrameMark {
  Lsn first_lsn{};
  LogPosition position;
};

struct CheckpointMeta {
  uint32_t index_format = kIndexFormatVersion;
  uint32_t fold_version = 0;
  uint32_t terms_version = 0;
  Uuid store_id;
  Lsn applied{};       // everything up to here is in the index
  Lsn acknowledged{};  // known durable in the log when written (>= applied)
  LogPosition resume;  // frame that holds applied + 1 or precedes it
  TimeUs last_time{};  // of the newest record that carries a time (times never go back)
  uint32_t next_segment = 1;
  uint64_t index_bytes_written = 0;  // over the life of this index, for write amplification
  Lsn base{};  // segments up to here were dropped: the log's base stands for them
  bool operator==(const CheckpointMeta&) const = default;
};

class RowSource;  // row_source.h

// nullopt: the index is new and has no checkpoint yet. Unsupported: written by another format,
// fold or terms version (message: run rebuild). Corruption, Io.
Result<std::optional<CheckpointMeta>> read_meta(const ReadTxn& txn);

// Ids of the segments of the newest checkpoint, ascending. Corruption, Io.
Result<std::vector<SegmentId>> checkpointed_segments(const ReadTxn& txn);
// Erases what an attempt to write a segment left that came to no end: pages of it that an open
// snapshot is older than are used again once that is closed. Must not run beside one that writes.
Result<void> drop_unfinished(LmdbEnv& env);

// Encoded rows of several tables, to be written later. Value type.
class RowBuffer {
 public:
  void add(Table table, std::string_view key, std::string_view value);
  void erase(Table table, std::string_view key);
  Result<void> write(WriteTxn& txn) const;

  // Borrows the buffer.
  struct Change {
    Table table{};
    std::string_view key;
    std::optional<std::string_view> value;  // nullopt: the row is erased
  };
  // In the order they were added.
  std::vector<Change> changes() const;

 private:
  struct Row {
    Table table{};
    uint8_t key_bytes = 0;
    bool erase = false;
    uint32_t value_bytes = 0;
  };
  std::vector<Row> rows_;
  std::string bytes_;  // key and value of each row
};

// The rows of what is dirty in the state, so that they can be written while it goes on changing.
RowBuffer dirty_rows(const model::State& state);
// All rows of the state, for an index that begins with it.
RowBuffer all_rows(const model::State& state);

struct CheckpointInput {
  // As it shall read afterwards. What counts on over the life of the index (next_segment,
  // index_bytes_written) is taken from the index itself when it has a checkpoint.
  CheckpointMeta meta;
  const Head* head = nullptr;       // sealed into a segment when it has occurrences
  const RowBuffer* rows = nullptr;  // of the state
  // What is kept beside it only to be ready sooner: no past of these can be asked.
  const RowBuffer* derived = nullptr;
  const Dictionary* dictionary = nullptr;
  // Idempotency keys used since the last checkpoint, and the records they came with.
  std::span<const std::pair<Hash128, Lsn>> keys;
  std::span<const std::pair<GroupId, Lsn>> activity;
  std::span<const FrameMark> frames;  // sparse: enough to find any LSN's frame by a short scan
};
// On error the index says what it said before: of a large segment, values may lie there that nobody
// looks at and that the next one erases.
Result<CheckpointMeta> write_checkpoint(LmdbEnv& env, const CheckpointInput& input);

// Makes one segment of several (storage/segment.h, merge_segments) and takes it for them in one
// transaction. Like write_checkpoint it must not run beside another one that writes.
Result<CheckpointMeta> merge_in_index(LmdbEnv& env, std::span<const SegmentId> from);

// Only meta.acknowledged changes (clean close with nothing to index). What counts on
// (CheckpointInput) stays as the index has it, here and below.
Result<void> write_meta(LmdbEnv& env, CheckpointMeta meta);
// Drops the segments and frame marks of records up to meta.base, and writes the meta row, all in
// one transaction. Conflict: a segment reaches over meta.base; nothing was changed.
Result<void> drop_removed(LmdbEnv& env, CheckpointMeta meta);

// Fills an empty State from the checkpoint's rows (state_loader.cc): the newest one's, or those of
// an earlier one (undo.h). Corruption, Io.
Result<void> load_state(const ReadTxn& txn, model::State& state);
Result<void> load_state(const RowSource& rows, model::State& state);

Result<bool> has_key(const ReadTxn& txn, const Hash128& key);
// LSNs of records that belong to a group's history, ascending.
Result<std::vector<Lsn>> activity_of(const ReadTxn& txn, GroupId group);
// Every (group, LSN) of the history, ascending (for digests).
Result<void> for_each_activity(const ReadTxn& txn, const std::function<void(GroupId, Lsn)>& fn);
Result<void> for_each_key(const ReadTxn& txn, const std::function<void(const Hash128&, Lsn)>& fn);
// The mark with the largest first_lsn <= lsn.
Result<std::optional<FrameMark>> find_frame(const ReadTxn& txn, Lsn lsn);

}  // namespace cairn::storage
