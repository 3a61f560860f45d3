// Digests that a server makes by itself: it looks at what alerts told since it last looked, asks
// each target's timeline (alert/digest_timeline.h) what is due, makes the digests and hands them to
// who sends them.
//
// Durability: a file beside the store says of each target how far it has been told. It is written
// before a digest is handed on and after that was done, so that none is lost, and one that a crash
// came in between is handed on again with the same key. A target that is new begins at the present
// end of the store.
//
// Thread: look() one at a time, on any; stop() any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alert/digest_timeline.h"
#include "base/file_system.h"
#include "base/result.h"
#include "engine/store.h"
#include "server/config.h"
#include "server/log.h"
#include "server/metrics.h"

namespace cairn::server {

// A digest on its way.
struct DigestMail {
  std::string target;
  std::string key;   // the same each time it is handed on
  std::string name;  // of files, without an ending: target, time, place in the log
  TimeUs at{};
  std::string page;  // HTML
  std::string text;
  std::string json;
};

// Takes digests for good. Thread: that of look().
class DigestSink {
 public:
  virtual ~DigestSink() = default;
  // Errors: any; it is tried again later, the same mail first.
  virtual Result<void> deliver(const DigestMail& mail) = 0;
};

// Puts the page and the text into a directory, which is made if need be, each in one piece.
class DigestDirectory final : public DigestSink {
 public:
  DigestDirectory(FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}
  Result<void> deliver(const DigestMail& mail) override;

 private:
  FileSystem& files_;
  const std::string directory_;
};

class DigestSchedule {
 public:
  // Borrows all but the path of its file.
  DigestSchedule(std::string state, FileSystem& files, Log& log, Metrics& metrics)
      : state_(std::move(state)), files_(files), log_(log), metrics_(metrics) {}

  // Before open().
  void add(const DigestConfig& config, std::unique_ptr<DigestSink> sink);
  // Reads how far targets were told. Errors: InvalidArgument (what is in the file is not what was
  // written to it), Io; those of Store::snapshot.
  Result<void> open(const engine::Store& store);
  // What goes wrong is logged and tried again, later and later.
  void look(const engine::Store& store, TimeUs now);
  // Ends a look() soon, and those that follow.
  void stop() { stopped_.store(true, std::memory_order_relaxed); }

 private:
  struct Target {
    DigestConfig config;
    std::unique_ptr<DigestSink> sink;
    alert::DigestDelays delays;
    alert::DigestTimeline timeline;
    uint32_t failed = 0;  // times in a row
    uint32_t skip = 0;    // looks until it is tried again
  };

  Result<void> read_state(const engine::Snapshot& snapshot);
  Result<void> save() const;
  void take_new(const engine::Snapshot& snapshot);
  Result<void> deliver_due(Target& target, const engine::Store& store, TimeUs now);
  // nullopt: nothing of it is worth telling any more.
  Result<std::optional<DigestMail>> make(const Target& target, const alert::DigestSpan& span,
                                         const engine::Snapshot& snapshot) const;

  const std::string state_;
  FileSystem& files_;
  Log& log_;
  Metrics& metrics_;
  std::string store_id_;
  std::vector<Target> targets_;
  Lsn read_to_{};
  std::atomic<bool> stopped_{false};
};

}  // namespace cairn::server
