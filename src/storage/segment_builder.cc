#include "storage/segment_builder.h"

#include <algorithm>
#include <utility>

namespace cairn::storage {

Result<void> SegmentBuilder::add(SegmentPiece piece, FieldId field,
                                 std::span<const std::byte> payload) {
  if (payload.size() > UINT32_MAX) {
    return make_error(ErrorCode::Exhausted, "a value of a segment takes more than 4 GiB");
  }
  SegmentImage::Value& value = image_.values.emplace_back();
  value.key = segment_key(id_, piece, field);
  value.bytes.reserve(kPieceHeaderBytes + payload.size());
  value.bytes.resize(kPieceHeaderBytes);
  value.bytes.insert(value.bytes.end(), payload.begin(), payload.end());
  PieceHeader::write(value.bytes, id_, piece, field);
  ++meta_.pieces;
  meta_.bytes += value.bytes.size();
  return {};
}

Result<void> SegmentBuilder::add_column(SegmentPiece piece, FieldId field,
                                        std::span<const uint64_t> values, uint64_t base) {
  std::vector<std::byte> payload;
  PackedColumn::write(payload, values, base);
  return add(piece, field, payload);
}

Result<void> SegmentBuilder::add_lsns(std::span<const uint64_t> lsns) {
  const auto [min, max] = std::minmax_element(lsns.begin(), lsns.end());
  meta_.rows = static_cast<uint32_t>(lsns.size());
  meta_.min_lsn = *min;
  meta_.max_lsn = *max;
  return add_column(SegmentPiece::Lsns, FieldId{}, lsns, meta_.min_lsn);
}

Result<void> SegmentBuilder::add_times(std::span<const uint64_t> times) {
  const auto earlier = [](uint64_t a, uint64_t b) {
    return static_cast<int64_t>(a) < static_cast<int64_t>(b);
  };
  const auto [min, max] = std::minmax_element(times.begin(), times.end(), earlier);
  meta_.min_time = static_cast<int64_t>(*min);
  meta_.max_time = static_cast<int64_t>(*max);
  return add_column(SegmentPiece::Times, FieldId{}, times, *min);
}

Result<void> SegmentBuilder::add_events(std::span<const uint64_t> hashes) {
  return add_column(SegmentPiece::Events, FieldId{}, hashes,
                    *std::min_element(hashes.begin(), hashes.end()));
}

Result<void> SegmentBuilder::add_runs(std::span<const Run> runs) {
  return add(SegmentPiece::Runs, FieldId{}, SegmentRuns::build(runs));
}

Result<void> SegmentBuilder::add_ids(std::vector<IdEntry> entries) {
  const SegmentIds::Payloads payloads = SegmentIds::build(std::move(entries));
  CAIRN_TRY(add(SegmentPiece::IdFilter, FieldId{}, payloads.filter));
  return add(SegmentPiece::Ids, FieldId{}, payloads.table);
}

Result<void> SegmentBuilder::add_field(FieldId field, FieldBuilder& builder) {
  CAIRN_TRY_ASSIGN(const auto payload, builder.finish());
  CAIRN_TRY(add(SegmentPiece::Field, field, payload));
  if (builder.column().empty()) return {};
  return add_column(SegmentPiece::Column, field, builder.column(), 0);
}

Result<SegmentImage> SegmentBuilder::finish() {
  // add() counts the meta value too late to be in it.
  SegmentMeta meta = meta_;
  ++meta.pieces;
  meta.bytes += kPieceHeaderBytes + sizeof meta;
  CAIRN_TRY(add(SegmentPiece::Meta, FieldId{}, std::as_bytes(std::span(&meta, 1))));
  return std::move(image_);
}

}  // namespace cairn::storage
