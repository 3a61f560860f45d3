// Bytes, little-endian: version u8 | key i64 | id u32 | shown u64 | hash of the scope u64 | hash64
// of all before u64; then base64url without padding.
#include "query/cursor.h"

#include "base/hash.h"

namespace cairn::query {
namespace {

constexpr uint8_t kVersion = 2;
constexpr size_t kBytes = 1 + 8 + 4 + 8 + 8 + 8;
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

template <class Integer>
void put(std::string& out, Integer value) {
  for (size_t i = 0; i < sizeof(Integer); ++i) {
    out.push_back(static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xff));
  }
}

uint64_t get(std::string_view bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    value |= uint64_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
  }
  return value;
}

std::string to_base64url(std::string_view bytes) {
  std::string out;
  uint32_t buffer = 0;
  int bits = 0;
  for (char c : bytes) {
    buffer = buffer << 8 | static_cast<uint8_t>(c);
    for (bits += 8; bits >= 6; bits -= 6) out.push_back(kAlphabet[buffer >> (bits - 6) & 63]);
  }
  if (bits > 0) out.push_back(kAlphabet[buffer << (6 - bits) & 63]);
  return out;
}

// "" when it is no base64url.
std::string from_base64url(std::string_view text) {
  std::string out;
  uint32_t buffer = 0;
  int bits = 0;
  for (char c : text) {
    const size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return "";
    buffer = buffer << 6 | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<char>(buffer >> bits & 0xff));
  }
  return out;
}

uint64_t hash_of(const CursorScope& scope) {
  std::string text = scope.store.hex();
  text += scope.query;
  // No query holds a NUL.
  if (!scope.experiment.empty()) text.append(1, '\0').append(scope.experiment);
  return hash64(text, static_cast<uint64_t>(scope.sort) + 1);
}

}  // namespace

std::string encode_cursor(const Cursor& cursor, const CursorScope& scope) {
  std::string bytes;
  put(bytes, kVersion);
  put(bytes, cursor.key);
  put(bytes, raw(cursor.id));
  put(bytes, cursor.shown);
  put(bytes, hash_of(scope));
  put(bytes, hash64(bytes));
  return to_base64url(bytes);
}

Result<Cursor> decode_cursor(std::string_view text, const CursorScope& scope) {
  constexpr size_t kHashed = kBytes - 8;
  const std::string bytes = text.size() > 2 * kBytes ? "" : from_base64url(text);
  // Encoded again and compared, so that one cursor has one spelling.
  if (bytes.size() != kBytes || get(bytes, kHashed, 8) != hash64(bytes.substr(0, kHashed)) ||
      get(bytes, 0, 1) != kVersion || to_base64url(bytes) != text) {
    return make_error(ErrorCode::InvalidArgument,
                      "The cursor is damaged; start again without one.");
  }
  if (get(bytes, 21, 8) != hash_of(scope)) {
    return make_error(ErrorCode::InvalidArgument,
                      "The cursor belongs to another query, sort, experiment or "
                      "store; start again without "
                      "one.");
  }
  return Cursor{static_cast<int64_t>(get(bytes, 1, 8)),
                GroupId{static_cast<uint32_t>(get(bytes, 9, 4))}, get(bytes, 13, 8)};
}

}  // namespace cairn::query
