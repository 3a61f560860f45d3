#include "server/config.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "alert/digest.h"
#include "alert/digest_timeline.h"
#include "server/config_reader.h"

namespace cairn::server {
namespace {

bool is_target_name(std::string_view name) {
  constexpr size_t kMostBytes = 64;
  return !name.empty() && name.size() <= kMostBytes && name.front() != '.' &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "-._") == std::string_view::npos;
}

Result<DigestConfig> read_digest(const std::string& path, const toml::table& table) {
  ConfigReader reader(path, table);
  DigestConfig out;
  CAIRN_TRY(reader.text("name", out.name));
  CAIRN_TRY(reader.text("directory", out.directory));
  CAIRN_TRY(reader.names("projects", out.projects));
  CAIRN_TRY(reader.names("rules", out.rules));
  CAIRN_TRY(reader.number("minimum_delay_s", out.minimum_delay_s));
  CAIRN_TRY(reader.number("increment_delay_s", out.increment_delay_s));
  CAIRN_TRY(reader.number("maximum_delay_s", out.maximum_delay_s));
  CAIRN_TRY(reader.number("limit", out.limit));
  CAIRN_TRY(reader.end());
  if (!is_target_name(out.name)) {
    return reader.bad(
        "a digest needs a `name` of up to 64 letters, digits, -, . and _, not beginning with .");
  }
  if (out.directory.empty()) return reader.bad("a digest needs a `directory` to go to");
  if (out.limit == 0 || out.limit > alert::kMaxShownIssues) {
    return reader.bad(fmt::format("`limit` lies between 1 and {}", alert::kMaxShownIssues));
  }
  const auto fine = alert::check_delays({.minimum_us = out.minimum_delay_s * kMicrosPerSecond,
                                         .increment_us = out.increment_delay_s * kMicrosPerSecond,
                                         .maximum_us = out.maximum_delay_s * kMicrosPerSecond});
  if (!fine) return reader.bad(fine.error().message);
  return out;
}

Result<void> read_digests(const std::string& path, ConfigReader& reader, Config& config) {
  CAIRN_TRY_ASSIGN(const auto tables, reader.tables("digest"));
  for (const toml::table* table : tables) {
    CAIRN_TRY_ASSIGN(DigestConfig digest, read_digest(path, *table));
    for (const DigestConfig& other : config.digests) {
      if (other.name != digest.name) continue;
      return ConfigReader(path, *table).bad(fmt::format("there are two digests {}", digest.name));
    }
    config.digests.push_back(std::move(digest));
  }
  if (config.digests.size() <= kMaxDigestTargets) return {};
  return reader.bad(fmt::format("there are at most {} digests", kMaxDigestTargets));
}

Result<void> read_addresses(ConfigReader& reader, std::string_view key,
                            std::vector<rpc::Address>& out) {
  const bool given = !out.empty();
  return reader.list(key, "addresses", [&](const toml::node& one) -> Result<void> {
    auto address = rpc::parse_address(one.value_or(std::string()));
    if (!address) return reader.bad(one, address.error().message);
    if (!given) out.push_back(std::move(*address));
    return {};
  });
}

Result<void> read_destinations(const std::string& path, ConfigReader& reader, Config& config) {
  CAIRN_TRY_ASSIGN(const auto tables, reader.tables("destination"));
  for (const toml::table* table : tables) {
    ConfigReader inner(path, *table);
    CAIRN_TRY_ASSIGN(Destination destination, read_destination(inner));
    config.destinations.push_back(std::move(destination));
  }
  return {};
}

Result<void> read_table(const std::string& path, const toml::table& table, Config& config) {
  ConfigReader reader(path, table);
  CAIRN_TRY(read_addresses(reader, "listen", config.listen));
  CAIRN_TRY(read_addresses(reader, "http", config.http));
  CAIRN_TRY(reader.text("tokens", config.tokens));
  CAIRN_TRY(reader.text("tls_certificate", config.certificate));
  CAIRN_TRY(reader.text("tls_key", config.key));
  CAIRN_TRY(reader.number("workers", config.workers));
  CAIRN_TRY(reader.number("max_connections", config.max_connections));
  CAIRN_TRY(reader.number("first_words_ms", config.first_words_ms));
  CAIRN_TRY(reader.number("idle_ms", config.idle_ms));
  CAIRN_TRY(reader.number("stalled_ms", config.stalled_ms));
  CAIRN_TRY(reader.number("ingest_bytes", config.ingest_bytes));
  CAIRN_TRY(reader.number("drain_ms", config.drain_ms));
  CAIRN_TRY(reader.number("slow_ms", config.slow_ms));
  CAIRN_TRY(reader.number("tick_ms", config.tick_ms));
  for (const LimitName& name : kLimitNames) {
    CAIRN_TRY(reader.number(name.key, config.session.*name.limit));
  }
  CAIRN_TRY(read_digests(path, reader, config));
  CAIRN_TRY(read_destinations(path, reader, config));
  return reader.end();
}

Error refused(std::string message) {
  return make_error(ErrorCode::InvalidArgument, std::move(message));
}

}  // namespace

Result<void> read_config(const std::string& path, Config& config) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    return make_error(ErrorCode::Io, fmt::format("{}: cannot read: {}", path, strerror(errno)));
  }
  try {
    const toml::table table = toml::parse(text.str(), path);
    return read_table(path, table, config);
  } catch (const toml::parse_error& error) {
    return refused(
        fmt::format("{}, line {}: {}", path, error.source().begin.line, error.description()));
  }
}

Result<void> check_config(const Config& config, bool has_tokens) {
  if (config.listen.empty() && config.http.empty()) {
    return refused("nowhere to listen: give --listen unix:PATH, tcp:HOST:PORT or tls:HOST:PORT");
  }
  std::vector<rpc::Address> all = config.listen;
  all.insert(all.end(), config.http.begin(), config.http.end());
  for (const rpc::Address& address : all) {
    const bool tls = address.kind == rpc::Address::Kind::Tls;
    if (tls && (config.certificate.empty() || config.key.empty())) {
      return refused(fmt::format("{} needs --tls-cert and --tls-key", address.text()));
    }
    if (rpc::is_local(address) || config.force_insecure) continue;
    if (!has_tokens) {
      return refused(
          fmt::format("{} can be reached from other machines, and there are no tokens: "
                      "make one with `cairn token create`",
                      address.text()));
    }
    if (!tls && address.kind != rpc::Address::Kind::Systemd) {
      return refused(
          fmt::format("{} can be reached from other machines and is not encrypted: use "
                      "tls:, or --force-insecure where something else encrypts",
                      address.text()));
    }
  }
  if (config.session.calls == 0 || config.max_connections == 0) {
    return refused("`calls` and `max_connections` cannot be 0");
  }
  CAIRN_TRY(check_destinations(config.destinations));
  constexpr uint64_t kMostMessage = 1u << 30;
  const uint64_t message = config.session.message_bytes;
  if (message < kLeastMessageBytes || message > kMostMessage) {
    return refused("`message_bytes` lies between 65,536 and 1,073,741,824");
  }
  return {};
}

}  // namespace cairn::server
