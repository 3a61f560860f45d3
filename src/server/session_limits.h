// What one session may take, and a call of it.
//
// Values.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace cairn::server {

// 0 = no limit; in a token: that of the server.
struct SessionLimits {
  uint64_t requests_per_second = 0;  // as many may come at once
  uint64_t message_bytes = 0;        // of one message to the server
  uint64_t query_ms = 0;             // of one question
  uint64_t query_memory_bytes = 0;
  uint64_t verb_ms = 0;  // of one verb; what writes in one step is not cut short
  uint64_t calls = 0;    // under way at once

  bool operator==(const SessionLimits&) const = default;
};

// As the configuration and the file of tokens call them.
struct LimitName {
  std::string_view key;
  uint64_t SessionLimits::*limit;
};
inline constexpr std::array kLimitNames = {
    LimitName{"requests_per_second", &SessionLimits::requests_per_second},
    LimitName{"message_bytes", &SessionLimits::message_bytes},
    LimitName{"query_ms", &SessionLimits::query_ms},
    LimitName{"query_memory_bytes", &SessionLimits::query_memory_bytes},
    LimitName{"verb_ms", &SessionLimits::verb_ms},
    LimitName{"calls", &SessionLimits::calls},
};

// A message of this size is taken from whoever has a session: calls have to fit into it.
inline constexpr uint64_t kLeastMessageBytes = 64u << 10;

// Those of a session: a token may have less than the server gives, never more.
inline SessionLimits least(const SessionLimits& server, const SessionLimits& token) {
  SessionLimits out = server;
  for (const LimitName& name : kLimitNames) {
    const uint64_t own = token.*name.limit;
    uint64_t& limit = out.*name.limit;
    if (own != 0 && (limit == 0 || own < limit)) limit = own;
  }
  return out;
}

}  // namespace cairn::server
