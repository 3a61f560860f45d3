#include "query/issue_occurrences.h"

namespace cairn::query {

IssueOccurrences::IssueOccurrences(const View& view, GroupId issue)
    : fingerprints_(fingerprints_of(*view.state, issue)) {
  if (!are_many(view, fingerprints_.size())) return;
  wanted_.resize(view.root_of_fingerprint.size(), false);
  for (const FingerprintId fingerprint : fingerprints_) wanted_[raw(fingerprint)] = true;
}

PartMatch IssueOccurrences::gathered(const PartMatch& match) const {
  PartMatch out{match.part, storage::Bitmap(), {}};
  if (!wanted_.empty()) {
    out.bitmap = match.part->of_fingerprints(wanted_);
    if (match.bitmap) {
      out.bitmap->and_with(*match.bitmap);
    } else if (!match.whole()) {
      out.bitmap->and_with(bitmap_of(match.ranges));
    }
    return out;
  }
  std::vector<Ordinal> ordinals;
  for (const FingerprintId fingerprint : fingerprints_) {
    match.part->for_each_of(fingerprint, match.bitmap ? &*match.bitmap : nullptr,
                            [&](Ordinal ordinal) { ordinals.push_back(ordinal); });
  }
  std::sort(ordinals.begin(), ordinals.end());
  out.bitmap = storage::Bitmap::from_sorted(ordinals);
  return out;
}

}  // namespace cairn::query
