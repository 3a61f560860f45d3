// What stands for the log's first records once retention removed them: the logical state as the
// fold of all of them gave it, every record of them that is no occurrence, and what was removed.
// docs/format.md, section "Base".
//
// Of the occurrences that belong to a group's history (they made the group, or opened it again)
// the base keeps what the history says of them: id, project, fingerprints, title, level, times, but
// none of the event, its evidence or unknown members.
//
// Ownership: borrows the file system, which must outlive it. Thread: any number at a time; const.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "alert/alert_state.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "base/result.h"
#include "base/uuid.h"
#include "engine/retention.h"
#include "model/record.h"
#include "model/state.h"

namespace cairn::log {
class BaseFileReader;
class BaseFileWriter;
struct BlockInfo;
}  // namespace cairn::log

namespace cairn::engine {

// All of a base but the records.
struct BaseState {
  model::State state;
  alert::AlertState alerts;
  std::vector<Hash128> keys;                      // idempotency keys used
  std::vector<std::pair<GroupId, Lsn>> activity;  // which records belong to a group's history
  TimeUs last_time{};                             // times never go back behind it
};

class LogBase {
 public:
  // nullptr: the log has no base, it is whole. Corruption, Unsupported, Io.
  static Result<std::shared_ptr<const LogBase>> open(FileSystem& files,
                                                     const std::string& directory,
                                                     const Uuid& store_id);
  ~LogBase();

  Lsn lsn() const { return removed_.last_lsn; }
  const Removed& removed() const { return removed_; }
  uint64_t bytes() const;

  Result<BaseState> load() const;
  // NotFound: an occurrence that was removed, or behind the base.
  Result<model::Record> record(Lsn lsn) const;
  // The records kept verbatim (none of occurrences) from `from` on, until fn returns an error.
  Result<void> for_each_record(Lsn from,
                               const std::function<Result<void>(Lsn, model::Record&&)>& fn) const;

 private:
  friend class LogBaseWriter;
  LogBase(std::unique_ptr<log::BaseFileReader> file, const Removed& removed);
  using RecordSink = std::function<Result<void>(Lsn, model::Record&&)>;
  Result<void> read_records(size_t block, const RecordSink& fn) const;

  std::unique_ptr<log::BaseFileReader> file_;
  Removed removed_;
};

// Makes the base of a later LSN. Thread: one.
class LogBaseWriter {
 public:
  // `previous`: the present base, whose records are taken along; nullptr = none.
  static Result<std::unique_ptr<LogBaseWriter>> create(FileSystem& files,
                                                       const std::string& directory,
                                                       const Uuid& store_id, Lsn lsn,
                                                       const LogBase* previous);
  ~LogBaseWriter();

  // In the order of LSNs. Occurrences: only those that belong to a group's history.
  Result<void> add_record(Lsn lsn, model::Record&& record);
  // Writes the rest and makes the file durable.
  Result<void> seal(const BaseState& state, const Removed& removed);
  // Makes it the log's base, durably.
  Result<void> install();
  uint64_t bytes() const;

 private:
  explicit LogBaseWriter(std::unique_ptr<log::BaseFileWriter> file);
  Result<void> flush_records();
  Result<void> copy_records(const LogBase& previous);

  std::unique_ptr<log::BaseFileWriter> file_;
  std::vector<Lsn> lsns_;
  std::vector<model::Record> records_;
  size_t record_bytes_ = 0;
};

}  // namespace cairn::engine
