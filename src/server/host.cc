#include "server/host.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/convert.h"

namespace cairn::server {

std::optional<Refusal> Caller::refuse() {
  if (host_.stopping) {
    return counted(host_, make_error(ErrorCode::Closed, "the server is stopping"));
  }
  if (auto valid = host_.gate.check(grant_); !valid) return counted(host_, valid.error());
  if (calls_ >= limits_.calls) {
    return counted(host_, Refusal::busy(fmt::format("{} calls are under way in this session; wait "
                                                    "for some of them",
                                                    calls_),
                                        100));
  }
  constexpr size_t kMostWaiting = 10'000;
  if (host_.workers.waiting() >= kMostWaiting) {
    return counted(host_, Refusal::busy("too many questions wait already", 1000));
  }
  if (const uint32_t wait_ms = rate_->take(host_.steady.now()); wait_ms > 0) {
    return counted(host_, Refusal::busy(fmt::format("more than {} requests a second",
                                                    limits_.requests_per_second),
                                        wait_ms));
  }
  return std::nullopt;
}

Caller::Held::Held(std::shared_ptr<Caller> caller) : caller_(std::move(caller)) {
  ++caller_->calls_;
  ++caller_->host_.metrics.calls_now;
}
Caller::Held::~Held() {
  --caller_->calls_;
  --caller_->host_.metrics.calls_now;
}

Refusal counted(Host& host, Refusal refusal) {
  ++host.metrics.refusals[static_cast<size_t>(code_of(refusal))];
  return refusal;
}

query::Budget budget_of(const SessionLimits& limits, uint64_t wish_ms) {
  uint64_t time_ms = limits.query_ms;
  if (wish_ms != 0 && (time_ms == 0 || wish_ms < time_ms)) time_ms = wish_ms;
  constexpr uint64_t kLongestMs = uint64_t{1} << 40;  // so that it fits in microseconds
  query::Budget budget;
  budget.time_us = static_cast<int64_t>(std::min(time_ms, kLongestMs) * 1000);
  budget.memory_bytes = limits.query_memory_bytes;
  return budget;
}

void note_time(Host& host, CallKind kind, std::string_view who, std::string_view text,
               int64_t micros) {
  host.metrics.seconds[static_cast<size_t>(kind)].add(static_cast<double>(micros) / 1e6);
  if (host.config.slow_ms == 0 || micros < int64_t{host.config.slow_ms} * 1000) return;
  ++host.metrics.slow_queries;
  host.log.warn("slow",
                {{"token", who}, {"query", text}, {"ms", static_cast<double>(micros) / 1e3}});
}

}  // namespace cairn::server
