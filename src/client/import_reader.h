// The reading half of an import: lines in, batches of parsed messages out.
//
// Thread: run() is the body of the reader thread; the queue is the border to the other half.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bounded_queue.h"
#include "client/importer.h"
#include "model/message.h"

namespace cairn::client {

struct ImportBatch {
  engine::PreparedMessages prepared;
  std::vector<LineOrigin> origins;                    // of the messages
  std::vector<std::pair<uint64_t, Refusal>> refused;  // by the parser, with their sequence
  uint64_t lines = 0;
  uint64_t bytes = 0;            // of the inputs, taken until now
  std::optional<Error> failure;  // an input cannot be read on; nothing follows
};

class ImportReader {
 public:
  // Borrows all; they outlive run(). `cancelled` is raised to end a wait for input.
  ImportReader(const std::vector<ImportInput>& inputs, const ImportOptions& options,
               const std::atomic<bool>& cancelled, BoundedQueue<ImportBatch>& queue)
      : inputs_(inputs), options_(options), cancelled_(cancelled), queue_(queue) {}

  // Reads everything, then finishes the queue.
  void run();

 private:
  // A message taken from an input and not yet submitted (interleaving).
  struct Pending {
    engine::PreparedMessages prepared;  // one
    LineOrigin origin;
    uint64_t bytes = 0;
  };

  Result<std::unique_ptr<LineSource>> open(size_t input);
  Result<void> run_in_order();
  Result<void> run_by_time();
  // The next message of an input, as the last of `prepared`, with its origin; refused lines on the
  // way go into the batch. `bytes` is the length of its line. nullopt: the input has ended.
  Result<std::optional<LineOrigin>> next(size_t input, LineSource& source,
                                         engine::PreparedMessages& prepared, uint64_t& bytes);
  // nullopt: refused.
  std::optional<LineOrigin> parse(size_t input, const Line& line,
                                  engine::PreparedMessages& prepared);
  void refuse(LineOrigin origin, Error error, bool too_long);
  // After a message was put into the batch.
  void added(LineOrigin origin, uint64_t bytes);
  void flush();
  bool stopped() const { return stopped_ || cancelled_.load(std::memory_order_relaxed); }

  const std::vector<ImportInput>& inputs_;
  const ImportOptions& options_;
  const std::atomic<bool>& cancelled_;
  BoundedQueue<ImportBatch>& queue_;
  model::MessageParser parser_;
  ImportBatch batch_;
  uint64_t batch_bytes_ = 0;
  uint64_t bytes_before_ = 0;  // of inputs that are done
  uint64_t sequence_ = 0;
  bool stopped_ = false;
};

}  // namespace cairn::client
