#include "server/tls_keys.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace cairn::server {
namespace {

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    return make_error(ErrorCode::Io, fmt::format("{}: cannot read: {}", path, strerror(errno)));
  }
  return text.str();
}

}  // namespace

Result<void> TlsKeys::reload() {
  CAIRN_TRY_ASSIGN(const std::string certificate, read_file(certificate_));
  CAIRN_TRY_ASSIGN(const std::string key, read_file(key_));
  std::shared_ptr<kj::TlsContext> made;
  const auto problem = kj::runCatchingExceptions([&] {
    kj::TlsKeypair pair{kj::TlsPrivateKey(kj::StringPtr(key.c_str(), key.size())),
                        kj::TlsCertificate(kj::StringPtr(certificate.c_str(), certificate.size()))};
    kj::TlsContext::Options options;
    options.useSystemTrustStore = false;  // nobody is asked for a certificate
    options.minVersion = kj::TlsVersion::TLS_1_2;
    options.defaultKeypair = pair;
    made = std::make_shared<kj::TlsContext>(kj::mv(options));
  });
  KJ_IF_MAYBE (exception, problem) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("{} and {}: no certificate and key in PEM that belong together "
                                  "({})",
                                  certificate_, key_, exception->getDescription().cStr()));
  }
  context_ = std::move(made);
  return {};
}

kj::Promise<kj::Own<kj::AsyncIoStream>> TlsKeys::wrap(kj::Own<kj::AsyncIoStream> stream) {
  auto context = context_;
  return context->wrapServer(kj::mv(stream)).then([context](kj::Own<kj::AsyncIoStream> wrapped) {
    return wrapped.attach(kj::heap<std::shared_ptr<kj::TlsContext>>(context));
  });
}

}  // namespace cairn::server
