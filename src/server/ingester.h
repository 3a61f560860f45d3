// The way of lines that came over a connection into the store.
//
// A thread of its own parses them, in the order they came, and hands them to the store's writer; a
// second one waits for what becomes durable. So questions never wait behind an import's parsing,
// and nothing of it happens on the loop.
//
// Thread: submit() and the destructor that of the loop.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/store.h"
#include "server/bridge.h"
#include "server/metrics.h"
#include "verbs/demand.h"

namespace cairn::server {

// What became of a batch. Value.
struct IngestAnswer {
  Lsn lsn{};
  std::string outcomes;  // a byte for each line that is not blank: engine::Outcome
  struct Refused {
    uint32_t index = 0;  // into `outcomes`
    Error error;
  };
  std::vector<Refused> refused;
  std::optional<Error> error;  // the batch as a whole
};

// Batches that follow one another.
struct IngestSequence {
  std::string actor;
  bool input_time = false;
  verbs::Rights rights;
  std::shared_ptr<std::atomic<bool>> failed = std::make_shared<std::atomic<bool>>(false);
};

class Ingester {
 public:
  Ingester(engine::Store& store, Bridge& bridge, Metrics& metrics);
  // Finishes what was submitted.
  ~Ingester();
  Ingester(const Ingester&) = delete;
  Ingester& operator=(const Ingester&) = delete;

  // Dropping the promise changes nothing of what happens to the batch.
  kj::Promise<IngestAnswer> submit(std::shared_ptr<const IngestSequence> sequence,
                                   std::string lines);
  // Bytes submitted and not answered.
  uint64_t waiting_bytes() const { return waiting_bytes_.load(std::memory_order_relaxed); }

 private:
  struct Batch {
    std::shared_ptr<const IngestSequence> sequence;
    std::string lines;
    uint64_t bytes = 0;
    uint64_t number = 0;
    std::shared_ptr<IngestAnswer> answer;
    std::vector<uint32_t> places;  // of the messages submitted, in answer->outcomes
    std::future<Result<engine::SubmitResult>> result;
  };

  void parse_all();
  void answer_all();
  void parse(Batch& batch, model::MessageParser& parser);
  static void take(Batch& batch, Result<engine::SubmitResult> result);
  void count(const IngestAnswer& answer);

  engine::Store& store_;
  Bridge& bridge_;
  Metrics& metrics_;
  std::atomic<uint64_t> waiting_bytes_{0};
  // One queue in front of each thread. Their length is bounded by whoever submits (waiting_bytes).
  struct Queue {
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Batch> batches;
    bool ended = false;

    void push(Batch batch);
    void end();
    std::optional<Batch> pop();  // nullopt: ended and empty
  };
  Queue to_parse_;
  Queue to_answer_;
  std::thread parsing_;
  std::thread answering_;
};

}  // namespace cairn::server
