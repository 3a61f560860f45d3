// Where the REPL's commands go: a directory that stays open between them, or a server.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/credentials.h"
#include "verbs/console.h"

namespace cairn::client {

// What one command is given. Borrows; for one call.
struct ReplIo {
  verbs::Sink out;
  verbs::Sink err;
  verbs::Terminal terminal;
  const std::atomic<bool>& cancelled;  // raised: the command ends soon
  // Shows what was written so far, now.
  std::function<void()> show = nullptr;
  // How long it waited for the person so far; nullptr: not at all.
  const std::chrono::steady_clock::duration* waited = nullptr;
};

// Thread: one.
class ReplBackend {
 public:
  virtual ~ReplBackend() = default;
  // The words of a command line, the store's among them. Returns its exit code; everything that
  // goes wrong is told to io.err.
  virtual int run(const std::vector<std::string>& words, const ReplIo& io) = 0;
};

// A directory, which has to hold a store. Errors: Store::open().
Result<std::unique_ptr<ReplBackend>> open_directory_backend(const std::string& directory,
                                                            std::string user);

// A server, which has to answer. Errors: Remote::connect().
Result<std::unique_ptr<ReplBackend>> open_remote_backend(const std::string& address,
                                                         const Credentials& credentials,
                                                         std::string user);

}  // namespace cairn::client
