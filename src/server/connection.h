// One RPC connection, from the first byte to its end. Thread: that of the loop.
#pragma once

#include <capnp/rpc-twoparty.h>

#include <memory>
#include <vector>

#include "server/guarded_stream.h"
#include "server/host.h"
#include "server/service.h"

namespace cairn::server {

class Connection {
 public:
  Connection(Host& host, kj::Own<kj::AsyncIoStream> stream, Way way);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Ends when the other side has gone, or cut() was called.
  kj::Promise<void> run();
  // Ends it when it has been quiet, stalled or without a token for too long. Called every second.
  void look(TimeUs now);
  void cut(std::string_view why);

 private:
  bool busy() const;
  // That of the session with the largest one.
  uint64_t message_limit() const;

  Host& host_;
  const TimeUs begun_;
  GuardedStream stream_;
  std::vector<std::weak_ptr<Caller>> callers_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
  kj::Own<kj::PromiseFulfiller<void>> end_;
  kj::Promise<void> ended_;
};

}  // namespace cairn::server
