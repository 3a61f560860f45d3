#include "storage/head.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <optional>

#include "base/assert.h"
#include "base/slot_map.h"
#include "model/field.h"

namespace cairn::storage {
namespace {

// Where the ordinals of postings lie. They are never given back one by one. A copy shares the
// blocks: postings only grow, into room that the other does not look at.
class OrdinalPool {
 public:
  Ordinal* take(size_t count) {
    // Long lists have memory of their own, so that little of a block is wasted.
    if (count > kBlock / 4) {
      long_lists_.push_back(make_block(count));
      bytes_ += count * sizeof(Ordinal);
      return long_lists_.back().get();
    }
    if (count > free_) {
      if (begun_ == blocks_.size()) {
        blocks_.push_back(make_block(kBlock));
        bytes_ += kBlock * sizeof(Ordinal);
      }
      next_ = blocks_[begun_++].get();
      free_ = kBlock;
    }
    Ordinal* const taken = next_;
    next_ += count;
    free_ -= count;
    return taken;
  }
  // Everything taken is given back; blocks stay for the next, but not those of long lists.
  void clear() {
    begun_ = 0;
    next_ = nullptr;
    free_ = 0;
    long_lists_.clear();
    bytes_ = blocks_.size() * kBlock * sizeof(Ordinal);
  }
  uint64_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kBlock = 16u << 10;
  using Block = std::shared_ptr<Ordinal[]>;
  static Block make_block(size_t size) { return Block(new Ordinal[size]); }

  std::vector<Block> blocks_;
  std::vector<Block> long_lists_;
  size_t begun_ = 0;  // blocks
  Ordinal* next_ = nullptr;
  size_t free_ = 0;
  uint64_t bytes_ = 0;
};

// Ordinals of one (field, value), ascending. The first lies inside, as most values of fields like
// trace or user are seen once. The rest have room for the next power of two, and move when it is
// full; what they leave behind in the pool is less than they have.
class Posting {
 public:
  explicit Posting(Ordinal first) : first_(first) {}

  size_t size() const { return 1 + size_t{more_}; }
  void append(Ordinal ordinal, OrdinalPool& pool) {
    if (more_ == 0) {
      rest_ = pool.take(kFirstRoom);
    } else if (more_ >= kFirstRoom && std::has_single_bit(more_)) {
      Ordinal* const larger = pool.take(2 * size_t{more_});
      std::memcpy(larger, rest_, more_ * sizeof(Ordinal));
      rest_ = larger;
    }
    rest_[more_++] = ordinal;
  }
  // A hint for an append() to come.
  void prefetch_end() const {
    if (more_ > 0) __builtin_prefetch(rest_ + more_, 1);
  }
  Bitmap bitmap() const {
    Bitmap bitmap = Bitmap::from_sorted({rest_, more_});
    bitmap.add(first_);
    return bitmap;
  }
  template <class F>
  void for_each(F&& fn) const {
    fn(first_);
    for (uint32_t i = 0; i < more_; ++i) fn(rest_[i]);
  }

 private:
  static constexpr uint32_t kFirstRoom = 4;
  Ordinal first_;
  uint32_t more_ = 0;
  Ordinal* rest_ = nullptr;
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
  void clear() {
    slots.clear();
    values.clear();
    postings.clear();
    any.clear();
  }
};

// A field, or nothing, in one pointer.
class FieldPlace {
 public:
  FieldPlace() = default;
  FieldPlace(const FieldPlace& other)
      : field_(other.field_ ? std::make_unique<Field>(*other.field_) : nullptr) {}
  FieldPlace(FieldPlace&&) noexcept = default;
  FieldPlace& operator=(FieldPlace&&) noexcept = default;
  void make() { field_ = std::make_unique<Field>(); }
  explicit operator bool() const { return field_ != nullptr; }
  Field* get() const { return field_.get(); }
  Field& operator*() const { return *field_; }
  Field* operator->() const { return field_.get(); }

 private:
  std::unique_ptr<Field> field_;
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
  Impl() = default;
  Impl(const Impl& other) = default;
  Impl& operator=(const Impl&) = delete;

  // Columns, by ordinal.
  std::vector<Lsn> lsns;
  std::vector<TimeUs> times;
  std::vector<ProjectId> projects;
  std::vector<ValueId> users;
  std::vector<uint32_t> fingerprint_slots;
  std::vector<uint64_t> id_hashes;
  std::vector<uint32_t> event_hashes;
  std::vector<uint64_t> term_ends;
  std::vector<std::pair<FieldId, ValueId>> terms;

  std::vector<FieldPlace> fields;     // by raw FieldId; null: not seen
  SlotMap<uint32_t> fingerprint_map;  // FingerprintId -> index below
  std::vector<FingerprintTotals> fingerprints;
  SlotMap<uint64_t> ids;  // id hash -> its first ordinal
  // Further ordinals of equal id hashes: rare, as equal ids are refused before they come here.
  std::multimap<uint64_t, Ordinal> more_ids;
  TimeUs min_time{}, max_time{};
  OrdinalPool pool;

  Field& field(FieldId id) {
    if (fields.size() <= raw(id)) fields.resize(raw(id) + 1u);
    if (!fields[raw(id)]) fields[raw(id)].make();
    return *fields[raw(id)];
  }
  const Field* find(FieldId id) const {
    return raw(id) < fields.size() ? fields[raw(id)].get() : nullptr;
  }
  void add_terms(std::span<const std::pair<FieldId, ValueId>> added, Ordinal ordinal) {
    for (const auto& [id, value] : added) {
      Field& f = field(id);
      const auto fresh = static_cast<uint32_t>(f.postings.size());
      const uint32_t slot = f.slots.find_or_add(raw(value), fresh);
      if (slot == fresh) {
        f.values.push_back(value);
        f.postings.emplace_back(ordinal);
      } else {
        f.postings[slot].append(ordinal, pool);
      }
      if (f.any.empty() || f.any.back() != ordinal) f.any.push_back(ordinal);
    }
  }
  void add_fingerprint(FingerprintId id, TimeUs time, Ordinal ordinal) {
    const auto fresh = static_cast<uint32_t>(fingerprints.size());
    const uint32_t slot = fingerprint_map.find_or_add(raw(id), fresh);
    fingerprint_slots.push_back(slot);
    if (slot == fresh) {
      fingerprints.push_back({{id, 1, time, time}, Posting(ordinal)});
      return;
    }
    FingerprintRollup& rollup = fingerprints[slot].rollup;
    ++rollup.count;
    rollup.first = std::min(rollup.first, time);
    rollup.last = std::max(rollup.last, time);
    fingerprints[slot].ordinals.append(ordinal, pool);
  }
};

Head::Head() : impl_(std::make_unique<Impl>()) {}
// With as much room as the other has: it is going to be added to.
Head::Head(const Head& other) : impl_(std::make_unique<Impl>(*other.impl_)) {
  Impl& to = *impl_;
  const Impl& from = *other.impl_;
  to.lsns.reserve(from.lsns.capacity());
  to.times.reserve(from.times.capacity());
  to.projects.reserve(from.projects.capacity());
  to.users.reserve(from.users.capacity());
  to.fingerprint_slots.reserve(from.fingerprint_slots.capacity());
  to.id_hashes.reserve(from.id_hashes.capacity());
  to.event_hashes.reserve(from.event_hashes.capacity());
  to.term_ends.reserve(from.term_ends.capacity());
  to.terms.reserve(from.terms.capacity());
}
Head::~Head() = default;

void Head::add(const HeadRow& row) {
  Impl& h = *impl_;
  const auto ordinal = static_cast<Ordinal>(h.lsns.size());
  h.fingerprint_map.prefetch(raw(row.fingerprint));
  h.add_terms(row.terms, ordinal);
  ValueId user{};
  for (const auto& [field, value] : row.terms) {
    if (field == model::field::kUser && raw(user) == 0) user = value;
  }
  h.terms.insert(h.terms.end(), row.terms.begin(), row.terms.end());
  h.term_ends.push_back(h.terms.size());
  h.lsns.push_back(row.lsn);
  h.times.push_back(row.time);
  h.projects.push_back(row.project);
  h.users.push_back(user);
  h.id_hashes.push_back(row.id_hash);
  h.event_hashes.push_back(row.event_hash);
  h.add_fingerprint(row.fingerprint, row.time, ordinal);
  if (h.ids.find_or_add(row.id_hash, ordinal) != ordinal) h.more_ids.emplace(row.id_hash, ordinal);
  h.min_time = ordinal == 0 ? row.time : std::min(h.min_time, row.time);
  h.max_time = ordinal == 0 ? row.time : std::max(h.max_time, row.time);
}

void Head::prefetch_id(uint64_t id_hash) const { impl_->ids.prefetch(id_hash); }

void Head::prefetch(Terms terms) const {
  for (const auto& [id, value] : terms) {
    if (const Field* field = impl_->find(id)) field->slots.prefetch(raw(value));
  }
}

void Head::prefetch_postings(Terms terms) const {
  for (const auto& [id, value] : terms) {
    const Field* field = impl_->find(id);
    if (field == nullptr) continue;
    if (const Posting* posting = field->find(value)) __builtin_prefetch(posting, 1);
  }
}

void Head::prefetch_ends(Terms terms) const {
  for (const auto& [id, value] : terms) {
    const Field* field = impl_->find(id);
    if (field == nullptr) continue;
    if (const Posting* posting = field->find(value)) posting->prefetch_end();
  }
}

void Head::clear() {
  // Memory is kept: the next head is about as large, and fresh pages cost more than what is done
  // with them. One of very many fields is not typical.
  constexpr size_t kUsualFields = 1000;
  Impl& h = *impl_;
  if (h.fields.size() > kUsualFields) {
    impl_ = std::make_unique<Impl>();
    return;
  }
  h.lsns.clear();
  h.times.clear();
  h.projects.clear();
  h.users.clear();
  h.fingerprint_slots.clear();
  h.id_hashes.clear();
  h.event_hashes.clear();
  h.term_ends.clear();
  h.terms.clear();
  for (const auto& field : h.fields) {
    if (field) field->clear();
  }
  h.fingerprint_map.clear();
  h.fingerprints.clear();
  h.ids.clear();
  h.more_ids.clear();
  h.pool.clear();
}

uint64_t Head::memory_bytes() const {
  const Impl& h = *impl_;
  uint64_t bytes = sizeof(Impl) + bytes_of(h.lsns) + bytes_of(h.times) + bytes_of(h.projects) +
                   bytes_of(h.users) + bytes_of(h.fingerprint_slots) + bytes_of(h.id_hashes) +
                   bytes_of(h.event_hashes) + bytes_of(h.term_ends) + bytes_of(h.terms) +
                   bytes_of(h.fields) + h.fingerprint_map.memory_bytes() +
                   bytes_of(h.fingerprints) + h.ids.memory_bytes() + h.pool.bytes();
  for (const auto& field : h.fields) {
    if (!field) continue;
    bytes += sizeof(Field) + field->slots.memory_bytes() + bytes_of(field->values) +
             bytes_of(field->postings) + bytes_of(field->any);
  }
  return bytes;
}

ProjectId Head::project(Ordinal ordinal) const { return impl_->projects[ordinal]; }
uint64_t Head::id_hash(Ordinal ordinal) const { return impl_->id_hashes[ordinal]; }
uint32_t Head::event_hash(Ordinal ordinal) const { return impl_->event_hashes[ordinal]; }

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
    if (impl_->fields[i] && !impl_->fields[i]->values.empty())
      fields.push_back(static_cast<FieldId>(i));
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

std::vector<Ordinal> Head::find_event(uint32_t event_hash) const {
  std::vector<Ordinal> ordinals;
  for (Ordinal o = 0; o < size(); ++o) {
    if (impl_->event_hashes[o] == event_hash) ordinals.push_back(o);
  }
  return ordinals;
}

}  // namespace cairn::storage
