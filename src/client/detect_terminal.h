// What the standard streams are connected to and can show.
#pragma once

#include <string>

#include "verbs/terminal.h"

namespace cairn::client {

// Also sets the process's character type from the environment, which text_width() needs.
verbs::Terminal detect_terminal();

// Who runs this process; "" = not known.
std::string current_user();

}  // namespace cairn::client
