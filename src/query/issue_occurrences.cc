#include "query/issue_occurrences.h"

namespace cairn::query {

IssueOccurrences::IssueOccurrences(const View& view, GroupId issue)
    : IssueOccurrences(view, view.forest().fingerprints_of(issue)) {}

IssueOccurrences::IssueOccurrences(const View& view, std::vector<FingerprintId> fingerprints)
    : fingerprints_(std::move(fingerprints)) {
  if (!are_many(view, fingerprints_.size())) return;
  wanted_.resize(view.root_of_fingerprint.size(), false);
  for (const FingerprintId fingerprint : fingerprints_) wanted_[raw(fingerprint)] = true;
}

PartMatch IssueOccurrences::confined(const PartMatch& match) const {
  if (!in_ranges(match)) return gathered(match);
  PartMatch out{match.part, std::nullopt, {}, match.meter};
  for_each_range(match, [&](storage::OrdinalRange range) { out.ranges.push_back(range); });
  std::sort(out.ranges.begin(), out.ranges.end(),
            [](const auto& a, const auto& b) { return a.begin < b.begin; });
  return out;
}

PartMatch IssueOccurrences::gathered(const PartMatch& match) const {
  PartMatch out{match.part, storage::Bitmap(), {}, match.meter};
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
