// The capabilities that schema/issue_store.capnp specifies, over one store. They live on the loop;
// work is done elsewhere and its answers are written here.
//
// Thread: that of the loop.
#pragma once

#include <functional>
#include <memory>

#include "issue_store.capnp.h"
#include "server/host.h"

namespace cairn::server {

// The bootstrap of one connection. `admitted` is told of whoever has a session now: the
// connection may then send large messages, and may be quiet. Borrows the host.
schema::Door::Client make_door(Host& host, Way way,
                               std::function<void(std::shared_ptr<Caller>)> admitted);

}  // namespace cairn::server
