// The one source of wall-clock time. Injected, so that tests and replays choose their own.
#pragma once

#include "base/ids.h"

namespace cairn {

class Clock {
 public:
  virtual ~Clock() = default;
  // Thread: any.
  virtual TimeUs now() = 0;
};

class SystemClock final : public Clock {
 public:
  TimeUs now() override;
};

// Never goes back; only differences between its times mean anything.
class SteadyClock final : public Clock {
 public:
  TimeUs now() override;
};

// Stands still until set. For tests and for --now.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimeUs now) : now_(now) {}
  TimeUs now() override { return now_; }
  void set(TimeUs now) { now_ = now; }

 private:
  TimeUs now_;
};

}  // namespace cairn
