#include "server/listening.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

namespace cairn::server {
namespace {

constexpr int kBacklog = 511;

Error failed(const std::string& name, std::string_view what, int number) {
  return make_error(ErrorCode::Io,
                    fmt::format("cannot listen on {}: {}: {}", name, what, strerror(number)));
}

// Closed unless it is taken.
class Socket {
 public:
  explicit Socket(int family)
      : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }
  int take() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

bool somebody_listens(const sockaddr_un& address) {
  Socket probe(AF_UNIX);
  return ::connect(probe.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
         errno == EAGAIN;
}

Result<std::vector<ListeningSocket>> listen_unix(const rpc::Address& where) {
  const std::string name = where.text();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, where.path.data(), where.path.size());
  struct stat info {};
  if (::lstat(where.path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) {
      return make_error(ErrorCode::Io, fmt::format("cannot listen on {}: there is something else, "
                                                   "no socket",
                                                   name));
    }
    if (somebody_listens(address)) return failed(name, "another server does", EADDRINUSE);
    ::unlink(where.path.c_str());
  }
  Socket socket(AF_UNIX);
  if (socket.fd() < 0) return failed(name, "socket", errno);
  // Before anybody can connect; the mask is the process's, which has one thread now.
  const mode_t mask = ::umask(0177);
  const int bound = ::bind(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  const int number = errno;
  ::umask(mask);
  if (bound != 0) return failed(name, "bind", number);
  if (::listen(socket.fd(), kBacklog) != 0) return failed(name, "listen", errno);
  return std::vector{ListeningSocket{socket.take(), Way::Trusted, false, name, where.path}};
}

std::string name_of(int fd, bool tls) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char host[NI_MAXHOST] = "";
  char port[NI_MAXSERV] = "";
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (::getsockname(fd, any, &size) != 0 ||
      ::getnameinfo(any, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "?";
  }
  const bool six = address.ss_family == AF_INET6;
  return fmt::format("{}:{}{}{}:{}", tls ? "tls" : "tcp", six ? "[" : "", host, six ? "]" : "",
                     port);
}

Result<std::vector<ListeningSocket>> listen_network(const rpc::Address& where) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &hints, &found);
  if (error != 0) {
    return make_error(ErrorCode::Io,
                      fmt::format("cannot listen on {}: {}", where.text(), ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  const bool tls = where.kind == rpc::Address::Kind::Tls;
  std::vector<ListeningSocket> sockets;
  const auto close_all = [&] {
    for (const auto& socket : sockets) ::close(socket.fd);
  };
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    Socket socket(one->ai_family);
    const int yes = 1;
    const char* what = "socket";
    bool fine = socket.fd() >= 0;
    if (fine) {
      (void)::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      if (one->ai_family == AF_INET6) {
        (void)::setsockopt(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
      }
      what = "bind";
      fine = ::bind(socket.fd(), one->ai_addr, one->ai_addrlen) == 0 &&
             ::listen(socket.fd(), kBacklog) == 0;
    }
    if (!fine) {
      const int number = errno;
      // Where the machine has no IPv6, the other addresses of a name are enough.
      const bool missing = number == EADDRNOTAVAIL || number == EAFNOSUPPORT;
      if (missing && (one->ai_next != nullptr || !sockets.empty())) continue;
      close_all();
      return failed(where.text(), what, number);
    }
    const std::string name = name_of(socket.fd(), tls);
    const Way way = rpc::is_local(where) ? Way::Local : Way::Open;
    sockets.push_back({socket.take(), way, tls, name, {}});
  }
  return sockets;
}

// What systemd passes: descriptors from 3 on, LISTEN_FDS of them, named in LISTEN_FDNAMES.
Result<std::vector<ListeningSocket>> listen_systemd(const rpc::Address& where) {
  const char* process = ::getenv("LISTEN_PID");
  const char* count = ::getenv("LISTEN_FDS");
  std::vector<ListeningSocket> sockets;
  if (process != nullptr && count != nullptr && std::atoi(process) == ::getpid()) {
    const char* list = ::getenv("LISTEN_FDNAMES");
    std::string_view names = list == nullptr ? "" : list;
    constexpr int kFirst = 3;
    for (int fd = kFirst; fd < kFirst + std::atoi(count); ++fd) {
      const std::string_view name = names.substr(0, names.find(':'));
      names.remove_prefix(std::min(names.size(), name.size() + 1));
      if (!where.path.empty() && name != where.path) continue;
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) continue;
      (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
      (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
      const bool unix_socket = address.ss_family == AF_UNIX;
      sockets.push_back(
          {fd, unix_socket ? Way::Trusted : Way::Open, false, fmt::format("systemd:{}", name), {}});
    }
  }
  if (!sockets.empty()) return sockets;
  return make_error(ErrorCode::InvalidArgument,
                    fmt::format("{}: the service manager passed no such socket (LISTEN_FDS, "
                                "LISTEN_FDNAMES)",
                                where.text()));
}

}  // namespace

Result<std::vector<ListeningSocket>> listen_on(const rpc::Address& address) {
  switch (address.kind) {
    case rpc::Address::Kind::Unix:
      return listen_unix(address);
    case rpc::Address::Kind::Systemd:
      return listen_systemd(address);
    default:
      return listen_network(address);
  }
}

void notify_manager(std::string_view state) {
  const char* path = ::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path == nullptr || std::strlen(path) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, std::strlen(path));
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  (void)::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), size);
  ::close(fd);
}

}  // namespace cairn::server
