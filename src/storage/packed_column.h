// A column of integers in as few whole bytes each as their spread needs, read at random.
//
// Layout: u64 base, u32 count, u8 width (0..8), 3 zero bytes, then count x width bytes (value -
// base, little-endian), then 8 zero bytes, so that an 8-byte load of the last value stays inside.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "storage/coding.h"

namespace cairn::storage {

class PackedColumn {
 public:
  PackedColumn() = default;

  // nullopt when the bytes do not hold a column of `count` values. Bytes behind the column are
  // left over: see bytes().
  static std::optional<PackedColumn> parse(std::span<const std::byte> from, uint32_t count) {
    if (from.size() < kHeaderBytes + kPadBytes) return std::nullopt;
    PackedColumn column;
    column.base_ = load_le<uint64_t>(from.data());
    column.count_ = load_le<uint32_t>(from.data() + 8);
    column.width_ = load_le<uint32_t>(from.data() + 12);
    if (column.count_ != count || column.width_ > 8 || column.bytes() > from.size()) {
      return std::nullopt;
    }
    column.data_ = from.data() + kHeaderBytes;
    if (column.width_ > 0) column.mask_ = UINT64_MAX >> (64 - 8 * column.width_);
    return column;
  }

  uint32_t size() const { return count_; }
  size_t bytes() const { return kHeaderBytes + size_t{count_} * width_ + kPadBytes; }
  // Precondition: index < size().
  uint64_t operator[](uint32_t index) const {
    return base_ + (load_le<uint64_t>(data_ + size_t{index} * width_) & mask_);
  }

  // Appends a column. Values may wrap around: only their distance from `base` matters, so signed
  // columns cast their smallest value.
  static void write(std::vector<std::byte>& out, std::span<const uint64_t> values, uint64_t base) {
    uint64_t spread = 0;
    for (const uint64_t value : values) spread = std::max(spread, value - base);
    uint32_t width = 0;
    while (width < 8 && (spread >> (8 * width)) != 0) ++width;
    size_t at = out.size();
    out.resize(at + kHeaderBytes + values.size() * width + kPadBytes);
    store_le<uint64_t>(&out[at], base);
    store_le<uint32_t>(&out[at + 8], static_cast<uint32_t>(values.size()));
    store_le<uint32_t>(&out[at + 12], width);
    at += kHeaderBytes;
    for (const uint64_t value : values) {
      const uint64_t delta = value - base;
      std::memcpy(&out[at], &delta, width);
      at += width;
    }
  }

 private:
  static constexpr size_t kHeaderBytes = 16;
  static constexpr size_t kPadBytes = 8;

  const std::byte* data_ = nullptr;
  uint64_t base_ = 0;
  uint64_t mask_ = 0;
  uint32_t count_ = 0;
  uint32_t width_ = 0;
};

}  // namespace cairn::storage
