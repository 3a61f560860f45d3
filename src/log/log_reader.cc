#include "log/log_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "log/log_files.h"
#include "log/log_frame.h"
#include "log/log_scan.h"

namespace cairn::log {

struct LogReader::Impl {
  Impl(FileSystem& file_system, std::string dir, const Uuid& id)
      : files(file_system), directory(std::move(dir)), store_id(id) {}

  Result<void> refresh_files();
  void keep_current(LogFiles& found);
  Result<void> enter_file(size_t file_index, uint64_t at);
  Result<std::optional<size_t>> index_of(Lsn file_first_lsn);

  Result<std::optional<Frame>> next();
  // The header at the current place when it continues the log.
  Result<std::optional<FrameHeader>> due_header();
  Result<Frame> take_frame(const FrameHeader& header, std::span<const std::byte> stored);
  // Called where no frame is. True: look again; false: the log ends here.
  Result<bool> cross_gap();
  Result<bool> judge();
  Result<void> find_expected();
  bool file_finished() const { return expected && *expected == next_file_lsn(); }
  Lsn next_file_lsn() const;

  FileSystem& files;
  const std::string directory;
  const Uuid store_id;
  LogFiles log;
  std::vector<LogFileInfo> infos;

  size_t index = 0;            // of the file being read
  std::unique_ptr<File> file;  // null: open log.files[index] first
  std::optional<LogScanner> scanner;
  uint64_t offset = kFileHeaderBytes;
  // LSN of the record due at offset; nullopt after a seek to a position.
  std::optional<Lsn> expected;
  Lsn wanted{};  // frames that end before this LSN are passed over
  uint64_t trailing = 0;
  // A file's end that was found to be nothing but zeros: not searched again while it stays so.
  std::optional<std::pair<size_t, uint64_t>> blank_from;
  FrameDecoder decoder;
};

Result<void> LogReader::Impl::refresh_files() {
  CAIRN_TRY_ASSIGN(LogFiles found, find_log_files(files, directory, store_id, &log));
  if (found.files.empty()) {
    return make_error(ErrorCode::NotFound, "there is no log in " + directory);
  }
  keep_current(found);
  log = std::move(found);
  infos.clear();
  for (const LogFile& each : log.files) {
    infos.push_back({log_file_name(each.first_lsn), each.first_lsn, each.bytes});
  }
  return {};
}

// Retention may have removed the file being read: it stays readable to us, and in the list.
void LogReader::Impl::keep_current(LogFiles& found) {
  if (!file) {
    index = 0;
    return;
  }
  const size_t before = index;
  const LogFile& current = log.files[index];
  auto place =
      std::lower_bound(found.files.begin(), found.files.end(), current.first_lsn,
                       [](const LogFile& each, Lsn first) { return each.first_lsn < first; });
  if (place == found.files.end() || place->first_lsn != current.first_lsn) {
    place = found.files.insert(place, current);
  }
  index = static_cast<size_t>(place - found.files.begin());
  if (index != before) blank_from.reset();
}

Result<void> LogReader::Impl::enter_file(size_t file_index, uint64_t at) {
  const LogFile target = log.files[file_index];
  auto opened = files.open(target.path, OpenMode::Read);
  if (!opened.ok()) {
    if (opened.error().code != ErrorCode::NotFound) return std::move(opened).error();
    const Lsn first = target.first_lsn;
    CAIRN_TRY(refresh_files());
    if (first <= log.base) return removed_records(first, log.base);
    return std::move(opened).error();
  }
  scanner.reset();
  file = std::move(*opened);
  scanner.emplace(*file, file_seed(store_id, target.first_lsn));
  index = file_index;
  offset = at;
  return scanner->refresh();
}

Lsn LogReader::Impl::next_file_lsn() const {
  return index + 1 < log.files.size() ? log.files[index + 1].first_lsn : Lsn{0};
}

Result<std::optional<size_t>> LogReader::Impl::index_of(Lsn file_first_lsn) {
  for (const bool look_again : {true, false}) {
    for (size_t i = 0; i < log.files.size(); ++i) {
      if (log.files[i].first_lsn == file_first_lsn) return std::optional(i);
    }
    if (look_again) CAIRN_TRY(refresh_files());
  }
  return std::optional<size_t>();
}

Result<std::optional<FrameHeader>> LogReader::Impl::due_header() {
  CAIRN_TRY_ASSIGN(auto header, scanner->header_at(offset));
  if (header && expected && header->first_lsn != *expected) header.reset();
  if (header && next_file_lsn() != Lsn{0} && header->end_lsn() > next_file_lsn()) header.reset();
  return header;
}

Result<Frame> LogReader::Impl::take_frame(const FrameHeader& header,
                                          std::span<const std::byte> stored) {
  auto payload = decoder.decode(header, stored);
  if (!payload.ok()) return damaged(log.files[index].path, offset, payload.error().message);
  return Frame{.first_lsn = header.first_lsn,
               .count = header.count,
               .position = {log.files[index].first_lsn, offset},
               .payload = std::move(*payload)};
}

Result<std::optional<Frame>> LogReader::Impl::next() {
  trailing = 0;
  if (!file) CAIRN_TRY(enter_file(index, offset));
  while (true) {
    if (file_finished()) CAIRN_TRY(enter_file(index + 1, kFileHeaderBytes));
    CAIRN_TRY_ASSIGN(const auto header, due_header());
    std::optional<std::span<const std::byte>> stored;
    if (header) {
      CAIRN_TRY_ASSIGN(stored, scanner->payload_at(offset, *header));
    }
    if (!stored) {
      CAIRN_TRY_ASSIGN(const bool look_again, cross_gap());
      if (!look_again) return std::optional<Frame>();
      continue;
    }
    std::optional<Frame> frame;
    if (header->kind == FrameKind::Data && header->end_lsn() > wanted) {
      CAIRN_TRY_ASSIGN(frame, take_frame(*header, *stored));
    }
    expected = header->end_lsn();
    offset += header->frame_bytes();
    if (frame) return frame;
  }
}

Result<bool> LogReader::Impl::cross_gap() {
  // What we hold may be older than what a live writer has written since. Files first: once a
  // newer file is known, this one is complete.
  if (index + 1 == log.files.size()) CAIRN_TRY(refresh_files());
  CAIRN_TRY(scanner->refresh());
  CAIRN_TRY_ASSIGN(const auto header, scanner->frame_at(offset));
  if (header && (!expected || header->first_lsn == *expected)) return true;
  if (file_finished()) return true;

  if (blank_from == std::pair(index, offset)) {
    CAIRN_TRY_ASSIGN(const uint64_t nonzero,
                     scanner->first_nonzero(offset, offset + kFrameHeaderBytes));
    if (nonzero >= std::min(offset + kFrameHeaderBytes, scanner->size())) return false;
  }
  if (!expected) {
    CAIRN_TRY(find_expected());
    if (file_finished()) return true;
  }
  return judge();
}

Result<bool> LogReader::Impl::judge() {
  const Lsn proven = log.proven_after(index);
  CAIRN_TRY_ASSIGN(Gap gap, judge_gap(*scanner, offset, *expected, proven));
  if (gap.kind != Gap::Kind::End) {
    // A writer may have filled the gap while we read past it.
    CAIRN_TRY(scanner->refresh());
    CAIRN_TRY_ASSIGN(const auto header, scanner->frame_at(offset));
    if (header && header->first_lsn == *expected) return true;
  }
  if (gap.kind == Gap::Kind::Skip) {
    offset = gap.next->offset;
    return true;
  }
  if (gap.kind == Gap::Kind::Damage && *expected <= log.base) {
    return removed_records(*expected, log.base);
  }
  if (gap.kind == Gap::Kind::Damage) {
    const Lsn behind = gap.next ? gap.next->header.first_lsn : cairn::next(proven);
    const Lsn last_missing = std::max(*expected, Lsn{raw(behind) - 1});
    return missing_records(log, index, offset, *expected, last_missing);
  }
  CAIRN_TRY_ASSIGN(trailing, scanner->length_without_zeros(offset));
  blank_from.reset();
  if (trailing == 0) blank_from = std::pair(index, offset);
  return false;
}

// After a seek to a position that shows no frame: walks the file up to it, to learn which record
// is due there.
Result<void> LogReader::Impl::find_expected() {
  const uint64_t target = offset;
  Lsn due = log.files[index].first_lsn;
  uint64_t at = kFileHeaderBytes;
  while (at < target) {
    CAIRN_TRY_ASSIGN(const auto header, scanner->header_at(at));
    if (header && header->first_lsn == due) {
      due = header->end_lsn();
      at += header->frame_bytes();
      continue;
    }
    offset = at;
    expected = due;
    CAIRN_TRY_ASSIGN(const bool more, judge());
    if (!more) break;
    at = offset;
  }
  if (at > target) {
    return make_error(ErrorCode::InvalidArgument, fmt::format("{}: no frame begins at offset {}",
                                                              log.files[index].path, target));
  }
  offset = at;
  expected = due;
  return {};
}

LogReader::LogReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LogReader::~LogReader() = default;

Result<std::unique_ptr<LogReader>> LogReader::open(FileSystem& files, std::string directory,
                                                   const Uuid& store_id) {
  auto impl = std::make_unique<Impl>(files, std::move(directory), store_id);
  CAIRN_TRY(impl->refresh_files());
  impl->expected = impl->log.files.front().first_lsn;
  return std::unique_ptr<LogReader>(new LogReader(std::move(impl)));
}

Result<void> LogReader::seek(const FramePosition& position) {
  if (position.offset < kFileHeaderBytes || position.offset % kFrameAlignment != 0) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("no frame of {} can begin at offset {}",
                                  log_file_name(position.file_first_lsn), position.offset));
  }
  CAIRN_TRY_ASSIGN(const auto index, impl_->index_of(position.file_first_lsn));
  if (!index) {
    return make_error(ErrorCode::NotFound,
                      fmt::format("there is no log file {} in {}",
                                  log_file_name(position.file_first_lsn), impl_->directory));
  }
  impl_->wanted = Lsn{0};
  impl_->expected.reset();
  // Positions are mostly sought in one file: keep it open.
  if (impl_->file && impl_->index == *index) {
    impl_->offset = position.offset;
    return {};
  }
  return impl_->enter_file(*index, position.offset);
}

Result<void> LogReader::seek(Lsn lsn, std::optional<FramePosition> hint) {
  const auto& known = impl_->log.files;
  if (lsn >= known.back().first_lsn || lsn < known.front().first_lsn) {
    CAIRN_TRY(impl_->refresh_files());
  }
  if (lsn < known.front().first_lsn && lsn > Lsn{0}) {
    return removed_records(lsn, impl_->log.base);
  }
  size_t index = 0;
  while (index + 1 < known.size() && known[index + 1].first_lsn <= lsn) ++index;
  const Lsn file_first_lsn = known[index].first_lsn;
  CAIRN_TRY(impl_->enter_file(index, kFileHeaderBytes));
  impl_->expected = file_first_lsn;
  if (hint && hint->file_first_lsn == file_first_lsn && hint->offset % kFrameAlignment == 0) {
    // Taken only when it holds what it should: a stale hint costs a scan, not a wrong answer.
    CAIRN_TRY_ASSIGN(const auto header, impl_->scanner->header_at(hint->offset));
    if (header && header->first_lsn <= lsn) {
      impl_->offset = hint->offset;
      impl_->expected = header->first_lsn;
    }
  }
  impl_->wanted = lsn;
  return {};
}

Result<std::optional<Frame>> LogReader::next() { return impl_->next(); }
uint64_t LogReader::trailing_bytes() const { return impl_->trailing; }
const std::vector<LogFileInfo>& LogReader::files() const { return impl_->infos; }
Lsn LogReader::base() const { return impl_->log.base; }

}  // namespace cairn::log
