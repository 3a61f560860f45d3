// The log as records: encodes what the store appends, finds and decodes what it reads.
//
// Frames are encoded, compressed and written on a thread of their own while the caller makes the
// next ones.
//
// Ownership: borrows the file system. Thread: append, sync, close and replay from one thread at a
// time; the others from any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "engine/frame_feed.h"
#include "engine/log_base.h"
#include "engine/worker.h"
#include "log/log_reader.h"
#include "log/log_writer.h"
#include "model/record.h"
#include "model/record_codec.h"
#include "storage/checkpoint.h"

namespace cairn::engine {

class RecordLog {
 public:
  // `writer` may be null (a read-only store).
  RecordLog(FileSystem& files, std::string directory, const Uuid& store_id,
            std::unique_ptr<log::LogWriter> writer);

  // Starts the thread that writes, which calls `on_failure` once, when something could not be
  // written. Throws std::system_error.
  void start(std::function<void()> on_failure) {
    on_failure_ = std::move(on_failure);
    worker_.start();
  }
  // Appends one frame in the background. Not durable until sync(), which also tells its error.
  void append(std::vector<model::Record>&& records);
  // The same on the calling thread: sooner done when little is left before a sync().
  Result<void> append_now(std::span<const model::Record> records);
  // Waits for what was appended, then makes it durable.
  Result<void> sync();
  // Makes what was appended durable in the background and then calls `done` there; not after an
  // error, which written() and the next sync() tell. Those that wait together share one fdatasync.
  void sync_later(std::function<void()> done);
  // Whether all went well so far, without waiting.
  Result<void> written() const;
  Result<void> close();
  // Waits until nothing is written any more.
  void wait() { worker_.wait_idle(); }
  // The same, and the error of what was.
  Result<void> settle();
  // Precondition: settled.
  Lsn last_lsn() const { return writer_->last_lsn(); }

  // Calls fn for every record from `from` on, until it returns an error or the log ends.
  // `start`: a frame at or before it, if known. Also remembers where frames lie.
  Result<void> replay(Lsn from, std::optional<storage::LogPosition> start,
                      const std::function<Result<void>(Lsn, model::Record&&)>& fn);

  // One record. `txn`: where the index keeps older frame marks; nullptr = none.
  // NotFound: the log ends before it, or it is an occurrence that retention removed.
  Result<model::Record> read(Lsn lsn, const storage::ReadTxn* txn);
  // The log has a new base: what was known of its files no longer holds.
  void base_changed();

  // The same for who folds: frames, with the terms of their occurrences if asked for, whose place
  // it tells by note_frame().
  Result<std::unique_ptr<FrameFeed>> feed(Lsn from, std::optional<storage::LogPosition> start,
                                          bool with_terms);
  void note_frame(Lsn first, const log::FramePosition& position);

  // Frames noted and not yet forgotten, sparse.
  std::vector<storage::FrameMark> marks() const;
  void forget_marks(Lsn through);
  // A frame at or before the newest record: where a replay after a checkpoint starts.
  storage::LogPosition resume() const;
  void set_resume(const storage::LogPosition& position);

 private:
  Result<void> write_frame(std::span<const model::Record> records);
  void sync_shared(std::function<void()> done);
  void fail(Error error);
  Result<std::unique_ptr<log::LogReader>> reader_at(Lsn from,
                                                    std::optional<storage::LogPosition> start);
  Result<model::Record> read_base(Lsn lsn);
  Result<void> read_frame(Lsn lsn, const storage::ReadTxn* txn);
  Result<std::optional<log::FramePosition>> frame_hint(Lsn lsn, const storage::ReadTxn* txn) const;

  FileSystem& files_;
  std::string directory_;
  Uuid store_id_;
  std::unique_ptr<log::LogWriter> writer_;

  mutable std::mutex marks_mutex_;
  std::vector<storage::FrameMark> marks_;
  storage::LogPosition last_frame_;
  model::RecordEncoder encoder_;  // of whoever writes a frame
  // In the background; written by the worker, and read when it is idle or has said so.
  std::optional<Error> failed_;
  std::atomic<bool> has_failed_ = false;
  std::atomic<uint64_t> syncs_asked_ = 0;  // by sync_later(), and in the worker's queue
  // The worker's own.
  uint64_t syncs_taken_ = 0;
  uint64_t shared_until_ = 0;  // this one does the sync of those before it
  std::vector<std::function<void()>> synced_with_it_;
  std::function<void()> on_failure_;
  Worker worker_;

  // For read(): a reader of its own and the frame decoded last, since neighbours are asked for
  // one after the other.
  std::mutex read_mutex_;
  std::unique_ptr<log::LogReader> reader_;
  std::shared_ptr<const LogBase> base_;  // opened when a record behind it is asked for
  std::vector<model::Record> frame_;
  Lsn frame_first_{};
};

}  // namespace cairn::engine
