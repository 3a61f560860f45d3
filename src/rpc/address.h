// Where a server listens and a client connects: `unix:PATH`, `tcp:HOST:PORT`, `tls:HOST:PORT`.
// Values; thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cairn::rpc {

struct Address {
  enum class Kind : uint8_t {
    Unix,
    Tcp,
    Tls,
    Systemd,  // for listening: what the service manager passed to this process under `path`
  };
  Kind kind{};
  std::string path;  // Unix; Systemd: its name, "" = all
  std::string host;  // Tcp, Tls; an IPv6 address without brackets
  uint16_t port = 0;

  // As people write it; IPv6 in brackets.
  std::string text() const;
  // HOST:PORT as the network layer takes it.
  std::string host_port() const;
};

// Whether a word is meant as an address rather than as the directory of a store.
bool is_address(std::string_view word);

// Errors: InvalidArgument, with what was expected. A path of a unix socket is bounded by the
// system (107 bytes).
Result<Address> parse_address(std::string_view text);

// Nobody but this machine can reach it: a unix socket, 127.0.0.0/8, ::1, localhost.
bool is_local(const Address& address);

}  // namespace cairn::rpc
