#include "rpc/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace cairn::rpc {
namespace {

constexpr size_t kMaxUnixPath = 107;  // sockaddr_un::sun_path, with its NUL
constexpr size_t kMaxHost = 253;      // of a name in DNS

Error bad(std::string_view text, std::string_view why) {
  return make_error(ErrorCode::InvalidArgument,
                    fmt::format("'{}' is no address: {}; write unix:PATH, tcp:HOST:PORT or "
                                "tls:HOST:PORT, an IPv6 address in brackets",
                                text, why));
}

// "127.1" and the like mean different things to different programs.
bool is_host(std::string_view host) {
  if (host.empty() || host.size() > kMaxHost) return false;
  for (const char c : host) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '.' || c == '_';
    if (!fine) return false;
  }
  return true;
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

Result<Address> parse_network(Address::Kind kind, std::string_view text, std::string_view rest) {
  Address out;
  out.kind = kind;
  const size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return bad(text, "it has no port");
  const std::string_view digits = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return bad(text, "its port is no number from 0 to 65535");
  }
  std::string_view host = rest.substr(0, colon);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  out.host = host;
  if (brackets ? !is_ipv6(out.host) : !is_host(host)) return bad(text, "its host cannot be read");
  return out;
}

std::optional<std::string_view> after(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  return text.substr(prefix.size());
}

}  // namespace

bool is_address(std::string_view word) {
  return word.starts_with("unix:") || word.starts_with("tcp:") || word.starts_with("tls:");
}

Result<Address> parse_address(std::string_view text) {
  if (const auto path = after(text, "unix:")) {
    if (path->empty()) return bad(text, "it has no path");
    if (path->find('\0') != std::string_view::npos) return bad(text, "its path holds a NUL");
    if (path->size() > kMaxUnixPath) {
      return bad(text, fmt::format("its path has more than {} bytes", kMaxUnixPath));
    }
    return Address{Address::Kind::Unix, std::string(*path), {}, 0};
  }
  if (const auto rest = after(text, "tcp:")) return parse_network(Address::Kind::Tcp, text, *rest);
  if (const auto rest = after(text, "tls:")) return parse_network(Address::Kind::Tls, text, *rest);
  if (text == "systemd") return Address{Address::Kind::Systemd, {}, {}, 0};
  if (const auto name = after(text, "systemd:")) {
    return Address{Address::Kind::Systemd, std::string(*name), {}, 0};
  }
  return bad(text, "its beginning is none of unix:, tcp: and tls:");
}

std::string Address::host_port() const {
  const bool brackets = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", brackets ? "[" : "", host, brackets ? "]" : "", port);
}

std::string Address::text() const {
  switch (kind) {
    case Kind::Unix:
      return "unix:" + path;
    case Kind::Tcp:
      return "tcp:" + host_port();
    case Kind::Tls:
      return "tls:" + host_port();
    case Kind::Systemd:
      break;
  }
  return path.empty() ? "systemd" : "systemd:" + path;
}

bool is_local(const Address& address) {
  if (address.kind == Address::Kind::Unix) return true;
  if (address.kind == Address::Kind::Systemd) return false;  // the service manager knows
  in_addr four{};
  if (inet_pton(AF_INET, address.host.c_str(), &four) == 1) {
    return (ntohl(four.s_addr) >> 24) == 127;
  }
  return address.host == "::1" || address.host == "localhost";
}

}  // namespace cairn::rpc
