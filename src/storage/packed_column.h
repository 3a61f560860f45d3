// A column of integers in as few bits each as the spread of their block needs, read at random or
// in bulk where it lies.
//
// Layout (docs/format.md, "Packed column"):
//   u64 base   u64 step   u32 count   u32 units: bytes of the data / 16
//   blocks     ceil(count / 128) x { u64 low, u32 start << 7 | width }
//   data       per block 128 numbers of `width` bits, at 16 x start; then at least 8 zero bytes,
//              so that an 8-byte load of the last number stays inside
// Value i is base + step * (low + number), modulo 2^64, of the block i / 128.
//
// Value type, borrows the bytes. Thread: const, so any.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "storage/coding.h"

namespace cairn::storage {

// Numbers of `width` bits, one behind the other. A number is read by one 8-byte load, so 57 is the
// widest that may start at any bit; wider ones take all 64.
inline constexpr unsigned kMaxPackedWidth = 57;
inline bool packed_width_is_valid(unsigned width) {
  return width <= kMaxPackedWidth || width == 64;
}
inline uint64_t load_packed(const std::byte* data, size_t index, unsigned width) {
  const size_t bit = index * width;
  const uint64_t mask = width == 0 ? 0 : UINT64_MAX >> (64 - width);
  return (load_le<uint64_t>(data + bit / 8) >> (bit % 8)) & mask;
}
// Appends the numbers; each has at most `width` bits. Zero bytes for loads are the caller's.
void append_packed(std::vector<std::byte>& out, std::span<const uint64_t> numbers, unsigned width);

class PackedColumn {
 public:
  static constexpr uint32_t kBlockRows = 128;

  PackedColumn() = default;

  // nullopt when the bytes do not hold a column of `count` values. Bytes behind the column are
  // left over: see bytes().
  static std::optional<PackedColumn> parse(std::span<const std::byte> from, uint32_t count);

  uint32_t size() const { return count_; }
  size_t bytes() const { return bytes_; }

  // Precondition: index < size().
  uint64_t operator[](uint32_t index) const {
    const Block block = block_at(index / kBlockRows);
    return base_ + step_ * (block.low + load_packed(block.data, index % kBlockRows, block.width));
  }

  // Values [begin, end) as T. Precondition: end <= size().
  template <class T>
  void read(uint32_t begin, uint32_t end, T* out) const {
    while (begin < end) {
      const uint32_t first = begin % kBlockRows;
      const uint32_t count = std::min(kBlockRows - first, end - begin);
      read_in_block(block_at(begin / kBlockRows), first, count, out);
      begin += count;
      out += count;
    }
  }
  // Values at ascending indexes, each < size().
  template <class T>
  void gather(std::span<const uint32_t> indexes, T* out) const {
    for (size_t i = 0; i < indexes.size();) {
      const uint32_t at = indexes[i] / kBlockRows;
      const Block block = block_at(at);
      const uint64_t low = base_ + step_ * block.low;
      for (; i < indexes.size() && indexes[i] / kBlockRows == at; ++i) {
        const uint64_t number = load_packed(block.data, indexes[i] % kBlockRows, block.width);
        *out++ = static_cast<T>(low + step_ * number);
      }
    }
  }

  // Appends a column. Values may wrap around: only their distance from `base` matters, so signed
  // columns cast their smallest value.
  static void write(std::vector<std::byte>& out, std::span<const uint64_t> values, uint64_t base);

 private:
  struct Block {
    const std::byte* data;
    uint64_t low;
    unsigned width;
  };
  static constexpr size_t kHeaderBytes = 24;
  static constexpr size_t kBlockBytes = 12;
  static constexpr size_t kUnit = 16;        // 128 numbers of w bits are w units
  static constexpr unsigned kWidthBits = 7;  // of a block's second word
  static constexpr uint32_t kFewRows = 24;   // below, single loads beat unpacking a whole block

  Block block_at(uint32_t index) const {
    const std::byte* at = blocks_ + kBlockBytes * size_t{index};
    const auto word = load_le<uint32_t>(at + 8);
    return {data_ + kUnit * size_t{word >> kWidthBits}, load_le<uint64_t>(at),
            word % (1u << kWidthBits)};
  }
  template <class T>
  void read_in_block(const Block& block, uint32_t first, uint32_t count, T* out) const {
    const uint64_t low = base_ + step_ * block.low;
    if (count < kFewRows) {
      for (uint32_t i = 0; i < count; ++i) {
        out[i] = static_cast<T>(low + step_ * load_packed(block.data, first + i, block.width));
      }
    } else if (count == kBlockRows) {
      unpack_block(block.data, block.width, low, step_, out);
    } else {
      T values[kBlockRows];
      unpack_block(block.data, block.width, low, step_, values);
      std::copy_n(values + first, count, out);
    }
  }

  // Values of an enumeration are written as the integers they are.
  using Word32 [[gnu::may_alias]] = uint32_t;
  using Word64 [[gnu::may_alias]] = uint64_t;
  template <class T>
  static void unpack_block(const std::byte* data, unsigned width, uint64_t low, uint64_t step,
                           T* out) {
    if constexpr (sizeof(T) == sizeof(uint32_t)) {
      unpack_block32(data, width, low, step, reinterpret_cast<Word32*>(out));
    } else {
      static_assert(sizeof(T) == sizeof(uint64_t));
      unpack_block64(data, width, low, step, reinterpret_cast<Word64*>(out));
    }
  }
  static void unpack_block32(const std::byte* data, unsigned width, uint64_t low, uint64_t step,
                             Word32* out);
  static void unpack_block64(const std::byte* data, unsigned width, uint64_t low, uint64_t step,
                             Word64* out);

  const std::byte* blocks_ = nullptr;
  const std::byte* data_ = nullptr;
  uint64_t base_ = 0;
  uint64_t step_ = 0;
  size_t bytes_ = 0;
  uint32_t count_ = 0;
};

}  // namespace cairn::storage
