#include "base/uuid.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/ascii.h"

namespace cairn {
namespace {

constexpr char kDigits[] = "0123456789abcdef";
constexpr size_t kHexLength = 32;
constexpr size_t kDashedLength = 36;

constexpr uint64_t kOnes = 0x0101010101010101u;
constexpr uint64_t kHighBits = 0x80 * kOnes;

// The highest bit of each byte: whether it is between low and high. Precondition: bytes and bounds
// are below 0x80.
uint64_t between(uint64_t bytes, uint64_t low, uint64_t high) {
  return (bytes + (0x80 - low) * kOnes) & ~(bytes + (0x7f - high) * kOnes) & kHighBits;
}

// Four bytes out of eight hexadecimal digits, all digits at once. False: they are not.
bool read_digits(const char* digits, uint8_t* out) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t text = 0;
  std::memcpy(&text, digits, sizeof text);
  if ((text & kHighBits) != 0) return false;
  const uint64_t letters = between(text | 0x20 * kOnes, 'a', 'f');
  if ((letters | between(text, '0', '9')) != kHighBits) return false;
  const uint64_t values = (text & 0x0f * kOnes) + 9 * (letters >> 7);
  uint64_t pairs = (values << 4 | values >> 8) & 0x00ff00ff00ff00ffu;
  pairs = (pairs | pairs >> 8) & 0x0000ffff0000ffffu;
  const auto bytes = static_cast<uint32_t>(pairs | pairs >> 16);
  std::memcpy(out, &bytes, sizeof bytes);
  return true;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_prefix) {
  if (text.size() < lower_prefix.size()) return false;
  for (size_t i = 0; i < lower_prefix.size(); ++i) {
    const char c = text[i];
    const char lower = lower_ascii(c);
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
  for (size_t i = 0; i < uuid.bytes.size(); i += 4) {
    if (!read_digits(&digits[2 * i], &uuid.bytes[i])) return std::nullopt;
  }
  return uuid;
}

}  // namespace cairn
