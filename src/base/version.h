// The version of the build, from meson.build.
#pragma once

#include <string_view>

namespace cairn {
extern const std::string_view kVersion;
}  // namespace cairn
