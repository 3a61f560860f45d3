// HTTP: health, metrics, and verbs as JSON for programs without Cap'n Proto. docs/openapi.json is
// the specification.
//
// Thread: that of the loop.
#pragma once

#include <kj/compat/http.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/host.h"
#include "verbs/files.h"

namespace cairn::server {

// One for each way to get in. Borrows the host.
class Gateway final : public kj::HttpService, public kj::HttpServerErrorHandler {
 public:
  Gateway(Host& host, Way way);

  kj::Promise<void> request(kj::HttpMethod method, kj::StringPtr url,
                            const kj::HttpHeaders& headers, kj::AsyncInputStream& body,
                            kj::HttpService::Response& response) override;

  kj::Promise<void> handleClientProtocolError(kj::HttpHeaders::ProtocolError error,
                                              kj::HttpService::Response& response) override;
  kj::Promise<void> handleApplicationError(kj::Exception exception,
                                           kj::Maybe<kj::HttpService::Response&> response) override;

  const kj::HttpHeaderTable& headers() const { return *table_; }

 private:
  struct Answer;
  struct Request;

  kj::Promise<void> send(kj::HttpService::Response& response, Answer answer);
  kj::Promise<void> send(kj::HttpService::Response& response, const Refusal& refusal);
  kj::Promise<void> serve(const Request& request, std::string body,
                          kj::HttpService::Response& response);
  kj::Promise<void> serve_verb(std::vector<std::string> words,
                               std::shared_ptr<verbs::NamedFiles> files,
                               std::shared_ptr<Caller> caller, kj::HttpService::Response& response);
  kj::Promise<void> serve_lines(const Request& request, std::string lines,
                                kj::HttpService::Response& response);
  kj::Promise<void> serve_metrics(kj::HttpService::Response& response);
  std::shared_ptr<Caller> caller_of(const Grant& grant);

  Host& host_;
  const Way way_;
  kj::Own<kj::HttpHeaderTable> table_;
  kj::HttpHeaderId authorization_;
  kj::HttpHeaderId origin_;
  // One for each token, so that its limits hold over all of its requests.
  std::map<std::string, std::shared_ptr<Caller>> callers_;
};

}  // namespace cairn::server
