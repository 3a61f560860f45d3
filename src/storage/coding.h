// Integers as bytes, for index keys and rows. Keys are big-endian, so that LMDB's byte order is
// their numeric order; everything else is little-endian.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace cairn::storage {

// Sealed bitmaps and columns are used in place where they lie on disk, so the index has the byte
// order of the machines we support.
static_assert(std::endian::native == std::endian::little, "cairn needs a little-endian machine");

template <class T>
T load_le(const std::byte* at) {
  static_assert(std::is_integral_v<T>);
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class T>
void store_le(std::byte* at, T value) {
  static_assert(std::is_integral_v<T>);
  std::memcpy(at, &value, sizeof value);
}

inline std::span<const std::byte> as_byte_span(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

// A key under construction: `Key().u32(7).u8(1).view()`.
class Key {
 public:
  Key& u8(uint8_t value) { return big_endian(value); }
  Key& u16(uint16_t value) { return big_endian(value); }
  Key& u32(uint32_t value) { return big_endian(value); }
  Key& u64(uint64_t value) { return big_endian(value); }
  std::string_view view() const { return {bytes_, size_}; }

 private:
  template <class T>
  Key& big_endian(T value) {
    for (size_t i = sizeof(T); i-- > 0;) {
      bytes_[size_++] = static_cast<char>(static_cast<uint8_t>(value >> (8 * i)));
    }
    return *this;
  }
  // The longest key of the index is that of an idempotency key: 16 bytes.
  char bytes_[24] = {};
  size_t size_ = 0;
};

// Reads a big-endian integer out of a key. Precondition: at + sizeof(T) <= key.size().
template <class T>
T key_part(std::string_view key, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = value << 8 | static_cast<uint8_t>(key[at + i]);
  }
  return static_cast<T>(value);
}

inline constexpr size_t kMaxVarintBytes = 10;  // of 64 bits

// Appends little-endian integers, varints and counted strings.
class RowWriter {
 public:
  template <class T>
  RowWriter& integer(T value) {
    static_assert(std::is_integral_v<T>);
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  RowWriter& text(std::string_view value) {
    integer(static_cast<uint32_t>(value.size()));
    out_.append(value);
    return *this;
  }
  // Seven bits a byte, the lowest first; all bytes but the last have the highest bit.
  RowWriter& varint(uint64_t value) {
    char bytes[kMaxVarintBytes];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7) bytes[size++] = static_cast<char>(value | 0x80);
    bytes[size++] = static_cast<char>(value);
    out_.append(bytes, size);
    return *this;
  }
  // 0, -1, 1, -2, ... as 0, 1, 2, 3, ...: small ones of either sign are short.
  RowWriter& zigzag(int64_t value) {
    const auto bits = static_cast<uint64_t>(value);
    return varint(bits << 1 ^ (value < 0 ? ~uint64_t{0} : 0));
  }
  // Without its size.
  RowWriter& append(std::string_view bytes) {
    out_.append(bytes);
    return *this;
  }
  const std::string& bytes() const { return out_; }
  void clear() { out_.clear(); }

 private:
  std::string out_;
};

// Reads what RowWriter wrote. After a read past the end every further read gives zero and ok() is
// false, so that a decoder checks once, at its end.
class RowReader {
 public:
  explicit RowReader(std::span<const std::byte> bytes) : rest_(bytes) {}
  template <class T>
  T integer() {
    if (!has(sizeof(T))) return T{};
    const T value = load_le<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  // Numbers that are not written as short as they can be fail, so that each is written one way.
  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 7 * kMaxVarintBytes; shift += 7) {
      const auto byte = integer<uint8_t>();
      value |= uint64_t{byte & 0x7Fu} << shift;
      if (byte >= 0x80) continue;
      if ((byte == 0 && shift > 0) || (shift == 63 && byte > 1)) break;
      return value;
    }
    fail();
    return 0;
  }
  int64_t zigzag() {
    const uint64_t bits = varint();
    return static_cast<int64_t>(bits >> 1 ^ (~(bits & 1) + 1));
  }
  std::string_view text() { return take(integer<uint32_t>()); }
  std::string_view take(size_t size) {
    if (!has(size)) return {};
    const std::string_view value(reinterpret_cast<const char*>(rest_.data()), size);
    rest_ = rest_.subspan(size);
    return value;
  }
  size_t remaining() const { return rest_.size(); }
  bool ok() const { return ok_; }
  // For a decoder that found a count the rest cannot hold.
  void fail() { ok_ = false; }
  // Everything was read and nothing is left over.
  bool done() const { return ok_ && rest_.empty(); }

 private:
  bool has(size_t bytes) {
    if (ok_ && rest_.size() >= bytes) return true;
    ok_ = false;
    rest_ = {};
    return false;
  }
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

}  // namespace cairn::storage
