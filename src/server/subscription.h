// Pushing what changes of a query's first issues to a capability of the client.
//
// The store is asked again when its LSN moved on, twice a second at most, on a worker; a listener
// that is slow is told less often, and never more than one thing at a time.
// Thread: that of the loop.
#pragma once

#include "server/question.h"

namespace cairn::server {

// The first answer is the one that subscribe() has given already.
schema::Subscription::Client make_subscription(Host& host, std::shared_ptr<Caller> caller,
                                               Question question, PageValue first,
                                               schema::Listener::Client listener);

}  // namespace cairn::server
