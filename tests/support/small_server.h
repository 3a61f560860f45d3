// A server for tests of the client: the protocol over a unix socket, one call after the other, in a
// thread of its own. What becomes of each batch of an import is said by the test: connections break
// before and after a batch is stored, and answers are put off.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <fmt/format.h>
#include <kj/async-io.h>

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "engine/store.h"
#include "issue_store.capnp.h"
#include "model/message.h"
#include "verbs/run.h"

namespace cairn::testing {

// What becomes of a call.
enum class Fate { Answer, BreakBefore, BreakAfter, Later, Fail };

class SmallServer {
 public:
  // `fate` is asked in the server's thread, once a batch or verb; null: all are answered.
  SmallServer(std::string socket, engine::Store& store, std::string token,
              std::function<Fate()> fate)
      : socket_(std::move(socket)),
        store_(store),
        token_(std::move(token)),
        fate_(std::move(fate)),
        thread_([this] { serve(); }) {
    while (!ready_) std::this_thread::yield();
  }
  ~SmallServer() {
    stop_ = true;
    thread_.join();
  }
  SmallServer(const SmallServer&) = delete;
  SmallServer& operator=(const SmallServer&) = delete;

  std::string address() const { return "unix:" + socket_; }
  int connections() const { return connections_; }  // taken so far
  int calls() const { return calls_; }

 private:
  struct Connection {
    Connection(SmallServer& server, kj::Own<kj::AsyncIoStream> stream_)
        : stream(kj::mv(stream_)),
          network(*stream, capnp::rpc::twoparty::Side::SERVER),
          rpc(capnp::makeRpcServer(network, kj::heap<DoorServer>(server, *this))) {}
    kj::Own<kj::AsyncIoStream> stream;
    capnp::TwoPartyVatNetwork network;
    capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
  };

  class IngestServer final : public schema::Ingest::Server {
   public:
    IngestServer(SmallServer& server, Connection& connection, bool input_time)
        : server_(server), connection_(connection) {
      options_.input_time = input_time;
    }

    kj::Promise<void> submit(SubmitContext context) override {
      const Fate fate = server_.next_fate();
      auto answer = context.initResults();
      if (fate == Fate::BreakBefore) return server_.break_off(connection_);
      if (behind_ || fate == Fate::Later || fate == Fate::Fail) {
        auto error = answer.initError();
        error.setCode(schema::ErrorCode::EXHAUSTED);
        error.setMessage(behind_ ? "an earlier batch failed" : "too many at once");
        if (fate == Fate::Later && !behind_) error.setRetryAfterMs(5);
        behind_ = true;
        return kj::READY_NOW;
      }
      const auto bytes = context.getParams().getLines().asChars();
      store(std::string(bytes.begin(), bytes.size()), answer);
      if (fate == Fate::BreakAfter) return server_.break_off(connection_);
      return kj::READY_NOW;
    }

    kj::Promise<void> known(KnownContext context) override {
      const auto names = context.getParams().getOccurrences();
      auto known = context.initResults().initKnown(names.size());
      for (kj::uint i = 0; i < names.size(); ++i) {
        Uuid id;
        std::copy(names[i].getId().begin(), names[i].getId().end(), id.bytes.begin());
        const auto one = server_.store_.has_occurrence(ProjectId{names[i].getProject()}, id);
        known.set(i, one.ok() && *one);
      }
      return kj::READY_NOW;
    }

   private:
    void store(const std::string& lines, schema::Acknowledgement::Builder answer) {
      model::MessageParser parser;
      std::vector<model::Message> messages;
      for (size_t at = 0; at < lines.size();) {
        const size_t end = lines.find('\n', at);
        auto message = parser.parse(std::string_view(lines).substr(at, end - at));
        messages.push_back(std::move(*message));
        at = end + 1;
      }
      const auto result = server_.store_.submit(std::move(messages), options_);
      answer.setLsn(raw(result->lsn));
      auto outcomes = answer.initOutcomes(static_cast<kj::uint>(result->items.size()));
      std::vector<std::pair<kj::uint, Error>> refused;
      for (kj::uint i = 0; i < result->items.size(); ++i) {
        outcomes[i] = static_cast<kj::byte>(result->items[i].outcome);
        if (result->items[i].error) refused.emplace_back(i, *result->items[i].error);
      }
      auto list = answer.initRefused(static_cast<kj::uint>(refused.size()));
      for (kj::uint i = 0; i < refused.size(); ++i) {
        list[i].setIndex(refused[i].first);
        list[i].initError().setMessage(refused[i].second.message.c_str());
        const bool missing = refused[i].second.code == ErrorCode::NotFound;
        list[i].getError().setCode(missing ? schema::ErrorCode::NOT_FOUND
                                           : schema::ErrorCode::INVALID_ARGUMENT);
      }
    }

    SmallServer& server_;
    Connection& connection_;
    engine::SubmitOptions options_;
    bool behind_ = false;  // one that failed
  };

  class SessionServer final : public schema::Session::Server {
   public:
    SessionServer(SmallServer& server, Connection& connection)
        : server_(server), connection_(connection) {}

    kj::Promise<void> info(InfoContext context) override {
      const auto snapshot = server_.store_.snapshot();
      context.initResults().initServer().setLsn(raw((*snapshot)->lsn()));
      return kj::READY_NOW;
    }

    kj::Promise<void> ingest(IngestContext context) override {
      context.initResults().setIngest(
          kj::heap<IngestServer>(server_, connection_, context.getParams().getInputTime()));
      return kj::READY_NOW;
    }

    kj::Promise<void> run(RunContext context) override {
      const Fate fate = server_.next_fate();
      if (fate == Fate::BreakBefore) return server_.break_off(connection_);
      const auto request = context.getParams();
      std::vector<std::string> words;
      for (const auto word : request.getWords()) words.emplace_back(word.cStr());
      verbs::NamedFiles files;
      for (const auto file : request.getFiles()) {
        const auto bytes = file.getBytes().asChars();
        if (file.hasProblem()) {
          files.give(file.getName().cStr(),
                     make_error(ErrorCode::NotFound, file.getProblem().getMessage().cStr()));
        } else {
          files.give(file.getName().cStr(), std::string(bytes.begin(), bytes.size()));
        }
      }
      std::vector<std::pair<bool, std::string>> chunks;
      const auto sink = [&chunks](bool to_error) -> verbs::Sink {
        return [&chunks, to_error](std::string_view bytes) -> Result<void> {
          chunks.emplace_back(to_error, bytes);
          return {};
        };
      };
      verbs::LentAccess stores(server_.store_);
      verbs::Terminal terminal;
      terminal.width = request.getTerminal().getWidth();
      terminal.utf8 = request.getTerminal().getUtf8();
      const int code = verbs::run_words(words, {.stores = stores,
                                                .files = files,
                                                .out = sink(false),
                                                .err = sink(true),
                                                .terminal = terminal,
                                                .user = request.getUser().cStr()});
      answer(context.initResults(), code, chunks, files);
      if (fate == Fate::BreakAfter) return server_.break_off(connection_);
      return kj::READY_NOW;
    }

   private:
    static void answer(schema::RunAnswer::Builder answer, int code,
                       const std::vector<std::pair<bool, std::string>>& chunks,
                       const verbs::NamedFiles& files) {
      answer.setExitCode(static_cast<uint8_t>(code));
      auto list = answer.initChunks(static_cast<kj::uint>(chunks.size()));
      for (kj::uint i = 0; i < chunks.size(); ++i) {
        list[i].setToError(chunks[i].first);
        list[i].setBytes(
            kj::StringPtr(chunks[i].second.c_str(), chunks[i].second.size()).asBytes());
      }
      auto written = answer.initWritten(static_cast<kj::uint>(files.written().size()));
      kj::uint at = 0;
      for (const auto& [name, bytes] : files.written()) {
        written[at].setName(name.c_str());
        written[at++].setBytes(kj::StringPtr(bytes.c_str(), bytes.size()).asBytes());
      }
    }

    SmallServer& server_;
    Connection& connection_;
  };

  class DoorServer final : public schema::Door::Server {
   public:
    DoorServer(SmallServer& server, Connection& connection)
        : server_(server), connection_(connection) {}

    kj::Promise<void> authenticate(AuthenticateContext context) override {
      if (server_.token_ != context.getParams().getToken().cStr()) {
        auto error = context.initResults().initError();
        error.setCode(schema::ErrorCode::DENIED);
        error.setMessage("the token is not known here");
        return kj::READY_NOW;
      }
      context.initResults().setSession(kj::heap<SessionServer>(server_, connection_));
      return kj::READY_NOW;
    }

   private:
    SmallServer& server_;
    Connection& connection_;
  };

  Fate next_fate() {
    ++calls_;
    return fate_ ? fate_() : Fate::Answer;
  }

  // The connection goes once the call that asked for it is off the stack.
  kj::Promise<void> break_off(Connection& connection) {
    broken_.push_back(&connection);
    return kj::NEVER_DONE;
  }

  kj::Promise<void> accept(kj::ConnectionReceiver& listener) {
    return listener.accept().then([this, &listener](kj::Own<kj::AsyncIoStream> stream) {
      ++connections_;
      open_.push_back(std::make_unique<Connection>(*this, kj::mv(stream)));
      return accept(listener);
    });
  }

  void serve() {
    auto io = kj::setupAsyncIo();
    auto listener = io.provider->getNetwork()
                        .parseAddress(("unix:" + socket_).c_str())
                        .wait(io.waitScope)
                        ->listen();
    auto accepting = accept(*listener).eagerlyEvaluate([](kj::Exception&&) {});
    ready_ = true;
    while (!stop_) {
      io.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(io.waitScope);
      for (Connection* gone : broken_) {
        open_.remove_if([gone](const auto& one) { return one.get() == gone; });
      }
      broken_.clear();
    }
    open_.clear();
  }

  std::string socket_;
  engine::Store& store_;
  std::string token_;
  std::function<Fate()> fate_;
  std::list<std::unique_ptr<Connection>> open_;
  std::list<Connection*> broken_;
  std::atomic<bool> ready_{false};
  std::atomic<bool> stop_{false};
  std::atomic<int> connections_{0};
  std::atomic<int> calls_{0};
  std::thread thread_;
};

}  // namespace cairn::testing
