#include "model/fold_ahead.h"

namespace cairn::model {

void FoldAhead::see(const Occurrence& occurrence) {
  Coming& first = seen_before(0);
  first = {};
  if (!occurrence.fingerprint.empty()) {
    first.key = State::fingerprint_key(occurrence.project, occurrence.fingerprint.front());
    state_.fingerprints_by_hash_.prefetch(first.key);
  }
  Coming& second = seen_before(kGap);
  const uint32_t id = state_.fingerprints_by_hash_.find(second.key);
  if (id != SlotMap<uint32_t>::kNone) {
    second.fingerprint = FingerprintId{id};
    __builtin_prefetch(&state_.fingerprint(second.fingerprint));
  }
  Coming& third = seen_before(2 * kGap);
  if (third.fingerprint != FingerprintId{}) {
    const Fingerprint& fingerprint = state_.fingerprint(third.fingerprint);
    fingerprint.value.prefetch();
    third.leaf = fingerprint.leaf;
  }
  if (third.leaf != GroupId{}) {
    // What an occurrence changes and where the texts are is spread over two lines, often.
    const Group& leaf = state_.group(third.leaf);
    __builtin_prefetch(&leaf);
    __builtin_prefetch(&leaf.status_since);
  }
  const Coming& fourth = seen_before(3 * kGap);
  if (fourth.leaf != GroupId{}) {
    const Group& leaf = state_.group(fourth.leaf);
    leaf.title.prefetch();
    leaf.culprit.prefetch();
  }
  ++seen_;
}

}  // namespace cairn::model
