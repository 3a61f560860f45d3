// The matching occurrences of one part of the index, and reading their columns block by block.
// Values that borrow the part. Thread: any.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "query/meter.h"
#include "storage/part.h"

namespace cairn::query {

// Some occurrences of a part, ascending, at most kBlock; never none.
class Block {
 public:
  static constexpr uint32_t kSize = storage::Bitmap::kBlock;

  // The ordinals are borrowed.
  Block(const storage::Part& part, std::span<const Ordinal> ordinals)
      : part_(part), ordinals_(ordinals), range_{ordinals.front(), ordinals.back() + 1} {}
  Block(const storage::Part& part, storage::OrdinalRange range) : part_(part), range_(range) {}

  const storage::Part& part() const { return part_; }
  Ordinal first() const { return range_.begin; }
  size_t size() const { return ordinals_.empty() ? range_.size() : ordinals_.size(); }

  // Each writes size() values.
  void ordinals(Ordinal* out) const;
  void times(TimeUs* out) const;
  void lsns(Lsn* out) const;
  void fingerprints(FingerprintId* out) const;
  void column(FieldId field, ValueId* out) const;  // precondition: part().has_column(field)

 private:
  // Neighbours are read without looking at each ordinal.
  bool is_range() const { return ordinals_.empty() || range_.size() == ordinals_.size(); }

  const storage::Part& part_;
  std::span<const Ordinal> ordinals_;  // empty: all of range_
  storage::OrdinalRange range_;
};

// Calls fn(const Block&) over a range of a part, until the meter says stop.
template <class F>
void for_each_block(const storage::Part& part, storage::OrdinalRange range, Meter* meter, F&& fn) {
  while (!range.empty()) {
    const Ordinal end = range.begin + std::min(range.size(), Block::kSize);
    const Block block(part, storage::OrdinalRange{range.begin, end});
    if (meter != nullptr && !meter->spend(block.size())) return;
    fn(block);
    range.begin = end;
  }
}

struct PartMatch {
  const storage::Part* part = nullptr;
  std::optional<storage::Bitmap> bitmap;  // nullopt: all of `ranges`
  // Ascending, none empty, none overlapping. Without meaning beside a bitmap.
  std::vector<storage::OrdinalRange> ranges;
  Meter* meter = nullptr;  // the view's: blocks end when it says stop
  Holding held{nullptr};   // of the bitmap, when hold_bitmap() was called

  bool whole() const {
    return !bitmap && ranges.size() == 1 && ranges.front().size() == part->size();
  }
  uint64_t count() const;
  // Counts the bitmap with the meter from now on, as long as this lives.
  void hold_bitmap();
  // Calls fn(const Block&), ascending, until the meter says stop.
  template <class F>
  void for_each_block(F&& fn) const {
    if (bitmap) {
      bitmap->for_each_block(calling(fn));
    } else {
      for (const storage::OrdinalRange& range : ranges) {
        query::for_each_block(*part, range, meter, fn);
      }
    }
  }
  // The same within a range of the part.
  template <class F>
  void for_each_block_in(storage::OrdinalRange within, F&& fn) const {
    if (bitmap) {
      bitmap->for_each_block_in(within.begin, within.end, calling(fn));
    } else {
      for_each_range_in(within, [&](storage::OrdinalRange range) {
        query::for_each_block(*part, range, meter, fn);
      });
    }
  }
  // Calls fn(OrdinalRange) for what of `ranges` is within. Precondition: no bitmap.
  template <class F>
  void for_each_range_in(storage::OrdinalRange within, F&& fn) const {
    auto range = std::lower_bound(
        ranges.begin(), ranges.end(), within.begin,
        [](const storage::OrdinalRange& a, Ordinal begin) { return a.end <= begin; });
    for (; range != ranges.end() && range->begin < within.end; ++range) {
      fn(storage::OrdinalRange{std::max(range->begin, within.begin),
                               std::min(range->end, within.end)});
    }
  }

 private:
  template <class F>
  auto calling(F& fn) const {
    return [this, &fn](std::span<const Ordinal> ordinals) {
      if (meter != nullptr && !meter->spend(ordinals.size())) return false;
      fn(Block(*part, ordinals));
      return true;
    };
  }
};

// Matches of ascending ranges, none overlapping, as a bitmap.
storage::Bitmap bitmap_of(std::span<const storage::OrdinalRange> ranges);

}  // namespace cairn::query
