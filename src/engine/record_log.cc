#include "engine/record_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/record_codec.h"

namespace cairn::engine {
namespace {

// Marks are kept this far apart: finding a record then means reading about so much log.
constexpr uint64_t kMarkDistanceBytes = 32u << 10;

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
      writer_(std::move(writer)) {}

Result<void> RecordLog::append(std::span<const model::Record> records) {
  const Lsn first = next(writer_->last_lsn());
  const std::vector<std::byte> payload = model::encode_records(records);
  CAIRN_TRY_ASSIGN(const log::FramePosition position,
                   writer_->append(payload, static_cast<uint32_t>(records.size())));
  note_frame(first, position);
  return {};
}

void RecordLog::note_frame(Lsn first, const log::FramePosition& position) {
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

void RecordLog::forget_marks() { marks_.clear(); }

Result<void> RecordLog::replay(Lsn from, std::optional<storage::LogPosition> start,
                               const std::function<Result<void>(Lsn, model::Record&&)>& fn) {
  CAIRN_TRY_ASSIGN(auto reader, log::LogReader::open(files_, directory_, store_id_));
  if (start && start->file != 0) {
    CAIRN_TRY(reader->seek(from, to_log(*start)));
  } else {
    CAIRN_TRY(reader->seek(from));
  }
  while (true) {
    CAIRN_TRY_ASSIGN(const std::optional<log::Frame> frame, reader->next());
    if (!frame) return {};
    note_frame(frame->first_lsn, frame->position);
    Lsn lsn = frame->first_lsn;
    CAIRN_TRY(model::decode_records(frame->payload, frame->count,
                                    [&](model::Record&& record) -> Result<void> {
                                      const Lsn at = lsn;
                                      lsn = next(lsn);
                                      if (at < from) return {};
                                      return fn(at, std::move(record));
                                    }));
  }
}

Result<std::optional<log::FramePosition>> RecordLog::frame_hint(Lsn lsn,
                                                                const storage::ReadTxn* txn) const {
  const auto after = std::upper_bound(
      marks_.begin(), marks_.end(), lsn,
      [](Lsn wanted, const storage::FrameMark& mark) { return wanted < mark.first_lsn; });
  if (after != marks_.begin()) return std::optional(to_log(std::prev(after)->position));
  if (txn != nullptr) {
    CAIRN_TRY_ASSIGN(const auto mark, storage::find_frame(*txn, lsn));
    if (mark) return std::optional(to_log(mark->position));
  }
  return std::optional<log::FramePosition>();
}

Result<model::Record> RecordLog::read(Lsn lsn, const storage::ReadTxn* txn) {
  const std::lock_guard lock(read_mutex_);
  if (frame_.empty() || lsn < frame_first_ || raw(lsn) >= raw(frame_first_) + frame_.size()) {
    frame_.clear();
    if (!reader_) {
      CAIRN_TRY_ASSIGN(reader_, log::LogReader::open(files_, directory_, store_id_));
    }
    CAIRN_TRY_ASSIGN(const auto hint, frame_hint(lsn, txn));
    CAIRN_TRY(reader_->seek(lsn, hint));
    CAIRN_TRY_ASSIGN(const std::optional<log::Frame> frame, reader_->next());
    if (!frame) {
      return make_error(ErrorCode::NotFound,
                        fmt::format("the log has no record {} (yet)", raw(lsn)));
    }
    frame_first_ = frame->first_lsn;
    CAIRN_TRY(model::decode_records(frame->payload, frame->count,
                                    [&](model::Record&& record) -> Result<void> {
                                      frame_.push_back(std::move(record));
                                      return {};
                                    }));
  }
  CAIRN_ASSERT(lsn >= frame_first_ && raw(lsn) < raw(frame_first_) + frame_.size());
  return frame_[raw(lsn) - raw(frame_first_)];
}

}  // namespace cairn::engine
