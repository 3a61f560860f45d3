// The version of this build.
#pragma once

namespace cairn::embed {

extern const char* const kVersion;

}  // namespace cairn::embed
