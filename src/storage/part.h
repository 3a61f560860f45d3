// One part of the index as queries see it: the head, or one sealed segment. A part knows
// occurrences, postings and fingerprints, and never mentions a group: that is what makes merges
// free (docs/architecture.md).
//
// Thread: const functions are safe to call concurrently while nobody adds to the head. A segment
// part borrows the read transaction it was opened with.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
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

// [begin, end); empty when begin >= end.
struct OrdinalRange {
  Ordinal begin = 0;
  Ordinal end = 0;
  bool empty() const { return begin >= end; }
  uint32_t size() const { return empty() ? 0 : end - begin; }
  bool operator==(const OrdinalRange&) const = default;
};

// What a planner may know of a field without reading a posting.
struct FieldStats {
  uint64_t values = 0;       // distinct values
  uint64_t occurrences = 0;  // with any value
  uint64_t terms = 0;        // (occurrence, value) pairs; == occurrences: at most one value each
  ValueId min_value{};       // meaningful when values > 0
  ValueId max_value{};
  bool operator==(const FieldStats&) const = default;
};

// A possible answer to one id of find_ids.
struct IdCandidate {
  uint32_t index = 0;  // of the hash in the batch
  Ordinal ordinal = 0;
  bool operator==(const IdCandidate&) const = default;
};

class Part {
 public:
  virtual ~Part() = default;

  virtual uint32_t size() const = 0;    // ordinals are 0 .. size-1
  virtual TimeUs min_time() const = 0;  // meaningful when size() > 0
  virtual TimeUs max_time() const = 0;

  // Of a part seen as of a moment in the middle of its records: the ordinals of those it had.
  // nullptr: all. Where occurrences are asked for one by one, or `matches` may be nullptr for all,
  // no others are given. Postings, ranges and times may hold others, and statistics count them: who
  // asks intersects once, at the end.
  virtual const Bitmap* only() const { return nullptr; }
  uint64_t occurrences() const { return only() == nullptr ? size() : only()->cardinality(); }

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
  // The same as for_each_value with the ordinals themselves, ascending.
  virtual void for_each_posting(
      FieldId field, const std::function<bool(ValueId, std::span<const Ordinal>)>& fn) const;

  // The postings of those of the values (ascending) that the part has, until fn returns false.
  virtual void for_each_posting_of(FieldId field, std::span<const ValueId> values,
                                   const std::function<bool(std::span<const Ordinal>)>& fn) const;

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
  // The same for an event id: ordinals, ascending, whose event_hash (segment.h) is equal. Reads a
  // column, four bytes an occurrence.
  virtual std::vector<Ordinal> find_event(uint32_t event_hash) const = 0;

  // --- In bulk. What a part does not do better itself is a loop over the functions above. -------
  // Each `out` has room for one value an ordinal asked for. Ordinals are below size(); gathering
  // wants them ascending.

  // Occurrences lie by (project, fingerprint, time, LSN): each fingerprint is one range, in which
  // times ascend. True of segments, not of the head.
  virtual bool sorted() const { return false; }
  // Empty when the fingerprint has no occurrence here. Precondition: sorted().
  virtual OrdinalRange range_of(FingerprintId fingerprint) const;
  // First ordinal of the range whose time is >= `time`, or its end. Precondition: sorted(), and
  // the range is part of one fingerprint's.
  virtual Ordinal first_not_before(OrdinalRange range, TimeUs time) const;

  virtual void read_times(OrdinalRange range, TimeUs* out) const;
  virtual void gather_times(std::span<const Ordinal> ordinals, TimeUs* out) const;
  virtual void gather_lsns(std::span<const Ordinal> ordinals, Lsn* out) const;
  virtual void gather_fingerprints(std::span<const Ordinal> ordinals, FingerprintId* out) const;
  void read_users(OrdinalRange range, ValueId* out) const;
  void gather_users(std::span<const Ordinal> ordinals, ValueId* out) const;

  // Fields whose value is kept by ordinal too, 0 = none. No occurrence has two values of such a
  // field. kUser is always one of them; which others are is the part's choice.
  virtual bool has_column(FieldId field) const;
  // Precondition: has_column(field).
  virtual void read_column(FieldId field, OrdinalRange range, ValueId* out) const;
  virtual void gather_column(FieldId field, std::span<const Ordinal> ordinals, ValueId* out) const;

  virtual FieldStats field_stats(FieldId field) const;

  // find_id for many: appends candidates by ascending index.
  virtual void find_ids(std::span<const uint64_t> id_hashes,
                        std::vector<IdCandidate>& candidates) const;
};

}  // namespace cairn::storage
