// A run (docs/format.md, "Dictionary"):
//   magic u16 | version u8 | zero u8 | size u32 | filter blocks u32 | zero u32 | checksum u64
//   | zeros up to 48 | filter blocks, 64 bytes each | 40-bit prefixes | ids u32 | 8 zeros
// and the directory, under key 0:
//   newest run u32, then for each run, oldest first: number u32, size u32; checksum u64
#include "storage/value_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/hash.h"
#include "storage/coding.h"
#include "storage/lmdb_env.h"

namespace cairn::storage {
namespace {

constexpr uint16_t kMagic = 0x7663;  // "cv"
constexpr uint8_t kVersion = 1;
// With LMDB's page header before it the filter begins at a cache line.
constexpr size_t kHeaderBytes = 48;
constexpr size_t kSizeAt = 4;
constexpr size_t kFilterBlocksAt = 8;
constexpr size_t kChecksumAt = 16;
constexpr size_t kFilterAt = kHeaderBytes;
constexpr size_t kBlockBytes = 64;
constexpr size_t kPrefixBytes = 5;
constexpr size_t kPaddingBytes = 8;  // an 8-byte load of the last prefix stays inside

// Bits of the filter for an entry, and how many of them it sets: about one in 200 strangers passes.
constexpr uint64_t kFilterBits = 12;
constexpr int kFilterProbes = 6;
constexpr unsigned kProbeBits = 9;  // a bit of a block's 512

// So many runs of one size class may be there beside each other.
constexpr size_t kRunsOfClass = 3;
constexpr unsigned kFirstClassBits = 12;  // class 0: under 2^14 entries; each class 4 times larger
// A merge holds the run it makes in memory, with 16 bytes an entry: at most about 60 MB.
constexpr uint32_t kMaxRunSize = 1u << 21;

unsigned size_class(uint64_t size) {
  return static_cast<unsigned>(std::bit_width(size >> kFirstClassBits)) / 2;
}

uint32_t filter_blocks_of(size_t size) {
  return static_cast<uint32_t>((size * kFilterBits + kBlockBytes * 8 - 1) / (kBlockBytes * 8));
}

// The prefix alone decides, so that a merge, which has no more, sets the same bits.
uint64_t filter_hash(uint64_t key) {
  uint64_t h = key >> 24;
  h *= 0xD6E8FEB86659FD93u;
  h ^= h >> 32;
  h *= 0xD6E8FEB86659FD93u;
  return h ^ (h >> 29);
}

// Multiplication maps the hash's upper half to a block; probes use 54 bits of another mixture.
size_t filter_block_of(uint64_t hash, uint32_t blocks) {
  return static_cast<size_t>(((hash >> 32) * blocks) >> 32);
}
uint64_t probe_bits(uint64_t hash) { return hash * 0x9E3779B97F4A7C15u; }

uint64_t run_checksum(std::span<const std::byte> bytes) {
  return hash64(as_chars(bytes.subspan(kChecksumAt + sizeof(uint64_t))),
                load_le<uint64_t>(bytes.data() + kSizeAt));
}

Error damaged(std::string_view what) {
  return make_error(ErrorCode::Corruption,
                    fmt::format("dictionary: {}; rebuild the index from the log", what));
}

Key run_key(uint32_t number) { return Key().u32(number); }

// The runs there are, oldest first.
struct Directory {
  struct Run {
    uint32_t number = 0;
    uint32_t size = 0;
  };
  uint32_t newest = 0;
  std::vector<Run> runs;

  std::string encode() const {
    RowWriter row;
    row.integer(newest);
    for (const Run& run : runs) row.integer(run.number).integer(run.size);
    return row.bytes() + RowWriter().integer(hash64(row.bytes())).bytes();
  }
};

// Txn: ReadTxn or WriteTxn.
template <class Txn>
Result<Directory> read_directory(const Txn& txn) {
  Directory directory;
  CAIRN_TRY_ASSIGN(const auto row, txn.get(Table::ValueIds, run_key(0).view()));
  if (!row) return directory;
  constexpr size_t kFixed = sizeof(uint32_t) + sizeof(uint64_t);
  const std::string_view bytes = as_chars(*row);
  if (bytes.size() < kFixed || (bytes.size() - kFixed) % (2 * sizeof(uint32_t)) != 0 ||
      hash64(bytes.substr(0, bytes.size() - sizeof(uint64_t))) !=
          load_le<uint64_t>(row->data() + bytes.size() - sizeof(uint64_t))) {
    return damaged("the list of value runs is damaged");
  }
  RowReader reader(*row);
  directory.newest = reader.integer<uint32_t>();
  while (reader.remaining() > sizeof(uint64_t)) {
    const auto number = reader.integer<uint32_t>();
    directory.runs.push_back({number, reader.integer<uint32_t>()});
  }
  return directory;
}

template <class Txn>
Result<ValueRun> open_run(const Txn& txn, const Directory::Run& run) {
  CAIRN_TRY_ASSIGN(const auto bytes, txn.get(Table::ValueIds, run_key(run.number).view()));
  const auto opened = bytes ? ValueRun::open(*bytes) : std::nullopt;
  if (!opened || opened->size() != run.size) {
    return damaged(fmt::format("value run {} is {}", run.number, bytes ? "damaged" : "missing"));
  }
  return *opened;
}

}  // namespace

std::optional<ValueRun> ValueRun::open(std::span<const std::byte> bytes) {
  if (bytes.size() < kHeaderBytes || load_le<uint16_t>(bytes.data()) != kMagic ||
      load_le<uint8_t>(bytes.data() + 2) != kVersion) {
    return std::nullopt;
  }
  ValueRun run;
  run.bytes_ = bytes;
  run.size_ = load_le<uint32_t>(bytes.data() + kSizeAt);
  run.filter_blocks_ = load_le<uint32_t>(bytes.data() + kFilterBlocksAt);
  const uint64_t expected = kHeaderBytes + uint64_t{run.filter_blocks_} * kBlockBytes +
                            uint64_t{run.size_} * (kPrefixBytes + sizeof(uint32_t)) + kPaddingBytes;
  if (run.filter_blocks_ != filter_blocks_of(run.size_) || bytes.size() != expected) {
    return std::nullopt;
  }
  run.filter_ = bytes.data() + kFilterAt;
  run.prefixes_ = run.filter_ + size_t{run.filter_blocks_} * kBlockBytes;
  run.ids_ = run.prefixes_ + size_t{run.size_} * kPrefixBytes;
  return run;
}

std::vector<std::byte> ValueRun::build(std::span<const RunEntry> sorted) {
  const uint32_t blocks = filter_blocks_of(sorted.size());
  const size_t prefixes_at = kHeaderBytes + size_t{blocks} * kBlockBytes;
  const size_t ids_at = prefixes_at + sorted.size() * kPrefixBytes;
  std::vector<std::byte> out(ids_at + sorted.size() * sizeof(uint32_t) + kPaddingBytes);
  store_le(out.data(), kMagic);
  store_le(out.data() + 2, kVersion);
  store_le(out.data() + kSizeAt, static_cast<uint32_t>(sorted.size()));
  store_le(out.data() + kFilterBlocksAt, blocks);
  for (size_t i = 0; i < sorted.size(); ++i) {
    const uint64_t prefix = prefix_of(sorted[i].key);
    std::memcpy(out.data() + prefixes_at + i * kPrefixBytes, &prefix, kPrefixBytes);
    store_le(out.data() + ids_at + i * sizeof(uint32_t), raw(sorted[i].id));
    const uint64_t hash = filter_hash(sorted[i].key);
    std::byte* const block = out.data() + kFilterAt + filter_block_of(hash, blocks) * kBlockBytes;
    uint64_t probes = probe_bits(hash);
    for (int k = 0; k < kFilterProbes; ++k, probes >>= kProbeBits) {
      block[probes % 512 / 8] |= std::byte{1} << (probes % 8);
    }
  }
  store_le(out.data() + kChecksumAt, run_checksum(out));
  return out;
}

bool ValueRun::checksum_fits() const {
  return load_le<uint64_t>(bytes_.data() + kChecksumAt) == run_checksum(bytes_);
}

const std::byte* ValueRun::filter_block(uint64_t key) const {
  return filter_ + filter_block_of(filter_hash(key), filter_blocks_) * kBlockBytes;
}

bool ValueRun::may_contain(uint64_t key) const {
  if (size_ == 0) return false;
  const uint64_t hash = filter_hash(key);
  const std::byte* const block = filter_ + filter_block_of(hash, filter_blocks_) * kBlockBytes;
  uint64_t probes = probe_bits(hash);
  for (int k = 0; k < kFilterProbes; ++k, probes >>= kProbeBits) {
    if ((block[probes % 512 / 8] & std::byte{1} << (probes % 8)) == std::byte{0}) return false;
  }
  return true;
}

uint64_t ValueRun::prefix(uint32_t index) const {
  constexpr uint64_t kMask = (uint64_t{1} << 8 * kPrefixBytes) - 1;
  return load_le<uint64_t>(prefixes_ + size_t{index} * kPrefixBytes) & kMask;
}

ValueId ValueRun::id(uint32_t index) const {
  return ValueId{load_le<uint32_t>(ids_ + size_t{index} * sizeof(uint32_t))};
}

// The first entry whose prefix is not smaller. Prefixes are spread evenly, so it is near where its
// share of all prefixes lies: about sqrt(size) away.
uint32_t ValueRun::lower_bound(uint64_t wanted) const {
  const auto guess = static_cast<uint32_t>((wanted >> 8) * size_ >> (8 * kPrefixBytes - 8));
  const auto window = static_cast<uint32_t>(4 * std::sqrt(static_cast<double>(size_))) + 4;
  uint32_t low = guess > window ? guess - window : 0;
  uint32_t high = size_ - guess > window ? guess + window : size_;
  if (low > 0 && prefix(low - 1) >= wanted) low = 0;
  if (high < size_ && prefix(high) < wanted) high = size_;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (prefix(middle) < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Result<std::vector<ValueRun>> open_runs(const ReadTxn& txn) {
  CAIRN_TRY_ASSIGN(const Directory directory, read_directory(txn));
  std::vector<ValueRun> runs;
  for (auto it = directory.runs.rbegin(); it != directory.runs.rend(); ++it) {
    CAIRN_TRY_ASSIGN(const ValueRun run, open_run(txn, *it));
    runs.push_back(run);
  }
  return runs;
}

Result<void> add_run(WriteTxn& txn, std::vector<RunEntry> entries) {
  if (entries.empty()) return {};
  CAIRN_TRY_ASSIGN(Directory directory, read_directory(txn));
  // The newest runs that are together too many of a class; the larger run they make may be one too
  // many of the next.
  auto& runs = directory.runs;
  size_t merged = 0;
  uint64_t size = entries.size();
  while (true) {
    size_t more = 0;
    uint64_t sum = size;
    while (merged + more < runs.size()) {
      const uint32_t next = runs[runs.size() - 1 - merged - more].size;
      if (size_class(next) > size_class(size)) break;
      sum += next;
      ++more;
    }
    if (more < kRunsOfClass || sum > kMaxRunSize) break;
    merged += more;
    size = sum;
  }
  entries.reserve(size);
  const auto before = [](const RunEntry& a, const RunEntry& b) {
    return std::pair(a.key >> 24, a.id) < std::pair(b.key >> 24, b.id);
  };
  std::sort(entries.begin(), entries.end(), before);
  for (size_t i = 0; i < merged; ++i) {
    CAIRN_TRY_ASSIGN(const ValueRun run, open_run(txn, runs.back()));
    if (!run.checksum_fits()) {
      return damaged(fmt::format("value run {} does not fit its checksum", runs.back().number));
    }
    const auto sorted = static_cast<ptrdiff_t>(entries.size());
    for (uint32_t k = 0; k < run.size(); ++k) entries.push_back(run.entry(k));
    std::inplace_merge(entries.begin(), entries.begin() + sorted, entries.end(), before);
    CAIRN_TRY(txn.erase(Table::ValueIds, run_key(runs.back().number).view()));
    runs.pop_back();
  }
  ++directory.newest;
  runs.push_back({directory.newest, static_cast<uint32_t>(entries.size())});
  CAIRN_TRY(txn.put(Table::ValueIds, run_key(directory.newest).view(), ValueRun::build(entries)));
  return txn.put(Table::ValueIds, run_key(0).view(), directory.encode());
}

}  // namespace cairn::storage
