// The newest occurrences, in memory: append-only arrays and postings, in order of arrival.
// Rebuilt from the log tail on open; sealed into a segment when full.
//
// A copy shares some of the memory, so only one of the two may be added to from then on, and
// neither be cleared while the other is in use.
//
// Thread: add() and clear() need to be alone; the Part interface is concurrently callable.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/ids.h"
#include "storage/part.h"

namespace cairn::storage {

struct HeadRow {
  Lsn lsn{};
  TimeUs time{};
  ProjectId project{};
  FingerprintId fingerprint{};
  uint64_t id_hash = 0;                                // id_hash(id, project)
  std::span<const std::pair<FieldId, ValueId>> terms;  // each pair once
  uint32_t event_hash = 0;                             // event_hash(event id), 0 = none
};

class Head final : public Part {
 public:
  Head();
  Head(const Head& other);
  Head& operator=(const Head&) = delete;
  ~Head() override;

  void add(const HeadRow& row);
  // Hints for the add() of an occurrence to come, so that many wait for memory together and not one
  // after the other: first both of these, some occurrences later the next, and then the last.
  // Terms without a value yet do no harm.
  using Terms = std::span<const std::pair<FieldId, ValueId>>;
  void prefetch_id(uint64_t id_hash) const;
  void prefetch(Terms terms) const;
  void prefetch_postings(Terms terms) const;
  void prefetch_ends(Terms terms) const;
  // Empty again, with its memory kept for as many.
  void clear();
  uint64_t memory_bytes() const;  // an estimate, for stats and limits
  ProjectId project(Ordinal ordinal) const;
  uint64_t id_hash(Ordinal ordinal) const;
  uint32_t event_hash(Ordinal ordinal) const;
  std::span<const std::pair<FieldId, ValueId>> terms(Ordinal ordinal) const;

  uint32_t size() const override;
  TimeUs min_time() const override;
  TimeUs max_time() const override;
  Lsn lsn(Ordinal ordinal) const override;
  TimeUs time(Ordinal ordinal) const override;
  ValueId user(Ordinal ordinal) const override;
  FingerprintId fingerprint(Ordinal ordinal) const override;
  std::vector<FieldId> fields() const override;
  Bitmap posting(FieldId field, ValueId value) const override;
  uint64_t posting_cardinality(FieldId field, ValueId value) const override;
  Bitmap any(FieldId field) const override;
  void for_each_value(FieldId field,
                      const std::function<bool(ValueId, const Bitmap&)>& fn) const override;
  uint64_t value_count(FieldId field) const override;
  Bitmap in_time(TimeUs begin, TimeUs end) const override;
  Bitmap of_fingerprints(const std::vector<bool>& wanted) const override;
  void roll_up(const Bitmap* matches,
               const std::function<void(const FingerprintRollup&)>& fn) const override;
  void for_each_of(FingerprintId fingerprint, const Bitmap* matches,
                   const std::function<void(Ordinal)>& fn) const override;
  std::vector<Ordinal> find_id(uint64_t id_hash) const override;
  std::vector<Ordinal> find_event(uint32_t event_hash) const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::storage
