#include "server/server.h"

#include <fmt/format.h>
#include <kj/async-io.h>
#include <kj/compat/http.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/version.h"
#include "server/connection.h"
#include "server/delivery.h"
#include "server/digest_schedule.h"
#include "server/gateway.h"
#include "server/host.h"
#include "server/listening.h"
#include "server/store_notifications.h"
#include "server/tls_keys.h"

namespace cairn::server {
namespace {

constexpr auto kEverySecond = 1 * kj::SECONDS;
constexpr auto kAfterFailedAccept = 100 * kj::MILLISECONDS;

// What KJ has to say goes into the log like all else.
class KjLog final : public kj::ExceptionCallback {
 public:
  explicit KjLog(Log& log) : log_(log) {}
  void logMessage(kj::LogSeverity severity, const char* file, int line, int,
                  kj::String&& text) override {
    log_.write(severity >= kj::LogSeverity::ERROR ? "error" : "warning", "kj",
               {{"where", fmt::format("{}:{}", file, line)}, {"what", text.cStr()}});
  }

 private:
  Log& log_;
};

// A peer that vanishes without a word is noticed after some minutes, and small messages do not
// wait.
void set_options(kj::AsyncIoStream& stream) {
  const int yes = 1;
  const int idle = 60;
  const int interval = 15;
  const int count = 4;
  stream.setsockopt(SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
  stream.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  stream.setsockopt(IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  stream.setsockopt(IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
  stream.setsockopt(IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

class Serving final : public kj::TaskSet::ErrorHandler {
 public:
  Serving(const Config& config, kj::AsyncIoContext& io, Log& log, Gate& gate, TlsKeys& keys,
          engine::Store& store, const Uuid& store_id)
      : config_(config),
        io_(io),
        gate_(gate),
        keys_(keys),
        digests_(config.store + "/server.digests", *files_, log, metrics_),
        bridge_(io.unixEventPort),
        workers_(bridge_, config.workers, "cairn-answer"),
        ingester_(store, bridge_, metrics_),
        host_{config,
              store,
              bridge_,
              workers_,
              ingester_,
              gate,
              metrics_,
              log,
              io.provider->getTimer(),
              steady_,
              store_id.dashed()},
        store_id_(store_id),
        notifications_(store),
        always_(*this),
        listeners_(kj::heap<kj::TaskSet>(*this)),
        connections_(kj::heap<kj::TaskSet>(*this)) {}

  ~Serving() noexcept(false) {
    for (const std::string& path : unlink_) ::unlink(path.c_str());
  }

  // Before listen(): digests are made from now on.
  Result<void> begin_digests() {
    for (const DigestConfig& one : config_.digests) {
      digests_.add(one, std::make_unique<DigestDirectory>(*files_, one.directory));
    }
    return config_.digests.empty() ? Result<void>() : digests_.open(host_.store);
  }

  Result<void> listen() {
    for (const bool http : {false, true}) {
      for (const rpc::Address& address : http ? config_.http : config_.listen) {
        CAIRN_TRY_ASSIGN(const auto sockets, listen_on(address));
        for (const ListeningSocket& socket : sockets) add(socket, http);
      }
    }
    return {};
  }

  // Begins where each destination of notifications was left.
  Result<void> deliver() {
    if (config_.destinations.empty()) return {};
    const Delivery::Parts parts{bridge_,        io_.provider->getNetwork(),
                                host_.timer,    clock_,
                                host_.log,      *files_,
                                notifications_, config_.store,
                                store_id_};
    CAIRN_TRY_ASSIGN(delivery_, Delivery::open(parts, config_.destinations));
    metrics_.deliveries = delivery_->counts();
    return {};
  }

  // Until somebody wants it to end; then until all is answered.
  void run() {
    always_.add(bridge_.run());
    always_.add(every_second());
    if (config_.tick_ms != 0) always_.add(tick_now_and_then());
    always_.add(reload_on_hangup());
    if (delivery_ != nullptr) delivery_->start();
    auto& port = io_.unixEventPort;
    notify_manager("READY=1\nSTATUS=serving");
    host_.log.info("ready", {{"version", kVersion}, {"pid", uint64_t(::getpid())}});
    const siginfo_t signal =
        port.onSignal(SIGTERM).exclusiveJoin(port.onSignal(SIGINT)).wait(io_.waitScope);
    host_.log.info("stopping", {{"signal", uint64_t(signal.si_signo)}});
    notify_manager("STOPPING=1");
    host_.stopping = true;
    digests_.stop();
    listeners_ = nullptr;
    if (delivery_ != nullptr) delivery_->finish();
    drain(host_.timer.now() + config_.drain_ms * kj::MILLISECONDS).wait(io_.waitScope);
    connections_ = nullptr;
  }

 private:
  void taskFailed(kj::Exception&& exception) override {
    // A connection that breaks is the other side's business.
    if (exception.getType() == kj::Exception::Type::DISCONNECTED) return;
    ++metrics_.cut_connections;
    host_.log.info("connection_failed", {{"why", exception.getDescription().cStr()}});
  }

  void add(const ListeningSocket& socket, bool http) {
    using Provider = kj::LowLevelAsyncIoProvider;
    auto port = io_.lowLevelProvider->wrapListenSocketFd(socket.fd, Provider::TAKE_OWNERSHIP |
                                                                        Provider::ALREADY_CLOEXEC |
                                                                        Provider::ALREADY_NONBLOCK);
    if (!socket.unlink.empty()) unlink_.push_back(socket.unlink);
    host_.log.info("listening", {{"address", socket.name}, {"protocol", http ? "http" : "rpc"}});
    kj::HttpServer* server = http ? &http_server(socket.way) : nullptr;
    auto& receiver = *port;
    listeners_->add(accept(receiver, socket.way, socket.tls, server).attach(kj::mv(port)));
  }

  kj::HttpServer& http_server(Way way) {
    gateways_.push_back(std::make_unique<Gateway>(host_, way));
    kj::HttpServerSettings settings;
    settings.headerTimeout = config_.first_words_ms * kj::MILLISECONDS;
    settings.pipelineTimeout = config_.stalled_ms * kj::MILLISECONDS;
    settings.errorHandler = *gateways_.back();
    http_.push_back(std::make_unique<kj::HttpServer>(host_.timer, gateways_.back()->headers(),
                                                     *gateways_.back(), settings));
    return *http_.back();
  }

  kj::Promise<void> accept(kj::ConnectionReceiver& port, Way way, bool tls, kj::HttpServer* http) {
    return port.accept()
        .then(
            [this, way, tls, http](kj::Own<kj::AsyncIoStream> stream) -> kj::Promise<void> {
              welcome(kj::mv(stream), way, tls, http);
              return kj::READY_NOW;
            },
            // No descriptors left, most likely: the port is still there.
            [this](kj::Exception&& exception) -> kj::Promise<void> {
              host_.log.warn("accept_failed", {{"why", exception.getDescription().cStr()}});
              return host_.timer.afterDelay(kAfterFailedAccept);
            })
        .then([this, &port, way, tls, http] { return accept(port, way, tls, http); });
  }

  void welcome(kj::Own<kj::AsyncIoStream> stream, Way way, bool tls, kj::HttpServer* http) {
    if (open_ >= config_.max_connections) {
      ++metrics_.cut_connections;
      host_.log.warn("too_many_connections", {{"limit", uint64_t{config_.max_connections}}});
      return;
    }
    ++open_;
    auto open = kj::defer([this] { --open_; });
    if (way != Way::Trusted) set_options(*stream);
    if (!tls) {
      connections_->add(talk(kj::mv(stream), way, http).attach(kj::mv(open)));
      return;
    }
    auto shaking = keys_.wrap(kj::mv(stream));
    connections_->add(
        host_.timer.timeoutAfter(config_.first_words_ms * kj::MILLISECONDS, kj::mv(shaking))
            .then([this, way, http](kj::Own<kj::AsyncIoStream> wrapped) {
              return talk(kj::mv(wrapped), way, http);
            })
            .attach(kj::mv(open)));
  }

  kj::Promise<void> talk(kj::Own<kj::AsyncIoStream> stream, Way way, kj::HttpServer* http) {
    if (http != nullptr) {
      ++metrics_.connections;
      ++metrics_.connections_total;
      return http->listenHttp(kj::mv(stream)).attach(kj::defer([this] { --metrics_.connections; }));
    }
    auto connection = kj::heap<Connection>(host_, kj::mv(stream), way);
    Connection& one = *connection;
    rpc_.push_back(&one);
    return one.run().attach(kj::defer([this, &one] { std::erase(rpc_, &one); }),
                            kj::mv(connection));
  }

  kj::Promise<void> every_second() {
    return host_.timer.afterDelay(kEverySecond).then([this] {
      if (auto read = gate_.reload(); !read) {
        if (read.error().message != last_problem_)
          host_.log.warn("tokens", {{"why", read.error().message}});
        last_problem_ = read.error().message;
      }
      const TimeUs now = steady_.now();
      for (Connection* connection : rpc_) connection->look(now);
      look_at_digests();
      return every_second();
    });
  }

  // One look at a time, on a thread that may take as long as it needs.
  void look_at_digests() {
    if (config_.digests.empty() || looking_.exchange(true)) return;
    workers_.add([this] {
      digests_.look(host_.store, clock_.now());
      looking_ = false;
    });
  }

  // What time alone brings happens though nobody writes.
  kj::Promise<void> tick_now_and_then() {
    return host_.timer.afterDelay(config_.tick_ms * kj::MILLISECONDS).then([this] {
      if (!ticking_.exchange(true)) {
        workers_.add([this] {
          if (auto done = host_.store.tick_if_due(); !done) {
            host_.log.warn("tick", {{"why", done.error().message}});
          }
          ticking_ = false;
        });
      }
      return tick_now_and_then();
    });
  }

  kj::Promise<void> reload_on_hangup() {
    return io_.unixEventPort.onSignal(SIGHUP).then([this](siginfo_t) {
      Result<void> read;
      if (!config_.certificate.empty()) read = keys_.reload();
      if (read) {
        host_.log.info("reloaded");
      } else {
        host_.log.warn("reload", {{"why", read.error().message}});
      }
      return reload_on_hangup();
    });
  }

  kj::Promise<void> drain(kj::TimePoint end) {
    const bool quiet = metrics_.calls_now == metrics_.subscriptions &&
                       ingester_.waiting_bytes() == 0 &&
                       (delivery_ == nullptr || delivery_->idle());
    if (quiet || host_.timer.now() >= end) return kj::READY_NOW;
    constexpr auto kBetween = 10 * kj::MILLISECONDS;
    return host_.timer.afterDelay(kBetween).then([this, end] { return drain(end); });
  }

  const Config& config_;
  kj::AsyncIoContext& io_;
  Gate& gate_;
  TlsKeys& keys_;
  SteadyClock steady_;
  SystemClock clock_;
  Metrics metrics_;
  const std::unique_ptr<FileSystem> files_ = make_posix_file_system();
  DigestSchedule digests_;
  std::atomic<bool> looking_{false};  // at digests
  std::atomic<bool> ticking_{false};
  Bridge bridge_;
  Workers workers_;
  Ingester ingester_;
  Host host_;
  const Uuid store_id_;
  StoreNotifications notifications_;
  std::unique_ptr<Delivery> delivery_;  // null: there is no destination
  std::vector<std::string> unlink_;
  std::vector<std::unique_ptr<Gateway>> gateways_;
  std::vector<std::unique_ptr<kj::HttpServer>> http_;
  std::vector<Connection*> rpc_;
  uint32_t open_ = 0;
  std::string last_problem_;
  kj::TaskSet always_;
  kj::Own<kj::TaskSet> listeners_;
  kj::Own<kj::TaskSet> connections_;  // first to go: they use all the others
};

uint32_t default_workers() { return std::max(2u, std::thread::hardware_concurrency()); }

Result<Uuid> store_id_of(const engine::Store& store) {
  CAIRN_TRY_ASSIGN(const engine::Stats stats, store.stats());
  return stats.store_id;
}

}  // namespace

Result<void> serve(const Config& given) {
  Config config = given;
  if (config.workers == 0) config.workers = default_workers();
  Log log(STDERR_FILENO);
  KjLog kj_log(log);
  // Before there are threads: they inherit that these are the loop's.
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) kj::UnixEventPort::captureSignal(signal);
  engine::StoreOptions options;
  options.create = !config.must_exist;
  if (config.tokens.empty()) config.tokens = config.store + "/server.tokens";
  SystemClock clock;
  Gate gate(config.tokens, config.force_insecure, log, clock);
  CAIRN_TRY(gate.reload());
  CAIRN_TRY(check_config(config, gate.has_tokens()));
  TlsKeys keys(config.certificate, config.key);
  if (!config.certificate.empty()) CAIRN_TRY(keys.reload());
  CAIRN_TRY_ASSIGN(const auto store, engine::Store::open(config.store, options));
  CAIRN_TRY_ASSIGN(const Uuid store_id, store_id_of(*store));
  {
    auto io = kj::setupAsyncIo();
    Serving serving(config, io, log, gate, keys, *store, store_id);
    CAIRN_TRY(serving.begin_digests());
    CAIRN_TRY(serving.deliver());
    CAIRN_TRY(serving.listen());
    serving.run();
  }
  auto closed = store->checkpoint();
  if (auto end = store->close(); closed && !end) closed = end.error();
  if (!closed) {
    log.warn("close", {{"why", closed.error().message}});
    return closed;
  }
  log.info("stopped");
  return {};
}

}  // namespace cairn::server
