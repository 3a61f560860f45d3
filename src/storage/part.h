// One part of the index as queries see it: the head, or one sealed segment. A part knows
// occurrences, postings and fingerprints, and never mentions a group: that is what makes merges
// free (docs/architecture.md).
//
// Thread: const functions are safe to call concurrently while nobody adds to the head. A segment
// part borrows the read transaction it was opened with.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/ids.h"
#include "storage/bitmap.h"

namespace cairn::storage {

struct FingerprintRollup {
  FingerprintId fingerprint{};
  uint64_t count = 0;  // matching occurrences, > 0
  TimeUs first{};      // smallest and largest time among them
  TimeUs last{};
};

class Part {
 public:
  virtual ~Part() = default;

  virtual uint32_t size() const = 0;    // occurrences; ordinals are 0 .. size-1
  virtual TimeUs min_time() const = 0;  // meaningful when size() > 0
  virtual TimeUs max_time() const = 0;

  // Columns. Precondition: ordinal < size().
  virtual Lsn lsn(Ordinal ordinal) const = 0;
  virtual TimeUs time(Ordinal ordinal) const = 0;
  virtual ValueId user(Ordinal ordinal) const = 0;               // value of field kUser, 0 = none
  virtual FingerprintId fingerprint(Ordinal ordinal) const = 0;  // the deciding one

  // Postings. Unknown fields and values give empty bitmaps.
  virtual std::vector<FieldId> fields() const = 0;
  virtual Bitmap posting(FieldId field, ValueId value) const = 0;
  virtual uint64_t posting_cardinality(FieldId field, ValueId value) const = 0;
  // Ordinals with any value of the field.
  virtual Bitmap any(FieldId field) const = 0;
  // Every value of the field present in this part with its posting, ascending by value, until fn
  // returns false. The bitmap is lent for the call.
  virtual void for_each_value(FieldId field,
                              const std::function<bool(ValueId, const Bitmap&)>& fn) const = 0;
  virtual uint64_t value_count(FieldId field) const = 0;

  // Ordinals whose time is in [begin, end).
  virtual Bitmap in_time(TimeUs begin, TimeUs end) const = 0;
  // Ordinals whose deciding fingerprint is wanted: wanted[raw(id)]; ids past its end are not.
  virtual Bitmap of_fingerprints(const std::vector<bool>& wanted) const = 0;

  // For every fingerprint with at least one occurrence in `matches` (nullptr = all).
  virtual void roll_up(const Bitmap* matches,
                       const std::function<void(const FingerprintRollup&)>& fn) const = 0;
  // Ordinals of one fingerprint in `matches` (nullptr = all).
  virtual void for_each_of(FingerprintId fingerprint, const Bitmap* matches,
                           const std::function<void(Ordinal)>& fn) const = 0;

  // Candidates for an occurrence id: ordinals whose id hash (id_hash below) is equal. The caller
  // confirms with the record itself.
  virtual std::vector<Ordinal> find_id(uint64_t id_hash) const = 0;
};

}  // namespace cairn::storage
