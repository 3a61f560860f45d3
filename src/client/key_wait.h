// Waiting for a key without missing a signal that comes just before the wait.
#pragma once

#include <atomic>

namespace cairn::client {

enum class KeyWait { Ready, Signal, Interrupted };

// Until stdin can be read (also at its end), a signal was handled (Signal), or `interrupted` is
// raised, be it already. Precondition: the handlers of SIGINT, SIGWINCH and SIGCONT let system
// calls be interrupted.
KeyWait wait_for_key(const std::atomic<bool>& interrupted);

}  // namespace cairn::client
