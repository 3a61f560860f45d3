#include "base/uuid.h"

#include <algorithm>

namespace cairn {
namespace {

constexpr char kDigits[] = "0123456789abcdef";
constexpr size_t kHexLength = 32;
constexpr size_t kDashedLength = 36;

// Values of hexadecimal digits; of other characters one with the upper bits set.
constexpr uint8_t kNoDigit = 0xf0;
constexpr auto kHexValues = [] {
  std::array<uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (uint8_t i = 0; i < 10; ++i) values['0' + i] = i;
  for (uint8_t i = 0; i < 6; ++i) values['a' + i] = values['A' + i] = static_cast<uint8_t>(10 + i);
  return values;
}();

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
  std::array<char, kHexLength> digits;
  if (text.size() == kDashedLength) {
    // 8-4-4-4-12
    char* out = digits.data();
    size_t from = 0;
    for (const size_t length : {8u, 4u, 4u, 4u, 12u}) {
      if (from > 0 && text[from++] != '-') return std::nullopt;
      out = std::copy_n(text.data() + from, length, out);
      from += length;
    }
  } else {
    std::copy_n(text.data(), kHexLength, digits.data());
  }
  Uuid uuid;
  uint8_t all = 0;
  for (size_t i = 0; i < uuid.bytes.size(); ++i) {
    const uint8_t high = kHexValues[static_cast<uint8_t>(digits[2 * i])];
    const uint8_t low = kHexValues[static_cast<uint8_t>(digits[2 * i + 1])];
    all |= high | low;
    uuid.bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  if ((all & kNoDigit) != 0) return std::nullopt;
  return uuid;
}

}  // namespace cairn
