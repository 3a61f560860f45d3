#include "log/log_recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "log/log_end.h"
#include "log/log_files.h"
#include "log/log_scan.h"

namespace cairn::log {
namespace {

Result<RecoveredLog> begin_log(FileSystem& files, const std::string& directory,
                               const Uuid& store_id, Lsn acknowledged) {
  if (acknowledged > Lsn{0}) {
    return make_error(ErrorCode::Corruption,
                      fmt::format("{} holds no log file, but the records up to {} were "
                                  "acknowledged. Restore the log files from a backup or another "
                                  "copy of the store; nothing was changed.",
                                  directory, raw(acknowledged)));
  }
  RecoveredLog log;
  CAIRN_TRY_ASSIGN(log.file, create_log_file(files, directory, store_id, Lsn{1}));
  log.path = directory + "/" + log_file_name(Lsn{1});
  log.file_first_lsn = Lsn{1};
  log.end = log.size = kFileHeaderBytes;
  return log;
}

}  // namespace

Result<RecoveredLog> recover_log(FileSystem& files, const std::string& directory,
                                 const Uuid& store_id, Lsn acknowledged, RecoveryReport& report,
                                 const FramePosition& known) {
  report = {};
  CAIRN_TRY(files.make_directory(directory));
  CAIRN_TRY_ASSIGN(const LogFiles found, find_log_files(files, directory, store_id));
  acknowledged = std::max(acknowledged, found.base);
  if (found.files.empty()) return begin_log(files, directory, store_id, acknowledged);

  RecoveredLog log;
  const LogFile& newest = found.files.back();
  log.path = newest.path;
  log.file_first_lsn = newest.first_lsn;
  for (const LogFile& file : found.files) log.older_bytes += file.bytes;
  log.older_bytes -= newest.bytes;
  CAIRN_TRY_ASSIGN(log.file, files.open(log.path, OpenMode::ReadWrite));
  LogScanner scanner(*log.file, file_seed(store_id, newest.first_lsn));
  CAIRN_TRY(scanner.refresh());
  CAIRN_TRY_ASSIGN(const LogEnd end,
                   find_end(scanner, found, found.files.size() - 1, acknowledged, known));
  log.end = end.offset;
  log.last_lsn = end.last_lsn;
  log.ends_with_mark = end.at_mark;
  log.size = std::max(scanner.size(), log.end);

  CAIRN_TRY_ASSIGN(report.torn_bytes, scanner.length_without_zeros(log.end));
  if (report.torn_bytes > 0) {
    // Durable before anything is appended: what a later crash leaves must not mix with this tail.
    CAIRN_TRY(log.file->truncate(log.end));
    log.size = log.end;
    report.torn_file = log.path;
    report.torn_at = {log.file_first_lsn, log.end};
  }
  // The frames found may be in memory only, written by a process that died before its sync.
  CAIRN_TRY(log.file->sync());
  CAIRN_TRY(files.sync_directory(directory));
  report.last_lsn = log.last_lsn;
  report.clean_close = log.ends_with_mark && report.torn_bytes == 0;
  return log;
}

}  // namespace cairn::log
