// The matching occurrences that one visible issue shows, or of fingerprints by themselves, part by
// part.
// Borrows the view. Thread: any.
#pragma once

#include <vector>

#include "query/group_filter.h"
#include "query/part_match.h"
#include "query/view.h"

namespace cairn::query {

class IssueOccurrences {
 public:
  IssueOccurrences(const View& view, GroupId issue);
  // None of them twice.
  IssueOccurrences(const View& view, std::vector<FingerprintId> fingerprints);

  // What of the matches is of these fingerprints. In a sorted part and without a bitmap: ranges of
  // one fingerprint each, in which times ascend.
  PartMatch confined(const PartMatch& match) const;

  // Whether the matches of the part are ranges in which times ascend.
  bool in_ranges(const PartMatch& match) const {
    return !match.bitmap && match.part->sorted() && wanted_.empty();
  }
  // Calls fn(OrdinalRange). Precondition: in_ranges(match).
  template <class F>
  void for_each_range(const PartMatch& match, F&& fn) const {
    for (const FingerprintId fingerprint : fingerprints_) {
      match.for_each_range_in(match.part->range_of(fingerprint), fn);
    }
  }
  // Calls fn(const Block&).
  template <class F>
  void for_each_block(const PartMatch& match, F&& fn) const {
    if (!match.part->sorted() || !wanted_.empty()) {
      gathered(match).for_each_block(fn);
      return;
    }
    for (const FingerprintId fingerprint : fingerprints_) {
      const storage::OrdinalRange range = match.part->range_of(fingerprint);
      if (!range.empty()) match.for_each_block_in(range, fn);
    }
  }

 private:
  // The same as a bitmap.
  PartMatch gathered(const PartMatch& match) const;

  std::vector<FingerprintId> fingerprints_;
  std::vector<bool> wanted_;  // of many fingerprints, as Part::of_fingerprints takes them
};

}  // namespace cairn::query
