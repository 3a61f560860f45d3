#include "server/run_call.h"

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <mutex>

#include "query/meter.h"
#include "server/convert.h"
#include "server/limited_rights.h"
#include "verbs/output.h"
#include "verbs/run.h"

namespace cairn::server {
namespace {

constexpr size_t kAtOnce = 64u << 10;  // that much comes with the answer and not before it
// So far a verb may be ahead of who reads: nearly all come to their end, and let go of what they
// read, however slow that is. Where nobody takes anything before the answer, it is all there is.
constexpr size_t kMostAhead = 16u << 20;
constexpr size_t kChunk = 256u << 10;

struct Piece {
  bool to_error = false;
  std::string bytes;
};

// Between the worker that runs a verb and the loop that sends what it writes.
class Pipe {
 public:
  explicit Pipe(bool streaming) : streaming_(streaming) {}

  const std::shared_ptr<VerbWatch> watch = std::make_shared<VerbWatch>();

  // --- worker ---
  Result<void> push(bool to_error, std::string_view bytes, Bridge& bridge) {
    std::unique_lock lock(mutex_);
    if (closed_) return make_error(ErrorCode::Closed, "nobody reads the answer any more");
    if (!streaming_ && held_ + bytes.size() > kMostAhead) {
      return make_error(ErrorCode::Exhausted,
                        fmt::format("the answer has more than {} bytes; give `output` to take it "
                                    "piece by piece",
                                    kMostAhead));
    }
    while (!bytes.empty()) {
      if (pieces_.empty() || pieces_.back().to_error != to_error ||
          pieces_.back().bytes.size() >= kChunk) {
        pieces_.push_back({to_error, {}});
      }
      std::string& last = pieces_.back().bytes;
      const size_t size = std::min(bytes.size(), kChunk - last.size());
      last.append(bytes.substr(0, size));
      bytes.remove_prefix(size);
      held_ += size;
    }
    if (held_ > kAtOnce) call_loop(bridge);
    // What is late does not wait for a slow reader: it ends with its next look at the flag.
    room_.wait(lock, [this] {
      return closed_ || !streaming_ || held_ <= kMostAhead ||
             watch->late.load(std::memory_order_relaxed);
    });
    if (closed_) return make_error(ErrorCode::Closed, "nobody reads the answer any more");
    return {};
  }
  void finish(Bridge& bridge) {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    call_loop(bridge);
  }

  // --- loop ---
  void close() {
    watch->cancelled.store(true, std::memory_order_relaxed);
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    room_.notify_all();
  }
  void hurry() {
    { const std::lock_guard lock(mutex_); }  // whoever has looked at the flag waits by now
    room_.notify_all();
  }
  // Whether there is something to do now; else arrive(number) is called once there is.
  bool ready(uint64_t number) {
    const std::lock_guard lock(mutex_);
    waiter_ = number;
    if (!finished_ && held_ <= kAtOnce) return false;
    waiter_ = 0;
    return true;
  }
  // The next piece to send before the answer; nullopt: the rest comes with it, or later.
  std::optional<Piece> next() {
    const std::lock_guard lock(mutex_);
    if (pieces_.empty() || held_ <= kAtOnce) return std::nullopt;
    Piece piece = std::move(pieces_.front());
    pieces_.pop_front();
    return piece;
  }
  void sent(size_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      held_ -= bytes;
    }
    room_.notify_all();
  }
  bool finished() const {
    const std::lock_guard lock(mutex_);
    return finished_ && held_ <= kAtOnce;
  }
  bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  std::deque<Piece> take_rest() {
    const std::lock_guard lock(mutex_);
    return std::move(pieces_);
  }

 private:
  void call_loop(Bridge& bridge) {
    const uint64_t number = std::exchange(waiter_, 0);
    if (number != 0) bridge.post([number, &bridge] { bridge.arrive(number); });
  }

  const bool streaming_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::deque<Piece> pieces_;  // what follows is guarded by mutex_
  size_t held_ = 0;           // bytes of them, and of what is being sent
  bool finished_ = false;
  bool closed_ = false;
  uint64_t waiter_ = 0;
};

// Sends pieces until the verb has ended and the rest fits into the answer.
kj::Promise<void> send_pieces(Host& host, std::shared_ptr<Pipe> pipe,
                              schema::Output::Client output) {
  auto arrival = host.bridge.expect();
  kj::Promise<void> something = nullptr;
  if (pipe->ready(arrival.number)) {
    something = kj::READY_NOW;
  } else {
    something = kj::mv(arrival.promise);
  }
  return something.then([&host, pipe, output]() mutable -> kj::Promise<void> {
    if (auto piece = pipe->next()) {
      auto request = output.writeRequest();
      const size_t size = piece->bytes.size();
      auto chunk = request.initChunk();
      chunk.setToError(piece->to_error);
      chunk.setBytes(kj::arrayPtr(reinterpret_cast<const kj::byte*>(piece->bytes.data()), size));
      const auto patience = host.config.stalled_ms * kj::MILLISECONDS;
      return host.timer.timeoutAfter(patience, request.send().ignoreResult())
          .then([&host, pipe, output, size]() mutable {
            pipe->sent(size);
            return send_pieces(host, pipe, kj::mv(output));
          });
    }
    if (pipe->finished()) return kj::READY_NOW;
    return send_pieces(host, pipe, kj::mv(output));
  });
}

CommandLine read_request(schema::RunRequest::Reader request, const std::string& user) {
  CommandLine line;
  for (const auto word : request.getWords()) line.words.push_back(text_of(word));
  line.files = std::make_shared<verbs::NamedFiles>();
  for (const auto file : request.getFiles()) {
    const auto bytes = file.getBytes();
    Result<std::string> content =
        std::string(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
    if (file.hasProblem()) {
      content = make_error(ErrorCode::NotFound, text_of(file.getProblem().getMessage()));
    }
    line.files->give(text_of(file.getName()), std::move(content));
  }
  if (request.hasTerminal()) {
    const auto terminal = request.getTerminal();
    line.terminal.out = terminal.getOut();
    line.terminal.err = terminal.getErr();
    constexpr uint16_t kNarrowest = 20;
    line.terminal.width = std::max(terminal.getWidth(), kNarrowest);
    line.terminal.utf8 = terminal.getUtf8();
    line.terminal.color = terminal.getColor();
  }
  line.user = user;
  return line;
}

void write_answer(schema::RunAnswer::Builder out, int exit_code, const std::deque<Piece>& rest,
                  const std::map<std::string, std::string>& written) {
  out.setExitCode(static_cast<uint8_t>(exit_code));
  auto chunks = out.initChunks(static_cast<kj::uint>(rest.size()));
  kj::uint at = 0;
  for (const Piece& piece : rest) {
    chunks[at].setToError(piece.to_error);
    chunks[at++].setBytes(
        kj::arrayPtr(reinterpret_cast<const kj::byte*>(piece.bytes.data()), piece.bytes.size()));
  }
  auto files = out.initWritten(static_cast<kj::uint>(written.size()));
  at = 0;
  for (const auto& [name, bytes] : written) {
    files[at].setName(name.c_str());
    files[at++].setBytes(
        kj::arrayPtr(reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()));
  }
}

// A question may use what the session may, whatever its words say.
void bound(query::Budget& budget, const SessionLimits& limits) {
  const query::Budget most = budget_of(limits, 0);
  const auto least = [](auto wish, auto limit) {
    return limit != 0 && (wish == 0 || limit < wish) ? limit : wish;
  };
  budget.time_us = least(budget.time_us, most.time_us);
  budget.memory_bytes = least(budget.memory_bytes, most.memory_bytes);
}

int print_refusal(const Refusal& refusal, const verbs::Invocation& invocation,
                  const verbs::Sink& out, const verbs::Sink& err) {
  if (invocation.json) {
    (void)out(verbs::error_json(refusal.error) + "\n");
  } else {
    (void)err("cairn: " + refusal.error.message + "\n");
  }
  return static_cast<int>(verbs::ExitCode::Failed);
}

}  // namespace

kj::Promise<void> watch_verb(Host& host, std::shared_ptr<VerbWatch> watch, uint64_t limit_ms,
                             std::function<void()> on_late) {
  if (limit_ms == 0) return kj::NEVER_DONE;
  constexpr uint64_t kLongestMs = uint64_t{1} << 40;  // so that it fits in microseconds
  const int64_t limit_us = static_cast<int64_t>(std::min(limit_ms, kLongestMs)) * 1000;
  const int64_t begun_us = watch->begun_us.load(std::memory_order_relaxed);
  // Waiting for a worker is no fault of the verb's.
  const int64_t run_us = begun_us == 0 ? 0 : raw(host.steady.now()) - begun_us;
  if (run_us >= limit_us) {
    watch->late.store(true, std::memory_order_relaxed);
    watch->cancelled.store(true, std::memory_order_release);
    on_late();
    return kj::NEVER_DONE;
  }
  return host.timer.afterDelay((limit_us - run_us) * kj::MICROSECONDS)
      .then([&host, watch = std::move(watch), limit_ms, on_late = std::move(on_late)]() mutable {
        return watch_verb(host, std::move(watch), limit_ms, std::move(on_late));
      });
}

int run_command(Host& host, const CommandLine& line, const verbs::Sink& out, const verbs::Sink& err,
                VerbWatch& watch) {
  watch.begun_us.store(raw(host.steady.now()), std::memory_order_relaxed);
  verbs::LentAccess stores(host.store);
  verbs::Call call{.stores = stores,
                   .files = *line.files,
                   .out = out,
                   .err = err,
                   .terminal = line.terminal,
                   .user = line.user,
                   .cancelled = &watch.cancelled,
                   .rights = line.rights};
  auto parsed = verbs::parse_arguments(line.words, line.user);
  if (const auto* advice = std::get_if<verbs::Advice>(&parsed)) {
    return verbs::give_advice(*advice, call);
  }
  auto& invocation = std::get<verbs::Invocation>(parsed);
  if (auto* query = std::get_if<verbs::QueryArguments>(&invocation.verb)) {
    bound(query->budget, line.limits);
  } else if (auto* explain = std::get_if<verbs::ExplainArguments>(&invocation.verb)) {
    bound(explain->query.budget, line.limits);
  }
  call.why_cancelled = [&]() -> std::optional<Error> {
    if (!watch.late.load(std::memory_order_relaxed)) return std::nullopt;
    return make_error(
        ErrorCode::Exhausted,
        fmt::format("{} took longer than {}, the limit of the server or the token "
                    "(verb_ms); ask for less, or raise it",
                    invocation.name,
                    query::format_limit_time(static_cast<int64_t>(line.limits.verb_ms) * 1000)));
  };
  if (line.rights.allow(
          verbs::demand_of(invocation.verb).scope)) {  // else run_invocation() says so
    if (const auto refusal = refuse_beyond_projects(invocation, line.rights, host.store)) {
      return print_refusal(*refusal, invocation, out, err);
    }
  }
  return verbs::run_invocation(invocation, call, verbs::run_any);
}

kj::Promise<void> answer_run(Host& host, std::shared_ptr<Caller> caller,
                             const verbs::Rights& rights,
                             capnp::CallContext<schema::RunRequest, schema::RunAnswer> context) {
  context.allowCancellation();
  const auto request = context.getParams();
  const std::string user =
      request.getUser().size() > 0 ? text_of(request.getUser()) : caller->grant().name;
  auto line = std::make_shared<CommandLine>(read_request(request, user));
  line->rights = rights;
  line->limits = caller->limits();
  const bool streaming = request.hasOutput();
  auto pipe = std::make_shared<Pipe>(streaming);
  kj::Promise<void> sending = kj::READY_NOW;
  if (streaming) sending = send_pieces(host, pipe, request.getOutput());
  context.releaseParams();

  auto held = kj::heap<Caller::Held>(caller);
  auto done = host.workers.run<int>([&host, line, pipe, caller](const auto&) {
    const TimeUs begin = host.steady.now();
    Bridge& bridge = host.bridge;
    const int code = run_command(
        host, *line, [&](std::string_view bytes) { return pipe->push(false, bytes, bridge); },
        [&](std::string_view bytes) { return pipe->push(true, bytes, bridge); }, *pipe->watch);
    std::string text;
    for (const std::string& word : line->words) text += (text.empty() ? "" : " ") + word;
    note_time(host, CallKind::Run, caller->grant().name, text, raw(host.steady.now()) - raw(begin));
    pipe->finish(bridge);
    // What ended because nobody reads is not done, even where it counts as that on a terminal.
    return pipe->closed() ? static_cast<int>(verbs::ExitCode::Interrupted) : code;
  });
  auto watching = watch_verb(host, pipe->watch, line->limits.verb_ms, [pipe] {
                    pipe->hurry();
                  }).eagerlyEvaluate([](kj::Exception&&) {});  // timers do not fail
  // Who does not take what is sent has no more use of the rest.
  auto sent = sending.catch_([pipe](kj::Exception&&) { pipe->close(); });
  return sent.then([done = kj::mv(done)]() mutable { return kj::mv(done); })
      .then([context, pipe, line](int code) mutable {
        write_answer(context.getResults(), code, pipe->take_rest(), line->files->written());
      })
      .attach(kj::mv(held), kj::mv(watching), kj::defer([pipe] { pipe->close(); }));
}

}  // namespace cairn::server
