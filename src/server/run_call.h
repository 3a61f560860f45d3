// One command line at the store: on a worker, with what it writes going back while it runs.
//
// Thread: that of the loop.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "issue_store.capnp.h"
#include "server/host.h"
#include "verbs/files.h"
#include "verbs/terminal.h"

namespace cairn::server {

struct CommandLine {
  std::vector<std::string> words;
  std::shared_ptr<verbs::NamedFiles> files;
  verbs::Terminal terminal;
  std::string user;
  verbs::Rights rights;  // of who calls
  SessionLimits limits;
};

// What ends a verb before it is done. Thread: any.
struct VerbWatch {
  std::atomic<bool> cancelled{false};  // the verb looks at it
  std::atomic<bool> late{false};       // `cancelled` was raised because it took too long
  std::atomic<int64_t> begun_us{0};    // on the steady clock; 0 = not yet
};

// Raises both once the verb has run for `limit_ms` (0 = ever), then calls on_late. Thread: that of
// the loop; dropping the promise ends the watch.
kj::Promise<void> watch_verb(Host& host, std::shared_ptr<VerbWatch> watch, uint64_t limit_ms,
                             std::function<void()> on_late);

// Runs the words on the calling thread. For the gateway, too.
int run_command(Host& host, const CommandLine& line, const verbs::Sink& out, const verbs::Sink& err,
                VerbWatch& watch);

kj::Promise<void> answer_run(Host& host, std::shared_ptr<Caller> caller,
                             const verbs::Rights& rights,
                             capnp::CallContext<schema::RunRequest, schema::RunAnswer> context);

}  // namespace cairn::server
