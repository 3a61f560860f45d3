#include "server/log.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/time_format.h"

namespace cairn::server {
namespace {

// Cut between characters, so that the rest stays UTF-8.
std::string_view cut(std::string_view text) {
  if (text.size() <= Log::kMaxText) return text;
  size_t end = Log::kMaxText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

void Log::write(std::string_view level, std::string_view event,
                std::initializer_list<Member> members) {
  JsonWriter json;
  json.begin_object().key("time").string(format_time(SystemClock().now()));
  json.key("level").string(level).key("event").string(event);
  for (const Member& member : members) {
    json.key(member.name);
    if (const auto* text = std::get_if<std::string_view>(&member.value)) {
      json.string(cut(*text));
    } else if (const auto* number = std::get_if<uint64_t>(&member.value)) {
      json.unsigned_integer(*number);
    } else {
      json.number(std::get<double>(member.value));
    }
  }
  std::string line = json.end_object().take();
  line.push_back('\n');
  const std::lock_guard lock(mutex_);
  // Whether anybody reads it changes nothing.
  (void)!::write(fd_, line.data(), line.size());
}

}  // namespace cairn::server
