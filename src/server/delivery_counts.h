// What is counted of each destination of notifications. Thread: any; each number is an atomic of
// its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace cairn::server {

struct DeliveryCounts {
  std::string name;
  std::atomic<uint64_t> sent{0};
  std::atomic<uint64_t> retried{0};
  std::atomic<uint64_t> dead{0};
  std::atomic<uint64_t> old{0};       // skipped by age
  std::atomic<uint64_t> unwanted{0};  // by severity, rule or project
  std::atomic<uint64_t> waiting{0};   // read and not delivered
  std::atomic<int64_t> oldest_us{0};  // time of the oldest of these; 0 = none
};
using AllDeliveryCounts = std::vector<std::unique_ptr<DeliveryCounts>>;

}  // namespace cairn::server
