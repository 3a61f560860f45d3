#include "verbs/dead_letter.h"

#include <simdjson.h>

#include <array>

#include "base/json_writer.h"

namespace cairn::verbs {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint32_t kNoDigit = 64;

std::string encode_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j < 4; ++j) {
      out.push_back(j <= count ? kDigits[group >> (18 - 6 * j) & 63] : '=');
    }
  }
  return out;
}

// nullopt: not base64 with padding.
std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t group = 0;
    size_t count = 0;
    for (size_t j = 0; j < 4; ++j) {
      const size_t digit = kDigits.find(text[i + j]);
      const bool padding = text[i + j] == '=' && i + 4 == text.size() && j >= 2;
      if (digit >= kNoDigit && !padding) return std::nullopt;
      if (!padding && count < j) return std::nullopt;  // a digit after padding
      if (!padding) ++count;
      group = group << 6 | (padding ? 0u : static_cast<uint32_t>(digit));
    }
    for (size_t j = 0; j + 1 < count; ++j) {
      out.push_back(static_cast<char>(group >> (16 - 8 * j) & 0xff));
    }
  }
  return out;
}

// Whether the object's first key says that this may be an entry; other lines are not parsed twice.
bool looks_like_entry(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t brace = line.find_first_not_of(kBlanks);
  if (brace == std::string_view::npos || line[brace] != '{') return false;
  const size_t key = line.find_first_not_of(kBlanks, brace + 1);
  return key != std::string_view::npos && line.substr(key).starts_with("\"_rejected\"");
}

}  // namespace

std::string rejected_line(const Refusal& refusal) {
  JsonWriter json;
  json.begin_object().key("_rejected").begin_object();
  json.key("file").string(refusal.file);
  json.key("line").unsigned_integer(refusal.line);
  json.key("code").string(error_code_name(refusal.error.code));
  json.key("message").string(refusal.error.message);
  json.end_object();
  const bool utf8 = simdjson::validate_utf8(refusal.text.data(), refusal.text.size());
  if (refusal.too_long) {
    json.key("line_start").string(refusal.text);
  } else if (utf8) {
    json.key("line").string(refusal.text);
  } else {
    json.key("line_base64").string(encode_base64(refusal.text));
  }
  json.end_object();
  return json.take();
}

Result<std::optional<std::string>> unwrap_rejected(std::string_view line) {
  if (!looks_like_entry(line)) return std::optional<std::string>();
  simdjson::dom::parser parser;
  simdjson::dom::element entry;
  // What is no JSON is left to the parser of messages, which says why.
  if (parser.parse(simdjson::padded_string(line)).get(entry) != simdjson::SUCCESS) {
    return std::optional<std::string>();
  }
  std::string_view text;
  if (entry["line"].get_string().get(text) == simdjson::SUCCESS) {
    return std::optional<std::string>(text);
  }
  if (entry["line_base64"].get_string().get(text) == simdjson::SUCCESS) {
    if (auto bytes = decode_base64(text)) return bytes;
    return make_error(ErrorCode::InvalidArgument,
                      "line_base64: not base64; take the line from the original file");
  }
  return make_error(ErrorCode::InvalidArgument,
                    "a dead-letter entry without its line (it was too long to be kept); mend the "
                    "line in the original file, which _rejected names");
}

}  // namespace cairn::verbs
