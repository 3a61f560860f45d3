#include "storage/segment_ids.h"

#include <algorithm>
#include <utility>

namespace cairn::storage {
namespace {

constexpr size_t kLoadPad = sizeof(uint64_t);
constexpr unsigned kProbes = 5;     // bits of a block an id sets
constexpr unsigned kProbeBits = 9;  // 512 bits a block
constexpr size_t kLookAhead = 32;   // ids whose cache lines are asked for at once

// Five numbers of nine bits each: the upper bits of a product, which all bits of the prefix reach.
uint64_t probes_of(uint64_t prefix) { return (prefix * 0x9e3779b97f4a7c15u) >> (64 - 45); }
static_assert(kProbes * kProbeBits == 45);

uint32_t probe(uint64_t probes, unsigned number) {
  return static_cast<uint32_t>(probes >> (number * kProbeBits)) & ((1u << kProbeBits) - 1);
}

uint64_t prefix_of(IdEntry entry) { return entry >> kMaxOrdinalBits; }
Ordinal ordinal_of(IdEntry entry) { return static_cast<Ordinal>(entry & (kMaxSegmentRows - 1)); }

// By prefix, then ordinal. Hashes are spread evenly, so after one pass into buckets only a few
// entries each are left to be sorted.
std::vector<uint32_t> sort_into_buckets(std::vector<IdEntry>& entries, const IdShape& shape) {
  const unsigned shift = kMaxOrdinalBits + shape.rest_bits;
  std::vector<uint32_t> ends(shape.buckets(), 0);
  for (const IdEntry entry : entries) ++ends[entry >> shift];
  uint32_t sum = 0;
  for (uint32_t& end : ends) sum += std::exchange(end, sum);
  std::vector<IdEntry> sorted(entries.size());
  for (const IdEntry entry : entries) sorted[ends[entry >> shift]++] = entry;
  uint32_t begin = 0;
  for (const uint32_t end : ends) {
    std::sort(sorted.begin() + begin, sorted.begin() + end);
    begin = end;
  }
  entries = std::move(sorted);
  return ends;
}

std::vector<std::byte> build_filter(const std::vector<IdEntry>& entries, const IdShape& shape) {
  std::vector<std::byte> out(kFilterHeaderBytes + kFilterBlockBytes * shape.filter_blocks);
  for (const IdEntry entry : entries) {
    const uint64_t prefix = prefix_of(entry);
    const uint64_t block = (prefix * shape.filter_blocks) >> kIdPrefixBits;
    std::byte* at = out.data() + kFilterHeaderBytes + block * kFilterBlockBytes;
    const uint64_t probes = probes_of(prefix);
    for (unsigned i = 0; i < kProbes; ++i) {
      const uint32_t bit = probe(probes, i);
      at[bit / 8] |= std::byte{1} << (bit % 8);
    }
  }
  return out;
}

}  // namespace

SegmentIds::Payloads SegmentIds::build(std::vector<IdEntry> entries) {
  const IdShape shape(static_cast<uint32_t>(entries.size()));
  const std::vector<uint32_t> ends = sort_into_buckets(entries, shape);
  Payloads payloads;
  payloads.filter = build_filter(entries, shape);
  PackedColumn::write(payloads.table, std::vector<uint64_t>(ends.begin(), ends.end()), 0);
  const uint64_t rest_mask = (uint64_t{1} << shape.rest_bits) - 1;
  for (IdEntry& entry : entries) {
    entry = (prefix_of(entry) & rest_mask) << shape.ordinal_bits | ordinal_of(entry);
  }
  append_packed(payloads.table, entries, shape.entry_bits());
  payloads.table.resize(payloads.table.size() + kLoadPad);
  return payloads;
}

std::optional<SegmentIds> SegmentIds::parse(std::span<const std::byte> filter,
                                            std::span<const std::byte> table, uint32_t rows) {
  SegmentIds ids;
  ids.shape_ = IdShape(rows);
  ids.rows_ = rows;
  if (filter.size() != kFilterHeaderBytes + kFilterBlockBytes * ids.shape_.filter_blocks) {
    return std::nullopt;
  }
  ids.filter_ = filter.data() + kFilterHeaderBytes;
  const auto ends = PackedColumn::parse(table, ids.shape_.buckets());
  if (!ends) return std::nullopt;
  const uint64_t entry_bytes = (uint64_t{rows} * ids.shape_.entry_bits() + 7) / 8;
  if (table.size() != ends->bytes() + entry_bytes + kLoadPad) return std::nullopt;
  ids.ends_ = *ends;
  ids.entries_ = table.data() + ends->bytes();
  return ids;
}

bool SegmentIds::filter_passes(uint64_t prefix) const {
  const std::byte* block = filter_block(prefix);
  const uint64_t probes = probes_of(prefix);
  bool all = true;
  for (unsigned i = 0; i < kProbes; ++i) {
    const uint32_t bit = probe(probes, i);
    all &= (std::to_integer<unsigned>(block[bit / 8]) >> (bit % 8) & 1) != 0;
  }
  return all;
}

std::optional<SegmentIds::Range> SegmentIds::bucket(uint32_t index) const {
  const uint64_t begin = index == 0 ? 0 : ends_[index - 1], end = ends_[index];
  if (begin > end || end > rows_) return std::nullopt;
  return Range{static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
}

void SegmentIds::find(std::span<const uint64_t> id_hashes,
                      std::vector<IdCandidate>& candidates) const {
  const uint64_t rest_mask = (uint64_t{1} << shape_.rest_bits) - 1;
  const uint64_t ordinal_mask = (uint64_t{1} << shape_.ordinal_bits) - 1;
  for (size_t first = 0; first < id_hashes.size(); first += kLookAhead) {
    const size_t last = std::min(first + kLookAhead, id_hashes.size());
    for (size_t i = first; i < last; ++i) {
      __builtin_prefetch(filter_block(id_prefix(id_hashes[i])));
    }
    for (size_t i = first; i < last; ++i) {
      const uint64_t prefix = id_prefix(id_hashes[i]);
      if (!filter_passes(prefix)) continue;
      const auto range = bucket(static_cast<uint32_t>(prefix >> shape_.rest_bits));
      if (!range) continue;
      for (uint32_t at = range->begin; at < range->end; ++at) {
        const uint64_t entry = load_packed(entries_, at, shape_.entry_bits());
        const uint64_t ordinal = entry & ordinal_mask;
        if (entry >> shape_.ordinal_bits == (prefix & rest_mask) && ordinal < rows_) {
          candidates.push_back({static_cast<uint32_t>(i), static_cast<Ordinal>(ordinal)});
        }
      }
    }
  }
}

bool SegmentIds::read_all(std::vector<IdEntry>& entries) const {
  const uint64_t ordinal_mask = (uint64_t{1} << shape_.ordinal_bits) - 1;
  std::vector<uint32_t> ends(shape_.buckets());
  ends_.read(0, shape_.buckets(), ends.data());
  uint32_t at = 0;
  for (uint32_t index = 0; index < shape_.buckets(); ++index) {
    if (ends[index] < at || ends[index] > rows_) return false;
    for (; at < ends[index]; ++at) {
      const uint64_t entry = load_packed(entries_, at, shape_.entry_bits());
      const uint64_t prefix = uint64_t{index} << shape_.rest_bits | entry >> shape_.ordinal_bits;
      const auto ordinal = static_cast<Ordinal>(entry & ordinal_mask);
      if (ordinal >= rows_) return false;
      entries.push_back(make_id_entry(prefix, ordinal));
    }
  }
  return at == rows_;
}

}  // namespace cairn::storage
