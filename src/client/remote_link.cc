#include "client/remote_link.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/version.h"
#include "rpc/buffered_stream.h"

namespace cairn::client {
namespace {

constexpr int64_t kConnectMs = 10'000;  // to connect and be let in
constexpr int64_t kFirstPauseMs = 100;  // before a connection is made anew, doubled each time
constexpr int64_t kLongestPauseMs = 5000;
constexpr int64_t kPatienceMs = 120'000;  // altogether
constexpr int64_t kLookMs = 50;           // between looks at a flag
constexpr uint64_t kMaxAnswerBytes = 256u << 20;
// A peer that is gone without a word is noticed after a good half minute.
constexpr int kAliveIdleS = 15;
constexpr int kAliveEveryS = 5;
constexpr int kAliveProbes = 4;

capnp::ReaderOptions reader_options() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = kMaxAnswerBytes / sizeof(capnp::word);
  return options;
}

void keep_alive(kj::AsyncIoStream& stream) {
  const int on = 1;
  stream.setsockopt(SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  stream.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, &kAliveIdleS, sizeof(kAliveIdleS));
  stream.setsockopt(IPPROTO_TCP, TCP_KEEPINTVL, &kAliveEveryS, sizeof(kAliveEveryS));
  stream.setsockopt(IPPROTO_TCP, TCP_KEEPCNT, &kAliveProbes, sizeof(kAliveProbes));
  stream.setsockopt(IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

schema::Session::Client bootstrap(capnp::RpcSystem<capnp::rpc::twoparty::VatId>& rpc,
                                  const Credentials& credentials,
                                  kj::Promise<Result<void>>& authenticated) {
  capnp::MallocMessageBuilder message(8);
  auto vat = message.initRoot<capnp::rpc::twoparty::VatId>();
  vat.setSide(capnp::rpc::twoparty::Side::SERVER);
  auto request = rpc.bootstrap(vat).castAs<schema::Door>().authenticateRequest();
  request.setToken(credentials.token.c_str());
  request.setClient(fmt::format("cairn {}", kVersion).c_str());
  auto answer = request.send();
  schema::Session::Client session = answer.getSession();
  authenticated = answer.then([](auto&& response) -> Result<void> {
    if (response.hasError()) return error_of(response.getError());
    return {};
  });
  return session;
}

// Nobody there, or somebody who is not to be talked to.
Error cannot_connect(const kj::Exception& exception, const std::string& address) {
  // KJ puts the call before the system's words, and what it was given behind them.
  std::string what = exception.getDescription().cStr();
  if (what.starts_with("connect(): ")) what.erase(0, what.find(' ') + 1);
  if (const size_t given = what.find("; params."); given != std::string::npos) {
    const size_t reason = what.rfind(" = ");
    what = what.substr(0, given) + " " + what.substr(reason + 3);
  }
  const bool certificate = what.find("certificate") != std::string::npos;
  const char* hint = certificate ? "give its host as the certificate names it, and with --tls-ca "
                                   "who signed it, unless the system knows"
                                 : "is the server running there?";
  return make_error(certificate ? ErrorCode::InvalidArgument : ErrorCode::NotFound,
                    fmt::format("{}: cannot connect: {}; {}", address, what, hint));
}

Result<kj::Own<kj::TlsContext>> make_tls(const std::string& ca_file) {
  kj::TlsContext::Options options;
  kj::Vector<kj::TlsCertificate> trusted;
  if (!ca_file.empty()) {
    std::ifstream file(ca_file, std::ios::binary);
    const std::string pem((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (!file.is_open() || pem.empty()) {
      return make_error(ErrorCode::NotFound,
                        ca_file + ": cannot be read; --tls-ca names a file of PEM certificates");
    }
    trusted.add(kj::TlsCertificate(kj::StringPtr(pem.c_str(), pem.size())));
  }
  options.trustedCertificates = trusted;
  return kj::heap<kj::TlsContext>(options);
}

}  // namespace

Error error_of(const kj::Exception& exception, const std::string& address) {
  const std::string what = exception.getDescription().cStr();
  switch (exception.getType()) {
    case kj::Exception::Type::DISCONNECTED:
      return make_error(ErrorCode::Closed,
                        fmt::format("{}: the connection was lost: {}", address, what));
    case kj::Exception::Type::OVERLOADED:
      return make_error(ErrorCode::Exhausted, fmt::format("{}: {}", address, what));
    case kj::Exception::Type::UNIMPLEMENTED:
      return make_error(ErrorCode::Unsupported,
                        fmt::format("{}: the server does not know this call, it is of another "
                                    "version: {}",
                                    address, what));
    default:
      return make_error(ErrorCode::Io, fmt::format("{}: {}", address, what));
  }
}

Error error_of(schema::Error::Reader error) {
  Error out;
  out.message = error.getMessage().cStr();
  if (error.getHasPosition()) out.position = error.getPosition();
  switch (error.getCode()) {
    case schema::ErrorCode::INVALID_ARGUMENT:
      out.code = ErrorCode::InvalidArgument;
      break;
    case schema::ErrorCode::NOT_FOUND:
      out.code = ErrorCode::NotFound;
      break;
    case schema::ErrorCode::CONFLICT:
      out.code = ErrorCode::Conflict;
      break;
    case schema::ErrorCode::DENIED:
      out.code = ErrorCode::Denied;
      break;
    case schema::ErrorCode::CORRUPTION:
      out.code = ErrorCode::Corruption;
      break;
    case schema::ErrorCode::IO:
      out.code = ErrorCode::Io;
      break;
    case schema::ErrorCode::EXHAUSTED:
      out.code = ErrorCode::Exhausted;
      break;
    case schema::ErrorCode::UNSUPPORTED:
      out.code = ErrorCode::Unsupported;
      break;
    case schema::ErrorCode::CLOSED:
      out.code = ErrorCode::Closed;
      break;
    default:
      out.code = ErrorCode::Internal;
  }
  return out;
}

Link::Link(kj::Own<kj::AsyncIoStream> stream, const Credentials& credentials)
    : stream_(kj::mv(stream)),
      network_(*stream_, capnp::rpc::twoparty::Side::CLIENT, reader_options()),
      rpc_(capnp::makeRpcClient(network_)),
      session_(nullptr),
      authenticated_(nullptr) {
  session_ = bootstrap(rpc_, credentials, authenticated_);
}

kj::Promise<void> Remote::Impl::when_raised(const std::atomic<bool>* flag) {
  if (flag == nullptr) return kj::NEVER_DONE;
  if (flag->load(std::memory_order_relaxed)) return kj::READY_NOW;
  return io->provider->getTimer().afterDelay(kLookMs * kj::MILLISECONDS).then([this, flag] {
    return when_raised(flag);
  });
}

kj::Promise<kj::Own<kj::AsyncIoStream>> Remote::Impl::open_stream() {
  using Stream = kj::Own<kj::AsyncIoStream>;
  const bool local = to.kind == rpc::Address::Kind::Unix;
  return io->provider->getNetwork()
      .parseAddress((local ? "unix:" + to.path : to.host_port()).c_str())
      .then([](kj::Own<kj::NetworkAddress> address) {
        auto stream = address->connect();
        return stream.attach(kj::mv(address));
      })
      .then([this, local](Stream stream) -> kj::Promise<Stream> {
        if (!local) keep_alive(*stream);
        if (to.kind != rpc::Address::Kind::Tls) return kj::mv(stream);
        return tls->wrapClient(kj::mv(stream), to.host.c_str());
      })
      .then([](Stream stream) -> Stream { return kj::heap<rpc::BufferedStream>(kj::mv(stream)); });
}

Result<kj::Own<kj::AsyncIoStream>> Remote::Impl::wait_for_stream() {
  using Stream = Result<kj::Own<kj::AsyncIoStream>>;
  const auto ended = [this](ErrorCode code, const char* what) {
    return Stream(make_error(code, fmt::format("{}: {}", options.address, what)));
  };
  try {
    return open_stream()
        .then([](kj::Own<kj::AsyncIoStream> stream) { return Stream(kj::mv(stream)); })
        .exclusiveJoin(when_raised(options.cancelled).then([&] {
          return ended(ErrorCode::Closed, "interrupted while connecting");
        }))
        .exclusiveJoin(io->provider->getTimer().afterDelay(kConnectMs * kj::MILLISECONDS).then([&] {
          return ended(ErrorCode::NotFound, "nobody answered for 10 seconds");
        }))
        .wait(io->waitScope);
  } catch (const kj::Exception& exception) {
    return cannot_connect(exception, options.address);
  }
}

Result<void> Remote::Impl::connect() {
  link = nullptr;
  CAIRN_TRY_ASSIGN(auto stream, wait_for_stream());
  return caught(options.address, [&]() -> Result<void> {
    link = kj::heap<Link>(kj::mv(stream), options.credentials);
    return link->authenticated()
        .exclusiveJoin(io->provider->getTimer()
                           .afterDelay(kConnectMs * kj::MILLISECONDS)
                           .then([this]() -> Result<void> {
                             return make_error(ErrorCode::NotFound,
                                               options.address +
                                                   ": connected, but no cairn server answered for "
                                                   "10 seconds");
                           }))
        .wait(io->waitScope);
  });
}

Result<void> Remote::Impl::pause(int64_t ms) {
  return caught(options.address, [&]() -> Result<void> {
    io->provider->getTimer()
        .afterDelay(ms * kj::MILLISECONDS)
        .exclusiveJoin(when_raised(options.cancelled))
        .wait(io->waitScope);
    if (cancelled()) return make_error(ErrorCode::Closed, "interrupted while connecting again");
    return {};
  });
}

Result<void> Remote::Impl::reconnect(const Error& why) {
  if (options.note) {
    options.note(
        fmt::format("cairn: {}; trying again for {} minutes", why.message, kPatienceMs / 60'000));
  }
  int64_t waited = 0;
  for (int64_t next = kFirstPauseMs;; next = std::min(next * 2, kLongestPauseMs)) {
    CAIRN_TRY(pause(next));
    waited += next;
    auto connected = connect();
    if (connected.ok()) return {};
    // Who is turned away is so the next time, too.
    const ErrorCode code = connected.error().code;
    const bool passes = code == ErrorCode::NotFound || code == ErrorCode::Closed ||
                        code == ErrorCode::Io || code == ErrorCode::Exhausted;
    if (!passes || cancelled() || waited >= kPatienceMs) return connected;
  }
}

Remote::Remote(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Remote::~Remote() = default;

Result<std::unique_ptr<Remote>> Remote::connect(RemoteOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  const std::string& address = impl->options.address;
  CAIRN_TRY_ASSIGN(impl->to, rpc::parse_address(address));
  if (impl->to.kind == rpc::Address::Kind::Tls) {
    CAIRN_TRY(caught(address, [&]() -> Result<void> {
      CAIRN_TRY_ASSIGN(impl->tls, make_tls(impl->options.credentials.tls_ca));
      return {};
    }));
  }
  CAIRN_TRY(caught(address, [&]() -> Result<void> {
    impl->io.emplace(kj::setupAsyncIo());
    return {};
  }));
  CAIRN_TRY(impl->connect());
  return std::unique_ptr<Remote>(new Remote(std::move(impl)));
}

Result<Lsn> Remote::lsn() {
  return caught(impl_->options.address, [&]() -> Result<Lsn> {
    const auto answer = impl_->link->session().infoRequest().send().wait(impl_->io->waitScope);
    return Lsn{answer.getServer().getLsn()};
  });
}

}  // namespace cairn::client
