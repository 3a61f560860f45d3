#include "base/uuid.h"

namespace cairn {
namespace {

constexpr char kDigits[] = "0123456789abcdef";
constexpr size_t kHexLength = 32;
constexpr size_t kDashedLength = 36;

bool dash_belongs_at(size_t index) {
  return index == 8 || index == 13 || index == 18 || index == 23;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_prefix) {
  if (text.size() < lower_prefix.size()) return false;
  for (size_t i = 0; i < lower_prefix.size(); ++i) {
    const char c = text[i];
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (lower != lower_prefix[i]) return false;
  }
  return true;
}

std::string_view without_wrapping(std::string_view text) {
  constexpr std::string_view kUrn = "urn:uuid:";
  if (starts_with_ignoring_case(text, kUrn)) return text.substr(kUrn.size());
  if (text.size() >= 2 && text.front() == '{' && text.back() == '}') {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

}  // namespace

std::string Uuid::hex() const {
  std::string out;
  out.reserve(kHexLength);
  for (const uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string Uuid::dashed() const {
  std::string out = hex();
  for (const size_t at : {8, 13, 18, 23}) out.insert(at, 1, '-');
  return out;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
  text = without_wrapping(text);
  if (text.size() != kHexLength && text.size() != kDashedLength) return std::nullopt;
  const bool dashed = text.size() == kDashedLength;
  Uuid uuid;
  size_t digits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (dashed && dash_belongs_at(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int value = hex_value(text[i]);
    if (value < 0) return std::nullopt;
    uint8_t& byte = uuid.bytes[digits / 2];
    byte = static_cast<uint8_t>(byte << 4 | value);
    ++digits;
  }
  return uuid;
}

}  // namespace cairn
