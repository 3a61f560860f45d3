// A sparse posting as bytes: its runs of consecutive ordinals, ascending.
//
// Each run: varint(gap << 1 | long), and, when long, varint(length - 2). gap is the distance of its
// first ordinal from the smallest one that could begin it: 0 for the first run, else two behind the
// last ordinal of the run before. Varints have 7 bits a byte, the lowest first, and bit 7 where
// more follow. docs/format.md, "Posting list".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace cairn::storage {

namespace detail {

inline void append_varint(std::vector<std::byte>& out, uint32_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}

// False at the end of the bytes and for more than 32 bits.
inline bool read_varint(const std::byte*& at, const std::byte* end, uint32_t& value) {
  value = 0;
  for (unsigned shift = 0; at != end && shift < 32; shift += 7) {
    const auto byte = std::to_integer<uint32_t>(*at++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return shift < 28 || byte < 0x10;
  }
  return false;
}

}  // namespace detail

// Appends the list of ascending ordinals, each below 2^30.
inline void append_posting_list(std::vector<std::byte>& out, std::span<const Ordinal> ordinals) {
  Ordinal from = 0;
  for (size_t i = 0; i < ordinals.size();) {
    const size_t first = i;
    while (i + 1 < ordinals.size() && ordinals[i + 1] == ordinals[i] + 1) ++i;
    const auto length = static_cast<uint32_t>(i - first + 1);
    detail::append_varint(out, (ordinals[first] - from) << 1 | (length > 1 ? 1u : 0u));
    if (length > 1) detail::append_varint(out, length - 2);
    from = ordinals[i++] + 2;
  }
}

// Calls fn(begin, end) for each run, ascending. False, after some calls perhaps, when the bytes are
// no list of ordinals below `rows`. Precondition: rows < 2^30.
template <class F>
bool for_each_run(std::span<const std::byte> list, uint32_t rows, F&& fn) {
  const std::byte* at = list.data();
  const std::byte* end = at + list.size();
  uint32_t from = 0;
  while (at != end) {
    uint32_t word = 0, more = 0;
    if (!detail::read_varint(at, end, word)) return false;
    if ((word & 1) != 0) {
      if (!detail::read_varint(at, end, more) || more >= rows) return false;
      more += 1;
    }
    const uint64_t begin = uint64_t{from} + (word >> 1);
    const uint64_t last = begin + more;
    if (last >= rows) return false;
    fn(static_cast<Ordinal>(begin), static_cast<Ordinal>(last + 1));
    from = static_cast<uint32_t>(last + 2);
  }
  return true;
}

// Appends the ordinals; false as above, then with `out` as it was.
inline bool read_posting_list(std::span<const std::byte> list, uint32_t rows,
                              std::vector<Ordinal>& out) {
  const size_t before = out.size();
  const bool sound = for_each_run(list, rows, [&](Ordinal begin, Ordinal end) {
    for (Ordinal o = begin; o < end; ++o) out.push_back(o);
  });
  if (!sound) out.resize(before);
  return sound;
}

}  // namespace cairn::storage
