// A server in a process of its own, and a client of it, for tests.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <fcntl.h>
#include <kj/async-io.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "issue_store.capnp.h"
#include "rpc/buffered_stream.h"
#include "support/temp_dir.h"

namespace cairn::testing {

// Runs the program and returns what it printed; a failure fails the test.
inline std::string output_of(const std::string& words) {
  const std::string command = std::string(::getenv("CAIRN_BINARY")) + " " + words + " 2>/dev/null";
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  char buffer[4096];
  size_t size = 0;
  while ((size = ::fread(buffer, 1, sizeof buffer, pipe)) > 0) out.append(buffer, size);
  REQUIRE(::pclose(pipe) == 0);
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

class ServerProcess {
 public:
  // `settings`: TOML. Waits until it is ready.
  explicit ServerProcess(const std::string& settings = {}) {
    REQUIRE(::getenv("CAIRN_BINARY") != nullptr);
    (void)output_of("init " + store());
    std::ofstream(dir_ / "cairn.toml") << settings;
    start();
  }
  ~ServerProcess() { stop(SIGKILL); }

  std::string store() const { return dir_ / "store"; }
  std::string socket() const { return dir_ / "rpc.sock"; }
  pid_t pid() const { return pid_; }

  void start() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], STDERR_FILENO);
      const std::string listen = "unix:" + socket();
      const std::string config = dir_ / "cairn.toml";
      ::execl(::getenv("CAIRN_BINARY"), "cairn", "serve", store().c_str(), "--listen",
              listen.c_str(), "--listen", "tcp:127.0.0.1:0", "--config", config.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    std::string text;
    char c = 0;
    while (text.find("\"ready\"") == std::string::npos && ::read(ends[0], &c, 1) == 1) text += c;
    INFO(text);
    REQUIRE(text.find("\"ready\"") != std::string::npos);
    const size_t tcp = text.find("tcp:127.0.0.1:");
    REQUIRE(tcp != std::string::npos);
    port_ = static_cast<uint16_t>(std::atoi(text.c_str() + tcp + 14));
    drain_ = std::thread([fd = ends[0]] {
      char buffer[4096];
      while (::read(fd, buffer, sizeof buffer) > 0) {
      }
      ::close(fd);
    });
  }
  // Its exit status as wait() tells it.
  int stop(int signal) {
    int status = 0;
    if (pid_ > 0) {
      ::kill(pid_, signal);
      ::waitpid(pid_, &status, 0);
      pid_ = -1;
    }
    if (drain_.joinable()) drain_.join();
    return status;
  }
  uint16_t port() const { return port_; }

  std::string token(const std::string& name, const std::string& options) const {
    const std::string text = output_of("token " + store() + " create " + name + " " + options);
    return text;
  }

 private:
  TempDir dir_;
  pid_t pid_ = -1;
  uint16_t port_ = 0;
  std::thread drain_;
};

// One connection with a loop of its own.
class RpcClient {
 public:
  explicit RpcClient(const std::string& address)
      : io_(kj::setupAsyncIo()),
        stream_(io_.provider->getNetwork()
                    .parseAddress(address.c_str())
                    .wait(io_.waitScope)
                    ->connect()
                    .wait(io_.waitScope)),
        buffered_(kj::mv(stream_)),
        network_(buffered_, capnp::rpc::twoparty::Side::CLIENT, options()),
        rpc_(capnp::makeRpcClient(network_)) {}

  kj::WaitScope& scope() { return io_.waitScope; }
  kj::Timer& timer() { return io_.provider->getTimer(); }
  schema::Door::Client door() {
    capnp::MallocMessageBuilder message;
    auto vat = message.initRoot<capnp::rpc::twoparty::VatId>();
    vat.setSide(capnp::rpc::twoparty::Side::SERVER);
    return rpc_.bootstrap(vat).castAs<schema::Door>();
  }
  // A token that is new: the server looks at the file once a second.
  schema::Session::Client session(const std::string& token = {}) {
    while (true) {
      auto request = door().authenticateRequest();
      request.setToken(token.c_str());
      request.setClient("test");
      auto answer = request.send().wait(scope());
      if (!answer.hasError()) return answer.getSession();
      if (token.empty() || !again()) FAIL(answer.getError().getMessage().cStr());
    }
  }
  // Waits a little for what takes up to a second or so; false: for too long now.
  bool again() {
    timer().afterDelay(100 * kj::MILLISECONDS).wait(scope());
    return ++waits_ < 300;
  }

 private:
  static capnp::ReaderOptions options() {
    capnp::ReaderOptions out;
    out.traversalLimitInWords = 1u << 28;
    return out;
  }

  kj::AsyncIoContext io_;
  kj::Own<kj::AsyncIoStream> stream_;
  rpc::BufferedStream buffered_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
  int waits_ = 0;
};

// What an answer says of the error it holds; "" = it went well.
template <class Answer>
std::string code_of(const Answer& answer) {
  if (!answer.hasError()) return "";
  switch (answer.getError().getCode()) {
    case schema::ErrorCode::DENIED:
      return "denied";
    case schema::ErrorCode::NOT_FOUND:
      return "not_found";
    case schema::ErrorCode::INVALID_ARGUMENT:
      return "invalid_argument";
    case schema::ErrorCode::EXHAUSTED:
      return "exhausted";
    case schema::ErrorCode::CONFLICT:
      return "conflict";
    case schema::ErrorCode::CLOSED:
      return "closed";
    default:
      return std::string("other: ") + answer.getError().getMessage().cStr();
  }
}

inline kj::ArrayPtr<const kj::byte> bytes_of(const std::string& text) {
  return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
}

// An occurrence as a line; `n` makes its id, `group` its fingerprint.
inline std::string occurrence_line(uint64_t n, const std::string& group, uint64_t project = 7,
                                   const std::string& level = "error") {
  char id[33];
  std::snprintf(id, sizeof id, "%016llx%016llx", static_cast<unsigned long long>(project),
                static_cast<unsigned long long>(n));
  const std::string number = std::to_string(project);
  return std::string("{\"id\":\"") + id + "\",\"project_id\":" + number + ",\"fingerprint\":[\"" +
         group + "\"],\"issue_title\":\"Problem " + group +
         "\",\"subtitle\":\"s\",\"resource_id\":null,\"evidence_data\":{},\"evidence_display\":[],"
         "\"type\":1,\"detection_time\":1600000000,\"level\":\"" +
         level + "\",\"event\":{\"event_id\":\"" + id + "\",\"project_id\":" + number +
         ",\"timestamp\":1600000000,\"platform\":\"python\",\"tags\":{\"browser\":\"Firefox\"}}}\n";
}

}  // namespace cairn::testing
