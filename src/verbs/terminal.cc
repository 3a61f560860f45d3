#include "verbs/terminal.h"

#include <wchar.h>

#include <array>
#include <cstdint>

namespace cairn::verbs {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

struct CodePoint {
  uint32_t value = 0;
  size_t bytes = 1;
  bool valid = false;
};

// The code point at the start of `text`, which is not empty.
CodePoint decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
  uint32_t value = first & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < kLeast[length] || surrogate || value > 0x10ffff) return {};
  return {value, length, true};
}

bool is_control(uint32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true;
  // Marks that reorder text, and line separators.
  return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029;
}

size_t code_point_width(uint32_t value) {
  if (value < 0x7f) return 1;
  const int width = ::wcwidth(static_cast<wchar_t>(value));
  return width < 0 ? 1 : static_cast<size_t>(width);
}

}  // namespace

std::string styled(const Terminal& terminal, Style style, std::string_view text) {
  if (!terminal.color || style == Style::Plain) return std::string(text);
  constexpr std::array<std::string_view, 8> kCodes = {"0", "1", "2", "31", "32", "33", "34", "36"};
  std::string out = "\x1b[";
  out.append(kCodes[static_cast<size_t>(style)]).append("m").append(text).append("\x1b[0m");
  return out;
}

std::string printable(std::string_view text, bool utf8) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = decode(text);
    if (!point.valid) {
      out.append(utf8 ? kReplacement : std::string_view("?"));
    } else if (is_control(point.value)) {
      out.push_back(' ');
    } else if (point.value >= 0x80 && !utf8) {
      out.push_back('?');
    } else {
      out.append(text.substr(0, point.bytes));
    }
    text.remove_prefix(point.bytes);
  }
  return out;
}

std::string printable_lines(std::string_view text, bool utf8) {
  std::string out;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    out.append(printable(text.substr(0, end), utf8)).push_back('\n');
    text.remove_prefix(end + 1);
  }
  return out.append(printable(text, utf8));
}

size_t text_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const CodePoint point = decode(text);
    width += point.valid ? code_point_width(point.value) : 1;
    text.remove_prefix(point.bytes);
  }
  return width;
}

std::string fit(std::string_view text, size_t columns, bool utf8) {
  if (text_width(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  const std::string_view mark = utf8 ? "\xe2\x80\xa6" : "~";
  size_t used = 0;
  size_t end = 0;
  while (end < text.size()) {
    const CodePoint point = decode(text.substr(end));
    const size_t width = point.valid ? code_point_width(point.value) : 1;
    if (used + width > columns - 1) break;
    used += width;
    end += point.bytes;
  }
  return std::string(text.substr(0, end)).append(mark);
}

}  // namespace cairn::verbs
