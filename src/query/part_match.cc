#include "query/part_match.h"

namespace cairn::query {

using storage::OrdinalRange;

void Block::ordinals(Ordinal* out) const {
  if (!ordinals_.empty()) {
    std::copy(ordinals_.begin(), ordinals_.end(), out);
    return;
  }
  for (Ordinal ordinal = range_.begin; ordinal < range_.end; ++ordinal) *out++ = ordinal;
}

void Block::times(TimeUs* out) const {
  if (is_range()) {
    part_.read_times(range_, out);
  } else {
    part_.gather_times(ordinals_, out);
  }
}

void Block::lsns(Lsn* out) const {
  std::array<Ordinal, kSize> all;
  ordinals(all.data());
  part_.gather_lsns({all.data(), size()}, out);
}

void Block::fingerprints(FingerprintId* out) const {
  std::array<Ordinal, kSize> all;
  ordinals(all.data());
  part_.gather_fingerprints({all.data(), size()}, out);
}

void Block::column(FieldId field, ValueId* out) const {
  if (is_range()) {
    part_.read_column(field, range_, out);
  } else {
    part_.gather_column(field, ordinals_, out);
  }
}

uint64_t PartMatch::count() const {
  if (bitmap) return bitmap->cardinality();
  uint64_t count = 0;
  for (const OrdinalRange& range : ranges) count += range.size();
  return count;
}

void PartMatch::hold_bitmap() {
  if (!bitmap) return;
  held = Holding(meter);
  held.set(bitmap->frozen_bytes());
}

storage::Bitmap bitmap_of(std::span<const OrdinalRange> ranges) {
  storage::Bitmap bitmap;
  for (const OrdinalRange& range : ranges) bitmap.add_range(range.begin, range.end);
  return bitmap;
}

}  // namespace cairn::query
