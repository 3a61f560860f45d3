#include "log/log_end.h"

#include <algorithm>

namespace cairn::log {
namespace {

// Where to begin: at the frame somebody vouches for, if it is there and as it should be.
Result<LogEnd> begin_at(LogScanner& scanner, Lsn file_first_lsn, Lsn acknowledged,
                        const FramePosition& known) {
  const LogEnd start{Lsn{raw(file_first_lsn) - 1}, kFileHeaderBytes, false};
  const bool usable = known.file_first_lsn == file_first_lsn && known.offset >= kFileHeaderBytes &&
                      known.offset % kFrameAlignment == 0;
  if (!usable) return start;
  CAIRN_TRY_ASSIGN(const auto header, scanner.frame_at(known.offset));
  const bool fits =
      header && header->first_lsn >= file_first_lsn && header->first_lsn <= next(acknowledged);
  if (!fits) return start;
  return LogEnd{Lsn{raw(header->first_lsn) - 1}, known.offset, false};
}

}  // namespace

Result<LogEnd> find_end(LogScanner& scanner, const LogFiles& log, size_t index, Lsn acknowledged,
                        const FramePosition& known) {
  CAIRN_TRY_ASSIGN(LogEnd end, begin_at(scanner, log.files[index].first_lsn, acknowledged, known));
  bool looked_again = false;
  while (true) {
    const Lsn expected = next(end.last_lsn);
    CAIRN_TRY_ASSIGN(const auto header, scanner.frame_at(end.offset));
    if (header && header->first_lsn == expected) {
      end.last_lsn = Lsn{raw(header->end_lsn()) - 1};
      end.offset += header->frame_bytes();
      end.at_mark = header->kind == FrameKind::CloseMark;
      looked_again = false;
      continue;
    }
    CAIRN_TRY_ASSIGN(const Gap gap, judge_gap(scanner, end.offset, expected, acknowledged));
    if (gap.kind == Gap::Kind::End) return end;
    if (!looked_again) {
      // A writer may have filled the gap while we read past it.
      CAIRN_TRY(scanner.refresh());
      looked_again = true;
      continue;
    }
    if (gap.kind == Gap::Kind::Damage) {
      const Lsn behind = gap.next ? gap.next->header.first_lsn : next(acknowledged);
      const Lsn last_missing = std::max(expected, Lsn{raw(behind) - 1});
      return missing_records(log, index, end.offset, expected, last_missing);
    }
    end.offset = gap.next->offset;
  }
}

}  // namespace cairn::log
