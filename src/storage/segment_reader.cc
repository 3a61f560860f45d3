// A sealed segment as a Part. What is validated when: docs/format.md, "Segment".
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "storage/packed_column.h"
#include "storage/segment.h"
#include "storage/segment_field.h"
#include "storage/segment_format.h"

namespace cairn::storage {
namespace {

// Bitmaps out of ranges that come in ascending order. Long ranges are cheap as such, short ones
// as single ordinals.
class RangeCollector {
 public:
  void add(Ordinal begin, Ordinal end) {
    if (begin >= end) return;
    if (begin != end_) {
      flush();
      begin_ = begin;
    }
    end_ = end;
  }
  Bitmap finish() {
    flush();
    ranges_.or_with(Bitmap::from_sorted(singles_));
    return std::move(ranges_);
  }

 private:
  void flush() {
    constexpr Ordinal kLong = 64;
    if (end_ - begin_ >= kLong) {
      ranges_.add_range(begin_, end_);
    } else {
      for (Ordinal o = begin_; o < end_; ++o) singles_.push_back(o);
    }
    begin_ = end_;
  }
  Ordinal begin_ = 0, end_ = 0;
  std::vector<Ordinal> singles_;
  Bitmap ranges_;
};

// The directory of fingerprint runs.
class Runs {
 public:
  static std::optional<Runs> parse(std::span<const std::byte> payload, uint32_t rows) {
    if (payload.size() < sizeof(RunsHeader)) return std::nullopt;
    Runs runs;
    runs.count_ = load_le<uint32_t>(payload.data());
    if (payload.size() != sizeof(RunsHeader) + 12 * uint64_t{runs.count_}) return std::nullopt;
    runs.rows_ = rows;
    runs.ids_ = payload.data() + sizeof(RunsHeader);
    runs.begins_ = runs.ids_ + 4 * size_t{runs.count_};
    runs.by_id_ = runs.begins_ + 4 * size_t{runs.count_};
    if (runs.count_ == 0 || runs.begin(0) != 0 || runs.begin(runs.count_ - 1) >= rows) {
      return std::nullopt;
    }
    bool sound = true;  // no early end: this way the compiler makes it SIMD
    for (uint32_t i = 1; i < runs.count_; ++i) sound &= runs.begin(i - 1) < runs.begin(i);
    for (uint32_t i = 0; i < runs.count_; ++i) sound &= runs.by_id(i) < runs.count_;
    return sound ? std::optional(runs) : std::nullopt;
  }

  uint32_t size() const { return count_; }
  FingerprintId id(uint32_t run) const {
    return FingerprintId{load_le<uint32_t>(ids_ + 4 * size_t{run})};
  }
  Ordinal begin(uint32_t run) const { return load_le<uint32_t>(begins_ + 4 * size_t{run}); }
  Ordinal end(uint32_t run) const { return run + 1 < count_ ? begin(run + 1) : rows_; }

  // The run that holds an ordinal, which is not before run `from`. Searches outward from there, so
  // that ascending lookups are cheap.
  uint32_t holding(Ordinal ordinal, uint32_t from = 0) const {
    uint32_t step = 1, low = from;
    while (low + step < count_ && begin(low + step) <= ordinal) {
      low += step;
      step *= 2;
    }
    uint32_t high = static_cast<uint32_t>(std::min<uint64_t>(uint64_t{low} + step, count_));
    while (high - low > 1) {
      const uint32_t middle = low + (high - low) / 2;
      (begin(middle) <= ordinal ? low : high) = middle;
    }
    return low;
  }
  std::optional<uint32_t> find(FingerprintId fingerprint) const {
    uint32_t low = 0, high = count_;
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      if (id(by_id(middle)) < fingerprint) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == count_ || id(by_id(low)) != fingerprint) return std::nullopt;
    return by_id(low);
  }

 private:
  uint32_t by_id(uint32_t index) const { return load_le<uint32_t>(by_id_ + 4 * size_t{index}); }

  const std::byte* ids_ = nullptr;
  const std::byte* begins_ = nullptr;
  const std::byte* by_id_ = nullptr;
  uint32_t count_ = 0;
  uint32_t rows_ = 0;
};

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

class SegmentPart final : public Part {
 public:
  struct Data {
    SegmentMeta meta;
    PackedColumn lsns, times, users, id_prefixes, id_ordinals;
    Runs runs;
    std::vector<std::pair<FieldId, SegmentField>> fields;  // ascending
  };
  explicit SegmentPart(Data data) : d_(std::move(data)) {}

  uint32_t size() const override { return d_.meta.rows; }
  TimeUs min_time() const override { return TimeUs{d_.meta.min_time}; }
  TimeUs max_time() const override { return TimeUs{d_.meta.max_time}; }
  Lsn lsn(Ordinal o) const override { return Lsn{d_.lsns[o]}; }
  TimeUs time(Ordinal o) const override { return TimeUs{static_cast<int64_t>(d_.times[o])}; }
  ValueId user(Ordinal o) const override { return ValueId{static_cast<uint32_t>(d_.users[o])}; }
  FingerprintId fingerprint(Ordinal o) const override { return d_.runs.id(d_.runs.holding(o)); }

  std::vector<FieldId> fields() const override {
    std::vector<FieldId> ids;
    for (const auto& [id, field] : d_.fields) ids.push_back(id);
    return ids;
  }
  Bitmap posting(FieldId id, ValueId value) const override {
    const SegmentField* field = find(id);
    return field == nullptr ? Bitmap() : field->posting(value);
  }
  uint64_t posting_cardinality(FieldId id, ValueId value) const override {
    const SegmentField* field = find(id);
    return field == nullptr ? 0 : field->posting_cardinality(value);
  }
  Bitmap any(FieldId id) const override {
    const SegmentField* field = find(id);
    return field == nullptr ? Bitmap() : field->any();
  }
  void for_each_value(FieldId id,
                      const std::function<bool(ValueId, const Bitmap&)>& fn) const override {
    if (const SegmentField* field = find(id)) field->for_each_value(fn);
  }
  uint64_t value_count(FieldId id) const override {
    const SegmentField* field = find(id);
    return field == nullptr ? 0 : field->value_count();
  }

  Bitmap in_time(TimeUs begin, TimeUs end) const override;
  Bitmap of_fingerprints(const std::vector<bool>& wanted) const override;
  void roll_up(const Bitmap* matches,
               const std::function<void(const FingerprintRollup&)>& fn) const override;
  void for_each_of(FingerprintId fingerprint, const Bitmap* matches,
                   const std::function<void(Ordinal)>& fn) const override;
  std::vector<Ordinal> find_id(uint64_t id_hash) const override;

 private:
  const SegmentField* find(FieldId id) const {
    const auto it = std::lower_bound(d_.fields.begin(), d_.fields.end(), id,
                                     [](const auto& entry, FieldId f) { return entry.first < f; });
    return it == d_.fields.end() || it->first != id ? nullptr : &it->second;
  }
  void roll_up_dense(const Bitmap& matches,
                     const std::function<void(const FingerprintRollup&)>& fn) const;
  void roll_up_sparse(const Bitmap& matches,
                      const std::function<void(const FingerprintRollup&)>& fn) const;

  const Data d_;
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
  if (matches == nullptr) {
    for (Ordinal o = begin; o < end; ++o) fn(o);
    return;
  }
  matches->for_each_in(begin, end, [&](Ordinal o) {
    fn(o);
    return true;
  });
}

std::vector<Ordinal> SegmentPart::find_id(uint64_t id_hash) const {
  const uint64_t prefix = id_hash >> kIdHashShift;
  const PackedColumn& prefixes = d_.id_prefixes;
  // Hashes are spread evenly, so a prefix tells about where it is: search outward from there.
  constexpr unsigned kPrefixBits = 64 - kIdHashShift;
  uint64_t low = (prefix * size()) >> kPrefixBits, high = low, step = 16;
  while (low > 0 && prefixes[static_cast<uint32_t>(low)] >= prefix) {
    low -= std::min(low, step);
    step *= 2;
  }
  for (step = 16; high < size() && prefixes[static_cast<uint32_t>(high)] < prefix; step *= 2) {
    high = std::min<uint64_t>(high + step, size());
  }
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (prefixes[static_cast<uint32_t>(middle)] < prefix) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  std::vector<Ordinal> ordinals;
  for (auto i = static_cast<uint32_t>(low); i < size() && prefixes[i] == prefix; ++i) {
    const uint64_t ordinal = d_.id_ordinals[i];
    if (ordinal < size()) ordinals.push_back(static_cast<Ordinal>(ordinal));
  }
  return ordinals;
}

// --- opening -----------------------------------------------------------------------------------

Error damaged(SegmentId id, std::string_view what) {
  return make_error(
      ErrorCode::Corruption,
      fmt::format("index segment {}: {}; rebuild the index from the log", raw(id), what));
}

class SegmentOpener {
 public:
  SegmentOpener(const ReadTxn& txn, SegmentId id, bool verify)
      : txn_(txn), id_(id), verify_(verify) {}

  Result<std::unique_ptr<Part>> open() {
    CAIRN_TRY(collect());
    CAIRN_TRY_ASSIGN(data_.meta, read_meta());
    if (data_.meta.pieces != pieces_) return damaged(id_, "values are missing");
    CAIRN_TRY_ASSIGN(data_.lsns, column(SegmentPiece::Lsns));
    CAIRN_TRY_ASSIGN(data_.times, column(SegmentPiece::Times));
    CAIRN_TRY_ASSIGN(data_.users, column(SegmentPiece::Users));
    CAIRN_TRY(read_runs());
    CAIRN_TRY(read_ids());
    CAIRN_TRY(read_fields());
    return std::unique_ptr<Part>(std::make_unique<SegmentPart>(std::move(data_)));
  }

  // Finds the values of the segment and checks their headers.
  Result<void> collect() {
    const std::string prefix(Key().u32(raw(id_)).view());
    std::optional<Error> error;
    CAIRN_TRY(txn_.scan(Table::Segments, prefix, prefix,
                        [&](std::string_view key, std::span<const std::byte> value) {
                          if (auto ok = take(key, value); !ok) error = ok.error();
                          return !error.has_value();
                        }));
    if (error) return *error;
    if (pieces_ == 0) {
      return make_error(ErrorCode::NotFound, fmt::format("the index has no segment {}", raw(id_)));
    }
    return {};
  }

  Result<SegmentMeta> read_meta() const {
    SegmentMeta meta;
    CAIRN_TRY_ASSIGN(const auto payload, piece(SegmentPiece::Meta));
    if (payload.size() != sizeof meta) return damaged(id_, "its meta value has a wrong size");
    std::memcpy(&meta, payload.data(), sizeof meta);
    if (meta.rows == 0 || meta.rows > kMaxSegmentRows) {
      return damaged(id_, fmt::format("it claims to have {} occurrences", meta.rows));
    }
    return meta;
  }

 private:
  Result<void> take(std::string_view key, std::span<const std::byte> value) {
    if (key.size() != kKeyBytes) return damaged(id_, "a key has a wrong size");
    const auto piece = static_cast<SegmentPiece>(key_part<uint8_t>(key, 4));
    const FieldId field{key_part<uint16_t>(key, 5)};
    if (piece > SegmentPiece::Field || (piece != SegmentPiece::Field && raw(field) != 0)) {
      return damaged(id_, "a value of unknown kind");
    }
    if (!PieceHeader::valid(value, piece)) {
      return damaged(
          id_, fmt::format("value {}.{} has no valid header", static_cast<int>(piece), raw(field)));
    }
    if (verify_ && !PieceHeader::checksum_matches(value, id_, piece, field)) {
      return damaged(id_, fmt::format("value {}.{} has a wrong checksum", static_cast<int>(piece),
                                      raw(field)));
    }
    ++pieces_;
    const auto payload = value.subspan(kPieceHeaderBytes);
    if (piece == SegmentPiece::Field) {
      fields_.emplace_back(field, payload);
    } else {
      payloads_[piece] = payload;
    }
    return {};
  }

  Result<std::span<const std::byte>> piece(SegmentPiece kind) const {
    const auto it = payloads_.find(kind);
    if (it == payloads_.end()) {
      return damaged(id_, fmt::format("value {} is missing", static_cast<int>(kind)));
    }
    return it->second;
  }

  Result<PackedColumn> column(SegmentPiece kind) const {
    CAIRN_TRY_ASSIGN(const auto payload, piece(kind));
    const auto column = PackedColumn::parse(payload, data_.meta.rows);
    if (!column || column->bytes() != payload.size()) {
      return damaged(id_, fmt::format("column {} has a wrong shape", static_cast<int>(kind)));
    }
    return *column;
  }

  Result<void> read_runs() {
    CAIRN_TRY_ASSIGN(const auto payload, piece(SegmentPiece::Fingerprints));
    const auto runs = Runs::parse(payload, data_.meta.rows);
    if (!runs) return damaged(id_, "its fingerprint runs are out of order");
    data_.runs = *runs;
    return {};
  }

  Result<void> read_ids() {
    CAIRN_TRY_ASSIGN(const auto payload, piece(SegmentPiece::Ids));
    const auto prefixes = PackedColumn::parse(payload, data_.meta.rows);
    if (!prefixes) return damaged(id_, "its id table has a wrong shape");
    const auto rest = payload.subspan(prefixes->bytes());
    const auto ordinals = PackedColumn::parse(rest, data_.meta.rows);
    if (!ordinals || ordinals->bytes() != rest.size()) {
      return damaged(id_, "its id table has a wrong shape");
    }
    data_.id_prefixes = *prefixes;
    data_.id_ordinals = *ordinals;
    return {};
  }

  Result<void> read_fields() {
    for (const auto& [id, payload] : fields_) {
      const auto field = SegmentField::parse(payload, data_.meta.rows);
      if (!field) return damaged(id_, fmt::format("field {} has a wrong shape", raw(id)));
      data_.fields.emplace_back(id, *field);
    }
    return {};
  }

  static constexpr size_t kKeyBytes = 7;

  const ReadTxn& txn_;
  const SegmentId id_;
  const bool verify_;
  uint32_t pieces_ = 0;
  std::map<SegmentPiece, std::span<const std::byte>> payloads_;
  std::vector<std::pair<FieldId, std::span<const std::byte>>> fields_;
  SegmentPart::Data data_;
};

}  // namespace

Result<std::unique_ptr<Part>> open_segment(const ReadTxn& txn, SegmentId id,
                                           bool verify_checksums) {
  return SegmentOpener(txn, id, verify_checksums).open();
}

Result<SegmentInfo> segment_info(const ReadTxn& txn, SegmentId id) {
  SegmentOpener opener(txn, id, false);
  CAIRN_TRY(opener.collect());
  CAIRN_TRY_ASSIGN(const SegmentMeta meta, opener.read_meta());
  return SegmentInfo{id,
                     meta.rows,
                     meta.bytes,
                     TimeUs{meta.min_time},
                     TimeUs{meta.max_time},
                     Lsn{meta.min_lsn},
                     Lsn{meta.max_lsn}};
}

Result<std::vector<SegmentId>> list_segments(const ReadTxn& txn) {
  std::vector<SegmentId> ids;
  bool sound = true;
  for (uint64_t from = 0; from <= UINT32_MAX;) {
    bool found = false;
    CAIRN_TRY(txn.scan(Table::Segments, Key().u32(static_cast<uint32_t>(from)).view(), {},
                       [&](std::string_view key, std::span<const std::byte>) {
                         found = true;
                         sound = key.size() >= sizeof(uint32_t);
                         if (sound) ids.push_back(SegmentId{key_part<uint32_t>(key, 0)});
                         return false;
                       }));
    if (!sound) {
      return make_error(ErrorCode::Corruption,
                        "the index has a segment key of a wrong size; rebuild it from the log");
    }
    if (!found) break;
    from = uint64_t{raw(ids.back())} + 1;
  }
  return ids;
}

}  // namespace cairn::storage
