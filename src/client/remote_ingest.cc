// Batches of an import on their way to a server.
//
// Batches that have no answer yet are kept as they were sent. When the connection breaks, or the
// server asks for patience, all of them are sent again in order on a new sequence (Ingest): the
// store knows what it has, so nothing is stored twice.
#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "client/remote_link.h"

namespace cairn::client {
namespace {

constexpr size_t kMostAsked = 10'000;  // occurrences in one call of known()

struct Batch {
  std::string lines;
  size_t messages = 0;
  std::optional<Result<engine::SubmitResult>> answer;
  kj::Promise<void> sending = nullptr;
};

// An answer as the store itself gives it. Errors: Internal (it does not fit what was sent).
Result<engine::SubmitResult> read_answer(schema::Acknowledgement::Reader answer, size_t messages) {
  engine::SubmitResult out;
  out.lsn = Lsn{answer.getLsn()};
  const auto outcomes = answer.getOutcomes();
  const auto wrong = [&] {
    return make_error(ErrorCode::Internal,
                      fmt::format("the server answered {} of {} lines", outcomes.size(), messages));
  };
  if (outcomes.size() != messages) return wrong();
  for (const kj::byte outcome : outcomes) {
    if (outcome > static_cast<kj::byte>(engine::Outcome::Refused)) return wrong();
    out.items.push_back({engine::Outcome{outcome}, {}, {}});
  }
  for (const auto refused : answer.getRefused()) {
    if (refused.getIndex() >= messages) return wrong();
    out.items[refused.getIndex()].error = error_of(refused.getError());
  }
  return out;
}

class RemoteSink final : public MessageSink {
 public:
  RemoteSink(Remote::Impl& remote, std::string actor, bool input_time)
      : remote_(remote), actor_(std::move(actor)), input_time_(input_time) {
    open();
  }
  ~RemoteSink() noexcept override {
    for (const auto& batch : unanswered_) batch->sending = nullptr;
  }

  bool takes_lines() const override { return true; }

  std::future<Result<engine::SubmitResult>> submit(engine::PreparedMessages,
                                                   std::span<const LineOrigin> origins,
                                                   const engine::SubmitOptions&) override {
    auto batch = std::make_shared<Batch>();
    batch->messages = origins.size();
    for (const LineOrigin& origin : origins) batch->lines.append(origin.text).push_back('\n');
    unanswered_.push_back(batch);
    if (!broken_ && !failed_) send(*batch);
    return std::async(std::launch::deferred, [this, batch] { return wait_for(*batch); });
  }

  Result<bool> has_occurrence(ProjectId project, const Uuid& id) override {
    const OccurrenceName name{project, id};
    CAIRN_TRY_ASSIGN(const auto known, has_occurrences({&name, 1}));
    return static_cast<bool>(known.front());
  }

  Result<std::vector<bool>> has_occurrences(std::span<const OccurrenceName> names) override {
    std::vector<bool> known;
    while (known.size() < names.size()) {
      const auto part =
          names.subspan(known.size(), std::min(kMostAsked, names.size() - known.size()));
      auto asked = ask(part);
      if (asked.ok()) {
        known.insert(known.end(), asked->begin(), asked->end());
      } else if (broken_) {
        CAIRN_TRY(recover());
      } else {
        return asked;
      }
    }
    return known;
  }

 private:
  // Begins a sequence.
  void open() {
    auto request = remote_.link->session().ingestRequest();
    request.setActor(actor_.c_str());
    request.setInputTime(input_time_);
    auto answer = request.send();
    ingest_ = answer.getIngest();
    opening_ = answer
                   .then([this](auto&& opened) {
                     if (opened.hasError()) fail(error_of(opened.getError()));
                   })
                   .eagerlyEvaluate([this](kj::Exception&& exception) { broke(exception); });
  }

  void send(Batch& batch) {
    auto request = ingest_.submitRequest();
    request.setLines(kj::StringPtr(batch.lines.c_str(), batch.lines.size()).asBytes());
    batch.sending = request.send()
                        .then([this, &batch](auto&& answer) { take(batch, answer); })
                        .eagerlyEvaluate([this](kj::Exception&& exception) { broke(exception); });
  }

  void take(Batch& batch, schema::Acknowledgement::Reader answer) {
    if (answer.hasError()) {
      const auto error = answer.getError();
      if (error.getRetryAfterMs() > 0) {
        patience_ms_ = std::max<int64_t>(patience_ms_, error.getRetryAfterMs());
        broken_ = error_of(error);
      }
      // Those behind one that is to be sent again are, too.
      if (!broken_) batch.answer = error_of(error);
    } else {
      batch.answer = read_answer(answer, batch.messages);
    }
    wake();
  }

  void broke(const kj::Exception& exception) {
    // A sequence that was refused breaks all calls on it.
    if (!failed_ && !broken_) broken_ = error_of(exception, remote_.options.address);
    wake();
  }

  void fail(Error error) {
    failed_ = std::move(error);
    wake();
  }

  void wake() {
    if (waker_.get() != nullptr) waker_->fulfill();
  }

  // Lets the event loop run until something was heard.
  Result<void> wait() {
    return caught(remote_.options.address, [&]() -> Result<void> {
      auto waiting = kj::newPromiseAndFulfiller<void>();
      waker_ = kj::mv(waiting.fulfiller);
      waiting.promise.wait(remote_.io->waitScope);
      waker_ = nullptr;
      return {};
    });
  }

  Result<engine::SubmitResult> wait_for(Batch& batch) {
    while (!batch.answer) {
      if (!failed_ && broken_) (void)recover();
      if (failed_) return *failed_;
      if (!batch.answer && !broken_) CAIRN_TRY(wait());
    }
    while (!unanswered_.empty() && unanswered_.front()->answer) unanswered_.pop_front();
    return std::move(*batch.answer);
  }

  // After the connection was lost, or the server asked for patience.
  Result<void> recover() {
    const Error why = *broken_;
    opening_ = nullptr;
    for (const auto& batch : unanswered_) batch->sending = nullptr;
    auto ready = patience_ms_ > 0 ? remote_.pause(patience_ms_) : remote_.reconnect(why);
    if (!ready.ok()) {
      failed_ = ready.error();
      return ready;
    }
    broken_.reset();
    patience_ms_ = 0;
    open();
    for (const auto& batch : unanswered_) {
      if (!batch->answer) send(*batch);
    }
    return {};
  }

  Result<std::vector<bool>> ask(std::span<const OccurrenceName> names) {
    if (failed_) return *failed_;
    try {
      auto request = ingest_.knownRequest();
      auto list = request.initOccurrences(static_cast<uint>(names.size()));
      for (uint i = 0; i < names.size(); ++i) {
        list[i].setProject(raw(names[i].project));
        list[i].setId(kj::arrayPtr(names[i].id.bytes.data(), names[i].id.bytes.size()));
      }
      const auto answer = request.send().wait(remote_.io->waitScope);
      if (answer.hasError()) return error_of(answer.getError());
      std::vector<bool> known;
      for (const bool one : answer.getKnown()) known.push_back(one);
      if (known.size() == names.size()) return known;
      return make_error(ErrorCode::Internal, "the server answered for other occurrences");
    } catch (const kj::Exception& exception) {
      broke(exception);
      return error_of(exception, remote_.options.address);
    }
  }

  Remote::Impl& remote_;
  std::string actor_;
  bool input_time_;
  schema::Ingest::Client ingest_ = nullptr;
  kj::Promise<void> opening_ = nullptr;
  std::deque<std::shared_ptr<Batch>> unanswered_;  // oldest first
  kj::Own<kj::PromiseFulfiller<void>> waker_;
  std::optional<Error> broken_;  // what was sent has to be sent again
  std::optional<Error> failed_;  // nothing more can be sent
  int64_t patience_ms_ = 0;      // that the server asked for
};

}  // namespace

std::unique_ptr<MessageSink> Remote::ingest(const std::string& actor, bool input_time) {
  return std::make_unique<RemoteSink>(*impl_, actor, input_time);
}

}  // namespace cairn::client
