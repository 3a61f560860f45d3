// Looks ahead for the fold. An occurrence costs it a chain of misses in the processor's cache: the
// slot of its fingerprint, the fingerprint, that one's text and group, the group's texts. Seen
// early, each of them is asked for while other occurrences are folded. A hint only: what is found
// later does not depend on it.
//
//   FoldAhead ahead(state);  // for a batch
//   for (size_t i = 0; i < n + FoldAhead::kDistance; ++i) {
//     if (i < n) ahead.see(occurrence(i));
//     if (i >= FoldAhead::kDistance) fold(occurrence(i - FoldAhead::kDistance));
//   }
//
// Thread: that of the fold.
#pragma once

#include <array>
#include <cstddef>

#include "model/state.h"

namespace cairn::model {

class FoldAhead {
 public:
  // Of occurrences between seeing one and folding it.
  static constexpr size_t kDistance = 16;

  // The state must outlive it.
  explicit FoldAhead(const State& state) : state_(state) {}

  void see(const Occurrence& occurrence);

 private:
  // Occurrences between two stages: about as many as are folded while memory answers.
  static constexpr size_t kGap = 4;
  struct Coming {
    uint32_t key = 0;
    FingerprintId fingerprint{};  // 0 = not known yet, or new
    GroupId leaf{};
  };
  Coming& seen_before(size_t count) { return coming_[(seen_ - count) % coming_.size()]; }

  const State& state_;
  std::array<Coming, kDistance> coming_;
  size_t seen_ = 0;
};

}  // namespace cairn::model
