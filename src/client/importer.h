// The way of lines into a store: read, parse, submit, count, report what was refused.
//
// A reader thread reads, unpacks and parses; the calling thread submits, a few batches ahead of
// their answers. Between the two a short queue of batches keeps memory constant. Messages are
// submitted in input order.
//
// An `occurrence` operation names an occurrence by id that may come later in the input: those not
// known when they are met are held (ids, and their lines if a dead-letter file wants them) and
// asked for again at the end. How many are held has a limit.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"
#include "engine/store.h"
#include "verbs/dead_letter.h"
#include "verbs/line_source.h"

namespace cairn::client {

using verbs::Line;
using verbs::LineSource;
using verbs::Refusal;
using verbs::WaitHooks;

// Where a message came from.
struct LineOrigin {
  uint32_t input = 0;
  uint64_t line = 0;
  uint64_t sequence = 0;  // over all inputs, in the order of submission
  std::string text;       // the line, if it is to be kept
};

struct OccurrenceName {
  ProjectId project{};
  Uuid id;
};

// What the importer needs of a store; tests put their own in its place.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  // As Store::submit_later and Store::has_occurrence. `origins`: a message each.
  virtual std::future<Result<engine::SubmitResult>> submit(
      engine::PreparedMessages messages, std::span<const LineOrigin> origins,
      const engine::SubmitOptions& options) = 0;
  virtual Result<bool> has_occurrence(ProjectId project, const Uuid& id) = 0;
  // The same of many, in order.
  virtual Result<std::vector<bool>> has_occurrences(std::span<const OccurrenceName> names);
  // Takes the lines as they are (LineOrigin::text), and no terms.
  virtual bool takes_lines() const { return false; }
};

// Borrows the store.
class StoreSink final : public MessageSink {
 public:
  explicit StoreSink(engine::Store& store) : store_(store) {}
  std::future<Result<engine::SubmitResult>> submit(engine::PreparedMessages messages,
                                                   std::span<const LineOrigin>,
                                                   const engine::SubmitOptions& options) override {
    return store_.submit_later(std::move(messages), options);
  }
  Result<bool> has_occurrence(ProjectId project, const Uuid& id) override {
    return store_.has_occurrence(project, id);
  }

 private:
  engine::Store& store_;
};

struct ImportInput {
  std::string name;  // in messages
  std::function<Result<std::unique_ptr<LineSource>>(WaitHooks)> open;
  std::optional<uint64_t> bytes;  // size, for progress; nullopt = not known
};

struct ImportProgress {
  uint64_t lines = 0;
  uint64_t bytes = 0;  // of the inputs, compressed
  std::optional<uint64_t> total_bytes;
};

struct ImportOptions {
  bool by_time = false;  // interleave the inputs by message time, record times follow the input
  std::string actor;
  bool keep_text = false;  // fill Refusal::text and LineOrigin::text
  bool find_terms = true;  // of occurrences; a sink that takes lines needs none
  // Held references, and bytes of their lines: when input goes on beyond, they are asked for once
  // more and refused as Exhausted.
  size_t max_held = 1u << 20;
  size_t max_held_bytes = 64u << 20;
  const std::atomic<bool>* stop = nullptr;                 // raised: end after the running batches
  std::function<void(const ImportProgress&)> progress;     // after every batch; may be null
  std::function<Result<void>(const Refusal&)> on_refusal;  // an error ends the import; may be null
};

struct ImportSummary {
  uint64_t lines = 0;  // with content; all were handled: the sum of the next five
  uint64_t stored = 0;
  uint64_t duplicates = 0;
  uint64_t no_change = 0;
  uint64_t references = 0;
  uint64_t refused = 0;
  std::map<std::string, uint64_t> reasons;  // refusals by message, numbers and names left out
  Lsn lsn{};                                // everything up to here is durable; 0 = nothing written
  bool interrupted = false;
  std::optional<Error> failure;  // an input or the store failed; what came before is in
};

ImportSummary import_messages(MessageSink& sink, const std::vector<ImportInput>& inputs,
                              const ImportOptions& options);

}  // namespace cairn::client
