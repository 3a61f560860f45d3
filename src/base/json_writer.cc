#include "base/json_writer.h"

#include <charconv>
#include <cmath>

#include "base/assert.h"

namespace cairn {
namespace {

template <class T>
void append_number(std::string& out, T value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  out.append(buffer, end);
}

// Length of the well-formed UTF-8 sequence at the front of `text` (Unicode table 3-7), or 0 with
// `bad` set to the bytes one replacement character stands for.
size_t utf8_length(std::string_view text, size_t& bad) {
  const auto at = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned lead = at(0);
  bad = 1;
  size_t length = 0;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;   // overlong
    if (lead == 0xED) high = 0x9F;  // surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;   // overlong
    if (lead == 0xF4) high = 0x8F;  // above U+10FFFF
  } else {
    return 0;
  }
  for (size_t i = 1; i < length; ++i) {
    if (at(i) < low || at(i) > high) return 0;
    low = 0x80;
    high = 0xBF;
    bad = i + 1;
  }
  return length;
}

void append_control(std::string& out, unsigned char c) {
  constexpr char kDigits[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      break;
  }
  out += "\\u00";
  out += kDigits[c >> 4];
  out += kDigits[c & 15];
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out.reserve(out.size() + text.size() + 2);
  out += '"';
  size_t copied = 0;
  size_t i = 0;
  const auto flush = [&] { out.append(text, copied, i - copied); };
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++i;
    } else if (c < 0x80) {
      flush();
      append_control(out, c);
      copied = ++i;
    } else {
      size_t bad = 0;
      const size_t length = utf8_length(text.substr(i), bad);
      if (length == 0) {
        flush();
        out += "\xEF\xBF\xBD";
        i += bad;
        copied = i;
      } else {
        i += length;
      }
    }
  }
  flush();
  out += '"';
}

void JsonWriter::before_value() {
  if (levels_.empty()) {
    CAIRN_ASSERT(out_.empty());  // one value a document
    return;
  }
  Level& level = levels_.back();
  if (level.object) {
    CAIRN_ASSERT(level.after_key);
    level.after_key = false;
    return;
  }
  if (!level.first) out_ += ',';
  level.first = false;
}

JsonWriter& JsonWriter::begin_object() {
  before_value();
  out_ += '{';
  levels_.push_back({.object = true});
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  CAIRN_ASSERT(!levels_.empty() && levels_.back().object && !levels_.back().after_key);
  levels_.pop_back();
  out_ += '}';
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  before_value();
  out_ += '[';
  levels_.push_back({.object = false});
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  CAIRN_ASSERT(!levels_.empty() && !levels_.back().object);
  levels_.pop_back();
  out_ += ']';
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  CAIRN_ASSERT(!levels_.empty() && levels_.back().object && !levels_.back().after_key);
  Level& level = levels_.back();
  if (!level.first) out_ += ',';
  level.first = false;
  level.after_key = true;
  append_json_string(out_, name);
  out_ += ':';
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
  before_value();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::integer(int64_t value) {
  before_value();
  append_number(out_, value);
  return *this;
}

JsonWriter& JsonWriter::unsigned_integer(uint64_t value) {
  before_value();
  append_number(out_, value);
  return *this;
}

JsonWriter& JsonWriter::number(double value) {
  if (!std::isfinite(value)) return null();
  before_value();
  append_number(out_, value);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  before_value();
  out_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::null() {
  before_value();
  out_ += "null";
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  CAIRN_ASSERT(!json.empty());
  before_value();
  out_ += json;
  return *this;
}

JsonWriter& JsonWriter::raw_members(std::string_view members) {
  CAIRN_ASSERT(!levels_.empty() && levels_.back().object && !levels_.back().after_key);
  if (members.empty()) return *this;
  Level& level = levels_.back();
  if (!level.first) out_ += ',';
  level.first = false;
  out_ += members;
  return *this;
}

std::string JsonWriter::take() {
  CAIRN_ASSERT(levels_.empty());
  std::string text = std::move(out_);
  out_.clear();
  return text;
}

void JsonWriter::clear() {
  out_.clear();
  levels_.clear();
}

}  // namespace cairn
