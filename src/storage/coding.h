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

// Appends little-endian integers and counted strings.
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
