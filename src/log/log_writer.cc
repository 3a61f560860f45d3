#include "log/log_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "log/log_files.h"
#include "log/log_frame.h"
#include "log/log_recovery.h"

namespace cairn::log {

struct LogWriter::Impl {
  Impl(FileSystem& file_system, std::string dir, const Uuid& id, const LogOptions& log_options,
       RecoveredLog recovered)
      : files(file_system),
        directory(std::move(dir)),
        store_id(id),
        options(log_options),
        log(std::move(recovered)),
        durable_lsn(log.last_lsn),
        seed(file_seed(id, log.file_first_lsn)),
        encoder(log_options.compression_level) {}

  Result<FramePosition> append(std::span<const std::byte> payload, uint32_t count,
                               size_t plain_bytes);
  Result<void> sync();
  Result<void> close();

  Result<void> check_usable() const;
  // Remembers the first failure, which every later call repeats.
  template <class T>
  Result<T> poisoned_by(Result<T> result);

  Result<FramePosition> write_frame(FrameKind kind, uint64_t frame_bytes, uint32_t count);
  Result<void> rotate();
  Result<void> reserve(uint64_t frame_end);

  FileSystem& files;
  const std::string directory;
  const Uuid store_id;
  const LogOptions options;
  RecoveredLog log;
  Lsn durable_lsn;
  uint64_t seed;
  FrameEncoder encoder;
  bool unsynced = false;
  std::optional<Error> closed;  // why nothing is accepted any more
};

Result<void> LogWriter::Impl::check_usable() const {
  if (closed) return *closed;
  return {};
}

template <class T>
Result<T> LogWriter::Impl::poisoned_by(Result<T> result) {
  if (!result.ok() && !closed) {
    closed = make_error(ErrorCode::Closed,
                        "the log takes no more writes until it is opened again, because of an "
                        "earlier error: " +
                            result.error().message);
  }
  return result;
}

// Reserves in steps, so that appends rarely change the file's size. A disk too full for a whole
// step may still have room for the frame: the write itself decides.
Result<void> LogWriter::Impl::reserve(uint64_t frame_end) {
  if (frame_end <= log.size || options.allocate_bytes == 0) return {};
  const uint64_t step = std::min(log.size + options.allocate_bytes, options.file_bytes);
  const uint64_t wanted = std::max(frame_end, step);
  auto reserved = log.file->allocate(wanted);
  if (reserved.ok()) {
    log.size = wanted;
  } else if (reserved.error().code != ErrorCode::Exhausted) {
    return std::move(reserved).error();
  }
  return {};
}

Result<void> LogWriter::Impl::rotate() {
  // A file with records after it is complete and durable; recovery and readers rely on that.
  CAIRN_TRY(log.file->truncate(log.end));
  CAIRN_TRY(log.file->sync());
  unsynced = false;
  durable_lsn = log.last_lsn;
  const Lsn first_lsn = next(log.last_lsn);
  CAIRN_TRY_ASSIGN(log.file, create_log_file(files, directory, store_id, first_lsn));
  log.path = directory + "/" + log_file_name(first_lsn);
  log.older_bytes += log.end;
  log.end = log.size = kFileHeaderBytes;
  log.file_first_lsn = first_lsn;
  seed = file_seed(store_id, first_lsn);
  return {};
}

Result<FramePosition> LogWriter::Impl::write_frame(FrameKind kind, uint64_t frame_bytes,
                                                   uint32_t count) {
  const bool empty_file = log.file_first_lsn > log.last_lsn;
  if (kind == FrameKind::Data && !empty_file && log.end + frame_bytes > options.file_bytes) {
    CAIRN_TRY(rotate());
  }
  CAIRN_TRY(reserve(log.end + frame_bytes));
  FrameHeader header;
  header.kind = kind;
  header.count = count;
  header.first_lsn = next(log.last_lsn);
  header.durable_lsn = durable_lsn;
  CAIRN_TRY(log.file->write_at(log.end, encoder.seal(header, {seed, log.end})));
  const FramePosition position{log.file_first_lsn, log.end};
  log.end += frame_bytes;
  log.size = std::max(log.size, log.end);
  log.last_lsn = Lsn{raw(log.last_lsn) + count};
  log.ends_with_mark = kind == FrameKind::CloseMark;
  unsynced = true;
  return position;
}

Result<FramePosition> LogWriter::Impl::append(std::span<const std::byte> payload, uint32_t count,
                                              size_t plain_bytes) {
  CAIRN_TRY(check_usable());
  if (payload.empty() || count == 0) {
    return make_error(ErrorCode::InvalidArgument, "a frame needs a payload and a record");
  }
  // A payload that is refused here has written nothing and so does no harm.
  CAIRN_TRY_ASSIGN(const uint64_t frame_bytes, encoder.set_payload(payload, plain_bytes));
  return poisoned_by(write_frame(FrameKind::Data, frame_bytes, count));
}

Result<void> LogWriter::Impl::sync() {
  CAIRN_TRY(check_usable());
  if (!unsynced) return {};
  CAIRN_TRY(poisoned_by(log.file->sync()));
  unsynced = false;
  durable_lsn = log.last_lsn;
  return {};
}

Result<void> LogWriter::Impl::close() {
  CAIRN_TRY(sync());
  if (!log.ends_with_mark) {
    CAIRN_TRY_ASSIGN(const uint64_t frame_bytes, encoder.set_payload({}));
    CAIRN_TRY(poisoned_by(write_frame(FrameKind::CloseMark, frame_bytes, 0)));
  }
  CAIRN_TRY(poisoned_by(log.file->truncate(log.end)));
  CAIRN_TRY(poisoned_by(log.file->sync()));
  closed = make_error(ErrorCode::Closed, "the log was closed");
  return {};
}

LogWriter::LogWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LogWriter::~LogWriter() = default;

Result<std::unique_ptr<LogWriter>> LogWriter::open(FileSystem& files, std::string directory,
                                                   const Uuid& store_id, const LogOptions& options,
                                                   Lsn acknowledged, RecoveryReport* report,
                                                   const FramePosition& known) {
  RecoveryReport unwanted;
  CAIRN_TRY_ASSIGN(RecoveredLog recovered,
                   recover_log(files, directory, store_id, acknowledged,
                               report != nullptr ? *report : unwanted, known));
  auto impl =
      std::make_unique<Impl>(files, std::move(directory), store_id, options, std::move(recovered));
  return std::unique_ptr<LogWriter>(new LogWriter(std::move(impl)));
}

Result<FramePosition> LogWriter::append(std::span<const std::byte> payload, uint32_t count,
                                        size_t plain_bytes) {
  return impl_->append(payload, count, plain_bytes);
}
Result<void> LogWriter::sync() { return impl_->sync(); }
Result<void> LogWriter::close() { return impl_->close(); }
Lsn LogWriter::last_lsn() const { return impl_->log.last_lsn; }
Lsn LogWriter::durable_lsn() const { return impl_->durable_lsn; }
uint64_t LogWriter::bytes_on_disk() const { return impl_->log.older_bytes + impl_->log.end; }

}  // namespace cairn::log
