// Checks the frozen form of a roaring bitmap before CRoaring views it: CRoaring trusts what it
// finds, and damaged containers make it write outside its buffers.
//
// The form (CRoaring's, equal in versions 0.2.66 to 5.x), all little-endian:
//   bitset containers   8192 bytes each
//   run containers      counts[i] x { u16 start, u16 length - 1 }
//   array containers    (counts[i] + 1) x u16, ascending
//   keys                u16 x n, ascending: the high halves of the values
//   counts              u16 x n: cardinality - 1 of bitsets and arrays, number of runs
//   types               u8 x n: 1 bitset, 2 array, 3 run
//   header              u32: n << 15 | 13766
#pragma once

#include <cstddef>
#include <span>

namespace cairn::storage {

// Reads everything once. `bytes` may lie at any address.
bool frozen_is_sound(std::span<const std::byte> bytes);

}  // namespace cairn::storage
