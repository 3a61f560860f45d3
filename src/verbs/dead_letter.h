// Refused lines as a file that can be imported again.
//
// One JSON object a line:
//   {"_rejected":{"file":..,"line":..,"code":..,"message":..},"line":"the refused line"}
// "line_base64" holds a line that is not UTF-8. Of a line too long to be kept there is only
// "line_start", for a person to find it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cairn::verbs {

// One refused line.
struct Refusal {
  std::string file;
  uint64_t line = 0;
  bool too_long = false;  // `text` is only its beginning
  std::string text;       // the line as it was; empty unless it was asked to be kept
  Error error;
};

std::string rejected_line(const Refusal& refusal);

// The line inside a dead-letter entry: nullopt when `line` is none. Errors: InvalidArgument (an
// entry without its line).
Result<std::optional<std::string>> unwrap_rejected(std::string_view line);

}  // namespace cairn::verbs
