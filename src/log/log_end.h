// Walks the frames of one log file to its end.
//
// Ownership: borrows for the call. Thread: any, beside a live writer too.
#pragma once

#include "base/result.h"
#include "log/log_files.h"
#include "log/log_scan.h"

namespace cairn::log {

struct LogEnd {
  Lsn last_lsn{};        // of the last valid frame; the one before the file if it has none
  uint64_t offset = 0;   // behind that frame
  bool at_mark = false;  // it is a close mark
};

// `scanner` reads log.files[index]. `acknowledged`: as for LogWriter::open, or what a later file
// proves. `known`: a frame to begin with if it lies in this file and holds or precedes the record
// after `acknowledged`; otherwise, and if it is not as expected, all frames are checked.
// Corruption: acknowledged records are missing.
Result<LogEnd> find_end(LogScanner& scanner, const LogFiles& log, size_t index, Lsn acknowledged,
                        const FramePosition& known = {});

}  // namespace cairn::log
