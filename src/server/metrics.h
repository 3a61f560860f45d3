// What is counted while serving, and its text for Prometheus (version 0.0.4).
//
// Thread: any; each number is an atomic of its own, so that a page of them is no one moment.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "engine/store.h"
#include "server/delivery_counts.h"

namespace cairn::server {

// Of times, in the buckets that Prometheus adds up.
class Histogram {
 public:
  static constexpr std::array<double, 14> kBounds = {
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30};
  void add(double seconds);
  void write(std::string& out, std::string_view name, std::string_view labels) const;

 private:
  std::array<std::atomic<uint64_t>, kBounds.size() + 1> counts_{};
  std::atomic<uint64_t> micros_{0};
};

// What a call was for.
enum class CallKind : uint8_t { Search, Aggregate, Run, Ingest, Gateway, Execute, Issue, Alert };
inline constexpr size_t kCallKinds = 8;

// Of the alerts of a store, at one moment.
struct AlertFacts {
  engine::AlertFigures figures;
  uint64_t open_incidents = 0;
  uint64_t incidents = 0;                   // ever
  std::optional<int64_t> last_tick_age_us;  // nullopt: there was none
};
// `now`: what time it is.
AlertFacts alert_facts(const engine::Store& store, TimeUs now);

struct Metrics {
  std::atomic<uint64_t> connections{0};  // now
  std::atomic<uint64_t> connections_total{0};
  std::atomic<uint64_t> sessions{0};  // now
  std::atomic<uint64_t> subscriptions{0};
  std::atomic<uint64_t> calls_now{0};
  std::array<Histogram, kCallKinds> seconds;
  std::array<std::atomic<uint64_t>, 10> refusals{};  // by schema ErrorCode
  std::atomic<uint64_t> ingest_stored{0};
  std::atomic<uint64_t> ingest_duplicates{0};
  std::atomic<uint64_t> ingest_other{0};
  std::atomic<uint64_t> ingest_refused{0};
  std::atomic<uint64_t> ingest_bytes{0};
  std::atomic<uint64_t> ingest_waiting_bytes{0};  // received and not acknowledged
  std::atomic<uint64_t> slow_queries{0};
  std::atomic<uint64_t> digests{0};          // handed on
  std::atomic<uint64_t> digest_failures{0};  // tries that failed
  std::atomic<uint64_t> cut_connections{0};  // idle, stalled, broken or too large messages

  // Of destinations; set before anybody asks, nullptr = none.
  std::shared_ptr<const AllDeliveryCounts> deliveries;

  // `now`: for ages.
  std::string text(const Result<engine::Stats>& stats, const AlertFacts& alerts, TimeUs now) const;
};

}  // namespace cairn::server
