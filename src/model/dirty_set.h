// Ids changed since the last checkpoint: one bit an id, so that marking costs nothing on the hot
// path and the ids come out ascending. A value.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/ids.h"

namespace cairn::model {

template <class Id>
class DirtySet {
 public:
  void mark(Id id) {
    const size_t word = raw(id) / 64;
    if (word >= words_.size()) words_.resize(word + 1);
    words_[word] |= uint64_t{1} << (raw(id) % 64);
  }

  std::vector<Id> ids() const {
    std::vector<Id> out;
    for (size_t word = 0; word < words_.size(); ++word) {
      for (uint64_t bits = words_[word]; bits != 0; bits &= bits - 1) {
        const size_t id = word * 64 + static_cast<size_t>(std::countr_zero(bits));
        out.push_back(Id{static_cast<std::underlying_type_t<Id>>(id)});
      }
    }
    return out;
  }

  // Keeps the memory: the next round marks about as many.
  void clear() { std::fill(words_.begin(), words_.end(), 0); }

 private:
  std::vector<uint64_t> words_;
};

}  // namespace cairn::model
