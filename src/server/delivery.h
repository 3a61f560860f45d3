// Delivers what alerts have to say to the destinations of the settings: reads it off the store as
// the log grows, sends it, keeps how far each destination is. What is sent when is decided by
// alert::DeliveryQueue; docs/decisions/026-alert-delivery.md says why it is as it is.
//
// Messages move on the loop; the store is read, and files are written, on one thread of its own.
// Thread: that of the loop, but for what says otherwise.
#pragma once

#include <kj/async-io.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "alert/notification_json.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "base/uuid.h"
#include "server/bridge.h"
#include "server/delivery_counts.h"
#include "server/destination.h"
#include "server/log.h"
#include "server/workers.h"

namespace cairn::server {

// Where notifications come from. Thread: any.
class NotificationSource {
 public:
  virtual ~NotificationSource() = default;
  struct Page {
    std::vector<alert::Described> found;  // in the order of the log
    // All up to here were found: the last one's place if there may be more, or the end of the log.
    alert::NotificationPlace up_to;
    bool more = false;
  };
  virtual Result<Page> after(const alert::NotificationPlace& place, size_t limit) = 0;
  virtual Result<Lsn> last() = 0;  // record of the log
};

class Delivery {
 public:
  struct Parts {
    Bridge& bridge;
    kj::Network& network;
    kj::Timer& timer;
    Clock& clock;  // of the wall
    Log& log;
    FileSystem& files;
    NotificationSource& source;
    std::string directory;  // the store's
    Uuid store;
  };
  // Reads the cursors. Destinations have to outlive it. Errors: Corruption, Io, InvalidArgument
  // (certificates).
  static Result<std::unique_ptr<Delivery>> open(const Parts& parts,
                                                const std::vector<Destination>& destinations);
  // What is under way is dropped, and comes again with the next start; how far it is was recorded
  // as far as it was known to finish().
  ~Delivery() noexcept(false);
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  void start();
  // Begins nothing new. idle() once what was under way is answered and recorded.
  void finish();
  bool idle() const;

  std::shared_ptr<const AllDeliveryCounts> counts() const { return counts_; }

 private:
  class Courier;
  struct Desk;
  explicit Delivery(const Parts& parts);
  Result<void> add(const Destination& destination, Lsn last);
  kj::Promise<void> poll();

  const Parts parts_;
  const std::shared_ptr<AllDeliveryCounts> counts_ = std::make_shared<AllDeliveryCounts>();
  std::vector<std::unique_ptr<Desk>> desks_;  // what the thread uses
  Workers workers_;
  bool stopping_ = false;
  std::vector<std::unique_ptr<Courier>> couriers_;  // before the thread: they wait for it
  kj::Promise<void> polling_ = nullptr;
};

}  // namespace cairn::server
