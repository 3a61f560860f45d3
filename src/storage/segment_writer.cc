// Sealing: sorts the head's occurrences by (project, fingerprint, time, LSN) and writes the
// values described in segment_format.h.
#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <numeric>

#include "base/assert.h"
#include "storage/packed_column.h"
#include "storage/segment.h"
#include "storage/segment_format.h"
#include "storage/slot_map.h"

namespace cairn::storage {
namespace {

struct Run {
  ProjectId project{};
  FingerprintId fingerprint{};
  Ordinal begin = 0;
  uint32_t count = 0;
};

// The order of the sealed occurrences: new ordinal -> ordinal in the head.
struct Order {
  std::vector<Run> runs;
  std::vector<Ordinal> rows;
};

Order sort_rows(const Head& head) {
  Order order;
  std::vector<uint32_t> slot_of(head.size());
  SlotMap<uint32_t> slots;
  for (Ordinal o = 0; o < head.size(); ++o) {
    const FingerprintId fingerprint = head.fingerprint(o);
    const auto fresh = static_cast<uint32_t>(order.runs.size());
    const uint32_t slot = slots.find_or_add(raw(fingerprint), fresh);
    if (slot == fresh) order.runs.push_back({head.project(o), fingerprint, 0, 0});
    ++order.runs[slot].count;
    slot_of[o] = slot;
  }
  std::vector<uint32_t> by_place(order.runs.size());
  std::iota(by_place.begin(), by_place.end(), 0u);
  std::sort(by_place.begin(), by_place.end(), [&](uint32_t a, uint32_t b) {
    const Run &x = order.runs[a], &y = order.runs[b];
    return std::pair(x.project, x.fingerprint) < std::pair(y.project, y.fingerprint);
  });
  std::vector<Ordinal> next(order.runs.size());
  std::vector<Run> sorted;
  for (const uint32_t slot : by_place) {
    Run run = order.runs[slot];
    run.begin = sorted.empty() ? 0 : sorted.back().begin + sorted.back().count;
    next[slot] = run.begin;
    sorted.push_back(run);
  }
  order.runs = std::move(sorted);
  order.rows.resize(head.size());
  for (Ordinal o = 0; o < head.size(); ++o) order.rows[next[slot_of[o]]++] = o;
  const auto before = [&](Ordinal a, Ordinal b) {
    return std::pair(head.time(a), head.lsn(a)) < std::pair(head.time(b), head.lsn(b));
  };
  for (const Run& run : order.runs) {
    const auto begin = order.rows.begin() + run.begin, end = begin + run.count;
    // Most runs are in order already, as times mostly follow arrival.
    if (!std::is_sorted(begin, end, before)) std::sort(begin, end, before);
  }
  return order;
}

// One term of one occurrence: value << 32 | new ordinal, so that integer order is posting order.
using Entry = uint64_t;
ValueId value_of(Entry entry) { return static_cast<ValueId>(entry >> 32); }
Ordinal ordinal_of(Entry entry) { return static_cast<Ordinal>(entry); }

// Least significant digit first. Entries come with ascending ordinals and the sort is stable, so
// only the value's digits need passes.
void sort_by_value(std::vector<Entry>& entries, std::vector<Entry>& scratch) {
  constexpr unsigned kDigitBits = 11;
  constexpr size_t kDigits = size_t{1} << kDigitBits;
  uint32_t largest = 0;
  for (const Entry e : entries) largest = std::max(largest, raw(value_of(e)));
  scratch.resize(entries.size());
  for (unsigned shift = 32; shift < 64 && (uint64_t{largest} << 32) >> shift != 0;
       shift += kDigitBits) {
    std::array<uint32_t, kDigits> ends{};
    for (const Entry e : entries) ++ends[(e >> shift) % kDigits];
    uint32_t sum = 0;
    for (uint32_t& end : ends) sum += std::exchange(end, sum);
    for (const Entry e : entries) scratch[ends[(e >> shift) % kDigits]++] = e;
    entries.swap(scratch);
  }
}

template <class T>
void append_value(std::vector<std::byte>& out, const T& value) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

template <class T>
void append_array(std::vector<std::byte>& out, const std::vector<T>& values) {
  const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
  out.insert(out.end(), bytes, bytes + values.size() * sizeof(T));
}

// The postings of one field as a payload.
class FieldBuilder {
 public:
  // `entries` are sorted.
  std::vector<std::byte> build(const std::vector<Entry>& entries) {
    add_any(entries);
    for (size_t i = 0; i < entries.size();) {
      const ValueId value = value_of(entries[i]);
      ordinals_.clear();
      for (; i < entries.size() && value_of(entries[i]) == value; ++i) {
        ordinals_.push_back(ordinal_of(entries[i]));
      }
      add_posting(value);
    }
    return join();
  }

 private:
  void add_any(const std::vector<Entry>& entries) {
    for (const Entry e : entries) ordinals_.push_back(ordinal_of(e));
    if (!std::is_sorted(ordinals_.begin(), ordinals_.end())) {
      std::sort(ordinals_.begin(), ordinals_.end());
    }
    ordinals_.erase(std::unique(ordinals_.begin(), ordinals_.end()), ordinals_.end());
    header_.any_cardinality = static_cast<uint32_t>(ordinals_.size());
    Bitmap any = Bitmap::from_sorted(ordinals_);
    any.optimize();
    header_.any_bytes = static_cast<uint32_t>(any.frozen_bytes());
    header_.any_offset = add_bitmap(any);
  }

  void add_posting(ValueId value) {
    if (ordinals_.size() > kMaxSmallPosting) {
      Bitmap bitmap = Bitmap::from_sorted(ordinals_);
      bitmap.optimize();
      const size_t bytes = bitmap.frozen_bytes();
      LargeEntry entry{raw(value), static_cast<uint32_t>(ordinals_.size()), 0,
                       static_cast<uint32_t>(bytes)};
      entry.offset = add_bitmap(bitmap);
      large_.push_back(entry);
      return;
    }
    small_ids_.push_back(raw(value));
    small_begins_.push_back(static_cast<uint32_t>(small_ordinals_.size()));
    small_ordinals_.insert(small_ordinals_.end(), ordinals_.begin(), ordinals_.end());
  }

  uint32_t add_bitmap(const Bitmap& bitmap) {
    const size_t offset = align_bitmap(bitmaps_.size());
    const size_t bytes = bitmap.frozen_bytes();
    bitmaps_.resize(offset + bytes);
    bitmap.write_frozen(std::span(bitmaps_).subspan(offset, bytes));
    return static_cast<uint32_t>(offset);
  }

  std::vector<std::byte> join() {
    header_.small_values = static_cast<uint32_t>(small_ids_.size());
    header_.small_ordinals = static_cast<uint32_t>(small_ordinals_.size());
    header_.large_values = static_cast<uint32_t>(large_.size());
    std::vector<std::byte> out;
    append_value(out, header_);
    append_array(out, small_ids_);
    append_array(out, small_begins_);
    append_array(out, small_ordinals_);
    append_array(out, large_);
    out.resize(align_bitmap(out.size()));
    out.insert(out.end(), bitmaps_.begin(), bitmaps_.end());
    return out;
  }

  FieldHeader header_;
  std::vector<Ordinal> ordinals_;  // of the value at hand
  std::vector<uint32_t> small_ids_, small_begins_, small_ordinals_;
  std::vector<LargeEntry> large_;
  std::vector<std::byte> bitmaps_;
};

class SegmentWriter {
 public:
  SegmentWriter(WriteTxn& txn, SegmentId id, const Head& head)
      : txn_(txn), id_(id), head_(head), order_(sort_rows(head)) {}

  Result<void> write() {
    CAIRN_TRY(write_columns());
    CAIRN_TRY(write_runs());
    CAIRN_TRY(write_ids());
    CAIRN_TRY(write_fields());
    return write_meta();
  }

 private:
  Result<void> put(SegmentPiece piece, FieldId field, std::span<const std::byte> payload) {
    const size_t bytes = kPieceHeaderBytes + payload.size();
    if (payload.size() > UINT32_MAX) {
      return make_error(ErrorCode::Exhausted, "a segment's field takes more than 4 GiB");
    }
    CAIRN_TRY_ASSIGN(const std::span<std::byte> value,
                     txn_.reserve(Table::Segments, segment_key(id_, piece, field).view(), bytes));
    std::memcpy(value.data() + kPieceHeaderBytes, payload.data(), payload.size());
    PieceHeader::write(value, id_, piece, field);
    ++meta_.pieces;
    meta_.bytes += bytes;
    return {};
  }

  // Column of `get(ordinal in the head)`, in the new order.
  template <class F>
  std::vector<uint64_t> column(F&& get) const {
    std::vector<uint64_t> values;
    values.reserve(order_.rows.size());
    for (const Ordinal row : order_.rows) values.push_back(static_cast<uint64_t>(get(row)));
    return values;
  }

  Result<void> put_column(SegmentPiece piece, const std::vector<uint64_t>& values, uint64_t base) {
    std::vector<std::byte> payload;
    PackedColumn::write(payload, values, base);
    return put(piece, FieldId{}, payload);
  }

  Result<void> write_columns() {
    const auto lsns = column([&](Ordinal o) { return raw(head_.lsn(o)); });
    const auto [min, max] = std::minmax_element(lsns.begin(), lsns.end());
    meta_.min_lsn = *min;
    meta_.max_lsn = *max;
    CAIRN_TRY(put_column(SegmentPiece::Lsns, lsns, meta_.min_lsn));
    meta_.min_time = raw(head_.min_time());
    meta_.max_time = raw(head_.max_time());
    CAIRN_TRY(put_column(SegmentPiece::Times, column([&](Ordinal o) { return raw(head_.time(o)); }),
                         static_cast<uint64_t>(meta_.min_time)));
    return put_column(SegmentPiece::Users, column([&](Ordinal o) { return raw(head_.user(o)); }),
                      0);
  }

  Result<void> write_runs() {
    const std::vector<Run>& runs = order_.runs;
    std::vector<uint32_t> ids, begins, by_id(runs.size());
    for (const Run& run : runs) {
      ids.push_back(raw(run.fingerprint));
      begins.push_back(run.begin);
    }
    std::iota(by_id.begin(), by_id.end(), 0u);
    std::sort(by_id.begin(), by_id.end(), [&](uint32_t a, uint32_t b) { return ids[a] < ids[b]; });
    std::vector<std::byte> payload;
    append_value(payload, RunsHeader{static_cast<uint32_t>(runs.size()), 0});
    append_array(payload, ids);
    append_array(payload, begins);
    append_array(payload, by_id);
    return put(SegmentPiece::Fingerprints, FieldId{}, payload);
  }

  Result<void> write_ids() {
    const auto hashes = column([&](Ordinal o) { return head_.id_hash(o) >> kIdHashShift; });
    // Prefixes have 40 bits; ordinals of one segment fit into the 24 below them.
    std::vector<uint64_t> sorted;
    sorted.reserve(hashes.size());
    for (size_t i = 0; i < hashes.size(); ++i) sorted.push_back(hashes[i] << kIdHashShift | i);
    std::sort(sorted.begin(), sorted.end());
    std::vector<uint64_t> prefixes, ordinals;
    for (const uint64_t both : sorted) {
      prefixes.push_back(both >> kIdHashShift);
      ordinals.push_back(both & ((uint64_t{1} << kIdHashShift) - 1));
    }
    std::vector<std::byte> payload;
    PackedColumn::write(payload, prefixes, 0);
    PackedColumn::write(payload, ordinals, 0);
    return put(SegmentPiece::Ids, FieldId{}, payload);
  }

  Result<void> write_fields() {
    std::map<FieldId, std::vector<Entry>> fields;
    for (const FieldId field : head_.fields()) fields[field];
    std::vector<std::vector<Entry>*> by_id(
        raw(fields.empty() ? FieldId{} : fields.rbegin()->first) + size_t{1});
    for (auto& [field, entries] : fields) by_id[raw(field)] = &entries;
    for (Ordinal o = 0; o < order_.rows.size(); ++o) {
      for (const auto& [field, value] : head_.terms(order_.rows[o])) {
        by_id[raw(field)]->push_back(Entry{raw(value)} << 32 | o);
      }
    }
    std::vector<Entry> scratch;
    for (auto& [field, entries] : fields) {
      sort_by_value(entries, scratch);
      CAIRN_TRY(put(SegmentPiece::Field, field, FieldBuilder().build(entries)));
      std::vector<Entry>().swap(entries);
    }
    return {};
  }

  Result<void> write_meta() {
    meta_.rows = head_.size();
    // put() counts the meta value too late to be in it.
    SegmentMeta meta = meta_;
    ++meta.pieces;
    meta.bytes += kPieceHeaderBytes + sizeof meta;
    return put(SegmentPiece::Meta, FieldId{}, std::as_bytes(std::span(&meta, 1)));
  }

  WriteTxn& txn_;
  const SegmentId id_;
  const Head& head_;
  const Order order_;
  SegmentMeta meta_;
};

}  // namespace

Result<void> write_segment(WriteTxn& txn, SegmentId id, const Head& head) {
  CAIRN_ASSERT(head.size() > 0 && head.size() <= kMaxSegmentRows);
  return SegmentWriter(txn, id, head).write();
}

uint64_t id_hash(const Uuid& id, ProjectId project) {
  return hash64({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}, raw(project));
}

}  // namespace cairn::storage
