// The log as records: encodes what the store appends, finds and decodes what it reads.
//
// Ownership: borrows the file system. Thread: append/sync alone; read() from any thread (one at a
// time inside).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "log/log_reader.h"
#include "log/log_writer.h"
#include "model/record.h"
#include "storage/checkpoint.h"

namespace cairn::engine {

class RecordLog {
 public:
  // `writer` may be null (a read-only store).
  RecordLog(FileSystem& files, std::string directory, const Uuid& store_id,
            std::unique_ptr<log::LogWriter> writer);

  // Appends one frame. Not durable until sync().
  Result<void> append(std::span<const model::Record> records);
  Result<void> sync() { return writer_->sync(); }
  Result<void> close() { return writer_->close(); }
  Lsn last_lsn() const { return writer_->last_lsn(); }

  // Calls fn for every record from `from` on, until it returns an error or the log ends.
  // `start`: a frame at or before it, if known. Also remembers where frames lie.
  Result<void> replay(Lsn from, std::optional<storage::LogPosition> start,
                      const std::function<Result<void>(Lsn, model::Record&&)>& fn);

  // One record. `txn`: where the index keeps older frame marks; nullptr = none.
  // NotFound: the log ends before it.
  Result<model::Record> read(Lsn lsn, const storage::ReadTxn* txn);

  // Frames seen since the last forget_marks(), sparse.
  const std::vector<storage::FrameMark>& marks() const { return marks_; }
  void forget_marks();
  // A frame at or before the newest record: where a replay after a checkpoint starts.
  storage::LogPosition resume() const { return last_frame_; }
  void set_resume(const storage::LogPosition& position) { last_frame_ = position; }

 private:
  void note_frame(Lsn first, const log::FramePosition& position);
  Result<std::optional<log::FramePosition>> frame_hint(Lsn lsn, const storage::ReadTxn* txn) const;

  FileSystem& files_;
  std::string directory_;
  Uuid store_id_;
  std::unique_ptr<log::LogWriter> writer_;

  std::vector<storage::FrameMark> marks_;
  storage::LogPosition last_frame_;

  // For read(): a reader of its own and the frame decoded last, since neighbours are asked for
  // one after the other.
  std::mutex read_mutex_;
  std::unique_ptr<log::LogReader> reader_;
  std::vector<model::Record> frame_;
  Lsn frame_first_{};
};

}  // namespace cairn::engine
