// The notifications of an open store, for those who deliver them. Thread: any.
#pragma once

#include "engine/store.h"
#include "server/delivery.h"

namespace cairn::server {

class StoreNotifications final : public NotificationSource {
 public:
  explicit StoreNotifications(const engine::Store& store) : store_(store) {}
  Result<Page> after(const alert::NotificationPlace& place, size_t limit) override;
  Result<Lsn> last() override;

 private:
  const engine::Store& store_;
};

}  // namespace cairn::server
