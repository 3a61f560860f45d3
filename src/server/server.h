// A server over one store: listens, lets people in, answers, stops in order.
#pragma once

#include "base/result.h"
#include "server/config.h"

namespace cairn::server {

// Serves until SIGTERM or SIGINT; SIGHUP reads certificate, key and tokens again. Says on stderr,
// as JSON Lines, what happens, and tells a service manager when it is ready (NOTIFY_SOCKET).
// Returns once everything is answered, or the time for that is over, and the store is closed in
// order.
//
// Call it on the main thread of a process that has no other threads yet.
// Errors: InvalidArgument (config), those of Store::open(), Io (an address cannot be listened on).
Result<void> serve(const Config& config);

}  // namespace cairn::server
