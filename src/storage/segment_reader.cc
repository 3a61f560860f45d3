// Opening segments: finds their values and validates them. What is checked when: docs/format.md,
// "Segment".
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "storage/bitmap_ranges.h"
#include "storage/segment.h"
#include "storage/segment_part.h"

namespace cairn::storage {
namespace {

Error damaged(SegmentId id, std::string_view what) {
  return make_error(
      ErrorCode::Corruption,
      fmt::format("index segment {}: {}; rebuild the index from the log", raw(id), what));
}

class SegmentOpener {
 public:
  SegmentOpener(const ReadTxn& txn, SegmentId id, bool verify)
      : txn_(txn), id_(id), verify_(verify) {}

  Result<SegmentData> open() {
    CAIRN_TRY(collect());
    CAIRN_TRY_ASSIGN(data_.meta, read_meta());
    if (data_.meta.pieces != pieces_) return damaged(id_, "values are missing");
    CAIRN_TRY_ASSIGN(data_.lsns, column(SegmentPiece::Lsns));
    CAIRN_TRY_ASSIGN(data_.times, column(SegmentPiece::Times));
    CAIRN_TRY_ASSIGN(data_.events, column(SegmentPiece::Events));
    CAIRN_TRY(read_runs());
    CAIRN_TRY(read_ids());
    CAIRN_TRY(read_fields());
    return std::move(data_);
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
    const bool has_field = piece == SegmentPiece::Field || piece == SegmentPiece::Column;
    if (piece > kLastPiece || (!has_field && raw(field) != 0)) {
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
    } else if (piece == SegmentPiece::Column) {
      columns_.emplace_back(field, payload);
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
    return column(payload, fmt::format("column {}", static_cast<int>(kind)));
  }
  Result<PackedColumn> column(std::span<const std::byte> payload, std::string_view name) const {
    const auto column = PackedColumn::parse(payload, data_.meta.rows);
    if (!column || column->bytes() != payload.size()) {
      return damaged(id_, fmt::format("{} has a wrong shape", name));
    }
    return *column;
  }

  Result<void> read_runs() {
    CAIRN_TRY_ASSIGN(const auto payload, piece(SegmentPiece::Runs));
    const auto runs = SegmentRuns::parse(payload, data_.meta.rows);
    if (!runs) return damaged(id_, "its fingerprint runs are out of order");
    data_.runs = *runs;
    return {};
  }

  Result<void> read_ids() {
    CAIRN_TRY_ASSIGN(const auto filter, piece(SegmentPiece::IdFilter));
    CAIRN_TRY_ASSIGN(const auto table, piece(SegmentPiece::Ids));
    const auto ids = SegmentIds::parse(filter, table, data_.meta.rows);
    if (!ids) return damaged(id_, "its id table has a wrong shape");
    data_.ids = *ids;
    return {};
  }

  // Keys come in order, so fields and columns ascend.
  Result<void> read_fields() {
    for (const auto& [id, payload] : fields_) {
      const auto field = SegmentField::parse(payload, data_.meta.rows);
      if (!field) return damaged(id_, fmt::format("field {} has a wrong shape", raw(id)));
      data_.fields.emplace_back(id, *field);
    }
    for (const auto& [id, payload] : columns_) {
      CAIRN_TRY_ASSIGN(const PackedColumn values,
                       column(payload, fmt::format("the column of field {}", raw(id))));
      data_.columns.emplace_back(id, values);
    }
    return {};
  }

  static constexpr size_t kKeyBytes = 7;

  const ReadTxn& txn_;
  const SegmentId id_;
  const bool verify_;
  uint32_t pieces_ = 0;
  std::map<SegmentPiece, std::span<const std::byte>> payloads_;
  std::vector<std::pair<FieldId, std::span<const std::byte>>> fields_, columns_;
  SegmentData data_;
};

}  // namespace

Result<SegmentData> read_segment(const ReadTxn& txn, SegmentId id, bool verify_checksums) {
  return SegmentOpener(txn, id, verify_checksums).open();
}

Result<std::unique_ptr<Part>> open_segment(const ReadTxn& txn, SegmentId id,
                                           bool verify_checksums) {
  CAIRN_TRY_ASSIGN(auto data, read_segment(txn, id, verify_checksums));
  return make_segment_part(std::move(data));
}

Result<std::unique_ptr<Part>> open_segment_as_of(const ReadTxn& txn, SegmentId id, Lsn last) {
  CAIRN_TRY_ASSIGN(auto data, read_segment(txn, id, false));
  if (data.meta.min_lsn > raw(last)) return std::unique_ptr<Part>();
  if (data.meta.max_lsn <= raw(last)) return make_segment_part(std::move(data));
  constexpr uint32_t kAtOnce = 4096;
  std::array<uint64_t, kAtOnce> lsns;
  RangeCollector kept;
  for (Ordinal begin = 0; begin < data.meta.rows; begin += kAtOnce) {
    const Ordinal end = std::min(data.meta.rows, begin + kAtOnce);
    data.lsns.read(begin, end, lsns.data());
    for (Ordinal at = begin; at < end; ++at) {
      if (lsns[at - begin] <= raw(last)) kept.add(at, at + 1);
    }
  }
  return make_segment_part(std::move(data), kept.finish());
}

Result<std::vector<Key>> segment_keys(const ReadTxn& txn, SegmentId id) {
  std::vector<Key> keys;
  const Key prefix = Key().u32(raw(id));
  CAIRN_TRY(txn.scan(Table::Segments, prefix.view(), prefix.view(),
                     [&](std::string_view key, std::span<const std::byte>) {
                       Key& copy = keys.emplace_back();
                       for (const char byte : key) copy.u8(static_cast<uint8_t>(byte));
                       return true;
                     }));
  if (keys.empty()) {
    return make_error(ErrorCode::NotFound, fmt::format("the index has no segment {}", raw(id)));
  }
  return keys;
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
