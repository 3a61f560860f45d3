// All that a verb may touch while it runs, given by who runs it: there are no globals, so that many
// verbs run at once in one process.
#pragma once

#include <atomic>
#include <functional>

#include "base/clock.h"
#include "verbs/console.h"
#include "verbs/demand.h"
#include "verbs/files.h"
#include "verbs/store_access.h"

namespace cairn::verbs {

// Borrowed, all of it; belongs to the one thread that runs the verb.
struct Context {
  Console& console;
  StoreAccess& stores;
  Files& files;
  Clock& clock;          // what day it is
  const Rights& rights;  // of who calls; the verb's scope was checked, its projects were not
  // Raised by another thread or a signal: the verb ends soon, in order, with Closed.
  const std::atomic<bool>& cancelled;
  // Called when the verb begins to look at `cancelled`; a process then stops ending at SIGINT.
  std::function<void()> heeds_cancel;

  void end_in_order() const {
    if (heeds_cancel) heeds_cancel();
  }
};

}  // namespace cairn::verbs
