#include "model/json_scalar.h"

#include <charconv>
#include <cmath>

namespace cairn::model {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// -1 when c is not a hexadecimal digit.
int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The code unit of four hexadecimal digits at `at`, or -1.
int hex4(std::string_view text, size_t at) {
  if (text.size() < at + 4) return -1;
  int unit = 0;
  for (size_t i = 0; i < 4; ++i) {
    const int digit = hex_digit(text[at + i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

bool is_high_surrogate(int unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low_surrogate(int unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

void append_utf8(std::string& out, uint32_t code) {
  const auto byte = [&out](uint32_t value) { out.push_back(static_cast<char>(value)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

char simple_escape(char letter) {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return letter;  // quote, backslash, slash
  }
}

}  // namespace

bool is_json_number(std::string_view token) {
  const char* p = token.data();
  const char* const end = p + token.size();
  const auto digits = [&] {
    const char* const start = p;
    while (p != end && is_digit(*p)) ++p;
    return p != start;
  };
  if (p != end && *p == '-') ++p;
  if (p != end && *p == '0') {
    ++p;
  } else if (!digits()) {
    return false;
  }
  if (p != end && *p == '.') {
    ++p;
    if (!digits()) return false;
  }
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    if (!digits()) return false;
  }
  return p == end;
}

size_t find_bad_escape(std::string_view content) {
  size_t at = content.find('\\');
  while (at != std::string_view::npos) {
    if (at + 1 >= content.size()) return at;
    const char letter = content[at + 1];
    size_t length = 2;
    if (letter == 'u') {
      if (hex4(content, at + 2) < 0) return at;
      length = 6;
    } else if (std::string_view("\"\\/bfnrt").find(letter) == std::string_view::npos) {
      return at;
    }
    at = content.find('\\', at + length);
  }
  return std::string_view::npos;
}

bool append_unescaped(std::string& out, std::string_view content) {
  bool whole = true;
  size_t from = 0;
  for (size_t at = content.find('\\'); at != std::string_view::npos;
       at = content.find('\\', from)) {
    out.append(content.substr(from, at - from));
    if (content[at + 1] != 'u') {
      out.push_back(simple_escape(content[at + 1]));
      from = at + 2;
      continue;
    }
    const int unit = hex4(content, at + 2);
    from = at + 6;
    uint32_t code = static_cast<uint32_t>(unit);
    if (is_high_surrogate(unit)) {
      const int low = content.substr(from, 2) == "\\u" ? hex4(content, from + 2) : -1;
      if (is_low_surrogate(low)) {
        code = 0x10000 + (static_cast<uint32_t>(unit - 0xD800) << 10) +
               static_cast<uint32_t>(low - 0xDC00);
        from += 6;
      }
    }
    if (code >= 0xD800 && code <= 0xDFFF) {
      code = 0xFFFD;
      whole = false;
    }
    append_utf8(out, code);
  }
  out.append(content.substr(from));
  return whole;
}

std::optional<int64_t> json_integer(std::string_view token) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error != std::errc{} || end != token.data() + token.size()) return std::nullopt;
  return value;
}

std::optional<double> json_double(std::string_view token) {
  double value = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (end != token.data() + token.size()) return std::nullopt;
  // Out of range is also what from_chars says of numbers too close to zero; those are zero.
  if (error == std::errc::result_out_of_range) {
    const size_t exponent = token.find_first_of("eE");
    const bool tiny = exponent != std::string_view::npos
                          ? token[exponent + 1] == '-'
                          : token.find_first_of("123456789") > token.find('.');
    return tiny ? std::optional<double>(0.0) : std::nullopt;
  }
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace cairn::model
