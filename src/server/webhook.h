// One message to one URL: a connection of its own, a request, its answer.
//
// Thread: that of the loop.
#pragma once

#include <kj/async-io.h>
#include <kj/compat/http.h>
#include <kj/compat/tls.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "alert/delivery_queue.h"
#include "base/clock.h"
#include "base/result.h"
#include "server/destination.h"

namespace cairn::server {

// What is signed, as docs/alerts.md says it: HMAC-SHA256 of TIMESTAMP.BODY under the secret, hex.
std::string signature_of(std::string_view secret, std::string_view timestamp,
                         std::string_view body);
// A number of seconds, or a date as HTTP has it; nullopt: neither.
std::optional<int64_t> parse_retry_after(std::string_view text, TimeUs now);
// 2xx is fine, 408, 425, 429 and 5xx may go well later, everything else will not.
alert::Verdict verdict_of(uint32_t status);

struct Posted {
  alert::Attempt attempt;
  std::string why;  // of a failure: "500 Internal Server Error: first words of the answer"
};

class Webhook {
 public:
  // Errors: InvalidArgument, Io (certificates).
  static Result<std::unique_ptr<Webhook>> make(const Destination& destination, kj::Network& network,
                                               kj::Timer& timer, Clock& clock);
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;

  // Never fails as a promise. The letter has to be there until it ends.
  kj::Promise<Posted> post(const alert::Letter& letter);

 private:
  Webhook(const Destination& destination, kj::Network& network, kj::Timer& timer, Clock& clock);
  kj::Promise<kj::Own<kj::AsyncIoStream>> connect();
  kj::Promise<Posted> ask(kj::Own<kj::AsyncIoStream> stream, const alert::Letter& letter);
  kj::Promise<Posted> read(kj::HttpClient::Response response);

  const Destination& destination_;
  kj::Network& network_;
  kj::Timer& timer_;
  Clock& clock_;
  kj::Own<kj::HttpHeaderTable> table_;
  kj::HttpHeaderId retry_after_;
  kj::Own<kj::TlsContext> tls_;  // null: http
  std::string host_;             // with the port if the URL names one
  std::string name_;             // without
  std::string target_;           // path and query
};

}  // namespace cairn::server
