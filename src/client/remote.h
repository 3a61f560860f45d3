// A store behind an address: unix:PATH, tcp:HOST:PORT or tls:HOST:PORT.
//
// Resource; one thread, which must have no other Remote at the same time: it runs the event loop
// while it waits, and nowhere else do bytes move. No exception leaves it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/credentials.h"
#include "client/importer.h"
#include "verbs/run.h"

namespace cairn::client {

struct RemoteOptions {
  std::string address;
  Credentials credentials;
  const std::atomic<bool>* cancelled = nullptr;  // raised: waiting ends; may be null
  std::function<void(std::string_view)> note;    // for the person; may be null
};

class Remote {
 public:
  // Errors: InvalidArgument (the address), NotFound (nobody answers there), Io, Closed (cancelled),
  // and what the server refuses a token with.
  static Result<std::unique_ptr<Remote>> connect(RemoteOptions options);
  ~Remote();
  Remote(const Remote&) = delete;
  Remote& operator=(const Remote&) = delete;

  // Runs a verb at the store with `words`, which it was parsed from: prints what comes back, reads
  // and writes the files of this machine that the verb needs, and returns the exit code. `user` is
  // what --actor is unless given. A verb that only asks is asked again over a new connection when
  // the old one breaks before anything was printed.
  verbs::VerbResult run(const verbs::VerbArguments& verb, const std::vector<std::string>& words,
                        const std::string& user, verbs::Context& context);

  // The LSN that the store has reached.
  Result<Lsn> lsn();

  // Batches for the store. Connections that break are made anew with growing pauses, and what was
  // not acknowledged is sent again: nothing is lost, and nothing stored twice. Borrows this.
  std::unique_ptr<MessageSink> ingest(const std::string& actor, bool input_time);

  struct Impl;

 private:
  explicit Remote(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::client
