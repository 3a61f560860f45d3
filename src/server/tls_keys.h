// Certificate and key of a server, and the context for connections that is made of them. Reading
// them again gives a new context; connections keep the one they began with.
//
// Thread: that of the loop.
#pragma once

#include <kj/compat/tls.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace cairn::server {

class TlsKeys {
 public:
  TlsKeys(std::string certificate, std::string key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}

  // Errors: Io, InvalidArgument (no PEM, the two do not belong together); what was read before
  // then stays in use.
  Result<void> reload();
  // Precondition: reload() went well once. TLS 1.2 or newer.
  kj::Promise<kj::Own<kj::AsyncIoStream>> wrap(kj::Own<kj::AsyncIoStream> stream);

 private:
  const std::string certificate_;
  const std::string key_;
  std::shared_ptr<kj::TlsContext> context_;
};

}  // namespace cairn::server
