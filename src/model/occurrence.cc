#include "model/occurrence.h"

#include <array>

#include "base/time_format.h"

namespace cairn::model {
namespace {

constexpr std::array<std::string_view, 6> kLevelNames = {"debug", "info",  "warning",
                                                         "error", "fatal", "sample"};

}  // namespace

std::string_view level_name(Level level) { return kLevelNames[static_cast<size_t>(level)]; }

std::optional<Level> parse_level(std::string_view name) {
  for (size_t i = 0; i < kLevelNames.size(); ++i)
    if (kLevelNames[i] == name) return static_cast<Level>(i);
  return std::nullopt;
}

Level Occurrence::level() const {
  return level_text ? parse_level(*level_text).value_or(Level::Info) : Level::Info;
}

TimeUs Occurrence::time() const {
  // The reader lets no other value through; a hand-made occurrence with one counts as 1970.
  return time_from_seconds(detection_time).value_or(TimeUs{0});
}

}  // namespace cairn::model
