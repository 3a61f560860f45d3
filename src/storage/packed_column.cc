#include "storage/packed_column.h"

#include <array>
#include <bit>
#include <numeric>
#include <utility>

namespace cairn::storage {
namespace {

constexpr uint32_t kRows = PackedColumn::kBlockRows;

// Eight numbers of W bits start at a whole byte again, so with W known all shifts are constants.
template <unsigned W, class Word>
void unpack(const std::byte* data, Word low, Word step, Word* out) {
  for (uint32_t group = 0; group < kRows / 8; ++group, data += W, out += 8) {
    for (uint32_t i = 0; i < 8; ++i) {
      out[i] = low + step * static_cast<Word>(load_packed(data, i, W));
    }
  }
}

template <class Word, size_t... W>
void unpack_width(std::index_sequence<W...>, const std::byte* data, unsigned width, uint64_t low,
                  uint64_t step, Word* out) {
  static constexpr std::array kUnpack = {&unpack<W, Word>...};
  const auto unpack_any = width < kUnpack.size() ? kUnpack[width] : &unpack<64, Word>;
  unpack_any(data, static_cast<Word>(low), static_cast<Word>(step), out);
}
using PackedWidths = std::make_index_sequence<kMaxPackedWidth + 1>;

unsigned width_of(uint64_t spread) {
  const auto width = static_cast<unsigned>(std::bit_width(spread));
  return width <= kMaxPackedWidth ? width : 64;
}

// The largest step all distances are multiples of. Times in whole milliseconds need ten bits less.
uint64_t common_step(std::span<const uint64_t> values, uint64_t base) {
  uint64_t step = 0;
  for (const uint64_t value : values) {
    const uint64_t distance = value - base;
    if (step == 0 || distance % step != 0) step = std::gcd(step, distance);
    if (step == 1) break;
  }
  return std::max<uint64_t>(step, 1);
}

template <class T>
void append(std::vector<std::byte>& out, T value) {
  const size_t at = out.size();
  out.resize(at + sizeof value);
  store_le(out.data() + at, value);
}

}  // namespace

void append_packed(std::vector<std::byte>& out, std::span<const uint64_t> numbers, unsigned width) {
  const size_t bytes = (numbers.size() * width + 7) / 8;
  size_t at = out.size();
  out.resize(at + bytes + sizeof(uint64_t));
  uint64_t word = 0;
  unsigned filled = 0;
  for (const uint64_t number : numbers) {
    word |= number << filled;
    filled += width;
    if (filled >= 64) {
      store_le(out.data() + at, word);
      at += sizeof word;
      filled -= 64;
      // What did not fit; nothing when the number ended with the word.
      word = filled == 0 ? 0 : number >> (width - filled);
    }
  }
  store_le(out.data() + at, word);
  out.resize(out.size() - sizeof(uint64_t));
}

std::optional<PackedColumn> PackedColumn::parse(std::span<const std::byte> from, uint32_t count) {
  if (from.size() < kHeaderBytes) return std::nullopt;
  PackedColumn column;
  column.base_ = load_le<uint64_t>(from.data());
  column.step_ = load_le<uint64_t>(from.data() + 8);
  column.count_ = load_le<uint32_t>(from.data() + 16);
  const uint64_t data_bytes = kUnit * uint64_t{load_le<uint32_t>(from.data() + 20)};
  const uint64_t blocks = (uint64_t{count} + kBlockRows - 1) / kBlockRows;
  const uint64_t bytes = kHeaderBytes + blocks * kBlockBytes + data_bytes;
  if (column.count_ != count || bytes > from.size()) return std::nullopt;
  column.bytes_ = bytes;
  column.blocks_ = from.data() + kHeaderBytes;
  column.data_ = column.blocks_ + blocks * kBlockBytes;
  for (uint64_t i = 0; i < blocks; ++i) {
    const auto word = load_le<uint32_t>(column.blocks_ + i * kBlockBytes + 8);
    const unsigned width = word % (1u << kWidthBits);
    const uint64_t end = kUnit * (uint64_t{word >> kWidthBits} + width) + sizeof(uint64_t);
    if (!packed_width_is_valid(width) || end > data_bytes) return std::nullopt;
  }
  return column;
}

void PackedColumn::write(std::vector<std::byte>& out, std::span<const uint64_t> values,
                         uint64_t base) {
  const uint64_t step = common_step(values, base);
  const size_t blocks = (values.size() + kBlockRows - 1) / kBlockRows;
  const size_t header = out.size();
  append<uint64_t>(out, base);
  append<uint64_t>(out, step);
  append<uint32_t>(out, static_cast<uint32_t>(values.size()));
  append<uint32_t>(out, 0);  // known at the end
  const size_t table = out.size();
  out.resize(table + blocks * kBlockBytes);
  const size_t data = out.size();
  for (size_t i = 0; i < blocks; ++i) {
    std::array<uint64_t, kBlockRows> numbers{};  // a last block is filled up with its smallest
    const auto block = values.subspan(i * kBlockRows,
                                      std::min<size_t>(kBlockRows, values.size() - i * kBlockRows));
    uint64_t low = UINT64_MAX, high = 0;
    for (size_t k = 0; k < block.size(); ++k) {
      numbers[k] = step == 1 ? block[k] - base : (block[k] - base) / step;
      low = std::min(low, numbers[k]);
      high = std::max(high, numbers[k]);
    }
    for (size_t k = 0; k < block.size(); ++k) numbers[k] -= low;
    const unsigned width = width_of(high - low);
    const auto start = static_cast<uint32_t>((out.size() - data) / kUnit);
    append_packed(out, numbers, width);
    store_le<uint64_t>(out.data() + table + i * kBlockBytes, low);
    store_le<uint32_t>(out.data() + table + i * kBlockBytes + 8, start << kWidthBits | width);
  }
  out.resize(out.size() + kUnit);
  store_le<uint32_t>(out.data() + header + 20, static_cast<uint32_t>((out.size() - data) / kUnit));
}

void PackedColumn::unpack_block32(const std::byte* data, unsigned width, uint64_t low,
                                  uint64_t step, Word32* out) {
  unpack_width(PackedWidths(), data, width, low, step, out);
}
void PackedColumn::unpack_block64(const std::byte* data, unsigned width, uint64_t low,
                                  uint64_t step, Word64* out) {
  unpack_width(PackedWidths(), data, width, low, step, out);
}

}  // namespace cairn::storage
