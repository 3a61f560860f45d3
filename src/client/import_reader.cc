#include "client/import_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <queue>

#include "base/time_format.h"

namespace cairn::client {
namespace {

// Batches taken together share one fdatasync, in the background: large enough to pay for it, small
// enough for a write of somebody else to come in between before long.
constexpr size_t kBatchMessages = 500;
constexpr uint64_t kBatchBytes = 256u << 10;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

void ImportReader::run() {
  auto done = options_.by_time ? run_by_time() : run_in_order();
  if (!done && done.error().code != ErrorCode::Closed) batch_.failure = done.error();
  flush();
  queue_.finish();
}

Result<std::unique_ptr<LineSource>> ImportReader::open(size_t input) {
  return inputs_[input].open(WaitHooks{&cancelled_, [this] { flush(); }});
}

Result<void> ImportReader::run_in_order() {
  for (size_t input = 0; input < inputs_.size() && !stopped(); ++input) {
    CAIRN_TRY_ASSIGN(auto source, open(input));
    while (!stopped()) {
      uint64_t line_bytes = 0;
      auto origin = next(input, *source, batch_.prepared, line_bytes);
      batch_.bytes = bytes_before_ + source->consumed();
      if (!origin) return origin.error();
      if (!origin->has_value()) break;
      added(std::move(**origin), line_bytes);
    }
    bytes_before_ += source->consumed();
  }
  return {};
}

// A k-way merge. The key of a message is (time, occurrences before operations, input); a line whose
// time is before that of the line above it, or that has none, goes with that line. Times are
// compared as records keep them, in microseconds: streams of one origin differ in the last bits of
// a double.
Result<void> ImportReader::run_by_time() {
  struct Key {
    TimeUs time;
    bool operation;
    size_t input;
    auto operator<=>(const Key&) const = default;
  };
  std::vector<std::unique_ptr<LineSource>> sources;
  std::vector<Pending> heads(inputs_.size());
  std::vector<TimeUs> times(inputs_.size());
  std::priority_queue<Key, std::vector<Key>, std::greater<>> queue;
  const auto advance = [&](size_t input) -> Result<void> {
    const uint64_t before = sources[input]->consumed();
    Pending& head = heads[input];
    head.prepared.messages.clear();
    head.prepared.terms.clear();
    auto origin = next(input, *sources[input], head.prepared, head.bytes);
    batch_.bytes = bytes_before_ += sources[input]->consumed() - before;
    if (!origin) return origin.error();
    if (!origin->has_value()) return {};
    head.origin = std::move(**origin);
    const model::Message& message = head.prepared.messages.front();
    const auto time = time_from_seconds(model::message_time(message));
    times[input] = std::max(times[input], time.value_or(TimeUs{}));
    const bool operation = !std::holds_alternative<model::Occurrence>(message);
    queue.push({times[input], operation, input});
    return {};
  };
  for (size_t input = 0; input < inputs_.size(); ++input) {
    CAIRN_TRY_ASSIGN(auto source, open(input));
    sources.push_back(std::move(source));
  }
  for (size_t input = 0; input < inputs_.size(); ++input) CAIRN_TRY(advance(input));
  while (!queue.empty() && !stopped()) {
    const size_t input = queue.top().input;
    queue.pop();
    Pending& head = heads[input];
    batch_.prepared.messages.push_back(std::move(head.prepared.messages.front()));
    if (options_.find_terms) batch_.prepared.terms.append(head.prepared.terms, 0);
    added(std::move(head.origin), head.bytes);
    CAIRN_TRY(advance(input));
  }
  return {};
}

Result<std::optional<LineOrigin>> ImportReader::next(size_t input, LineSource& source,
                                                     engine::PreparedMessages& prepared,
                                                     uint64_t& bytes) {
  while (!stopped()) {
    CAIRN_TRY_ASSIGN(const std::optional<Line> line, source.next());
    if (!line) break;
    if (is_blank(line->text)) continue;
    bytes = line->bytes;
    if (auto origin = parse(input, *line, prepared)) return origin;
  }
  return std::optional<LineOrigin>();
}

std::optional<LineOrigin> ImportReader::parse(size_t input, const Line& line,
                                              engine::PreparedMessages& prepared) {
  LineOrigin origin{static_cast<uint32_t>(input), line.number, sequence_++, {}};
  if (options_.keep_text) origin.text = line.text;
  if (line.too_long) {
    refuse(std::move(origin),
           make_error(ErrorCode::InvalidArgument,
                      fmt::format("the line is too long: {} bytes, the limit is {}; shorten or "
                                  "split it",
                                  line.bytes, model::kMaxLineBytes)),
           true);
    return std::nullopt;
  }
  auto unwrapped = verbs::unwrap_rejected(line.text);
  if (!unwrapped) {
    refuse(std::move(origin), std::move(unwrapped).error(), false);
    return std::nullopt;
  }
  std::string_view text = line.text;
  if (unwrapped->has_value()) {
    text = **unwrapped;
    if (options_.keep_text) origin.text = text;
  }
  auto& messages = prepared.messages;
  if (messages.capacity() == 0)
    messages.reserve(&prepared == &batch_.prepared ? kBatchMessages : 1);
  auto parsed =
      parser_.parse(text, messages.emplace_back(), options_.find_terms ? &prepared.terms : nullptr);
  if (parsed) return origin;
  messages.pop_back();
  refuse(std::move(origin), std::move(parsed).error(), false);
  return std::nullopt;
}

void ImportReader::refuse(LineOrigin origin, Error error, bool too_long) {
  Refusal refusal{inputs_[origin.input].name, origin.line, too_long, std::move(origin.text),
                  std::move(error)};
  ++batch_.lines;
  batch_bytes_ += refusal.text.size();
  batch_.refused.emplace_back(origin.sequence, std::move(refusal));
  if (batch_.refused.size() >= kBatchMessages || batch_bytes_ >= kBatchBytes) flush();
}

void ImportReader::added(LineOrigin origin, uint64_t bytes) {
  ++batch_.lines;
  batch_bytes_ += bytes;
  batch_.origins.push_back(std::move(origin));
  if (batch_.origins.size() >= kBatchMessages || batch_bytes_ >= kBatchBytes) flush();
}

void ImportReader::flush() {
  if (batch_.lines == 0 && !batch_.failure) return;
  ImportBatch batch = std::move(batch_);
  batch_ = ImportBatch();
  batch_.bytes = batch.bytes;
  batch_bytes_ = 0;
  if (!queue_.push(std::move(batch))) stopped_ = true;
}

}  // namespace cairn::client
