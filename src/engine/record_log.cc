#include "engine/record_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/caught.h"
#include "model/record_codec.h"

namespace cairn::engine {
namespace {

// Marks are kept this far apart: finding a record then means reading about so much log.
constexpr uint64_t kMarkDistanceBytes = 32u << 10;
// Frames and syncs that may wait to be written: enough to go on with during an fdatasync. Who comes
// to read waits until they are durable, so not many more than that (docs/benchmarks.md).
constexpr size_t kMostWaiting = 8;

storage::LogPosition to_storage(const log::FramePosition& position) {
  return {raw(position.file_first_lsn), position.offset};
}

log::FramePosition to_log(const storage::LogPosition& position) {
  return {Lsn{position.file}, position.offset};
}

}  // namespace

RecordLog::RecordLog(FileSystem& files, std::string directory, const Uuid& store_id,
                     std::unique_ptr<log::LogWriter> writer)
    : files_(files),
      directory_(std::move(directory)),
      store_id_(store_id),
      writer_(std::move(writer)),
      worker_("cairn-log", kMostWaiting) {}

void RecordLog::append(std::vector<model::Record>&& records) {
  // std::function copies what it holds, and records shall not be copied.
  auto shared = std::make_shared<std::vector<model::Record>>(std::move(records));
  worker_.post([this, shared] {
    if (failed_) return;
    try {
      if (auto written = write_frame(*shared); !written.ok()) fail(written.error());
    } catch (...) {
      fail(caught_error());
    }
  });
}

void RecordLog::fail(Error error) {
  failed_ = std::move(error);
  has_failed_ = true;
  if (on_failure_) on_failure_();
}

void RecordLog::sync_later(std::function<void()> done) {
  worker_.post([this, done = std::move(done)]() mutable {
    if (failed_) return;
    try {
      sync_shared(std::move(done));
    } catch (...) {
      fail(caught_error());
    }
  });
  ++syncs_asked_;
}

// Leaves the sync to the last one that is queued by now. That one does it whatever came since, so
// that nobody waits for more than what was queued before.
void RecordLog::sync_shared(std::function<void()> done) {
  synced_with_it_.push_back(std::move(done));
  syncs_taken_ += 1;
  if (syncs_taken_ > shared_until_) {
    shared_until_ = std::max<uint64_t>(syncs_taken_, syncs_asked_);
  }
  if (syncs_taken_ < shared_until_) return;
  if (auto synced = writer_->sync(); !synced.ok()) return fail(std::move(synced).error());
  for (const std::function<void()>& each : synced_with_it_) each();
  synced_with_it_.clear();
}

Result<void> RecordLog::written() const {
  if (has_failed_) return *failed_;
  return {};
}

Result<void> RecordLog::append_now(std::span<const model::Record> records) {
  CAIRN_TRY(settle());
  return write_frame(records);
}

Result<void> RecordLog::settle() {
  worker_.wait_idle();
  if (failed_) return *failed_;
  return {};
}

Result<void> RecordLog::sync() {
  CAIRN_TRY(settle());
  return writer_->sync();
}

Result<void> RecordLog::close() {
  CAIRN_TRY(settle());
  return writer_->close();
}

Result<void> RecordLog::write_frame(std::span<const model::Record> records) {
  const Lsn first = next(writer_->last_lsn());
  const std::span<const std::byte> payload = encoder_.encode(records);
  CAIRN_TRY_ASSIGN(
      const log::FramePosition position,
      writer_->append(payload, static_cast<uint32_t>(records.size()), encoder_.plain_bytes()));
  note_frame(first, position);
  return {};
}

void RecordLog::note_frame(Lsn first, const log::FramePosition& position) {
  const std::lock_guard lock(marks_mutex_);
  last_frame_ = to_storage(position);
  if (!marks_.empty()) {
    const storage::LogPosition& newest = marks_.back().position;
    if (newest.file == last_frame_.file &&
        last_frame_.offset < newest.offset + kMarkDistanceBytes) {
      return;
    }
  }
  marks_.push_back({first, last_frame_});
}

std::vector<storage::FrameMark> RecordLog::marks() const {
  const std::lock_guard lock(marks_mutex_);
  return marks_;
}

void RecordLog::forget_marks(Lsn through) {
  const std::lock_guard lock(marks_mutex_);
  std::erase_if(marks_, [&](const storage::FrameMark& mark) { return mark.first_lsn <= through; });
}

storage::LogPosition RecordLog::resume() const {
  const std::lock_guard lock(marks_mutex_);
  return last_frame_;
}

void RecordLog::set_resume(const storage::LogPosition& position) {
  const std::lock_guard lock(marks_mutex_);
  last_frame_ = position;
}

Result<std::unique_ptr<log::LogReader>> RecordLog::reader_at(
    Lsn from, std::optional<storage::LogPosition> start) {
  CAIRN_TRY_ASSIGN(auto reader, log::LogReader::open(files_, directory_, store_id_));
  if (start && start->file != 0) {
    CAIRN_TRY(reader->seek(from, to_log(*start)));
  } else {
    CAIRN_TRY(reader->seek(from));
  }
  return reader;
}

Result<std::unique_ptr<FrameFeed>> RecordLog::feed(Lsn from,
                                                   std::optional<storage::LogPosition> start,
                                                   bool with_terms) {
  CAIRN_TRY_ASSIGN(auto reader, reader_at(from, start));
  return std::make_unique<FrameFeed>(std::move(reader), with_terms);
}

Result<void> RecordLog::replay(Lsn from, std::optional<storage::LogPosition> start,
                               const std::function<Result<void>(Lsn, model::Record&&)>& fn) {
  CAIRN_TRY_ASSIGN(const auto frames, feed(from, start, false));
  while (true) {
    CAIRN_TRY_ASSIGN(DecodedFrame * frame, frames->next());
    if (frame == nullptr) return {};
    Lsn lsn = frame->first_lsn;
    for (model::Record& record : frame->records) {
      if (lsn >= from) CAIRN_TRY(fn(lsn, std::move(record)));
      lsn = next(lsn);
    }
  }
}

Result<std::optional<log::FramePosition>> RecordLog::frame_hint(Lsn lsn,
                                                                const storage::ReadTxn* txn) const {
  {
    const std::lock_guard lock(marks_mutex_);
    const auto after = std::upper_bound(
        marks_.begin(), marks_.end(), lsn,
        [](Lsn wanted, const storage::FrameMark& mark) { return wanted < mark.first_lsn; });
    if (after != marks_.begin()) return std::optional(to_log(std::prev(after)->position));
  }
  if (txn != nullptr) {
    CAIRN_TRY_ASSIGN(const auto mark, storage::find_frame(*txn, lsn));
    if (mark) return std::optional(to_log(mark->position));
  }
  return std::optional<log::FramePosition>();
}

// The frame that holds a record, decoded.
Result<void> RecordLog::read_frame(Lsn lsn, const storage::ReadTxn* txn) {
  frame_.clear();
  CAIRN_TRY_ASSIGN(const auto hint, frame_hint(lsn, txn));
  CAIRN_TRY(reader_->seek(lsn, hint));
  CAIRN_TRY_ASSIGN(const std::optional<log::Frame> frame, reader_->next());
  if (!frame) {
    return make_error(ErrorCode::NotFound, fmt::format("the log has no record {} (yet)", raw(lsn)));
  }
  frame_first_ = frame->first_lsn;
  return model::decode_records(frame->payload, frame->count,
                               [&](model::Record&& record) -> Result<void> {
                                 frame_.push_back(std::move(record));
                                 return {};
                               });
}

Result<model::Record> RecordLog::read_base(Lsn lsn) {
  if (!base_ || base_->lsn() < lsn) {
    CAIRN_TRY_ASSIGN(base_, LogBase::open(files_, directory_, store_id_));
  }
  CAIRN_ASSERT(base_ && base_->lsn() >= lsn);
  return base_->record(lsn);
}

Result<model::Record> RecordLog::read(Lsn lsn, const storage::ReadTxn* txn) {
  const std::lock_guard lock(read_mutex_);
  if (!reader_) {
    CAIRN_TRY_ASSIGN(reader_, log::LogReader::open(files_, directory_, store_id_));
  }
  if (lsn <= reader_->base()) return read_base(lsn);
  if (frame_.empty() || lsn < frame_first_ || raw(lsn) >= raw(frame_first_) + frame_.size()) {
    if (auto found = read_frame(lsn, txn); !found.ok()) {
      // Retention may have come since the reader looked at the files.
      if (lsn <= reader_->base()) return read_base(lsn);
      return std::move(found).error();
    }
  }
  CAIRN_ASSERT(lsn >= frame_first_ && raw(lsn) < raw(frame_first_) + frame_.size());
  return frame_[raw(lsn) - raw(frame_first_)];
}

void RecordLog::base_changed() {
  const std::lock_guard lock(read_mutex_);
  reader_.reset();
  base_.reset();
  frame_.clear();
}

}  // namespace cairn::engine
