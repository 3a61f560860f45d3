// Opens the newest log file for appending: finds its last valid frame and cuts off what a crash
// left behind it. docs/format.md, section "Log", argues why nothing acknowledged is cut.
//
// Ownership: borrows the file system for the call. Thread: the writer's.
#pragma once

#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "log/log_writer.h"

namespace cairn::log {

// The log ready for appending; everything in it is durable.
struct RecoveredLog {
  std::unique_ptr<File> file;
  std::string path;
  Lsn file_first_lsn{};
  uint64_t end = 0;          // where the next frame goes
  uint64_t size = 0;         // end plus reserved space
  uint64_t older_bytes = 0;  // of the files before this one
  Lsn last_lsn{};
  bool ends_with_mark = false;
};

// As LogWriter::open, without the writer. `report` is filled in.
Result<RecoveredLog> recover_log(FileSystem& files, const std::string& directory,
                                 const Uuid& store_id, Lsn acknowledged, RecoveryReport& report,
                                 const FramePosition& known = {});

}  // namespace cairn::log
