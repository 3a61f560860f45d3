#include "server/config.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>

#include "alert/digest.h"
#include "alert/digest_timeline.h"

namespace cairn::server {
namespace {

// One file while it is read: every key has to be asked for once.
class Reader {
 public:
  Reader(std::string path, const toml::table& table) : path_(std::move(path)), table_(table) {}

  template <class T>
  Result<void> number(std::string_view key, T& out) {
    const toml::node* node = take(key);
    if (node == nullptr) return {};
    const auto value = node->value_exact<int64_t>();
    if (!value || *value < 0 || static_cast<uint64_t>(*value) > std::numeric_limits<T>::max()) {
      return bad(*node, fmt::format("`{}` is no whole number, or too large", key));
    }
    out = static_cast<T>(*value);
    return {};
  }

  Result<void> text(std::string_view key, std::string& out) {
    const toml::node* node = take(key);
    if (node == nullptr) return {};
    const auto value = node->value_exact<std::string>();
    if (!value) return bad(*node, fmt::format("`{}` is no text", key));
    if (out.empty()) out = *value;
    return {};
  }

  Result<void> addresses(std::string_view key, std::vector<rpc::Address>& out) {
    const toml::node* node = take(key);
    if (node == nullptr) return {};
    const toml::array* list = node->as_array();
    if (list == nullptr) return bad(*node, fmt::format("`{}` is no list of addresses", key));
    if (!out.empty()) return {};
    for (const toml::node& one : *list) {
      auto address = rpc::parse_address(one.value_or(std::string()));
      if (!address) return bad(one, address.error().message);
      out.push_back(std::move(*address));
    }
    return {};
  }

  // Each of them a text or a whole number.
  Result<void> names(std::string_view key, std::vector<std::string>& out) {
    const toml::node* node = take(key);
    if (node == nullptr) return {};
    const toml::array* list = node->as_array();
    if (list == nullptr) return bad(*node, fmt::format("`{}` is no list", key));
    for (const toml::node& one : *list) {
      if (const auto text = one.value_exact<std::string>()) {
        out.push_back(*text);
      } else if (const auto number = one.value_exact<int64_t>()) {
        out.push_back(std::to_string(*number));
      } else {
        return bad(one, fmt::format("in `{}` there is neither a name nor a number", key));
      }
    }
    // An empty list must not become "all".
    if (out.empty())
      return bad(*node, fmt::format("`{}` is empty: name some, or leave it out", key));
    return {};
  }

  // The tables of [[key]].
  Result<std::vector<const toml::table*>> tables(std::string_view key) {
    std::vector<const toml::table*> out;
    const toml::node* node = take(key);
    if (node == nullptr) return out;
    const toml::array* list = node->as_array();
    if (list == nullptr) return bad(*node, fmt::format("write [[{}]] before each of them", key));
    for (const toml::node& one : *list) {
      if (one.as_table() == nullptr) return bad(one, fmt::format("`{}` is no table", key));
      out.push_back(one.as_table());
    }
    return out;
  }

  Error refused(std::string_view what) const { return bad(table_, what); }

  Result<void> end() const {
    for (const auto& [key, node] : table_) {
      bool known = false;
      for (const std::string& taken : taken_) known = known || taken == key.str();
      if (!known) return bad(node, fmt::format("there is no setting `{}`", key.str()));
    }
    return {};
  }

 private:
  const toml::node* take(std::string_view key) {
    taken_.emplace_back(key);
    return table_.get(key);
  }
  Error bad(const toml::node& at, std::string_view what) const {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("{}, line {}: {}; docs/operations.md lists the settings", path_,
                                  at.source().begin.line, what));
  }

  const std::string path_;
  const toml::table& table_;
  std::vector<std::string> taken_;
};

bool is_target_name(std::string_view name) {
  constexpr size_t kMostBytes = 64;
  return !name.empty() && name.size() <= kMostBytes && name.front() != '.' &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "-._") == std::string_view::npos;
}

Result<DigestConfig> read_digest(const std::string& path, const toml::table& table) {
  Reader reader(path, table);
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
    return reader.refused(
        "a digest needs a `name` of up to 64 letters, digits, -, . and _, not beginning with .");
  }
  if (out.directory.empty()) return reader.refused("a digest needs a `directory` to go to");
  if (out.limit == 0 || out.limit > alert::kMaxShownIssues) {
    return reader.refused(fmt::format("`limit` lies between 1 and {}", alert::kMaxShownIssues));
  }
  const auto fine = alert::check_delays({.minimum_us = out.minimum_delay_s * kMicrosPerSecond,
                                         .increment_us = out.increment_delay_s * kMicrosPerSecond,
                                         .maximum_us = out.maximum_delay_s * kMicrosPerSecond});
  if (!fine) return reader.refused(fine.error().message);
  return out;
}

Result<void> read_digests(const std::string& path, Reader& reader, Config& config) {
  CAIRN_TRY_ASSIGN(const auto tables, reader.tables("digest"));
  for (const toml::table* table : tables) {
    CAIRN_TRY_ASSIGN(DigestConfig digest, read_digest(path, *table));
    for (const DigestConfig& other : config.digests) {
      if (other.name != digest.name) continue;
      return Reader(path, *table).refused(fmt::format("there are two digests {}", digest.name));
    }
    config.digests.push_back(std::move(digest));
  }
  if (config.digests.size() <= kMaxDigestTargets) return {};
  return reader.refused(fmt::format("there are at most {} digests", kMaxDigestTargets));
}

Result<void> read_table(const std::string& path, const toml::table& table, Config& config) {
  Reader reader(path, table);
  CAIRN_TRY(reader.addresses("listen", config.listen));
  CAIRN_TRY(reader.addresses("http", config.http));
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
  for (const LimitName& name : kLimitNames) {
    CAIRN_TRY(reader.number(name.key, config.session.*name.limit));
  }
  CAIRN_TRY(read_digests(path, reader, config));
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
  constexpr uint64_t kMostMessage = 1u << 30;
  const uint64_t message = config.session.message_bytes;
  if (message < kLeastMessageBytes || message > kMostMessage) {
    return refused("`message_bytes` lies between 65,536 and 1,073,741,824");
  }
  return {};
}

}  // namespace cairn::server
