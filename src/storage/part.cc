// Bulk access by single steps, for parts that know no better way.
#include "storage/part.h"

#include <algorithm>

#include "base/assert.h"
#include "model/field.h"

namespace cairn::storage {

OrdinalRange Part::range_of(FingerprintId) const {
  CAIRN_ASSERT(!sorted());  // a sorted part knows its ranges
  return {};
}

Ordinal Part::first_not_before(OrdinalRange range, TimeUs at) const {
  while (!range.empty()) {
    const Ordinal middle = range.begin + range.size() / 2;
    if (time(middle) < at) {
      range.begin = middle + 1;
    } else {
      range.end = middle;
    }
  }
  return range.begin;
}

void Part::read_times(OrdinalRange range, TimeUs* out) const {
  for (Ordinal o = range.begin; o < range.end; ++o) *out++ = time(o);
}
void Part::gather_times(std::span<const Ordinal> ordinals, TimeUs* out) const {
  for (const Ordinal o : ordinals) *out++ = time(o);
}
void Part::gather_lsns(std::span<const Ordinal> ordinals, Lsn* out) const {
  for (const Ordinal o : ordinals) *out++ = lsn(o);
}
void Part::gather_fingerprints(std::span<const Ordinal> ordinals, FingerprintId* out) const {
  for (const Ordinal o : ordinals) *out++ = fingerprint(o);
}

void Part::read_users(OrdinalRange range, ValueId* out) const {
  read_column(model::field::kUser, range, out);
}
void Part::gather_users(std::span<const Ordinal> ordinals, ValueId* out) const {
  gather_column(model::field::kUser, ordinals, out);
}

void Part::for_each_posting(
    FieldId field, const std::function<bool(ValueId, std::span<const Ordinal>)>& fn) const {
  std::vector<Ordinal> ordinals;
  for_each_value(field, [&](ValueId value, const Bitmap& posting) {
    ordinals.clear();
    posting.for_each_block([&](std::span<const Ordinal> block) {
      ordinals.insert(ordinals.end(), block.begin(), block.end());
    });
    return fn(value, ordinals);
  });
}

void Part::for_each_posting_of(FieldId field, std::span<const ValueId> values,
                               const std::function<bool(std::span<const Ordinal>)>& fn) const {
  if (values.size() > value_count(field) / 4) {
    for_each_posting(field, [&](ValueId value, std::span<const Ordinal> ordinals) {
      return !std::binary_search(values.begin(), values.end(), value) || fn(ordinals);
    });
    return;
  }
  for (const ValueId value : values) {
    bool more = true;
    posting(field, value).for_each_block([&](std::span<const Ordinal> block) {
      more = fn(block);
      return more;
    });
    if (!more) return;
  }
}

bool Part::has_column(FieldId field) const { return field == model::field::kUser; }

void Part::read_column(FieldId field, OrdinalRange range, ValueId* out) const {
  CAIRN_ASSERT(field == model::field::kUser);
  for (Ordinal o = range.begin; o < range.end; ++o) *out++ = user(o);
}
void Part::gather_column(FieldId field, std::span<const Ordinal> ordinals, ValueId* out) const {
  CAIRN_ASSERT(field == model::field::kUser);
  for (const Ordinal o : ordinals) *out++ = user(o);
}

FieldStats Part::field_stats(FieldId field) const {
  FieldStats stats;
  stats.occurrences = any(field).cardinality();
  for_each_value(field, [&](ValueId value, const Bitmap& posting) {
    if (stats.values == 0) stats.min_value = value;
    stats.max_value = value;
    ++stats.values;
    stats.terms += posting.cardinality();
    return true;
  });
  return stats;
}

void Part::find_ids(std::span<const uint64_t> id_hashes,
                    std::vector<IdCandidate>& candidates) const {
  for (uint32_t i = 0; i < id_hashes.size(); ++i) {
    for (const Ordinal o : find_id(id_hashes[i])) candidates.push_back({i, o});
  }
}

}  // namespace cairn::storage
