// One connection to a server, and the event loop that moves its bytes. Private to remote*.cc.
//
// Thread: one. Exceptions of KJ are caught by who waits (caught()).
#pragma once

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/compat/tls.h>

#include <atomic>
#include <optional>
#include <string>

#include "base/result.h"
#include "client/remote.h"
#include "issue_store.capnp.h"
#include "rpc/address.h"

namespace cairn::client {

// What is given back of an exception. Closed: the connection is lost.
Error error_of(const kj::Exception& exception, const std::string& address);
// What an answer says went wrong.
Error error_of(schema::Error::Reader error);

// Calls fn, which waits on the event loop, and turns what it throws into an Error.
template <class Fn>
auto caught(const std::string& address, Fn&& fn) -> decltype(fn()) {
  try {
    return fn();
  } catch (const kj::Exception& exception) {
    return error_of(exception, address);
  }
}

// An authenticated connection. Must go before the event loop.
class Link {
 public:
  Link(kj::Own<kj::AsyncIoStream> stream, const Credentials& credentials);
  schema::Session::Client& session() { return session_; }
  // The answer to what the session began with. Throws.
  kj::Promise<Result<void>> authenticated() { return kj::mv(authenticated_); }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
  schema::Session::Client session_;
  kj::Promise<Result<void>> authenticated_;
};

struct Remote::Impl {
  explicit Impl(RemoteOptions options_) : options(std::move(options_)) {}

  // Makes a connection. Errors: as Remote::connect().
  Result<void> connect();
  // The same after one was lost, with growing pauses; `why` is told. Errors: those of the last try.
  Result<void> reconnect(const Error& why);
  // Lets time pass. Closed: cancelled meanwhile.
  Result<void> pause(int64_t ms);

  // Waits until `flag` is raised; null: forever.
  kj::Promise<void> when_raised(const std::atomic<bool>* flag);
  kj::Promise<kj::Own<kj::AsyncIoStream>> open_stream();
  Result<kj::Own<kj::AsyncIoStream>> wait_for_stream();
  bool cancelled() const { return options.cancelled != nullptr && *options.cancelled; }

  RemoteOptions options;
  rpc::Address to;
  std::optional<kj::AsyncIoContext> io;
  kj::Own<kj::TlsContext> tls;
  kj::Own<Link> link;  // null: none
};

}  // namespace cairn::client
