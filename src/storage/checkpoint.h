// A checkpoint makes the state of an LSN durable in the index, all in one LMDB transaction: the
// sealed head, dirty state, new dictionary entries, idempotency keys, history and log positions.
// After a crash either all of it is there or none.
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

namespace cairn::storage {

inline constexpr uint32_t kIndexFormatVersion = 2;

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
  bool operator==(const CheckpointMeta&) const = default;
};

// nullopt: the index is new and has no checkpoint yet. Unsupported: written by another format,
// fold or terms version (message: run rebuild). Corruption, Io.
Result<std::optional<CheckpointMeta>> read_meta(const ReadTxn& txn);

struct CheckpointInput {
  CheckpointMeta meta;                  // as it shall read afterwards; next_segment is advanced
  const Head* head = nullptr;           // sealed into a segment when it has occurrences
  const model::State* state = nullptr;  // dirty parts are written
  const Dictionary* dictionary = nullptr;
  std::span<const Hash128> keys;  // idempotency keys used since the last checkpoint
  std::span<const std::pair<GroupId, Lsn>> activity;
  std::span<const FrameMark> frames;  // sparse: enough to find any LSN's frame by a short scan
};
// The caller afterwards clears head and dirty marks. On error nothing changed on disk.
Result<CheckpointMeta> write_checkpoint(LmdbEnv& env, const CheckpointInput& input);

// Only meta.acknowledged changes (clean close with nothing to index).
Result<void> write_meta(LmdbEnv& env, const CheckpointMeta& meta);

// Fills an empty State from the checkpoint. Corruption, Io.
Result<void> load_state(const ReadTxn& txn, model::State& state);

Result<bool> has_key(const ReadTxn& txn, const Hash128& key);
// LSNs of records that belong to a group's history, ascending.
Result<std::vector<Lsn>> activity_of(const ReadTxn& txn, GroupId group);
// Every (group, LSN) of the history, ascending (for digests).
Result<void> for_each_activity(const ReadTxn& txn, const std::function<void(GroupId, Lsn)>& fn);
Result<void> for_each_key(const ReadTxn& txn, const std::function<void(const Hash128&)>& fn);
// The mark with the largest first_lsn <= lsn.
Result<std::optional<FrameMark>> find_frame(const ReadTxn& txn, Lsn lsn);

}  // namespace cairn::storage
