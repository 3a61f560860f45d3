// Sealing: sorts the head's occurrences by (project, fingerprint, time, LSN) and writes the
// values described in segment_format.h.
#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/assert.h"
#include "base/slot_map.h"
#include "storage/segment.h"
#include "storage/segment_builder.h"
#include "storage/segment_part.h"

namespace cairn::storage {
namespace {

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

class SegmentWriter {
 public:
  SegmentWriter(SegmentId id, const Head& head)
      : segment_(id), head_(head), order_(sort_rows(head)) {}

  Result<SegmentImage> write() {
    CAIRN_TRY(segment_.add_lsns(column([&](Ordinal o) { return raw(head_.lsn(o)); })));
    CAIRN_TRY(segment_.add_times(
        column([&](Ordinal o) { return static_cast<uint64_t>(raw(head_.time(o))); })));
    CAIRN_TRY(segment_.add_events(column([&](Ordinal o) { return head_.event_hash(o); })));
    CAIRN_TRY(segment_.add_runs(order_.runs));
    CAIRN_TRY(write_ids());
    CAIRN_TRY(write_fields());
    return segment_.finish();
  }

 private:
  // Column of `get(ordinal in the head)`, in the new order.
  template <class F>
  std::vector<uint64_t> column(F&& get) const {
    std::vector<uint64_t> values;
    values.reserve(order_.rows.size());
    for (const Ordinal row : order_.rows) values.push_back(get(row));
    return values;
  }

  Result<void> write_ids() {
    std::vector<IdEntry> entries;
    entries.reserve(order_.rows.size());
    for (Ordinal o = 0; o < order_.rows.size(); ++o) {
      entries.push_back(make_id_entry(id_prefix(head_.id_hash(order_.rows[o])), o));
    }
    return segment_.add_ids(std::move(entries));
  }

  // The terms of one field.
  struct Field {
    std::vector<Entry> entries;
    uint64_t terms = 0;
    uint32_t occurrences = 0;
  };

  std::vector<Field> collect_fields() const {
    std::vector<Field> fields;
    for (const FieldId field : head_.fields()) {
      fields.resize(std::max<size_t>(fields.size(), raw(field) + size_t{1}));
    }
    for (Ordinal row = 0; row < head_.size(); ++row) {
      for (const auto& [field, value] : head_.terms(row)) ++fields[raw(field)].terms;
    }
    for (Field& field : fields) field.entries.reserve(field.terms);
    constexpr Ordinal kAhead = 16;  // rows lie far apart in the head
    for (Ordinal o = 0; o < order_.rows.size(); ++o) {
      if (o + kAhead < order_.rows.size()) {
        __builtin_prefetch(head_.terms(order_.rows[o + kAhead]).data());
      }
      for (const auto& [field, value] : head_.terms(order_.rows[o])) {
        std::vector<Entry>& entries = fields[raw(field)].entries;
        if (entries.empty() || ordinal_of(entries.back()) != o) ++fields[raw(field)].occurrences;
        entries.push_back(Entry{raw(value)} << 32 | o);
      }
    }
    return fields;
  }

  Result<void> write_fields() {
    std::vector<Field> fields = collect_fields();
    std::vector<Entry> scratch;
    std::vector<Ordinal> ordinals;
    for (size_t id = 0; id < fields.size(); ++id) {
      Field& field = fields[id];
      if (field.terms == 0) continue;
      sort_by_value(field.entries, scratch);
      const FieldId field_id{static_cast<uint16_t>(id)};
      FieldBuilder builder(
          {field_id, head_.size(), field.occurrences, field.terms, head_.value_count(field_id)});
      ordinals.clear();
      for (const Entry entry : field.entries) ordinals.push_back(ordinal_of(entry));
      for (size_t i = 0; i < ordinals.size();) {
        const size_t first = i;
        const ValueId value = value_of(field.entries[first]);
        while (i < ordinals.size() && value_of(field.entries[i]) == value) ++i;
        builder.add(value, std::span(ordinals).subspan(first, i - first));
      }
      CAIRN_TRY(segment_.add_field(field_id, builder));
      std::vector<Entry>().swap(field.entries);
    }
    return {};
  }

  SegmentBuilder segment_;
  const Head& head_;
  const Order order_;
};

}  // namespace

Result<SegmentImage> seal_segment(SegmentId id, const Head& head) {
  CAIRN_ASSERT(head.size() > 0 && head.size() <= kMaxSegmentRows);
  return SegmentWriter(id, head).write();
}

namespace {

// The last of the values, which is then gone from the image. Returns its bytes.
Result<uint64_t> write_last_value(WriteTxn& txn, SegmentImage& image) {
  const SegmentImage::Value last = std::move(image.values.back());
  image.values.pop_back();
  CAIRN_TRY_ASSIGN(const std::span<std::byte> value,
                   txn.reserve(Table::Segments, last.key.view(), last.bytes.size()));
  std::memcpy(value.data(), last.bytes.data(), last.bytes.size());
  return last.bytes.size();
}

}  // namespace

Result<void> write_segment(WriteTxn& txn, SegmentImage image) {
  for (const Key& key : image.replaced) {
    CAIRN_TRY(txn.erase(Table::Segments, key.view()));
  }
  while (!image.values.empty()) CAIRN_TRY(write_last_value(txn, image));
  return {};
}

Result<void> erase_segments_from(LmdbEnv& env, SegmentId first) {
  std::vector<std::string> keys;
  {
    CAIRN_TRY_ASSIGN(const auto reading, ReadTxn::begin(env));
    CAIRN_TRY(reading->scan(Table::Segments, Key().u32(raw(first)).view(), {},
                            [&](std::string_view key, auto) {
                              keys.emplace_back(key);
                              return true;
                            }));
  }
  if (keys.empty()) return {};
  CAIRN_TRY_ASSIGN(const auto txn, WriteTxn::begin(env));
  for (const std::string& key : keys) CAIRN_TRY(txn->erase(Table::Segments, key));
  return txn->commit();
}

Result<uint64_t> stage_segment(LmdbEnv& env, SegmentImage& image) {
  CAIRN_ASSERT(!image.values.empty());
  const auto id = key_part<uint32_t>(image.values.front().key.view(), 0);
  CAIRN_TRY(erase_segments_from(env, SegmentId{id}));
  uint64_t left = 0, written = 0;
  for (const SegmentImage::Value& value : image.values) left += value.bytes.size();
  while (left > env.staged_bytes()) {
    CAIRN_TRY_ASSIGN(const auto txn, WriteTxn::begin(env));
    uint64_t bytes = 0;
    do {
      CAIRN_TRY_ASSIGN(const uint64_t more, write_last_value(*txn, image));
      bytes += more;
    } while (bytes < env.staged_bytes() && !image.values.empty());
    written += txn->bytes_written();
    CAIRN_TRY(txn->commit());
    left -= bytes;
  }
  return written;
}

Result<void> write_segment(WriteTxn& txn, SegmentId id, const Head& head) {
  CAIRN_TRY_ASSIGN(SegmentImage image, seal_segment(id, head));
  return write_segment(txn, std::move(image));
}

Result<void> erase_segment(WriteTxn& txn, const ReadTxn& snapshot, SegmentId id) {
  CAIRN_TRY_ASSIGN(const std::vector<Key> keys, segment_keys(snapshot, id));
  for (const Key& key : keys) CAIRN_TRY(txn.erase(Table::Segments, key.view()));
  return {};
}

uint64_t id_hash(const Uuid& id, ProjectId project) {
  return hash64({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}, raw(project));
}

uint32_t event_hash(const Uuid& event_id) {
  const uint64_t hash =
      hash64({reinterpret_cast<const char*>(event_id.bytes.data()), event_id.bytes.size()});
  return std::max<uint32_t>(1, static_cast<uint32_t>(hash));
}

}  // namespace cairn::storage
