// Pushing what alerts have to say to a capability of the client, in the order of the log.
//
// The store is asked twice a second, on a worker. One call to the listener is under way at a time,
// and what it has not answered is told again by whoever begins at the last place it dealt with.
// Thread: that of the loop.
#pragma once

#include "alert/notification.h"
#include "issue_store.capnp.h"
#include "server/host.h"

namespace cairn::server {

schema::AlertSubscription::Client make_alert_subscription(Host& host,
                                                          std::shared_ptr<Caller> caller,
                                                          const verbs::Rights& rights,
                                                          const alert::NotificationPlace& after,
                                                          schema::AlertListener::Client listener);

}  // namespace cairn::server
