#include "server/ingester.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>

namespace cairn::server {
namespace {

using engine::Outcome;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

ProjectId project_of(const model::Message& message) {
  if (const auto* occurrence = std::get_if<model::Occurrence>(&message)) return occurrence->project;
  if (const auto* change = std::get_if<model::StatusChangeMessage>(&message)) {
    return change->project;
  }
  return std::get<model::WorkflowOp>(message).project;
}

}  // namespace

void Ingester::Queue::push(Batch batch) {
  {
    const std::lock_guard lock(mutex);
    batches.push_back(std::move(batch));
  }
  wake.notify_one();
}

void Ingester::Queue::end() {
  {
    const std::lock_guard lock(mutex);
    ended = true;
  }
  wake.notify_one();
}

std::optional<Ingester::Batch> Ingester::Queue::pop() {
  std::unique_lock lock(mutex);
  wake.wait(lock, [this] { return ended || !batches.empty(); });
  if (batches.empty()) return std::nullopt;
  std::optional<Batch> batch(std::move(batches.front()));
  batches.pop_front();
  return batch;
}

Ingester::Ingester(engine::Store& store, Bridge& bridge, Metrics& metrics)
    : store_(store), bridge_(bridge), metrics_(metrics) {
  parsing_ = std::thread([this] { parse_all(); });
  answering_ = std::thread([this] { answer_all(); });
  ::pthread_setname_np(parsing_.native_handle(), "cairn-parse");
  ::pthread_setname_np(answering_.native_handle(), "cairn-ack");
}

Ingester::~Ingester() {
  to_parse_.end();
  parsing_.join();
  to_answer_.end();
  answering_.join();
}

kj::Promise<IngestAnswer> Ingester::submit(std::shared_ptr<const IngestSequence> sequence,
                                           std::string lines) {
  auto arrival = bridge_.expect();
  auto answer = std::make_shared<IngestAnswer>();
  const uint64_t bytes = lines.size();
  waiting_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  metrics_.ingest_waiting_bytes.fetch_add(bytes, std::memory_order_relaxed);
  metrics_.ingest_bytes.fetch_add(bytes, std::memory_order_relaxed);
  to_parse_.push({std::move(sequence), std::move(lines), bytes, arrival.number, answer, {}, {}});
  return arrival.promise.then([answer] { return std::move(*answer); });
}

void Ingester::parse_all() {
  model::MessageParser parser;
  while (auto batch = to_parse_.pop()) {
    parse(*batch, parser);
    to_answer_.push(std::move(*batch));
  }
}

void Ingester::parse(Batch& batch, model::MessageParser& parser) {
  engine::PreparedMessages prepared;
  IngestAnswer& answer = *batch.answer;
  const auto refuse = [&](Error error) {
    answer.refused.push_back({static_cast<uint32_t>(answer.outcomes.size()), std::move(error)});
    answer.outcomes.push_back(static_cast<char>(Outcome::Refused));
  };
  const verbs::Rights& rights = batch.sequence->rights;
  std::string_view rest = batch.lines;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (is_blank(line)) continue;
    if (line.ends_with('\r')) line.remove_suffix(1);
    model::Message message;
    // Of a project that is not the caller's nothing is told but that.
    auto parsed = rights.projects.empty() ? parser.parse(line, message, &prepared.terms)
                                          : parser.parse(line, message, nullptr);
    if (!parsed) {
      refuse(parsed.error());
      continue;
    }
    if (!rights.projects.empty()) {
      const ProjectId project = project_of(message);
      if (!rights.allow(project)) {
        refuse(make_error(ErrorCode::Denied,
                          fmt::format("project {} is none that the token is for", raw(project))));
        continue;
      }
      parsed = parser.parse(line, message, &prepared.terms);
      if (!parsed) {
        refuse(parsed.error());
        continue;
      }
    }
    prepared.messages.push_back(std::move(message));
    batch.places.push_back(static_cast<uint32_t>(answer.outcomes.size()));
    answer.outcomes.push_back(static_cast<char>(Outcome::Stored));
  }
  batch.lines = std::string();
  if (prepared.messages.empty()) return;
  const IngestSequence& sequence = *batch.sequence;
  batch.result = store_.submit_later(std::move(prepared),
                                     {sequence.actor, sequence.input_time, sequence.failed});
}

void Ingester::answer_all() {
  while (auto batch = to_answer_.pop()) {
    if (batch->result.valid()) {
      take(*batch, batch->result.get());
    } else if (const auto snapshot = store_.snapshot(); snapshot) {
      batch->answer->lsn = (*snapshot)->lsn();
    }
    count(*batch->answer);
    waiting_bytes_.fetch_sub(batch->bytes, std::memory_order_relaxed);
    metrics_.ingest_waiting_bytes.fetch_sub(batch->bytes, std::memory_order_relaxed);
    const uint64_t number = batch->number;
    bridge_.post([this, number] { bridge_.arrive(number); });
  }
}

void Ingester::take(Batch& batch, Result<engine::SubmitResult> result) {
  IngestAnswer& answer = *batch.answer;
  if (!result) {
    answer.error = result.error();
    answer.outcomes.clear();
    answer.refused.clear();
    return;
  }
  answer.lsn = result->lsn;
  for (size_t i = 0; i < batch.places.size() && i < result->items.size(); ++i) {
    engine::ItemResult& item = result->items[i];
    answer.outcomes[batch.places[i]] = static_cast<char>(item.outcome);
    if (item.outcome != Outcome::Refused) continue;
    answer.refused.push_back(
        {batch.places[i],
         item.error.value_or(make_error(ErrorCode::Internal, "refused without a reason"))});
  }
  std::sort(answer.refused.begin(), answer.refused.end(),
            [](const auto& a, const auto& b) { return a.index < b.index; });
}

void Ingester::count(const IngestAnswer& answer) {
  for (const char outcome : answer.outcomes) {
    switch (static_cast<Outcome>(outcome)) {
      case Outcome::Stored:
        ++metrics_.ingest_stored;
        break;
      case Outcome::Duplicate:
        ++metrics_.ingest_duplicates;
        break;
      case Outcome::Refused:
        ++metrics_.ingest_refused;
        break;
      default:
        ++metrics_.ingest_other;
    }
  }
}

}  // namespace cairn::server
