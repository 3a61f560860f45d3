// What a server is told: by the command line, and by a file (TOML) for what has no option.
// Values; times in their named unit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "rpc/address.h"
#include "server/destination.h"
#include "server/session_limits.h"

namespace cairn::server {

// Who gets digests of alerts, and which.
struct DigestConfig {
  std::string name;                     // as of a token; each once
  std::string directory;                // where digests are put
  std::vector<std::string> projects{};  // numbers or slugs; empty = all
  std::vector<std::string> rules{};     // numbers or names; empty = all
  uint32_t minimum_delay_s = 300;       // between two digests ...
  uint32_t increment_delay_s = 30;      // ... so much longer for each alert ...
  uint32_t maximum_delay_s = 1800;      // ... up to this
  uint32_t limit = 50;                  // issues of a rule shown
};
inline constexpr size_t kMaxDigestTargets = 100;

struct Config {
  std::string store;
  bool must_exist = false;
  std::vector<rpc::Address> listen;
  std::vector<rpc::Address> http;
  std::string tokens;       // file; "" = server.tokens in the store's directory
  std::string certificate;  // PEM files, for tls:
  std::string key;
  bool force_insecure = false;  // serve a public address without TLS or without tokens

  std::vector<Destination> destinations;  // of notifications of alerts

  uint32_t workers = 0;  // threads that answer; 0 = one for each processor, at least 2
  uint32_t max_connections = 4096;
  uint32_t first_words_ms = 10'000;    // from connecting to having authenticated
  uint32_t idle_ms = 900'000;          // without a byte and without a call or subscription
  uint32_t stalled_ms = 60'000;        // in the middle of a message, or not taking an answer
  uint64_t ingest_bytes = 256u << 20;  // received and not yet acknowledged, over all sessions
  uint32_t drain_ms = 10'000;          // at the end: for what is under way
  uint32_t slow_ms = 1'000;            // questions that take longer are logged; 0 = none
  // How often it is looked at what time alone brings: so much later than they could be alert rules
  // are evaluated at most. 0 = never without a write.
  uint32_t tick_ms = 5'000;
  std::vector<DigestConfig> digests{};
  // Of each session, with a token or without one; a line may have 16 MiB.
  SessionLimits session{.message_bytes = 32u << 20,
                        .query_ms = 60'000,
                        .query_memory_bytes = 1u << 30,
                        .verb_ms = 600'000,
                        .calls = 64};
};

// Takes over what the file says and the command line did not. Errors: Io; InvalidArgument: names
// file, line and what was expected; an unknown key is one, too.
Result<void> read_config(const std::string& path, Config& config);

// What cannot be served like this. Errors: InvalidArgument.
Result<void> check_config(const Config& config, bool has_tokens);

}  // namespace cairn::server
