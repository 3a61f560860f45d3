// check_log: reads every byte of every log file. See log/log_reader.h.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "log/base_file.h"
#include "log/log_files.h"
#include "log/log_frame.h"
#include "log/log_reader.h"
#include "log/log_scan.h"

namespace cairn::log {
namespace {

// Checks one file after the other; what is damaged is noted, and the check goes on behind it.
class Checker {
 public:
  Checker(FileSystem& files, const Uuid& store_id, LogFiles log, LogCheck& check)
      : files_(files), store_id_(store_id), log_(std::move(log)), check_(check) {}

  Result<void> run() {
    // Where the log begins: with record 1, or anywhere up to the one behind the base.
    if (log_.files.front().first_lsn <= next(log_.base)) expected_ = log_.files.front().first_lsn;
    for (index_ = 0; index_ < log_.files.size(); ++index_) {
      CAIRN_TRY(check_file());
    }
    return {};
  }

 private:
  const LogFile& current() const { return log_.files[index_]; }
  bool last_file() const { return index_ + 1 == log_.files.size(); }

  void note(uint64_t offset, const std::string& what) {
    check_.problems.push_back(fmt::format("{}, offset {}: {}", current().path, offset, what));
  }

  Result<void> check_file() {
    LogFile& file = log_.files[index_];
    if (auto header = check_header(files_, file, store_id_); !header.ok()) {
      if (header.error().code != ErrorCode::Corruption) return std::move(header).error();
      check_.problems.push_back(header.error().message);
    }
    if (file.first_lsn != expected_) {
      note(0, index_ == 0
                  ? fmt::format("the log's first file is missing, this one begins with record {}",
                                raw(file.first_lsn))
                  : fmt::format("the file begins with record {}, but {} ends before record {}",
                                raw(file.first_lsn), log_.files[index_ - 1].path, raw(expected_)));
    }
    expected_ = file.first_lsn;
    CAIRN_TRY_ASSIGN(const auto handle, files_.open(file.path, OpenMode::Read));
    LogScanner scanner(*handle, file_seed(store_id_, file.first_lsn));
    CAIRN_TRY(scanner.refresh());
    ++check_.files;
    check_.bytes += scanner.size();
    CAIRN_TRY_ASSIGN(const uint64_t end, check_frames(scanner));
    return check_tail(scanner, end);
  }

  // Returns the offset behind the last frame.
  Result<uint64_t> check_frames(LogScanner& scanner) {
    uint64_t offset = kFileHeaderBytes;
    while (true) {
      CAIRN_TRY_ASSIGN(const auto header, scanner.frame_at(offset));
      if (header && header->first_lsn == expected_) {
        CAIRN_TRY(check_frame(scanner, *header, offset));
        expected_ = header->end_lsn();
        offset += header->frame_bytes();
        continue;
      }
      const Lsn proven = log_.proven_after(index_);
      CAIRN_TRY_ASSIGN(const Gap gap, judge_gap(scanner, offset, expected_, proven));
      if (gap.kind == Gap::Kind::End) return offset;
      note_gap(gap, offset, proven);
      if (!gap.next) {
        expected_ = next(proven);  // noted already: not a second time at the next file
        return scanner.size();
      }
      offset = gap.next->offset;
      expected_ = gap.next->header.first_lsn;
    }
  }

  void note_gap(const Gap& gap, uint64_t offset, Lsn proven) {
    if (gap.kind == Gap::Kind::Skip) {
      note(offset,
           fmt::format("{} bytes are damaged; they held no record", gap.next->offset - offset));
      return;
    }
    const Lsn behind = gap.next ? gap.next->header.first_lsn : next(proven);
    const Lsn last_missing = std::max(expected_, Lsn{raw(behind) - 1});
    check_.problems.push_back(
        missing_records(log_, index_, offset, expected_, last_missing).message);
  }

  Result<void> check_frame(LogScanner& scanner, const FrameHeader& header, uint64_t offset) {
    CAIRN_TRY_ASSIGN(const auto stored, scanner.payload_at(offset, header));
    if (header.kind == FrameKind::Data && stored) {
      const auto payload = decoder_.decode(header, *stored);
      if (!payload.ok()) note(offset, payload.error().message);
      ++check_.frames;
      check_.records += header.count;
    }
    const uint64_t end = offset + header.frame_bytes();
    CAIRN_TRY_ASSIGN(const uint64_t nonzero,
                     scanner.first_nonzero(offset + header.payload_end(), end));
    if (nonzero < std::min(end, scanner.size())) {
      note(nonzero, "a padding byte is not zero; no record is affected");
    }
    return {};
  }

  Result<void> check_tail(LogScanner& scanner, uint64_t end) {
    CAIRN_TRY_ASSIGN(const uint64_t used, scanner.length_without_zeros(end));
    if (used == 0) return {};
    if (last_file()) {
      check_.torn_bytes = used;
      check_.torn_file = current().path;
      check_.torn_offset = end;
    } else {
      note(end, fmt::format("{} bytes behind the last record are neither a frame nor zero; no "
                            "record is affected",
                            used));
    }
    return {};
  }

  FileSystem& files_;
  const Uuid store_id_;
  LogFiles log_;
  LogCheck& check_;
  size_t index_ = 0;
  Lsn expected_{1};
  FrameDecoder decoder_;
};

Result<void> check_base(FileSystem& files, const std::string& directory, const Uuid& store_id,
                        LogCheck& check) {
  const auto base = BaseFileReader::open(files, directory, store_id, check.base);
  if (!base.ok()) {
    if (base.error().code != ErrorCode::Corruption) return base.error();
    check.problems.push_back(base.error().message);
    return {};
  }
  check.base_bytes = (*base)->bytes();
  for (size_t i = 0; i < (*base)->blocks().size(); ++i) {
    const auto block = (*base)->read(i);
    if (block.ok()) continue;
    if (block.error().code != ErrorCode::Corruption) return block.error();
    check.problems.push_back(block.error().message);
  }
  return {};
}

}  // namespace

Result<LogCheck> check_log(FileSystem& files, const std::string& directory, const Uuid& store_id) {
  CAIRN_TRY_ASSIGN(LogDirectory found, list_log_directory(files, directory));
  if (found.files.empty()) {
    return make_error(ErrorCode::NotFound, "there is no log in " + directory);
  }
  LogCheck check;
  LogFiles log;
  log.base = check.base = found.base();
  const auto live = static_cast<ptrdiff_t>(found.first_live());
  log.files.assign(found.files.begin() + live, found.files.end());
  if (check.base != Lsn{0}) CAIRN_TRY(check_base(files, directory, store_id, check));
  CAIRN_TRY(Checker(files, store_id, std::move(log), check).run());
  return check;
}

}  // namespace cairn::log
