// Sockets that listen. Thread: any; blocking, for the time before serving begins.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "rpc/address.h"
#include "server/gate.h"

namespace cairn::server {

struct ListeningSocket {
  int fd = -1;
  Way way{};
  bool tls = false;
  std::string name;    // with the port that the system chose for 0
  std::string unlink;  // when it is closed; "" = nothing
};

// All sockets of an address: a host may have several. A unix socket gets mode 0600; one that a dead
// server left is replaced. Errors: Io (in use, no permission, no such host), InvalidArgument
// (systemd passed none).
Result<std::vector<ListeningSocket>> listen_on(const rpc::Address& address);

// Tells a service manager, if there is one: "READY=1".
void notify_manager(std::string_view state);

}  // namespace cairn::server
