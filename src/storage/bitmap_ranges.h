// Bitmaps out of ranges that come in ascending order. Long ranges are cheap as such, short ones
// as single ordinals.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "storage/bitmap.h"

namespace cairn::storage {

class RangeCollector {
 public:
  // About how many ordinals of short ranges will come.
  explicit RangeCollector(size_t expected = 0) { singles_.reserve(expected); }

  void add(Ordinal begin, Ordinal end) {
    if (begin >= end) return;
    if (begin != end_) {
      flush();
      begin_ = begin;
    }
    end_ = end;
  }
  // Nothing may be added afterwards.
  Bitmap finish() {
    flush();
    if (ranges_.empty()) return Bitmap::from_sorted(singles_);
    if (!singles_.empty()) ranges_.or_with(Bitmap::from_sorted(singles_));
    return std::move(ranges_);
  }

 private:
  void flush() {
    constexpr Ordinal kLong = 64;
    if (end_ - begin_ >= kLong) {
      ranges_.add_range(begin_, end_);
    } else {
      for (Ordinal o = begin_; o < end_; ++o) singles_.push_back(o);
    }
    begin_ = end_;
  }
  Ordinal begin_ = 0, end_ = 0;
  std::vector<Ordinal> singles_;
  Bitmap ranges_;
};

}  // namespace cairn::storage
