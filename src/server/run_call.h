// One command line at the store: on a worker, with what it writes going back while it runs.
//
// Thread: that of the loop.
#pragma once

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
};

// Runs words as who holds `rights`, on the calling thread, with what the session may use. For the
// gateway, too.
int run_command(Host& host, const CommandLine& line, const verbs::Rights& rights,
                const verbs::Sink& out, const verbs::Sink& err, const std::atomic<bool>& cancelled);

kj::Promise<void> answer_run(Host& host, std::shared_ptr<Caller> caller,
                             const verbs::Rights& rights,
                             capnp::CallContext<schema::RunRequest, schema::RunAnswer> context);

}  // namespace cairn::server
