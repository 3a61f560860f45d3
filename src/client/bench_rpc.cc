// The phase over a socket: what a call to a server in a process of its own costs beside the same
// call in this one.
#include <capnp/rpc-twoparty.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <kj/async-io.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <filesystem>
#include <thread>

#include "client/bench_phase.h"
#include "engine/store.h"
#include "issue_store.capnp.h"
#include "rpc/buffered_stream.h"
#include "server/server.h"

namespace cairn::client {
namespace {

using engine::Store;

constexpr int kQuestions = 2000;         // Q2, each way
constexpr uint64_t kStreamed = 200'000;  // lines of a streaming import, at most
constexpr size_t kUnderWay = 48;         // pipelined questions
constexpr double kPipelinedSeconds = 2;

// A server over a store in a process of its own, until it is destroyed. Precondition: no threads.
class Served {
 public:
  Served(std::string store, std::string socket) : socket_(std::move(socket)) {
    child_ = ::fork();
    if (child_ != 0) return;
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::dup2(nowhere, STDERR_FILENO);
    server::Config config;
    config.store = std::move(store);
    config.listen.push_back({rpc::Address::Kind::Unix, socket_, {}, 0});
    ::_exit(server::serve(config).ok() ? 0 : 1);
  }
  ~Served() { (void)end(); }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  Result<void> end() {
    if (child_ <= 0) return {};
    ::kill(child_, SIGTERM);
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return make_error(ErrorCode::Internal, "the server did not end in order");
  }
  const std::string& socket() const { return socket_; }

 private:
  std::string socket_;
  pid_t child_ = -1;
};

// One connection with a session. Exceptions of KJ are for guarded() below.
class Link {
 public:
  explicit Link(const std::string& socket)
      : io_(kj::setupAsyncIo()),
        stream_(connect(socket)),
        network_(stream_, capnp::rpc::twoparty::Side::CLIENT),
        rpc_(capnp::makeRpcClient(network_)),
        session_(session()) {}

  kj::WaitScope& scope() { return io_.waitScope; }
  schema::Session::Client& operator*() { return session_; }

 private:
  kj::Own<kj::AsyncIoStream> connect(const std::string& socket) {
    constexpr int kTries = 600;
    for (int left = kTries; ::access(socket.c_str(), F_OK) != 0 && left > 0; --left) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    auto& network = io_.provider->getNetwork();
    return network.parseAddress(("unix:" + socket).c_str()).wait(scope())->connect().wait(scope());
  }
  schema::Session::Client session() {
    capnp::MallocMessageBuilder message;
    auto vat = message.initRoot<capnp::rpc::twoparty::VatId>();
    vat.setSide(capnp::rpc::twoparty::Side::SERVER);
    auto request = rpc_.bootstrap(vat).castAs<schema::Door>().authenticateRequest();
    request.setClient("bench");
    return request.send().wait(scope()).getSession();
  }

  kj::AsyncIoContext io_;
  rpc::BufferedStream stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
  schema::Session::Client session_;
};

template <class Work>
Result<void> guarded(Work&& work) {
  Result<void> outcome;
  const auto problem = kj::runCatchingExceptions([&] { outcome = work(); });
  KJ_IF_MAYBE (exception, problem) {
    return make_error(ErrorCode::Io, exception->getDescription().cStr());
  }
  return outcome;
}

capnp::Request<schema::SearchRequest, schema::Session::SearchResults> request_of(
    Link& link, const BenchQuery& query) {
  auto request = (*link).searchRequest();
  request.setQuery(query.text.c_str());
  request.setNowUs(raw(query.options.now));
  if (query.options.sort == query::Sort::Freq) request.setSort("freq");
  return request;
}

template <class Answer>
Result<void> check(const Answer& answer) {
  if (!answer.hasError()) return {};
  return make_error(ErrorCode::Internal, answer.getError().getMessage().cStr());
}

Result<Measure> ask_over_socket(Link& link, const BenchQuery& query, int runs) {
  Measure time{"rpc: Q2 over a unix socket", "ms", {}};
  for (int run = -1; run < runs; ++run) {
    const double begin = seconds_now();
    CAIRN_TRY(check(request_of(link, query).send().wait(link.scope())));
    if (run >= 0) time.values.push_back(milliseconds_since(begin));
  }
  return time;
}

// What the machine itself takes for it: one byte to another process, which is then busy for as long
// as the question takes, and one byte back. Two processors that slept are woken on the way.
// Precondition: no threads.
Result<Measure> byte_over_socket(double busy_ms) {
  Measure time{"rpc: one byte there and back, beyond as long a pause", "us", {}};
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return make_error(ErrorCode::Io, "socketpair fails");
  }
  const pid_t child = ::fork();
  char byte = 0;
  if (child == 0) {
    ::close(ends[0]);
    while (::read(ends[1], &byte, 1) == 1) {
      for (const double begin = seconds_now(); milliseconds_since(begin) < busy_ms;) {
      }
      if (::write(ends[1], &byte, 1) != 1) break;
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  for (int run = 0; run < kQuestions; ++run) {
    const double begin = seconds_now();
    if (::write(ends[0], &byte, 1) != 1 || ::read(ends[0], &byte, 1) != 1) break;
    time.values.push_back((milliseconds_since(begin) - busy_ms) * 1e3);
  }
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  if (time.values.size() == kQuestions) return time;
  return make_error(ErrorCode::Io, "a byte to another process got lost");
}

Result<double> pipelined(Link& link, const BenchQuery& query) {
  using Answer = capnp::RemotePromise<schema::Session::SearchResults>;
  std::deque<Answer> under_way;
  uint64_t answered = 0;
  const double begin = seconds_now();
  while (seconds_now() < begin + kPipelinedSeconds) {
    while (under_way.size() < kUnderWay) under_way.push_back(request_of(link, query).send());
    CAIRN_TRY(check(under_way.front().wait(link.scope())));
    under_way.pop_front();
    ++answered;
  }
  const double rate = static_cast<double>(answered) / (seconds_now() - begin);
  for (; !under_way.empty(); under_way.pop_front()) (void)under_way.front().wait(link.scope());
  return rate;
}

// Sends blocks of lines, a few under way.
class Stream {
 public:
  explicit Stream(Link& link)
      : link_(link), ingest_((*link).ingestRequest().send().wait(link.scope()).getIngest()) {}

  Result<void> send(std::string_view block) {
    constexpr size_t kWindow = 8;
    auto request = ingest_.submitRequest();
    request.setLines(kj::arrayPtr(reinterpret_cast<const kj::byte*>(block.data()), block.size()));
    under_way_.push_back(request.send());
    return under_way_.size() < kWindow ? Result<void>() : take();
  }
  // Lines that were acknowledged, all of them.
  Result<uint64_t> end() {
    while (!under_way_.empty()) CAIRN_TRY(take());
    return lines_;
  }

 private:
  Result<void> take() {
    auto answer = under_way_.front().wait(link_.scope());
    under_way_.pop_front();
    lines_ += answer.getOutcomes().size();
    return check(answer);
  }

  Link& link_;
  schema::Ingest::Client ingest_;
  std::deque<capnp::RemotePromise<schema::Acknowledgement>> under_way_;
  uint64_t lines_ = 0;
};

Result<std::vector<std::string>> blocks_of(const GenerateOptions& load) {
  std::vector<std::string> blocks;
  CAIRN_TRY(generate(load, [&](std::string_view block) -> Result<void> {
    blocks.emplace_back(block);
    return {};
  }));
  return blocks;
}

Result<double> import_embedded(const Bench& bench, const std::vector<std::string>& blocks) {
  const std::string file = bench.scratch("rpc.jsonl");
  FILE* out = std::fopen(file.c_str(), "wb");
  if (out == nullptr) return make_error(ErrorCode::Io, "cannot write " + file);
  for (const std::string& block : blocks) std::fwrite(block.data(), 1, block.size(), out);
  std::fclose(out);
  const double begin = seconds_now();
  CAIRN_TRY_ASSIGN(auto store, Store::open(bench.scratch("rpc-embedded"), {}));
  StoreSink sink(*store);
  const ImportInput input{file, [file](WaitHooks hooks) { return open_lines(file, hooks); }, {}};
  const ImportSummary summary = import_messages(sink, {input}, {});
  if (summary.failure) return *summary.failure;
  const double took = seconds_now() - begin;
  CAIRN_TRY(store->close());
  return static_cast<double>(summary.lines) / took;
}

Result<void> measure_streaming(const Bench& bench, PhaseOutput& out) {
  CAIRN_TRY_ASSIGN(const auto blocks,
                   blocks_of(bench.load(std::min(bench.scale(), kStreamed), 99)));
  Measure ratio{"rpc: streaming import against an embedded one", "x", {}};
  for (int run = 0; run < bench.options().runs; ++run) {
    CAIRN_TRY_ASSIGN(const double embedded, import_embedded(bench, blocks));
    Served served(bench.scratch("rpc-streamed"), bench.scratch("s.sock"));
    const auto done = guarded([&]() -> Result<void> {
      Link link(served.socket());
      const double begin = seconds_now();
      Stream stream(link);
      for (const std::string& block : blocks) CAIRN_TRY(stream.send(block));
      CAIRN_TRY_ASSIGN(const uint64_t lines, stream.end());
      const double rate = static_cast<double>(lines) / (seconds_now() - begin);
      out.add("rpc: embedded import", "lines/s", embedded);
      out.add("rpc: streaming import", "lines/s", rate);
      ratio.values.push_back(rate / embedded);
      return {};
    });
    CAIRN_TRY(done);
    CAIRN_TRY(served.end());
    for (const char* name : {"rpc-embedded", "rpc-streamed"}) {
      std::filesystem::remove_all(bench.scratch(name));
    }
  }
  out.add(ratio);
  return {};
}

Measure percentile(const Measure& all, double share, std::string name) {
  std::vector<double> sorted = all.values;
  std::sort(sorted.begin(), sorted.end());
  const auto at = static_cast<size_t>(share * static_cast<double>(sorted.size()));
  return {std::move(name), all.unit, {sorted[std::min(at, sorted.size() - 1)]}};
}

// Another process that streams as fast as it can, until it is ended.
class StreamingProcess {
 public:
  StreamingProcess(const Bench& bench, const std::string& socket) {
    child_ = ::fork();
    if (child_ != 0) return;
    constexpr uint64_t kMore = 50'000'000;  // than can be taken meanwhile
    auto load = resolve_options(bench.load(kMore, 98));
    if (!load) ::_exit(1);
    load->stream = 2;
    const auto streamed = guarded([&]() -> Result<void> {
      Link link(socket);
      Stream stream(link);
      return generate(*load, [&](std::string_view block) { return stream.send(block); });
    });
    ::_exit(streamed.ok() ? 0 : 1);
  }
  StreamingProcess(const StreamingProcess&) = delete;
  StreamingProcess& operator=(const StreamingProcess&) = delete;
  ~StreamingProcess() { (void)end(); }
  // Whether it streamed until now.
  bool end() {
    if (child_ <= 0) return false;
    const bool streaming = ::waitpid(child_, nullptr, WNOHANG) == 0;
    if (streaming) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    child_ = -1;
    return streaming;
  }

 private:
  pid_t child_ = -1;
};

// Q2 now and then while another process streams.
Result<void> ask_beside_import(const Bench& bench, const Served& served, const BenchQuery& query,
                               PhaseOutput& out) {
  StreamingProcess importer(bench, served.socket());
  std::this_thread::sleep_for(std::chrono::seconds(1));
  Measure time{"rpc: Q2 beside a streaming import", "ms", {}};
  const auto asked = guarded([&]() -> Result<void> {
    Link link(served.socket());
    const double end = seconds_now() + bench.options().busy_seconds;
    while (seconds_now() < end) {
      const double begin = seconds_now();
      CAIRN_TRY(check(request_of(link, query).send().wait(link.scope())));
      time.values.push_back(milliseconds_since(begin));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return {};
  });
  CAIRN_TRY(asked);
  if (!importer.end()) return make_error(ErrorCode::Internal, "the streaming import has failed");
  out.add(time);
  out.add(percentile(time, 0.99, "rpc: Q2 beside a streaming import, p99"));
  return {};
}

Result<void> measure_rpc(const Bench& bench, const std::string& path, PhaseOutput& out) {
  std::optional<BenchQuery> q2;
  BenchQuery small{"small", "", {}};
  Measure embedded{"rpc: Q2 embedded", "ms", {}};
  {
    CAIRN_TRY_ASSIGN(auto store, Store::open(path, {}));
    CAIRN_TRY(store->tick());
    CAIRN_TRY_ASSIGN(const BenchKeys keys, find_keys(*store, bench.now()));
    for (const BenchQuery& query : questions(keys, bench.now())) {
      if (query.name.starts_with("Q2")) q2 = query;
    }
    small.text = "project:" + keys.project + " release:nothing";
    small.options.now = bench.now();
    CAIRN_TRY_ASSIGN(embedded, time_query(*store, *q2, kQuestions));
    embedded.name = "rpc: Q2 embedded";
    CAIRN_TRY(store->close());
  }
  out.add(embedded);
  CAIRN_TRY_ASSIGN(const Measure byte, byte_over_socket(embedded.median()));
  out.add(byte);
  Served served(path, bench.scratch("q.sock"));
  const auto done = guarded([&]() -> Result<void> {
    Link link(served.socket());
    CAIRN_TRY_ASSIGN(const Measure socket, ask_over_socket(link, *q2, kQuestions));
    out.add(socket);
    out.add("rpc: Q2 overhead of the socket", "us", (socket.median() - embedded.median()) * 1e3);
    CAIRN_TRY_ASSIGN(const double rate, pipelined(link, small));
    out.add("rpc: small questions on one connection, pipelined", "questions/s", rate);
    return {};
  });
  CAIRN_TRY(done);
  CAIRN_TRY(ask_beside_import(bench, served, *q2, out));
  return served.end();
}

}  // namespace

// On a copy: what is imported here would change what others measure.
Result<void> bench_rpc(Bench& bench) {
  const std::string path = bench.scratch("rpc");
  std::error_code error;
  std::filesystem::copy(bench.store(), path, std::filesystem::copy_options::recursive, error);
  if (error) return make_error(ErrorCode::Io, "cannot copy the store: " + error.message());
  bench.say("asking over a socket");
  CAIRN_TRY(bench.child([&](PhaseOutput& out) { return measure_rpc(bench, path, out); }));
  bench.say("importing over a socket");
  CAIRN_TRY(bench.child([&](PhaseOutput& out) { return measure_streaming(bench, out); }));
  std::filesystem::remove_all(path);
  return {};
}

}  // namespace cairn::client
