// What all parts of a server have in common, and the counting of calls.
//
// Thread: that of the loop.
#pragma once

#include <kj/timer.h>

#include <memory>
#include <string>

#include "base/clock.h"
#include "engine/store.h"
#include "server/bridge.h"
#include "server/config.h"
#include "server/gate.h"
#include "server/ingester.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/workers.h"

namespace cairn::server {

struct Host {
  const Config& config;
  engine::Store& store;
  Bridge& bridge;
  Workers& workers;
  Ingester& ingester;
  Gate& gate;
  Metrics& metrics;
  Log& log;
  kj::Timer& timer;
  Clock& steady;
  std::string store_id;
  Rates rates{};
  bool stopping = false;  // no call is begun any more
};

// Who calls, over a connection or the gateway, with what it may still take. Shared by the sessions
// that were narrowed from one: they count together.
class Caller {
 public:
  Caller(Host& host, Grant grant)
      : host_(host),
        grant_(std::move(grant)),
        limits_(least(host.config.session, grant_.limits)),
        rate_(host.rates.of(grant_, limits_.requests_per_second)) {}

  const Grant& grant() const { return grant_; }
  const SessionLimits& limits() const { return limits_; }
  // nullopt: the call may begin. Else why not; it is counted.
  std::optional<Refusal> refuse();
  uint32_t calls() const { return calls_; }

  // One call under way.
  class Held {
   public:
    explicit Held(std::shared_ptr<Caller> caller);
    ~Held();
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

   private:
    std::shared_ptr<Caller> caller_;
  };

 private:
  Host& host_;
  const Grant grant_;
  const SessionLimits limits_;
  const std::shared_ptr<Rate> rate_;  // of all sessions of the token
  uint32_t calls_ = 0;
};

// Counts and returns it.
Refusal counted(Host& host, Refusal refusal);

// What one question may use: of the session, and of the caller's own wish (0 = none).
query::Budget budget_of(const SessionLimits& limits, uint64_t wish_ms);

// Tells of a question that took long. Thread: any.
void note_time(Host& host, CallKind kind, std::string_view who, std::string_view text,
               int64_t micros);

}  // namespace cairn::server
