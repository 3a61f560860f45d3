#include "server/connection.h"

#include <algorithm>

namespace cairn::server {
namespace {

constexpr uint64_t kFirstMessages = 64u << 10;  // bytes, before anybody has a session
constexpr uint64_t kWord = sizeof(capnp::word);

capnp::ReaderOptions reader_options(const Config& config) {
  capnp::ReaderOptions options;
  // The size of messages is GuardedStream's business; pointers that lead through one twice are
  // counted here.
  options.traversalLimitInWords = 2 * config.session.message_bytes / kWord;
  options.nestingLimit = 32;
  return options;
}

}  // namespace

Connection::Connection(Host& host, kj::Own<kj::AsyncIoStream> stream, Way way)
    : host_(host),
      begun_(host.steady.now()),
      stream_(kj::mv(stream), kFirstMessages, host.steady),
      network_(stream_, capnp::rpc::twoparty::Side::SERVER, reader_options(host.config)),
      rpc_(capnp::makeRpcServer(network_, make_door(host, way,
                                                    [this](std::shared_ptr<Caller> caller) {
                                                      std::erase_if(callers_, [](const auto& old) {
                                                        return old.expired();
                                                      });
                                                      callers_.push_back(caller);
                                                      stream_.set_limit(message_limit());
                                                    }))),
      ended_(nullptr) {
  // Calls that are not answered yet hold their message: beyond this nothing more is read.
  rpc_.setFlowLimit(4 * host.config.session.message_bytes / kWord);
  auto paf = kj::newPromiseAndFulfiller<void>();
  end_ = kj::mv(paf.fulfiller);
  ended_ = kj::mv(paf.promise);
  ++host_.metrics.connections;
  ++host_.metrics.connections_total;
}

Connection::~Connection() { --host_.metrics.connections; }

kj::Promise<void> Connection::run() {
  return network_.onDisconnect().exclusiveJoin(kj::mv(ended_));
}

uint64_t Connection::message_limit() const {
  uint64_t most = kFirstMessages;
  for (const auto& weak : callers_) {
    if (const auto caller = weak.lock()) most = std::max(most, caller->limits().message_bytes);
  }
  return most;
}

bool Connection::busy() const {
  return std::any_of(callers_.begin(), callers_.end(), [](const auto& weak) {
    const auto caller = weak.lock();
    return caller != nullptr && caller->calls() > 0;
  });
}

void Connection::look(TimeUs now) {
  const auto since_ms = [now](TimeUs then) { return (raw(now) - raw(then)) / 1000; };
  const Config& config = host_.config;
  if (callers_.empty() && since_ms(begun_) > config.first_words_ms) {
    cut("it did not authenticate");
  } else if (stream_.in_message() && since_ms(stream_.last()) > config.stalled_ms) {
    cut("it stalled in the middle of a message");
  } else if (config.idle_ms != 0 && since_ms(stream_.last()) > config.idle_ms && !busy()) {
    cut("it was idle");
  }
}

void Connection::cut(std::string_view why) {
  if (!end_->isWaiting()) return;
  ++host_.metrics.cut_connections;
  host_.log.info("connection_cut", {{"why", why}});
  end_->fulfill();
}

}  // namespace cairn::server
