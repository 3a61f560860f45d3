#include "client/importer.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <thread>

#include "base/uuid.h"
#include "client/import_reader.h"

namespace cairn::client {
namespace {

constexpr size_t kQueuedBatches = 12;
// Some are made durable together, some applied meanwhile, and there is one when the next is wanted.
constexpr size_t kBatchesUnderWay = 12;
constexpr auto kStopLook = std::chrono::milliseconds(100);  // between looks at the stop flag

constexpr size_t kMaxReasons = 50;  // distinct ones that are counted by name

// A refusal's message without what differs from line to line: quoted pieces and numbers.
std::string reason_of(const Error& error) {
  std::string out;
  const std::string& text = error.message;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      const size_t close = text.find(c, i + 1);
      if (close != std::string::npos) {
        out += "...";
        i = close;
        continue;
      }
    }
    const bool digit = c >= '0' && c <= '9';
    if (!digit) {
      out.push_back(c);
    } else if (!out.ends_with('#')) {
      out.push_back('#');
    }
  }
  return out;
}

// The occurrence that a message refers to.
using Reference = OccurrenceName;

std::optional<Reference> reference_of(const model::Message& message) {
  const auto* op = std::get_if<model::WorkflowOp>(&message);
  if (op == nullptr || op->op != "occurrence" || !op->occurrence) return std::nullopt;
  return Reference{op->project, *op->occurrence};
}

Error not_given(const Reference& reference) {
  return make_error(ErrorCode::NotFound,
                    fmt::format("id: occurrence '{}' is neither in the store nor in the files "
                                "given; import the file that holds it too",
                                reference.id.dashed()));
}

class Importer {
 public:
  Importer(MessageSink& sink, const std::vector<ImportInput>& inputs, const ImportOptions& options)
      : sink_(sink), inputs_(inputs), options_(options), queue_(kQueuedBatches) {}

  ImportSummary run();

 private:
  struct Held {
    Reference reference;
    LineOrigin origin;
  };

  // Submitted and not yet answered.
  struct UnderWay {
    ImportBatch batch;
    std::vector<std::optional<Reference>> references;
    std::future<Result<engine::SubmitResult>> answer;  // not valid: nothing was submitted
  };

  void consume();
  Result<void> submit(ImportBatch batch);
  // Takes the answer to the oldest batch under way.
  Result<void> finish_oldest();
  Result<void> handle(UnderWay& one);
  void tell_progress(uint64_t bytes) const;
  // Counts one outcome; what is refused goes into `refused`.
  void count(engine::ItemResult item, const std::optional<Reference>& reference, LineOrigin origin,
             std::vector<std::pair<uint64_t, Refusal>>& refused);
  Result<void> refuse(const Refusal& refusal);
  // Before more input: keeps what is held within its limits.
  Result<void> bound_held();
  // Counts those held references that have become known.
  Result<void> ask_again();
  // Refuses what is held; `why` words the error.
  Result<void> refuse_held(const std::function<Error(const Reference&)>& why);
  bool stop_wanted() const {
    return options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed);
  }

  MessageSink& sink_;
  const std::vector<ImportInput>& inputs_;
  const ImportOptions& options_;
  BoundedQueue<ImportBatch> queue_;
  std::atomic<bool> cancelled_{false};
  std::deque<UnderWay> under_way_;
  // A batch that fails takes those behind it along: they may refer to what it would have stored.
  std::shared_ptr<std::atomic<bool>> sequence_failed_ = std::make_shared<std::atomic<bool>>(false);
  bool refusals_lost_ = false;  // on_refusal failed: it gets no more
  std::vector<Held> held_;
  size_t held_bytes_ = 0;
  ImportSummary summary_;
};

ImportSummary Importer::run() {
  ImportReader reader(inputs_, options_, cancelled_, queue_);
  std::thread thread([&] { reader.run(); });
  consume();
  cancelled_ = true;
  queue_.cancel();
  thread.join();
  const bool complete = !summary_.failure && !summary_.interrupted;
  auto asked = ask_again();
  if (asked && complete) asked = refuse_held(not_given);
  if (!asked && !summary_.failure) summary_.failure = asked.error();
  // Neither known nor refused: the input was not read to its end.
  summary_.lines -= held_.size();
  return std::move(summary_);
}

void Importer::consume() {
  while (!summary_.failure) {
    if (stop_wanted()) {
      summary_.interrupted = true;
      break;
    }
    // With answers to wait for, only what is there already comes before them.
    auto batch = queue_.pop(under_way_.empty() ? kStopLook : std::chrono::milliseconds(0));
    if (!batch && under_way_.empty()) {
      if (queue_.ended()) break;
      continue;
    }
    Result<void> done;
    if (batch) done = submit(std::move(*batch));
    const bool enough = !batch || under_way_.size() >= kBatchesUnderWay;
    if (done.ok() && enough) done = finish_oldest();
    if (!done.ok()) summary_.failure = done.error();
  }
  while (!under_way_.empty()) {
    if (auto done = finish_oldest(); !done.ok() && !summary_.failure) {
      summary_.failure = done.error();
    }
  }
}

Result<void> Importer::submit(ImportBatch batch) {
  CAIRN_TRY(bound_held());
  UnderWay one;
  one.references.reserve(batch.prepared.messages.size());
  for (const auto& message : batch.prepared.messages) {
    one.references.push_back(reference_of(message));
  }
  if (!batch.prepared.messages.empty()) {
    one.answer =
        sink_.submit(std::move(batch.prepared), batch.origins,
                     engine::SubmitOptions{options_.actor, options_.by_time, sequence_failed_});
  }
  one.batch = std::move(batch);
  under_way_.push_back(std::move(one));
  return {};
}

Result<void> Importer::finish_oldest() {
  UnderWay one = std::move(under_way_.front());
  under_way_.pop_front();
  return handle(one);
}

Result<void> Importer::handle(UnderWay& one) {
  engine::SubmitResult result;
  if (one.answer.valid()) {
    CAIRN_TRY_ASSIGN(result, one.answer.get());
    CAIRN_ASSERT(result.items.size() == one.references.size());
    summary_.lsn = result.lsn;
  }
  ImportBatch& batch = one.batch;
  summary_.lines += batch.lines;
  auto refused = std::move(batch.refused);
  const size_t by_parser = refused.size();
  for (size_t i = 0; i < result.items.size(); ++i) {
    count(std::move(result.items[i]), one.references[i], std::move(batch.origins[i]), refused);
  }
  std::inplace_merge(refused.begin(), refused.begin() + static_cast<ptrdiff_t>(by_parser),
                     refused.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [sequence, refusal] : refused) CAIRN_TRY(refuse(refusal));
  if (batch.failure && !summary_.failure) summary_.failure = std::move(batch.failure);
  if (options_.progress) tell_progress(batch.bytes);
  return {};
}

void Importer::tell_progress(uint64_t bytes) const {
  std::optional<uint64_t> total = 0;
  for (const auto& input : inputs_) {
    if (total && input.bytes) {
      *total += *input.bytes;
    } else {
      total.reset();
    }
  }
  options_.progress({summary_.lines, bytes, total});
}

void Importer::count(engine::ItemResult item, const std::optional<Reference>& reference,
                     LineOrigin origin, std::vector<std::pair<uint64_t, Refusal>>& refused) {
  switch (item.outcome) {
    case engine::Outcome::Stored:
      ++summary_.stored;
      return;
    case engine::Outcome::Duplicate:
      ++summary_.duplicates;
      return;
    case engine::Outcome::NoChange:
      ++summary_.no_change;
      return;
    case engine::Outcome::Reference:
      ++summary_.references;
      return;
    case engine::Outcome::Refused:
      break;
  }
  Error error = item.error.value_or(make_error(ErrorCode::Internal, "refused without a reason"));
  if (reference && error.code == ErrorCode::NotFound) {
    held_bytes_ += origin.text.size();
    held_.push_back({*reference, std::move(origin)});
    return;
  }
  const uint64_t sequence = origin.sequence;
  refused.emplace_back(sequence, Refusal{inputs_[origin.input].name, origin.line, false,
                                         std::move(origin.text), std::move(error)});
}

Result<void> Importer::refuse(const Refusal& refusal) {
  ++summary_.refused;
  std::string reason = reason_of(refusal.error);
  const bool room = summary_.reasons.size() < kMaxReasons || summary_.reasons.contains(reason);
  ++summary_.reasons[room ? std::move(reason) : std::string("other reasons")];
  if (!options_.on_refusal || refusals_lost_) return {};
  auto told = options_.on_refusal(refusal);
  refusals_lost_ = !told.ok();
  return told;
}

Result<void> Importer::bound_held() {
  const bool many = held_.size() > options_.max_held;
  if (!many && held_bytes_ <= options_.max_held_bytes) return {};
  const std::string bound =
      many ? fmt::format("more than {} occurrence operations", options_.max_held)
           : fmt::format("occurrence operations of more than {} bytes", options_.max_held_bytes);
  CAIRN_TRY(ask_again());
  // What is left must be well below the limits, or everything would be asked for again each time.
  if (held_.size() <= options_.max_held / 2 && held_bytes_ <= options_.max_held_bytes / 2) {
    return {};
  }
  return refuse_held([&](const Reference&) {
    return make_error(ErrorCode::Exhausted,
                      bound +
                          " wait for occurrences further on in the input; give the file of "
                          "occurrences first, or use --by-time");
  });
}

Result<void> Importer::ask_again() {
  std::vector<OccurrenceName> names;
  for (const auto& held : held_) names.push_back(held.reference);
  CAIRN_TRY_ASSIGN(const std::vector<bool> known, sink_.has_occurrences(names));
  std::vector<Held> missing;
  uint64_t found = 0;
  for (size_t i = 0; i < held_.size(); ++i) {
    if (known[i]) {
      ++found;
    } else {
      missing.push_back(std::move(held_[i]));
    }
  }
  summary_.references += found;
  held_ = std::move(missing);
  held_bytes_ = 0;
  for (const auto& held : held_) held_bytes_ += held.origin.text.size();
  return {};
}

Result<void> Importer::refuse_held(const std::function<Error(const Reference&)>& why) {
  Result<void> outcome;
  size_t done = 0;
  for (; outcome && done < held_.size(); ++done) {
    Held& held = held_[done];
    held_bytes_ -= held.origin.text.size();
    outcome = refuse({inputs_[held.origin.input].name, held.origin.line, false,
                      std::move(held.origin.text), why(held.reference)});
  }
  held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(done));
  return outcome;
}

}  // namespace

Result<std::vector<bool>> MessageSink::has_occurrences(std::span<const OccurrenceName> names) {
  std::vector<bool> known;
  for (const OccurrenceName& name : names) {
    CAIRN_TRY_ASSIGN(const bool one, has_occurrence(name.project, name.id));
    known.push_back(one);
  }
  return known;
}

ImportSummary import_messages(MessageSink& sink, const std::vector<ImportInput>& inputs,
                              const ImportOptions& options) {
  return Importer(sink, inputs, options).run();
}

}  // namespace cairn::client
