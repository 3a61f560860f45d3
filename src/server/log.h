// What the server says: one JSON object a line, on stderr, where the service manager takes it.
// Every text goes through the JSON writer, so that nobody can write lines of their own into it.
//
// Thread: any.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>

namespace cairn::server {

class Log {
 public:
  struct Member {
    std::string_view name;
    std::variant<std::string_view, uint64_t, double> value;
  };
  // Texts longer than this are cut.
  static constexpr size_t kMaxText = 2048;

  explicit Log(int fd) : fd_(fd) {}
  // {"time":..,"level":..,"event":..,...}
  void write(std::string_view level, std::string_view event, std::initializer_list<Member> members);
  void info(std::string_view event, std::initializer_list<Member> members = {}) {
    write("info", event, members);
  }
  void warn(std::string_view event, std::initializer_list<Member> members = {}) {
    write("warning", event, members);
  }

 private:
  const int fd_;
  std::mutex mutex_;
};

}  // namespace cairn::server
