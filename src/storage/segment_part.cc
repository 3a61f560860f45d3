#include "storage/segment_part.h"

#include <algorithm>
#include <array>

#include "model/field.h"
#include "storage/bitmap_ranges.h"

namespace cairn::storage {
namespace {

// First index in [begin, end) whose column value, as a time, is not before `time`.
Ordinal lower_bound(const PackedColumn& times, Ordinal begin, Ordinal end, TimeUs time) {
  while (begin < end) {
    const Ordinal middle = begin + (end - begin) / 2;
    if (static_cast<int64_t>(times[middle]) < raw(time)) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

template <class T>
const T* find_in(const std::vector<std::pair<FieldId, T>>& sorted, FieldId id) {
  const auto it = std::lower_bound(sorted.begin(), sorted.end(), id,
                                   [](const auto& entry, FieldId f) { return entry.first < f; });
  return it == sorted.end() || it->first != id ? nullptr : &it->second;
}

class SegmentPart final : public Part {
 public:
  SegmentPart(SegmentData data, std::optional<Bitmap> only)
      : d_(std::move(data)), only_(std::move(only)), users_(d_.column(model::field::kUser)) {}

  uint32_t size() const override { return d_.meta.rows; }
  const Bitmap* only() const override { return only_ ? &*only_ : nullptr; }
  TimeUs min_time() const override { return TimeUs{d_.meta.min_time}; }
  TimeUs max_time() const override { return TimeUs{d_.meta.max_time}; }
  Lsn lsn(Ordinal o) const override { return Lsn{d_.lsns[o]}; }
  TimeUs time(Ordinal o) const override { return TimeUs{static_cast<int64_t>(d_.times[o])}; }
  ValueId user(Ordinal o) const override {
    return users_ == nullptr ? ValueId{} : ValueId{static_cast<uint32_t>((*users_)[o])};
  }
  FingerprintId fingerprint(Ordinal o) const override { return d_.runs.id(d_.runs.holding(o)); }

  std::vector<FieldId> fields() const override {
    std::vector<FieldId> ids;
    for (const auto& [id, field] : d_.fields) ids.push_back(id);
    return ids;
  }
  Bitmap posting(FieldId id, ValueId value) const override {
    const SegmentField* field = d_.field(id);
    return field == nullptr ? Bitmap() : field->posting(value);
  }
  uint64_t posting_cardinality(FieldId id, ValueId value) const override {
    const SegmentField* field = d_.field(id);
    return field == nullptr ? 0 : field->posting_cardinality(value);
  }
  Bitmap any(FieldId id) const override {
    const SegmentField* field = d_.field(id);
    return field == nullptr ? Bitmap() : field->any();
  }
  void for_each_value(FieldId id,
                      const std::function<bool(ValueId, const Bitmap&)>& fn) const override {
    if (const SegmentField* field = d_.field(id)) field->for_each_value(fn);
  }
  void for_each_posting(
      FieldId id, const std::function<bool(ValueId, std::span<const Ordinal>)>& fn) const override {
    const SegmentField* field = d_.field(id);
    if (field == nullptr) return;
    std::vector<Ordinal> ordinals;
    for (SegmentField::Cursor cursor(*field); !cursor.at_end(); cursor.next()) {
      ordinals.clear();
      if (!cursor.read(ordinals)) ordinals.clear();  // damaged reads as empty
      if (!fn(cursor.value(), ordinals)) return;
    }
  }
  void for_each_posting_of(FieldId id, std::span<const ValueId> values,
                           const std::function<bool(std::span<const Ordinal>)>& fn) const override {
    const SegmentField* field = d_.field(id);
    if (field == nullptr || values.empty()) return;
    constexpr size_t kStepsPerSearch = 16;
    if (values.size() * kStepsPerSearch < field->value_count()) {
      Part::for_each_posting_of(id, values, fn);
      return;
    }
    std::vector<Ordinal> ordinals;
    auto wanted = values.begin();
    for (SegmentField::Cursor cursor(*field); !cursor.at_end(); cursor.next()) {
      while (wanted != values.end() && *wanted < cursor.value()) ++wanted;
      if (wanted == values.end()) return;
      if (*wanted != cursor.value()) continue;
      ordinals.clear();
      if (!cursor.read(ordinals)) ordinals.clear();  // damaged reads as empty
      if (!fn(ordinals)) return;
    }
  }
  uint64_t value_count(FieldId id) const override {
    const SegmentField* field = d_.field(id);
    return field == nullptr ? 0 : field->value_count();
  }
  FieldStats field_stats(FieldId id) const override {
    const SegmentField* field = d_.field(id);
    return field == nullptr ? FieldStats{} : field->stats();
  }

  Bitmap in_time(TimeUs begin, TimeUs end) const override;
  Bitmap of_fingerprints(const std::vector<bool>& wanted) const override;
  void roll_up(const Bitmap* matches,
               const std::function<void(const FingerprintRollup&)>& fn) const override;
  void for_each_of(FingerprintId fingerprint, const Bitmap* matches,
                   const std::function<void(Ordinal)>& fn) const override;

  std::vector<Ordinal> find_id(uint64_t id_hash) const override {
    std::vector<IdCandidate> candidates;
    find_ids({&id_hash, 1}, candidates);
    std::vector<Ordinal> ordinals;
    for (const IdCandidate& candidate : candidates) ordinals.push_back(candidate.ordinal);
    return ordinals;
  }
  void find_ids(std::span<const uint64_t> id_hashes,
                std::vector<IdCandidate>& candidates) const override {
    const size_t before = candidates.size();
    d_.ids.find(id_hashes, candidates);
    if (!only_) return;
    const auto first = candidates.begin() + static_cast<ptrdiff_t>(before);
    candidates.erase(std::remove_if(first, candidates.end(),
                                    [&](const IdCandidate& candidate) {
                                      return !only_->contains(candidate.ordinal);
                                    }),
                     candidates.end());
  }

  std::vector<Ordinal> find_event(uint32_t event_hash) const override;

  bool sorted() const override { return true; }
  OrdinalRange range_of(FingerprintId fingerprint) const override {
    const auto run = d_.runs.find(fingerprint);
    return run ? OrdinalRange{d_.runs.begin(*run), d_.runs.end(*run)} : OrdinalRange{};
  }
  Ordinal first_not_before(OrdinalRange range, TimeUs time) const override {
    return lower_bound(d_.times, range.begin, range.end, time);
  }

  void read_times(OrdinalRange range, TimeUs* out) const override {
    d_.times.read(range.begin, range.end, out);
  }
  void gather_times(std::span<const Ordinal> ordinals, TimeUs* out) const override {
    d_.times.gather(ordinals, out);
  }
  void gather_lsns(std::span<const Ordinal> ordinals, Lsn* out) const override {
    d_.lsns.gather(ordinals, out);
  }
  void gather_fingerprints(std::span<const Ordinal> ordinals, FingerprintId* out) const override {
    uint32_t run = 0;
    for (const Ordinal o : ordinals) {
      run = d_.runs.holding(o, run);
      *out++ = d_.runs.id(run);
    }
  }

  bool has_column(FieldId id) const override {
    return id == model::field::kUser || d_.column(id) != nullptr;
  }
  void read_column(FieldId id, OrdinalRange range, ValueId* out) const override {
    if (const PackedColumn* column = d_.column(id)) {
      column->read(range.begin, range.end, out);
    } else {
      std::fill_n(out, range.size(), ValueId{});
    }
  }
  void gather_column(FieldId id, std::span<const Ordinal> ordinals, ValueId* out) const override {
    if (const PackedColumn* column = d_.column(id)) {
      column->gather(ordinals, out);
    } else {
      std::fill_n(out, ordinals.size(), ValueId{});
    }
  }

 private:
  void roll_up_dense(const Bitmap& matches,
                     const std::function<void(const FingerprintRollup&)>& fn) const;
  void roll_up_sparse(const Bitmap& matches,
                      const std::function<void(const FingerprintRollup&)>& fn) const;

  const SegmentData d_;
  const std::optional<Bitmap> only_;
  const PackedColumn* users_;  // nullptr: nobody here has a user
};

Bitmap SegmentPart::in_time(TimeUs begin, TimeUs end) const {
  if (begin >= end || end <= min_time() || begin > max_time()) return Bitmap();
  if (begin <= min_time() && end > max_time()) return Bitmap::range(0, size());
  RangeCollector ranges;
  for (uint32_t run = 0; run < d_.runs.size(); ++run) {
    const Ordinal first = lower_bound(d_.times, d_.runs.begin(run), d_.runs.end(run), begin);
    ranges.add(first, lower_bound(d_.times, first, d_.runs.end(run), end));
  }
  return ranges.finish();
}

Bitmap SegmentPart::of_fingerprints(const std::vector<bool>& wanted) const {
  RangeCollector ranges;
  for (uint32_t run = 0; run < d_.runs.size(); ++run) {
    const uint32_t id = raw(d_.runs.id(run));
    if (id < wanted.size() && wanted[id]) ranges.add(d_.runs.begin(run), d_.runs.end(run));
  }
  return ranges.finish();
}

void SegmentPart::roll_up(const Bitmap* matches,
                          const std::function<void(const FingerprintRollup&)>& fn) const {
  if (matches == nullptr) matches = only();
  if (matches == nullptr) {
    for (uint32_t run = 0; run < d_.runs.size(); ++run) {
      const Ordinal begin = d_.runs.begin(run), end = d_.runs.end(run);
      fn({d_.runs.id(run), end - begin, time(begin), time(end - 1)});
    }
    return;
  }
  // A rank or select costs about as much as decoding this many matches.
  constexpr uint64_t kMatchesPerRank = 4000;
  if (matches->cardinality() / d_.runs.size() > kMatchesPerRank) {
    roll_up_dense(*matches, fn);
  } else {
    roll_up_sparse(*matches, fn);
  }
}

void SegmentPart::roll_up_dense(const Bitmap& matches,
                                const std::function<void(const FingerprintRollup&)>& fn) const {
  uint64_t before = 0;
  for (uint32_t run = 0; run < d_.runs.size(); ++run) {
    const uint64_t count = matches.range_cardinality(d_.runs.begin(run), d_.runs.end(run));
    if (count == 0) continue;
    fn({d_.runs.id(run), count, time(matches.select(before)),
        time(matches.select(before + count - 1))});
    before += count;
  }
}

void SegmentPart::roll_up_sparse(const Bitmap& matches,
                                 const std::function<void(const FingerprintRollup&)>& fn) const {
  const std::vector<Ordinal> ordinals = matches.to_vector();
  uint32_t run = 0;
  for (size_t i = 0; i < ordinals.size() && ordinals[i] < size();) {
    run = d_.runs.holding(ordinals[i], run);
    const Ordinal end = d_.runs.end(run);
    size_t last = i;
    while (last + 1 < ordinals.size() && ordinals[last + 1] < end) ++last;
    fn({d_.runs.id(run), last - i + 1, time(ordinals[i]), time(ordinals[last])});
    i = last + 1;
  }
}

void SegmentPart::for_each_of(FingerprintId fingerprint, const Bitmap* matches,
                              const std::function<void(Ordinal)>& fn) const {
  const auto run = d_.runs.find(fingerprint);
  if (!run) return;
  const Ordinal begin = d_.runs.begin(*run), end = d_.runs.end(*run);
  if (matches == nullptr) matches = only();
  if (matches == nullptr) {
    for (Ordinal o = begin; o < end; ++o) fn(o);
    return;
  }
  matches->for_each_in(begin, end, [&](Ordinal o) {
    fn(o);
    return true;
  });
}

std::vector<Ordinal> SegmentPart::find_event(uint32_t event_hash) const {
  constexpr uint32_t kAtOnce = 8 * PackedColumn::kBlockRows;
  std::array<uint32_t, kAtOnce> hashes;
  std::vector<Ordinal> ordinals;
  for (Ordinal begin = 0; begin < size(); begin += kAtOnce) {
    const Ordinal end = std::min(size(), begin + kAtOnce);
    d_.events.read(begin, end, hashes.data());
    uint32_t hits = 0;  // no branch in the loop that looks at all of them
    for (Ordinal o = 0; o < end - begin; ++o) hits += hashes[o] == event_hash ? 1 : 0;
    for (Ordinal o = begin; hits > 0 && o < end; ++o) {
      if (hashes[o - begin] == event_hash && (!only_ || only_->contains(o))) ordinals.push_back(o);
    }
  }
  return ordinals;
}

}  // namespace

const SegmentField* SegmentData::field(FieldId id) const { return find_in(fields, id); }
const PackedColumn* SegmentData::column(FieldId id) const { return find_in(columns, id); }

std::unique_ptr<Part> make_segment_part(SegmentData data, std::optional<Bitmap> only) {
  return std::make_unique<SegmentPart>(std::move(data), std::move(only));
}

}  // namespace cairn::storage
