// Reads the log ahead: a thread reads, checks and decompresses frames, decodes their records and
// finds the terms of their occurrences, while the caller folds the ones before.
//
// Ownership: owns the reader. Thread: next() from one thread. Memory: a few frames.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "base/result.h"
#include "log/log_reader.h"
#include "model/record.h"
#include "model/term_batch.h"

namespace cairn::engine {

struct DecodedFrame {
  Lsn first_lsn{};
  log::FramePosition position;
  std::vector<model::Record> records;
  model::TermBatch terms;           // by record, when asked for; empty for all but occurrences
  std::vector<uint64_t> id_hashes;  // the same: of the occurrences' ids
};

class FrameFeed {
 public:
  // The reader stands where reading shall begin. `with_terms`: fills DecodedFrame::terms.
  FrameFeed(std::unique_ptr<log::LogReader> reader, bool with_terms);
  ~FrameFeed();
  FrameFeed(const FrameFeed&) = delete;
  FrameFeed& operator=(const FrameFeed&) = delete;

  // The next frame, lent until the next call; nullptr at the end of the log. Errors: those of
  // LogReader::next() and decode_records().
  Result<DecodedFrame*> next();

 private:
  struct Item {
    std::unique_ptr<DecodedFrame> frame;
    std::optional<Error> error;
  };
  void run();
  Result<bool> read(DecodedFrame& frame);

  const std::unique_ptr<log::LogReader> reader_;
  const bool with_terms_;
  model::TermExtractor extractor_;
  BoundedQueue<Item> filled_;
  // Frames to fill again, with the memory they have.
  BoundedQueue<std::unique_ptr<DecodedFrame>> free_;
  std::unique_ptr<DecodedFrame> lent_;
  std::thread thread_;
};

}  // namespace cairn::engine
