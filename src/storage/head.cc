#include "storage/head.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/assert.h"
#include "model/field.h"
#include "storage/slot_map.h"

namespace cairn::storage {
namespace {

// Ordinals of one (field, value), ascending. The first lies inside, as most values of fields like
// trace or user are seen once, and an allocation each would cost more than all the rest.
struct Posting {
  Ordinal first = 0;
  std::vector<Ordinal> rest;

  size_t size() const { return 1 + rest.size(); }
  Ordinal back() const { return rest.empty() ? first : rest.back(); }
  Bitmap bitmap() const {
    Bitmap bitmap = Bitmap::from_sorted(rest);
    bitmap.add(first);
    return bitmap;
  }
  template <class F>
  void for_each(F&& fn) const {
    fn(first);
    for (const Ordinal o : rest) fn(o);
  }
};

struct Field {
  SlotMap<uint32_t> slots;  // ValueId -> index below
  std::vector<ValueId> values;
  std::vector<Posting> postings;
  std::vector<Ordinal> any;

  const Posting* find(ValueId value) const {
    const uint32_t slot = slots.find(raw(value));
    return slot == SlotMap<uint32_t>::kNone ? nullptr : &postings[slot];
  }
};

struct FingerprintTotals {
  FingerprintRollup rollup;
  Posting ordinals;
};

template <class T>
uint64_t bytes_of(const std::vector<T>& vector) {
  return vector.capacity() * sizeof(T);
}

}  // namespace

struct Head::Impl {
  // Columns, by ordinal.
  std::vector<Lsn> lsns;
  std::vector<TimeUs> times;
  std::vector<ProjectId> projects;
  std::vector<ValueId> users;
  std::vector<uint32_t> fingerprint_slots;
  std::vector<uint64_t> id_hashes;
  std::vector<uint64_t> term_ends;
  std::vector<std::pair<FieldId, ValueId>> terms;

  std::vector<std::unique_ptr<Field>> fields;  // by raw FieldId; null: not seen
  SlotMap<uint32_t> fingerprint_map;           // FingerprintId -> index below
  std::vector<FingerprintTotals> fingerprints;
  SlotMap<uint64_t> ids;  // id hash -> its first ordinal
  // Further ordinals of equal id hashes: rare, as equal ids are refused before they come here.
  std::multimap<uint64_t, Ordinal> more_ids;
  TimeUs min_time{}, max_time{};
  uint64_t posting_bytes = 0;

  Field& field(FieldId id) {
    if (fields.size() <= raw(id)) fields.resize(raw(id) + 1u);
    if (!fields[raw(id)]) fields[raw(id)] = std::make_unique<Field>();
    return *fields[raw(id)];
  }
  const Field* find(FieldId id) const {
    return raw(id) < fields.size() ? fields[raw(id)].get() : nullptr;
  }
  void append(Posting& posting, Ordinal ordinal) {
    const size_t before = posting.rest.capacity();
    posting.rest.push_back(ordinal);
    posting_bytes += (posting.rest.capacity() - before) * sizeof(Ordinal);
  }
  void add_term(FieldId id, ValueId value, Ordinal ordinal) {
    Field& f = field(id);
    const auto fresh = static_cast<uint32_t>(f.postings.size());
    const uint32_t slot = f.slots.find_or_add(raw(value), fresh);
    if (slot == fresh) {
      f.values.push_back(value);
      f.postings.push_back({ordinal, {}});
    } else {
      append(f.postings[slot], ordinal);
    }
    if (f.any.empty() || f.any.back() != ordinal) f.any.push_back(ordinal);
  }
  void add_fingerprint(FingerprintId id, TimeUs time, Ordinal ordinal) {
    const auto fresh = static_cast<uint32_t>(fingerprints.size());
    const uint32_t slot = fingerprint_map.find_or_add(raw(id), fresh);
    fingerprint_slots.push_back(slot);
    if (slot == fresh) {
      fingerprints.push_back({{id, 1, time, time}, {ordinal, {}}});
      return;
    }
    FingerprintRollup& rollup = fingerprints[slot].rollup;
    ++rollup.count;
    rollup.first = std::min(rollup.first, time);
    rollup.last = std::max(rollup.last, time);
    append(fingerprints[slot].ordinals, ordinal);
  }
};

Head::Head() : impl_(std::make_unique<Impl>()) {}
Head::~Head() = default;

void Head::add(const HeadRow& row) {
  Impl& h = *impl_;
  const auto ordinal = static_cast<Ordinal>(h.lsns.size());
  ValueId user{};
  for (const auto& [field, value] : row.terms) {
    h.add_term(field, value, ordinal);
    if (field == model::field::kUser && raw(user) == 0) user = value;
  }
  h.terms.insert(h.terms.end(), row.terms.begin(), row.terms.end());
  h.term_ends.push_back(h.terms.size());
  h.lsns.push_back(row.lsn);
  h.times.push_back(row.time);
  h.projects.push_back(row.project);
  h.users.push_back(user);
  h.id_hashes.push_back(row.id_hash);
  h.add_fingerprint(row.fingerprint, row.time, ordinal);
  if (h.ids.find_or_add(row.id_hash, ordinal) != ordinal) h.more_ids.emplace(row.id_hash, ordinal);
  h.min_time = ordinal == 0 ? row.time : std::min(h.min_time, row.time);
  h.max_time = ordinal == 0 ? row.time : std::max(h.max_time, row.time);
}

void Head::clear() { impl_ = std::make_unique<Impl>(); }

uint64_t Head::memory_bytes() const {
  const Impl& h = *impl_;
  uint64_t bytes = sizeof(Impl) + bytes_of(h.lsns) + bytes_of(h.times) + bytes_of(h.projects) +
                   bytes_of(h.users) + bytes_of(h.fingerprint_slots) + bytes_of(h.id_hashes) +
                   bytes_of(h.term_ends) + bytes_of(h.terms) + bytes_of(h.fields) +
                   h.fingerprint_map.memory_bytes() + bytes_of(h.fingerprints) +
                   h.ids.memory_bytes() + h.posting_bytes;
  for (const auto& field : h.fields) {
    if (!field) continue;
    bytes += sizeof(Field) + field->slots.memory_bytes() + bytes_of(field->values) +
             bytes_of(field->postings) + bytes_of(field->any);
  }
  return bytes;
}

ProjectId Head::project(Ordinal ordinal) const { return impl_->projects[ordinal]; }
uint64_t Head::id_hash(Ordinal ordinal) const { return impl_->id_hashes[ordinal]; }

std::span<const std::pair<FieldId, ValueId>> Head::terms(Ordinal ordinal) const {
  const uint64_t begin = ordinal == 0 ? 0 : impl_->term_ends[ordinal - 1];
  return {impl_->terms.data() + begin, impl_->terms.data() + impl_->term_ends[ordinal]};
}

uint32_t Head::size() const { return static_cast<uint32_t>(impl_->lsns.size()); }
TimeUs Head::min_time() const { return impl_->min_time; }
TimeUs Head::max_time() const { return impl_->max_time; }
Lsn Head::lsn(Ordinal ordinal) const { return impl_->lsns[ordinal]; }
TimeUs Head::time(Ordinal ordinal) const { return impl_->times[ordinal]; }
ValueId Head::user(Ordinal ordinal) const { return impl_->users[ordinal]; }
FingerprintId Head::fingerprint(Ordinal ordinal) const {
  return impl_->fingerprints[impl_->fingerprint_slots[ordinal]].rollup.fingerprint;
}

std::vector<FieldId> Head::fields() const {
  std::vector<FieldId> fields;
  for (size_t i = 0; i < impl_->fields.size(); ++i) {
    if (impl_->fields[i]) fields.push_back(static_cast<FieldId>(i));
  }
  return fields;
}

Bitmap Head::posting(FieldId field, ValueId value) const {
  const Field* f = impl_->find(field);
  const Posting* posting = f == nullptr ? nullptr : f->find(value);
  return posting == nullptr ? Bitmap() : posting->bitmap();
}

uint64_t Head::posting_cardinality(FieldId field, ValueId value) const {
  const Field* f = impl_->find(field);
  const Posting* posting = f == nullptr ? nullptr : f->find(value);
  return posting == nullptr ? 0 : posting->size();
}

Bitmap Head::any(FieldId field) const {
  const Field* f = impl_->find(field);
  return f == nullptr ? Bitmap() : Bitmap::from_sorted(f->any);
}

void Head::for_each_value(FieldId field,
                          const std::function<bool(ValueId, const Bitmap&)>& fn) const {
  const Field* f = impl_->find(field);
  if (f == nullptr) return;
  std::vector<uint32_t> slots(f->values.size());
  for (uint32_t i = 0; i < slots.size(); ++i) slots[i] = i;
  std::sort(slots.begin(), slots.end(),
            [&](uint32_t a, uint32_t b) { return f->values[a] < f->values[b]; });
  for (const uint32_t slot : slots) {
    if (!fn(f->values[slot], f->postings[slot].bitmap())) return;
  }
}

uint64_t Head::value_count(FieldId field) const {
  const Field* f = impl_->find(field);
  return f == nullptr ? 0 : f->values.size();
}

Bitmap Head::in_time(TimeUs begin, TimeUs end) const {
  if (size() == 0 || begin >= end || end <= min_time() || begin > max_time()) return Bitmap();
  if (begin <= min_time() && end > max_time()) return Bitmap::range(0, size());
  std::vector<Ordinal> ordinals;
  for (Ordinal o = 0; o < size(); ++o) {
    if (impl_->times[o] >= begin && impl_->times[o] < end) ordinals.push_back(o);
  }
  return Bitmap::from_sorted(ordinals);
}

Bitmap Head::of_fingerprints(const std::vector<bool>& wanted) const {
  const Impl& h = *impl_;
  std::vector<bool> slots(h.fingerprints.size());
  for (size_t i = 0; i < slots.size(); ++i) {
    const uint32_t id = raw(h.fingerprints[i].rollup.fingerprint);
    slots[i] = id < wanted.size() && wanted[id];
  }
  std::vector<Ordinal> ordinals;
  for (Ordinal o = 0; o < size(); ++o) {
    if (slots[h.fingerprint_slots[o]]) ordinals.push_back(o);
  }
  return Bitmap::from_sorted(ordinals);
}

void Head::roll_up(const Bitmap* matches,
                   const std::function<void(const FingerprintRollup&)>& fn) const {
  const Impl& h = *impl_;
  if (matches == nullptr) {
    for (const FingerprintTotals& totals : h.fingerprints) fn(totals.rollup);
    return;
  }
  std::vector<FingerprintRollup> rollups(h.fingerprints.size());
  matches->for_each_in(0, size(), [&](Ordinal o) {
    FingerprintRollup& rollup = rollups[h.fingerprint_slots[o]];
    const TimeUs time = h.times[o];
    rollup.first = rollup.count == 0 ? time : std::min(rollup.first, time);
    rollup.last = rollup.count == 0 ? time : std::max(rollup.last, time);
    ++rollup.count;
    return true;
  });
  for (size_t i = 0; i < rollups.size(); ++i) {
    if (rollups[i].count == 0) continue;
    rollups[i].fingerprint = h.fingerprints[i].rollup.fingerprint;
    fn(rollups[i]);
  }
}

void Head::for_each_of(FingerprintId fingerprint, const Bitmap* matches,
                       const std::function<void(Ordinal)>& fn) const {
  const uint32_t slot = impl_->fingerprint_map.find(raw(fingerprint));
  if (slot == SlotMap<uint32_t>::kNone) return;
  impl_->fingerprints[slot].ordinals.for_each([&](Ordinal o) {
    if (matches == nullptr || matches->contains(o)) fn(o);
  });
}

std::vector<Ordinal> Head::find_id(uint64_t id_hash) const {
  const uint32_t first = impl_->ids.find(id_hash);
  if (first == SlotMap<uint64_t>::kNone) return {};
  std::vector<Ordinal> ordinals{first};
  const auto [begin, end] = impl_->more_ids.equal_range(id_hash);
  for (auto it = begin; it != end; ++it) ordinals.push_back(it->second);
  return ordinals;
}

}  // namespace cairn::storage
