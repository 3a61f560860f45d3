// What the standard streams are connected to and can show.
#pragma once

#include <string>
#include <string_view>

namespace cairn::verbs {

struct Terminal {
  bool out = false;    // stdout is a terminal
  bool err = false;    // stderr is a terminal
  int width = 100;     // columns for tables
  bool utf8 = false;   // block characters may be shown
  bool color = false;  // only on a terminal, and not with NO_COLOR or TERM=dumb
};

enum class Style { Plain, Bold, Dim, Red, Green, Yellow, Blue, Cyan };
// The text within escape sequences, or as it is when the terminal has no colour.
std::string styled(const Terminal& terminal, Style style, std::string_view text);

// Text from outside made safe for a terminal: control characters become blanks, invalid UTF-8 a
// replacement; without UTF-8 everything beyond ASCII becomes '?'.
std::string printable(std::string_view text, bool utf8);
// The same of each line; line ends stay.
std::string printable_lines(std::string_view text, bool utf8);

// Columns that printable text takes. Beyond ASCII the process's character type says (LC_CTYPE),
// which programs that run verbs for UTF-8 terminals set once.
size_t text_width(std::string_view printable_text);
// The longest beginning that fits, with an ellipsis when something was cut.
std::string fit(std::string_view printable_text, size_t columns, bool utf8);

}  // namespace cairn::verbs
